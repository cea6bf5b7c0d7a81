//! Rules of quality in other tools (DQ4): Great Expectations and Soda run what is made for them, over the rows that ClickHouse has, and say of
//! each rule what metricc says. For Deequ its SQL runs in Spark, and its Python is read.

mod quality;
mod support;
mod warehouse;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use metricc::plan::{Lowering, Question};
use metricc::quality as judged;
use metricc::sql::{self, CLICKHOUSE, Options};
use metricc::table::Answer;
use serde_json::{Value, json};
use support::{answers, provision, python, spark};
use warehouse::Warehouse;

use quality::{SHANGHAI, SHOP, Scenario, artifacts, scenarios};

/// On how many days each rule is broken, by its name.
type Broken = BTreeMap<String, u64>;

/// What metricc says of the rows that a server has: all rules of shares by `metricc quality`'s own judgement, freshness by hand.
fn own(shop: &Warehouse, scenario: &Scenario) -> Broken {
    let mut found = Broken::new();
    for quality in &shop.model.qualities {
        let question = Question::of_quality(&shop.model, quality).expect("shares");
        let query = Lowering::new(&shop.model).lower(&question).expect("a plan");
        let select = sql::select(&query, &CLICKHOUSE, &Options::default()).expect("a SELECT");
        let text = sql::to_text(&select, &CLICKHOUSE);
        let columns = query.columns();
        let rows = answers::clickhouse_rows(&shop.session, &text, &columns).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let answer = Answer { keys: query.keys(), columns, rows, zone: query.zone, step: query.step };
        for outcome in judged::judge(&shop.model, quality, &answer) {
            found.insert(format!("{}.{}", quality.name.value, outcome.rule), outcome.broken().count() as u64);
        }
    }
    found.insert("q.fresh".to_owned(), u64::from(!scenario.fresh));
    found
}

/// All scenarios with what metricc says, and their rows; the same for all tests of the process.
fn all() -> &'static [(String, Broken, Value)] {
    static ALL: OnceLock<Vec<(String, Broken, Value)>> = OnceLock::new();
    ALL.get_or_init(|| on_clickhouse(|_, _, _| {}))
}

/// All scenarios, one after the other in a server: what metricc says, and the same rows for others.
fn on_clickhouse(mut each: impl FnMut(&Warehouse, &str, &Broken)) -> Vec<(String, Broken, Value)> {
    let shop = Warehouse::new(SHANGHAI, SHOP);
    let run = |scenario: &Scenario| {
        for (table, rows) in &scenario.rows {
            shop.execute(&format!("TRUNCATE TABLE {}", shop.table(table).physical));
            shop.insert(table, rows);
        }
        let broken = own(&shop, scenario);
        each(&shop, &scenario.name, &broken);
        (scenario.name.clone(), broken, scenario.tables(&shop))
    };
    scenarios().iter().map(run).collect()
}

fn assert_same(tool: &str, all: &[(String, Broken, Value)], found: &Value) {
    let mut broken = 0;
    for ((scenario, right, _), found) in all.iter().zip(found.as_array().expect("a list")) {
        let found: Broken = serde_json::from_value(found.clone()).expect("numbers");
        assert_eq!(found, *right, "{tool} over {scenario}");
        broken += right.values().filter(|days| **days > 0).count();
    }
    assert_eq!(found.as_array().map(Vec::len), Some(all.len()));
    assert!(broken > 60, "only {broken} rules are broken");
}

/// Loads each scenario into a database of DuckDB.
const TABLES: &str = r#"
import json, os, sys, tempfile
import duckdb

def filled(path, tables):
    with duckdb.connect(path) as connection:
        for table in tables:
            name = ".".join(table["name"])
            if len(table["name"]) > 1:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table['name'][0]}")
            columns = ", ".join(f'"{name}" {kind}' for name, kind in table["columns"])
            connection.execute(f"CREATE TABLE {name} ({columns})")
            casts = "(" + ", ".join(f"CAST(? AS {kind})" for _, kind in table["columns"]) + ")"
            for start in range(0, len(table["rows"]), 100):
                rows = table["rows"][start : start + 100]
                values = ", ".join([casts] * len(rows))
                connection.execute(f"INSERT INTO {name} VALUES {values}", [cell for row in rows for cell in row])

