//! Witnesses: the rows that the search finds are few, both versions disagree on them, and where both mean the same there are none.
#![cfg(feature = "dry-run")]

use metricc::change::witness::{Searched, Side, Witness, search};
use metricc::compile::{Compiled, compile};
use metricc::dry_run::{DryRun, Options};
use metricc::plan::Lowering;
use metricc::project::{MemoryFiles, load};
use metricc::types::MetricId;

const TABLES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column registered_at: timestamp
  column channel: string?
  column is_abnormal: bool?
}

source event {
  table: "dwd.event"
  key: event_id
  time: event_time
  column event_id: string
  column event_time: timestamp
  column event_name: string
  column user_id: user?
  column platform: enum("web", "ios", "android")
}

source order {
  table: "dwd.order"
  key: order_id latest by updated_at
  time: created_at
  column order_id: string
  column created_at: timestamp
  column updated_at: timestamp
  column paid_at: timestamp?
  column status: enum("new", "paid", "refunded")
  column user_id: user
  column pay_amount: decimal(18,2)?
}

source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column code: int
  column latency: duration(ms)?
}
"#;

fn program(definitions: &str) -> Compiled {
    let files = MemoryFiles::new()
        .with("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\n")
        .with("metrics/all.metric", format!("{TABLES}\n{definitions}\n"));
    let (project, found) = load(&files);
    assert!(!found.has_errors(), "{found:?}");
    let project = project.expect("a project");
    let (compiled, found) = compile(&project);
    let errors: Vec<_> = found.iter().filter(|one| one.severity() == metricc::diagnostic::Severity::Error).collect();
    assert!(errors.is_empty(), "{definitions}: {errors:?}");
    compiled
}

/// What the search finds for the metric `m` of two programs.
fn searched(old: &str, new: &str) -> Searched {
    let (old, new) = (program(old), program(new));
    let lowerings = [Lowering::new(&old.model), Lowering::new(&new.model)];
    let metric = |compiled: &Compiled| {
        let place = compiled.model.metrics.iter().position(|metric| metric.name.value == "m");
        MetricId(place.expect("a metric"))
    };
    let options = || Options { threads: Some(1), ..Options::new(old.model.zone) };
    let mut dry_runs = [DryRun::new(options()).expect("a dry run"), DryRun::new(options()).expect("a dry run")];
    let [first, second] = &mut dry_runs;
    search(
        Side { lowering: &lowerings[0], metric: metric(&old), dry_run: first },
        Side { lowering: &lowerings[1], metric: metric(&new), dry_run: second },
    )
    .unwrap_or_else(|found| panic!("{found:?}"))
}

/// The witness, which has at most so many rows.
fn found(old: &str, new: &str, most: usize) -> Witness {
    match searched(old, new) {
        Searched::Found(witness) => {
            let rows: usize = witness.given.iter().map(|given| given.rows.len()).sum();
            assert!(rows <= most, "{rows} rows tell `{old}` from `{new}`: {witness:#?}");
            assert!(!witness.values.is_empty(), "{witness:#?}");
            witness
        }
        Searched::Agreed(worlds) => panic!("{worlds} worlds do not tell `{old}` from `{new}`"),
    }
}

#[test]
fn a_border_that_moved_is_found() {
    let witness = found("metric m = count(call where code >= 500)", "metric m = count(call where code > 500)", 1);
    let code = witness.given[0].columns.iter().position(|name| name == "code").expect("a column");
    assert_eq!(witness.given[0].rows[0][code].as_deref(), Some("500"));
    assert_eq!(witness.values[0].old.as_deref(), Some("1"));
    assert_eq!(witness.values[0].new, None);
}

