//! `metricc report`: the same report from the dry run and from ClickHouse, its sums, its forms, and what is refused.

mod support;

use chrono::{Days, NaiveDate};
use serde_json::Value;
use support::cli::{Place, Run};
use support::front::Front;
use support::post::Taker;

const METRICS: &str = r#"
entity user {
  table: "user"; sample: "user.csv"; key: user_id
  column user_id: string
  column channel: string
}
source sale {
  table: "sale"; sample: "sale.csv"; key: id; time: at
  column id: int
  column at: timestamp
  column user_id: user
  column client: string?
  column pay: decimal(18,2) unit CNY
  column ok: bool
}
dimension client = sale.client else null
dimension home   = user.channel else "none"
metric gmv      = sum(pay from sale) { title: "成交额"; title_en: "GMV"; tier: kpi; owner: "business"; unit: CNY; better: up; grain: 1d; by: client }
metric buyers   = distinct(user_id from sale) { title: "买家"; title_en: "Buyers"; tier: kpi; owner: "growth"; better: up; grain: 1d }
metric ok_share = count(sale where ok) / count(sale) { title: "成功率"; title_en: "Success rate"; tier: kpi; owner: "product"; unit: ratio; better: up; grain: 1d }
metric lost     = 1 - ok_share { title: "失败率"; title_en: "Lost"; tier: ksi; owner: "product"; unit: ratio; better: down; grain: 1d }
metric pay_mean = avg(pay from sale) { title: "均价"; title_en: "Mean price"; tier: ksi; owner: "business"; better: none; grain: 1d }
metric pay_p90  = p90(pay from sale) { title: "九成价"; title_en: "P90 price"; tier: ksi; owner: "business"; better: none; grain: 1d }
report daily {
  title: "日报"; title_en: "Daily"
  at: "08:30"; every: 1d
  metrics: gmv, buyers, ok_share, lost, pay_mean, pay_p90
  compare: 1d, 1w, 1year
  explain: top 2 by client, home
}
report monthly {
  title: "月报"; language: zh
  at: "09:30"; every: month; metrics: gmv, buyers
  structure: gmv by client, buyers by client
  actions: "跟进 <ads>"
}
"#;

/// Whenever the tests run.
const NOW: &str = "2026-11-05";

/// Sixty days of sales; on the last one `web` sells little, and fails more often.
fn sales() -> Vec<[String; 6]> {
    let first = NaiveDate::from_ymd_opt(2026, 9, 1).expect("a day");
    let mut rows = Vec::new();
    for day in 0..60_u64 {
        let date = first + Days::new(day);
        for sale in 0..(24 + day % 7) {
            let client = ["web", "ios", "android", "\\N"][usize::try_from(sale % 4).expect("small")];
            if day == 59 && client == "web" && sale % 8 == 0 {
                continue;
            }
            let fails = sale % 9 == 0 || (day == 59 && client == "web");
            rows.push([
                rows.len().to_string(),
                format!("{date} {:02}:{:02}:00", sale % 24, day % 60),
                format!("u{}", (sale * 7 + day * 3) % 41),
                client.to_owned(),
                format!("{}.{:02}", 10 + (sale * 13 + day) % 50, (sale * 37) % 100),
                (!fails).to_string(),
            ]);
        }
    }
    rows
}

fn users() -> Vec<[String; 2]> {
    (0..41).map(|user| [format!("u{user}"), ["ads", "search", "friends"][user % 3].to_owned()]).collect()
}

/// A project with the rows as samples, and a target where there is a front.
fn place(front: Option<&Front>) -> Place {
    let place = Place::empty();
    for folder in ["metrics", "targets", "samples"] {
        std::fs::create_dir(place.path(folder)).expect("made");
    }
    let csv = |head: &str, rows: Vec<Vec<String>>| {
        let lines = rows.iter().map(|row| row.join(",").replace("\\N", ""));
        std::iter::once(head.to_owned()).chain(lines).collect::<Vec<_>>().join("\n") + "\n"
    };
    let sales = sales().into_iter().map(Vec::from).collect();
    let users = users().into_iter().map(Vec::from).collect();
    place
        .write("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\nunits: [CNY]\n")
        .write("metrics/a.metric", METRICS)
        .write("samples/sale.csv", csv("id,at,user_id,client,pay,ok", sales))
        .write("samples/user.csv", csv("user_id,channel", users));
    if let Some(front) = front {
        let target = format!("kind: clickhouse\ndatabase: {0}\nconnection:\n  database: {0}\n", front.database());
        place.write("targets/warehouse.yaml", target);
    }
    place
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", run.out, run.err))
}

