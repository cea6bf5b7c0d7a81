//! Rules for Prometheus: promtool, amtool and vmalert take them, and they fire when the declarations say so.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use metricc::alerting::{Look, Series, State, freshness, verdicts};
use metricc::compile::{Compiled, compile};
use metricc::emit::{Emitted, emit, input};
use metricc::project::{MemoryFiles, Project, load};
use support::prometheus::Programs;

const SOURCES: &str = r#"
source task {
  table: "dwd.task"
  key: id
  time: at
  column id: int
  column at: timestamp
  column ok: bool
  column feature: string
  column kind: string
  column spent: decimal(18, 2) unit CNY
  column took: duration(ms)
}
dimension feature = task.feature
dimension 种类 = task.kind
metric tasks = count(task) { grain: 1h; compare: 1w; owner: "平台 {{ }}" }
metric good  = count(task where ok) { grain: 1h }
metric rate  = good / tasks { unit: ratio; better: up; title: "成功\"率\"" }
metric available = 1 - count(task where not ok) / tasks { unit: ratio; better: up }
metric 收入  = sum(spent from task) { unit: CNY; grain: 1d; serve: daily }
metric slow  = p95(took from task) { grain: 1h }
metric spent = sum(spent from task) { unit: CNY; grain: 1d; by: feature; serve: stream(1m), daily }
"#;

const TARGET: &str = r#"kind: alerts
retention: 40d
receivers:
  dingtalk: { webhook: "http://127.0.0.1:9098/alertmanager/dingtalk" }
  sms: { webhook: "http://127.0.0.1:9098/alertmanager/sms", max_alerts: 5 }
  email: { email: [ops@example.com, "财务 <cfo@example.com>"] }
smtp: { host: "smtp.example.com:587", from: "alerts@example.com" }
notify: { P0: [sms, dingtalk], P1: [dingtalk, email], P2: [email] }
mute:
  nights: { severities: [P2], from: "22:00", to: "08:00" }
  weekend: { severities: [P1, P2], days: [saturday, sunday], from: "00:00", to: "24:00" }
runbooks: "https://wiki.example.com/x/"
"#;

/// A project in a time zone, with more in its `metricc.yaml`.
fn project(zone: &str, config: &str, declarations: &str, target: &str) -> (Project, Compiled) {
    let files = MemoryFiles::new()
        .with("metricc.yaml", format!("name: p\ntimezone: {zone}\nunits: [CNY]\n{config}"))
        .with("metrics/m.metric", format!("{SOURCES}{declarations}"))
        .with("targets/alerts.yaml", target);
    let (project, found) = load(&files);
    assert!(!found.has_errors(), "{found:?}");
    let project = project.expect("a project");
    let (compiled, found) = compile(&project);
    assert!(!found.has_errors(), "{found:?}");
    (project, compiled)
}

fn built(declarations: &str, target: &str) -> (Emitted, Vec<String>) {
    built_with("", declarations, target)
}

/// The same with more in `metricc.yaml`.
fn built_with(config: &str, declarations: &str, target: &str) -> (Emitted, Vec<String>) {
    built_in("Asia/Shanghai", config, declarations, target)
}

/// The same in another time zone.
fn built_in(zone: &str, config: &str, declarations: &str, target: &str) -> (Emitted, Vec<String>) {
    let (project, compiled) = project(zone, config, declarations, target);
    let (input, mut found) = input(&compiled.model);
    let (emitted, more) = emit(&input, &project.targets[0]);
    found.extend(more);
    (emitted, found.iter().map(|one| format!("{} {}", one.code, one.message)).collect())
}

fn written(emitted: &Emitted) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for artifact in &emitted.artifacts {
        let path = folder.path().join(&artifact.path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, &artifact.text).expect("a file");
    }
    folder
}

