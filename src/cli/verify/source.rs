//! Where values come from: `dry-run`, `clickhouse:warehouse`, `csv:old.csv`.

use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::error;
use crate::suggest::near;

/// A source of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The dry run over samples, or over the data in a folder.
    DryRun(Option<PathBuf>),
    /// What readers see in a target.
    Readers(Option<String>),
    /// A view or table of the target's server.
    View(String),
    /// What batches of a target have built.
    Batch(Option<String>),
    /// What streams of a target have built.
    Stream(Option<String>),
    /// A file of results.
    Csv(PathBuf),
    /// The same.
    Parquet(PathBuf),
}

const FORMS: [&str; 7] = ["dry-run", "clickhouse", "view", "batch", "stream", "csv", "parquet"];

const HELP: &str =
    "write dry-run[:DIR], clickhouse[:TARGET], view:NAME, batch[:TARGET], stream[:TARGET], csv:FILE or parquet:FILE";

impl Source {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Source, Box<Diagnostic>> {
        let (word, rest) = text.split_once(':').map_or((text, None), |(word, rest)| (word, Some(rest)));
        let rest = rest.filter(|rest| !rest.is_empty());
        let needed = |what: &str| {
            rest.ok_or_else(|| Box::new(error!(E0991, None, "`{text}` names no {what}"; help: ("write `{word}:…`"))))
        };
        let name = || rest.map(str::to_owned);
        Ok(match word {
            "dry-run" => Source::DryRun(rest.map(PathBuf::from)),
            "clickhouse" => Source::Readers(name()),
            "view" => Source::View(needed("view")?.to_owned()),
            "batch" => Source::Batch(name()),
            "stream" => Source::Stream(name()),
            "csv" => Source::Csv(needed("file")?.into()),
            "parquet" => Source::Parquet(needed("file")?.into()),
            _ => {
                let help = near(word, FORMS).map_or_else(|| HELP.to_owned(), |near| format!("did you mean `{near}`?"));
                return Err(Box::new(error!(E0991, None, "there is no source of values `{text}`"; help: help)));
            }
        })
    }

    /// As it is written, with its target.
    pub fn text(&self, target: Option<&str>) -> String {
        let with =
            |word: &str, rest: Option<&str>| rest.map_or_else(|| word.to_owned(), |rest| format!("{word}:{rest}"));
        match self {
            Source::DryRun(folder) => with("dry-run", folder.as_ref().map(|path| path.to_string_lossy()).as_deref()),
            Source::Readers(_) => with("clickhouse", target),
            Source::View(name) => with("view", Some(name)),
            Source::Batch(_) => with("batch", target),
            Source::Stream(_) => with("stream", target),
            Source::Csv(file) => with("csv", Some(&file.to_string_lossy())),
            Source::Parquet(file) => with("parquet", Some(&file.to_string_lossy())),
        }
    }

    /// The target that it names, where it is one of a server; none within for the only one.
    pub fn target(&self) -> Option<Option<&str>> {
        match self {
            Source::Readers(name) | Source::Batch(name) | Source::Stream(name) => Some(name.as_deref()),
            Source::View(_) => Some(None),
            Source::DryRun(_) | Source::Csv(_) | Source::Parquet(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_read_back_and_others_are_told() {
        for text in ["dry-run", "dry-run:data", "view:db.v", "csv:a:b.csv", "parquet:a.parquet"] {
            assert_eq!(Source::parse(text).map(|source| source.text(None)).ok().as_deref(), Some(text));
        }
        assert_eq!(Source::parse("clickhouse:wh"), Ok(Source::Readers(Some("wh".to_owned()))));
        for text in ["csv", "csv:", "view:", "dryrun", "", ":x"] {
            assert_eq!(Source::parse(text).map_err(|found| found.code.0), Err("E0991"), "{text}");
        }
    }
}
