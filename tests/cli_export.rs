//! `metricc export`: the program as a process, between a server and someone who scrapes it. What it shows is counted again from the rows.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use support::cli::{Place, program};
use support::front::{Act, Fake, Front};
use support::listener::{Listener, until};
use support::prometheus::Programs;

/// 2026-11-01 08:00:00 in Shanghai.
const START: i64 = 1_793_491_200;

const METRICS: &str = r#"
source task {
  table: "{db}.task"
  key: id
  time: at
  column id: int
  column at: timestamp
  column ok: bool
  column feature: string?
  column spent: decimal(18, 2) unit CNY
  column took: duration(ms)
}
source gone { table: "{db}.gone"; key: id; time: at; column id: int; column at: timestamp }
dimension 功能 = task.feature else "(none)"
metric tasks = count(task) { grain: 1m; serve: live }
metric rate = count(task where ok) / tasks { unit: ratio; better: up; grain: 1m }
metric 收入 = sum(spent from task) { unit: CNY; grain: 1d }
metric slow = max(took from task) { grain: 1m }
metric lost = count(gone) { grain: 1m }
alert low on rate { every: 1m; when: value < 95% for 5m; by: 功能; severity: P0; volume: tasks >= 1; notify: ops }
alert lower on rate { every: 1m; when: value < 50%; by: 功能; severity: P1; notify: ops }
alert slow_tasks on slow { every: 5m; when: value > 2s; severity: P1; notify: ops }
alert poor on 收入 { when: value < 10; severity: P2; notify: ops }
quality of_tasks on task { complete: feature > 10%; fresh: 10m; severity: P2 }
slo rate_ok on rate { objective: 99.9% over 30d; notify: ops }
"#;

const LOST: &str = "alert losing on lost { every: 1m; when: value < 1; severity: P2; notify: ops }\n";

/// A task: seconds since the start, whether it went well, its feature, cents, milliseconds.
type Task = (i64, bool, Option<&'static str>, i64, i64);

/// A sequence that looks random, the same each time.
fn tasks() -> Vec<Task> {
    let mut state = 7_u64;
    let mut roll = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    const FEATURES: [Option<&str>; 5] = [Some("绘图"), Some("a\"b\\c\nd"), Some(""), Some("(x)"), None];
    (0..3_000)
        .map(|_| {
            let at = -(roll(40 * 86_400) as i64) + 600;
            let at = if roll(3) == 0 { at } else { (roll(1_200) as i64) - 600 };
            let feature = FEATURES[roll(5) as usize];
            (at, roll(4) > 0, feature, roll(10_000) as i64, roll(5_000) as i64)
        })
        .collect()
}

/// A server with these rows, and a project.
fn served(more: &str, target: &str) -> (Front, Place, Vec<Task>) {
    let front = Front::start();
    let database = front.database().to_owned();
    let place = project(front.url(), &database, more, target);
    front.execute(&format!(
        "CREATE OR REPLACE TABLE {database}.task (id Int64, at DateTime64(3, 'UTC'), ok Bool, feature Nullable(String), spent Decimal(18, 2), took Int64) ENGINE = MergeTree ORDER BY id"
    ));
    let tasks = tasks();
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\n', "\\n").replace('\'', "\\'"));
    let row = |(id, (at, ok, feature, spent, took)): (usize, &Task)| {
        let feature = feature.map_or("NULL".to_owned(), quoted);
        format!("({id}, toDateTime64({}, 3), {ok}, {feature}, {}.{:02}, {took})", START + at, spent / 100, spent % 100)
    };
    let rows: Vec<String> = tasks.iter().enumerate().map(row).collect();
    front.execute(&format!("INSERT INTO {database}.task VALUES {}", rows.join(", ")));
    (front, place, tasks)
}