/// The files in a folder of a build.
fn files(folder: &Path, of: &str) -> Vec<String> {
    let list = fs::read_dir(folder.join("alerts").join(of)).expect("a folder");
    let mut names: Vec<String> =
        list.map(|one| format!("alerts/{of}/{}", one.expect("a file").file_name().to_string_lossy())).collect();
    names.sort();
    names
}

const ALERTS: &str = r#"
/// Tasks fail: {{ $x }}
alert fine on rate { every: 1m; when: value < 95% for 5m; by: feature, 种类; severity: P0; volume: tasks >= 100; absent: 10m; notify: dingtalk, sms; runbook: "r.md" }
alert slow_tasks on slow { when: value > 2s or value > seasonal(period: 6h, cycles: 3) for 1h; severity: P1 }
alert grown on tasks.growth_1w { when: value not between -20% and 50%; severity: P1 }
alert 收入异常 on 收入 { when: (value outside ewma(alpha: 0.8) and value > 10) or growth(value, 2d) < -20%; severity: P2; absent: 1d }
alert odd on tasks { every: 5m; when: value outside ewma(alpha: 0.3, sigma: 3) for 15m; severity: P2 }
alert low on tasks { every: 5m; when: value < seasonal(period: 2h, cycles: 3, sigma: 3) for 10m; by: feature; severity: P2 }
alert usual on tasks { every: 1d; when: value < seasonal(period: 1d, cycles: 3, except: "2026-10-01..2026-10-07, 2027-02-06"); severity: P2 }
alert drop on tasks { every: 1h; when: growth(value, 1d) < -20%; severity: P1 }
alert daily_drop on tasks { every: 1d; when: growth(value, 2d) < -20%; severity: P1; by: feature }
alert fast on tasks { every: 30s; when: value < 10 for 1m; volume: tasks > 5; severity: P2 }
slo rate_ok on rate { objective: 99.9% over 30d; minimum: 50 }
slo up on available { objective: 99.95% over 28d; runbook: "https://example.com/up" }
"#;

/// Prometheus and vmalert take the rules, and so many files of tests hold.
fn taken(emitted: &Emitted, count: usize) {
    let folder = written(emitted);
    let rules = files(folder.path(), "rules");
    let tests = files(folder.path(), "tests");
    assert_eq!(tests.len(), count, "{tests:?}");
    let with = |words: [&'static str; 2], paths: &[String]| {
        words.map(str::to_owned).into_iter().chain(paths.iter().cloned()).collect::<Vec<String>>()
    };
    let (checked, tested) = (with(["check", "rules"], &rules), with(["test", "rules"], &tests));
    // It takes a while: each test of an objective is about 30 days.
    std::thread::scope(|scope| {
        for programs in Programs::all() {
            let (folder, checked, tested) = (folder.path(), &checked, &tested);
            scope.spawn(move || {
                for arguments in [checked, tested] {
                    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                    let ran = programs.run("promtool", folder, &arguments);
                    assert!(ran.ok, "{}: {}", programs.name, ran.said);
                }
                let taken = programs.run("vmalert", folder, &["-dryRun", "-rule=alerts/rules/*.yml"]);
                assert!(taken.ok, "{}: {}", programs.name, taken.said);
            });
        }
    });
}

#[test]
fn the_versions_are_those_that_are_told_of() {
    support::engine!("prometheus");
    let [oldest, current] = Programs::all().map(|programs| programs.version("prometheus"));
    assert!(((2, 37)..(3, 0)).contains(&oldest), "{oldest:?}");
    assert!(current >= (3, 0), "{current:?}");
}

const RULES: &str = r#"
/// Tasks of {{ the day }}.
quality of_tasks on task {
  title: "任务"; owner: "data"; runbook: "tasks.md"
  complete: kind > 99%, id
  unique: id, duplicates < 0.1%
  valid: took >= 0s
  fresh: 5m
  reconcile: spent stream daily < 0.5%
  minimum: 50
  severity: P0
}
quality of_kinds on task { unique: kind, feature, duplicates <= 40%; fresh: 2d; severity: P2 }
quality 质量 on task { fresh: 90s; severity: P2 }
"#;

