//! A side of a comparison: the project as it is now, or in a revision of git, or in another folder, or what its lock says.

use std::path::{Path, PathBuf};

use super::locked::{self, Locking};
use super::{Context, Stop, ready::Ready};
use crate::caliber::{self, LOCK_FILE, Lock, Said, calibers_of};
use crate::compile::{Parsed, check, parse, parse_both};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::error;
use crate::lineage::Graph;
use crate::project::{CONFIG_FILE, DiskFiles, Files, GitFiles, Project, Repository, SourceMap, load};
use crate::stack;

/// Which side is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The files of the project as they are.
    Here,
    /// A revision of git: what it is called, and what git is asked for.
    Revision(String, String),
    /// The project in another folder.
    Folder(PathBuf),
    /// `metricc.lock` beside the project's files.
    Lock,
}

/// The word that stands for the lock.
const LOCK: &str = "lock";

/// What leads from a newest common commit to the other side.
const SINCE: &str = "...";

impl Side {
    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Side::Here => "the working tree".to_owned(),
            Side::Revision(name, _) => name.clone(),
            Side::Folder(folder) => folder.display().to_string(),
            Side::Lock => LOCK_FILE.to_owned(),
        }
    }

    /// Both sides of a comparison. Without words: `HEAD` and the files as they are; with one, that and the files; `A...B` starts at
    /// the newest commit that both have.
    pub fn both(words: &[String], root: &Path) -> Result<(Side, Side), Stop> {
        if words.iter().any(|word| word.trim().is_empty() || word == SINCE) {
            // The files would be compared with themselves, which never fails.
            return Err(error!(E0052, None, "a side has no name";
                help: "is the variable set that names it? `metricc diff` alone compares `HEAD` with the files as they are").into());
        }
        if let [one] = words
            && let Some((base, head)) = one.split_once(SINCE)
        {
            let named = |word: &str| if word.is_empty() { "HEAD".to_owned() } else { word.to_owned() };
            let (base, head) = (named(base), named(head));
            let commit = Repository::of(root)?.merge_base(&base, &head)?;
            let short: String = commit.chars().take(10).collect();
            return Ok((
                Side::Revision(format!("{short} ({base}...{head})"), commit),
                Side::Revision(head.clone(), head),
            ));
        }
        let side = |word: Option<&String>, other: Side| word.map_or(Ok(other), |word| Side::read(word, root));
        let head = || Side::Revision("HEAD".to_owned(), "HEAD".to_owned());
        Ok((side(words.first(), head())?, side(words.get(1), Side::Here)?))
    }

    /// The side that a word names: `lock`, a folder with a `metricc.yaml`, or else a revision. What git knows by this name is the
    /// revision, unless it is written as a path: `./shop`.
    fn read(word: &str, root: &Path) -> Result<Side, Stop> {
        if word == LOCK {
            return Ok(Side::Lock);
        }
        let (path, is_path) = (Path::new(word), is_path(word));
        let is_project = path.join(CONFIG_FILE).is_file();
        let revision = || Side::Revision(word.to_owned(), word.to_owned());
        if !is_project && !is_path {
            return Ok(revision());
        }
        let is_revision = !is_path && Repository::of(root).is_ok_and(|git| git.commit(word).is_ok());
        Ok(if is_revision { revision() } else { Side::Folder(path.to_owned()) })
    }

    /// Reads it. The files of a revision were asked of git with those of the other side.
    fn read_side(&self, root: &Path, revision: Option<Result<GitFiles, Wrong>>) -> Result<Read, Refused> {
        match self {
            Side::Here => self.project(&DiskFiles::new(root)),
            Side::Folder(folder) => self.project(&DiskFiles::new(folder)),
            Side::Revision(_, name) => {
                let files = revision.unwrap_or_else(|| Repository::of(root).and_then(|git| git.files(name)));
                self.project(&files.map_err(|wrong| self.refuse(None, [*wrong].into_iter().collect()))?)
            }
            Side::Lock => Ok(Read::Lock(self.lock(root)?)),
        }
    }

    fn project(&self, files: &dyn Files) -> Result<Read, Refused> {
        match load(files) {
            (Some(project), found) => Ok(Read::Project(Box::new(project), found)),
            (None, found) => Err(self.refuse(None, found)),
        }
    }

    /// Compiles what there is to be compiled.
    fn checked(&self, read: Read, parsed: Option<Parsed>) -> Result<Checked, Refused> {
        let (project, mut found) = match read {
            Read::Project(project, found) => (*project, found),
            Read::Lock(lock) => return Ok(Checked::Lock(lock)),
        };
        let (compiled, more) = check(&project, parsed.unwrap_or_else(|| parse(&project)));
        found.extend(more);
        if found.has_errors() {
            return Err(self.refuse(Some(&project), found));
        }
        Ok(Checked::Program(Box::new(Ready { project, compiled })))
    }

    fn lock(&self, root: &Path) -> Result<Lock, Refused> {
        let bytes = DiskFiles::new(root).read(LOCK_FILE);
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|reason| {
            let wrong = match reason {
                crate::project::FileError::Missing => error!(E0043, None, "there is no `{LOCK_FILE}` to compare with";
                    help: "run `metricc lock`, and commit the file"),
                reason => error!(E0002, None, "`{LOCK_FILE}` can't be read: {reason}"; help: "restore it from version control"),
            };
            self.refuse(None, [wrong].into_iter().collect())
        })?;
        let mut sources = SourceMap::new();
        let file = sources.add(LOCK_FILE, text.clone());
        let (lock, mut found) = caliber::parse(file, &text);
        if found.is_empty() && !lock.same_form {
            found
                .push(error!(E0042, None, "`{LOCK_FILE}` was written by a version of metricc that compared otherwise";
                help: "run `metricc lock`, or name a revision"));
        }
        if found.is_empty() {
            return Ok(lock);
        }
        Err(Refused { name: self.name(), sources: Box::new(sources), root: root.to_owned(), diagnostics: found })
    }

    /// Why it can't be compared: its errors, with paths that name the revision.
    fn refuse(&self, project: Option<&Project>, found: Diagnostics) -> Refused {
        // A revision is no folder, so its files stand by themselves.
        let here = PathBuf::from(".");
        let (prefix, root) = match self {
            Side::Revision(name, _) => (format!("{name}:"), here),
            _ => (String::new(), project.map_or(here, |project| project.root.clone())),
        };
        let mut sources = SourceMap::new();
        for (_, file) in project.iter().flat_map(|project| project.sources.iter()) {
            sources.add(format!("{prefix}{}", file.path), file.text.clone());
        }
        let is_error = |one: &crate::diagnostic::Diagnostic| one.severity() == Severity::Error;
        let mut diagnostics: Diagnostics = found.into_iter().filter(is_error).collect();
        diagnostics.sort();
        Refused { name: self.name(), sources: Box::new(sources), root, diagnostics }
    }
}