#[test]
fn conditions_on_rows_and_on_what_they_lead_to() {
    for (old, new, most) in [
        (r#"event where event_name = "login""#, r#"event where event_name in ("login", "pay")"#, 1),
        (r#"event where event_name = "log_in""#, r#"event where event_name in ("log_in", "pay_100%")"#, 1),
        (r#"event where platform = "web""#, r#"event where platform != "ios""#, 1),
        (r#"event"#, r#"event where not (user_id.is_abnormal ?? false)"#, 2),
        (r#"event where not (user_id.is_abnormal ?? false)"#, r#"event where not user_id.is_abnormal"#, 2),
        (r#"event where user_id.channel = "ads""#, r#"event where user_id.channel is not null"#, 2),
        (r#"event where time - user_id.registered_at < 1d"#, r#"event where time - user_id.registered_at <= 1d"#, 2),
        (r#"event where hour(time) >= 22"#, r#"event where hour(time) >= 21"#, 1),
        (r#"event where event_name like "log%""#, r#"event where event_name = "log""#, 1),
    ] {
        found(&format!("metric m = count({old})"), &format!("metric m = count({new})"), most);
    }
}

#[test]
fn what_is_counted_and_how() {
    for (old, new, most) in [
        ("count(event)", "count(raw event)", 2),
        ("count(event)", "distinct(user_id from event)", 2),
        ("sum(pay_amount from order)", "sum(pay_amount from order where paid_at is not null)", 1),
        ("sum(pay_amount from order)", "sum(pay_amount from order dated paid_at)", 1),
        ("sum(pay_amount from order)", "avg(pay_amount from order)", 2),
        ("sum(pay_amount from order)", "sum(pay_amount from raw order)", 2),
        ("p50(latency from call)", "avg(latency from call)", 3),
        (
            "count(call where code >= 500) / count(call)",
            "count(call where code >= 500) / count(call where code >= 400)",
            2,
        ),
    ] {
        found(&format!("metric m = {old} {{ grain: 1d }}"), &format!("metric m = {new} {{ grain: 1d }}"), most);
    }
}

#[test]
fn windows_and_firsts() {
    for (old, new, most) in [
        ("distinct(user_id from event) over 7d", "distinct(user_id from event) over 30d", 2),
        ("count(call) ago 1d", "count(call) ago 2d", 2),
        ("count(first of event per user_id)", "count(first of (event where platform = \"ios\") per user_id)", 2),
        ("max(count(call) per 1h)", "max(count(call) per 30m)", 2),
        ("count(count(order) per user_id where value >= 3)", "count(count(order) per user_id where value >= 4)", 4),
        ("count(count(event) per user_id where value >= 2)", "count(count(event) per user_id where value >= 3)", 3),
    ] {
        found(&format!("metric m = {old} {{ grain: 1d }}"), &format!("metric m = {new} {{ grain: 1d }}"), most);
    }
}

#[test]
fn tables_of_behaviour() {
    let funnel = |within: &str, order: &str| {
        format!(
            "funnel f of user {{\n  step a = event where event_name = \"login\"\n  step b = order where status = \"paid\"\n  \
             within: {within}\n  order: {order}\n}}\nmetric m = f.reached(b) {{ grain: 1d }}"
        )
    };
    found(&funnel("7d", "ordered"), &funnel("6d", "ordered"), 4);
    found(&funnel("7d", "ordered"), &funnel("7d", "any"), 4);
    let session = |gap: &str| {
        format!("session visit of user {{ events: event; gap: {gap} }}\nmetric m = count(visit) {{ grain: 1d }}")
    };
    found(&session("30m"), &session("31m"), 3);
}

#[test]
fn what_has_a_row_for_every_day_is_asked_one_world_at_a_time() {
    let segment = |days: &str| {
        format!(
            "segment s of user {{\n  measure f = count(event over {days})\n  class high when f >= 2\n  class low\n}}\n\
             metric m = s.members where s.class = \"high\" {{ grain: 1w }}"
        )
    };
    let (old, new) = (segment("7d"), segment("8d"));
    // Which members are of a class by day: far more rows than worlds, of which only a few are asked then.
    if let Searched::Agreed(worlds) = searched(&old, &new) {
        assert!(worlds < 1_000, "{worlds}");
    }
    found(
        "metric m = count(call where code > 499) { grain: 1d; fill: zero }",
        "metric m = count(call where code > 500) { grain: 1d; fill: zero }",
        1,
    );
}

#[test]
fn all_time_and_dates_that_conditions_name() {
    found("metric m = count(user where is_abnormal)", "metric m = count(user where is_abnormal ?? true)", 1);
    found(
        "metric m = count(call where time >= timestamp(\"2026-02-01 00:00:00\")) { grain: 1d }",
        "metric m = count(call where time > timestamp(\"2026-02-01 00:00:00\")) { grain: 1d }",
        1,
    );
}

#[test]
fn where_both_mean_the_same_there_is_none() {
    for (old, new) in [
        ("count(call where code > 499)", "count(call where code >= 500)"),
        ("count(call where not (code < 500 or latency > 1s))", "count(call where code >= 500 and latency <= 1s)"),
    ] {
        let searched =
            searched(&format!("metric m = {old} {{ grain: 1d }}"), &format!("metric m = {new} {{ grain: 1d }}"));
        assert!(matches!(searched, Searched::Agreed(_)), "{searched:?}");
    }
}