/// Rules of quality are alerts: shares and differences by day, and whether rows are fresh. What is said of them holds.
#[test]
fn rules_of_quality_are_alerts_of_their_own() {
    support::engine!("prometheus");
    let (emitted, found) = built(RULES, TARGET);
    assert_eq!(found, [""; 0]);
    let of = |end: &str| emitted.artifacts.iter().filter(move |made| made.path.ends_with(end)).collect::<Vec<_>>();
    let rules: String =
        of(".yml").iter().filter(|made| made.path.contains("/rules/")).map(|made| &*made.text).collect();
    for (alert, compared) in [
        ("of_tasks.complete(kind)", "<= 0.99"),
        ("of_tasks.complete(id)", "< 1"),
        ("of_tasks.duplicates", ">= 0.001"),
        ("of_tasks.valid", "< 1"),
        ("of_kinds.duplicates", "> 0.4"),
        ("of_tasks.reconcile(spent stream daily)", ">= 0.005"),
        ("of_tasks.fresh", "quality:of_tasks:newest_row_age_seconds > 300)"),
        ("of_kinds.fresh", "> 172800)"),
        ("质量.fresh", "> 90)"),
    ] {
        let start = rules.find(&format!("- alert: {alert}\n")).unwrap_or_else(|| panic!("no {alert} in {rules}"));
        assert!(rules[start..].lines().nth(1).is_some_and(|line| line.contains(compared)), "{}", &rules[start..]);
    }
    assert_eq!(of("_test.yml").len(), 9);
    assert_eq!(rules.matches("runbook_url: https://wiki.example.com/x/tasks.md").count(), 6);
    let series = emitted.details["series"].as_array().expect("a list");
    let rows = series.iter().filter(|one| one["labels"]["metric"] == "of_tasks.rows").count();
    // Their number is watched beside the shares.
    assert_eq!(rows, 2);
    let newest = |one: &&serde_json::Value| one["labels"] == serde_json::json!({ "quality": "质量", "source": "task" });
    let newest: Vec<&str> = series.iter().filter(newest).filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(newest, ["metricc_newest_row_seconds", "metricc_newest_row_asked_seconds"]);
    taken(&emitted, 9);
    let (without, found) = built(RULES, &format!("{TARGET}quality: false\n"));
    assert_eq!((found, without.artifacts.len()), (Vec::new(), 1));
    // Nobody is told of what is so urgent.
    let (_, found) = built(RULES, &TARGET.replace("P0: [sms, dingtalk], ", ""));
    assert!(found[0].starts_with("E0890"), "{found:?}");
    for alert in ["of_tasks.fresh", "of_tasks.reconcile(spent stream daily)"] {
        let wanted = format!("E0890 nobody is told of `{alert}`, which is P0");
        assert!(found.contains(&wanted), "{wanted}: {found:?}");
    }
}

/// What is found of the newest row, a minute apart: rows that come, stop, are just as old as they may be or a millisecond older, or have a
/// clock that is ahead; now and then nothing.
fn looks(dice: &mut Dice, length: i64, within: i64) -> Vec<Option<Look>> {
    let mut newest = 0;
    (0..length)
        .map(|minute| {
            let at = minute * 60_000 - dice.roll(20_000) as i64;
            newest = match dice.roll(14) {
                0 => at - within,
                1 => at - within - 1,
                2 => at + dice.roll(100_000) as i64,
                3..=6 => newest.max(at - dice.roll(30_000) as i64),
                _ => newest,
            };
            (dice.roll(7) > 0).then_some(Look { at, newest })
        })
        .collect()
}

