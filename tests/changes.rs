//! What names mean while a change of them is in double run, and what moves with it.

use metricc::caliber::moved;
use metricc::compile::{Compiled, compile, other};
use metricc::project::{MemoryFiles, Project, load};
use metricc::types::{MetricId, Model, Stage};

const LOGINS: &str = r#"
source login {
  table: "dwd.login"
  time: at
  column at: timestamp
  column user: string
  column bot: bool
  column device: string
}
subset human    = login where not bot
subset human v2 = login where not bot and device != "lab"
dimension kind    = login.device
dimension kind v2 = lower(login.device)
metric dau        = distinct(user from login) { grain: 1d; compare: 1d }
metric dau v2     = distinct(user from login where not bot) { grain: 1d }
metric people     = distinct(user from human) { grain: 1d }
metric visits     = count(human) { grain: 1d; by: kind }
metric logins     = count(login) { grain: 1d; by: kind }
metric mobile     = logins where kind = "phone" { grain: 1d }
metric share      = people / dau { grain: 1d }
"#;

fn project(more: &str) -> Project {
    let files = MemoryFiles::new()
        .with("metricc.yaml", "name: logins\ntimezone: UTC\n")
        .with("metrics/logins.metric", format!("{LOGINS}{more}"));
    load(&files).0.expect("it loads")
}

fn compiled(project: &Project) -> Compiled {
    let (compiled, found) = compile(project);
    assert!(!found.has_errors(), "{:?}", found.iter().map(|one| one.message.clone()).collect::<Vec<_>>());
    compiled
}

fn name(model: &Model, id: MetricId) -> String {
    let metric = &model.metrics[id.0];
    format!("{} v{}", metric.name.value, metric.version)
}

/// What each change moves: the metrics now, and in the other program.
fn moves(more: &str) -> Vec<Vec<String>> {
    let project = project(more);
    let now = compiled(&project);
    let each = now.model.changes.iter().map(|change| {
        let (then, found) = other(&project, change);
        assert!(!found.has_errors());
        let moved = moved(&now, &then);
        moved.into_iter().map(|(a, b)| format!("{} | {}", name(&now.model, a), name(&then.model, b))).collect()
    });
    each.collect()
}

#[test]
fn a_name_means_the_old_version_in_double_run_and_the_new_one_once_it_is_live() {
    let of = |stage: &str| {
        let change = format!("change dau v1 -> v2 {{ reason: \"bots\"; stage: {stage} }}\n");
        let now = compiled(&project(&change));
        let dau = now.model.metric_named("dau", None).expect("it is declared");
        (now.model.metrics[dau.0].version, now.model.changes[0].stage)
    };
    assert_eq!(of("double_run"), (1, Stage::DoubleRun));
    assert_eq!(of("live"), (2, Stage::Live));
    // Without a change the newest counts.
    let plain = compiled(&project(""));
    let dau = plain.model.metric_named("dau", None).expect("it is declared");
    assert_eq!(plain.model.metrics[dau.0].version, 2);
}

#[test]
fn a_change_of_a_metric_moves_it_and_what_names_it() {
    let change = "change dau v1 -> v2 { reason: \"bots\"; stage: double_run }\n";
    assert_eq!(moves(change), [["dau v1 | dau v2", "share v1 | share v1"]]);
    // The other way round once it is live: `dau.growth_1d` is of the old version only.
    let change = "change dau v1 -> v2 { reason: \"bots\"; stage: live }\n";
    assert_eq!(moves(change), [["dau v2 | dau v1", "share v1 | share v1"]]);
}

#[test]
fn a_change_of_a_subset_moves_the_metrics_that_count_its_rows() {
    for stage in ["double_run", "live"] {
        let change = format!("change human v1 -> v2 {{ reason: \"the lab\"; stage: {stage} }}\n");
        assert_eq!(moves(&change), [["people v1 | people v1", "share v1 | share v1", "visits v1 | visits v1"]]);
    }
}

#[test]
fn a_change_of_a_dimension_moves_what_is_filtered_or_shown_by_it() {
    let change = "change kind v1 -> v2 { reason: \"case\"; stage: double_run }\n";
    assert_eq!(moves(change), [["logins v1 | logins v1", "mobile v1 | mobile v1", "visits v1 | visits v1"]]);
}

#[test]
fn changes_of_different_names_do_not_meet() {
    let changes = "change dau v1 -> v2 { reason: \"bots\"; stage: double_run }\n\
                   change human v1 -> v2 { reason: \"the lab\"; stage: double_run }\n";
    let moved = moves(changes);
    assert_eq!(moved[0], ["dau v1 | dau v2", "share v1 | share v1"]);
    assert_eq!(moved[1], ["people v1 | people v1", "share v1 | share v1", "visits v1 | visits v1"]);
}

#[test]
fn of_a_chain_the_last_change_that_is_live_counts() {
    let more = "metric dau v3 = distinct(user from human) { grain: 1d }\n\
                change dau v1 -> v2 { reason: \"bots\"; stage: live }\n\
                change dau v2 -> v3 { reason: \"people\"; stage: double_run }\n";
    let moved = moves(more);
    assert_eq!(moved[0], ["dau v2 | dau v1", "share v1 | share v1"]);
    assert_eq!(moved[1], ["dau v2 | dau v3", "share v1 | share v1"]);
}

/// A reference to an entity, what belongs to it and what leads to it mean one version of it.
#[test]
fn a_change_of_an_entity_moves_what_belongs_to_it() {
    const USERS: &str = r#"
entity account    { table: "dim.account";  key: id; column id: string; column vip: bool }
entity account v2 { table: "dim.account2"; key: id; column id: string; column vip: bool }
source sale { table: "dwd.sale"; time: at; column at: timestamp; column buyer: account }
session stay of account { events: sale; gap: 30m }
segment loyal of account {
  measure n = count(sale over 30d)
  class yes when n > 2
  class no
}
dimension vip     = account.vip else false
dimension loyalty = account.loyal else "none"
metric buyers = distinct(buyer from sale) { grain: 1d; by: vip }
metric by_loyalty = count(sale) { grain: 1d; by: loyalty }
metric stays  = count(stay) { grain: 1d }
metric sales  = count(sale) { grain: 1d }
"#;
    for stage in ["double_run", "live"] {
        let change = format!("{USERS}change account v1 -> v2 {{ reason: \"moved\"; stage: {stage} }}\n");
        let moved = moves(&change);
        assert!(moved[0].contains(&"buyers v1 | buyers v1".to_owned()), "{moved:?}");
        assert!(!moved[0].contains(&"sales v1 | sales v1".to_owned()), "{moved:?}");
    }
    // Without a change the newest counts, for all of them.
    compiled(&project(USERS));
}

#[test]
fn a_change_the_wrong_way_round_is_turned() {
    for (written, wanted) in [("v2 -> v1", "v1 -> v2"), ("v2 -> v2", "v2 -> v3"), ("v5 -> v1", "v1 -> v5")] {
        let project = project(&format!("change dau {written} {{ reason: \"bots\"; stage: live }}\n"));
        let (_, found) = compile(&project);
        let told = found.iter().find(|one| one.code.0 == "E0213").expect("it is refused");
        assert_eq!(told.help.as_deref(), Some(format!("write `change dau {wanted}`").as_str()));
    }
}
