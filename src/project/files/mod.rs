//! Where a project's files come from: one trait, so that the disk, a memory and a revision are all the same.

mod disk;
mod git;
mod memory;

pub use disk::DiskFiles;
pub use git::{GitFiles, Repository};
pub use memory::MemoryFiles;

use std::{fmt, io, path::Path};

/// The largest `.metric` or YAML file that is read, in bytes (16 MB).
pub const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// The files of one project. Paths are relative to its root and use `/`.
pub trait Files: Sync {
    /// The root as the user would write it, for messages and for files that are not project text (samples).
    fn root(&self) -> &Path;

    /// The files below `path` (a folder or one file) whose names end with `.extension`, sorted.
    ///
    /// What can't be listed is a problem beside the files that can.
    fn list(&self, path: &str, extension: &str) -> Listing;

    /// All bytes of a file, or why not. Never more than [`SIZE_LIMIT`].
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;
}

/// What a folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Relative paths, sorted, each once.
    pub files: Vec<String>,
    /// Paths which could not be looked at, and why.
    pub problems: Vec<(String, FileError)>,
}

/// Why a file or folder could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// There is no such file.
    Missing,
    /// It has this many bytes, which is over [`SIZE_LIMIT`].
    TooLarge(u64),
    /// A symbolic link leads back to this folder, which holds it.
    Loop(String),
    /// A pipe, socket or device: reading it might never end.
    Special,
    /// Its name is not UTF-8.
    Name,
    /// In a revision: a symbolic link leads out of the repository, to this.
    Outside(String),
    /// In a revision: a repository of its own, of which git keeps no files here.
    Submodule,
    /// The system's reason.
    Unreadable(String),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> FileError {
        match error.kind() {
            io::ErrorKind::NotFound => FileError::Missing,
            _ => FileError::Unreadable(io_message(&error)),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Missing => f.write_str("no such file or folder"),
            FileError::TooLarge(size) => write!(f, "{} MB, more than {} MB", size >> 20, SIZE_LIMIT >> 20),
            FileError::Loop(to) => write!(f, "the link leads back to `{to}`"),
            FileError::Special => f.write_str("not a regular file"),
            FileError::Name => f.write_str("its name is not UTF-8"),
            FileError::Outside(to) => write!(f, "the link leads out of the repository, to `{to}`"),
            FileError::Submodule => f.write_str("it is a submodule"),
            FileError::Unreadable(reason) => f.write_str(reason),
        }
    }
}

/// An error of the system in the style of our messages: lower case, without its number.
pub fn io_message(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_error_reads_like_our_own() {
        assert_eq!(io_message(&io::Error::from_raw_os_error(13)), "permission denied");
        assert_eq!(FileError::from(io::Error::from_raw_os_error(2)), FileError::Missing);
    }
}
