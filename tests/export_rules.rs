//! Rules of quality by `metricc export`: what it shows is what `metricc quality` judges, at the same instant, of the same server.

mod support;
mod warehouse;

use std::collections::BTreeMap;
use std::fs;

use metricc::emit::{self, Warehouse as Kept};
use metricc::plan::{AskedStep, Lowering, Question};
use metricc::value::Step;
use serde_json::Value;
use support::cli::Place;
use support::front::Front;
use warehouse::Warehouse;

const SHANGHAI: &str = "Asia/Shanghai";

const SHOP: &str = r#"
source event {
  table: "dwd.event"
  key: event_id
  time: at
  arrived: got
  column event_id: string
  column at: timestamp
  column got: timestamp
  column user: string?
  column amount: int
}
source visit { table: "dwd.visit"; time: at; column at: timestamp }
entity shop { table: "dim.shop"; key: id; time: got; column id: string; column got: timestamp }
dimension who = event.user else "nobody"
metric total = sum(amount from event) { grain: 1d; by: who; serve: stream(1m), daily }
quality q on event { fresh: 5m; reconcile: total stream daily < 0.5%; severity: P1 }
quality back on event { reconcile: total daily stream <= 20%; severity: P1 }
quality v on visit { fresh: 1h; severity: P1 }
quality s on shop { fresh: 2d; severity: P1 }
"#;

/// A server, and a project that asks it.
struct Shop {
    warehouse: Warehouse,
    front: Front,
    place: Place,
}

impl Shop {
    fn new() -> Shop {
        let warehouse = Warehouse::new(SHANGHAI, SHOP);
        let front = Front::beside(&warehouse.session);
        let place = Place::empty();
        for folder in ["metrics", "targets"] {
            fs::create_dir(place.path(folder)).expect("made");
        }
        let url = front.url();
        place
            .write("metricc.yaml", format!("name: shop\ntimezone: {SHANGHAI}\nunits: [CNY]\n"))
            .write("metrics/shop.metric", SHOP)
            .write(
                "targets/warehouse.yaml",
                format!("kind: clickhouse\ncreate_sources: true\nconnection:\n  url: {url}\n"),
            )
            .write(
                "targets/alerts.yaml",
                "kind: alerts\nreceivers:\n  ops: { webhook: \"http://127.0.0.1:9098/x\" }\nnotify: { P1: [ops] }\n",
            );
        Shop { warehouse, front, place }
    }

    /// What is exported at a time, and how many statements have asked for a newest row.
    fn exported(&self, at: &str) -> (BTreeMap<String, f64>, usize) {
        let asked = || self.front.requests().iter().filter(|one| one.body.contains(".newest")).count();
        let before = asked();
        self.place.run(&["export", "--clickhouse", "--textfile", "a.prom", "--at", at]).assert_code(0);
        let text = fs::read_to_string(self.place.path("a.prom")).expect("a file");
        let own = |line: &&str| !line.starts_with('#') && !line.starts_with("metricc_export_");
        let pair = |line: &str| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            (series.to_owned(), value.parse().expect("a number"))
        };
        (text.lines().filter(own).map(pair).collect(), asked() - before)
    }

    /// The values and verdicts of `metricc quality` on a day and at a time, by the names of rules.
    fn judged(&self, date: &str, now: &str) -> BTreeMap<String, (Option<f64>, String)> {
        let run = self.place.run(&["quality", "--clickhouse", "--date", date, "--now", now, "--format", "json"]);
        let found: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.err));
        let mut judged = BTreeMap::new();
        for quality in found.as_array().expect("a list") {
            for rule in quality["rules"].as_array().expect("a list") {
                let name = format!(
                    "{}.{}",
                    quality["quality"].as_str().expect("a name"),
                    rule["rule"].as_str().expect("a name")
                );
                let days = rule["days"].as_array().expect("a list");
                assert!(days.len() <= 1, "{name}: {days:?}");
                for day in days {
                    judged.insert(name.clone(), (day["value"].as_f64(), day["verdict"].to_string()));
                }
            }
        }
        judged
    }

    /// Holds the age that is exported, with its bound in seconds, against the verdict at the same instant. Gives the age.
    fn age(&self, at: &str, (quality, source): (&str, &str), within: f64) -> f64 {
        let (shown, _) = self.exported(at);
        let labels = format!("{{quality=\"{quality}\",source=\"{source}\"}}");
        let of = |name: &str| shown[&format!("metricc_newest_row_{name}{labels}")];
        // Such numbers are known to less than a microsecond.
        let age = ((of("asked_seconds") - of("seconds")).max(0.0) * 1_000.0).round() / 1_000.0;
        let (value, verdict) = &self.judged("2026-11-01", at)[&format!("{quality}.fresh")];
        assert_eq!(*verdict == "\"broken\"", age > within, "{quality} at {at}: {age} {verdict}");
        if let Some(value) = value {
            assert_eq!(value / 1_000.0, age, "{quality} at {at}");
        }
        age
    }
}

