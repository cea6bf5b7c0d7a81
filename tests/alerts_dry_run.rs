//! Alerts over history in the dry run: beside `src/alerting` over random series, and over the made-up world of `metricc sample`.
#![cfg(feature = "dry-run")]

mod series;
mod support;

use metricc::alerting::{Series, State, verdicts};
use metricc::compile::compile;
use metricc::project::{MemoryFiles, load};
use metricc::table::form::timestamp_iso;
use metricc::value::Step;
use serde_json::Value;
use series::{Cell, Dice, Groups, declarations, groups, starts, together};
use support::cli::{Place, Run};

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", run.out, run.err))
}

fn csv(groups: &Groups, starts: &[i64], zone: chrono_tz::Tz) -> String {
    let mut text = "id,at,g,x,w\n".to_owned();
    let mut id = 0;
    for (name, values, volumes) in groups {
        for ((value, volume), start) in values.iter().zip(volumes).zip(starts) {
            if matches!((value, volume), (Cell::Gap, Cell::Gap)) {
                continue;
            }
            id += 1;
            let cell = |cell: &Cell| cell.value().map(|value| value.to_string()).unwrap_or_default();
            let at = timestamp_iso(start + 1_000, zone);
            text += &format!("{id},{at},{},{},{}\n", name.unwrap_or_default(), cell(value), cell(volume));
        }
    }
    text
}

/// `group from to open` of an alert.
fn found(told: &Value, alert: &str) -> Vec<String> {
    let row = told["alerts"].as_array().expect("a list").iter().find(|row| row["alert"] == alert).expect("the alert");
    let mut lines = Vec::new();
    for group in row["rules"][0]["groups"].as_array().expect("groups") {
        let label = group["labels"].as_object().expect("labels").values().next();
        let label = label.map_or("", |label| label.as_str().unwrap_or("-"));
        for firing in group["firings"].as_array().expect("firings") {
            lines.push(format!("{label} {} {} {}", firing["from"], firing["to"], firing["open"]));
        }
    }
    lines.sort();
    lines
}

#[test]
fn alerts_over_samples_fire_when_the_declarations_say_so() {
    const ZONE: &str = "America/New_York";
    let zone: chrono_tz::Tz = ZONE.parse().expect("a zone");
    let declared = declarations("h");
    let config = format!("name: p\ntimezone: {ZONE}\nsamples: samples\n");
    let files = MemoryFiles::new().with("metricc.yaml", config.clone()).with("metrics/m.metric", declared.clone());
    let (project, _) = load(&files);
    let (compiled, told) = compile(&project.expect("a project"));
    assert!(!told.has_errors(), "{told:?}");
    let step = Step::Subday(3_600_000);
    let starts = starts(step, "2026-10-30 00:00:00", zone, 120);
    let end = step.next(starts[starts.len() - 1], zone, compiled.model.week_start);
    let place = Place::empty();
    for folder in ["metrics", "samples"] {
        std::fs::create_dir(place.path(folder)).expect("made");
    }
    place.write("metricc.yaml", config).write("metrics/m.metric", declared);
    let mut all = 0;
    for seed in [5, 6] {
        let mut groups = groups(&mut Dice(seed), starts.len());
        // Samples have no text for what is no number.
        for cell in groups.iter_mut().flat_map(|group| group.1.iter_mut().chain(&mut group.2)) {
            if cell.value().is_some_and(f64::is_nan) {
                *cell = Cell::Null;
            }
        }
        place.write("samples/m.csv", csv(&groups, &starts, zone));
        let told = json(&place.run(&["alert", "backtest", "--format", "json"]).assert_code(0));
        for alert in &compiled.model.alerts {
            let parts: Vec<(&str, Vec<Option<f64>>, Vec<Option<f64>>)> = if alert.by.is_empty() {
                vec![("", together(&groups, |group| &group.1), together(&groups, |group| &group.2))]
            } else {
                let cells = |cells: &[Cell]| cells.iter().map(|cell| cell.value()).collect();
                groups.iter().map(|group| (group.0.unwrap_or("-"), cells(&group.1), cells(&group.2))).collect()
            };
            let mut expected = Vec::new();
            for (group, values, volumes) in &parts {
                let volume = alert.volume.is_some().then_some(volumes.as_slice());
                let found = verdicts(alert, Series { values, volume, starts: &starts, step: step.about() });
                let ends: Vec<i64> = starts[1..].iter().copied().chain([end]).collect();
                let mut since = None;
                let mut add = |from: i64, to: i64, open: bool| {
                    let at = |ms| Value::from(timestamp_iso(ms, zone));
                    expected.push(format!("{group} {} {} {open}", at(from), at(to)));
                };
                for (verdict, end) in found.iter().zip(&ends) {
                    match (verdict.state == State::Firing, since) {
                        (true, None) => since = Some(*end),
                        (false, Some(from)) => {
                            add(from, *end, false);
                            since = None;
                        }
                        _ => {}
                    }
                }
                if let Some(from) = since {
                    add(from, end, true);
                }
            }
            expected.sort();
            all += expected.len();
            assert_eq!(found(&told, &alert.name.value), expected, "{}, seed {seed}", alert.name.value);
        }
    }
    assert!(all > 60, "{all} firings");
}

#[test]
fn the_alerts_of_the_library_find_the_incident_of_the_made_up_world() {
    let place = Place::empty();
    place.run(&["sample", "--rows", "300000", "--days", "4", "--out", "data"]).assert_code(0);
    let library = env!("CARGO_MANIFEST_DIR");
    let asked = ["--project", library, "alert", "backtest", "--data", "data", "--incidents", "data/incidents.csv"];
    let told = json(&place.run(&[&asked[..], &["--format", "json"]].concat()).assert_code(0));
    let incident = &told["incidents"][0];
    assert_eq!(incident["name"], "model of face swap fails");
    let delay = incident["delay"].as_i64().expect("it is found");
    assert!(delay <= 5 * 60_000, "found after {delay} ms");
    let down = told["alerts"].as_array().expect("a list").iter().find(|row| row["alert"] == "feature_down");
    let down = down.expect("the alert");
    assert!(down["judged"]["right"].as_u64().is_some_and(|right| right >= 4), "{down}");
    assert!(down["judged"]["precision"].as_f64().is_some_and(|precision| precision > 0.7), "{down}");
    // The model fails on all platforms at once: one message tells of them, and hides that tasks fail too often.
    let saved = told["messages"]["saved"].as_f64().expect("a share");
    assert!(saved > 0.4, "{}", told["messages"]);
}