/// The rows in the tables that the sources name.
fn fill(front: &Front) {
    let run = |statement: &str| front.execute(statement);
    let db = front.database();
    run(&format!("CREATE TABLE {db}.user (user_id String, channel String) ENGINE = MergeTree ORDER BY user_id"));
    run(&format!(
        "CREATE TABLE {db}.sale (id Int64, at DateTime64(3, 'Asia/Shanghai'), user_id String, client Nullable(String), pay Decimal(18, 2), ok Bool) ENGINE = MergeTree ORDER BY id"
    ));
    let quoted = |row: Vec<String>| {
        let cells = row.into_iter().map(|cell| if cell == "\\N" { "NULL".to_owned() } else { format!("'{cell}'") });
        format!("({})", cells.collect::<Vec<_>>().join(", "))
    };
    let values = |rows: Vec<Vec<String>>| rows.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
    run(&format!("INSERT INTO {db}.user VALUES {}", values(users().into_iter().map(Vec::from).collect())));
    run(&format!("INSERT INTO {db}.sale VALUES {}", values(sales().into_iter().map(Vec::from).collect())));
}

#[test]
fn what_is_asked_for_must_be_there() {
    let place = place(None);
    for (args, code, told) in [
        (&["report", "dayly"][..], 2, "no report named `dayly`"),
        (&["report", "daily", "--date", "2026-13-01"], 2, "is no day of a period"),
        (&["report", "daily", "--date", "2026-10"], 2, "is no day of a period"),
        (&["report", "daily", "--date", "2999-01-01", "--as-of", NOW], 2, "is not over"),
        (&["report", "daily", "--as-of", "soon"], 2, "is not a day or time"),
        (&["report", "daily", "--clickhouse"], 2, "no target says which server is asked"),
        (&["report", "daily", "--clickhouse", "http://u:p@h:8123"], 2, "holds a user or a password"),
        (&["report", "daily", "--clickhouse", "x", "--data", "samples"], 2, "cannot be used with"),
    ] {
        let run = place.run(args);
        assert!(run.code == code && run.err.contains(told), "{args:?}: {} {}", run.code, run.err);
        assert!(run.out.is_empty(), "{args:?}");
    }
}

fn metric<'v>(report: &'v Value, name: &str) -> &'v Value {
    let metrics = report["metrics"].as_array().expect("metrics");
    metrics.iter().find(|metric| metric["metric"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

fn by<'v>(metric: &'v Value, dimension: &str) -> &'v Value {
    let all = metric["explained"].as_array().expect("explanations");
    all.iter().find(|one| one["dimension"] == dimension).unwrap_or_else(|| panic!("no {dimension}"))
}

/// Hundredths of what was sold on a day, by a client or all of them.
fn sold(day: &str, client: Option<&str>) -> i64 {
    let rows =
        sales().into_iter().filter(|row| row[1].starts_with(day) && client.is_none_or(|client| row[3] == client));
    rows.map(|row| row[4].replace('.', "").parse::<i64>().expect("a number")).sum()
}