#[test]
fn the_newest_row_is_as_old_as_it_is_judged() {
    support::engine!("clickhouse");
    let shop = Shop::new();
    let event = ("q", "event");
    // Where there is no row, none came for as long as is looked back.
    assert_eq!(shop.age("2026-11-02 12:00:00", event, 300.0), 604_800.0);
    assert_eq!(shop.age("2026-11-02 12:00:00", ("s", "shop"), 172_800.0), 604_800.0);
    shop.warehouse.insert(
        "event",
        "
        e1 | 2026-11-02 11:00:00     | 2026-11-02 11:00:02     | u1 | 1
        e2 | 2026-11-02 11:58:00     | 2026-11-02 11:58:00.123 | u1 | 1
        e2 | 2026-11-02 11:58:00     | 2026-11-02 11:58:30     | u1 | 1
    ",
    );
    shop.warehouse.insert("visit", "2026-11-02 12:30:00");
    shop.warehouse.insert("shop", "a | 2026-10-20 00:00:00\nb | 2026-11-01 00:00:00");
    // A copy that cleaning drops has come all the same.
    assert_eq!(shop.age("2026-11-02 12:00:00", event, 300.0), 90.0);
    assert_eq!(shop.age("2026-11-02 12:03:30", event, 300.0), 300.0);
    assert_eq!(shop.age("2026-11-02 12:03:30.001", event, 300.0), 300.001);
    // Its clock is ahead.
    assert_eq!(shop.age("2026-11-02 12:00:00", ("v", "visit"), 3_600.0), 0.0);
    assert_eq!(shop.age("2026-11-02 13:31:00", ("v", "visit"), 3_600.0), 3_660.0);
    assert_eq!(shop.age("2026-11-03 00:00:00", ("s", "shop"), 172_800.0), 172_800.0);
    assert_eq!(shop.age("2026-11-07 00:00:00", ("s", "shop"), 172_800.0), 6.0 * 86_400.0);
    assert_eq!(shop.age("2026-11-20 00:00:00", event, 300.0), 604_800.0);
    // What came now is found, however long ago it happened.
    shop.warehouse.insert("event", "e3 | 2026-10-31 10:00:00 | 2026-11-02 12:10:00 | u1 | 1");
    assert_eq!(shop.age("2026-11-02 12:11:00", event, 300.0), 60.0);
    // Who is fresh is asked once, of the others also what is far back.
    assert_eq!(shop.exported("2026-11-02 12:00:00").1, 3);
    assert_eq!(shop.exported("2026-11-02 13:00:00").1, 4);
    assert_eq!(shop.exported("2026-11-02 14:00:00").1, 5);
    assert_eq!(shop.exported("2026-11-04 14:00:00").1, 6);
}

#[test]
fn two_ways_are_as_far_apart_as_they_are_judged() {
    support::engine!("clickhouse");
    let shop = Shop::new();
    let rules = ["q.reconcile(total stream daily)", "back.reconcile(total daily stream)"];
    let shown = |at: &str| {
        let (shown, _) = shop.exported(at);
        rules.map(|rule| {
            let labels = format!("{{metric=\"{rule}\",step=\"1d\",by=\"\"}}");
            let value = shown.iter().find(|(series, _)| series.ends_with(&labels) && series.starts_with("metricc_n_"));
            assert_eq!(
                value.is_some(),
                shown.contains_key(&format!("metricc_bucket_end_seconds{labels}")),
                "{shown:?}"
            );
            value.map(|(_, value)| *value)
        })
    };
    // What is exported the day after is what is judged of the day.
    let same = |at: &str, date: &str| {
        let judged = shop.judged(date, at);
        let values = shown(at);
        for (rule, value) in rules.iter().zip(values) {
            // A number that is infinite is none in JSON.
            assert_eq!(value.filter(|value| value.is_finite()), judged[*rule].0, "{rule} at {at}");
        }
        values
    };
    shop.warehouse.insert(
        "event",
        "
        e1 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | u1 | 100
        e2 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | u2 | 300
        e3 | 2026-11-02 10:00:00 | 2026-11-02 10:00:00 | u2 | 7
    ",
    );
    shop.warehouse.refresh();
    // The batch has not built the day: there is nothing to be told.
    assert_eq!(shown("2026-11-02 03:00:00"), [None, None]);
    shop.warehouse.run("event__daily", "2026-11-01");
    assert_eq!(same("2026-11-02 03:00:00", "2026-11-01"), [Some(0.0), Some(0.0)]);
    // What comes later reaches the stream alone: 50 more for one user, 50 fewer for another.
    shop.warehouse.insert(
        "event",
        "
        e4 | 2026-11-01 11:00:00 | 2026-11-02 10:00:00 | u1 | 50
        e5 | 2026-11-01 11:00:00 | 2026-11-02 10:00:00 | u2 | -50
    ",
    );
    shop.warehouse.refresh();
    assert_eq!(same("2026-11-02 03:00:00", "2026-11-01"), [Some(0.25), Some(0.25)]);
    // Half of `late_days` belongs to rows that come late.
    assert_eq!(shown("2026-11-03 00:59:59"), [Some(0.25), Some(0.25)]);
    assert_eq!(shown("2026-11-03 01:00:00"), [None, None]);
    shop.warehouse.run("event__daily", "2026-11-02");
    assert_eq!(same("2026-11-03 03:00:00", "2026-11-02"), [Some(0.0), Some(0.0)]);
    // The stream has lost all it had.
    for rollup in shop.warehouse.emitted.details["rollups"].as_array().expect("a list") {
        if rollup["filled"] != "daily" {
            shop.warehouse.execute(&format!("TRUNCATE TABLE {}", rollup["table"].as_str().expect("a name")));
        }
    }
    assert_eq!(same("2026-11-03 03:00:00", "2026-11-02"), [Some(1.0), Some(f64::INFINITY)]);
    // Without a target there are no results to compare.
    let live = ["export", "--clickhouse", "--live", "--textfile", "a.prom", "--at", "2026-11-03 03:00:00"];
    let run = shop.place.run(&live).assert_code(0);
    let told = format!("leaves out {}: no target says which rollups there are", rules.join(", "));
    assert!(run.err.contains(&told), "{}", run.err);
    let text = fs::read_to_string(shop.place.path("a.prom")).expect("a file");
    assert!(text.contains("metricc_newest_row_seconds{") && !text.contains("reconcile"), "{text}");
}

