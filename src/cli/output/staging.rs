//! Lays a build out beside the output folder.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{Change, Folder, OutputError};

/// The folder of an unfinished build.
pub struct Staging {
    path: PathBuf,
}

impl Staging {
    /// An empty one, with the permissions of the output folder.
    pub fn create(folder: &Folder) -> Result<Staging, OutputError> {
        let staging = Staging { path: folder.staging.clone() };
        fs::create_dir(&staging.path).map_err(|error| OutputError::io(&staging.path, &error))?;
        staging.copy_permissions(&folder.out, &staging.path)?;
        Ok(staging)
    }

    /// Puts everything in: what is new, what stays, and what belongs to others.
    pub fn fill(&self, folder: &Folder, change: &Change<'_>) -> Result<(), OutputError> {
        let all = change.unchanged.iter().chain(&change.written);
        let folders: BTreeSet<&Path> = all.filter_map(|artifact| Path::new(&artifact.path).parent()).collect();
        for folder in folders {
            let to = self.path.join(folder);
            fs::create_dir_all(&to).map_err(|error| OutputError::io(&to, &error))?;
        }
        change
            .unchanged
            .par_iter()
            .try_for_each(|artifact| keep(&folder.out.join(&artifact.path), &self.path.join(&artifact.path)))?;
        change.written.par_iter().try_for_each(|artifact| {
            let to = self.path.join(&artifact.path);
            fs::write(&to, &artifact.text).map_err(|error| OutputError::io(&to, &error))
        })?;
        if folder.out.exists() { self.keep_others(folder, &folder.out, "") } else { Ok(()) }
    }

    /// Where a file goes; its folder is made.
    fn place(&self, path: &str) -> Result<PathBuf, OutputError> {
        let to = self.path.join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|error| OutputError::io(parent, &error))?;
        }
        Ok(to)
    }

    /// Keeps what no build made, also empty folders.
    fn keep_others(&self, folder: &Folder, from: &Path, prefix: &str) -> Result<(), OutputError> {
        let entries = fs::read_dir(from).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|error| OutputError::io(from, &error))?;
        if entries.is_empty() {
            fs::create_dir_all(self.path.join(prefix)).map_err(|error| OutputError::io(from, &error))?;
        }
        for entry in entries {
            let path = entry.path();
            let is_folder = entry.file_type().map_err(|error| OutputError::io(&path, &error))?.is_dir();
            // A name that is not UTF-8 is none of ours, but its place has to be exact.
            let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else {
                let to = self.path.join(prefix);
                fs::create_dir_all(&to).map_err(|error| OutputError::io(&to, &error))?;
                keep_tree(&path, &to.join(entry.file_name()))?;
                continue;
            };
            if is_folder {
                self.keep_others(folder, &path, &format!("{name}/"))?;
                let to = self.path.join(&name);
                if to.exists() {
                    self.copy_permissions(&path, &to)?;
                }
            } else if !folder.is_ours(&name) && self.path.join(&name).symlink_metadata().is_err() {
                let to = self.place(&name)?;
                keep(&path, &to)?;
            }
        }
        Ok(())
    }

    fn copy_permissions(&self, from: &Path, to: &Path) -> Result<(), OutputError> {
        match fs::metadata(from) {
            Ok(old) => fs::set_permissions(to, old.permissions()).map_err(|error| OutputError::io(to, &error)),
            Err(_) => Ok(()),
        }
    }
}

/// A second name for a file (or link), or a copy where that is not possible.
fn keep(from: &Path, to: &Path) -> Result<(), OutputError> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let copied = match fs::read_link(from) {
        Ok(target) => link(&target, to),
        Err(_) => fs::copy(from, to).map(|_| ()),
    };
    copied.map_err(|error| OutputError::io(to, &error))
}

/// Keeps a file or a folder with all that is in it.
fn keep_tree(from: &Path, to: &Path) -> Result<(), OutputError> {
    if !from.symlink_metadata().is_ok_and(|entry| entry.is_dir()) {
        return keep(from, to);
    }
    fs::create_dir_all(to).map_err(|error| OutputError::io(to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| OutputError::io(from, &error))? {
        let entry = entry.map_err(|error| OutputError::io(from, &error))?;
        keep_tree(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(unix)]
fn link(target: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, to)
}

#[cfg(not(unix))]
fn link(target: &Path, to: &Path) -> io::Result<()> {
    fs::copy(target, to).map(|_| ())
}
