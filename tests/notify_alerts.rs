//! `metricc notify`: the program as a process, between someone who posts what Alertmanager does and a robot that judges as DingTalk does.

mod support;

use serde_json::{Value, json};
use support::cli::{Place, program};
use support::listener::Listener;
use support::post::{SECRET, TOKEN, Taker};

/// What a real Alertmanager posts.
const GROUP: &str = include_str!("notify/alertmanager.json");

/// A server that is killed with this.
struct Notify(Listener);

impl Notify {
    fn start(place: &Place, args: &[&str]) -> Notify {
        Notify::start_with(place, args, &[])
    }

    fn start_with(place: &Place, args: &[&str], variables: &[(&str, &str)]) -> Notify {
        let mut command = program();
        command.args(["notify", "--listen", "127.0.0.1:0"]).args(args).current_dir(place.path("shop"));
        command.envs([("T", TOKEN), ("S", SECRET), ("NOTIFY_TOKEN", "let-me-in")]).envs(variables.iter().copied());
        Notify(Listener::start(&mut command))
    }

    /// The status and the body of an answer.
    fn ask(&self, head: &str, body: &str) -> (u16, String) {
        self.0.ask(head, body)
    }

    fn post(&self, receiver: &str, body: &str) -> (u16, String) {
        self.ask(&format!("POST /alertmanager/{receiver} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"), body)
    }

    fn metrics(&self) -> String {
        self.ask("GET /metrics HTTP/1.1", "").1
    }

    /// Ends it by a signal. Gives its exit code and what it wrote.
    fn end(self) -> (Option<i32>, String) {
        self.0.end()
    }
}

/// A project whose receiver `ops` is a robot, `值班` a gateway, and `kpi` a mailbox.
fn place(port: u16) -> Place {
    let place = Place::with_shop();
    let config = std::fs::read_to_string(place.path("shop/metricc.yaml")).expect("a project");
    let url = format!("http://127.0.0.1:{port}");
    let receivers = format!(
        "receivers:\n  ops: {{ dingtalk: {{ token_env: T, secret_env: S, url: \"{url}\" }} }}\n  \
         值班: {{ sms: {{ url_env: SMS_URL, token_env: T, to: [\"+8613800000000\"] }} }}\n  kpi: {{ email: [a@example.com] }}\n\
         mail: {{ host: localhost, from: m@example.com }}\n"
    );
    place.write("shop/metricc.yaml", config + &receivers);
    place
}

/// A group with so many alerts, of names that begin alike.
fn group(name: &str, count: usize) -> String {
    let alert = |number| {
        json!({
            "status": "firing",
            "labels": { "alertname": format!("{name}{number}"), "severity": "P1" },
            "annotations": { "summary": format!("第 {number} 个告警 {}", "很长的说明".repeat(20)) },
            "startsAt": "2026-11-29T00:30:00Z",
            "fingerprint": format!("{name}{number}"),
        })
    };
    json!({ "version": "4", "alerts": (0..count).map(alert).collect::<Vec<_>>() }).to_string()
}

