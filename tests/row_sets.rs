//! Row sets that are made of others, and entities that keep a history: the `test` declarations of `tests/row_sets/*.metric`, whose
//! tables are computed by hand, on every engine.
//!
//! On ClickHouse each is asked three times: as one SELECT, over the views of clean rows that a build makes, and again with
//! settings that a session may have. The rows stand in tables whose columns may all be null, as they may be delivered.

mod support;

use metricc::compile::compile;
use metricc::emit::{self, Emitted};
use metricc::plan::{
    AskedStep, DataType, Encoding, Lowering, OutputColumn, Query, Question, Step, StoredColumn, Table, Value,
};
use metricc::project::{ClickhouseTarget, MemoryFiles, Target, TargetSettings, load};
use metricc::sql::{self, CLICKHOUSE, Options};
use metricc::syntax::ast::{Cell, DataTable, Test};
use metricc::table::cell::{read_value, row_number, zero};
use metricc::table::form;
use metricc::types::{By, DimensionId, MetricId, Model};
use support::clickhouse::{Session, quote_name, quote_text};

/// The database of a build.
const DATABASE: &str = "metrics";

fn model(text: &str) -> Model {
    let zone = text.lines().next().and_then(|line| line.strip_prefix("// timezone: ")).unwrap_or("Asia/Shanghai");
    let files = MemoryFiles::new()
        .with("metricc.yaml", format!("name: rows\ntimezone: {zone}\nunits: [CNY]\n"))
        .with("metrics/rows.metric", text);
    let (project, _) = load(&files);
    let (compiled, told) = compile(&project.expect("a project"));
    let errors: Vec<_> = told.iter().filter(|one| one.code.0.starts_with('E')).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    compiled.model
}

fn text(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Empty => None,
        Cell::Text(text) | Cell::Quoted(text) => Some(text),
    }
}

/// What the columns of the expected rows ask.
fn question(model: &Model, test: &Test) -> Question {
    let metric = |name: &str| model.metrics.iter().position(|metric| metric.name.value == name).map(MetricId);
    let metrics = test.metrics.iter().map(|(path, _)| metric(&path.to_string()).expect("a metric")).collect();
    let mut question = Question { step: AskedStep::None, ..Question::of(metrics) };
    for column in &test.expect.header {
        let name = column.value.as_str();
        let dimension = model.dimensions.iter().position(|dimension| dimension.name.value == name);
        match (name, name.strip_prefix("time@").map(|step| Step::parse(step).expect("a step"))) {
            ("time", _) => question.step = AskedStep::Step(Step::Day),
            (_, Some(step)) => question.step = AskedStep::Step(step),
            _ if metric(name).is_some() => {}
            _ => {
                let id = DimensionId(dimension.unwrap_or_else(|| panic!("no dimension {name}")));
                question.by.push(By::Dimension(id));
            }
        }
    }
    question
}

/// The SQL type of a column that may be null.
fn physical(column: &StoredColumn, zone: chrono_tz::Tz) -> String {
    let plain = match &column.ty {
        _ if column.encoding == Encoding::Milliseconds => "Int64".to_owned(),
        DataType::Bool => "Bool".to_owned(),
        DataType::Int | DataType::Duration => "Int64".to_owned(),
        DataType::Float => "Float64".to_owned(),
        DataType::Decimal { precision, scale } => format!("Decimal({precision}, {scale})"),
        DataType::String => "String".to_owned(),
        DataType::Date => "Date32".to_owned(),
        DataType::Timestamp => format!("DateTime64(3, '{}')", zone.name()),
        DataType::Array(_) => return "Array(String)".to_owned(),
        DataType::Map(_) => return "Map(String, String)".to_owned(),
    };
    format!("Nullable({plain})")
}