/// What a side holds.
#[derive(Debug)]
pub enum Loaded {
    /// A program without errors.
    Program(Box<Program>),
    /// Names with their fingerprints and what they said.
    Lock(Lock),
}

/// A program of a side.
#[derive(Debug)]
pub struct Program {
    /// As read and understood.
    pub ready: Ready,
    /// What everything means.
    pub locking: Locking,
    /// What reads what; of two programs only the later one is asked.
    pub graph: Option<Graph>,
}

/// A side that can't be compared.
#[derive(Debug)]
pub struct Refused {
    /// What it is called.
    pub name: String,
    /// The texts that its errors are about.
    pub sources: Box<SourceMap>,
    /// The folder that their paths start at.
    pub root: PathBuf,
    /// Its errors.
    pub diagnostics: Diagnostics,
}

/// Whether a word is written as a path.
fn is_path(word: &str) -> bool {
    Path::new(word).is_absolute() || word == "." || word.starts_with("./") || word.starts_with("..")
}

/// The folder of the later side, where both are named as folders with a project: they need no other one.
pub fn of_folders(words: &[String]) -> Option<PathBuf> {
    let [base, head] = words else { return None };
    let is_project = |word: &str| is_path(word) && Path::new(word).join(CONFIG_FILE).is_file();
    (is_project(base) && is_project(head)).then(|| PathBuf::from(head))
}

