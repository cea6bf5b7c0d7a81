//! Who may read what, on a real ClickHouse (CH17). One process makes the build as its owner; this one then is a server over the same
//! data whose only user has what the emitted files give to a role. `CREATE ROLE` and its like the in-process engine only parses, and
//! quotas it does not count.

mod support;
mod warehouse;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use metricc::emit::Emitted;
use support::clickhouse::{bare, configure};
use support::script;
use warehouse::Warehouse;

const SHOP: &str = r#"
source order {
  table: "dwd.order"
  time: at
  column at: timestamp
  column channel: string
  column paid: bool
  column amount: decimal(18,2)
}
dimension channel = order.channel
dimension paid = order.paid
metric orders = count(order) { tier: kpi; grain: 1d; by: channel; serve: stream(1m); compare: 1d }
metric gmv    = sum(amount from order) { tier: kpi; grain: 1d; by: channel, paid }
metric total  = sum(amount from order) { tier: kpi; grain: 1d }
metric slow   = count(order where not paid) { tier: diagnostic; grain: 1d; by: channel }
"#;

const ACCESS: &str = r#"access:
  definer: owner
  roles:
    partner:
      tiers: [kpi]
      where: { channel: [web, "it's"] }
      quota: { every: 1h, queries: 100, result_rows: 100000 }
      settings: { max_rows_to_read: 100000, readonly: 1 }
    analyst:
      metrics: [gmv, slow]
"#;

const ROWS: &str = "
    2026-11-01 10:00:00 | web | true | 10
    2026-11-01 11:00:00 | app | true | 20
    2026-11-01 12:00:00 | it's | false | 5
";

/// Where the two processes share what they share; only set for the owner's.
const FOLDER: &str = "METRICC_TEST_OWNER";

fn users(of_default: &str, others: &str) -> String {
    let user = |name: &str, more: &str| {
        format!(
            "<{name}><password></password><profile>{name}</profile><quota>{name}</quota><networks><ip>::/0</ip></networks>{more}</{name}>"
        )
    };
    let profiles = "<default/><owner/>";
    let quotas = "<default/><owner/>";
    format!(
        "<clickhouse><users>{}{}</users><profiles>{}</profiles><quotas>{}</quotas></clickhouse>",
        user("default", of_default),
        user("owner", ""),
        if others.is_empty() {
            profiles.to_owned()
        } else {
            others.split('|').next().unwrap_or_default().to_owned() + "<owner/>"
        },
        if others.is_empty() {
            quotas.to_owned()
        } else {
            others.split('|').nth(1).unwrap_or_default().to_owned() + "<owner/>"
        },
    )
}

/// Starts this process's server over the shared data with these users.
fn serve(folder: &Path, name: &str, users: &str) {
    let file = folder.join(format!("{name}.users.xml"));
    std::fs::write(&file, users).expect("a file");
    let config = format!("<clickhouse><users_config>{}</users_config></clickhouse>", file.display());
    let data = format!("--path={}", folder.join("data").display());
    configure(&folder.join(name), &config, &[&data]);
}

/// The part of the owner, in a process of its own.
#[test]
fn part_of_the_owner() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    serve(folder, "owner", &users("<access_management>1</access_management>", ""));
    let shop = Warehouse::of("UTC", SHOP, ACCESS);
    shop.insert("order", ROWS);
    assert_eq!(shop.view("orders__1d").len(), 3);
    // The engine knows every statement.
    for artifact in shop.emitted.artifacts.iter().filter(|artifact| artifact.path.contains("/access/")) {
        for statement in script::statements(&artifact.text) {
            shop.execute(&format!("EXPLAIN AST {statement}"));
        }
    }
}

