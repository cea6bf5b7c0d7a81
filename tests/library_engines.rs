//! The project's own library on a real ClickHouse: what the build makes there gives the numbers of the dry run.
//!
//! The artefacts are applied to an empty server, then rows come in as they do in life (in several blocks, out of order, some
//! twice, one block sent again), and every metric view is compared with the dry run over the same rows, value by value.
#![cfg(feature = "dry-run")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metricc::compile::compile;
use metricc::diagnostic::{Code, codes};
use metricc::dry_run::{Data, DryRun, Options};
use metricc::emit::{self, Emitted, Input};
use metricc::plan::{
    Aggregate, AskedStep, DataType, ExprKind, Lowering, Measure, MeasureId, MetricOutput, Origin, OutputColumn, Query,
    Question, Ratio, Step, Table as PlanTable, Value,
};
use metricc::project::{ClickhouseTarget, DiskFiles, TargetSettings, load};
use metricc::sql::{self, CLICKHOUSE};
use metricc::types::{By, DimensionId, Grain, MetricId, Model};
use serde_json::Value as Json;
use support::answers::{Rows, apply, clickhouse, equal, put, told};
use support::batches::Batches;
use support::clickhouse::{Session, quote_name, quote_text};
use support::rolled::differences;

/// An estimate is within this share.
const APPROXIMATE: f64 = 0.02;

/// In how many blocks rows arrive when every view is compared.
const ALL: usize = 7;

/// Rows of a block, but for the last: two of a single row each can be equal, and the second would be taken for the first, sent again.
const SMALLEST_BLOCK: usize = 20;

/// The compiled library, its artefacts, its rows, and the dry run over them.
struct Library {
    model: Model,
    input: Input,
    emitted: Emitted,
    rows: Vec<TableRows>,
    dry_run: DryRun,
}

/// All rows of a table, in the order in which they arrive.
struct TableRows {
    table: PlanTable,
    header: Vec<String>,
    records: Vec<Record>,
}

/// A row of a sample.
#[derive(Clone)]
struct Record {
    /// As it stands in the file, without the line's end.
    raw: String,
    /// None is null.
    cells: Vec<Option<String>>,
}

impl Library {
    fn new() -> Library {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let (project, _) = load(&DiskFiles::new(&root));
        let project = project.expect("the project");
        let (compiled, told) = compile(&project);
        assert!(!told.has_errors(), "{told:?}");
        let model = compiled.model;
        let (mut input, told) = emit::input(&model);
        assert!(!told.has_errors(), "{told:?}");
        // Growths are made of views that are compared; tables of behaviour, which take long to fill day by day, have tests of their own.
        let tables = Arc::clone(&input.tables);
        let is_made = |place: &usize| matches!(tables[*place].origin, Origin::Made(_));
        input.metrics.retain(|view| !view.name.contains('.') && !view.query.all_tables().iter().any(is_made));
        // Terms end behind the last day that the batches of this test build.
        input.metrics.retain(|view| view.name != "renewal_rate");
        // The samples are of one season: whatever the day of the test is, none of their rows is too old to be kept.
        input.upkeep.iter_mut().for_each(|upkeep| upkeep.retain = None);
        let mut target = project.targets.into_iter().next().expect("a target");
        target.settings =
            TargetSettings::Clickhouse(ClickhouseTarget { create_sources: true, ..ClickhouseTarget::default() });
        let (emitted, told) = emit::emit(&input, &target);
        assert!(!told.has_errors(), "{told:?}");
        let samples = root.join("metrics/samples");
        let stored = input.tables.iter().filter(|table| !table.is_derived());
        let rows: Vec<TableRows> = stored.map(|table| TableRows::read(table, &samples)).collect();
        let dry_run = dry_run(&rows, &input);
        Library { model, input, emitted, rows, dry_run }
    }

    fn artifact(&self, name: &str) -> &str {
        let end = format!("/{name}");
        let found = self.emitted.artifacts.iter().find(|artifact| artifact.path.ends_with(&end));
        &found.unwrap_or_else(|| panic!("no {name}")).text
    }