impl Context {
    /// The folder of the project, whether or not its files are right.
    pub fn root(&self) -> Result<PathBuf, Stop> {
        // Where there are threads already, they have less stack, and only make room more often.
        let _ = rayon::ThreadPoolBuilder::new().stack_size(stack::OF_THREAD).build_global();
        Ok(self.files(None)?.root().to_owned())
    }
}

/// What a side has to be compared, not compiled yet.
enum Read {
    /// With what is wrong with its files.
    Project(Box<Project>, Diagnostics),
    Lock(Lock),
}

/// A side without errors.
enum Checked {
    Program(Box<Ready>),
    Lock(Lock),
}

impl Checked {
    /// With what everything means, and what reads what.
    fn loaded(self, said: Option<Said>, with_graph: bool) -> Loaded {
        let ready = match self {
            Checked::Program(ready) => *ready,
            Checked::Lock(lock) => return Loaded::Lock(lock),
        };
        let Ready { project, compiled } = &ready;
        let said = said.unwrap_or_else(|| Said::of(&compiled.files));
        let (calibers, graph) = rayon::join(
            || stack::enough(|| calibers_of(&compiled.files, &said, &compiled.model)),
            || with_graph.then(|| Graph::of(&compiled.files, &compiled.model)),
        );
        let settings = locked::settings(&project.config);
        let locking = Locking { settings, calibers, comparison: None, text: None };
        Loaded::Program(Box::new(Program { ready, locking, graph }))
    }
}

/// What is wrong with a repository or a revision.
type Wrong = Box<Diagnostic>;

/// Both sides, each read and compiled beside the other; or those that can't be compared. What both have to the byte is read, parsed
/// and put into words once.
pub fn load_both(base: &Side, head: &Side, root: &Path) -> Result<(Loaded, Loaded), Vec<Refused>> {
    let (before, after) = read_both(base, head, root);
    let (one, other) = match (&before, &after) {
        (Ok(Read::Project(one, _)), Ok(Read::Project(other, _))) => {
            let (one, other) = parse_both(one, other);
            (Some(one), Some(other))
        }
        _ => (None, None),
    };
    let checked = rayon::join(
        || before.and_then(|read| base.checked(read, one)),
        || after.and_then(|read| head.checked(read, other)),
    );
    let (before, after) = match checked {
        (Ok(before), Ok(after)) => (before, after),
        (before, after) => return Err([before.err(), after.err()].into_iter().flatten().collect()),
    };
    // How large a program may be is known only now that it was checked.
    let (one, other) = match (&before, &after) {
        (Checked::Program(one), Checked::Program(other)) => {
            let (one, other) = Said::of_both(&one.compiled.files, &other.compiled.files);
            (Some(one), Some(other))
        }
        _ => (None, None),
    };
    // What is made of what, the later program tells.
    let is_later = matches!(after, Checked::Lock(_));
    Ok(rayon::join(|| before.loaded(one, is_later), || after.loaded(other, true)))
}

fn read_both(base: &Side, head: &Side, root: &Path) -> (Result<Read, Refused>, Result<Read, Refused>) {
    let (Side::Revision(_, one), Side::Revision(_, other)) = (base, head) else {
        return rayon::join(|| base.read_side(root, None), || head.read_side(root, None));
    };
    let (one, other) = match Repository::of(root) {
        Ok(git) => git.files_of_both(one, other),
        Err(wrong) => (Err(wrong.clone()), Err(wrong)),
    };
    rayon::join(|| base.read_side(root, Some(one)), || head.read_side(root, Some(other)))
}
