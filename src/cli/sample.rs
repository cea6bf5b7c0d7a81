//! `metricc sample`: writes sample data of a made-up world.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Context, Exit, Outcome};
use crate::diagnostic::Diagnostic;
use crate::error;
use crate::sample::{CsvSink, INCIDENTS_FILE, SampleError, TableDef, World, table, tables};

/// Make sample data for this library: a coherent world at any size, the same bytes for the same numbers.
#[derive(clap::Args, Debug, Clone)]
pub struct Args {
    /// About how many rows to make, over all tables
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub rows: u64,
    /// Which world: another number, other people
    #[arg(long, value_name = "S", default_value_t = 42)]
    pub seed: u64,
    /// How many days, from 2026-09-01 on
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
    /// The files' format
    #[arg(long, value_enum, default_value_t = SampleFormat::Csv)]
    pub format: SampleFormat,
    /// Only these tables
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    pub tables: Vec<String>,
    /// The folder to write to; files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// A file format of sample data.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleFormat {
    /// Text, one file a table
    Csv,
    /// Columnar files, one a table
    Parquet,
}

impl SampleFormat {
    fn extension(self) -> &'static str {
        match self {
            SampleFormat::Csv => "csv",
            SampleFormat::Parquet => "parquet",
        }
    }
}

/// Makes the samples and says what was made.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let mut said = Vec::new();
    write(args, &mut said).map_err(|failure| told(&failure))?;
    context.print(&String::from_utf8_lossy(&said))?;
    Ok(Exit::Clean)
}

fn told(failure: &SampleError) -> Diagnostic {
    error!(E0950, None, "no samples were made: {failure}"; help: "nothing that was there before has changed")
}

/// Writes the tables to a folder beside the files' place, then moves them there, and says so on `out`.
///
/// When it fails, the files that were there before are as they were.
///
/// # Errors
/// Where a table is unknown, the format is not in this build, or a file cannot be written.
fn write(args: &Args, out: &mut dyn Write) -> Result<(), SampleError> {
    let wanted: Vec<&TableDef> = match args.tables.as_slice() {
        [] => tables().iter().collect(),
        names => names.iter().map(|name| table(name)).collect::<Result<_, _>>()?,
    };
    let world = World::new(args.rows, args.seed, args.days);
    fs::create_dir_all(&args.out).map_err(|source| io_error(&args.out, source))?;
    let staging = tempfile::Builder::new()
        .prefix(".sample-")
        .tempdir_in(&args.out)
        .map_err(|source| io_error(&args.out, source))?;
    let mut files = Vec::new();
    let mut rows = 0;
    for table in wanted {
        let name = format!("{}.{}", table.file, args.format.extension());
        let aside = staging.path().join(&name);
        let target = args.out.join(&name);
        rows += write_file(&world, table, args.format, &aside).map_err(|error| error.at(&target))?;
        files.push((aside, target));
    }
    // Of some tables alone nothing else is written.
    if args.tables.is_empty() {
        let (aside, target) = (staging.path().join(INCIDENTS_FILE), args.out.join(INCIDENTS_FILE));
        fs::write(&aside, world.incidents()).map_err(|source| io_error(&target, source))?;
        files.push((aside, target));
    }
    for (aside, target) in &files {
        fs::rename(aside, target).map_err(|source| io_error(target, source))?;
    }
    writeln!(out, "{} files with {rows} rows in {}", files.len(), args.out.display())?;
    Ok(())
}

fn io_error(path: &Path, source: std::io::Error) -> SampleError {
    SampleError::Io { path: path.to_owned(), source }
}

fn write_file(world: &World, table: &TableDef, format: SampleFormat, path: &Path) -> Result<u64, SampleError> {
    match format {
        SampleFormat::Csv => {
            let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
            let mut sink = CsvSink::new(table, file)?;
            let rows = world.write_table(table.name, &mut sink)?;
            let file = sink.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.sync_all()?;
            Ok(rows)
        }
        #[cfg(feature = "dry-run")]
        SampleFormat::Parquet => {
            let mut sink = crate::sample::ParquetSink::new(table, File::create(path)?)?;
            let rows = world.write_table(table.name, &mut sink)?;
            sink.finish()?.sync_all()?;
            Ok(rows)
        }
        #[cfg(not(feature = "dry-run"))]
        SampleFormat::Parquet => Err(SampleError::Unsupported(
            "this build cannot write Parquet: build it with the feature `dry-run`, or ask for `--format csv`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(out: &Path) -> Args {
        Args { rows: 300, seed: 1, days: 5, format: SampleFormat::Csv, tables: Vec::new(), out: out.to_owned() }
    }

    #[test]
    fn a_second_run_replaces_the_files_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new").join("samples");
        let mut said = Vec::new();
        write(&args(&out), &mut said).unwrap();
        let first = fs::read(out.join("event.csv")).unwrap();
        write(&args(&out), &mut Vec::new()).unwrap();
        assert_eq!(fs::read(out.join("event.csv")).unwrap(), first);
        write(&Args { seed: 2, ..args(&out) }, &mut Vec::new()).unwrap();
        assert_ne!(fs::read(out.join("event.csv")).unwrap(), first);
        assert_eq!(fs::read_dir(&out).unwrap().count(), tables().len() + 1);
        assert!(fs::read_to_string(out.join(INCIDENTS_FILE)).unwrap().starts_with("start,end,name,"));
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with(&format!("{} files with ", tables().len() + 1)), "{said}");
    }

    #[test]
    fn only_the_wanted_tables_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let only = Args { tables: vec!["order".to_owned(), "user".to_owned()], ..args(folder.path()) };
        write(&only, &mut Vec::new()).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["dim_user.csv", "order.csv"]);
    }

    #[test]
    fn an_unknown_table_is_named_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = Args { tables: vec!["user".to_owned(), "usr".to_owned()], ..args(folder.path()) };
        let error = write(&wrong, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("the sample has no table `usr`; it has user, "), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        fs::write(&file, "x").unwrap();
        let error = write(&args(&file), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("cannot write `"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"x");
    }
}