fn project(url: &str, database: &str, more: &str, target: &str) -> Place {
    let place = Place::empty();
    for folder in ["metrics", "targets"] {
        fs::create_dir(place.path(folder)).expect("made");
    }
    place
        .write("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\nunits: [CNY]\n")
        .write("metrics/a.metric", format!("{METRICS}{more}").replace("{db}", database))
        .write("targets/warehouse.yaml", format!("kind: clickhouse\ndatabase: {database}\nconnection:\n  url: {url}\n"))
        .write(
            "targets/alerts.yaml",
            format!(
                "kind: alerts\nreceivers:\n  ops: {{ webhook: \"http://127.0.0.1:9098/alertmanager/ops\" }}\nnotify: {{ P2: [ops] }}\n{target}"
            ),
        );
    place
}

fn start(place: &Place, args: &[&str]) -> Listener {
    let mut command = program();
    command.args(["export", "--clickhouse", "--listen", "127.0.0.1:0"]).args(args).current_dir(place.path(""));
    Listener::start(command.env("EXPORT_TOKEN", "let-me-in"))
}

fn page(listener: &Listener) -> String {
    let (status, text) = listener.ask("GET /metrics HTTP/1.1", "");
    assert_eq!(status, 200, "{text}");
    text
}

/// The samples of a page by their names and labels, without what the exporter tells of itself.
fn values(page: &str) -> BTreeMap<String, String> {
    let own = |line: &&str| !line.starts_with('#') && !line.starts_with("metricc_export_");
    let pair = |line: &str| line.rsplit_once(' ').map(|(series, value)| (series.to_owned(), value.to_owned()));
    page.lines().filter(own).filter_map(pair).collect()
}

/// What must be there, counted from the rows: buckets end a minute before the scrape at 08:03:30, an hour before for days.
fn counted(tasks: &[Task]) -> BTreeMap<String, String> {
    let mut wanted = BTreeMap::new();
    let within = |from: i64, to: i64| tasks.iter().filter(move |(at, ..)| (from..to).contains(at));
    let minute = 120;
    let mut groups: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (_, ok, feature, ..) in within(minute - 60, minute) {
        let label = feature.map_or("(none)", |feature| match feature {
            "a\"b\\c\nd" => "a\\\"b\\\\c\\nd",
            other => other,
        });
        let group = groups.entry(label).or_default();
        *group = (group.0 + 1, group.1 + u64::from(*ok));
    }
    for (group, (all, good)) in groups {
        let labels =
            |metric: &str| format!("{{metric=\"{metric}\",step=\"1m\",by=\"功能\",dim_n_25f5ce57=\"{group}\"}}");
        wanted.insert(format!("metricc_tasks{}", labels("tasks")), all.to_string());
        wanted.insert(format!("metricc_rate{}", labels("rate")), (good as f64 / all as f64).to_string());
    }
    let end = |metric: &str, step: &str, by: &str, end: i64| {
        let labels = format!("metric=\"{metric}\",step=\"{step}\",by=\"{by}\"");
        (format!("metricc_bucket_end_seconds{{{labels}}}"), (START + end).to_string())
    };
    wanted.extend([end("tasks", "1m", "功能", minute), end("rate", "1m", "功能", minute)]);
    // Half of the two minutes that a bucket may take are over at 08:02:30 for the bucket up to 08:00 alone.
    let slowest = within(-300, 0).map(|(.., took)| *took).max().expect("some");
    wanted
        .insert("metricc_slow{metric=\"slow\",step=\"5m\",by=\"\"}".to_owned(), (slowest as f64 / 1_000.0).to_string());
    wanted.extend([end("slow", "5m", "", 0)]);
    let midnight = -8 * 3_600;
    let cents: i64 = within(midnight - 86_400, midnight).map(|(_, _, _, spent, _)| *spent).sum();
    let name = "metricc_n_117d8f91";
    wanted.insert(format!("{name}{{metric=\"收入\",step=\"1d\",by=\"\"}}"), (cents as f64 / 100.0).to_string());
    wanted.extend([end("收入", "1d", "", midnight)]);
    let named: Vec<bool> = within(midnight - 86_400, midnight).map(|(_, _, feature, ..)| feature.is_some()).collect();
    let share = named.iter().filter(|named| **named).count() as f64 / named.len() as f64;
    let rule = "of_tasks.complete(feature)";
    wanted.insert(format!("metricc_n_20eadd3f{{metric=\"{rule}\",step=\"1d\",by=\"\"}}"), share.to_string());
    wanted.extend([end(rule, "1d", "", midnight)]);
    let newest = tasks.iter().map(|(at, ..)| *at).max().expect("some");
    for (name, at) in [("", newest), ("asked_", 210)] {
        let series = format!("metricc_newest_row_{name}seconds{{quality=\"of_tasks\",source=\"task\"}}");
        wanted.insert(series, (START + at).to_string());
    }
    let windows =
        [("5m", 5), ("30m", 30), ("1h", 60), ("2h", 120), ("6h", 360), ("1d", 1_440), ("3d", 4_320), ("30d", 43_200)];
    for (window, minutes) in windows {
        let all: Vec<bool> = within(minute - minutes * 60, minute).map(|(_, ok, ..)| *ok).collect();
        let labels = |part| format!("{{metric=\"rate\",step=\"1m\",by=\"\",window=\"{window}\"{part}}}");
        wanted.insert(format!("metricc_rate{}", labels(",part=\"total\"")), all.len().to_string());
        let good = all.iter().filter(|ok| **ok).count();
        wanted.insert(format!("metricc_rate{}", labels(",part=\"good\"")), good.to_string());
        wanted.insert(format!("metricc_bucket_end_seconds{}", labels("")), (START + minute).to_string());
    }
    wanted
}