#[test]
fn promql_tells_what_is_fresh_as_the_declaration_does() {
    support::engine!("prometheus");
    const LENGTH: i64 = 300;
    let bounds = [("a", "5m"), ("b", "90s"), ("c", "40m")];
    let declared =
        |(name, within): &(&str, &str)| format!("quality {name} on task {{ fresh: {within}; severity: P2 }}\n");
    let (emitted, told) = built(&bounds.iter().map(declared).collect::<String>(), TARGET);
    assert_eq!(told, [""; 0]);
    let folder = written(&emitted);
    let mut tests = String::from("rule_files: [alerts/rules/*.yml]\nevaluation_interval: 1m\ntests:\n");
    let (mut fired, mut silent) = (0, 0);
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let (mut input, mut expected) = (String::new(), String::new());
        for ((name, _), within) in bounds.iter().zip([300_000, 90_000, 2_400_000]) {
            let looks = looks(&mut dice, LENGTH, within);
            let seconds = |of: fn(&Look) -> i64| -> Vec<Option<f64>> {
                looks.iter().map(|look| look.as_ref().map(|look| of(look) as f64 / 1_000.0)).collect()
            };
            for (series, values) in
                [("newest_row", seconds(|look| look.newest)), ("newest_row_asked", seconds(|look| look.at))]
            {
                // The first sample is that of the beginning.
                let values = samples(&values).split_off(2);
                let labels = format!("{{quality=\"{name}\",source=\"task\"}}");
                writeln!(input, "  - {{series: 'metricc_{series}_seconds{labels}', values: '{values}'}}")
                    .expect("text");
            }
            for (minute, verdict) in freshness(&looks, within).into_iter().enumerate() {
                let fires = verdict.state == State::Firing;
                (fired, silent) = (fired + usize::from(fires), silent + usize::from(!fires));
                let query = format!("count(ALERTS{{alertname=\"{name}.fresh\",alertstate=\"firing\"}}) or vector(0)");
                let fires = u8::from(fires);
                writeln!(
                    expected,
                    "  - {{expr: '{query}', eval_time: {minute}m, exp_samples: [{{labels: '{{}}', value: {fires}}}]}}"
                )
                .expect("text");
            }
        }
        write!(tests, "- interval: 1m\n  input_series:\n{input}  promql_expr_test:\n{expected}").expect("text");
    }
    assert!(fired > 500 && silent > 500, "{fired} and {silent}");
    fs::write(folder.path().join("random_test.yml"), tests).expect("a file");
    for programs in Programs::all() {
        let tested = programs.run("promtool", folder.path(), &["test", "rules", "random_test.yml"]);
        assert!(tested.ok, "{}: {}", programs.name, tested.said.chars().take(4_000).collect::<String>());
    }
}

#[test]
fn rules_do_what_their_own_tests_say() {
    support::engine!("prometheus");
    let (emitted, told) = built(ALERTS, TARGET);
    assert_eq!(told, [""; 0]);
    taken(&emitted, 12);
}