given = json.load(sys.stdin)
folder = tempfile.mkdtemp()
for path, text in given["files"].items():
    full = os.path.join(folder, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(text)
verdicts = []
out = os.dup(1)
os.dup2(2, 1)
"#;

const AND_TELL: &str = r#"
os.dup2(out, 1)
print(json.dumps(verdicts))
"#;

#[test]
fn great_expectations_says_the_same_of_duckdb() {
    support::engine!("clickhouse");
    support::engine!("great_expectations");
    let all = all();
    let files = artifacts("kind: quality\ntool: great_expectations\nengine: duckdb\n");
    let script = format!(
        "{TABLES}{}{AND_TELL}",
        r#"
sys.path.insert(0, os.path.join(folder, "tool"))
import run
for place, tables in enumerate(given["scenarios"]):
    path = os.path.join(folder, f"{place}.duckdb")
    filled(path, tables)
    found = run.run(f"duckdb:///{path}")
    assert all(one["judged"] for one in found), found
    assert all(one["holds"] == (one["broken"] == 0) for one in found), found
    verdicts.append({one["rule"]: one["broken"] for one in found})
"#
    );
    let tables: Vec<&Value> = all.iter().map(|(_, _, tables)| tables).collect();
    let python = provision::great_expectations().unwrap_or_else(|error| panic!("{error}"));
    let found = python::run(python, &script, &json!({ "files": files, "scenarios": tables }));
    assert_same("Great Expectations", all, &found.unwrap_or_else(|error| panic!("{error}")));
}

#[test]
fn great_expectations_says_the_same_of_clickhouse() {
    support::engine!("clickhouse");
    support::engine!("great_expectations");
    let files = artifacts("kind: quality\ntool: great_expectations\n");
    let python = provision::great_expectations().unwrap_or_else(|error| panic!("{error}"));
    let script = format!(
        "{TABLES}{}{AND_TELL}",
        r#"
sys.path.insert(0, os.path.join(folder, "tool"))
import run
verdicts = {one["rule"]: one["broken"] for one in run.run(given["connection"])}
"#
    );
    let mut asked = 0;
    on_clickhouse(|shop, scenario, right| {
        if !["bounds that are just met", "random rows 3"].contains(&scenario) {
            return;
        }
        let front = support::front::Front::beside(&shop.session);
        let connection = front.url().replace("http://", "clickhousedb://");
        let found = python::run(python, &script, &json!({ "files": files, "connection": connection }));
        let found: Broken =
            serde_json::from_value(found.unwrap_or_else(|error| panic!("{error}"))).expect("numbers of days");
        assert_eq!(found, *right, "{scenario}");
        asked += 1;
    });
    assert_eq!(asked, 2);
}

#[test]
fn soda_says_the_same_of_duckdb() {
    support::engine!("clickhouse");
    support::engine!("soda");
    let all = all();
    let files = artifacts("kind: quality\ntool: soda\n");
    let script = format!(
        "{TABLES}{}{AND_TELL}",
        r#"
os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"
from soda_core.contracts.contract_verification import ContractVerificationSession, CheckOutcome
from soda_core.common.yaml import ContractYamlSource, DataSourceYamlSource
contracts = sorted(path for path in given["files"] if "/contracts/" in path)
for place, tables in enumerate(given["scenarios"]):
    path = os.path.join(folder, f"{place}.duckdb")
    filled(path, tables)
    source = f"type: duckdb\nname: warehouse\nconnection:\n  database: {path}\n"
    result = ContractVerificationSession.execute(
        contract_yaml_sources=[ContractYamlSource.from_file_path(os.path.join(folder, one)) for one in contracts],
        data_source_yaml_sources=[DataSourceYamlSource.from_str(source)],
    )
    assert not result.has_errors, result.get_errors_str()
    found = {}
    for contract in result.contract_verification_results:
        for check in contract.check_results:
            assert check.outcome in (CheckOutcome.PASSED, CheckOutcome.FAILED, CheckOutcome.WARN), check.check.name
            days = check.diagnostic_metric_values["failed_rows_count"]
            assert (check.outcome == CheckOutcome.PASSED) == (days == 0), check.check.name
            found[check.check.name.split(" ")[0]] = days
    verdicts.append(found)
"#
    );
    let tables: Vec<&Value> = all.iter().map(|(_, _, tables)| tables).collect();
    let python = provision::soda().unwrap_or_else(|error| panic!("{error}"));
    let found = python::run(python, &script, &json!({ "files": files, "scenarios": tables }));
    assert_same("Soda", all, &found.unwrap_or_else(|error| panic!("{error}")));
}

#[test]
fn the_suites_of_clickhouse_say_the_same() {
    support::engine!("clickhouse");
    let files = artifacts("kind: quality\ntool: great_expectations\n");
    let mut queries = BTreeMap::new();
    for (_, text) in files.iter().filter(|(path, _)| path.starts_with("tool/suites/")) {
        let suite: Value = serde_json::from_str(text).expect("JSON");
        for one in suite["expectations"].as_array().expect("a list") {
            let query = one["kwargs"]["unexpected_rows_query"].as_str().expect("a query");
            // As the tool reads it: braces are doubled, and a colon that could be a name has a backslash.
            let query = query.replace("{{", "{").replace("}}", "}").replace("\\:", ":");
            queries.insert(one["meta"]["rule"].as_str().expect("a rule").to_owned(), query);
        }
    }
    on_clickhouse(|shop, scenario, right| {
        let days = |query: &String| shop.lines(&format!("SELECT count() FROM ({query})"))[0].parse().expect("a number");
        let found: Broken = queries.iter().map(|(rule, query)| (rule.clone(), days(query))).collect();
        assert_eq!(found, *right, "{scenario}");
    });
}

/// Reads the module for Deequ without Deequ, whose jar cannot be had: what it asks Spark, and which columns it checks.
const READ: &str = r#"
import ast, json, sys, types

given = json.load(sys.stdin)
ast.parse(given["text"])

class Check:
    def __init__(self, spark, level, name):
        self.checked = []

    def hasMax(self, column, assertion, hint=None):
        self.checked.append([column, assertion(0.0), assertion(1.0)])
        return self

class Spark:
    conf = types.SimpleNamespace(set=lambda key, value: zones.append([key, value]))

    def sql(self, text):
        return text

zones = []
for name, own in {"checks": {"Check": Check, "CheckLevel": types.SimpleNamespace(Error=1, Warning=2)},
                  "verification": {"VerificationSuite": None, "VerificationResult": None}}.items():
    module = types.ModuleType("pydeequ." + name)
    module.__dict__.update(own)
    sys.modules["pydeequ." + name] = module
sys.modules["pydeequ"] = types.ModuleType("pydeequ")
made = {}
exec(compile(given["text"], "checks.py", "exec"), made)
asked = {}
for name, of in made["RULES"].items():
    checked = made["check"](Spark(), name).checked
    assert checked == [[rule["column"], True, False] for rule in of["rules"]], checked
    asked[name] = {"sql": made["broken"](Spark(), name), "rules": [rule["rule"] for rule in of["rules"]]}
print(json.dumps({"zones": zones, "asked": asked}))
"#;

#[test]
fn what_deequ_checks_says_the_same_in_spark() {
    support::engine!("clickhouse");
    support::engine!("spark");
    let files = artifacts("kind: quality\ntool: deequ\n");
    let python = provision::spark().unwrap_or_else(|error| panic!("{error}"));
    let read = python::run(python, READ, &json!({ "text": files["tool/checks.py"] })).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read["zones"][0], json!(["spark.sql.session.timeZone", SHANGHAI]));
    let mut server = spark::Spark::start();
    let mut run = |sql: &str| server.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    run(&format!("SET spark.sql.session.timeZone = {SHANGHAI}"));
    run("CREATE SCHEMA dim");
    run("CREATE SCHEMA dwd");
    run("CREATE SCHEMA ods");
    for (scenario, right, tables) in few(all()) {
        quality::in_spark(tables, |statement| {
            run(statement);
        });
        let mut found = Broken::new();
        for (_, asked) in read["asked"].as_object().expect("declarations") {
            let row = run(asked["sql"].as_str().expect("a query")).rows.remove(0);
            for (rule, days) in asked["rules"].as_array().expect("a list").iter().zip(row) {
                let days = days.and_then(|days| days.parse().ok()).expect("a number");
                found.insert(rule.as_str().expect("a name").to_owned(), days);
            }
        }
        assert_eq!(found, *right, "{scenario}");
    }
}

