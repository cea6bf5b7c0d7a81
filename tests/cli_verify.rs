//! `metricc verify`: versions side by side in ClickHouse, files of results, the ledger and the gate.

mod support;

use serde_json::Value;
use support::cli::{Place, Run, program};
use support::front::{Front, User};

const METRICS: &str = r#"
source event {
  table: "dwd.event"
  sample: "event.csv"
  key: event_id
  time: at
  lateness: 1h
  column event_id: string
  column at: timestamp
  column user_id: string
  column platform: enum("ios", "web")
  column is_abnormal: bool
}
dimension platform = event.platform
/// Active users.
metric dau = distinct(user_id from event) { title: "DAU"; tier: kpi; owner: "growth"; grain: 1d; by: platform }
metric dau v2 = distinct(user_id from event where not is_abnormal) { title: "DAU"; tier: kpi; owner: "growth"; grain: 1d; by: platform }
metric events = count(event) { title: "events"; tier: ksi; owner: "growth"; grain: 1d; by: platform }
change dau v1 -> v2 {
  reason: "abnormal accounts no longer count"
  ticket: "CR-31"
  double_run: 7d
  tolerance: 0.5%
  expect: -3%..0%
  stage: double_run
}
"#;

fn place(target: &str, config: &str) -> Place {
    let place = Place::empty();
    for folder in ["metrics", "targets", "samples"] {
        std::fs::create_dir(place.path(folder)).expect("made");
    }
    place
        .write("metricc.yaml", format!("name: shop\ntimezone: Asia/Shanghai\n{config}"))
        .write("metrics/a.metric", METRICS)
        .write("targets/warehouse.yaml", format!("kind: clickhouse\n{target}"));
    place
}

/// Two views by hand, as the build names them; 100 users on each platform, a tenth per cent fewer in the new version.
fn views(front: &Front, days: std::ops::RangeInclusive<u32>, new: impl Fn(u32, &str) -> i64) {
    let client = |statement: &str| front.execute(statement);
    for (name, is_new) in [("dau__1d", false), ("dau__1d__dau_v2", true)] {
        let table = format!("{}.{name}", front.database());
        client(&format!(
            "CREATE OR REPLACE TABLE {table} (time DateTime64(3, 'Asia/Shanghai'), platform String, dau Int64) ENGINE = MergeTree ORDER BY time"
        ));
        let rows: Vec<String> = days
            .clone()
            .flat_map(|day| {
                ["ios", "web"].map(|platform| {
                    let value = if is_new { new(day, platform) } else { 1_000 };
                    format!("(toDateTime64('2026-11-{day:02} 00:00:00', 3, 'Asia/Shanghai'), '{platform}', {value})")
                })
            })
            .collect();
        client(&format!("INSERT INTO {table} VALUES {}", rows.join(", ")));
    }
}

fn target(front: &Front) -> String {
    format!("database: {}\nconnection:\n  url: {}\n", front.database(), front.url())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", run.out, run.err))
}

