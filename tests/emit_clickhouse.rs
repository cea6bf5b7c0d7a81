//! The artefacts of hand-made metrics: shown, and the same every time.

mod plans;

use metricc::diagnostic::{FileId, Span, Spanned};
use metricc::emit::{Emitted, Input, MetricView, Upkeep, emit};
use metricc::plan::{Query, Step, Table, WeekStart};
use metricc::project::{ClickhouseTarget, Target, TargetSettings};
use metricc::rollup::Statistics;
use metricc::sql::memo::Memo;
use metricc::types::Serve;

use plans::{CALL, by, call_scan, col, count, id, measure, question, shown, user_scan, with_leaf};

fn target(create_sources: bool) -> Target {
    let settings = ClickhouseTarget { create_sources, ..ClickhouseTarget::default() };
    let name = Spanned::new("warehouse".to_owned(), Span::new(FileId(0), 0, 0));
    Target { file: FileId(0), name, settings: TargetSettings::Clickhouse(settings) }
}

fn view(name: &str, query: Query, serve: Vec<Serve>) -> MetricView {
    MetricView {
        name: name.to_owned(),
        version: 1,
        current: true,
        title: Some(format!("The metric {name}")),
        step: query.step,
        query,
        serve,
        tier: None,
        about: metricc::emit::About::default(),
        fingerprint: None,
        span: None,
    }
}

/// The shown questions live, and streamed counts, quantiles and firsts of calls and events.
fn input() -> Input {
    let minute = Serve::Stream(Step::Subday(60_000));
    let mut metrics: Vec<MetricView> =
        shown().into_iter().map(|(name, query)| view(name, query, vec![Serve::Live])).collect();
    let calls = |step| {
        let slow = measure(
            metricc::plan::Aggregate::Quantile(col(CALL, "took"), plans::level(99, 100)),
            Some(col(CALL, "ok")),
        );
        let query = with_leaf(question(step, vec![call_scan(vec![count(), slow])]), "calls", id(0, 0));
        by(with_leaf(query, "p99", id(0, 1)), "api", vec![col(CALL, "api")])
    };
    metrics.push(view("calls", calls(Some(Step::Day)), vec![minute]));
    metrics.push(view("calls", calls(Some(Step::Subday(300_000))), vec![minute]));
    let every = plans::all_aggregates(Some(Step::Month), &col(CALL, "cost"));
    metrics.push(view("every", every, vec![minute]));
    let visits = with_leaf(question(Some(Step::Day), vec![user_scan(vec![count()])]), "visits", id(0, 0));
    metrics.push(view("visits", visits, vec![Serve::Stream(Step::Day)]));
    let orders = with_leaf(question(Some(Step::Day), vec![plans::paid_scan(vec![count()])]), "orders", id(0, 0));
    metrics.push(view("orders", orders, vec![minute, Serve::Daily]));
    Input {
        tables: plans::tables(),
        upkeep: upkeep(),
        statistics: Statistics::default(),
        zone: chrono_tz::Asia::Shanghai,
        week_start: WeekStart(chrono::Weekday::Mon),
        metrics,
        changes: Vec::new(),
        reports: Vec::new(),
        boards: Vec::new(),
        qualities: Vec::new(),
        alerts: Default::default(),
        memo: Memo::default(),
    }
}

/// Orders may change for a month.
fn upkeep() -> Vec<Upkeep> {
    let of = |table: &Table| match table.name.as_str() {
        "order" => Upkeep { revised: Some(30 * plans::DAY), ..Upkeep::default() },
        _ => Upkeep::default(),
    };
    plans::tables().iter().map(of).collect()
}

fn made() -> Emitted {
    let (emitted, diagnostics) = emit(&input(), &target(true));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    emitted
}

#[test]
fn the_artefacts_are_shown() {
    let emitted = made();
    let paths: Vec<&str> = emitted.artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
    insta::with_settings!({ snapshot_path => "../snapshots/clickhouse", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("paths", paths.join("\n"));
        for part in [
            "10_sources", "20_clean_order", "30_rollups_call", "30_rollups_event", "30_rollups_order", "40_metrics_call",
            "rollback", "1_days", "2_stage", "3_publish", "history",
        ] {
            let artifact = emitted.artifacts.iter().find(|artifact| artifact.path.contains(part)).expect("made");
            insta::assert_snapshot!(part, artifact.text);
        }
        insta::assert_snapshot!("details", format!("{:#}", emitted.details));
    });
}

#[test]
fn equal_input_gives_equal_bytes() {
    assert_eq!(made(), made());
}

#[test]
fn names_without_room_are_told() {
    let mut input = input();
    input.metrics[0].name = "数".repeat(23);
    let (_, diagnostics) = emit(&input, &target(false));
    let told: Vec<&str> = diagnostics.iter().map(|one| one.code.0).collect();
    assert_eq!(told, ["E0813"]);
}

#[test]
fn two_artefacts_of_one_name_are_told() {
    let mut input = input();
    let again = input.metrics[0].clone();
    input.metrics.push(again);
    let (_, diagnostics) = emit(&input, &target(false));
    let told: Vec<&str> = diagnostics.iter().map(|one| one.code.0).collect();
    assert_eq!(told, ["E0811"]);
}