/// A table with the rows that a test gives.
fn fill(session: &Session, table: &Table, given: Option<&DataTable>, zone: chrono_tz::Tz) {
    let name: Vec<String> = table.physical.split('.').map(quote_name).collect();
    let name = name.join(".");
    let columns: Vec<String> =
        table.columns.iter().map(|one| format!("{} {}", quote_name(&one.name), physical(one, zone))).collect();
    let create = format!("CREATE TABLE {name} ({}) ENGINE = MergeTree ORDER BY tuple()", columns.join(", "));
    for statement in [format!("DROP TABLE IF EXISTS {name}"), create] {
        session.execute(&statement).unwrap_or_else(|error| panic!("{statement}\n{error}"));
    }
    for (number, row) in given.map_or(&[][..], |given| &given.rows).iter().enumerate() {
        let cells: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let at = given.and_then(|given| given.header.iter().position(|name| name.value == column.name));
                let cell = at.map(|at| text(&row[at].value));
                literal(cell, table, column, number, zone)
            })
            .collect();
        let insert = format!("INSERT INTO {name} VALUES ({})", cells.join(", "));
        session.execute(&insert).unwrap_or_else(|error| panic!("{insert}\n{error}"));
    }
}

/// A cell as SQL; a column that is left out (none) is the row's number in a key, else null or zero.
fn literal(
    cell: Option<Option<&str>>,
    table: &Table,
    column: &StoredColumn,
    number: usize,
    zone: chrono_tz::Tz,
) -> String {
    let text = match cell {
        Some(cell) => cell.map(str::to_owned),
        None if table.clean.key.contains(&column.name) => plain(&row_number(column, number + 1)),
        None if column.nullable => None,
        None => plain(&zero(column)),
    };
    let Some(text) = text else { return "NULL".to_owned() };
    match &column.ty {
        DataType::Array(_) => text.replace('"', "'"),
        DataType::Map(_) => format!("JSONExtract({}, 'Map(String, String)')", quote_text(&text)),
        DataType::Timestamp => {
            let ms =
                metricc::value::time::parse_timestamp(&text, zone).unwrap_or_else(|| panic!("{text} is no instant"));
            match column.encoding {
                Encoding::Milliseconds => ms.to_string(),
                Encoding::Native => format!("fromUnixTimestamp64Milli(toInt64({ms}), '{}')", zone.name()),
            }
        }
        DataType::Duration => form::parse_duration(&text).expect("a duration").to_string(),
        DataType::Int | DataType::Float | DataType::Bool => text,
        _ => quote_text(&text),
    }
}

fn plain(cell: &metricc::table::cell::Cell) -> Option<String> {
    use metricc::table::cell::Cell as Of;
    Some(match cell {
        Of::Null | Of::List(_) => return None,
        Of::Bool(value) => value.to_string(),
        Of::Int(value) => value.to_string(),
        Of::Float(value) => value.to_string(),
        Of::Decimal(_) => "0".to_owned(),
        Of::Text(text) => text.to_string(),
        Of::Date(days) => form::date(*days),
        Of::Timestamp(_) => "1970-01-01 08:00:00".to_owned(),
    })
}

/// The rows of a SELECT as texts in the form of the expected ones, sorted.
fn answer(session: &Session, select: &str, query: &Query, test: &Test) -> Result<Vec<String>, String> {
    let table = session.query(select)?;
    let columns = query.columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(table.columns, names);
    let place = |name: &str| columns.iter().position(|column| column.name == name).expect("a column");
    let mut rows: Vec<String> = Vec::new();
    for row in &table.rows {
        let cells = test.expect.header.iter().map(|name| {
            let at = place(if name.value.starts_with("time@") { "time" } else { &name.value });
            value(row[at].as_deref(), &columns[at]).map(|value| shown(&value, &columns[at], at == 0, query))
        });
        rows.push(cells.collect::<Result<Vec<_>, _>>()?.join(" | "));
    }
    rows.sort();
    Ok(rows)
}

fn value(cell: Option<&str>, column: &OutputColumn) -> Result<Value, String> {
    let Some(text) = cell else { return Ok(Value::Null) };
    let read = match &column.ty {
        DataType::Timestamp => form::parse_decimal(text, 18, 3).ok().map(|ms| Value::Timestamp(ms as i64)),
        DataType::Duration => form::parse_int(text).map(Value::Duration),
        ty => read_value(Some(text), ty, chrono_tz::UTC),
    };
    read.ok_or_else(|| format!("{text} is no {:?}", column.ty))
}

