//! A project as it is in a revision of git, read by way of the program `git`: nothing is checked out, and nothing is written.

mod objects;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use super::{FileError, Files, Listing, io_message};
use crate::diagnostic::Diagnostic;
use crate::error;
use crate::suggest::near;

use objects::Objects;
use tree::{Found, Tree};

/// A repository, seen from the folder of a project in it.
#[derive(Clone, Debug)]
pub struct Repository {
    /// The folder of the project.
    folder: PathBuf,
    /// What leads from the top of the repository to it: empty, or `shop/`.
    prefix: String,
    /// Whether history was cut off when it was cloned.
    is_shallow: bool,
}

/// What goes wrong with a repository or a revision.
type Wrong = Box<Diagnostic>;

impl Repository {
    /// The repository that holds a folder.
    pub fn of(folder: &Path) -> Result<Repository, Wrong> {
        let asked = ["rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--show-prefix"];
        let told = run(folder, &asked)?;
        let shown = folder.display();
        if !told.status.success() {
            let why = first_line(&told.stderr);
            return Err(Box::new(if why.contains("not a git repository") {
                error!(E0051, None, "`{}` is not in a git repository", shown;
                    help: "name folders with a `metricc.yaml` instead of revisions, or run `git init`")
            } else {
                refused(&why)
            }));
        }
        let text = String::from_utf8(told.stdout)
            .map_err(|_| error!(E0054, None, "the path of `{}` is not UTF-8", shown; help: "rename its folders"))?;
        let mut lines = text.split('\n');
        let (inside, is_shallow) = (lines.next() == Some("true"), lines.next() == Some("true"));
        if !inside {
            return Err(Box::new(error!(E0051, None, "`{}` is in no working tree of a git repository", shown;
                help: "run it in a clone that is not bare, and outside of its `.git`")));
        }
        let prefix = lines.next().unwrap_or_default().to_owned();
        Ok(Repository { folder: folder.to_owned(), prefix, is_shallow })
    }