#[test]
fn ch17_a_role_reads_what_it_is_granted_and_the_rows_of_its_policies() {
    support::engine!("clickhouse");
    let folder = tempfile::tempdir().expect("a folder");

    let test = std::env::current_exe().expect("this program");
    let owner = std::process::Command::new(test)
        .args(["--exact", "part_of_the_owner", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .expect("a process");
    assert!(owner.status.success(), "{}", String::from_utf8_lossy(&owner.stderr));
    let emitted = Warehouse::emitted("UTC", SHOP, ACCESS);
    let (grants, others) = as_users(&emitted, "partner");
    serve(folder.path(), "reader", &users(&grants, &others));

    let lines = |sql: &str| bare(sql).map(|table| table.lines());
    let day = "2026-11-01 00:00:00.000";
    assert_eq!(
        lines("SELECT * FROM metrics.orders__1d ORDER BY ALL"),
        Ok(vec![format!("{day} | it's | 1"), format!("{day} | web | 1")])
    );
    assert_eq!(
        lines("SELECT v.channel, v.paid, v.gmv FROM metrics.gmv__1d AS v ORDER BY ALL"),
        Ok(vec!["it's | false | 5".to_owned(), "web | true | 10".to_owned()])
    );
    // A policy holds under every aggregate.
    assert_eq!(
        lines("SELECT sum(v.orders), max(v.channel) FROM metrics.orders__1d AS v"),
        Ok(vec!["2 | web".to_owned()])
    );
    // A metric without the dimension, one of another tier, and what is behind the views are refused.
    let made = emitted.details["metrics"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|metric| metric["made"].as_str().expect("a name"));
    let rollups = emitted.details["rollups"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|rollup| rollup["table"].as_str().expect("a name"));
    let others = ["metrics.total__1d", "metrics.slow__1d", "metrics.clean_order", "dwd.order"];
    let mut refused = 0;
    for name in made.chain(rollups).chain(others) {
        let error = lines(&format!("SELECT count() FROM {name}")).expect_err(name);
        assert!(error.starts_with("Code: 497."), "{name}: {error}");
        refused += 1;
    }
    assert!(refused > 8);
    for statement in
        ["DROP VIEW metrics.orders__1d", "CREATE TABLE metrics.x (a Int64) ENGINE = Memory", "SET max_rows_to_read = 0"]
    {
        assert!(lines(statement).is_err(), "{statement}");
    }
    // The settings hold.
    let error = lines("SELECT count() FROM numbers(1000000)").expect_err("too many");
    assert!(error.starts_with("Code: 158."), "{error}");
}

#[test]
fn ch17_the_manifest_says_what_a_role_may_read_and_what_it_may_not() {
    let emitted = Warehouse::emitted("UTC", SHOP, ACCESS);
    let access = &emitted.details["access"];
    let of = |at: usize, key: &str| access["roles"][at][key].to_string();
    assert_eq!(of(0, "views"), r#"["metrics.orders__1d","metrics.orders__growth_1d__1d","metrics.gmv__1d"]"#);
    assert_eq!(of(0, "refused"), r#"["total"]"#);
    assert_eq!(of(1, "views"), r#"["metrics.gmv__1d","metrics.slow__1d"]"#);
    // Who is not restricted where others are reads all rows, however the server is set up.
    let policies = text(&emitted, "2_row_policies.sql");
    assert!(policies.contains("ON metrics.gmv__1d\nFOR SELECT USING true AS PERMISSIVE TO analyst"), "{policies}");
    assert!(!policies.contains("slow__1d"), "{policies}");
    // Without roles every view says whose rights it has.
    let plain = Warehouse::emitted("UTC", SHOP, "");
    assert!(plain.details["access"].is_null());
    for artifact in &plain.artifacts {
        let views = artifact.text.matches("CREATE OR REPLACE VIEW").count()
            + artifact.text.matches("CREATE MATERIALIZED VIEW").count();
        assert_eq!(views, artifact.text.matches(" SECURITY ").count(), "{}", artifact.path);
    }
}

#[test]
fn ch17_names_and_values_that_stand_for_nothing_are_told_at_their_place() {
    let settings = "access:\n  definer: owner\n  roles:\n    a:\n      tiers: [kpo]\n      metrics: [gmw]\n      where: { chanel: [web], channel: [5], paid: [\"true\"] }\n      quota: { every: 1500ms, queries: 0 }\n      settings: { \"x y\": 1, max_threads: [1] }\n";
    let files = metricc::project::MemoryFiles::new()
        .with("metricc.yaml", "name: shop\ntimezone: UTC\npaths: [metrics]\n")
        .with("targets/w.yaml", format!("kind: clickhouse\n{settings}"))
        .with("metrics/shop.metric", SHOP);
    let (project, found) = metricc::project::load(&files);
    let project = project.expect("a project");
    let (compiled, _) = metricc::compile::compile(&project);
    let (input, _) = metricc::emit::input(&compiled.model);
    let (_, others) = metricc::emit::emit(&input, &project.targets[0]);
    let place = |one: &metricc::diagnostic::Diagnostic| {
        let span = one.span.expect("a place");
        let (line, column) = project.sources.file(span.file).position(span.start);
        format!("{line}:{column} {} {}", one.code, one.message)
    };
    let told: Vec<String> = found.iter().chain(others.iter()).map(place).collect();
    assert_eq!(
        told,
        [
            "9:14 E0024 `quota` limits nothing",
            "9:23 E0023 `every` is no number of whole seconds",
            "9:40 E0023 `queries` is not a whole number from 1 on",
            "10:19 E0023 `x y` is no name of a setting",
            "10:42 E0022 `max_threads` is a list, not a text, a whole number or `true`",
            "7:17 E0818 the role `a` names `gmw`, which is no metric",
            "6:15 E0818 the role `a` names `kpo`, which is no tier",
            "8:16 E0818 the role `a` names `chanel`, which is no dimension",
            "8:41 E0817 the dimension `channel` has no such value: its type is string",
            "8:52 E0817 the dimension `paid` has no such value: its type is bool",
        ]
    );
}

fn text<'e>(emitted: &'e Emitted, name: &str) -> &'e str {
    let path = format!("warehouse/access/{name}");
    &emitted.artifacts.iter().find(|artifact| artifact.path == path).expect("a file").text
}

/// What a role is given by the emitted files, as a user of a configuration: grants and row filters; profile and quota.
fn as_users(emitted: &Emitted, role: &str) -> (String, String) {
    let of_role = |name: &str| -> Vec<String> {
        let statements = script::statements(text(emitted, name)).into_iter();
        let plain = statements.map(|statement| {
            let lines = statement.lines().filter(|line| !line.starts_with("--"));
            lines.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
        });
        plain.filter(|statement| statement.contains(&format!(" TO {role}"))).collect()
    };
    let between = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{text} has no {from}"));
        rest.split_once(to).unwrap_or_else(|| panic!("{text} has no {to}")).0.trim().to_owned()
    };
    let mut user = "<grants>".to_owned();
    for statement in of_role("1_roles.sql") {
        for grant in between(&statement, "GRANT", " TO ").split(',') {
            write!(user, "<query>GRANT {}</query>", grant.trim()).expect("a text");
        }
    }
    user.push_str("</grants><databases>");
    let mut filters: BTreeMap<String, String> = BTreeMap::new();
    for statement in of_role("2_row_policies.sql") {
        let view = between(&statement, " ON ", " FOR SELECT");
        let filter = between(&statement, " USING ", " AS PERMISSIVE");
        filters.insert(view.trim_start_matches("metrics.").to_owned(), filter);
    }
    assert!(!filters.is_empty());
    user.push_str("<metrics>");
    for (view, filter) in filters {
        write!(user, "<{view}><filter><![CDATA[{filter}]]></filter></{view}>").expect("a text");
    }
    user.push_str("</metrics></databases>");
    let mut profile = "<default>".to_owned();
    for statement in of_role("4_settings_profiles.sql") {
        for setting in between(&statement, &format!("_{role} SETTINGS "), " TO ").split(',') {
            let (name, value) = setting.trim().trim_end_matches(" CONST").split_once(" = ").expect("a value");
            write!(profile, "<{name}>{value}</{name}>").expect("a text");
        }
    }
    profile.push_str("</default>");
    let mut quota = "<default>".to_owned();
    for statement in of_role("3_quotas.sql") {
        let seconds = between(&statement, "INTERVAL ", " SECOND");
        write!(quota, "<interval><duration>{seconds}</duration>").expect("a text");
        for limit in between(&statement, " MAX ", " TO ").split(',') {
            let (name, value) = limit.trim().split_once(" = ").expect("a value");
            write!(quota, "<{name}>{value}</{name}>").expect("a text");
        }
        quota.push_str("</interval>");
    }
    quota.push_str("</default>");
    (user, format!("{profile}|{quota}"))
}
