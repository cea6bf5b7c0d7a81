//! Messages on their way: mail that a server catches, robots that judge as DingTalk does, and what is recorded when runs are cut off or
//! meet.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use metricc::delivery::{
    Attachment, Carrier, Delivered, Delivery, Environment, Fault, How, Image, Ledger, Message, Occasion, Plan, Post,
    Route, State, Wall, routes,
};
use metricc::project::{Address, Channel, MemoryFiles, Project, load};
use serde_json::{Value, json};
use support::post::{SECRET, TOKEN, Taker};

const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 255];

fn project(rest: &str) -> Project {
    let files = MemoryFiles::new().with("metricc.yaml", format!("name: shop\ntimezone: UTC\n{rest}"));
    let (project, found) = load(&files);
    assert!(!found.has_errors(), "{:?}", found.iter().map(|one| &one.message).collect::<Vec<_>>());
    project.expect("a project")
}

fn to(channel: Channel, receiver: &str) -> Address {
    Address { channel, receiver: receiver.to_owned() }
}

fn daily() -> Message {
    Message {
        subject: "日报 2026-11-28：GMV 下降 12%，主要来自渠道 appstore 与 douyin，请负责人查看".to_owned(),
        text: "GMV 下降 12%\n.\n..结束".to_owned(),
        html: Some("<p>GMV 下降 12%</p><img src=\"cid:gmv\">".to_owned()),
        images: vec![Image { cid: "gmv".to_owned(), png: PNG.to_vec() }],
        attachments: vec![Attachment {
            name: "日报.csv".to_owned(), media_type: "text/csv", bytes: "天,值\n".into()
        }],
        markdown: vec!["#### 日报".to_owned(), "- GMV 下降 **12%**".to_owned()],
    }
}

/// A run as the report verb makes it.
fn run(project: &Project, folder: &Path, to: &[Address], how: How, variables: &[(&str, &str)]) -> Vec<Delivered> {
    let occasion = Occasion { report: "daily".to_owned(), period: "2026-11-28".to_owned() };
    let routes = routes(&project.config.receivers, to);
    let variable = |name: &str| variables.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
    let environment = Environment { variable: &variable, root: Path::new(env!("CARGO_MANIFEST_DIR")) };
    let mut post = Post::new(&project.config.receivers, &routes, &environment, &Wall).expect("all that is needed");
    let ledger = Ledger::new(folder.join("deliveries.jsonl"));
    let delivery =
        Delivery { project: "shop", occasion: &occasion, ledger: &ledger, clock: &Wall, plan: Plan::of_reports() };
    delivery.run(&daily(), &routes, &mut post, how).expect("a record")
}

fn states(delivered: &[Delivered]) -> Vec<State> {
    delivered.iter().map(|one| one.state).collect()
}

fn ledger(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder.join("deliveries.jsonl")).unwrap_or_default();
    let entry = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| value[key].as_str().expect("a text").to_owned();
        (text("recipient"), text("event"))
    };
    text.lines().map(entry).collect()
}

