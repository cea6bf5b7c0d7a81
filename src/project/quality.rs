//! The settings of a target of the kind `quality`: another tool that judges rules of quality.

use super::yaml::{Reader, list};
use crate::diagnostic::Spanned;
use crate::error;

/// Rules of quality for a tool that other teams use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualityTarget {
    /// `tool`
    pub tool: QualityTool,
    /// `engine`: where the tool finds the rows.
    pub engine: QualityEngine,
    /// `data_source`: the name by which Soda knows where the rows are.
    pub data_source: String,
    /// `days`: how many days that are over are judged; all of them where it is not said.
    pub days: Option<u64>,
    /// `leave_out`: rules that the tool need not know.
    pub leave_out: Vec<Spanned<String>>,
}

/// A tool that judges rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QualityTool {
    /// Great Expectations 1: suites.
    GreatExpectations,
    /// Soda Core 4: contracts.
    Soda,
    /// Deequ, by PyDeequ.
    Deequ,
}

/// An engine in which a tool finds rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QualityEngine {
    /// ClickHouse.
    Clickhouse,
    /// DuckDB.
    Duckdb,
    /// Spark.
    Spark,
}

const TOOLS: [(&str, QualityTool); 3] = [
    ("great_expectations", QualityTool::GreatExpectations),
    ("soda", QualityTool::Soda),
    ("deequ", QualityTool::Deequ),
];

const ENGINES: [(&str, QualityEngine); 3] =
    [("clickhouse", QualityEngine::Clickhouse), ("duckdb", QualityEngine::Duckdb), ("spark", QualityEngine::Spark)];

impl QualityTool {
    /// The word for it.
    pub fn word(self) -> &'static str {
        TOOLS.iter().find(|(_, tool)| *tool == self).map_or("", |(word, _)| word)
    }

    /// The engines that it reads, the usual one first.
    fn engines(self) -> &'static [QualityEngine] {
        match self {
            QualityTool::GreatExpectations => &[QualityEngine::Clickhouse, QualityEngine::Duckdb],
            QualityTool::Soda => &[QualityEngine::Duckdb],
            QualityTool::Deequ => &[QualityEngine::Spark],
        }
    }
}

impl QualityEngine {
    /// The word for it.
    pub fn word(self) -> &'static str {
        ENGINES.iter().find(|(_, engine)| *engine == self).map_or("", |(word, _)| word)
    }
}

impl QualityTarget {
    /// Reads the settings; what is wrong is told and has its default.
    pub(super) fn read(reader: &mut Reader<'_>) -> QualityTarget {
        if !reader.has("tool") {
            let place = reader.place();
            reader.tell(error!(E0024, place, "the target does not say `tool`";
                help: "add `tool: great_expectations`, `tool: soda` or `tool: deequ`"));
        }
        let tool = reader.word("tool", &TOOLS).map_or(QualityTool::GreatExpectations, |tool| tool.value);
        let engine = reader.word("engine", &ENGINES);
        let known = tool.engines();
        if let Some(engine) = engine.as_ref().filter(|engine| !known.contains(&engine.value)) {
            let words: Vec<&str> = known.iter().map(|engine| engine.word()).collect();
            reader.tell(error!(E0804, engine.span, "{} does not look into {}", tool.word(), engine.value.word();
                help: ("leave `engine` out, or name one of {}", list(&words))));
        }
        let engine = engine.map(|engine| engine.value).filter(|engine| known.contains(engine)).unwrap_or(known[0]);
        QualityTarget {
            tool,
            engine,
            data_source: reader.text("data_source").map_or_else(|| "warehouse".to_owned(), |text| text.value),
            days: reader.count("days").map(|count| count.value),
            leave_out: reader.texts("leave_out").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::project::{SourceMap, Target, TargetSettings};

    fn read(text: &str) -> (QualityTarget, Vec<String>) {
        let mut sources = SourceMap::new();
        let file = sources.add("targets/soda.yaml", text);
        let mut diagnostics = Diagnostics::new();
        let target = Target::read(file, &sources, &mut diagnostics).expect("a target");
        let TargetSettings::Quality(settings) = target.settings else { panic!("another kind") };
        let told = diagnostics
            .iter()
            .map(|found| format!("{} {} ({})", found.code, found.message, found.help.as_deref().unwrap_or_default()));
        (settings, told.collect())
    }

    #[test]
    fn a_tool_has_its_usual_engine() {
        let (settings, told) = read("kind: quality\ntool: soda\n");
        assert_eq!((settings.engine, told), (QualityEngine::Duckdb, Vec::new()));
        let (settings, told) = read("kind: quality\ntool: great_expectations\nengine: duckdb\ndays: 7\n");
        assert_eq!((settings.engine, settings.days, told), (QualityEngine::Duckdb, Some(7), Vec::new()));
        assert_eq!(read("kind: quality\ntool: deequ\n").0.engine, QualityEngine::Spark);
    }

    #[test]
    fn a_tool_that_does_not_read_an_engine_is_told() {
        let (settings, told) = read("kind: quality\ntool: soda\nengine: clickhouse\n");
        assert_eq!(settings.engine, QualityEngine::Duckdb);
        assert_eq!(told, ["E0804 soda does not look into clickhouse (leave `engine` out, or name one of `duckdb`)"]);
        let (_, told) = read("kind: quality\n");
        assert_eq!(
            told,
            ["E0024 the target does not say `tool` (add `tool: great_expectations`, `tool: soda` or `tool: deequ`)"]
        );
    }
}