#[test]
fn a_server_tells_what_the_rows_say() {
    support::engine!("clickhouse");
    let front = Front::start();
    fill(&front);
    let place = place(Some(&front));
    let args =
        ["report", "daily", "--date", "2026-10-30", "--as-of", NOW, "--format", "json", "--clickhouse", front.url()];
    let report = json(&place.run(&args).assert_code(0));
    let gmv = metric(&report, "gmv");
    let hundredths = |value: &Value| (number(value) * 100.0).round() as i64;
    assert_eq!(hundredths(&gmv["value"]), sold("2026-10-30", None));
    for (place, day) in ["2026-10-29", "2026-10-23"].into_iter().enumerate() {
        assert_eq!(hundredths(&gmv["compared"][place]["before"]), sold(day, None), "{day}");
    }
    let groups = by(gmv, "client")["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 2);
    for group in groups {
        let client = group["group"].as_str().unwrap_or("\\N");
        assert_eq!(hundredths(&group["value"]), sold("2026-10-30", Some(client)), "{client}");
        let effect = sold("2026-10-30", Some(client)) - sold("2026-10-29", Some(client));
        assert_eq!(hundredths(&group["effect"]), effect, "{client}");
    }
    let other = hundredths(&by(gmv, "client")["other"]["effect"]);
    let shown: i64 = groups.iter().map(|group| hundredths(&group["effect"])).sum();
    assert_eq!(shown + other, sold("2026-10-30", None) - sold("2026-10-29", None));
    // The same by what the build serves and by the sources alone, in every form.
    for format in ["text", "markdown", "html", "json"] {
        let with = |more: &[&str]| {
            let asked = [
                "report",
                "daily",
                "--date",
                "2026-10-30",
                "--as-of",
                NOW,
                "--format",
                format,
                "--clickhouse",
                front.url(),
            ];
            place.run(&[&asked[..], more].concat()).assert_code(0).out
        };
        assert_eq!(with(&[]), with(&["--live"]), "{format}");
    }
}

#[test]
fn what_is_sent_is_planned_first() {
    support::engine!("clickhouse");
    let front = Front::start();
    fill(&front);
    let place = place(Some(&front));
    let asked = ["report", "daily", "--date", "2026-10-30", "--as-of", NOW, "--clickhouse", front.url()];
    let nobody = place.run(&[&asked[..], &["--no-send"]].concat()).assert_code(1);
    assert!(nobody.err.contains("says not to whom it goes"), "{}", nobody.err);
    let config = "name: shop\ntimezone: Asia/Shanghai\nunits: [CNY]\nreceivers:\n  kpi: { email: [kpi@example.com, cfo@example.com] }\n  ops: { dingtalk: { token_env: OPS_TOKEN } }\nmail: { host: localhost, from: metrics@example.com }\n";
    place.write("metricc.yaml", config);
    place.write(
        "metrics/a.metric",
        METRICS.replace("explain: top 2", "deliver: email(\"kpi\"), dingtalk(\"ops\")\n  explain: top 2"),
    );
    let planned = place.run(&[&asked[..], &["--no-send"]].concat()).assert_code(0).out;
    let lines: Vec<&str> = planned.lines().collect();
    assert_eq!(lines.len(), 3, "{planned}");
    assert!(lines.iter().all(|line| line.contains("would be sent")), "{planned}");
    assert!(!place.path("metricc.deliveries.jsonl").exists(), "nothing is recorded");
}

#[test]
fn a_report_reaches_each_mailbox_once_with_pictures_and_a_workbook() {
    support::engine!("clickhouse");
    let front = Front::start();
    fill(&front);
    let place = place(Some(&front));
    let mut server = Taker::mail(serde_json::json!({ "tls": "none" }));
    let config = format!(
        "name: shop\ntimezone: Asia/Shanghai\nunits: [CNY]\nreceivers:\n  kpi: {{ email: [kpi@example.com, cfo@example.com] }}\nmail: {{ host: localhost, port: {}, tls: none, from: metrics@example.com }}\n",
        server.port
    );
    place.write("metricc.yaml", config);
    place.write("metrics/a.metric", METRICS.replace("explain: top 2", "deliver: email(\"kpi\")\n  explain: top 2"));
    let asked = ["report", "daily", "--date", "2026-10-30", "--as-of", NOW, "--clickhouse", front.url(), "--send"];
    let first = place.run(&asked).assert_code(0);
    assert_eq!(first.out.lines().count(), 2, "{}", first.out);
    for recipient in ["kpi@example.com", "cfo@example.com"] {
        let mail = server.next_of("mail");
        assert_eq!(mail["recipients"], serde_json::json!([recipient]));
        assert_eq!(mail["defects"], serde_json::json!([]));
        let subject = mail["headers"]["subject"].as_str().expect("a subject");
        assert!(subject.contains("2026-10-30"), "{subject}");
        let parts = mail["parts"].as_array().expect("parts");
        let page = parts.iter().find_map(|part| part["text"].as_str().filter(|text| text.contains("<html")));
        let page = page.expect("a page");
        // Each picture that the page shows is in the mail.
        let pictures = parts.iter().filter_map(|part| part["id"].as_str()).collect::<Vec<_>>();
        assert_eq!(pictures.len(), 6, "{pictures:?}");
        for picture in pictures {
            assert!(page.contains(&format!("cid:{}", picture.trim_matches(['<', '>']))), "{picture}");
        }
        assert!(parts.iter().any(|part| part["name"] == "daily-2026-10-30.xlsx"), "{:?}", mail["structure"]);
    }
    let again = place.run(&asked).assert_code(0);
    assert_eq!(again.out.lines().count(), 2, "{}", again.out);
    assert!(server.rest().iter().all(|event| event["event"] != "mail"), "nobody gets it twice");
    let ledger = std::fs::read_to_string(place.path("metricc.deliveries.jsonl")).expect("a record");
    assert_eq!(ledger.lines().filter(|line| line.contains("\"sent\"")).count(), 2, "{ledger}");
}

#[cfg(feature = "dry-run")]
mod made {
    use super::*;

    fn asked(place: &Place, name: &str, date: &str) -> Value {
        json(&place.run(&["report", name, "--date", date, "--as-of", NOW, "--format", "json"]).assert_code(0))
    }

    fn sum(explained: &Value, field: &str) -> f64 {
        let groups = explained["groups"].as_array().expect("groups").iter();
        groups.map(|one| number(&one[field])).sum::<f64>()
            + if explained["other"].is_null() { 0.0 } else { number(&explained["other"][field]) }
    }

    #[test]
    fn values_are_those_of_a_question_and_shares_sum_to_the_whole() {
        let place = place(None);
        let report = asked(&place, "daily", "2026-10-30");
        for name in ["gmv", "buyers", "ok_share", "lost", "pay_mean", "pay_p90"] {
            let told = metric(&report, name);
            let question =
                ["dry-run", name, "--from", "2026-10-23", "--to", "2026-10-30", "--step", "1d", "--format", "json"];
            let rows = json(&place.run(&question).assert_code(0));
            let on = |day: &str| {
                let mut rows = rows.as_array().expect("rows").iter();
                number(&rows.find(|row| row["time"] == day).expect("a row")[name])
            };
            assert_eq!(number(&told["value"]), on("2026-10-30"), "{name}");
            assert_eq!(number(&told["compared"][0]["before"]), on("2026-10-29"), "{name}");
            assert_eq!(number(&told["compared"][1]["before"]), on("2026-10-23"), "{name}");
            // There are no data of a year ago.
            assert_eq!(told["compared"][2]["before"], Value::Null, "{name}");
            let difference = number(&told["compared"][0]["difference"]);
            for dimension in ["client", "home"] {
                let explained = by(told, dimension);
                let whole = match explained["kind"].as_str().expect("a kind") {
                    "contribution" => sum(explained, "effect"),
                    "rate and mix" => {
                        sum(explained, "rate_effect") + sum(explained, "mix_effect") + sum(explained, "beside")
                    }
                    _ => continue,
                };
                assert!((whole - difference).abs() < 1e-9, "{name} by {dimension}: {whole} and not {difference}");
            }
        }
        let kind =
            |name: &str, dimension: &str| by(metric(&report, name), dimension)["kind"].as_str().map(str::to_owned);
        let kind = |name: &str, dimension: &str| kind(name, dimension).expect("a kind");
        assert_eq!(kind("gmv", "client"), "contribution");
        // A user has one home, and buys with several clients.
        assert_eq!([kind("buyers", "home"), kind("buyers", "client")], ["contribution", "side by side"]);
        assert_eq!(["ok_share", "lost", "pay_mean"].map(|name| kind(name, "client")), ["rate and mix"; 3]);
        assert_eq!(kind("pay_p90", "home"), "side by side");
        // What is lost is the other side of what is not.
        let effect = |name: &str| number(&by(metric(&report, name), "client")["rate_effect"]);
        assert!((effect("ok_share") + effect("lost")).abs() < 1e-12);
        let first = &by(metric(&report, "ok_share"), "client")["groups"][0];
        assert_eq!(first["group"], "web");
        // A tenth less of two dozen sales is within what chance does; so much less money is not.
        let unusual = |name: &str| metric(&report, name)["baseline"]["unusual"].clone();
        assert_eq!([unusual("ok_share"), unusual("gmv")], [Value::Bool(false), Value::Bool(true)], "{report:#}");
        let advice = report["advice"].to_string();
        assert!(
            advice.contains("Success rate (owner: product) got worse") && advice.contains("client = web"),
            "{advice}"
        );
        // The group without a client is one of them.
        let all = place.run(&["report", "daily", "--date", "2026-10-30", "--as-of", NOW]).assert_code(0).out;
        assert!(all.contains("Daily  2026-10-30 Fri"), "{all}");
    }

    #[test]
    fn months_have_a_structure_and_too_little_history_is_told() {
        let place = place(None);
        let report = asked(&place, "monthly", "2026-10");
        assert_eq!(report["period"]["from"], "2026-10-01");
        assert_eq!(report["period"]["to"], "2026-10-31");
        assert_eq!(metric(&report, "gmv")["baseline"]["judged"], false);
        let gmv = &report["structure"][0];
        let parts = gmv["parts"].as_array().expect("parts");
        assert_eq!(parts.len(), 4);
        assert!(parts.iter().any(|part| part["group"].is_null()), "{gmv:#}");
        let shares: f64 = parts.iter().map(|part| number(&part["share"])).sum();
        assert!((shares - 1.0).abs() < 1e-12);
        // Users buy with several clients: no share of them.
        assert_eq!(report["structure"][1]["adds_up"], false);
        assert!(report["structure"][1]["parts"].as_array().expect("parts").iter().all(|part| part["share"].is_null()));
        let text = place.run(&["report", "monthly", "--date", "2026-10-15", "--as-of", NOW]).assert_code(0).out;
        assert!(text.contains("历史不足") && text.contains("跟进 <ads>") && text.contains("月报  2026-10"), "{text}");
    }

    #[test]
    fn a_report_of_nothing_is_none() {
        let place = place(None);
        let run = place
            .run(&["report", "daily", "--date", "2026-11-01", "--as-of", NOW, "--error-format", "plain"])
            .assert_code(1);
        assert!(run.err.contains("E0869") && run.err.contains("`--date 2026-10-30`"), "{}", run.err);
        assert!(run.out.is_empty());
        // What is not over is told only if it is wanted.
        let run = place.run(&["report", "daily", "--date", "2999-01-01", "--as-of", NOW, "--partial"]).assert_code(1);
        assert!(run.err.contains("E0869"), "{}", run.err);
    }

    #[test]
    fn clickhouse_gives_the_same_report() {
        support::engine!("clickhouse");
        let front = Front::start();
        fill(&front);
        let place = place(Some(&front));
        for (name, date) in [("daily", "2026-10-30"), ("monthly", "2026-10-01")] {
            let local = asked(&place, name, date);
            let ways: [&[&str]; 2] = [&[], &["--live"]];
            for way in ways {
                let mut args = vec![
                    "report",
                    name,
                    "--date",
                    date,
                    "--as-of",
                    NOW,
                    "--format",
                    "json",
                    "--clickhouse",
                    front.url(),
                ];
                args.extend(way);
                let served = json(&place.run(&args).assert_code(0));
                assert_same(&local, &served, name);
            }
        }
        let text = |args: &[&str]| place.run(args).assert_code(0).out;
        let asked = ["report", "daily", "--date", "2026-10-30", "--as-of", NOW];
        assert_eq!(text(&asked), text(&[&asked[..], &["--clickhouse", front.url(), "--live"]].concat()));
    }

    /// Equal, but for the last digits of floats: engines add in other orders.
    fn assert_same(a: &Value, b: &Value, at: &str) {
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => {
                assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{at}");
                a.iter().for_each(|(key, value)| assert_same(value, &b[key], &format!("{at}.{key}")));
            }
            (Value::Array(a), Value::Array(b)) => {
                assert_eq!(a.len(), b.len(), "{at}");
                a.iter().zip(b).enumerate().for_each(|(place, (a, b))| assert_same(a, b, &format!("{at}[{place}]")));
            }
            (Value::Number(x), Value::Number(y)) if x.is_f64() || y.is_f64() => {
                let (x, y) = (x.as_f64().expect("a float"), y.as_f64().expect("a float"));
                assert!((x - y).abs() <= 1e-12 * x.abs().max(y.abs()).max(1e-3), "{at}: {x} and {y}");
            }
            _ => assert_eq!(a, b, "{at}"),
        }
    }

    #[test]
    fn a_page_needs_nothing_else_and_texts_stay_texts() {
        let place = place(None);
        let page = place
            .run(&["report", "monthly", "--date", "2026-10", "--as-of", NOW, "--format", "html"])
            .assert_code(0)
            .out;
        assert!(page.contains("跟进 &lt;ads&gt;") && page.contains("lang=\"zh\""), "{page}");
        for foreign in ["<script", "http://", "https://", "<link", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let markdown = place
            .run(&["report", "monthly", "--date", "2026-10", "--as-of", NOW, "--format", "markdown"])
            .assert_code(0)
            .out;
        assert!(markdown.contains("- 跟进 \\<ads\\>") && markdown.starts_with("# 月报 2026-10\n"), "{markdown}");
        let again = place
            .run(&["report", "monthly", "--date", "2026-10", "--as-of", NOW, "--format", "html"])
            .assert_code(0)
            .out;
        assert!(page == again, "the same bytes");
    }

    #[test]
    fn a_workbook_reads_back() {
        use calamine::{Data, Reader, Xlsx};
        let place = place(None);
        let args =
            ["report", "daily", "--date", "2026-10-30", "--as-of", NOW, "--format", "xlsx", "--output", "daily.xlsx"];
        place.run(&args).assert_code(0);
        let bytes = std::fs::read(place.path("daily.xlsx")).expect("a workbook");
        let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes.clone())).expect("a workbook");
        let names = book.sheet_names();
        assert_eq!(names[..3], ["Metrics", "gmv client", "gmv home"]);
        assert_eq!(names.last().map(String::as_str), Some("Over time"));
        let report = asked(&place, "daily", "2026-10-30");
        let sheet = book.worksheet_range("Metrics").expect("a sheet");
        let float = |data: Option<&Data>| match data {
            Some(Data::Float(value)) => *value,
            Some(Data::DateTime(value)) => value.as_f64(),
            other => panic!("{other:?} is no number"),
        };
        for (row, name) in (3..).zip(["gmv", "buyers", "ok_share", "lost", "pay_mean", "pay_p90"]) {
            let told = metric(&report, name);
            assert_eq!(float(sheet.get_value((row, 2))), number(&told["value"]), "{name}");
            assert_eq!(float(sheet.get_value((row, 4))), number(&told["compared"][0]["difference"]), "{name}");
        }
        // The contributions of the sheet sum to its last row.
        let sheet = book.worksheet_range("gmv client").expect("a sheet");
        let rows: Vec<f64> = (3..)
            .map_while(|row| sheet.get_value((row, 3)))
            .filter(|data| **data != Data::Empty)
            .map(|data| float(Some(data)))
            .collect();
        let (whole, parts) = rows.split_last().expect("rows");
        assert!((parts.iter().sum::<f64>() - whole).abs() < 1e-9, "{rows:?}");
        place.run(&args).assert_code(0);
        assert!(bytes == std::fs::read(place.path("daily.xlsx")).expect("a workbook"), "the same bytes");
    }

    /// Compares with `snapshots/cli/NAME.snap`.
    fn check_snapshot(name: &str, text: &str) {
        insta::with_settings!({
            snapshot_path => "../snapshots/cli",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(name, text) });
    }

    fn library(args: &[&str]) -> Run {
        let root = env!("CARGO_MANIFEST_DIR");
        Place::empty().run(&[&["--project", root, "report"], args, &["--as-of", NOW]].concat()).assert_code(0)
    }

    #[test]
    fn the_reports_of_the_library_are_as_shown() {
        check_snapshot("report_daily", &library(&["daily", "--date", "2026-10-29"]).out);
        check_snapshot("report_weekly", &library(&["weekly", "--date", "2026-10-20", "--format", "markdown"]).out);
        check_snapshot("report_monthly", &library(&["monthly", "--date", "2026-10"]).out);
    }

    #[test]
    fn a_browser_shows_the_daily_report() {
        support::engine!("browser");
        let Some(browser) = support::browser::Browser::find() else {
            support::report::not_run(
                support::here!(),
                "no browser: install chromium, or name one with METRICC_BROWSER",
            );
            return;
        };
        let place = Place::empty();
        let page = place.path("daily.html");
        library(&["daily", "--date", "2026-10-29", "--format", "html", "--output", page.to_str().expect("UTF-8")]);
        let shown = browser.dump(&page, 500);
        assert!(shown.contains("经营日报") && shown.matches("data:image/svg+xml").count() >= 5, "{shown:.2000}");
    }
}