    /// A list of the manifest's details.
    fn details(&self, list: &str) -> &[Json] {
        self.emitted.details[list].as_array().expect("a list")
    }
}

impl TableRows {
    /// The rows of a sample and, again, 3 % of them, shuffled. Where the table has a key the copies must not count; where it has
    /// none they are rows like others, for both engines.
    fn read(table: &PlanTable, samples: &Path) -> TableRows {
        let file = samples.join(table.sample.as_deref().expect("a sample"));
        let text = std::fs::read_to_string(file).expect("a sample");
        let mut records = records(&text).into_iter();
        let header = records.next().expect("a header").cells.into_iter().flatten().collect();
        let mut records: Vec<Record> = records.collect();
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..records.len().div_ceil(33) {
            records.push(records[rng.usize(..records.len())].clone());
        }
        rng.shuffle(&mut records);
        TableRows { table: table.clone(), header, records }
    }

    /// The rows as a sample file.
    fn file(&self) -> String {
        let mut text = self.header.join(",") + "\n";
        for record in &self.records {
            text.push_str(&record.raw);
            text.push('\n');
        }
        text
    }

    /// Inserts the rows in so many blocks; of several, one is sent a second time after the next.
    fn insert(&self, session: &Session, blocks: usize) -> Result<(), String> {
        let columns: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let name: Vec<String> = self.table.physical.split('.').map(quote_name).collect();
        let name = name.join(".");
        let rows: Vec<Vec<Option<String>>> = self.records.iter().map(|record| self.row(record)).collect();
        let blocks: Vec<&[_]> = rows.chunks(rows.len().div_ceil(blocks).max(SMALLEST_BLOCK)).collect();
        for (at, block) in blocks.iter().enumerate() {
            session.insert_tsv(&name, &columns, block)?;
            if at == 1 {
                session.insert_tsv(&name, &columns, blocks[0])?;
            }
        }
        Ok(())
    }

    /// A row as ClickHouse reads it.
    fn row(&self, record: &Record) -> Vec<Option<String>> {
        let of = |name: &String| self.table.columns.iter().find(|column| column.name == *name).expect("a column");
        let cell = |(name, cell): (&String, &Option<String>)| match (cell, &of(name).ty) {
            (Some(text), DataType::Map(_)) => Some(map(text)),
            (cell, _) => cell.clone(),
        };
        self.header.iter().zip(&record.cells).map(cell).collect()
    }
}

/// The records of a sample, its header first: without quotes an empty cell is null.
fn records(text: &str) -> Vec<Record> {
    let mut found = Vec::new();
    let mut record = Record { raw: String::new(), cells: Vec::new() };
    let (mut cell, mut quoted, mut inside) = (String::new(), false, false);
    let end_cell = |record: &mut Record, cell: &mut String, quoted: &mut bool| {
        let text = std::mem::take(cell);
        record.cells.push(if text.is_empty() && !*quoted { None } else { Some(text) });
        *quoted = false;
    };
    for character in text.chars() {
        match character {
            '"' => {
                // A doubled quote closes and opens: the text between is a quote.
                if quoted && !inside && record.raw.ends_with('"') {
                    cell.push('"');
                }
                (quoted, inside) = (true, !inside);
            }
            ',' if !inside => end_cell(&mut record, &mut cell, &mut quoted),
            '\n' if !inside => {
                end_cell(&mut record, &mut cell, &mut quoted);
                found.push(std::mem::replace(&mut record, Record { raw: String::new(), cells: Vec::new() }));
                continue;
            }
            other => cell.push(other),
        }
        record.raw.push(character);
    }
    assert!(record.raw.is_empty(), "the last line of a sample has no end: {}", record.raw);
    found
}

