//! The streamed metrics of the project's own library, counted by a stream on a real ClickHouse: each view gives the numbers of
//! the dry run over the rows that count.
//!
//! Rows come as they do in life: out of order, some late, some twice – as they were, or stamped anew.
#![cfg(feature = "dry-run")]

mod streaming;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use metricc::compile::compile;
use metricc::dry_run::{Data, DryRun, Options};
use metricc::emit::{self, Emitted, Input};
use metricc::plan::{DataType, Table};
use metricc::project::{MemoryFiles, load};
use metricc::types::Serve;
use streaming::shop::RULES;
use streaming::{Event, MINUTE, Random, Stream};
use support::answers::{self, Rows, told};
use support::clickhouse::{Session, quote_name, quote_text};

/// The sources whose rows are counted.
const EVENT: &str = "event";
const CALL: &str = "perf_api";

/// Rows of a sample: none is null.
struct Sample {
    header: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Sample {
    fn read(path: &Path) -> Sample {
        let text = std::fs::read_to_string(path).expect("a sample");
        let mut rows = rows(&text).into_iter();
        let header = rows.next().expect("a header").into_iter().flatten().collect();
        Sample { header, rows: rows.collect() }
    }

    fn place(&self, column: &str) -> usize {
        self.header.iter().position(|name| name == column).expect("a column")
    }

    /// The same columns with other rows, as a file.
    fn file(&self, rows: &[Vec<Option<String>>]) -> String {
        let cell = |cell: &Option<String>| {
            cell.as_ref().map_or_else(String::new, |text| format!("\"{}\"", text.replace('"', "\"\"")))
        };
        let line = |row: &Vec<Option<String>>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
        self.header.join(",") + "\n" + &rows.iter().map(line).collect::<String>()
    }

    fn insert(&self, session: &Session, table: &Table, rows: &[Vec<Option<String>>]) {
        let columns: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let name: Vec<String> = table.physical.split('.').map(quote_name).collect();
        let of = |name: &String| table.columns.iter().find(|column| column.name == *name).expect("a column");
        let cell = |(name, cell): (&String, &Option<String>)| match (cell, &of(name).ty) {
            (Some(text), DataType::Map(_)) => Some(map(text)),
            (cell, _) => cell.clone(),
        };
        let rows: Vec<Vec<Option<String>>> =
            rows.iter().map(|row| self.header.iter().zip(row).map(cell).collect()).collect();
        session.insert_tsv(&name.join("."), &columns, &rows).unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}

/// The rows of a CSV file: without quotes an empty cell is null.
fn rows(text: &str) -> Vec<Vec<Option<String>>> {
    let (mut all, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut inside) = (false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => (quoted, inside) = (true, !inside),
            ',' | '\n' if !inside => {
                let text = std::mem::take(&mut cell);
                row.push((!text.is_empty() || quoted).then_some(text));
                quoted = false;
                if character == '\n' {
                    all.push(std::mem::take(&mut row));
                }
            }
            other => cell.push(other),
        }
    }
    all
}

/// A JSON object of texts as a map's literal.
fn map(json: &str) -> String {
    let object: BTreeMap<String, String> = serde_json::from_str(json).expect("an object of texts");
    let items = object.iter().map(|(key, value)| format!("{}:{}", quote_text(key), quote_text(value)));
    format!("{{{}}}", items.collect::<Vec<_>>().join(","))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The library with a stream beside its warehouse.
fn project() -> MemoryFiles {
    fn add(files: MemoryFiles, folder: &str) -> MemoryFiles {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        entries.sort();
        entries.into_iter().fold(files, |files, path| {
            let name = format!("{folder}/{}", path.file_name().expect("a name").to_string_lossy());
            match path.extension().and_then(|end| end.to_str()) {
                None if path.is_dir() => add(files, &name),
                Some("metric" | "yaml") => files.with(name, std::fs::read_to_string(&path).expect("a file")),
                _ => files,
            }
        })
    }
    let files = MemoryFiles::new()
        .with("metricc.yaml", std::fs::read_to_string(root().join("metricc.yaml")).expect("a file"))
        .with("targets/stream.yaml", "kind: streaming\ndialect: clickhouse\n");
    ["metrics", "dimensions", "targets"].into_iter().filter(|folder| root().join(folder).is_dir()).fold(
        files,
        |files, folder| {
            if folder == "targets" {
                let name = "targets/clickhouse.yaml";
                files.with(name, std::fs::read_to_string(root().join(name)).expect("a file"))
            } else {
                add(files, folder)
            }
        },
    )
}

fn built() -> (Input, Emitted, Emitted) {
    let (loaded, found) = load(&project());
    let project = loaded.unwrap_or_else(|| panic!("{}", told(&found)));
    let (compiled, found) = compile(&project);
    assert!(!found.has_errors(), "{}", told(&found));
    let (mut input, found) = emit::input(&compiled.model);
    assert!(!found.has_errors(), "{}", told(&found));
    // Growths are made of others, and what no stream serves has tests of its own.
    let is_streamed = |serve: &Serve| matches!(serve, Serve::Stream(_));
    input.metrics.retain(|view| !view.name.contains('.') && view.serve.iter().any(is_streamed));
    // The samples are of one season: whatever the day of the test is, none of their rows is too old to be kept.
    input.upkeep.iter_mut().for_each(|upkeep| upkeep.retain = None);
    let emitted = |name: &str| {
        let (emitted, found) = emit::emit(&input, project.target(name).expect("a target"));
        assert!(!found.has_errors(), "{}", told(&found));
        emitted
    };
    let (warehouse, stream) = (emitted("clickhouse"), emitted("stream"));
    (input, warehouse, stream)
}

fn apply(session: &Session, emitted: &Emitted, path: &str) {
    let artifact = emitted.artifacts.iter().find(|artifact| artifact.path == path).expect("an artefact");
    session.apply(&artifact.text).unwrap_or_else(|(statement, error)| panic!("{error}\n{statement}"));
}

/// Rows as they come: the order of their arrival, but for some that are late; and some again, as they were or with another time.
fn blocks(sample: &Sample, time: &str, arrival: &str) -> Vec<Vec<Vec<Option<String>>>> {
    let (at, came) = (sample.place(time), sample.place(arrival));
    let number = |row: &[Option<String>], place: usize| row[place].as_ref().and_then(|text| text.parse::<i64>().ok());
    let mut random = Random::new(91);
    let mut rows = sample.rows.clone();
    rows.sort_by_key(|row| number(row, came));
    let mut places: Vec<(usize, Vec<Option<String>>)> = Vec::new();
    for (place, row) in rows.into_iter().enumerate() {
        match random.below(24) {
            0 => places.push((place + random.below(300), row.clone())),
            1 => {
                let mut again = row.clone();
                again[at] = number(&row, at).map(|at| (at + random.from(-5 * MINUTE, 6 * MINUTE)).to_string());
                places.push((place + random.below(150), again));
            }
            2 => {
                // It comes late alone.
                places.push((place + 200, row));
                continue;
            }
            _ => {}
        }
        places.push((place, row));
    }
    places.sort_by_key(|(place, _)| *place);
    let rows: Vec<_> = places.into_iter().map(|(_, row)| row).collect();
    rows.chunks(rows.len().div_ceil(24)).map(<[_]>::to_vec).collect()
}

/// The rows that count, each with a key of its own: to the dry run a key is a row for ever.
fn counted(sample: &Sample, blocks: &[Vec<Vec<Option<String>>>]) -> (Stream, Vec<Vec<Option<String>>>) {
    let [id, at, got] = ["event_id", "event_time", "received_at"].map(|name| sample.place(name));
    let number = |row: &[Option<String>], place: usize| row[place].as_ref().and_then(|text| text.parse::<i64>().ok());
    let mut all = Vec::new();
    let mut stream = Stream::new(RULES);
    for block in blocks {
        let events: Vec<Event> = block
            .iter()
            .map(|row| {
                // Copies of one time are the same row: its place tells which one it is.
                let place = i64::try_from(all.len()).expect("few");
                all.push(row.clone());
                let got = number(row, got).expect("a time");
                Event { id: row[id].clone(), at: number(row, at), got, amount: Some(place), ..Event::default() }
            })
            .collect();
        stream.takes(&events);
    }
    let row = |event: &Event| {
        let place = event.amount.and_then(|place| usize::try_from(place).ok()).expect("a place");
        let mut row = all[place].clone();
        row[id] = row[id].as_ref().map(|id| format!("{id} {place:06}"));
        row
    };
    let rows = stream.counted.iter().map(row).collect();
    (stream, rows)
}

#[test]
fn st1_the_streamed_metrics_of_the_library_count_what_counts() {
    support::engine!("clickhouse");
    let (input, warehouse, stream) = built();
    let session = Session::exclusive();
    apply(&session, &warehouse, "clickhouse/apply.sql");
    apply(&session, &stream, "stream/apply.sql");
    for (name, value) in stream.details["insert_settings"].as_object().expect("settings") {
        session.execute(&format!("SET {name} = {value}")).unwrap_or_else(|error| panic!("{error}"));
    }
    let samples = root().join("metrics/samples");
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = DryRun::new(Options::new(input.zone)).expect("an engine");
    let stored = || input.tables.iter().filter(|table| !table.is_derived());
    let file = |table: &Table| table.sample.clone().expect("a sample");
    // What is looked up is there before rows come.
    for table in stored().filter(|table| table.name != EVENT && table.name != CALL) {
        let sample = Sample::read(&samples.join(file(table)));
        sample.insert(&session, table, &sample.rows);
        std::fs::write(folder.path().join(file(table)), sample.file(&sample.rows)).expect("a file");
    }
    for table in stored().filter(|table| table.name == EVENT || table.name == CALL) {
        let sample = Sample::read(&samples.join(file(table)));
        let is_keyed = table.name == EVENT;
        let blocks = blocks(&sample, "event_time", if is_keyed { "received_at" } else { "event_time" });
        for block in &blocks {
            sample.insert(&session, table, block);
        }
        let rows = if is_keyed {
            let (right, rows) = counted(&sample, &blocks);
            assert!(right.repeated > 50 && right.late > 50, "{} {}", right.repeated, right.late);
            let dropped = session.query("SELECT sum(rows), sum(repeated), sum(late) FROM metrics.stream__event__1d");
            assert_eq!(
                dropped.expect("a row").lines(),
                [format!("{} | {} | {}", right.came, right.repeated, right.late)]
            );
            rows
        } else {
            blocks.concat()
        };
        std::fs::write(folder.path().join(file(table)), sample.file(&rows)).expect("a file");
    }
    for table in stored() {
        run.register(table, &Data::Samples(folder.path())).unwrap_or_else(|found| panic!("{}", told(&found)));
    }
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (metric, told_of) in input.metrics.iter().zip(warehouse.details["metrics"].as_array().expect("a list")) {
        if !is_streamed(&warehouse, told_of) {
            continue;
        }
        count += 1;
        let view = told_of["view"].as_str().expect("a name");
        let answer = run.run(&metric.query).unwrap_or_else(|found| panic!("{view}: {}", told(&found)));
        let mut right = Rows::new();
        answer.rows.into_iter().for_each(|row| answers::put(&mut right, row, answer.keys));
        assert!(!right.is_empty(), "{view} has no rows");
        let select = format!("SELECT * FROM {view}");
        match answers::clickhouse(&session, &select, &metric.query.columns(), answer.keys) {
            Ok(found) if answers::same(&right, &found) => {}
            Ok(found) => {
                let other = right.iter().find(|(key, row)| found.get(*key) != Some(row));
                wrong.push(format!("{view}: {} rows are right, {} came; {other:?}", right.len(), found.len()));
            }
            Err(error) => wrong.push(format!("{view}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 10, "{count} views are streamed");
}

/// Whether a view reads what the stream fills.
fn is_streamed(warehouse: &Emitted, view: &serde_json::Value) -> bool {
    let rollups = warehouse.details["rollups"].as_array().expect("a list");
    let is_fed = |name: &serde_json::Value| {
        let of = rollups.iter().find(|rollup| rollup["table"] == *name).expect("a rollup");
        let source = |of: &str| name.as_str().is_some_and(|name| name.starts_with(&format!("metrics.{of}__")));
        (of["filled"] == "fed" || of["filled"] == "cascaded") && (source(EVENT) || source(CALL))
    };
    let all = view["rollups"].as_array().expect("a list");
    all.iter().any(is_fed)
}