/// A series of the manifest, its labels in the order of their names.
fn series(listed: &serde_json::Value) -> String {
    let labels = listed["labels"].as_object().expect("labels").iter();
    let labels: BTreeSet<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} {labels:?}", listed["name"].as_str().expect("a name"))
}

/// The same of a series that is shown, without the labels of groups.
fn without_groups(series: &str) -> String {
    let (name, labels) = series.split_once('{').expect("labels");
    let labels = labels.strip_suffix("\"}").expect("labels").split("\",").map(|label| format!("{label}\""));
    let labels: BTreeSet<String> = labels.filter(|label| !label.starts_with("dim_")).collect();
    format!("{name} {labels:?}")
}

const AT: [&str; 2] = ["--at", "2026-11-01 08:03:30"];

#[test]
fn what_is_shown_is_counted_from_the_rows() {
    support::engine!("clickhouse");
    let (front, place, tasks) = served("", "");
    let listener = start(&place, &AT);
    let text = page(&listener);
    assert_eq!(values(&text), counted(&tasks), "{text}");
    // They are those that the manifest of a build lists, and no others.
    place.run(&["build"]).assert_code(0);
    let manifest = fs::read_to_string(place.path("build/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let listed: BTreeSet<String> =
        manifest["targets"]["alerts"]["series"].as_array().expect("series").iter().map(series).collect();
    let shown: BTreeSet<String> = values(&text).keys().map(|series| without_groups(series)).collect();
    assert_eq!(shown, listed);
    // Two metrics of one table share a statement; each has run once, whoever asks.
    let asked = |front: &Front| front.requests().iter().filter(|one| one.body.contains("FROM (")).count();
    let before = asked(&front);
    assert_eq!(before, 3 + 1 + 8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(values(&page(&listener)).len(), values(&text).len()));
        }
    });
    assert_eq!(asked(&front), before);
    assert!(
        text.contains(
            "\n# HELP metricc_tasks tasks over the last complete bucket or window.\n# TYPE metricc_tasks gauge\n"
        ),
        "{text}"
    );
    assert!(text.contains("\nmetricc_export_up{statement=\"rate, tasks 1m by 功能\"} 1\n"), "{text}");
    assert!(page(&listener).contains("\nmetricc_export_scrapes_total 10\n"));
    let (code, log) = listener.end();
    assert_eq!((code, log.as_str()), (Some(0), "ended\n"));
}

