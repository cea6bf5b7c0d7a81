//! A project on disk.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

use super::{FileError, Files, Listing, SIZE_LIMIT};

/// The files below a folder.
#[derive(Clone, Debug)]
pub struct DiskFiles {
    root: PathBuf,
}

impl DiskFiles {
    /// The project whose `metricc.yaml` lies in `root`.
    pub fn new(root: impl Into<PathBuf>) -> DiskFiles {
        DiskFiles { root: root.into() }
    }

    /// The nearest folder with a `metricc.yaml`: `start` itself or one above it.
    pub fn find(start: &Path) -> Option<DiskFiles> {
        let start = std::path::absolute(start).ok()?;
        start.ancestors().find(|folder| folder.join("metricc.yaml").is_file()).map(DiskFiles::new)
    }

    /// `path` relative to the root, with `/`; the second part is false if the name is not UTF-8.
    fn relative(&self, path: &Path) -> (String, bool) {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        let text = path.to_string_lossy();
        (text.replace(std::path::MAIN_SEPARATOR, "/"), path.to_str().is_some())
    }

    /// A loop back to the folder `to`, a canonical path.
    fn loop_to(&self, to: &Path) -> FileError {
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        FileError::Loop(match to.strip_prefix(&root) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => self.relative(below).0,
            Err(_) => to.display().to_string(),
        })
    }

    /// Adds what a step of the walk found to `listing`.
    fn take(&self, entry: walkdir::Result<DirEntry>, suffix: &str, listing: &mut Listing) {
        match entry {
            Ok(entry) => {
                let (path, readable) = self.relative(entry.path());
                if entry.file_type().is_dir() || !path.ends_with(suffix) {
                    return;
                }
                if !readable {
                    listing.problems.push((path, FileError::Name));
                } else if entry.file_type().is_file() {
                    listing.files.push(path);
                } else {
                    listing.problems.push((path, FileError::Special));
                }
            }
            Err(error) => {
                let path = error.path().map_or_else(String::new, |path| self.relative(path).0);
                let hidden = path.rsplit('/').next().is_some_and(is_hidden_name);
                let reason = match error.loop_ancestor() {
                    Some(ancestor) => FileError::Loop(self.relative(ancestor).0),
                    None => error.into_io_error().map_or(FileError::Missing, FileError::from),
                };
                // A dangling link matters only if it is named like a file we would read, or like what was asked for.
                let concerns_us = reason != FileError::Missing || path.ends_with(suffix) || !path.contains('/');
                if !hidden && concerns_us {
                    listing.problems.push((path, reason));
                }
            }
        }
    }
}

/// The folder that a link leads to, if that holds the whole walk, which starts at the canonical path `start`.
fn leads_around(entry: &DirEntry, start: &Path) -> Option<PathBuf> {
    if entry.depth() == 0 || !entry.path_is_symlink() || !entry.file_type().is_dir() {
        return None;
    }
    entry.path().canonicalize().ok().filter(|target| start.starts_with(target))
}

/// Whether a walk leaves a file or folder out: what starts with a dot belongs to editors, git and the system.
fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && is_hidden_name(&entry.file_name().to_string_lossy())
}

fn is_hidden_name(name: &str) -> bool {
    name.starts_with('.')
}

impl Files for DiskFiles {
    fn root(&self) -> &Path {
        &self.root
    }

    fn list(&self, path: &str, extension: &str) -> Listing {
        let suffix = format!(".{extension}");
        let mut listing = Listing::default();
        let start = if path == "." { self.root.clone() } else { self.root.join(path) };
        let around = start.canonicalize().unwrap_or_else(|_| start.clone());
        let mut loops = Vec::new();
        let mut enter = |entry: &DirEntry| {
            if is_hidden(entry) {
                return false;
            }
            // The walk itself only sees loops below its start.
            let outwards = leads_around(entry, &around);
            loops.extend(outwards.iter().map(|to| (self.relative(entry.path()).0, self.loop_to(to))));
            outwards.is_none()
        };
        let walk = WalkDir::new(&start).follow_links(true).sort_by_file_name();
        for entry in walk.into_iter().filter_entry(&mut enter) {
            self.take(entry, &suffix, &mut listing);
        }
        listing.problems.extend(loops);
        listing.files.sort();
        listing.problems.sort_by(|a, b| a.0.cmp(&b.0));
        listing
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let path = self.root.join(path);
        let metadata = fs::metadata(&path)?;
        if !metadata.is_file() {
            return Err(FileError::Special);
        }
        if metadata.len() > SIZE_LIMIT {
            return Err(FileError::TooLarge(metadata.len()));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
        // A file may grow while it is read, or tell no size at all.
        fs::File::open(&path)?.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > SIZE_LIMIT {
            return Err(FileError::TooLarge(bytes.len() as u64));
        }
        Ok(bytes)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    #[test]
    fn a_walk_is_sorted_and_tells_loops_dangling_links_and_devices() {
        let dir = folder();
        let metrics = dir.path().join("metrics");
        fs::create_dir_all(metrics.join("z/.hidden")).unwrap();
        for name in ["b.metric", "a.metric", "z/c.metric", "z/.hidden/d.metric", "note.md"] {
            fs::write(metrics.join(name), "").unwrap();
        }
        symlink(&metrics, metrics.join("z/loop")).unwrap();
        symlink("../..", metrics.join("z/root")).unwrap();
        symlink("nowhere", metrics.join("gone.metric")).unwrap();
        symlink("editor@host.1", metrics.join(".#a.metric")).unwrap();
        symlink("/dev/zero", metrics.join("zero.metric")).unwrap();

        let listing = DiskFiles::new(dir.path()).list("metrics", "metric");
        assert_eq!(listing.files, ["metrics/a.metric", "metrics/b.metric", "metrics/z/c.metric"]);
        assert_eq!(
            listing.problems,
            [
                ("metrics/gone.metric".to_owned(), FileError::Missing),
                ("metrics/z/loop".to_owned(), FileError::Loop("metrics".to_owned())),
                ("metrics/z/root".to_owned(), FileError::Loop(".".to_owned())),
                ("metrics/zero.metric".to_owned(), FileError::Special),
            ]
        );
    }

    #[test]
    fn a_large_or_unreadable_file_is_refused_before_it_fills_the_memory() {
        let dir = folder();
        let large = fs::File::create(dir.path().join("large.metric")).unwrap();
        large.set_len(50 * 1024 * 1024).unwrap();
        let files = DiskFiles::new(dir.path());
        assert_eq!(files.read("large.metric"), Err(FileError::TooLarge(50 * 1024 * 1024)));
        assert_eq!(files.read("none.metric"), Err(FileError::Missing));
        symlink("/proc/self/mem", dir.path().join("memory.metric")).unwrap();
        assert!(matches!(files.read("memory.metric"), Err(FileError::Unreadable(_))));
    }

    #[test]
    fn the_root_is_the_nearest_folder_with_a_configuration() {
        let dir = folder();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("metricc.yaml"), "").unwrap();
        let found = DiskFiles::find(&dir.path().join("a/b")).expect("a project above");
        assert_eq!(found.root(), dir.path());
    }
}
