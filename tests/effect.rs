//! Effects: what a change does to the numbers of samples, and which edit does how much of it. The numbers are computed by hand.
#![cfg(feature = "dry-run")]

use std::fs;
use std::path::Path;

use metricc::change::effect::{Edited, Effect, Measured, Programs, Unshared};
use metricc::compile::{Compiled, compile};
use metricc::project::{MemoryFiles, Project, load};
use metricc::types::MetricId;

const TABLES: &str = r#"
source order {
  table: "dwd.order"; sample: "order.csv"
  key: order_id
  time: created_at
  column order_id: string
  column created_at: timestamp
  column status: enum("new", "paid", "refunded")
  column platform: string?
  column amount: decimal(18,2)
}

dimension platform = order.platform else "unknown"
"#;

const ORDERS: &str = "\
order_id,created_at,status,platform,amount
o1,2026-03-01 10:00:00,paid,web,100.00
o2,2026-03-01 11:00:00,refunded,web,50.00
o3,2026-03-01 12:00:00,paid,ios,5.00
o4,2026-03-02 10:00:00,paid,web,20.00
o5,2026-03-02 11:00:00,refunded,ios,1.00
o6,2026-03-02 12:00:00,paid,,7.00
";

fn program(definitions: &str) -> (Project, Compiled) {
    let files = MemoryFiles::new()
        .with("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\nunits: [CNY]\n")
        .with("metrics/all.metric", format!("{TABLES}\n{definitions}\n"));
    let (project, found) = load(&files);
    assert!(!found.has_errors(), "{found:?}");
    let project = project.expect("a project");
    let (compiled, found) = compile(&project);
    assert!(!found.has_errors(), "{definitions}: {found:?}");
    (project, compiled)
}

fn effect(old: &str, new: &str, data: &Path) -> Effect {
    let (old, new) = (program(old), program(new));
    let id = |compiled: &Compiled| {
        MetricId(compiled.model.metrics.iter().position(|metric| metric.name.value == "m").expect("a metric"))
    };
    let edited = |program: &'static (Project, Compiled)| Edited { project: &program.0, compiled: &program.1 };
    let metric = Measured { old: id(&old.1), new: id(&new.1) };
    // For as long as the test runs.
    let (old, new) = (Box::leak(Box::new(old)), Box::leak(Box::new(new)));
    let mut programs = Programs::new(edited(old), edited(new), data).unwrap_or_else(|found| panic!("{found:?}"));
    programs.effect(metric).unwrap_or_else(|found| panic!("{found:?}"))
}

fn orders() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("order.csv"), ORDERS).expect("a file");
    folder
}

#[test]
fn both_numbers_by_day_and_by_what_carries_them() {
    let data = orders();
    let metric = |rows: &str| format!("metric m = sum(amount from {rows}) {{ grain: 1d; by: platform }}");
    let effect = effect(&metric("order"), &metric("order where status = \"paid\""), data.path());
    let buckets: Vec<(Option<&str>, Option<f64>, Option<f64>)> =
        effect.buckets.iter().map(|one| (one.of.as_deref(), one.old, one.new)).collect();
    assert_eq!(buckets, [(Some("2026-03-01"), Some(155.0), Some(105.0)), (Some("2026-03-02"), Some(28.0), Some(27.0))]);
    let slices: Vec<(&str, Option<&str>, f64)> = effect
        .slices
        .iter()
        .map(|one| (one.dimension.as_str(), one.compared.of.as_deref(), one.compared.difference()))
        .collect();
    // The group without a platform does not move.
    assert_eq!(slices, [("platform", Some("web"), -50.0), ("platform", Some("ios"), -1.0)]);
    assert!(effect.shares.is_empty() && effect.unshared.is_none(), "{effect:?}");
}

#[test]
fn of_several_edits_each_has_its_share() {
    let data = orders();
    let old = "subset good = order\nmetric m = sum(amount from good) { grain: 1d }";
    let new = "subset good = order where status = \"paid\"\nmetric m = sum(amount from good where platform is not null) { grain: 1d }";
    let effect = effect(old, new, data.path());
    let shares: Vec<(&str, f64)> = effect.shares.iter().map(|share| (share.edit.as_str(), share.adds)).collect();
    // The refunded ones are 51, those without a platform 7; none is both.
    assert_eq!(shares, [("subset good", -51.0), ("metric m", -7.0)]);
}

#[test]
fn edits_that_need_each_other_are_one() {
    let data = orders();
    let old = "subset good = order\nmetric m = sum(amount from good) { grain: 1d }";
    let new = "subset better = order where status = \"paid\"\nmetric m = sum(amount from better) { grain: 1d }";
    let effect = effect(old, new, data.path());
    assert!(effect.unshared == Some(Unshared::Inseparable) && effect.shares.is_empty(), "{effect:?}");
    assert_eq!(effect.buckets[0].difference(), -50.0);
}

#[test]
fn rows_that_only_one_version_has_count_as_nothing() {
    let data = orders();
    let metric = |rows: &str| format!("metric m = avg(amount from order where {rows}) {{ grain: 1d }}");
    let effect = effect(&metric("status = \"paid\""), &metric("status = \"new\""), data.path());
    assert_eq!(effect.buckets[0].new, None);
    assert_eq!(effect.buckets[0].relative(), Some(-1.0));
}

#[test]
fn many_edits_have_no_shares_but_are_counted() {
    let data = orders();
    let chain = |to: &str| -> String {
        let subset = |at: usize| {
            let of = if at == 0 { "order".to_owned() } else { format!("s{}", at - 1) };
            // The order of 50 is one of them with the last edit alone.
            format!("subset s{at} = {of} where amount {to} {}\n", if at == 0 { 50 } else { at % 50 })
        };
        (0..70).map(subset).collect::<String>() + "metric m = count(s69) { grain: 1d }\n"
    };
    let effect = effect(&chain(">"), &chain(">="), data.path());
    assert_eq!(effect.unshared, Some(Unshared::TooMany(70)));
}