fn shown(value: &Value, column: &OutputColumn, first: bool, query: &Query) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Timestamp(ms) if first && query.step.is_some() => form::timestamp(*ms, query.zone),
        Value::Timestamp(ms) => form::timestamp(*ms, query.zone),
        Value::Float(value) => format!("{value:.6}"),
        Value::Decimal(digits) => match column.ty {
            DataType::Decimal { scale, .. } => form::decimal(*digits, scale),
            _ => digits.to_string(),
        },
        Value::Bool(value) => value.to_string(),
        Value::Int(value) | Value::Duration(value) => value.to_string(),
        Value::Date(days) => form::date(*days),
        Value::String(text) => format!("'{text}'"),
    }
}

/// The expected rows in the same form.
fn expected(query: &Query, test: &Test) -> Vec<String> {
    let columns = query.columns();
    let cell = |name: &str, text: Option<&str>| {
        let name = if name.starts_with("time@") { "time" } else { name };
        let at = columns.iter().position(|column| column.name == name).expect("a column");
        let Some(text) = text else { return "-".to_owned() };
        let column = &columns[at];
        let value = match &column.ty {
            DataType::Timestamp => metricc::value::time::parse_timestamp(text, query.zone).map(Value::Timestamp),
            DataType::Duration => form::parse_duration(text).map(Value::Duration),
            ty => read_value(Some(text), ty, query.zone),
        };
        shown(&value.unwrap_or_else(|| panic!("{text} is no {:?}", column.ty)), column, at == 0, query)
    };
    let row = |row: &Vec<metricc::diagnostic::Spanned<Cell>>| {
        let cells = test.expect.header.iter().zip(row);
        cells.map(|(name, one)| cell(&name.value, text(&one.value))).collect::<Vec<_>>().join(" | ")
    };
    let mut rows: Vec<String> = test.expect.rows.iter().map(row).collect();
    rows.sort();
    rows
}

fn built(model: &Model) -> Emitted {
    let (input, told) = emit::input(model);
    assert!(!told.has_errors(), "{told:?}");
    let settings =
        ClickhouseTarget { create_sources: true, database: DATABASE.to_owned(), ..ClickhouseTarget::default() };
    let name = metricc::diagnostic::Spanned::new(
        "warehouse".to_owned(),
        metricc::diagnostic::Span::new(metricc::diagnostic::FileId(0), 0, 0),
    );
    let target = Target { file: name.span.file, name, settings: TargetSettings::Clickhouse(settings) };
    let (emitted, told) = emit::emit(&input, &target);
    assert!(!told.has_errors(), "{told:?}");
    emitted
}

/// All tests of a file on ClickHouse.
fn on_clickhouse(model: &Model) {
    let lowering = Lowering::new(model);
    let emitted = built(model);
    let session = Session::exclusive();
    let mut wrong = String::new();
    for (number, test) in model.tests.iter().enumerate() {
        let query =
            lowering.lower(&question(model, test)).unwrap_or_else(|told| panic!("{}: {told:?}", test.title.value));
        if number == 0 {
            apply(&session, &emitted, |path| path.contains("00_database"));
        }
        for table in lowering.tables.iter().filter(|table| !table.is_derived()) {
            let given = test.given.iter().find(|given| given.table.to_string() == table.name);
            fill(&session, table, given.map(|given| &given.data), query.zone);
        }
        if number == 0 {
            apply(&session, &emitted, |path| !path.contains("00_database") && !path.contains("10_sources"));
        }
        let views = Options { clean_views: Some(DATABASE.to_owned()), ..Options::default() };
        for (how, options) in [("one SELECT", Options::default()), ("views", views)] {
            let select = sql::select(&query, &CLICKHOUSE, &options).unwrap_or_else(|error| panic!("{error:?}"));
            let select = sql::to_text(&select, &CLICKHOUSE);
            sql::reparse(&select, &CLICKHOUSE).unwrap_or_else(|error| panic!("{error}\n{select}"));
            for setting in
                ["", ", join_algorithm = 'full_sorting_merge'", ", join_use_nulls = 1, group_by_use_nulls = 1"]
            {
                let asked =
                    format!("SELECT * FROM ({select}) SETTINGS date_time_output_format = 'unix_timestamp'{setting}");
                let got = answer(&session, &asked, &query, test);
                if got.as_ref() != Ok(&expected(&query, test)) {
                    let wanted = expected(&query, test);
                    wrong += &format!(
                        "{} ({how}{setting})\nexpected {wanted:#?}\ngot {got:#?}\n{select}\n\n",
                        test.title.value
                    );
                }
            }
        }
    }
    wrong += &views_differ(model, &emitted, &session);
    assert!(wrong.is_empty(), "{wrong}");
}

