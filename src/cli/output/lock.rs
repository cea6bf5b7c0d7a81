//! One build at a time in a folder.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::OutputError;

/// How long a build waits for another one.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// A locked file beside the output folder. The system lets go of the lock even if the process is killed.
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Waits for the lock, for a while.
    pub fn take(path: &Path) -> Result<Lock, OutputError> {
        let started = Instant::now();
        loop {
            let file = File::options().create(true).write(true).truncate(false).open(path);
            let file = file.map_err(|error| OutputError::io(path, &error))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => return Ok(Lock { path: path.to_owned(), _file: file }),
                // Its last holder has removed the file: lock the new one.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(OutputError::locked(path)),
                // A file system without locks: builds must not be run side by side there.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(Lock { path: path.to_owned(), _file: file });
                }
                Err(TryLockError::Error(error)) => return Err(OutputError::io(path, &error)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed before it is unlocked, so that nobody can hold the lock of a file that goes away unnoticed.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether `path` still leads to the opened file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(there)) => (opened.dev(), opened.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere the lock file is never removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