/// So few of the scenarios that each rule holds in one of them and is broken in another, where it is so in any: for engines that take
/// seconds for one.
fn few(all: &[(String, Broken, Value)]) -> Vec<&(String, Broken, Value)> {
    let verdicts = |broken: &Broken| -> BTreeSet<(String, bool)> {
        broken.iter().map(|(rule, days)| (rule.clone(), *days > 0)).collect()
    };
    let mut open: BTreeSet<(String, bool)> = all.iter().flat_map(|(_, broken, _)| verdicts(broken)).collect();
    let broken = open.iter().filter(|(_, broken)| *broken).count();
    assert!(broken >= 40, "only {broken} rules are broken");
    let mut chosen = Vec::new();
    while let Some(best) = all.iter().max_by_key(|(_, broken, _)| verdicts(broken).intersection(&open).count()) {
        let found = verdicts(&best.1);
        if found.is_disjoint(&open) {
            break;
        }
        open.retain(|one| !found.contains(one));
        chosen.push(best);
    }
    assert!(open.is_empty() && chosen.len() < 12, "{} scenarios", chosen.len());
    chosen
}

/// What a tool does not judge is told, and the others are given to it.
#[test]
fn what_is_left_out_is_told() {
    let declarations = SHOP.replace("quality c on", "metric orders = count(event) { grain: 1d; serve: stream(1m), daily }\nquality r on event { reconcile: orders stream daily < 1%; valid: lower(user) = user }\nquality c on");
    let (made, told) = quality::told(&declarations, "kind: quality\ntool: soda\n");
    let reconcile = "r.reconcile(orders stream daily)";
    let lines: Vec<&str> = told.iter().map(|found| found.code.0).collect();
    assert_eq!(lines, ["W0804", "W0804"]);
    assert!(told.iter().any(|found| found.message.contains(reconcile)), "{}", warehouse::text(&told));
    let of = made.details["quality"].as_array().expect("a list").iter().find(|of| of["name"] == "r").expect("rules");
    assert_eq!(of["rules"], json!([]));
    assert_eq!(of["left_out"][1]["rule"], "reconcile(orders stream daily)");
    assert!(of["left_out"][0]["why"].as_str().expect("a reason").contains("lower(…)"), "{of}");
    // Nothing is left of it, so there is no contract.
    assert!(made.artifacts.iter().all(|made| !made.path.ends_with("contracts/r.yml")));
    // A comment of Python ends with its line.
    let (deequ, _) = quality::told(&declarations, "kind: quality\ntool: deequ\n");
    let checks = &deequ.artifacts.iter().find(|made| made.path.ends_with("checks.py")).expect("a module").text;
    let told = checks.lines().position(|line| line.contains(&format!("# Left out: {reconcile}"))).expect("a comment");
    let after = checks.lines().nth(told + 1).expect("a line").trim();
    assert!(matches!(after, "{" | "],") || after.starts_with('#'), "{after}");
    let settings = format!("kind: quality\ntool: soda\nleave_out: [\"{reconcile}\", \"r.valid\"]\n");
    assert!(quality::told(&declarations, &settings).1.is_empty());
    let wrong = quality::told(SHOP, "kind: quality\ntool: soda\nleave_out: [\"q.complet(user)\"]\n").1;
    assert_eq!(warehouse::text(&wrong), "E0805: there is no rule `q.complet(user)` to leave out");
}