#[test]
fn a_double_run_is_verified_day_by_day_until_the_cut_over_is_offered() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place = place(&target(&front), "");
    // On the third day one platform rises, which the change does not explain.
    views(&front, 1..=8, |day, platform| if day == 3 && platform == "web" { 1_015 } else { 985 });
    let promote = || place.run(&["promote", "dau", "--check", "--error-format", "plain"]);
    assert!(promote().assert_code(1).err.contains("no verification of `dau v1 -> v2` is recorded"));
    let run = place.run(&["verify", "dau", "--record", "--as-of", "2026-11-09 02:00:00"]).assert_code(1);
    assert!(run.out.contains("2026-11-03 the slice web differs by +1.50%, and 0.5% or less is allowed"), "{}", run.out);
    assert!(
        run.out.contains("5 of 7 good days; 2026-11-03 was bad; cut-over is offered once 2026-11-10 is good"),
        "{}",
        run.out
    );
    assert!(run.err.contains("8 days recorded"), "{}", run.err);
    let ledger = std::fs::read_to_string(place.path("metricc.ledger.jsonl")).expect("a ledger");
    assert_eq!(ledger.lines().count(), 8);

    assert!(promote().assert_code(1).err.contains("5 of 7 good days in a row are recorded for `dau v1 -> v2`"));
    // Two more good days.
    views(&front, 9..=10, |_, _| 985);
    let run = place.run(&["verify", "--record", "--as-of", "2026-11-11 02:00:00"]).assert_code(0);
    assert!(run.out.contains("7 of 7 good days: the cut-over is offered, `metricc promote dau`"), "{}", run.out);
    promote().assert_code(0);
    let after = std::fs::read_to_string(place.path("metricc.ledger.jsonl")).expect("a ledger");
    assert!(after.starts_with(&ledger) && after.lines().count() == 10, "it is only added to");

    // The last day is verified again and was bad after all; one more good day does not mend that.
    views(&front, 10..=11, |day, _| if day == 10 { 900 } else { 985 });
    let run = place.run(&["verify", "--record", "--as-of", "2026-11-12 02:00:00", "--format", "json"]).assert_code(1);
    let found = json(&run);
    assert_eq!(found["groups"][0]["gate"]["good_days"], 1);
    assert_eq!(found["groups"][0]["gate"]["broken"], "2026-11-10");
    let days = found["groups"][0]["metrics"][0]["buckets"].as_array().expect("buckets");
    assert_eq!(days.iter().map(|day| day["verdict"].as_str().unwrap_or("")).collect::<Vec<_>>(), ["bad", "good"]);
    assert_eq!(days[0]["worst"]["slice"]["platform"], "ios");

    // Another meaning starts again.
    let other = METRICS.replace("where not is_abnormal", "where not is_abnormal and platform != \"web\"");
    place.write("metrics/a.metric", other);
    let run = place.run(&["verify", "--as-of", "2026-11-12 02:00:00", "--format", "json"]).assert_code(1);
    assert_eq!(json(&run)["groups"][0]["gate"]["good_days"], 0);
    assert!(promote().assert_code(1).err.contains("no verification of"));
}

#[test]
fn only_days_that_are_over_and_settled_are_judged() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place = place(&target(&front), "");
    views(&front, 1..=3, |_, _| 1_000);
    // The third day ends at midnight, and rows may come an hour late.
    let run = place.run(&["verify", "dau", "--as-of", "2026-11-04 00:59:59", "--format", "json"]).assert_code(0);
    let verdict = |run: &Run, day: usize| json(run)["groups"][0]["metrics"][0]["buckets"][day]["verdict"].clone();
    assert_eq!(verdict(&run, 2), "not judged");
    let run = place.run(&["verify", "dau", "--as-of", "2026-11-04 01:00:00", "--format", "json"]).assert_code(0);
    assert_eq!(verdict(&run, 2), "good");
    // Nothing that could be judged is no agreement.
    place.run(&["verify", "dau", "--as-of", "2026-11-01 12:00:00"]).assert_code(1);
    let run =
        place.run(&["verify", "dau", "--from", "2026-11-02", "--to", "2026-11-02", "--format", "json"]).assert_code(0);
    assert_eq!(json(&run)["groups"][0]["metrics"][0]["buckets"].as_array().map(Vec::len), Some(1));
}

#[test]
fn both_sides_are_asked_in_one_statement_that_changes_nothing() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place = place(&target(&front), "");
    views(&front, 1..=2, |_, _| 1_000);
    let before = front.requests().len();
    place.run(&["verify", "dau"]).assert_code(0);
    let asked = front.requests().split_off(before);
    assert_eq!(asked.len(), 2, "the clock, and both views");
    assert!(asked[1].body.contains("dau__1d__dau_v2") && asked[1].body.contains("UNION ALL"), "{}", asked[1].body);
    assert!(asked.iter().all(|request| request.parameter("readonly") == Some("2")));
}

#[test]
fn a_view_that_is_not_there_is_shown_in_its_statement() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place = place(&target(&front), "");
    let run = place.run(&["verify", "dau", "--error-format", "plain"]).assert_code(2);
    assert!(run.err.contains("<statement>:2:") && run.err.contains("E0852"), "{}", run.err);
    let run = place.run(&["verify", "dua", "--error-format", "plain"]).assert_code(2);
    assert!(run.err.contains("E0991") && run.err.contains("did you mean `dau`?"), "{}", run.err);
}

/// An answer without rows still has names, and is not taken for one of something before the server.
#[test]
fn views_without_rows_agree_in_nothing() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place = place(&target(&front), "");
    views(&front, 1..=1, |_, _| 990);
    for name in ["dau__1d", "dau__1d__dau_v2"] {
        front.execute(&format!("TRUNCATE TABLE {}.{name}", front.database()));
    }
    let run = place.run(&["verify", "dau"]).assert_code(1);
    assert!(run.out.contains("neither side has a row"), "{}{}", run.out, run.err);
}

