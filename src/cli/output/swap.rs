//! Puts the staging folder in the output's place.

use std::{fs, io, path::Path};

use super::{Folder, OutputError};

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// In one step where the system can; otherwise like the other one.
    Exchange,
    /// The old folder is renamed aside, then the new one in. A kill in between is mended by the next build.
    TwoRenames,
}

impl Swap {
    /// Puts the new build in place.
    pub fn put(self, folder: &Folder) -> Result<(), OutputError> {
        if !folder.out.exists() {
            return fs::rename(&folder.staging, &folder.out).map_err(|error| OutputError::io(&folder.out, &error));
        }
        match self {
            Swap::Exchange => match exchange(&folder.staging, &folder.out) {
                Err(error) if is_unknown(&error) => Swap::TwoRenames.put(folder),
                done => done.map_err(|error| OutputError::io(&folder.out, &error)),
            },
            Swap::TwoRenames => rename_twice(folder).map_err(|error| OutputError::io(&folder.out, &error)),
        }
    }
}

fn rename_twice(folder: &Folder) -> io::Result<()> {
    fs::rename(&folder.out, &folder.aside)?;
    if let Err(error) = fs::rename(&folder.staging, &folder.out) {
        // The old build goes back; if even that fails, the next build does it.
        let _ = fs::rename(&folder.aside, &folder.out);
        return Err(error);
    }
    // What can't be removed now is removed by the next build.
    let _ = fs::remove_dir_all(&folder.aside);
    Ok(())
}

/// Whether the system or the file system can't exchange folders.
fn is_unknown(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