/// The days of a target are counted back from today.
#[test]
fn only_the_last_days_are_judged() {
    support::engine!("clickhouse");
    let shop = Warehouse::new(SHANGHAI, SHOP);
    let day = |back: u64| quality::day_before(back);
    let rows: Vec<String> =
        [0, 1, 2, 3].map(|back| format!("e{back} | {0} 10:00:00 | {0} 10:00:00 | ads | u1 | -1 |", day(back))).to_vec();
    shop.insert("channel", "ads | a");
    shop.insert("event", &rows.join("\n"));
    for (settings, broken) in [("", 4), ("days: 2\n", 2), ("days: 1\n", 1)] {
        let files = artifacts(&format!("kind: quality\ntool: great_expectations\n{settings}"));
        let suite: Value = serde_json::from_str(&files["tool/suites/q.json"]).expect("JSON");
        let of = |one: &&Value| one["meta"]["rule"] == "q.valid(1)";
        let one = suite["expectations"].as_array().expect("a list").iter().find(of).expect("the rule");
        let query = one["kwargs"]["unexpected_rows_query"].as_str().expect("a query");
        assert_eq!(shop.lines(&format!("SELECT count() FROM ({query})")), [broken.to_string()], "{query}");
    }
}

/// A build tells what a tool does not judge, and makes the rest.
#[test]
fn a_build_warns_of_rules_that_are_left_out() {
    let place = support::cli::Place::with_shop();
    let rules = "quality unheard on order { valid: lower(order_id) = order_id; complete: order_id }\n";
    place.write("shop/metrics/rules.metric", rules).write("shop/targets/soda.yaml", "kind: quality\ntool: soda\n");
    let built = place.run_in("shop", &["build"]);
    assert!(built.err.contains("W0804") && built.err.contains("unheard.valid"), "{}", built.err);
    assert_eq!(built.code, 0, "{}", built.err);
    let contract = std::fs::read_to_string(place.path("shop/build/soda/contracts/unheard.yml")).expect("a contract");
    assert!(
        contract.contains("unheard.complete(order_id)") && contract.contains("# Left out: unheard.valid"),
        "{contract}"
    );
    let denied = place.run_in("shop", &["build", "--out", "other", "--deny", "warnings"]);
    assert_eq!(denied.code, 1, "{}", denied.err);
}
