//! The library's alerts over the made-up world, whose rows are counted here: they find its incident.

use std::collections::BTreeMap;
use std::path::PathBuf;

use metricc::backtest::{Calendar, History, Names, Replayed, Telling, alert, parse, tested};
use metricc::compile::compile;
use metricc::diagnostic::FileId;
use metricc::emit::alerts::{Watched, given};
use metricc::plan::{Lowering, Query, Value};
use metricc::project::{DiskFiles, load};
use metricc::sample::{Field, RowSink, SampleError, World, table};
use metricc::table::Answer;
use metricc::value::Step;
use metricc::value::time::midnight;

/// The rows of a table, as texts by column; null is none.
struct Rows {
    columns: Vec<&'static str>,
    rows: Vec<BTreeMap<&'static str, String>>,
}

impl RowSink for Rows {
    fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError> {
        let text = |field: &Field<'_>| match field {
            Field::Text(text) => Some((*text).to_owned()),
            Field::Int(value) | Field::Instant(value) => Some(value.to_string()),
            _ => None,
        };
        let cells = self.columns.iter().zip(row).filter_map(|(name, field)| Some((*name, text(field)?)));
        self.rows.push(cells.collect());
        Ok(())
    }
}

fn rows(world: &World, name: &str) -> Vec<BTreeMap<&'static str, String>> {
    let columns = table(name).expect("a table").columns.iter().map(|column| column.name).collect();
    let mut rows = Rows { columns, rows: Vec::new() };
    world.write_table(name, &mut rows).expect("rows");
    rows.rows
}

/// An instant, what group it is of, and whether it is one of those that are counted as bad.
type Seen = (i64, Vec<String>, bool);

/// The newest version of each task.
fn tasks(world: &World) -> Vec<Seen> {
    let mut newest: BTreeMap<String, BTreeMap<&'static str, String>> = BTreeMap::new();
    let ms = |row: &BTreeMap<&'static str, String>, name: &str| row[name].parse::<i64>().expect("an instant");
    for row in rows(world, "task") {
        let known = newest.get(&row["task_id"]);
        if known.is_none_or(|known| ms(known, "updated_at") <= ms(&row, "updated_at")) {
            newest.insert(row["task_id"].clone(), row);
        }
    }
    let seen = |row: BTreeMap<&'static str, String>| {
        (ms(&row, "submitted_at"), vec![row["feature"].clone(), row["client"].clone()], row["status"] == "failed")
    };
    newest.into_values().map(seen).collect()
}

/// The calls of interfaces, of which those with errors of the gateway are bad.
fn calls(world: &World) -> Vec<Seen> {
    let kinds: BTreeMap<String, String> = rows(world, "api")
        .into_iter()
        .filter_map(|mut row| Some((row.remove("api_id")?, row.remove("kind")?)))
        .collect();
    let seen = |row: BTreeMap<&'static str, String>| {
        let kind = kinds.get(&row["api_id"]).cloned().unwrap_or_else(|| "other".to_owned());
        let status: i64 = row["status"].parse().expect("a number");
        (row["event_time"].parse().expect("an instant"), vec![kind, row["zone"].clone()], (500..600).contains(&status))
    };
    rows(world, "perf_api").into_iter().map(seen).collect()
}

/// The share of what is bad, or the number of all, as the answer to a query.
fn answer(query: &Query, seen: &[Seen], step: Step, calendar: Calendar, is_share: bool) -> Answer {
    let grouped = query.keys() > 1;
    let mut counts: BTreeMap<(i64, Vec<String>), (u32, u32)> = BTreeMap::new();
    for (at, group, is_bad) in seen {
        let group = if grouped { group.clone() } else { Vec::new() };
        let (bad, all) = counts.entry((step.bucket(*at, calendar.zone, calendar.week_start), group)).or_default();
        *bad += u32::from(*is_bad);
        *all += 1;
    }
    let row = |((start, group), (bad, all)): ((i64, Vec<String>), (u32, u32))| {
        let value = match is_share {
            true => Value::Float(f64::from(bad) / f64::from(all)),
            false => Value::Int(i64::from(all)),
        };
        let group = group.into_iter().map(Value::String);
        std::iter::once(Value::Timestamp(start)).chain(group).chain([value]).collect()
    };
    let rows = counts.into_iter().map(row).collect();
    Answer { columns: query.columns(), keys: query.keys(), rows, zone: calendar.zone, step: Some(step) }
}

#[test]
fn the_library_finds_the_incident_of_the_world_within_minutes() {
    let (project, _) = load(&DiskFiles::new(PathBuf::from(env!("CARGO_MANIFEST_DIR"))));
    let (compiled, _) = compile(&project.expect("the library"));
    let model = compiled.model;
    let mut told = metricc::diagnostic::Diagnostics::new();
    let given = given(&model, &Lowering::new(&model), &mut told);
    assert!(!told.has_errors(), "{told:?}");
    let world = World::new(300_000, 42, 4);
    let calendar = Calendar { zone: model.zone, week_start: model.week_start };
    let first = chrono::NaiveDate::from_ymd_opt(2026, 9, 1).expect("a day");
    let history = History { from: midnight(first, model.zone), to: world.end() };
    let (tasks, calls) = (tasks(&world), calls(&world));
    let replay = |name: &str, seen: &[Seen]| -> Vec<Replayed> {
        let of: &Watched = given.alerts.iter().find(|one| one.alert.name.value == name).expect("an alert");
        let step = of.alert.every;
        let values = answer(&of.series.query, seen, step, calendar, true);
        let volume = of.volume.as_ref().map(|volume| answer(&volume.query, seen, step, calendar, false));
        alert(of, &values, volume.as_ref(), history.from, history, calendar)
    };
    let rules = [("feature_down", &tasks), ("task_failures_high", &tasks), ("api_errors_high", &calls)];
    let rules: Vec<Replayed> = rules.into_iter().flat_map(|(name, seen)| replay(name, seen)).collect();
    let names = Names {
        alerts: Vec::new(),
        metrics: vec!["task_failure_rate", "events"],
        dimensions: vec!["feature", "platform"],
    };
    let (incidents, told) = parse(FileId(0), world.incidents().as_bytes(), &names, model.zone);
    assert!(told.is_empty() && incidents.len() == 2, "{told:?}");
    let found = tested(rules, history, Some(incidents), &Telling::DEFAULT);
    let row = |name: &str| found.rows.iter().find(|row| row.name == name).expect("a row");
    // The other incident has no alert: it is told, and not counted.
    let judged = found.judged.as_ref().expect("verdicts");
    let [(_, Some(delay))] = judged.found.as_slice() else { panic!("{judged:?}") };
    assert!(*delay <= 5 * 60_000, "it is found after {delay} ms");
    let down = row("feature_down").judged.as_ref().expect("a verdict");
    assert!(down.firings > 0 && down.right == down.firings, "{down:?}");
    // What fires of a feature that is down hides that its tasks fail too often.
    let failures = row("task_failures_high").messages;
    assert!(failures.gathered < failures.alone, "{failures:?}");
    // What is gathered and hidden is more than two messages of five.
    let messages = found
        .rows
        .iter()
        .fold((0, 0), |(alone, gathered), row| (alone + row.messages.alone, gathered + row.messages.gathered));
    assert!(messages.1 * 10 < messages.0 * 6, "{messages:?}");
}
