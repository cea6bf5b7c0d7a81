//! Which files hold a table's sample.

use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::error;
use crate::plan::Table;

/// How a sample is written, by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Comma-separated text.
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// Parquet.
    Parquet,
}

/// The endings, in the order in which a sample is looked for.
const ENDINGS: [(&str, Format); 5] = [
    ("csv", Format::Csv),
    ("ndjson", Format::Ndjson),
    ("jsonl", Format::Ndjson),
    ("parquet", Format::Parquet),
    ("json", Format::Ndjson),
];

/// The form of a file, by its name.
fn format_of(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
}

/// The files of a table's sample, in order.
#[derive(Debug)]
pub struct Files {
    /// How they are written.
    pub format: Format,
    /// Each, and its name for people.
    pub paths: Vec<(PathBuf, String)>,
}

/// Looks the sample of `table` up in the folder `dir`: the file it declares, else one with that name and another ending
/// (a folder counts as its parts).
pub fn find(table: &Table, dir: &Path) -> Result<Files, Diagnostic> {
    let declared = PathBuf::from(table.sample.clone().unwrap_or_else(|| table.name.clone()));
    let exact = dir.join(&declared);
    if table.sample.is_some() && exact.exists() {
        return files(&exact, &declared.display().to_string());
    }
    let stem = if format_of(&declared).is_some() { declared.with_extension("") } else { declared.clone() };
    let others: Vec<PathBuf> = ENDINGS
        .iter()
        .map(|(ending, _)| PathBuf::from(format!("{}.{ending}", stem.display())))
        .chain(std::iter::once(stem.clone()))
        .filter(|path| *path != declared || table.sample.is_none())
        .filter(|path| dir.join(path).exists())
        .collect();
    match others.as_slice() {
        [only] => files(&dir.join(only), &only.display().to_string()),
        [] if table.sample.is_none() => Err(error!(E0901, None, "`{}` declares no sample", table.name;
            help: ("write `sample: \"{}.csv\"` into its declaration, and put the file into `{}`", table.name, dir.display()))),
        [] => Err(
            error!(E0902, None, "the sample `{}` of `{}` is not in `{}`", declared.display(), table.name, dir.display();
            help: "put it there, name another folder with `--data DIR`, or make samples with `metricc sample`"),
        ),
        [first, second, ..] => Err(error!(E0904, None, "both `{}` and `{}` could be the sample of `{}`",
            first.display(), second.display(), table.name; help: "keep one of them")),
    }
}

/// The file, or the parts of a folder.
fn files(path: &Path, shown: &str) -> Result<Files, Diagnostic> {
    if !path.is_dir() {
        let Some(format) = format_of(path) else {
            return Err(error!(E0904, None, "the ending of `{shown}` tells no known form";
                help: "a sample ends in `.csv`, `.ndjson`, `.jsonl` or `.parquet`"));
        };
        return Ok(Files { format, paths: vec![(path.to_owned(), shown.to_owned())] });
    }
    let unreadable = |error: std::io::Error| error!(E0903, None, "the folder `{shown}` cannot be read: {error}"; help: "look at its permissions");
    let mut parts: Vec<(PathBuf, String, Format)> = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let part = entry.map_err(unreadable)?.path();
        let name = part.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let (false, Some(format)) = (name.starts_with(['.', '_']), format_of(&part)) {
            parts.push((part, format!("{shown}/{name}"), format));
        }
    }
    parts.sort();
    let Some(format) = parts.first().map(|(_, _, format)| *format) else {
        return Err(error!(E0917, None, "the folder `{shown}` holds no part of a sample";
            help: "put `.csv`, `.ndjson` or `.parquet` files into it"));
    };
    if let Some((_, other, _)) = parts.iter().find(|(_, _, other)| *other != format) {
        return Err(error!(E0917, None, "`{}` and `{other}` are parts of different forms", parts[0].1;
            help: "a folder holds parts of one form"));
    }
    Ok(Files { format, paths: parts.into_iter().map(|(path, shown, _)| (path, shown)).collect() })
}
