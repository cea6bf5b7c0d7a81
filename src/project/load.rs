//! Reads a whole project.

use std::{collections::BTreeMap, path::PathBuf};

use rayon::prelude::*;

use crate::{
    diagnostic::{Diagnostic, Diagnostics, FileId, Span},
    error,
};

use super::{
    Config, FileError, Files, Listing, SourceMap, Target,
    config::CONFIG_FILE,
    target,
    text::{NotText, decode},
};

/// A project as it was read.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder of `metricc.yaml`.
    pub root: PathBuf,
    /// `metricc.yaml`
    pub config: Config,
    /// `targets/*.yaml`, by file name.
    pub targets: Vec<Target>,
    /// Every file that was read, and those that could not be, with an empty text.
    pub sources: SourceMap,
    /// The `*.metric` files, sorted by path.
    pub files: Vec<FileId>,
    /// Whether everything was read without an error. Without it names may be missing, and telling so would be noise:
    /// only what is wrong inside a file is worth checking.
    pub is_complete: bool,
}

impl Project {
    /// The targets that hold numbers and answer questions.
    pub fn warehouses(&self) -> Vec<&Target> {
        self.targets.iter().filter(|target| target.clickhouse().is_some()).collect()
    }

    /// The target of that name.
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.name.value == name)
    }
}

/// Reads a project. There is none only if its `metricc.yaml` can't be read.
pub fn load(files: &dyn Files) -> (Option<Project>, Diagnostics) {
    let mut loader = Loader { files, sources: SourceMap::new(), diagnostics: Diagnostics::new() };
    let project = loader.load();
    let Loader { sources, mut diagnostics, .. } = loader;
    let project = project.map(|(config, targets, files_read)| Project {
        root: files.root().to_owned(),
        config,
        targets,
        sources,
        files: files_read,
        is_complete: !diagnostics.has_errors(),
    });
    if project.is_none() {
        // Without a project there is no source map, so nothing may point into it.
        diagnostics = diagnostics.into_iter().map(|found| Diagnostic { span: None, ..found }).collect();
    }
    diagnostics.sort();
    (project, diagnostics)
}

struct Loader<'a> {
    files: &'a dyn Files,
    sources: SourceMap,
    diagnostics: Diagnostics,
}