/// A JSON object of texts as a map's literal.
fn map(json: &str) -> String {
    let object: BTreeMap<String, String> = serde_json::from_str(json).expect("an object of texts");
    let items: Vec<String> =
        object.iter().map(|(key, value)| format!("{}:{}", quote_text(key), quote_text(value))).collect();
    format!("{{{}}}", items.join(","))
}

/// The dry run over the same rows.
fn dry_run(rows: &[TableRows], input: &Input) -> DryRun {
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = DryRun::new(Options::new(input.zone)).expect("an engine");
    for rows in rows {
        let file = folder.path().join(rows.table.sample.as_deref().expect("a sample"));
        std::fs::write(file, rows.file()).expect("a file");
        run.register(&rows.table, &Data::Samples(folder.path())).unwrap_or_else(|found| panic!("{}", told(&found)));
    }
    run
}

/// An empty server to which every file was applied in order, and then all of them once more.
fn applied(library: &Library) -> Session {
    let session = Session::exclusive();
    let mut wrong = Vec::new();
    for path in library.details("order") {
        let path = path.as_str().expect("a path");
        wrong.extend(apply(&session, library.artifact(path.rsplit('/').next().expect("a name"))));
    }
    assert!(wrong.is_empty(), "{} statements fail:\n{}", wrong.len(), wrong.join("\n\n"));
    let again = apply(&session, library.artifact("apply.sql"));
    assert!(again.is_empty(), "{} statements fail the second time:\n{}", again.len(), again.join("\n\n"));
    let settings = library.emitted.details["insert_settings"].as_object().expect("settings");
    for (name, value) in settings {
        session.execute(&format!("SET {name} = {value}")).unwrap_or_else(|error| panic!("{error}"));
    }
    session
}

/// Brings the rows in and waits until all rollups are made.
fn filled(library: &Library, session: &Session, blocks: usize) {
    for rows in &library.rows {
        rows.insert(session, blocks).unwrap_or_else(|error| panic!("{}: {error}", rows.table.name));
    }
    for rollup in library.details("rollups") {
        if rollup["filled"] == "rebuilt" {
            let view = rollup["view"].as_str().expect("a name");
            // The first one may still be under way: it has not seen all rows.
            for verb in ["WAIT", "REFRESH", "WAIT"] {
                session
                    .execute(&format!("SYSTEM {verb} VIEW {view}"))
                    .unwrap_or_else(|error| panic!("{view}: {error}"));
            }
        }
    }
    build_all_days(library, session);
}

/// Runs every batch over all of history.
fn build_all_days(library: &Library, session: &Session) {
    let batches = Batches { emitted: &library.emitted, session };
    for name in batches.names() {
        // After the last row, and before the first one is so old that it is about to go.
        let last = if name.ends_with("daily") { "2026-11-15" } else { "2026-11-15 00:00:00" };
        let built = batches.run(&name, "history", last).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!built.is_empty(), "{name} builds no day");
    }
}

/// What the dry run answers, and the columns: the last ones, behind the keys, are metrics.
fn dry(library: &Library, query: &Query) -> Result<(Rows, usize), String> {
    let answer = library.dry_run.run(query).map_err(|found| format!("the dry run: {}", told(&found)))?;
    let mut rows = Rows::new();
    for values in answer.rows {
        put(&mut rows, values, answer.keys);
    }
    Ok((rows, answer.keys))
}

/// How a metric's values are compared.
enum Check {
    /// Equal; floats nearly so.
    Equal,
    /// Within a share.
    Share(f64),
    /// An estimated quantile: by key, the number of values and exact quantiles around.
    Around(Rows),
}

fn checks(library: &Library, query: &Query) -> Result<Vec<Check>, String> {
    query.metrics.iter().map(|metric| check(library, query, metric)).collect()
}

