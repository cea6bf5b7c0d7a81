//! Writes a build so that its folder is always whole: the old build or the new one, never a mixture.
//!
//! A build is laid out in a staging folder beside the output folder, then the two are exchanged in one step. Files which
//! did not change are linked into the staging folder, not written. A build that is killed leaves the output as it was
//! and a staging folder, which the next build removes; one that fails removes it itself.
//!
//! Only files that the last build made (its `manifest.json` lists them) are replaced or removed. What else lies in the
//! folder stays, and a folder with files but without a manifest is refused.

mod error;
mod lock;
mod manifest;
mod paths;
pub mod record;
mod staging;
mod swap;

#[cfg(all(test, unix))]
mod crash_test;
#[cfg(all(test, unix))]
mod limits_test;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

pub use error::OutputError;
pub use manifest::{MANIFEST, manifest};

use lock::Lock;
use manifest::{Holds, Manifest};
use staging::Staging;
use swap::Swap;

/// A file of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Relative to the output folder, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// What a build did to its folder. Counts of files, the manifest among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildSummary {
    /// New ones and those whose bytes changed.
    pub written: usize,
    /// Those that were there already.
    pub unchanged: usize,
    /// Those that the last build made and this one doesn't.
    pub removed: usize,
}

/// Makes `out` hold exactly `artifacts` and their manifest, beside what others put there.
///
/// If `manifest.json` is not among the artefacts, a plain one is made with [`manifest`].
pub fn write_build(out: &Path, artifacts: &[Artifact]) -> Result<BuildSummary, OutputError> {
    write_build_by(out, artifacts, Swap::Exchange)
}

/// The same for pages, whose manifest says that it is of pages: they don't replace a build, nor a build them.
pub fn write_documents(out: &Path, mut pages: Vec<Artifact>) -> Result<BuildSummary, OutputError> {
    let holds = serde_json::Map::from_iter([("holds".to_owned(), "documents".into())]);
    pages.push(manifest(&pages, &holds));
    write_by(out, &pages, Swap::Exchange, Holds::Documents)
}

fn write_build_by(out: &Path, artifacts: &[Artifact], swap: Swap) -> Result<BuildSummary, OutputError> {
    write_by(out, artifacts, swap, Holds::Build)
}

fn write_by(out: &Path, artifacts: &[Artifact], swap: Swap, holds: Holds) -> Result<BuildSummary, OutputError> {
    let plain = artifacts
        .iter()
        .all(|artifact| artifact.path != MANIFEST)
        .then(|| manifest(artifacts, &serde_json::Map::new()));
    let artifacts: Vec<&Artifact> = artifacts.iter().chain(&plain).collect();
    paths::check(&artifacts)?;
    let folder = Folder::open(out)?;
    match (folder.previous.as_ref().map(|previous| previous.holds), holds) {
        (Some(Holds::Documents), Holds::Build) => {
            return Err(OutputError::other_kind(&folder.out, "documents", "a build"));
        }
        (Some(Holds::Build), Holds::Documents) => {
            return Err(OutputError::other_kind(&folder.out, "a build", "documents"));
        }
        _ => {}
    }
    let change = folder.compare(&artifacts)?;
    if !change.written.is_empty() || change.removed > 0 {
        let staging = Staging::create(&folder)?;
        let filled = staging.fill(&folder, &change).and_then(|()| swap.put(&folder));
        // After the exchange the staging folder holds the old build; before, an unfinished one. Either goes, and if
        // that fails the next build does it.
        let _ = fs::remove_dir_all(&folder.staging);
        filled?;
    }
    Ok(BuildSummary { written: change.written.len(), unchanged: change.unchanged.len(), removed: change.removed })
}

/// An output folder that this process alone may change.
struct Folder {
    /// Where it is, links resolved.
    out: PathBuf,
    /// The unfinished build.
    staging: PathBuf,
    /// The old build, between two renames, where the system can't exchange folders.
    aside: PathBuf,
    /// What the last build made.
    previous: Option<Manifest>,
    _lock: Lock,
}