#[test]
fn a_ledger_can_be_a_table() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place =
        place(&target(&front), &format!("ledger:\n  target: warehouse\n  table: {}.ledger\n", front.database()));
    views(&front, 1..=3, |_, _| 990);
    for _ in 0..2 {
        let run = place.run(&["verify", "--record", "--as-of", "2026-11-05", "--format", "json"]).assert_code(0);
        assert_eq!(json(&run)["groups"][0]["gate"]["good_days"], 3, "a day that is verified twice counts once");
    }
    let run = place.run(&["verify", "--as-of", "2026-11-05", "--format", "json"]).assert_code(0);
    assert_eq!(json(&run)["groups"][0]["gate"]["last"], "2026-11-03");
    assert!(!place.path("metricc.ledger.jsonl").exists());
}

#[test]
fn a_password_is_taken_from_the_environment_and_shown_nowhere() {
    support::engine!("clickhouse");
    const PASSWORD: &str = "hunter2-Ü";
    let front = Front::for_user(User { name: "ann".to_owned(), password: PASSWORD.to_owned(), locked: true });
    let target = format!(
        "database: {}\nconnection:\n  url: {}\n  user_env: WH_USER\n  password_env: WH_PASSWORD\n",
        front.database(),
        front.url()
    );
    let place = place(&target, "");
    let run = |password: &str, args: &[&str]| {
        let mut command = program();
        command.args(args).current_dir(place.path("")).env("WH_USER", "ann").env("WH_PASSWORD", password);
        Run::from(command.output().expect("the program runs"))
    };
    for format in ["human", "plain", "json", "github", "sarif"] {
        let found = run(PASSWORD, &["verify", "dau", "--error-format", format]).assert_code(2);
        assert!(found.err.contains("E0852") || found.out.contains("E0852"), "the server lets ann in: {}", found.err);
        assert!(!format!("{}{}", found.out, found.err).contains("hunter2"));
        let found = run("wrong-hunter2", &["verify", "dau", "--error-format", format]).assert_code(2);
        assert!(!format!("{}{}", found.out, found.err).contains("hunter2"));
    }
    let found = run("", &["verify", "dau", "--error-format", "plain"]).assert_code(2);
    assert!(
        found
            .err
            .contains("targets/warehouse.yaml:6:17: error[E0854]: the environment variable `WH_PASSWORD` is not set"),
        "{}",
        found.err
    );
}

const OLD: &str = "time,platform,events\n2026-11-01,ios,50\n2026-11-01,web,150\n2026-11-02,ios,7\n2026-11-02,web,7\n";