fn check(library: &Library, query: &Query, metric: &MetricOutput) -> Result<Check, String> {
    let (mut distinct, mut quantile) = (false, false);
    metric.formula.walk(&mut |expr| {
        if let ExprKind::Measure(id) = &expr.kind {
            let aggregate = &query.scans[id.scan].measures[id.measure].aggregate;
            distinct |= matches!(aggregate, Aggregate::ApproxDistinct(_));
            quantile |= matches!(aggregate, Aggregate::ApproxQuantile(..));
        }
    });
    Ok(match (distinct, quantile) {
        (false, false) => Check::Equal,
        (true, false) => Check::Share(APPROXIMATE),
        (_, true) => Check::Around(dry(library, &around(query, metric)?)?.0),
    })
}

/// The question for the number of values below an estimated quantile, and for exact quantiles around it. An estimate is off in
/// rank; how far in value depends on the gaps between the values.
fn around(query: &Query, metric: &MetricOutput) -> Result<Query, String> {
    let no = || format!("`{}` computes with an estimated quantile: compare it in a way of its own", metric.column.name);
    let ExprKind::Measure(id) = &metric.formula.kind else { return Err(no()) };
    let measure = query.scans[id.scan].measures[id.measure].clone();
    let Aggregate::ApproxQuantile(x, level) = &measure.aggregate else { return Err(no()) };
    let thousandths = (level.value() * 1000.0).round() as i64;
    let at = |places: i64| {
        let numerator = (thousandths + places).clamp(0, 1000).unsigned_abs();
        (Aggregate::Quantile(x.clone(), Ratio { numerator, denominator: 1000 }), measure.ty.clone())
    };
    let asked = [(Aggregate::Count(x.clone()), DataType::Int), at(-30), at(30), at(-100), at(100)];
    let mut found = Query { metrics: Vec::new(), order: Vec::new(), limit: None, ..query.clone() };
    for (aggregate, ty) in asked {
        let measures = &mut found.scans[id.scan].measures;
        let of = MeasureId { scan: id.scan, measure: measures.len() };
        measures.push(Measure { filter: measure.filter.clone(), aggregate, ty: ty.clone() });
        let mut formula = metric.formula.clone();
        (formula.kind, formula.ty) = (ExprKind::Measure(of), ty.clone());
        let column = OutputColumn { name: format!("_{}", of.measure), ty, ..metric.column.clone() };
        found.metrics.push(MetricOutput { column, formula, present: metric.present.clone(), fill: None });
    }
    Ok(found)
}

/// Whether an estimate lies between the quantiles three hundredths around; where there are few values, ten hundredths.
fn is_around(quantiles: &[Value], estimate: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Int(value) | Value::Duration(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    };
    let known: Option<Vec<f64>> = quantiles.iter().map(number).collect();
    match (known.as_deref(), number(estimate)) {
        (Some([count, low, high, lowest, highest]), Some(estimate)) => {
            let (low, high) = if *count >= 50.0 { (low, high) } else { (lowest, highest) };
            low * (1.0 - APPROXIMATE) <= estimate && estimate <= high * (1.0 + APPROXIMATE)
        }
        // No values, no estimate.
        (_, found) => found.is_none() && matches!(quantiles.first(), None | Some(Value::Null | Value::Int(0))),
    }
}

/// The first difference, in words, and how many rows differ.
fn difference(query: &Query, checks: &[Check], right: &Rows, found: &Rows) -> Option<String> {
    let agree = |key: &Vec<String>| {
        let (Some([a]), Some([b])) = (right.get(key).map(Vec::as_slice), found.get(key).map(Vec::as_slice)) else {
            return false;
        };
        let value = |((a, b), check): ((&Value, &Value), &Check)| match check {
            Check::Equal => equal(a, b, 0.0),
            Check::Share(share) => equal(a, b, *share),
            Check::Around(quantiles) => {
                is_around(quantiles.get(key).and_then(|rows| rows.first()).map_or(&[], Vec::as_slice), b)
            }
        };
        a.len() == b.len() && a.iter().zip(b).zip(checks).all(value)
    };
    let keys: BTreeSet<&Vec<String>> = right.keys().chain(found.keys()).collect();
    let wrong: Vec<&Vec<String>> = keys.iter().copied().filter(|key| !agree(key)).collect();
    let first = wrong.first()?;
    let names: Vec<&str> = query.metrics.iter().map(|metric| metric.column.name.as_str()).collect();
    let (wanted, got) = (right.get(*first), found.get(*first));
    Some(format!(
        "{} of {} rows, first {first:?}: {names:?} {wanted:?} is right, {got:?} came",
        wrong.len(),
        keys.len()
    ))
}