fn count(metrics: &str, name: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[test]
fn alerts_come_to_a_robot_and_to_telephones() {
    let robot = Taker::robot(json!({}));
    let place = place(robot.port);
    // Its address is a secret with a path of its own.
    let sms = format!("http://127.0.0.1:{}/sms/key-0815", robot.port);
    let notify = Notify::start_with(&place, &[], &[("SMS_URL", &sms)]);
    assert_eq!(notify.post("ops", GROUP), (200, "delivered\n".to_owned()));
    let event = robot.next_of("post");
    assert_eq!(event["body"]["markdown"]["title"], "告警 1 · 恢复 1: [P0] 告警 firing success_low");
    let text = event["body"]["markdown"]["text"].as_str().expect("a text");
    for part in [
        "#### 🔴 [P0] 告警 firing success_low",
        "> 任务成功率低于 95%",
        "93.1%",
        "`feature=text2img`",
        "runbooks/success.md",
        "http://alertmanager.example.com:9093/#/silences/new?filter=%7B",
        "#### ✅ [P0] 已恢复 resolved success_low",
        "(15m 4s)",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    // The name of a receiver may be of any script.
    assert_eq!(notify.post("%E5%80%BC%E7%8F%AD", GROUP).0, 200);
    let event = robot.next_of("post");
    assert_eq!((&event["path"], &event["body"]["to"]), (&json!("/sms/key-0815"), &json!(["+8613800000000"])));
    assert!(
        event["body"]["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("[P0] 告警 firing success_low") && text.ends_with("1 more"))
    );
    for (answer, status) in [
        (notify.post("nobody", GROUP), 404),
        (notify.post("kpi", GROUP), 404),
        (notify.post("ops", "{}"), 400),
        (notify.post("ops", "nonsense"), 400),
        (notify.ask("POST /alertmanager/ops HTTP/1.1\r\nContent-Type: text/plain", GROUP), 415),
        (notify.ask("GET /alertmanager/ops HTTP/1.1", ""), 405),
        (notify.ask("GET / HTTP/1.1", ""), 404),
        (notify.ask("GET /-/healthy HTTP/1.1", ""), 200),
    ] {
        assert_eq!(answer.0, status, "{}", answer.1);
    }
    let metrics = notify.metrics();
    assert!(
        metrics.contains("metricc_notify_messages_sent_total{receiver=\"ops\",channel=\"dingtalk\"} 1\n"),
        "{metrics}"
    );
    assert_eq!(count(&metrics, "metricc_notify_messages_sent_total"), 2);
    assert!(metrics.contains("metricc_notify_requests_total{status=\"404\"} 3\n"), "{metrics}");
    let (code, text) = notify.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(
        ![TOKEN, SECRET, "key-0815"].iter().any(|secret| text.contains(secret) || metrics.contains(secret)),
        "{text}"
    );
}

#[test]
fn what_is_too_much_is_merged_and_nothing_is_lost() {
    // The limit of the adapter itself is tried without a clock in its unit tests; this robot has a smaller one of its own.
    let robot = Taker::robot(json!({ "limit": 2 }));
    let place = place(robot.port);
    place.write("shop/metricc.yaml", config_without_sms(&place));
    let notify = Notify::start(&place, &["--drain", "0"]);
    for name in ["a", "b"] {
        assert_eq!(notify.post("ops", &group(name, 1)).0, 200);
    }
    // It is refused, and kept: whoever brought it hears that it waits.
    let (status, body) = notify.post("ops", &group("c", 30));
    assert!(status == 202 && body.contains("kept"), "{status} {body}");
    assert_eq!(notify.post("ops", &group("c", 30)).0, 202);
    let metrics = notify.metrics();
    assert_eq!(count(&metrics, "metricc_notify_messages_limited_total"), 1, "{metrics}");
    assert_eq!(count(&metrics, "metricc_notify_alerts_merged_total"), 30, "{metrics}");
    assert!(metrics.contains("metricc_notify_alerts_waiting{receiver=\"ops\",channel=\"dingtalk\"} 30\n"), "{metrics}");
    // The end does not wait a minute for the robot here, and says what that costs.
    let (code, text) = notify.end();
    assert!(code == Some(1) && text.contains("30 alerts"), "{code:?} {text}");
}

#[test]
fn many_alerts_are_several_messages_under_the_limit_of_bytes() {
    let mut robot = Taker::robot(json!({}));
    let place = place(robot.port);
    place.write("shop/metricc.yaml", config_without_sms(&place));
    let notify = Notify::start(&place, &[]);
    assert_eq!(notify.post("ops", &group("storm", 150)).0, 200);
    let mut seen = Vec::new();
    for event in robot.rest() {
        assert!(event["size"].as_u64().is_some_and(|size| size < 20_000), "{event}");
        let text = event["body"]["markdown"]["text"].as_str().expect("a text").to_owned();
        let own = text.lines().filter(|line| line.starts_with("#### ")).count();
        seen.push(own);
        let left = 150 - seen.iter().sum::<usize>();
        assert_eq!(text.contains(&format!("{left} more follow")), left > 0, "{text}");
    }
    assert!(seen.iter().sum::<usize>() == 150 && seen.len() > 2, "{seen:?}");
}

#[test]
fn what_can_not_be_delivered_comes_back_to_whoever_brought_it() {
    let robot = Taker::robot(json!({ "secret": "SECother" }));
    let place = place(robot.port);
    place.write("shop/metricc.yaml", config_without_sms(&place));
    let notify = Notify::start(&place, &["--token-env", "NOTIFY_TOKEN"]);
    assert_eq!(notify.post("ops", GROUP).0, 401);
    let head = "POST /alertmanager/ops HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer let-me-in";
    let (status, body) = notify.ask(head, GROUP);
    assert!(status == 502 && body.contains("310000"), "{status} {body}");
    let metrics = notify.metrics();
    assert_eq!(count(&metrics, "metricc_notify_messages_failed_total"), 1);
    assert!(metrics.contains("metricc_notify_alerts_waiting{receiver=\"ops\",channel=\"dingtalk\"} 0\n"), "{metrics}");
    let (code, text) = notify.end();
    assert!(code == Some(0) && text.contains("secret_env") && !text.contains("let-me-in"), "{text}");
}

/// The project without the gateway, whose address these tests have not.
fn config_without_sms(place: &Place) -> String {
    let config = std::fs::read_to_string(place.path("shop/metricc.yaml")).expect("a project");
    config.lines().filter(|line| !line.contains("sms:")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_test_message_is_printed_or_sent() {
    let mut robot = Taker::robot(json!({}));
    let place = place(robot.port);
    let printed = place.run_in("shop", &["notify", "--test", "ops", "--no-send"]).assert_code(0);
    let body: Value = serde_json::from_str(printed.out.lines().nth(1).unwrap_or_default()).expect("JSON");
    assert!(printed.out.starts_with("dingtalk:ops\n") && body["msgtype"] == "markdown", "{}", printed.out);
    let mail = place.run_in("shop", &["notify", "--test", "kpi", "--no-send"]).assert_code(0);
    assert!(mail.out.contains("To: a@example.com"), "{}", mail.out);
    let lacks = place.run_in("shop", &["notify", "--test", "ops"]).assert_code(2);
    assert!(lacks.err.contains("E0875") && lacks.err.contains("`T`"), "{}", lacks.err);
    let near = place.run_in("shop", &["notify", "--test", "opz"]).assert_code(1);
    assert!(near.err.contains("E0870") && near.err.contains("`ops`"), "{}", near.err);
    for args in
        [&["notify", "--listen", "0.0.0.0:0"][..], &["notify", "--listen", &format!("127.0.0.1:{}", robot.port)]]
    {
        let output = program()
            .args(args)
            .envs([("T", TOKEN), ("S", SECRET), ("SMS_URL", "http://x")])
            .current_dir(place.path("shop"))
            .output();
        let run = support::cli::Run::from(output.expect("the program runs")).assert_code(2);
        assert!(run.err.contains("E0878"), "{}", run.err);
    }
    let output = program()
        .args(["notify", "--test", "ops"])
        .envs([("T", TOKEN), ("S", SECRET)])
        .current_dir(place.path("shop"))
        .output();
    let sent = support::cli::Run::from(output.expect("the program runs")).assert_code(0);
    assert_eq!((sent.out.as_str(), robot.next_of("post")["status"].clone()), ("dingtalk ops: sent\n", json!(200)));
    assert!(robot.rest().is_empty());
}