/// A +50, B -50: nothing in total.
#[test]
fn files_are_compared_by_slice() {
    let place = place("", "");
    place.write("old.csv", OLD);
    let verify = |new: &str, more: &[&str]| {
        place.write("new.csv", new);
        place.run(&[&["verify", "events", "--left", "csv:old.csv", "--right", "csv:new.csv"], more].concat())
    };
    let run = verify(OLD, &[]).assert_code(0);
    let days: Vec<Vec<&str>> = run
        .out
        .lines()
        .filter(|line| line.trim_start().starts_with("2026"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        days,
        [["2026-11-01", "200", "200", "0%", "0%", "good"], ["2026-11-02", "14", "14", "0%", "0%", "good"]]
    );
    let run = verify(&OLD.replace("ios,50", "ios,100").replace("web,150", "web,100"), &[]).assert_code(1);
    assert!(run.out.contains("the slices differ by 50.00% of the old value, and 0% is allowed"), "{}", run.out);
    assert!(run.out.contains("most of the difference: ios +50 (+23.36%); web -50 (-23.36%)"), "{}", run.out);
    // What differs by little is within a tolerance.
    verify(&OLD.replace("web,150", "web,151"), &["--tolerance", "1%"]).assert_code(0);
    verify(&OLD.replace("web,150", "web,151"), &[]).assert_code(1);
    // A day that one side lacks at its end is not judged; a slice that it lacks is bad.
    let run = verify(OLD.split("2026-11-02").next().unwrap_or(""), &[]).assert_code(0);
    assert!(run.out.contains("the new side ends earlier: not judged"), "{}", run.out);
    let run = verify(&OLD.replace("2026-11-02,web,7\n", ""), &[]).assert_code(1);
    assert!(run.out.contains("-50.00%"), "{}", run.out);
}

#[test]
fn what_can_not_be_compared_is_told_with_code_2() {
    let place = place("", "");
    place.write("old.csv", OLD);
    for (new, code, told) in [
        (
            OLD.replace("2026-11-02,web,7", "2026-11-02,ios,8"),
            "E0990",
            "the new side has several rows for ios of 2026-11-02",
        ),
        (OLD.replace("ios,50", ",50"), "E0990", "the new side has null for `platform` in 1 row "),
        (
            OLD.replace("2026-11-02,ios", "2026-11-02 08:00:00,ios"),
            "E0990",
            "has a bucket at 2026-11-02 08:00, where none begins",
        ),
        (OLD.replace("events", "event"), "E0990", "there is no column `events`"),
        (OLD.replace("ios,50", "ios,many"), "E0990", "`new.csv` line 2: `many` is no value of `events`"),
        (OLD.replace("ios,50", "\"ios,50"), "E0990", "`new.csv` line"),
        (String::new(), "E0990", "there are no columns"),
        (OLD.replace("2026-11-02,web,7\n", "2026-11-02,web"), "E0990", "line 5: it has 2 cells, and the first line 3"),
        (OLD.replace("time,platform,events", "time,events,events"), "E0990", "there is no column `platform`"),
        (
            OLD.replace("time,platform,events", "platform,platform,events"),
            "E0990",
            "(help: write it as `metricc dry-run events --by platform --format csv` does; `--by none` compares the totals alone)",
        ),
    ] {
        place.write("new.csv", &new);
        let run = place
            .run(&["verify", "events", "--left", "csv:old.csv", "--right", "csv:new.csv", "--error-format", "plain"])
            .assert_code(2);
        assert!(run.err.contains(code) && run.err.contains(told), "{told}: {}", run.err);
    }
    for (args, code) in [
        (vec!["verify", "events", "--left", "csv:old.csv", "--right", "csv:none.csv"], "E0002"),
        (vec!["verify", "events", "--left", "cvs:old.csv", "--right", "csv:old.csv"], "E0991"),
        (vec!["verify", "--left", "csv:old.csv", "--right", "csv:old.csv"], "E0991"),
        (vec!["verify", "events", "--left", "csv:old.csv", "--right", "csv:old.csv", "--tolerance", "much"], "E0991"),
        (vec!["verify", "events", "--left", "csv:old.csv", "--right", "clickhouse"], "E0850"),
        (vec!["verify", "events", "--left", "csv:old.csv", "--right", "clickhouse:lake"], "E0041"),
        (vec!["verify", "--in", "csv:old.csv"], "E0991"),
        (vec!["verify", "dau v1->v2", "--in", "csv:old.csv"], "both versions of a change are not in `csv:old.csv`"),
        (vec!["verify", "dau v2->v3", "--in", "csv:old.csv"], "the changes are: dau v1 -> v2"),
        (
            vec!["verify", "events", "--left", "csv:old.csv", "--right", "csv:old.csv", "--minimum-volume", "few"],
            "`--minimum-volume few` is no volume (help: write a number such as 100, or a share of the bucket such as 1%)",
        ),
        (vec!["verify", "event", "--left", "csv:old.csv", "--right", "csv:old.csv"], "E0201"),
        (vec!["verify", "events", "--left", "csv:old.csv", "--right", "csv:old.csv", "--by", "country"], "E0"),
    ] {
        let run = place.run(&[args.as_slice(), &["--error-format", "plain"]].concat()).assert_code(2);
        assert!(run.err.contains(code), "{args:?}: {}", run.err);
    }
    place.write("metricc.ledger.jsonl", "{\"form\":1}\n");
    let run = place.run(&["verify", "--in", "dry-run", "--error-format", "plain"]).assert_code(2);
    assert!(run.err.contains("E0992"), "{}", run.err);
}

#[test]
fn a_page_needs_nothing_else_and_shows_hostile_texts_as_texts() {
    let place = place("", "");
    let hostile = OLD.replace("ios", "\"<script>alert(1)</script>\"");
    place.write("old.csv", &hostile).write("new.csv", hostile.replace(",7\n", ",9\n"));
    let args = [
        "verify",
        "events",
        "--left",
        "csv:old.csv",
        "--right",
        "csv:new.csv",
        "--format",
        "html",
        "--output",
        "page.html",
    ];
    place.run(&args).assert_code(1);
    let page = std::fs::read_to_string(place.path("page.html")).expect("a page");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "texts stay texts");
    assert!(
        !page.contains("http://") && !page.contains("https://") && !page.contains("<link"),
        "it reads nothing else"
    );
    assert_eq!(page.matches("<img class=\"chart\" src=\"data:image/svg+xml,").count(), 2);
    assert!(
        page.contains("<span class=\"verdict bad\">bad</span>")
            && page.contains("<span class=\"verdict good\">good</span>")
    );
    place.run(&args).assert_code(1);
    assert_eq!(std::fs::read_to_string(place.path("page.html")).expect("a page"), page, "the same bytes");
}