/// Compares every metric view with the dry run's rows.
fn compare_views(library: &Library, session: &Session, right: &[(Rows, Vec<Check>)], blocks: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let views = library.input.metrics.iter().zip(library.details("metrics")).zip(right);
    // How rows arrived shows in what is kept of them alone.
    let shows = |told: &Json| blocks == ALL || told["rollups"].as_array().is_some_and(|rollups| !rollups.is_empty());
    for ((metric, told), (right, checks)) in views.filter(|((_, told), _)| shows(told)) {
        let columns = metric.query.columns();
        let view = told["view"].as_str().expect("a name");
        let keys = columns.len() - metric.query.metrics.len();
        match clickhouse(session, &format!("SELECT * FROM {view}"), &columns, keys) {
            Ok(found) => wrong.extend(
                difference(&metric.query, checks, right, &found).map(|difference| format!("{view}: {difference}")),
            ),
            Err(error) => wrong.push(format!("{view}: {error}")),
        }
    }
    wrong
}

/// What the dry run answers for every metric view, and how it is compared.
fn right(library: &Library) -> Vec<(Rows, Vec<Check>)> {
    let of = |query| Ok((dry(library, query)?.0, checks(library, query)?));
    let views = library.input.metrics.iter();
    views.map(|view| of(&view.query).unwrap_or_else(|error: String| panic!("{}: {error}", view.name))).collect()
}

fn none_is_wrong(wrong: &[String]) {
    let shown: Vec<&str> = wrong.iter().take(40).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), shown.join("\n"));
}

/// Why a metric has no answer to a question: what goes back, or counts steps, needs buckets; a lifecycle has its own; models and
/// variants stand apart.
const NO_ANSWER: [Code; 7] =
    [codes::E0961, codes::E0962, codes::E0963, codes::E0966, codes::E0974, codes::E0980, codes::E0981];

/// What is asked together: the tables that are read, the dimension, the step as it is asked for and as it is.
type Group = (Vec<usize>, Option<usize>, usize, Option<Step>);

/// Questions that no view answers: several metrics of the same sources at once, by each of their dimensions alone and by
/// none, at the default step, by month, and in one bucket.
fn questions(model: &Model, lowering: &Lowering<'_>) -> Vec<Question> {
    let steps = [AskedStep::Default, AskedStep::Step(Step::Month), AskedStep::None];
    let of = |by: Option<usize>| by.into_iter().map(DimensionId).map(By::Dimension).collect();
    let mut groups: BTreeMap<Group, Vec<MetricId>> = BTreeMap::new();
    for (at, metric) in model.metrics.iter().enumerate() {
        let timed = metric.grain.iter().any(|grain| matches!(grain, Grain::Step(_)));
        let mut answers = 0;
        for by in metric.by.iter().filter_map(|by| by.dimension()).map(|id| Some(id.0)).chain([None]) {
            for (place, step) in steps.iter().enumerate().skip(if timed { 0 } else { 2 }) {
                let alone = Question { step: *step, by: of(by), ..Question::of(vec![MetricId(at)]) };
                match lowering.lower(&alone) {
                    Ok(query) => {
                        let mut tables: Vec<usize> =
                            query.scans.iter().flat_map(metricc::plan::Scan::base_tables).collect();
                        tables.sort_unstable();
                        tables.dedup();
                        groups.entry((tables, by, place, query.step)).or_default().push(MetricId(at));
                        answers += 1;
                    }
                    Err(found) => {
                        let name = &metric.name.value;
                        assert!(found.iter().all(|one| NO_ANSWER.contains(&one.code)), "{name}: {}", told(&found));
                    }
                }
            }
        }
        assert!(answers > 0, "{} answers no question", metric.name.value);
    }
    let question = |((_, by, place, _), metrics): (Group, Vec<MetricId>)| Question {
        step: steps[place],
        by: of(by),
        ..Question::of(metrics)
    };
    groups.into_iter().map(question).collect()
}

