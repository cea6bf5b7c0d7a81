//! A small project on a real ClickHouse, and its batches run as a scheduler would run them.
#![allow(dead_code)]

#[cfg_attr(not(feature = "dry-run"), path = "alone.rs")]
pub mod right;

use std::cell::RefCell;
use std::collections::BTreeMap;

use metricc::compile::compile;
use metricc::diagnostic::Diagnostics;
use metricc::emit::{self, Emitted, Input};
use metricc::plan::time::parse_timestamp;
use metricc::plan::{DataType, Encoding, StoredColumn, Table};
use metricc::project::{MemoryFiles, load};
use metricc::types::Model;

use crate::support::batches::Batches;
use crate::support::clickhouse::{Session, quote_name};
use crate::support::script;

/// When streams begin, in UTC.
pub const CUT_OVER: &str = "2126-01-01 00:00:00";

/// Cells of a row; none is null.
pub type Row = Vec<Option<String>>;

/// What was built, where it runs, and the rows that have come in.
pub struct Warehouse {
    pub session: Session,
    pub model: Model,
    pub input: Input,
    pub emitted: Emitted,
    /// What the manifest tells of the stream that fills it, where there is one. Its artefacts are beside those of the warehouse.
    pub stream: serde_json::Value,
    came: RefCell<BTreeMap<String, Vec<Row>>>,
}

/// The files of a project with one warehouse and, where its settings are given, one stream.
pub fn files(zone: &str, declarations: &str, settings: &str, stream: Option<&str>) -> MemoryFiles {
    let files = MemoryFiles::new()
        .with("metricc.yaml", format!("name: shop\ntimezone: {zone}\nunits: [CNY]\npaths: [metrics]\n"))
        .with("targets/warehouse.yaml", format!("kind: clickhouse\ncreate_sources: true\n{settings}"))
        .with("metrics/shop.metric", declarations);
    match stream {
        Some(stream) => files.with("targets/stream.yaml", format!("kind: streaming\ndialect: clickhouse\n{stream}")),
        None => files,
    }
}

impl Warehouse {
    /// Compiles declarations and applies what is made of them to an empty server.
    pub fn new(zone: &str, declarations: &str) -> Warehouse {
        Warehouse::of(zone, declarations, "")
    }

    /// The same, with more settings of the target. Streams begin in a year that is far away.
    pub fn of(zone: &str, declarations: &str, settings: &str) -> Warehouse {
        let warehouse = Warehouse::built(zone, declarations, settings);
        warehouse.set("cut_over", CUT_OVER);
        for path in Warehouse::order(&warehouse.emitted) {
            warehouse.apply(path);
        }
        warehouse.apply("warehouse/apply.sql");
        warehouse
    }

    /// The same with a stream that fills it, by the settings of its target.
    pub fn streamed(zone: &str, declarations: &str, settings: &str, stream: &str) -> Warehouse {
        let warehouse = Warehouse::built_with(zone, declarations, settings, Some(stream));
        warehouse.set("cut_over", CUT_OVER);
        warehouse.apply("warehouse/apply.sql");
        warehouse.apply("stream/apply.sql");
        warehouse
    }

    /// Compiles declarations; nothing is applied yet.
    pub fn built(zone: &str, declarations: &str, settings: &str) -> Warehouse {
        Warehouse::built_with(zone, declarations, settings, None)
    }

    /// The same, with a stream where its settings are given.
    pub fn built_with(zone: &str, declarations: &str, settings: &str, stream: Option<&str>) -> Warehouse {
        let Compiled { model, input, emitted, stream } = compiled(zone, declarations, settings, stream);
        Warehouse { session: Session::exclusive(), model, input, emitted, stream, came: RefCell::default() }
    }

    /// The artefacts alone.
    pub fn emitted(zone: &str, declarations: &str, settings: &str) -> Emitted {
        compiled(zone, declarations, settings, None).emitted
    }

