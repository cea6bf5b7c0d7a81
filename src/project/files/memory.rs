//! A project held in memory: tests, editors, generated projects.

use std::{collections::BTreeMap, path::Path};

use super::{FileError, Files, Listing, SIZE_LIMIT};

/// Files by relative path.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryFiles {
    /// No files yet.
    pub fn new() -> MemoryFiles {
        MemoryFiles::default()
    }

    /// With one more file.
    pub fn with(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> MemoryFiles {
        self.files.insert(path.into(), bytes.into());
        self
    }
}

impl Files for MemoryFiles {
    fn root(&self) -> &Path {
        Path::new("")
    }

    fn list(&self, path: &str, extension: &str) -> Listing {
        let folder = if path == "." { String::new() } else { format!("{}/", path.trim_end_matches('/')) };
        let suffix = format!(".{extension}");
        let below: Vec<&String> = self.files.keys().filter(|name| *name == path || name.starts_with(&folder)).collect();
        if below.is_empty() {
            return Listing { files: Vec::new(), problems: vec![(path.to_owned(), FileError::Missing)] };
        }
        let files = below.into_iter().filter(|name| name.ends_with(&suffix)).cloned().collect();
        Listing { files, problems: Vec::new() }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let bytes = self.files.get(path).ok_or(FileError::Missing)?;
        if bytes.len() as u64 > SIZE_LIMIT {
            return Err(FileError::TooLarge(bytes.len() as u64));
        }
        Ok(bytes.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_below_a_folder_only() {
        let files =
            MemoryFiles::new().with("metrics/a.metric", "").with("metrics/b.md", "").with("metricsx/c.metric", "");
        assert_eq!(files.list("metrics", "metric").files, ["metrics/a.metric"]);
        assert_eq!(files.list("nowhere", "metric").problems, [("nowhere".to_owned(), FileError::Missing)]);
    }
}
