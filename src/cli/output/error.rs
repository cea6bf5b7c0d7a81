//! Why a build could not be written.

use std::{fmt, io, path::Path};

use crate::{diagnostic::Diagnostic, error, project::io_message};

/// Why a build could not be written. The output folder is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputError(Box<Diagnostic>);

impl OutputError {
    /// What is told to the user.
    pub fn into_diagnostic(self) -> Diagnostic {
        *self.0
    }

    /// The system refused something at `path`.
    pub(super) fn io(path: &Path, failure: &io::Error) -> OutputError {
        use io::ErrorKind::{
            CrossesDevices, FileTooLarge, NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
            ResourceBusy, StorageFull,
        };
        let (path, reason) = (path.display(), io_message(failure));
        OutputError(Box::new(match failure.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => {
                error!(E0031, None, "there is no room for `{path}`: {reason}";
                    help: "make room and build again; the last build is untouched")
            }
            PermissionDenied | ReadOnlyFilesystem => error!(E0032, None, "`{path}` can't be written: {reason}";
                help: "a build is swapped in whole, so the output folder and the one above it must be writable; `--out` names another"),
            NotADirectory => error!(E0033, None, "`{path}` can't be made: a part of it is a file, not a folder";
                help: "remove the file, or name another folder with `--out`"),
            ResourceBusy | CrossesDevices => error!(E0030, None, "`{path}` can't be swapped: it is a mount point";
                help: "name a folder inside it with `--out`"),
            _ => error!(E0030, None, "`{path}` can't be written: {reason}"; help: "the last build is untouched"),
        }))
    }

    /// The output folder is a file.
    pub(super) fn is_file(path: &Path) -> OutputError {
        OutputError(Box::new(error!(E0033, None, "the output `{}` is a file, not a folder", path.display();
            help: "remove the file, or name a folder with `--out`")))
    }

    /// The output folder belongs to somebody else.
    pub(super) fn not_ours(path: &Path, why: &str) -> OutputError {
        OutputError(Box::new(error!(E0034, None, "`{}` is not a folder that a build made: {why}", path.display();
            help: "name an empty or new folder with `--out`")))
    }

    /// The output folder holds something else of ours.
    pub(super) fn other_kind(path: &Path, holds: &str, wanted: &str) -> OutputError {
        OutputError(Box::new(error!(E0034, None, "`{}` holds {holds}, and {wanted} would replace it", path.display();
            help: "name an empty or new folder with `--out`")))
    }

    /// A file of somebody else lies where an artefact should go.
    pub(super) fn in_the_way(path: &Path) -> OutputError {
        OutputError(Box::new(error!(E0034, None, "`{}` is in the way: no build made it", path.display();
            help: "move it, or name another folder with `--out`")))
    }

    /// Another process builds into the same folder.
    pub(super) fn locked(lock: &Path) -> OutputError {
        OutputError(Box::new(error!(E0035, None, "another build holds `{}`", lock.display();
            help: "wait for it to end, or name another folder with `--out`")))
    }

    /// An artefact has a path that can't be written below the folder.
    pub(super) fn bad_path(path: &str, why: &str) -> OutputError {
        OutputError(Box::new(error!(E0036, None, "an artefact can't be written to `{path}`: {why}";
            help: "rename what it is made from, or mend the template that names it")))
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for OutputError {}