#[test]
fn what_is_served_one_way_only_is_refused() {
    let place = place("connection:\n  url: http://localhost:1\n", "");
    place.write("old.csv", OLD);
    for side in ["batch", "stream"] {
        let run = place.run(&["verify", "events", "--left", "csv:old.csv", "--right", side, "--error-format", "plain"]);
        assert_eq!(run.code, 2, "{}", run.err);
        assert!(run.err.contains("E0991") || run.err.contains("E0851"), "{}", run.err);
    }
}

#[cfg(feature = "dry-run")]
#[test]
fn both_versions_are_compared_over_samples() {
    let place = place("", "");
    let mut sample = "event_id,at,user_id,platform,is_abnormal\n".to_owned();
    for day in 1..=2 {
        for user in 0..100 {
            let abnormal = user == 0;
            let platform = if user % 2 == 0 { "ios" } else { "web" };
            sample += &format!("e{day}_{user},2026-11-{day:02} 12:00:00,u{user},{platform},{abnormal}\n");
        }
    }
    place.write("samples/event.csv", sample);
    let run = place.run(&["verify", "dau", "--format", "json", "--record"]).assert_code(0);
    let found = json(&run);
    let days = found["groups"][0]["metrics"][0]["buckets"].as_array().expect("buckets");
    assert_eq!(days.len(), 2);
    assert_eq!((&days[0]["old"], &days[0]["new"]), (&Value::from("100"), &Value::from("99")));
    assert_eq!(days[0]["worst"]["slice"]["platform"], "ios");
    assert_eq!(found["groups"][0]["gate"]["good_days"], 2);
    // The same by files of results, one of them of the new version.
    place.run(&["dry-run", "dau", "--by", "platform", "--format", "parquet", "--output", "old.parquet"]).assert_code(0);
    let run = place
        .run(&["verify", "dau", "--left", "dry-run", "--right", "parquet:old.parquet", "--format", "json"])
        .assert_code(0);
    assert_eq!(json(&run)["groups"][0]["metrics"][0]["good"], 2);
}

/// The files that the manifest puts in an order, applied through the front.
fn apply(front: &Front, place: &Place, folder: &str) {
    let script = std::fs::read_to_string(place.path(folder).join("apply.sql")).expect("a script");
    for statement in support::script::statements(&script) {
        front.execute(statement);
    }
}

/// Nothing by hand: the build of a change makes both versions, and the numbers are those of the rows.
#[test]
fn what_a_build_makes_of_a_change_is_verified() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place = place(&format!("{}create_sources: true\n", target(&front)), "");
    let metrics = METRICS.replace("dwd.event", &format!("{}.event", front.database()));
    place.write("metrics/a.metric", &metrics);
    let build = || {
        place.run(&["build"]).assert_code(0);
        apply(&front, &place, "build/warehouse");
    };
    build();
    apply(&front, &place, "build/warehouse/changes/dau_v1_v2");
    // 100 users a day, half on each platform; of those on iOS one is abnormal, on the fourth day five.
    let rows: Vec<String> = (1..=8).flat_map(|day| (0..100).map(move |user| {
        let platform = if user % 2 == 0 { "ios" } else { "web" };
        let abnormal = user % 2 == 0 && user / 2 < if day == 4 { 5 } else { 1 };
        format!("('e{day}_{user}', toDateTime64('2026-11-{day:02} 12:00:00', 3, 'Asia/Shanghai'), 'u{user}', '{platform}', {abnormal})")
    })).collect();
    front.execute(&format!(
        "INSERT INTO {}.event (event_id, at, user_id, platform, is_abnormal) VALUES {}",
        front.database(),
        rows.join(", ")
    ));

    let run = place.run(&["verify", "--record", "--as-of", "2026-11-09 01:00:00", "--format", "json"]).assert_code(1);
    let found = json(&run);
    let group = &found["groups"][0];
    let metrics_told: Vec<_> =
        group["metrics"].as_array().expect("metrics").iter().map(|metric| metric["metric"].clone()).collect();
    assert_eq!(metrics_told, ["dau"], "events do not move");
    let days = group["metrics"][0]["buckets"].as_array().expect("buckets");
    let told: Vec<_> =
        days.iter().map(|day| (day["verdict"].as_str().unwrap_or(""), day["wape"].as_f64().unwrap_or(9.0))).collect();
    let good = ("good", 0.01);
    assert_eq!(told, [good, good, good, ("bad", 0.05), good, good, good, good]);
    assert_eq!((group["gate"]["good_days"].as_u64(), group["gate"]["broken"].as_str()), (Some(4), Some("2026-11-04")));
    // The same once the new version is live: what was old stays old.
    place.write("metrics/a.metric", metrics.replace("stage: double_run", "stage: live"));
    build();
    apply(&front, &place, "build/warehouse/changes/dau_v1_v2");
    let run = place.run(&["verify", "dau", "--as-of", "2026-11-09 01:00:00", "--format", "json"]).assert_code(1);
    let live = json(&run);
    assert_eq!(live["groups"][0]["metrics"][0]["buckets"], group["metrics"][0]["buckets"]);
    assert_eq!(live["groups"][0]["gate"], group["gate"]);
}