    /// Another build for the same server; nothing of it is applied yet. Gives the artefacts of the one before, too.
    pub fn rebuilt(self, declarations: &str, settings: &str) -> (Warehouse, Emitted) {
        self.rebuilt_with(declarations, settings, None)
    }

    /// The same, with a stream where its settings are given.
    pub fn rebuilt_with(self, declarations: &str, settings: &str, stream: Option<&str>) -> (Warehouse, Emitted) {
        let Compiled { model, input, emitted, stream } =
            compiled(self.input.zone.name(), declarations, settings, stream);
        let Warehouse { session, came, emitted: before, .. } = self;
        (Warehouse { session, model, input, emitted, stream, came }, before)
    }

    /// The files of a build, in the order of their application.
    pub fn order(emitted: &Emitted) -> Vec<&str> {
        emitted.details["order"].as_array().expect("a list").iter().map(|path| path.as_str().expect("a path")).collect()
    }

    /// The text of an artefact.
    pub fn artifact(&self, path: &str) -> &str {
        self.batches().artifact(path)
    }

    /// Runs all statements of an artefact.
    pub fn apply(&self, path: &str) {
        self.try_apply(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// The same; what fails first is told.
    pub fn try_apply(&self, path: &str) -> Result<(), String> {
        self.batches().apply(path)
    }

    /// Runs the first so many statements of an artefact, as if it were killed then.
    pub fn apply_a_part(&self, path: &str, count: usize) {
        let statements = script::statements(self.artifact(path));
        assert!(count < statements.len(), "{path} has {} statements", statements.len());
        for statement in statements.into_iter().take(count) {
            self.session.execute(statement).unwrap_or_else(|error| panic!("{error}\n{statement}"));
        }
    }

    /// The table of a plan.
    pub fn table(&self, name: &str) -> &Table {
        self.input.tables.iter().find(|table| table.name == name).expect("a table")
    }

    /// Brings rows in, as one block: a line a row, cells between bars, empty for null; times are wall-clock times of the
    /// project.
    pub fn insert(&self, table: &str, rows: &str) {
        let of = self.table(table).clone();
        let parse = |line: &str| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), of.columns.len(), "{line}");
            let cell = |(cell, column): (&str, &StoredColumn)| (!cell.is_empty()).then(|| self.stored(cell, column));
            cells.into_iter().zip(&of.columns).map(cell).collect::<Row>()
        };
        let lines = rows.lines().filter(|line| !line.trim().is_empty());
        self.insert_rows(table, lines.map(parse).collect());
    }

    /// The same, of rows as they are stored.
    pub fn insert_rows(&self, table: &str, rows: Vec<Row>) {
        let of = self.table(table).clone();
        let columns: Vec<&str> = of.columns.iter().map(|column| column.name.as_str()).collect();
        let name: Vec<String> = of.physical.split('.').map(quote_name).collect();
        self.session.insert_tsv(&name.join("."), &columns, &rows).unwrap_or_else(|error| panic!("{error}"));
        self.came.borrow_mut().entry(table.to_owned()).or_default().extend(rows);
    }

    /// All rows that have come in.
    pub fn came(&self, table: &str) -> Vec<Row> {
        self.came.borrow().get(table).cloned().unwrap_or_default()
    }

    fn stored(&self, cell: &str, column: &StoredColumn) -> String {
        match (&column.ty, column.encoding) {
            (DataType::Timestamp, encoding) => {
                let ms = parse_timestamp(cell, self.input.zone).unwrap_or_else(|| panic!("{cell} is no time"));
                match encoding {
                    Encoding::Milliseconds => ms.to_string(),
                    Encoding::Native => chrono::DateTime::from_timestamp_millis(ms)
                        .expect("in range")
                        .format("%Y-%m-%dT%H:%M:%S%.3fZ")
                        .to_string(),
                }
            }
            _ => cell.to_owned(),
        }
    }

    /// Its batches.
    pub fn batches(&self) -> Batches<'_> {
        Batches { emitted: &self.emitted, session: &self.session }
    }

    /// The path of a file of a batch.
    pub fn file(&self, batch: &str, step: &str) -> &str {
        self.batches().file(batch, step)
    }

    /// Sets a parameter of the statements that follow.
    pub fn set(&self, name: &str, value: &str) {
        self.batches().set(name, value);
    }

    /// The lists of days that a run builds, or for `history` all days there are.
    pub fn days(&self, batch: &str, step: &str, run: &str) -> Vec<Vec<String>> {
        self.batches().days(batch, step, run)
    }

    /// Prepares a list of days.
    pub fn stage(&self, batch: &str, days: &[String]) {
        self.batches().stage(batch, days).unwrap_or_else(|error| panic!("{error}"));
    }

    /// A whole run; gives the days that it built.
    pub fn run(&self, batch: &str, run: &str) -> Vec<String> {
        self.batches().run(batch, "days", run).unwrap_or_else(|error| panic!("{error}"))
    }

    /// All of history, up to a last day (or hour).
    pub fn backfill(&self, batch: &str, last: &str) -> Vec<String> {
        self.batches().run(batch, "history", last).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Fills in the history of the streams of a source; gives its months.
    pub fn fill_history(&self, source: &str) -> Vec<String> {
        self.batches().fill_history(source).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes anew what is not made of rows as they arrive: dictionaries, then rollups.
    pub fn refresh(&self) {
        self.execute("SYSTEM RELOAD DICTIONARIES");
        for rollup in self.emitted.details["rollups"].as_array().expect("a list") {
            if rollup["filled"] == "rebuilt" {
                for verb in ["WAIT", "REFRESH", "WAIT"] {
                    self.execute(&format!("SYSTEM {verb} VIEW {}", rollup["view"].as_str().expect("a name")));
                }
            }
        }
    }

    /// The rows of a view, in its order of columns.
    pub fn view(&self, name: &str) -> Vec<String> {
        self.lines(&format!("SELECT * FROM metrics.{name} ORDER BY ALL"))
    }

    /// The rows of a query.
    pub fn lines(&self, sql: &str) -> Vec<String> {
        self.session.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).lines()
    }

    /// Runs a statement.
    pub fn execute(&self, sql: &str) {
        self.session.execute(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }
}

/// What a project becomes; see [`Warehouse`].
pub struct Compiled {
    pub model: Model,
    pub input: Input,
    pub emitted: Emitted,
    pub stream: serde_json::Value,
}

/// Compiles the project of [`files`].
pub fn compiled(zone: &str, declarations: &str, settings: &str, stream: Option<&str>) -> Compiled {
    let (project, told) = load(&files(zone, declarations, settings, stream));
    let project = project.unwrap_or_else(|| panic!("{}", text(&told)));
    let (compiled, found) = compile(&project);
    assert!(!told.has_errors() && !found.has_errors(), "{}; {}", text(&told), text(&found));
    let (input, found) = emit::with_changes(&project, &compiled);
    assert!(!found.has_errors(), "{}", text(&found));
    let emitted = |name: &str| {
        let (emitted, found) = emit::emit(&input, project.target(name).expect("a target"));
        assert!(!found.has_errors(), "{}", text(&found));
        emitted
    };
    let mut all = emitted("warehouse");
    let stream = stream.map(|_| emitted("stream"));
    let told = stream.as_ref().map_or(serde_json::Value::Null, |stream| stream.details.clone());
    all.artifacts.extend(stream.into_iter().flat_map(|stream| stream.artifacts));
    Compiled { model: compiled.model, input, emitted: all, stream: told }
}

/// What was found, in one line.
pub fn text(found: &Diagnostics) -> String {
    found.iter().map(|one| format!("{}: {}", one.code, one.message)).collect::<Vec<_>>().join("; ")
}