#[test]
fn mail_is_caught_whole_once_for_each_recipient() {
    let mut server = Taker::mail(json!({ "tls": "starttls", "user": "ann", "password": "s3cret-word" }));
    let project = project(&format!(
        "receivers:\n  kpi: {{ email: [\"财务 <cfo@example.com>\", ann@example.com] }}\n  all: {{ email: [ANN@example.com] }}\n\
         mail: {{ host: localhost, port: {}, from: \"指标 <metrics@example.com>\", user_env: U, password_env: P, \
         ca: tests/support/tls/authority.pem }}\n",
        server.port
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("U", "ann"), ("P", "s3cret-word")];
    let to = [to(Channel::Email, "kpi"), to(Channel::Email, "all")];
    assert_eq!(states(&run(&project, folder.path(), &to, How::Plan, &variables)), [State::WouldSend, State::WouldSend]);
    assert_eq!(ledger(folder.path()), []);
    assert_eq!(states(&run(&project, folder.path(), &to, How::Send, &variables)), [State::Sent, State::Sent]);
    let mails = [server.next_of("mail"), server.next_of("mail")];
    for (mail, recipient) in mails.iter().zip(["cfo@example.com", "ann@example.com"]) {
        assert_eq!(mail["recipients"], json!([recipient]));
        assert_eq!((&mail["encrypted"], &mail["user"], &mail["ascii"]), (&json!(true), &json!("ann"), &json!(true)));
        assert_eq!(mail["defects"], json!([]));
        assert_eq!(mail["sender"], "metrics@example.com");
        let headers = &mail["headers"];
        assert_eq!(headers["subject"], daily().subject.as_str());
        assert_eq!(headers["from"], "指标 <metrics@example.com>");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert_eq!(
            mail["structure"],
            json!([
                "multipart/mixed",
                "multipart/alternative",
                "text/plain",
                "multipart/related",
                "text/html",
                "image/png",
                "text/csv"
            ])
        );
        let parts = mail["parts"].as_array().expect("parts");
        assert_eq!(parts[0]["text"].as_str().map(|text| text.replace("\r\n", "\n")).as_deref(), Some(&*daily().text));
        assert_eq!(parts[1]["text"], daily().html.expect("a page").as_str());
        assert_eq!((&parts[2]["id"], &parts[2]["disposition"]), (&json!("<gmv>"), &json!("inline")));
        assert_eq!(parts[2]["bytes"], PNG.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!((&parts[3]["name"], &parts[3]["text"]), (&json!("日报.csv"), &json!("天,值\n")));
    }
    assert_eq!(mails[0]["headers"]["to"], "财务 <cfo@example.com>");
    assert_ne!(mails[0]["headers"]["message-id"], mails[1]["headers"]["message-id"]);
    // Once.
    let again = run(&project, folder.path(), &to, How::Send, &variables);
    assert_eq!(states(&again), [State::SentBefore, State::SentBefore]);
    assert!(server.rest().iter().all(|event| event["event"] != "mail"));
    let again = run(&project, folder.path(), &to, How::Again, &variables);
    assert_eq!(states(&again), [State::SentBefore, State::SentBefore]);
    let text = fs::read_to_string(folder.path().join("deliveries.jsonl")).expect("a record");
    assert!(!text.contains("s3cret-word") && text.lines().count() == 4, "{text}");
}

#[test]
fn a_server_is_trusted_or_gets_nothing() {
    let mail = |port: u16, tls: &str, more: &str| {
        project(&format!(
            "receivers: {{ kpi: {{ email: [a@example.com] }} }}\nmail: {{ host: localhost, port: {port}, tls: {tls}, from: m@example.com{more} }}\n"
        ))
    };
    let to = [to(Channel::Email, "kpi")];
    let ours = ", ca: tests/support/tls/authority.pem";
    let keys = ", ca: tests/support/tls/authority.pem, user_env: U, password_env: P";
    let users = json!({ "tls": "tls", "user": "ann", "password": "s3cret-word" });
    for (settings, tls, more, wanted, why) in [
        (json!({ "tls": "tls" }), "tls", ours, State::Sent, ""),
        (json!({ "tls": "starttls" }), "starttls", ours, State::Sent, ""),
        (json!({ "tls": "none" }), "none", "", State::Sent, ""),
        // A certificate of nobody that the public knows, and a server that would go on in the clear.
        (json!({ "tls": "tls" }), "tls", "", State::Failed, "can't be trusted"),
        (json!({ "tls": "starttls" }), "starttls", "", State::Failed, "can't be trusted"),
        (json!({ "tls": "none" }), "starttls", ours, State::Failed, "offers no encryption"),
        (users.clone(), "tls", keys, State::Failed, "535"),
        (users, "tls", ours, State::Failed, "530"),
        (json!({ "refuse": "a@example.com" }), "none", "", State::Failed, "550"),
    ] {
        let mut server = Taker::mail(settings.clone());
        let folder = tempfile::tempdir().expect("a folder");
        let variables = [("U", "ann"), ("P", "wrong-word")];
        let made = run(&mail(server.port, tls, more), folder.path(), &to, How::Send, &variables);
        let told = made[0].why.clone().unwrap_or_default();
        assert!(made[0].state == wanted && told.contains(why), "{settings} {tls}: {made:?}");
        assert!(!told.contains("wrong-word"), "{told}");
        let events = server.rest();
        assert_eq!(
            events.iter().any(|event| event["event"] == "mail"),
            wanted == State::Sent,
            "{settings}: {events:?}"
        );
        let known: Vec<_> = ledger(folder.path()).into_iter().map(|(_, event)| event).collect();
        assert_eq!(known, ["sending", if wanted == State::Sent { "sent" } else { "failed" }]);
    }
}

#[test]
fn what_passes_is_waited_for_and_what_is_not_known_is_not_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = [to(Channel::Email, "kpi")];
    let of = |server: &Taker| {
        project(&format!(
            "receivers: {{ kpi: {{ email: [a@example.com] }} }}\nmail: {{ host: localhost, port: {}, tls: none, from: m@example.com }}\n",
            server.port
        ))
    };
    // It has the whole mail when it hangs up.
    let mut server = Taker::mail(json!({ "vanish": true }));
    assert_eq!(states(&run(&of(&server), folder.path(), &to, How::Send, &[])), [State::Unknown]);
    let first = server.next_of("mail");
    let again = run(&of(&server), folder.path(), &to, How::Send, &[]);
    assert!(again[0].state == State::Unknown && again[0].line().contains("--again"), "{}", again[0].line());
    assert!(server.rest().iter().all(|event| event["event"] != "mail"));
    // "Later" is certain: it is tried again at once, and by the next run.
    let later = Taker::mail(json!({ "later": 1 }));
    assert_eq!(states(&run(&of(&later), folder.path(), &to, How::Again, &[])), [State::Sent]);
    assert_eq!(later.next()["event"], "later");
    // Programs behind can tell that it is the same mail.
    assert_eq!(later.next_of("mail")["headers"]["message-id"], first["headers"]["message-id"]);
    assert_eq!(states(&run(&of(&later), folder.path(), &to, How::Again, &[])), [State::SentBefore]);
}

/// A robot with the given settings and answers, and a run against it.
fn to_robot(settings: Value, more: &str, secret: &str) -> (Vec<Delivered>, Vec<Value>) {
    let mut robot = Taker::robot(settings);
    let project = project(&format!(
        "receivers: {{ ops: {{ dingtalk: {{ token_env: T, secret_env: S, url: \"http://127.0.0.1:{}\"{more} }} }} }}\n",
        robot.port
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("T", TOKEN), ("S", secret)];
    let made = run(&project, folder.path(), &[to(Channel::Dingtalk, "ops")], How::Send, &variables);
    let text = fs::read_to_string(folder.path().join("deliveries.jsonl")).expect("a record") + &format!("{made:?}");
    assert!(!text.contains(TOKEN) && !text.contains(SECRET), "{text}");
    (made, robot.rest())
}

#[test]
fn a_robot_takes_what_is_signed_and_says_why_it_does_not() {
    let (made, events) = to_robot(json!({ "keyword": "监控" }), ", keyword: 监控, at: [\"13800000000\"]", SECRET);
    assert_eq!(states(&made), [State::Sent]);
    let body = &events[0]["body"];
    assert_eq!(body["markdown"]["title"], daily().subject.as_str());
    assert_eq!(body["markdown"]["text"], "#### 日报\n\n- GMV 下降 **12%**\n\n监控 @13800000000");
    assert_eq!(body["at"], json!({ "atMobiles": ["13800000000"], "isAtAll": false }));
    for (settings, secret, why) in [
        (json!({}), "SECother", "secret_env"),
        (json!({ "token": "other" }), SECRET, "token_env"),
        (json!({ "keyword": "监控" }), SECRET, "keyword"),
        (json!({ "answers": [[400, "no"]] }), SECRET, "status 400"),
        (json!({ "answers": [[302, ""]] }), SECRET, "status 302"),
    ] {
        let (made, events) = to_robot(settings, "", secret);
        assert!(made[0].state == State::Failed, "{made:?}");
        assert!(made[0].why.as_deref().is_some_and(|told| told.contains(why)), "{made:?}");
        assert_eq!(events.len(), 1, "it is not tried again");
    }
}

#[test]
fn an_answer_that_is_none_is_not_tried_again() {
    for answers in [json!([[502, "bad gateway"]]), json!([[200, "<html>"]]), json!(["vanish"])] {
        let (made, events) = to_robot(json!({ "answers": answers }), "", SECRET);
        assert_eq!((states(&made), events.len()), (vec![State::Unknown], 1), "{made:?}");
    }
    let (made, events) =
        to_robot(json!({ "answers": [[503, "later"], [200, "{\"errcode\":-1,\"errmsg\":\"系统繁忙\"}"]] }), "", SECRET);
    assert_eq!((states(&made), events.len()), (vec![State::Sent], 3), "{made:?}");
}

/// The variable that makes a test the child of another one: the folder of its ledger.
const CHILD: &str = "METRICC_TEST_DELIVERY_CHILD";

/// Counts in a file what it carries, or is killed on the way.
struct Counted<'a> {
    folder: &'a Path,
    dies: bool,
}

impl Carrier for Counted<'_> {
    fn carry(&mut self, route: &Route, _: &Message, _: &str) -> Result<(), Fault> {
        use std::io::Write;
        let file = fs::OpenOptions::new().append(true).create(true).open(self.folder.join("carried"));
        let mut file = file.expect("a file");
        writeln!(file, "{}", route.key()).expect("written");
        if self.dies {
            std::process::abort();
        }
        Ok(())
    }
}