#[test]
fn who_is_told_follows_from_the_severity_and_the_alert() {
    support::engine!("prometheus");
    let (emitted, _) = built(ALERTS, TARGET);
    let folder = written(&emitted);
    let config = "alerts/alertmanager.yml";
    for programs in Programs::all() {
        let checked = programs.run("amtool", folder.path(), &["check-config", config]);
        assert!(checked.ok, "{}: {}", programs.name, checked.said);
        let told = |labels: &[&str]| {
            let arguments: Vec<&str> = ["config", "routes", "test", "--config.file", config]
                .into_iter()
                .chain(labels.iter().copied())
                .collect();
            let routed = programs.run("amtool", folder.path(), &arguments);
            assert!(routed.ok, "{}: {}", programs.name, routed.said);
            routed.said.lines().next().unwrap_or_default().trim().to_owned()
        };
        for severity in ["P0", "P1", "P2"] {
            let severity = format!("severity={severity}");
            assert_eq!(told(&[&severity, "notify=\"dingtalk,sms\""]), "dingtalk,sms");
            assert_eq!(told(&[&severity, "notify=\"dingtalk,email\""]), "dingtalk,email");
            assert_eq!(told(&[&severity, "notify=email"]), "email");
            // What is of somebody else is told to nobody.
            assert_eq!(told(&[&severity, "notify=sms2"]), "nobody");
        }
        assert_eq!(told(&["severity=P3", "notify=sms"]), "nobody");
    }
    let text = &emitted.artifacts.iter().find(|one| one.path.ends_with("alertmanager.yml")).expect("a file").text;
    // AL5: nothing is hidden by labels that both lack, times of the day have a place, messages have an end.
    for part in ["metric!=\"\"", "location: Asia/Shanghai", "max_alerts: 5", "continue: true"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A sequence that looks random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Values about a level that now and then jump, stay or are missing.
fn course(dice: &mut Dice, length: usize) -> Vec<Option<f64>> {
    let mut level = 100;
    (0..length)
        .map(|_| {
            match dice.roll(12) {
                0 => level = 20 + dice.roll(200),
                1 => level = 100,
                _ => {}
            }
            (dice.roll(9) > 0).then(|| (level + dice.roll(5)) as f64)
        })
        .collect()
}

const CONDITIONS: &[&str] = &[
    "value < 60 for 3m",
    "value > 140",
    "value between 90 and 104 for 2m",
    "growth(value, 7m) < -20% for 1m",
    "value outside ewma(alpha: 0.3, sigma: 3) for 2m",
    "value < ewma(alpha: 0.7, sigma: 1, floor: 0%)",
    "value > seasonal(period: 10m, cycles: 4, sigma: 3)",
    "value outside seasonal(period: 7m, cycles: 5, sigma: 1, floor: 20%) for 1m",
    "value outside seasonal(period: 7m, cycles: 4, sigma: 1, except: \"1969-12-31\")",
    "value outside seasonal(period: 5m, cycles: 6, sigma: 1, except: \"1970-01-01..1970-01-02\") for 1m",
    "value > 110 and growth(value, 3m) > 10%",
    "(value outside ewma(alpha: 0.5) or growth(value, 5m) > 50%) and value < 180 for 1m",
];

#[test]
fn promql_fires_when_the_declaration_says_so() {
    support::engine!("prometheus");
    const LENGTH: usize = 160;
    // Its days begin an hour after those of UTC: so does one in the middle of the test, which begins in 1970.
    const ZONE: &str = "Atlantic/Azores";
    let mut declarations = String::new();
    for (place, condition) in CONDITIONS.iter().enumerate() {
        writeln!(declarations, "alert a{place} on tasks {{ every: 1m; when: {condition}; severity: P2 }}")
            .expect("text");
        writeln!(
            declarations,
            "alert b{place} on tasks {{ every: 1m; when: {condition}; severity: P2; volume: good >= 50 }}"
        )
        .expect("text");
    }
    let (emitted, told) = built_in(ZONE, "", &declarations, TARGET);
    assert_eq!(told, [""; 0]);
    let folder = written(&emitted);
    let (_, compiled) = project(ZONE, "", &declarations, TARGET);
    let starts: Vec<i64> = (0..LENGTH as i64).map(|at| at * 60_000).collect();
    let mut tests = String::from("rule_files: [alerts/rules/all-tasks-1m.yml]\nevaluation_interval: 1m\ntests:\n");
    let (mut fired, mut silent) = (0, 0);
    for seed in 1..=4 {
        let mut dice = Dice(seed);
        let values = course(&mut dice, LENGTH);
        let volume: Vec<Option<f64>> = course(&mut dice, LENGTH);
        // Some come a minute after their end: it is the bucket that is left out, not the time of the evaluation.
        let late = usize::from(seed % 2 == 0);
        let missing = "_ ".repeat(late);
        writeln!(tests, "- interval: 1m\n  input_series:").expect("text");
        for (metric, values) in [("tasks", &values), ("good", &volume)] {
            let labels = format!("{{metric=\"{metric}\",step=\"1m\",by=\"\"}}");
            writeln!(tests, "  - {{series: 'metricc_{metric}{labels}', values: '{missing}{}'}}", samples(values))
                .expect("text");
            let ends = format!("{missing}0+60x{}", LENGTH + 1);
            writeln!(tests, "  - {{series: 'metricc_bucket_end_seconds{labels}', values: '{ends}'}}").expect("text");
        }
        writeln!(tests, "  promql_expr_test:").expect("text");
        for alert in &compiled.model.alerts {
            let volume = alert.volume.is_some().then_some(volume.as_slice());
            let found = verdicts(alert, Series { values: &values, volume, starts: &starts, step: 60_000 });
            for (at, verdict) in found.iter().enumerate() {
                let fires = u8::from(verdict.state == State::Firing);
                (fired, silent) = (fired + usize::from(fires), silent + usize::from(1 - fires));
                let query =
                    format!("count(ALERTS{{alertname=\"{}\",alertstate=\"firing\"}}) or vector(0)", alert.name.value);
                writeln!(
                    tests,
                    "  - {{expr: '{query}', eval_time: {}m, exp_samples: [{{labels: '{{}}', value: {fires}}}]}}",
                    at + 1 + late
                )
                .expect("text");
            }
        }
    }
    assert!(fired > 500 && silent > 500, "{fired} and {silent}");
    fs::write(folder.path().join("random_test.yml"), tests).expect("a file");
    for programs in Programs::all() {
        let tested = programs.run("promtool", folder.path(), &["test", "rules", "random_test.yml"]);
        assert!(tested.ok, "{}: {}", programs.name, tested.said.chars().take(4_000).collect::<String>());
    }
}

/// Samples a minute apart: each bucket is seen at its end, and a series that is not there any more is stale.
fn samples(values: &[Option<f64>]) -> String {
    let mut text = String::from("_");
    let mut before = None;
    for value in values {
        match (value, before) {
            (Some(value), _) => write!(text, " {value}").expect("text"),
            (None, Some(_)) => text.push_str(" stale"),
            (None, None) => text.push_str(" _"),
        }
        before = *value;
    }
    text
}

#[test]
fn what_a_target_cannot_do_is_told() {
    let told = |declarations: &str, target: &str| built(declarations, target).1;
    let plain = "kind: alerts\nreceivers:\n  sms: { webhook: \"http://127.0.0.1:9098/alertmanager/sms\" }\nnotify: { P1: [sms] }\n";
    let alert = |items: &str| format!("alert a on tasks {{ every: 1h; {items} }}\n");
    assert_eq!(told(&alert("when: value < 1; severity: P1"), plain), [""; 0]);
    assert_eq!(told(&alert("when: value < 1; severity: P1; notify: smss"), plain), ["E0890 no receiver named `smss`"]);
    assert_eq!(told(&alert("when: value < 1; severity: P0"), plain), ["E0890 nobody is told of `a`, which is P0"]);
    assert_eq!(
        told(&alert("when: value < seasonal(); severity: P1"), plain),
        ["E0891 `a` compares with what was 28 days ago, and Prometheus keeps 15 days"]
    );
}

#[test]
fn an_alert_of_too_many_groups_is_told() {
    let alert = "dimension fine = task.ok\nalert a on tasks { every: 1h; when: value < 1; by: fine; severity: P1 }\n";
    let target = |most: u32| {
        format!(
            "kind: alerts\nmax_series: {most}\nreceivers:\n  sms: {{ webhook: \"http://127.0.0.1:9098/alertmanager/sms\" }}\nnotify: {{ P1: [sms] }}\n"
        )
    };
    // A bool has two values.
    assert_eq!(built(alert, &target(2)).1, [""; 0]);
    assert_eq!(built(alert, &target(1)).1, ["E0892 `a` watches about 2 groups, and 1 may be at most"]);
}

const RECEIVERS: &str = r#"
mail: { host: smtp.example.com, from: "数据 <data@example.com>" }
receivers:
  ops: { dingtalk: { token_env: T }, email: ["运维 <ops@example.com>", b@example.com] }
  值班.夜: { sms: { url_env: U, to: ["+8613800000000"] } }
  nobody_needs: { email: [c@example.com] }
"#;

#[test]
fn receivers_of_the_project_are_told_by_the_gateway_and_by_mail() {
    support::engine!("prometheus");
    let alert = "alert a on tasks { every: 1h; when: value < 1; severity: P1; notify: own }\nalert b on tasks { every: 1h; when: value < 2; severity: P0 }\n";
    let target = "kind: alerts\nrelay: { url: \"http://127.0.0.1:9198/\", token_file: /etc/alertmanager/token }\n\
                  receivers:\n  own: { webhook: \"http://127.0.0.1:9099/x\" }\nnotify: { P0: [ops, 值班.夜] }\n\
                  pace:\n  P0: { group_wait: 1s, group_interval: 2s, repeat_interval: 90s }\n";
    let (emitted, told) = built_with(RECEIVERS, alert, target);
    assert_eq!(told, [""; 0]);
    let folder = written(&emitted);
    let text = &emitted.artifacts.iter().find(|one| one.path.ends_with("alertmanager.yml")).expect("a file").text;
    for part in [
        "smtp_smarthost: smtp.example.com:587",
        "smtp_from: data@example.com",
        "url: http://127.0.0.1:9198/alertmanager/ops\n",
        "url: http://127.0.0.1:9198/alertmanager/%E5%80%BC%E7%8F%AD.%E5%A4%9C\n",
        "credentials_file: /etc/alertmanager/token\n",
        "to: ops@example.com, b@example.com\n",
        "group_wait: 1s\n    group_interval: 2s\n    repeat_interval: 90s\n",
        "group_wait: 30s\n    group_interval: 5m\n    repeat_interval: 4h\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("nobody_needs") && !text.contains("smtp_require_tls"), "{text}");
    for programs in Programs::all() {
        let checked = programs.run("amtool", folder.path(), &["check-config", "alerts/alertmanager.yml"]);
        assert!(checked.ok, "{}: {}", programs.name, checked.said);
        let labels = ["severity=P0", "notify=\"ops,值班.夜\""];
        let arguments =
            [&["config", "routes", "test", "--config.file", "alerts/alertmanager.yml"], &labels[..]].concat();
        let routed = programs.run("amtool", folder.path(), &arguments);
        assert_eq!(routed.said.lines().next(), Some("ops,值班.夜"), "{}: {}", programs.name, routed.said);
    }
}

#[test]
fn receivers_that_alertmanager_can_not_tell_are_refused() {
    let target = "kind: alerts\nnotify: { P1: [ops] }\n";
    let alert = "alert a on tasks { every: 1h; when: value < 1; severity: P1 }\n";
    let told = |config: &str, target: &str| built_with(config, alert, target).1;
    assert_eq!(told(RECEIVERS, target), [""; 0]);
    let secret = RECEIVERS.replace("mail: { host", "mail: { user_env: U, password_env: P, host");
    let wanted = ["E0894 `ops` is told by mail, and Alertmanager has no server that takes it"];
    assert_eq!(told(&secret, target), wanted);
    let own = format!("{target}smtp: {{ host: \"h:25\", from: a@example.com, tls: false }}\n");
    assert_eq!(told(&secret, &own), [""; 0]);
    assert_eq!(told(RECEIVERS, "kind: alerts\nnotify: { P1: [ops, opss] }\n"), ["E0890 no receiver named `opss`"]);
}

#[test]
fn a_build_is_the_same_to_the_byte() {
    let texts = || built(ALERTS, TARGET).0.artifacts.into_iter().map(|one| (one.path, one.text)).collect::<Vec<_>>();
    assert_eq!(texts(), texts());
}