/// Compares what the two engines answer to a question.
fn compare_question(
    library: &Library,
    session: &Session,
    lowering: &Lowering<'_>,
    question: &Question,
) -> Option<String> {
    let ask = || {
        let query = lowering.lower(question).map_err(|found| told(&found))?;
        let select =
            sql::select(&query, &CLICKHOUSE, &sql::Options::default()).map_err(|found| format!("{found:?}"))?;
        let (right, keys) = dry(library, &query)?;
        let found = clickhouse(session, &sql::to_text(&select, &CLICKHOUSE), &query.columns(), keys)?;
        Ok(difference(&query, &checks(library, &query)?, &right, &found))
    };
    let wrong: Option<String> = ask().unwrap_or_else(|error: String| Some(error));
    let metrics: Vec<&str> =
        question.metrics.iter().map(|id| library.model.metrics[id.0].name.value.as_str()).collect();
    let by: Vec<String> = question.by.iter().map(|by| by.name(&library.model.dimensions)).collect();
    wrong.map(|wrong| format!("{} at {:?} by {by:?}: {wrong}", metrics.join(", "), question.step))
}

/// Nothing but sources is left.
fn rolled_back(library: &Library, session: &Session) {
    let wrong = apply(session, library.artifact("rollback.sql"));
    assert!(wrong.is_empty(), "{} statements fail:\n{}", wrong.len(), wrong.join("\n\n"));
    let left = session.query("SELECT name FROM system.tables WHERE database = 'metrics'").expect("names");
    assert!(left.rows.is_empty(), "{:?}", left.lines());
    for rows in &library.rows {
        let count = session.query(&format!("SELECT count() FROM {}", rows.table.physical)).expect("a count");
        assert_eq!(count.cell(), Some(rows.records.len().to_string().as_str()), "{}", rows.table.name);
    }
}

#[test]
fn the_library_gives_equal_numbers_however_rows_arrive() {
    support::engine!("clickhouse");
    let library = Library::new();
    let right = right(&library);
    // Every way to fill a rollup is tried.
    for way in ["added", "cascaded", "rebuilt", "daily", "hourly"] {
        assert!(library.details("rollups").iter().any(|rollup| rollup["filled"] == way), "{way}");
    }
    assert!(right.len() >= 150, "{}", right.len());
    let views = library.input.metrics.iter().zip(&right);
    let empty: BTreeSet<&str> = views.filter(|(_, (rows, _))| rows.is_empty()).map(|(view, _)| &*view.name).collect();
    assert_eq!(empty, BTreeSet::new());
    let lowering = Lowering::new(&library.model);
    let mut wrong = Vec::new();
    for blocks in [ALL, 1, 2] {
        let session = applied(&library);
        filled(&library, &session, blocks);
        let found = compare_views(&library, &session, &right, blocks);
        wrong.extend(found.into_iter().map(|one| format!("{blocks} blocks: {one}")));
        let (rollups, looked_at) = differences(&session, &library.input, &library.emitted);
        assert!(looked_at >= 20, "{looked_at}");
        wrong.extend(rollups.into_iter().map(|one| format!("{blocks} blocks: {one}")));
        if blocks == ALL {
            let questions = questions(&library.model, &lowering);
            assert!(questions.len() >= 200, "{}", questions.len());
            let some = questions.iter().step_by(12);
            wrong.extend(some.filter_map(|one| compare_question(&library, &session, &lowering, one)));
        }
        rolled_back(&library, &session);
    }
    none_is_wrong(&wrong);
}