/// The views of all metrics, whatever they read, give what their questions give over the rows of the last test.
fn views_differ(model: &Model, emitted: &Emitted, session: &Session) -> String {
    for rollup in emitted.details["rollups"].as_array().expect("a list") {
        assert_eq!(rollup["filled"], "rebuilt", "{rollup}");
        // The first one may still be under way: it has not seen all rows.
        for verb in ["WAIT", "REFRESH", "WAIT"] {
            let statement = format!("SYSTEM {verb} VIEW {}", rollup["view"].as_str().expect("a name"));
            session.execute(&statement).unwrap_or_else(|error| panic!("{statement}\n{error}"));
        }
    }
    let (input, _) = emit::input(model);
    let mut wrong = String::new();
    for (metric, details) in input.metrics.iter().zip(emitted.details["metrics"].as_array().expect("a list")) {
        let select = sql::select(&metric.query, &CLICKHOUSE, &Options::default()).expect("can be said");
        let keys: Vec<String> = (1..=metric.query.columns().len()).map(|place| place.to_string()).collect();
        let sorted = |from: &str| session.query(&format!("SELECT * FROM {from} ORDER BY {}", keys.join(", ")));
        let asked = sorted(&format!("({})", sql::to_text(&select, &CLICKHOUSE)));
        let view = sorted(details["view"].as_str().expect("a name"));
        if asked.as_ref().map(|table| table.lines()) != view.as_ref().map(|table| table.lines()) {
            wrong += &format!("the view of {}\nexpected {asked:#?}\ngot {view:#?}\n\n", metric.name);
        }
    }
    wrong
}

/// Applies the scripts of a build whose paths fit, in their order.
fn apply(session: &Session, emitted: &Emitted, fits: impl Fn(&str) -> bool) {
    let order = emitted.details["order"].as_array().expect("a list");
    for path in order.iter().filter_map(|path| path.as_str()).filter(|path| fits(path)) {
        let artifact = emitted.artifacts.iter().find(|artifact| artifact.path == path).expect("an artefact");
        if let Err((statement, error)) = session.apply(&artifact.text) {
            panic!("{path}: {statement}\n{error}");
        }
    }
}

#[cfg(feature = "dry-run")]
fn on_dry_run(model: &Model) {
    use metricc::dry_run::{DryRun, Options};
    use metricc::testing::{Verdict, run};
    let lowering = Lowering::new(model);
    for clean_in_query in [false, true] {
        let options = Options { clean_in_query, ..Options::new(model.zone) };
        let mut dry_run = DryRun::new(options).expect("an engine");
        for test in &model.tests {
            let verdict = run(&lowering, &mut dry_run, test);
            assert!(matches!(verdict, Verdict::Passed), "{}: {verdict:#?}", test.title.value);
        }
    }
}

fn check(text: &str) {
    let model = model(text);
    assert!(!model.tests.is_empty());
    #[cfg(feature = "dry-run")]
    on_dry_run(&model);
    if support::engines::wanted("clickhouse", support::here!()) {
        on_clickhouse(&model);
    }
}

#[test]
fn rows_as_they_came() {
    check(include_str!("row_sets/raw.metric"));
}

#[test]
fn first_rows() {
    check(include_str!("row_sets/first.metric"));
}

#[test]
fn unions() {
    check(include_str!("row_sets/union.metric"));
}

#[test]
fn sessions() {
    check(include_str!("row_sets/session.metric"));
}

#[test]
fn changes_of_the_clock() {
    check(include_str!("row_sets/clock.metric"));
}

#[test]
fn histories() {
    check(include_str!("row_sets/history.metric"));
}

#[test]
fn entities_lists_and_maps() {
    check(include_str!("row_sets/entities.metric"));
}