    /// The commit that a revision names: a branch, a tag, `HEAD~2`, a hash.
    pub fn commit(&self, revision: &str) -> Result<String, Wrong> {
        // Git would take it for an option.
        if revision.starts_with('-') || revision.is_empty() || revision.contains(['\n', '\0']) {
            return Err(Box::new(error!(E0052, None, "`{revision}` can't be the name of a revision";
                help: "name a branch, a tag or a commit")));
        }
        let told = run(&self.folder, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
        let hash = first_line(&told.stdout);
        // Of `^main` git tells a hash with a sign before it.
        let is_hash = !hash.is_empty() && hash.chars().all(|c| c.is_ascii_hexdigit());
        if told.status.success() && is_hash { Ok(hash) } else { Err(self.unknown(revision)) }
    }

    /// The newest commit that both have in their history.
    pub fn merge_base(&self, base: &str, head: &str) -> Result<String, Wrong> {
        let (a, b) = (self.commit(base)?, self.commit(head)?);
        let told = run(&self.folder, &["merge-base", &a, &b])?;
        let hash = first_line(&told.stdout);
        if told.status.success() && !hash.is_empty() {
            return Ok(hash);
        }
        Err(Box::new(if self.is_shallow {
            error!(E0055, None, "this clone is shallow: it does not reach back to where `{base}` and `{head}` parted"; help: FETCH)
        } else {
            error!(E0058, None, "`{base}` and `{head}` have no commit in common"; help: ("compare them as they are: `metricc diff {base} {head}`"))
        }))
    }

    /// The project as it was in a revision.
    pub fn files(&self, revision: &str) -> Result<GitFiles, Wrong> {
        let mut objects = Objects::start(&self.folder)?;
        let mut listed = self.listed(revision)?;
        read(&mut objects, [&mut listed])?;
        self.with_texts(listed, revision, &objects)
    }

    /// The project as it was in two revisions. What both have is read once, and shared.
    pub fn files_of_both(&self, one: &str, other: &str) -> (Result<GitFiles, Wrong>, Result<GitFiles, Wrong>) {
        // It starts while others list what it will be asked for.
        let mut objects = match Objects::start(&self.folder) {
            Ok(objects) => objects,
            Err(wrong) => return (Err(wrong.clone()), Err(wrong)),
        };
        let mut listed = rayon::join(|| self.listed(one), || self.listed(other));
        if let Err(wrong) = read(&mut objects, listed.0.iter_mut().chain(&mut listed.1)) {
            return (listed.0.and(Err(wrong.clone())), listed.1.and(Err(wrong)));
        }
        let files = |listed: Result<Listed, Wrong>, revision: &str| self.with_texts(listed?, revision, &objects);
        (files(listed.0, one), files(listed.1, other))
    }

    /// The files of a revision, none of which is read yet.
    fn listed(&self, revision: &str) -> Result<Listed, Wrong> {
        let commit = self.commit(revision)?;
        let listed = |paths: &str| {
            let told = run(&self.folder, &["ls-tree", "-r", "-z", "--full-tree", &format!("{commit}:{paths}")])?;
            if told.status.success() { Ok(told.stdout) } else { Err(self.no_project(revision)) }
        };
        let mut tree = Tree::new(&self.prefix, &listed(&self.prefix)?);
        if tree.has_links() && !self.prefix.is_empty() {
            // They may lead to other folders of the repository.
            tree = Tree::new("", &listed("")?);
        }
        Ok(Listed { commit, tree, prefix: self.prefix.clone(), found: Found::default() })
    }

    fn with_texts(&self, listed: Listed, revision: &str, objects: &Objects) -> Result<GitFiles, Wrong> {
        let Listed { commit, found: Found { files, folders }, .. } = listed;
        let entry = |path: &str, file: Result<String, FileError>| match file {
            Err(reason) => Entry::Problem(reason),
            // The object may have been read for another file.
            Ok(_) if !is_read(path) => Entry::Other,
            Ok(object) => match objects.get(&object) {
                Some(Ok(text)) => Entry::Text(text.clone()),
                Some(Err(reason)) => Entry::Problem(reason.clone()),
                None => Entry::Other,
            },
        };
        let entries: BTreeMap<String, Entry> =
            files.into_iter().map(|(path, file)| (path.clone(), entry(&path, file))).collect();
        if !entries.contains_key(crate::project::CONFIG_FILE) {
            return Err(self.no_project(revision));
        }
        Ok(GitFiles { root: self.folder.clone(), commit, entries, folders })
    }

    fn no_project(&self, revision: &str) -> Wrong {
        let place = if self.prefix.is_empty() { "at its top".to_owned() } else { format!("in `{}`", self.prefix) };
        Box::new(error!(E0053, None, "there is no project {place} in `{revision}`";
            help: "name a revision that has this folder with its `metricc.yaml`, or compare folders"))
    }

    fn unknown(&self, revision: &str) -> Wrong {
        let told = run(
            &self.folder,
            &["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags", "refs/remotes"],
        );
        let known = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default();
        let range = revision.split_once("..").filter(|(base, head)| !base.is_empty() && !head.is_empty());
        if let Some((base, head)) = range {
            let head = head.trim_start_matches('.');
            return Box::new(error!(E0052, None, "git knows no revision `{revision}`";
                help: ("a range is no revision: write `{base} {head}`, or `{base}...{head}` alone for what was done since they parted")));
        }
        let remote = known.lines().find(|name| name.split_once('/').is_some_and(|(_, name)| name == revision));
        if let Some(close) = remote.or_else(|| near(revision, known.lines())) {
            return Box::new(
                error!(E0052, None, "git knows no revision `{revision}`"; help: ("did you mean `{close}`?")),
            );
        }
        if self.is_shallow {
            return Box::new(
                error!(E0055, None, "git knows no revision `{revision}`, and this clone is shallow"; help: FETCH),
            );
        }
        let help = match known.lines().count() {
            0 if revision == "HEAD" => "there is no commit yet: make one",
            _ => "name a branch, a tag or a commit of this repository, or fetch it first",
        };
        Box::new(error!(E0052, None, "git knows no revision `{revision}`"; help: help))
    }
}

/// What makes a shallow clone whole.
const FETCH: &str = "fetch all of its history: `fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` of GitLab, or `git fetch --unshallow`";

/// Whether a text of a project may have this name.
fn is_read(path: &str) -> bool {
    path.ends_with(".metric")
        || (path.starts_with("targets/") && path.ends_with(".yaml"))
        || [crate::project::CONFIG_FILE, "metricc.lock"].contains(&path)
}

fn refused(why: &str) -> Diagnostic {
    error!(E0054, None, "git refused: {}", why.trim_start_matches("fatal: ");
        help: "the same command of git tells more; in a container the folder may belong to another user: `git config --global --add safe.directory FOLDER`")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // In a hook git names its own repository, of which any folder would be the top; it is looked for from the folder instead.
    for place in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_INDEX_FILE"] {
        command.env_remove(place);
    }
    // Messages are looked at, so they are asked for in one language; and a reader takes no locks.
    command.arg("-C").arg(folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    command
}

fn run(folder: &Path, args: &[&str]) -> Result<Output, Wrong> {
    command(folder).args(args).stdin(Stdio::null()).output().map_err(|failure| not_started(&failure))
}

fn not_started(failure: &std::io::Error) -> Wrong {
    Box::new(error!(E0050, None, "`git` can't be run: {}", io_message(failure);
        help: "install git, or compare folders: `metricc diff ./before ./after`"))
}

fn first_line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().trim().to_owned()
}