const SERVED: &str = r#"
source click {
  table: "dwd.click"
  time: at
  column at: timestamp
  column kind: string
}
dimension kind = click.kind
metric clicks = count(click) { title: "clicks"; tier: ksi; owner: "growth"; grain: 1d; by: kind; serve: stream(1h), daily }
"#;

#[test]
fn a_stream_and_a_batch_are_read_apart() {
    support::engine!("clickhouse");
    let front = Front::start();
    let place = place(&target(&front), "");
    place.write("metrics/b.metric", SERVED.replace("dwd.", &format!("{}.", front.database())));
    let before = front.requests().len();
    // Nothing is applied: what is asked for shows what would be read.
    place.run(&["verify", "clicks", "--left", "stream", "--right", "batch"]).assert_code(2);
    let asked = front.requests().split_off(before).pop().expect("a statement").body;
    let (stream, batch) = asked.split_once("UNION ALL").expect("both sides");
    let tables = |sql: &str| {
        let words = sql.split(|c: char| !c.is_alphanumeric() && !"_`.".contains(c));
        words
            .filter(|word| word.contains("rollup") || word.contains("click"))
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(!tables(stream).is_empty() && !tables(batch).is_empty(), "{asked}");
    assert!(
        tables(stream).iter().filter(|name| name.contains("rollup")).all(|name| !tables(batch).contains(name)),
        "{asked}"
    );
    let run = place
        .run(&["verify", "events", "--left", "stream", "--right", "batch", "--error-format", "plain"])
        .assert_code(2);
    assert!(
        run.err.contains("`events` is not served by a stream in `warehouse`: its `serve` does not say so"),
        "{}",
        run.err
    );
}

/// There is no total over the variants of an experiment: their slices are compared alone.
#[test]
fn variants_are_compared_without_a_total() {
    const TRIAL: &str = r#"
entity user { table: "dim.user"; key: user_id; column user_id: string }
source exposure { table: "dwd.exposure"; time: at; column at: timestamp; column member: user; column bucket: string }
source sale { table: "dwd.sale"; time: at; column at: timestamp; column member: user; column amount: int }
subset big    = sale where amount > 10
subset big v2 = sale where amount > 20
metric sales = sum(amount from big) { title: "sales"; tier: ksi; owner: "growth"; grain: 1d }
experiment trial of user { variant: bucket; control: "a"; expose: exposure; metrics: sales; within: 14d; alpha: 5% }
metric lift = trial.lift(sales) { title: "lift"; tier: ksi; owner: "growth"; grain: total; by: trial.variant }
change big v1 -> v2 { reason: "small ones no longer count"; stage: double_run }
"#;
    let place = place("", "");
    place.write("metrics/a.metric", TRIAL);
    // What is wrong is that there are no samples, or no dry run.
    let run = place.run(&["verify", "big", "--in", "dry-run", "--error-format", "plain"]).assert_code(2);
    assert!(!run.err.contains("E0981"), "{}", run.err);
    let run = place.run(&["verify", "big", "--in", "dry-run", "--by", "none", "--error-format", "plain"]);
    assert!(run.assert_code(2).err.contains("E0"), "nothing is compared");
}