fn carried(folder: &Path) -> usize {
    fs::read_to_string(folder.join("carried")).unwrap_or_default().lines().count()
}

fn counted(folder: &Path, dies: bool) -> Vec<Delivered> {
    let list: Vec<String> = (0..20).map(|number| format!("p{number}@example.com")).collect();
    let project = project(&format!("receivers: {{ kpi: {{ email: [{}] }} }}\n", list.join(", ")));
    let routes = routes(&project.config.receivers, &[to(Channel::Email, "kpi")]);
    let occasion = Occasion { report: "daily".to_owned(), period: "2026-11-28".to_owned() };
    let ledger = Ledger::new(folder.join("deliveries.jsonl"));
    let delivery =
        Delivery { project: "shop", occasion: &occasion, ledger: &ledger, clock: &Wall, plan: Plan::of_reports() };
    delivery.run(&daily(), &routes, &mut Counted { folder, dies }, How::Send).expect("a record")
}

/// What a child does. Without the variable it is no child, and does nothing.
#[test]
fn child_delivers() {
    if let Ok(folder) = std::env::var(CHILD) {
        counted(Path::new(&folder), Path::new(&folder).join("dies").exists());
    }
}

fn child(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "child_delivers"]).env(CHILD, folder).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    command
}

#[test]
fn a_run_that_is_killed_between_sending_and_recording_sends_nobody_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("dies"), "").expect("written");
    assert!(!child(folder).status().expect("it ran").success());
    assert_eq!((carried(folder), ledger(folder).len()), (1, 1));
    let next = counted(folder, false);
    assert_eq!(next[0].state, State::Unknown);
    assert!(next[0].is_failure() && next[1..].iter().all(|one| one.state == State::Sent));
    assert_eq!(carried(folder), 20);
}

#[test]
fn runs_at_the_same_time_send_everybody_one_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut children: Vec<_> = (0..4).map(|_| child(folder).spawn().expect("it runs")).collect();
    for child in &mut children {
        assert!(child.wait().expect("it ends").success());
    }
    assert_eq!((carried(folder), ledger(folder).len()), (20, 40));
    assert!(counted(folder, false).iter().all(|one| one.state == State::SentBefore));
}