/// What git lists of a revision.
struct Listed {
    commit: String,
    tree: Tree,
    /// The folder of the project in it.
    prefix: String,
    /// Its files, once it is known where links lead.
    found: Found,
}

/// Reads all that is to be known of some revisions.
fn read<'a>(objects: &mut Objects, all: impl IntoIterator<Item = &'a mut Listed>) -> Result<(), Wrong> {
    let all: Vec<&mut Listed> = all.into_iter().collect();
    objects.read(all.iter().flat_map(|listed| listed.tree.links()).collect())?;
    let mut wanted = Vec::new();
    for listed in all {
        for link in listed.tree.links() {
            let target = objects.get(&link).and_then(|bytes| bytes.as_deref().ok());
            listed.tree.leads(&link, target);
        }
        listed.found = listed.tree.walk(&listed.prefix);
        let files = listed.found.files.iter().filter(|(path, _)| is_read(path));
        wanted.extend(files.filter_map(|(_, file)| file.clone().ok()));
    }
    objects.read(wanted)
}

/// The files of a project in one revision.
#[derive(Clone, Debug)]
pub struct GitFiles {
    root: PathBuf,
    commit: String,
    entries: BTreeMap<String, Entry>,
    folders: Vec<String>,
}

#[derive(Clone, Debug)]
enum Entry {
    Text(Arc<[u8]>),
    /// A file that is no text of a project.
    Other,
    Problem(FileError),
}

impl GitFiles {
    /// The hash of the commit.
    pub fn commit(&self) -> &str {
        &self.commit
    }
}

impl Files for GitFiles {
    fn root(&self) -> &Path {
        &self.root
    }

    fn list(&self, path: &str, extension: &str) -> Listing {
        let suffix = format!(".{extension}");
        let mut listing = Listing::default();
        let is_there = path == "." || self.entries.contains_key(path) || self.folders.iter().any(|one| one == path);
        if !is_there {
            listing.problems.push((path.to_owned(), FileError::Missing));
            return listing;
        }
        for (name, entry) in &self.entries {
            let below = match path {
                "." => Some(name.as_str()),
                _ if name == path => Some(""),
                _ => name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')),
            };
            let Some(below) = below.filter(|below| !below.split('/').any(|part| part.starts_with('.'))) else {
                continue;
            };
            let is_wanted = name.ends_with(&suffix);
            match entry {
                // What can't be a file of ours is of no concern, but a folder may hold some.
                Entry::Problem(reason @ (FileError::Loop(_) | FileError::Submodule)) => {
                    listing.problems.push((name.clone(), reason.clone()));
                }
                Entry::Problem(FileError::TooLarge(_)) if is_wanted => listing.files.push(name.clone()),
                Entry::Problem(reason) if is_wanted || below.is_empty() => {
                    listing.problems.push((name.clone(), reason.clone()));
                }
                Entry::Text(_) if is_wanted => listing.files.push(name.clone()),
                Entry::Text(_) | Entry::Other | Entry::Problem(_) => {}
            }
        }
        listing
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match self.entries.get(path) {
            Some(Entry::Text(bytes)) => Ok(bytes.to_vec()),
            Some(Entry::Problem(reason)) => Err(reason.clone()),
            Some(Entry::Other) | None => Err(FileError::Missing),
        }
    }
}