/// How a build differs from what is in the folder.
struct Change<'a> {
    written: Vec<&'a Artifact>,
    unchanged: Vec<&'a Artifact>,
    removed: usize,
}

impl Folder {
    /// Locks the folder and mends what a killed build left.
    fn open(out: &Path) -> Result<Folder, OutputError> {
        let absolute =
            std::path::absolute(out).and_then(|path| if path.exists() { path.canonicalize() } else { Ok(path) });
        let out = absolute.map_err(|error| OutputError::io(out, &error))?;
        if let Some(file) = out.ancestors().find(|path| path.is_file()) {
            return Err(OutputError::is_file(file));
        }
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(OutputError::not_ours(&out, "it is the root of the file system"));
        };
        fs::create_dir_all(parent).map_err(|error| OutputError::io(parent, &error))?;
        let beside = |what: &str| {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".metricc-{what}"));
            parent.join(hidden)
        };
        let lock = Lock::take(&beside("lock"))?;
        let mut folder =
            Folder { staging: beside("staging"), aside: beside("aside"), out, previous: None, _lock: lock };
        folder.recover()?;
        folder.previous = folder.inspect()?;
        Ok(folder)
    }

    /// Undoes what a killed build left behind.
    fn recover(&self) -> Result<(), OutputError> {
        if !self.out.exists() && self.aside.exists() {
            // It was killed between its two renames.
            fs::rename(&self.aside, &self.out).map_err(|error| OutputError::io(&self.out, &error))?;
        }
        for stale in [&self.staging, &self.aside] {
            match fs::remove_dir_all(stale) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(OutputError::io(stale, &error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The manifest of the last build. A folder that holds files but none of ours is refused.
    fn inspect(&self) -> Result<Option<Manifest>, OutputError> {
        let mut entries = match fs::read_dir(&self.out) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OutputError::io(&self.out, &error)),
        };
        if entries.next().is_none() {
            return Ok(None);
        }
        let path = self.out.join(MANIFEST);
        match fs::read_to_string(&path) {
            Ok(text) => match Manifest::parse(&text) {
                Some(manifest) => Ok(Some(manifest)),
                None => Err(OutputError::not_ours(&self.out, "its `manifest.json` was not made by metricc")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(OutputError::not_ours(&self.out, "it holds files, but no `manifest.json`"))
            }
            Err(error) => Err(OutputError::io(&path, &error)),
        }
    }

    /// Whether the last build made this file.
    fn is_ours(&self, path: &str) -> bool {
        self.previous.as_ref().is_some_and(|manifest| manifest.lists(path))
    }

    fn compare<'a>(&self, artifacts: &[&'a Artifact]) -> Result<Change<'a>, OutputError> {
        let mut change = Change { written: Vec::new(), unchanged: Vec::new(), removed: 0 };
        let is_same = |artifact: &&Artifact| same_bytes(&self.out.join(&artifact.path), artifact.text.as_bytes());
        let same: Vec<bool> = artifacts.par_iter().map(is_same).collect();
        for (artifact, same) in artifacts.iter().zip(same) {
            let path = self.out.join(&artifact.path);
            if same {
                change.unchanged.push(*artifact);
            } else if path.symlink_metadata().is_ok() && !self.is_ours(&artifact.path) {
                return Err(OutputError::in_the_way(&path));
            } else {
                change.written.push(*artifact);
            }
        }
        let kept: BTreeSet<&str> = artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
        let previous = self.previous.iter().flat_map(Manifest::paths);
        change.removed =
            previous.filter(|path| !kept.contains(path) && self.out.join(path).symlink_metadata().is_ok()).count();
        Ok(change)
    }
}

/// Whether a regular file holds exactly these bytes.
fn same_bytes(path: &Path, bytes: &[u8]) -> bool {
    let same_size = path.symlink_metadata().is_ok_and(|file| file.is_file() && file.len() == bytes.len() as u64);
    same_size && fs::read(path).is_ok_and(|found| found == bytes)
}
