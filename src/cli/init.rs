//! `metricc init`: a small project to start from.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use chrono_tz::Tz;

use super::{Context, Exit, Outcome};
use crate::{diagnostic::Diagnostic, error, project::io_message};

/// Make a small project that checks, builds and passes its tests
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder to make it in; files that are there are never overwritten
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The project's name [default: that of the folder]
    #[arg(long)]
    name: Option<String>,
    /// The zone in which its days begin
    #[arg(long, value_name = "ZONE", default_value_t = Tz::UTC)]
    timezone: Tz,
}

/// Path and text of each file.
const FILES: &[(&str, &str)] = &[
    ("metricc.yaml", include_str!("init/template/metricc.yaml")),
    ("metrics/tables.metric", include_str!("init/template/tables.metric")),
    ("metrics/sales.metric", include_str!("init/template/sales.metric")),
    ("dimensions/order.metric", include_str!("init/template/order.dimensions.metric")),
    ("targets/clickhouse.yaml", include_str!("init/template/clickhouse.yaml")),
    ("samples/user.csv", include_str!("init/template/user.csv")),
    ("samples/order.csv", include_str!("init/template/order.csv")),
    (".gitignore", include_str!("init/template/gitignore")),
];

/// Makes the files, or none of them.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let name = match &args.name {
        Some(name) if !name.trim().is_empty() => name.clone(),
        _ => folder_name(&args.dir),
    };
    // An ignore file of the repository around us may stay.
    let there = |path: &str| args.dir.join(path).symlink_metadata().is_ok();
    if let Some((path, _)) = FILES.iter().find(|(path, _)| *path != ".gitignore" && there(path)) {
        let path = args.dir.join(path);
        return Err(error!(E0037, None, "`{}` is there already", path.display(); help: "name another folder").into());
    }
    let mut made = Vec::new();
    for (path, template) in FILES {
        if there(path) {
            continue;
        }
        let text = template
            .replace("{name}", &serde_json::Value::from(name.as_str()).to_string())
            .replace("{timezone}", args.timezone.name());
        let path = args.dir.join(path);
        if let Err(failure) = make(&path, &text) {
            // A disk that is full half-way leaves no half of a project.
            made.push(path.clone());
            made.iter().for_each(|path| drop(fs::remove_file(path)));
            return Err(not_made(&path, &failure).into());
        }
        made.push(path);
    }
    made.iter().for_each(|path| context.note(&format!("made {}", path.display())));
    context.note(&format!("\nnext: cd {} && metricc check", for_shell(&args.dir.display().to_string())));
    Ok(Exit::Clean)
}

/// A path as a shell takes it.
fn for_shell(path: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-./".contains(letter);
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// The name of the folder, also for `.` and `..`.
fn folder_name(dir: &Path) -> String {
    let whole = fs::canonicalize(dir).or_else(|_| std::path::absolute(dir)).unwrap_or_else(|_| dir.to_owned());
    whole.file_name().map_or_else(|| "metrics".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Makes a file that must not be there, and its folders.
fn make(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

fn not_made(path: &Path, failure: &io::Error) -> Diagnostic {
    error!(E0038, None, "`{}` can't be made: {}", path.display(), io_message(failure); help: "name a folder that can be written")
}