impl Loader<'_> {
    fn load(&mut self) -> Option<(Config, Vec<Target>, Vec<FileId>)> {
        let file = match self.files.read(CONFIG_FILE) {
            Err(FileError::Missing) => {
                let root = self.files.root().display().to_string();
                self.diagnostics.push(error!(E0001, None, "there is no `{}` in `{}`", CONFIG_FILE, root;
                    help: "run `metricc init DIR` to make a project, or name its folder with `--project`"));
                return None;
            }
            read => self.add(CONFIG_FILE, read)?,
        };
        let config = Config::read(file, &self.sources, &mut self.diagnostics);
        let targets = self.targets(&config);
        let files = self.metric_files(&config);
        Some((config, targets, files))
    }

    fn targets(&mut self, config: &Config) -> Vec<Target> {
        let mut listing = self.files.list("targets", "yaml");
        // A project without targets can still be checked and run on samples.
        listing.problems.retain(|(path, error)| !(path == "targets" && *error == FileError::Missing));
        let mut targets = Vec::new();
        for file in self.read_all([listing]) {
            targets.extend(Target::read(file, &self.sources, &mut self.diagnostics));
        }
        target::check_names(&targets, &mut self.diagnostics);
        super::streaming::tie(&mut targets, &mut self.diagnostics);
        super::alert_receivers::tie(&mut targets, &config.receivers, &mut self.diagnostics);
        super::airflow::tie(&mut targets, &config.name, &mut self.diagnostics);
        super::grafana::tie(&mut targets, &config.name, &mut self.diagnostics);
        targets
    }

    fn metric_files(&mut self, config: &Config) -> Vec<FileId> {
        let mut listings = Vec::new();
        for configured in &config.paths {
            let mut listing = self.files.list(configured, "metric");
            let is_missing =
                |(path, error): &(String, FileError)| *error == FileError::Missing && *path == configured.value;
            if listing.problems.iter().any(is_missing) && config.paths_are_explicit() {
                let path = &configured.value;
                self.diagnostics.push(error!(E0029, configured.span, "there is no folder or file `{path}`";
                    help: "make it, or take it out of `paths`"));
            }
            listing.problems.retain(|problem| !is_missing(problem));
            listings.push(listing);
        }
        let is_empty = listings.iter().all(|listing| listing.files.is_empty());
        let files = self.read_all(listings);
        if is_empty && !self.diagnostics.has_errors() {
            let place = config.paths.first().map(|path| path.span);
            self.diagnostics.push(error!(W0001, place, "there is no `.metric` file in this project";
                help: "write metrics in files below `metrics/`, or name other folders in `paths`"));
        }
        files
    }

    /// Reads every listed file once, in the order of paths, and tells what can't be read.
    fn read_all(&mut self, listings: impl IntoIterator<Item = Listing>) -> Vec<FileId> {
        let mut entries: BTreeMap<String, Option<FileError>> = BTreeMap::new();
        for listing in listings {
            entries.extend(listing.files.into_iter().map(|path| (path, None)));
            entries.extend(listing.problems.into_iter().map(|(path, reason)| (path, Some(reason))));
        }
        let entries: Vec<(String, Option<FileError>)> = entries.into_iter().collect();
        // Opening many small files takes longer than to check what is in them.
        let read = |(path, problem): &(String, Option<FileError>)| match problem {
            Some(reason) => Err(reason.clone()),
            None => self.files.read(path),
        };
        let contents: Vec<Result<Vec<u8>, FileError>> = entries.par_iter().map(read).collect();
        entries.iter().zip(contents).filter_map(|((path, _), content)| self.add(path, content)).collect()
    }

    /// Adds a file to the map, if it could be read and is text.
    fn add(&mut self, path: &str, read: Result<Vec<u8>, FileError>) -> Option<FileId> {
        match read.map(decode) {
            Ok(Ok(text)) => Some(self.sources.add(path, text)),
            Ok(Err((reason, bytes))) => {
                let found = self.not_text(path, reason, &bytes);
                self.diagnostics.push(found);
                None
            }
            Err(reason) => {
                self.refuse(path, reason);
                None
            }
        }
    }

    /// Tells that a file or folder can't be read. It gets a place in the map, so that the message has a path.
    fn refuse(&mut self, path: &str, reason: FileError) {
        let span = Span::new(self.sources.add(path, ""), 0, 0);
        self.diagnostics.push(match reason {
            FileError::Missing => error!(E0002, span, "`{path}` can't be read: {reason}";
                help: "is it a link to something that is gone?"),
            // A link that leads to itself has no permissions to check.
            FileError::Unreadable(why) if why.contains("symbolic links") => {
                error!(E0002, span, "`{path}` can't be read: {why}"; help: "remove the link: it leads back to itself")
            }
            FileError::Unreadable(_) => error!(E0002, span, "`{path}` can't be read: {reason}";
                help: "check its permissions and those of the folders above it"),
            FileError::TooLarge(_) => error!(E0003, span, "`{path}` is too large to be read: {reason}";
                help: "definitions are text written by people; did data get a name that ends with `.metric`?"),
            FileError::Loop(to) => error!(E0006, span, "the link `{path}` leads back to `{to}`, which holds it";
                help: "remove the link"),
            FileError::Special => error!(E0007, span, "`{path}` is a pipe, a socket or a device, not a file";
                help: "remove it, or give it another name"),
            FileError::Name => error!(E0008, span, "the name of `{path}` is not UTF-8"; help: "rename it"),
            FileError::Outside(to) => {
                error!(E0057, span, "the link `{path}` leads out of the repository, to `{to}`: a revision has no such file";
                    help: "keep the file in the repository, or compare folders")
            }
            FileError::Submodule => error!(E0056, span, "`{path}` is a submodule: git keeps its files elsewhere";
                help: "keep definitions in the repository itself, or compare folders that hold all files"),
        });
    }

    /// Tells that a file is not text.
    fn not_text(&mut self, path: &str, reason: NotText, bytes: &[u8]) -> Diagnostic {
        match reason {
            NotText::Binary(at) => {
                let span = Span::new(self.sources.add(path, ""), 0, 0);
                error!(E0004, span, "`{path}` is not text: byte {} is zero", at;
                    help: "definitions are UTF-8 text; did data get a name that ends with `.metric`?")
            }
            NotText::Utf16 => {
                let span = Span::new(self.sources.add(path, ""), 0, 0);
                error!(E0005, span, "`{path}` is UTF-16, not UTF-8"; help: "save it as UTF-8")
            }
            NotText::Utf8(at) => {
                let byte = bytes.get(at).copied().unwrap_or_default();
                // With U+FFFD in place of the bad bytes the file can be shown; what is before them stays where it is.
                let file = self.sources.add(path, String::from_utf8_lossy(bytes));
                let start = at as u32;
                let (line, _) = self.sources.file(file).position(start);
                let span = Span::new(file, start, start + char::REPLACEMENT_CHARACTER.len_utf8() as u32);
                error!(E0005, span, "`{path}` is not UTF-8: byte {} (0x{:02X}) in line {} begins no character", at, byte, line;
                    help: "save it as UTF-8")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::MemoryFiles;

    fn shop() -> MemoryFiles {
        MemoryFiles::new()
            .with(CONFIG_FILE, "name: shop\ntimezone: UTC\n")
            .with("targets/warehouse.yaml", "kind: clickhouse\n")
            .with("metrics/a.metric", "\u{feff}metric a = count(order)\r\n")
    }

    fn told(files: &MemoryFiles) -> (Option<Project>, Vec<String>) {
        let (project, diagnostics) = load(files);
        let lines = diagnostics.iter().map(|found| format!("{} {}", found.code, found.message)).collect();
        (project, lines)
    }

    #[test]
    fn a_project_is_read_whole() {
        let (project, lines) = told(&shop());
        assert_eq!(lines, [""; 0]);
        let project = project.expect("a project");
        assert!(project.is_complete);
        assert_eq!(project.files.len(), 1);
        assert_eq!(project.sources.file(project.files[0]).text, "metric a = count(order)\r\n");
        assert!(project.target("warehouse").is_some());
    }

    #[test]
    fn without_a_configuration_there_is_no_project() {
        let (project, lines) = told(&MemoryFiles::new().with("metrics/a.metric", ""));
        assert!(project.is_none());
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("E0001"), "{lines:?}");
    }

    #[test]
    fn an_unreadable_configuration_is_told_without_a_place() {
        let (project, diagnostics) = load(&shop().with(CONFIG_FILE, b"name: \0".as_slice()));
        assert!(project.is_none());
        assert!(diagnostics.iter().all(|found| found.span.is_none() && found.code == crate::diagnostic::codes::E0004));
    }

    #[test]
    fn bad_files_are_told_and_the_others_read() {
        let files = shop()
            .with("metrics/binary.metric", b"PK\x03\x04\0\0".as_slice())
            .with("metrics/latin.metric", b"metric a\n// caf\xe9\n".as_slice())
            .with("metrics/wide.metric", b"\xff\xfem\0".as_slice())
            .with("metrics/z.metric", "metric z = 1");
        let (project, lines) = told(&files);
        assert_eq!(
            lines,
            [
                "E0004 `metrics/binary.metric` is not text: byte 4 is zero",
                "E0005 `metrics/latin.metric` is not UTF-8: byte 15 (0xE9) in line 2 begins no character",
                "E0005 `metrics/wide.metric` is UTF-16, not UTF-8",
            ]
        );
        let project = project.expect("a project");
        assert!(!project.is_complete);
        let read: Vec<&str> = project.files.iter().map(|file| project.sources.file(*file).path.as_str()).collect();
        assert_eq!(read, ["metrics/a.metric", "metrics/z.metric"]);
    }

    #[test]
    fn overlapping_and_missing_paths() {
        let files = shop().with(CONFIG_FILE, "name: s\ntimezone: UTC\npaths: [metrics, metrics/a.metric, nowhere]\n");
        let (project, lines) = told(&files);
        assert_eq!(lines, ["E0029 there is no folder or file `nowhere`"]);
        assert_eq!(project.expect("a project").files.len(), 1);
    }

    #[test]
    fn an_empty_project_is_warned_about() {
        let (_, lines) = told(&MemoryFiles::new().with(CONFIG_FILE, "name: s\ntimezone: UTC\n"));
        assert_eq!(lines, ["W0001 there is no `.metric` file in this project"]);
    }

    #[test]
    fn two_targets_of_one_name_are_told() {
        let (_, lines) = told(&shop().with("targets/b.yaml", "kind: clickhouse\nname: warehouse\n"));
        assert_eq!(lines, ["E0028 there are two targets named `warehouse`"]);
    }
}
