//! From rows to the phone that rings, by real programs: ClickHouse, `metricc export`, Prometheus with the rules that are built, Alertmanager with
//! its configuration, `metricc notify`, a robot that judges as DingTalk does, and a mail server.

mod support;

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::cli::{Place, program};
use support::front::Front;
use support::listener::{Listener, until};
use support::post::{SECRET, TOKEN, Taker};
use support::prometheus::{Programs, Served, free_port};

const METRICS: &str = r#"
source task {
  table: "{db}.task"
  key: id
  time: at
  column id: int
  column at: timestamp
  column ok: bool
  column feature: string
}
dimension feature = task.feature
metric tasks = count(task) { grain: 1m }
metric rate = count(task where ok) / tasks { unit: ratio; better: up; grain: 1m; title: "任务成功率" }
alert broken on rate { every: 2s; when: value < 50% for 4s; by: feature; severity: P0; volume: tasks >= 5 }
alert slipping on rate { every: 2s; when: value < 90% for 4s; by: feature; severity: P1 }
"#;

/// Passes bytes on to a server, as long as it is let.
struct Line {
    address: String,
    cut: Arc<AtomicBool>,
}

impl Line {
    fn to(server: &str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (cut, server) = (Arc::new(AtomicBool::new(false)), server.trim_start_matches("http://").to_owned());
        let seen = Arc::clone(&cut);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let (mut from, mut to) = (client.try_clone().expect("a stream"), server.try_clone().expect("a stream"));
                std::thread::spawn(move || io::copy(&mut from, &mut to));
                std::thread::spawn(move || {
                    let (mut client, mut server) = (client, server);
                    let _ = io::copy(&mut server, &mut client);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Line { address, cut }
    }
}

/// What a robot was sent, an alert after the other: its state, its name and its feature.
fn told(event: &Value) -> Vec<(String, String, String)> {
    let answer: Value = serde_json::from_str(event["answer"].as_str().unwrap_or_default()).expect("an answer");
    assert_eq!(answer["errcode"], 0, "{event}");
    let text = event["body"]["markdown"]["text"].as_str().unwrap_or_default();
    text.split("#### ")
        .filter_map(|entry| {
            let heading = entry.lines().next()?;
            let state = ["firing", "resolved"].into_iter().find(|state| heading.contains(state))?;
            let feature = entry.split("`feature=").nth(1)?.split('`').next()?;
            Some((state.to_owned(), heading.split(' ').next_back()?.to_owned(), feature.to_owned()))
        })
        .collect()
}

/// Hears the robot until it was told all of these. Gives all that it was told.
fn hear(robot: &Taker, wanted: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let mut heard = Vec::new();
    let is_told = |heard: &[(String, String, String)], (state, name, feature): &(&str, &str, &str)| {
        heard.iter().any(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()) == (*state, *name, *feature))
    };
    while !wanted.iter().all(|one| is_told(&heard, one)) {
        heard.extend(told(&robot.next_of("post")));
    }
    heard
}

/// Waits for a mail whose subject has these words.
fn mail(server: &Taker, words: [&str; 2]) {
    loop {
        let mail = server.next_of("mail");
        assert_eq!(mail["recipients"], json!(["kpi@example.com"]), "{mail}");
        let subject = mail["headers"]["subject"].as_str().unwrap_or_default();
        if words.iter().all(|word| subject.contains(word)) {
            return;
        }
    }
}

/// How many series an expression gives.
fn count(prometheus: &Served, expr: &str) -> usize {
    let escaped: String = expr.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = prometheus.get(&format!("/api/v1/query?query={escaped}"));
    answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{expr}: {answer}")).len()
}

/// Rows of ten minutes, each second so many of a feature, so many of them good.
fn rows(front: &Front, feature: &str, count: u32, good: u32) {
    let database = front.database();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    front.execute(&format!(
        "INSERT INTO {database}.task SELECT (SELECT count() FROM {database}.task) + number, toDateTime64({now} - 20 + intDiv(number, {count}), 3), number % {count} < {good}, '{feature}' FROM numbers(600 * {count})"
    ));
}

fn project(front: &Front, target: &str, robot: &Taker, mails: &Taker) -> Place {
    let place = Place::empty();
    for folder in ["metrics", "targets"] {
        fs::create_dir(place.path(folder)).expect("made");
    }
    let (robot, mails) = (robot.port, mails.port);
    let config = format!(
        "name: shop\ntimezone: Asia/Shanghai\nmail: {{ host: 127.0.0.1, port: {mails}, tls: none, from: alerts@example.com }}\nreceivers:\n  \
         值班: {{ dingtalk: {{ token_env: T, secret_env: S, url: \"http://127.0.0.1:{robot}\" }} }}\n  kpi: {{ email: [kpi@example.com] }}\n"
    );
    place
        .write("metricc.yaml", config)
        .write("metrics/a.metric", METRICS.replace("{db}", front.database()))
        .write("targets/alerts.yaml", target);
    place
}

#[test]
fn a_phone_rings_when_it_must_and_not_otherwise() {
    support::engine!("clickhouse");
    support::engine!("prometheus");
    let programs = Programs::current();
    // Values.
    let front = Front::start();
    front.execute(&format!(
        "CREATE OR REPLACE TABLE {}.task (id UInt64, at DateTime64(3, 'UTC'), ok Bool, feature String) ENGINE = MergeTree ORDER BY at",
        front.database()
    ));
    rows(&front, "draw", 10, 2);
    rows(&front, "chat", 10, 7);
    rows(&front, "play", 10, 10);
    let line = Line::to(front.url());
    // Who is told.
    let (robot, mails) = (Taker::robot(json!({})), Taker::mail(json!({})));
    let (relay, alerting) = (free_port(), free_port());
    let target = format!(
        "kind: alerts\nlate: 10s\nrelay: \"http://127.0.0.1:{relay}\"\nnotify: {{ P0: [值班], P1: [值班, kpi] }}\npace:\n  \
         P0: {{ group_wait: 1s, group_interval: 1s }}\n  P1: {{ group_wait: 3s, group_interval: 1s }}\n"
    );
    let place = project(&front, &target, &robot, &mails);
    place.run(&["build"]).assert_code(0);
    let mut command = program();
    command.args(["notify", "--listen", &format!("127.0.0.1:{relay}")]).envs([("T", TOKEN), ("S", SECRET)]);
    let notify = Listener::start(command.current_dir(place.path("")));
    // The way there.
    let url = format!("http://{}", line.address);
    let mut command = program();
    command.args(["export", "--clickhouse", &url, "--listen", "127.0.0.1:0", "--cache", "1s"]);
    command.args(["--query-timeout", "2s", "--scrape-timeout", "500ms"]);
    let export = Listener::start(command.current_dir(place.path("")));
    let alertmanager = programs.alertmanager(&place.path(""), "build/alerts/alertmanager.yml", alerting);
    let config = json!({
        "global": { "scrape_interval": "3s", "scrape_timeout": "3s" },
        "rule_files": ["build/alerts/rules/*.yml"],
        "scrape_configs": [{ "job_name": "metricc", "static_configs": [{ "targets": [export.address] }] }],
        "alerting": { "alertmanagers": [{ "static_configs": [{ "targets": [alertmanager.address] }] }] },
    });
    let prometheus = programs.prometheus(&place.path(""), &config.to_string());

    // What is worse is told by the robot, what is less bad of another group also by mail, and what is good not at all.
    let mut heard = hear(&robot, &[("firing", "broken", "draw"), ("firing", "slipping", "chat")]);
    mail(&mails, ["FIRING", "slipping"]);
    // Of the same group, what is worse hides what is less so (AL5).
    let firing = |name: &str, feature: &str| {
        count(&prometheus, &format!("ALERTS{{alertname=\"{name}\",feature=\"{feature}\",alertstate=\"firing\"}}"))
    };
    until("both alerts of one group fire", || firing("broken", "draw") + firing("slipping", "draw") == 2);
    let states = || {
        let alerts = alertmanager.get("/api/v2/alerts");
        let of = |one: &Value| {
            let label = |name: &str| one["labels"][name].as_str().unwrap_or_default().to_owned();
            let state = one["status"]["state"].as_str().unwrap_or_default();
            format!("{} {} {state}", label("alertname"), label("feature"))
        };
        let mut all: Vec<String> = alerts.as_array().expect("a list").iter().map(of).collect();
        all.sort();
        all
    };
    assert_eq!(states(), ["broken draw active", "slipping chat active", "slipping draw suppressed"]);

    // What gets better is told, too.
    rows(&front, "chat", 100, 100);
    heard.extend(hear(&robot, &[("resolved", "slipping", "chat")]));
    mail(&mails, ["RESOLVED", "slipping"]);

    // Without data nothing resolves (AL2).
    line.cut.store(true, Ordering::SeqCst);
    let lost = "feature:rate:2s{feature=\"draw\"}";
    until("the exporter tells that it has no answer", || count(&prometheus, "metricc_export_up == 0") == 1);
    until("there was no value for ten seconds", || {
        count(&prometheus, &format!("count_over_time(absent({lost})[10s:1s]) >= 10")) == 1
    });
    assert_eq!(count(&prometheus, "up{job=\"metricc\"} == 1"), 1, "the exporter itself is there");
    assert_eq!((firing("broken", "draw"), count(&prometheus, lost)), (1, 0));
    assert!(states().contains(&"broken draw active".to_owned()), "{:?}", states());

    // Once they are there again, the condition decides.
    rows(&front, "draw", 200, 200);
    line.cut.store(false, Ordering::SeqCst);
    let last = hear(&robot, &[("resolved", "broken", "draw")]);
    until("the value is there again", || count(&prometheus, lost) == 1);
    heard.extend(last.iter().cloned());
    let of = |name: &str, feature: &str| -> Vec<&str> {
        let is_it = |one: &&(String, String, String)| one.1 == name && one.2 == feature;
        heard.iter().filter(is_it).map(|one| one.0.as_str()).collect()
    };
    assert_eq!(of("broken", "draw"), ["firing", "resolved"], "{heard:?}");
    assert!(!of("slipping", "draw").contains(&"firing"), "{heard:?}");
    assert!(!heard.iter().any(|one| one.2 == "play"), "{heard:?}");

    drop((prometheus, alertmanager));
    let (code, log) = export.end();
    assert_eq!(code, Some(0));
    let is_told = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert!(is_told("left out: E0851") > 0 && is_told("answers again") > 0, "{log}");
    assert_eq!(notify.end().0, Some(0));
}