const STEPS: &str = r#"
source event { table: "dwd.event"; key: id; time: at; arrived: got; column id: string; column at: timestamp; column got: timestamp; column user: string?; column amount: int }
dimension who = event.user else "nobody"
metric total = sum(amount from event) { grain: 1d; by: who; serve: stream(1m), daily; compare: 1w }
metric users = distinct(user from event) { grain: 1d; by: who; serve: stream(1m), daily }
metric live = max(amount from event) { grain: 1m; by: who; serve: live }
metric hourly = count(event) { grain: 1h; serve: hourly }
"#;

/// What was planned is kept over all buckets. A plan that is made for each alone gives the same SELECT, to the byte: over changes of clocks,
/// the ends of months and of a year.
#[test]
fn what_is_planned_once_answers_as_if_it_were_planned_anew() {
    use metricc::project::load;
    for zone in ["America/New_York", SHANGHAI] {
        let (project, found) = load(&warehouse::files(zone, STEPS, "", None));
        assert!(!found.has_errors(), "{found:?}");
        let project = project.expect("a project");
        let (compiled, found) = metricc::compile::compile(&project);
        assert!(!found.has_errors(), "{found:?}");
        let (input, _) = emit::input(&compiled.model);
        let target = project.target("warehouse").expect("a target");
        let kept = Kept::of(&input, target).unwrap_or_else(|found| panic!("{found:?}"));
        let model = &compiled.model;
        let lowering = Lowering::new(model);
        let instants = [
            "2026-03-08 06:59:00",
            "2026-03-08 07:00:00",
            "2026-11-01 05:30:00",
            "2026-11-01 06:30:00",
            "2026-02-28 23:59:30",
            "2026-03-01 05:00:00",
            "2026-12-31 23:00:00",
            "2027-01-01 06:00:00",
            "2028-02-29 12:00:00",
        ];
        let (mut compared, mut texts) = (0, std::collections::BTreeSet::new());
        for instant in instants {
            let at = metricc::plan::time::parse_timestamp(instant, chrono_tz::UTC).expect("an instant");
            for (place, metric) in model.metrics.iter().enumerate() {
                let steps =
                    [Step::Subday(60_000), Step::Subday(3_600_000), Step::Day, Step::Week, Step::Month, Step::Year];
                for step in steps {
                    let end = step.bucket(at, model.zone, model.week_start);
                    let start = step.bucket(end - 1, model.zone, model.week_start);
                    let question = Question {
                        step: AskedStep::Step(step),
                        from: Some(start),
                        to: Some(end),
                        ..Question::of(vec![metricc::types::MetricId(place)])
                    };
                    let Ok(query) = lowering.lower(&question) else { continue };
                    let asked = emit::asked(&metric.serve);
                    let one = kept.answer(&query, &asked).expect("an answer");
                    let fresh = Lowering::new(model).lower(&question).expect("a plan");
                    let other = emit::answer(&input, target, &fresh, &asked).expect("an answer");
                    assert_eq!(one, other, "{} at {instant} by {step:?}", metric.name.value);
                    (compared, _) = (compared + 1, texts.insert(one.sql));
                }
            }
        }
        assert!(compared > 200 && texts.len() > 100, "{compared} and {}", texts.len());
    }
}