#[cfg(feature = "dry-run")]
#[test]
fn a_dry_run_shows_the_same() {
    let place = project("http://127.0.0.1:1", "dwd", "", "");
    let declared = fs::read_to_string(place.path("metrics/a.metric")).expect("a file");
    place.write(
        "metrics/a.metric",
        declared.replace("table: \"dwd.task\"", "table: \"dwd.task\"; sample: \"task.csv\""),
    );
    fs::create_dir(place.path("samples")).expect("made");
    let tasks = tasks();
    let mut rows = "id,at,ok,feature,spent,took\n".to_owned();
    for (id, (at, ok, feature, spent, took)) in tasks.iter().enumerate() {
        let at = metricc::table::form::timestamp_iso((START + at) * 1_000, chrono_tz::UTC);
        let feature = feature.map_or(String::new(), |text| format!("\"{}\"", text.replace('"', "\"\"")));
        rows.push_str(&format!("{id},{at},{ok},{feature},{}.{:02},{took}\n", spent / 100, spent % 100));
    }
    place.write("samples/task.csv", rows);
    place
        .run(&[
            "export",
            "--data",
            "samples",
            "--textfile",
            "a.prom",
            "--query-timeout",
            "1m",
            "--scrape-timeout",
            "1m",
            AT[0],
            AT[1],
        ])
        .assert_code(0);
    let text = fs::read_to_string(place.path("a.prom")).expect("a file");
    assert_eq!(values(&text), counted(&tasks), "{text}");
}

#[test]
fn prometheus_can_read_it() {
    support::engine!("clickhouse");
    support::engine!("prometheus");
    let (_front, place, _) = served("", "");
    let args = ["export", "--clickhouse", "--textfile", "metricc.prom", AT[0], AT[1]];
    let run = place.run(&args).assert_code(0);
    assert!(run.err.contains("wrote metricc.prom: 12 of 12 statements answered"), "{}", run.err);
    let text = fs::read_to_string(place.path("metricc.prom")).expect("a file");
    assert!(values(&text).len() > 20, "{text}");
    let checked = |programs: Programs| programs.reads("promtool", &place.path(""), &["check", "metrics"], &text);
    for programs in Programs::all() {
        let checked = checked(programs);
        assert!(checked.ok, "{}: {}", programs.name, checked.said);
    }
    let others: Vec<String> = fs::read_dir(place.path(""))
        .expect("a folder")
        .map(|one| one.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("prom"))
        .collect();
    assert_eq!(others, ["metricc.prom"]);
}

#[test]
fn what_fails_is_left_out_and_told() {
    support::engine!("clickhouse");
    let (_front, place, tasks) = served(LOST, "");
    let mut listener = start(&place, &AT);
    let text = page(&listener);
    // A table that is not there takes no others along.
    assert_eq!(values(&text), counted(&tasks), "{text}");
    for line in [
        "metricc_export_up{statement=\"lost 1m\"} 0",
        "metricc_export_left_out{metric=\"lost\",step=\"1m\",by=\"\",reason=\"failed\"} 1",
        "metricc_export_errors_total{statement=\"lost 1m\",code=\"E0852\"} 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    let told = listener.line();
    assert!(told.starts_with("lost 1m: left out: E0852: ") && told.contains("gone"), "{told}");
}

#[test]
fn without_a_server_there_are_no_values() {
    let place = project("http://127.0.0.1:1", "x", "", "");
    let listener = start(&place, &AT);
    let text = page(&listener);
    assert_eq!(values(&text), BTreeMap::new());
    assert_eq!(text.matches("metricc_export_up{").count(), 12);
    assert!(!text.contains("metricc_export_up{statement=\"rate_ok over 30d\"} 1"), "{text}");
    let run = place.run(&["export", "--clickhouse", "--textfile", "a.prom"]).assert_code(1);
    assert!(run.err.contains("0 of 12 statements answered") && run.err.contains("E0851"), "{}", run.err);
}

#[test]
fn a_file_is_written_again_until_a_signal() {
    let place = project("http://127.0.0.1:1", "x", "", "");
    let mut command = program();
    command.args(["export", "--clickhouse", "--textfile", "a.prom", "--every", "200ms", "--cache", "100ms"]);
    command.args(["--query-timeout", "100ms"]).current_dir(place.path(""));
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("the program runs");
    let asked = |times: usize| {
        let text = fs::read_to_string(place.path("a.prom")).unwrap_or_default();
        let wanted = format!("metricc_export_errors_total{{statement=\"rate_ok over 30d\",code=\"E0851\"}} {times}");
        text.lines().any(|line| line == wanted)
    };
    until("the file is written three times", || asked(3));
    let kill = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let fake = Fake::start(vec![Act::Hang(Vec::new(), std::time::Duration::from_secs(2))]);
    let place = project(fake.url(), "x", "", "");
    let run = program()
        .args([
            "export",
            "--clickhouse",
            "--textfile",
            "a.prom",
            "--query-timeout",
            "300ms",
            "--scrape-timeout",
            "100ms",
        ])
        .current_dir(place.path(""))
        .output()
        .expect("the program runs");
    let err = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{err}");
    assert!(err.contains("E0851") && err.contains("there was no time left to ask it"), "{err}");
}

#[test]
fn a_series_of_too_many_groups_is_left_out_as_a_whole() {
    support::engine!("clickhouse");
    let (_front, place, _) = served("", "max_series: 3\n");
    let mut listener = start(&place, &AT);
    let text = page(&listener);
    assert!(!text.contains("by=\"功能\",dim_"), "{text}");
    let line = "metricc_export_left_out{metric=\"rate\",step=\"1m\",by=\"功能\",reason=\"groups\"} 1";
    assert!(text.lines().any(|one| one == line), "{text}");
    let told = listener.line();
    assert!(
        told.contains("metricc_rate is left out: it has more than 3 groups (`max_series` of the target)"),
        "{told}"
    );
}

#[test]
fn who_has_no_token_reads_nothing() {
    let place = project("http://127.0.0.1:1", "x", "", "");
    let listener = start(&place, &["--token-env", "EXPORT_TOKEN"]);
    assert_eq!(listener.ask("GET /metrics HTTP/1.1", "").0, 401);
    assert_eq!(listener.ask("GET /metrics HTTP/1.1\r\nAuthorization: Bearer let-me-out", "").0, 401);
    assert_eq!(listener.ask("GET /metrics HTTP/1.1\r\nAuthorization: Bearer let-me-in", "").0, 200);
    assert_eq!(listener.ask("GET /-/healthy HTTP/1.1", "").0, 200);
    assert_eq!(listener.ask("POST /metrics HTTP/1.1", "").0, 405);
    assert_eq!(listener.ask("GET / HTTP/1.1", "").0, 404);
}

#[test]
fn what_can_not_run_is_told() {
    let place = project("http://127.0.0.1:1", "x", "", "");
    let told = |args: &[&str], code: &str, part: &str| {
        let all = [&["export", "--clickhouse"], args].concat();
        let run = place.run(&all).assert_code(2);
        assert!(run.err.contains(code) && run.err.contains(part), "{args:?}: {}", run.err);
    };
    told(&["--listen", "0.0.0.0:0"], "E0893", "could read what the business does");
    told(&["--listen", "0.0.0.0:0", "--token-env", "NOT_SET"], "E0875", "`NOT_SET`");
    told(&["--textfile", "a.txt"], "E0893", "does not read `a.txt`");
    told(&["--textfile", "none/a.prom"], "E0893", "`none/a.prom` can't be written");
    told(&["--alerts", "x"], "E0893", "no target of the kind `alerts` is named `x`");
    told(&["--at", "noon"], "E0041", "`--at noon` is no time");
    told(&["--cache", "soon"], "", "write a time such as `15s`");
    fs::remove_file(place.path("targets/alerts.yaml")).expect("removed");
    told(&[], "E0893", "no target of the kind `alerts`");
}
