//! Rules of quality on a real ClickHouse: the gate of a batch over rows whose verdicts are known by hand, beside the dry run over
//! random rows, and what compares the results of two ways.

mod support;
mod warehouse;

use warehouse::Warehouse;

const SHOP: &str = r#"
entity channel {
  table: "dim.channel"
  key: channel_id
  column channel_id: string
  column kind: string?
}
source event {
  table: "dwd.event"
  key: event_id
  time: at
  arrived: got
  column event_id: string
  column at: timestamp
  column got: timestamp?
  column channel: channel?
  column user: string?
  column amount: int?
}
source version {
  table: "dwd.version"
  key: id latest by updated_at
  time: at
  revised: 3d
  column id: string
  column at: timestamp
  column updated_at: timestamp
  column name: string?
}
source again {
  table: "ods.again"
  key: event_id
  time: at
  column event_id: string
  column at: timestamp
  column user: string?
  column amount: int?
}
dimension platform = event.user else "none"
dimension channel_name = event.channel else "none"
hierarchy users = channel_name > platform
metric total = sum(amount from event) { grain: 1d; by: platform; serve: stream(1m), daily }
metric versions = count(version) { grain: 1d; serve: daily }
quality q on event {
  complete: user > 50%, event_id >= 100%
  unique: event_id, duplicates < 30%
  late: 5m < 50%
  match: channel > 50%
  valid: amount >= 0, got >= at
  reconcile: total stream daily < 0.5%
  severity: P0
}
quality v on version { unique: id; valid: updated_at >= at; severity: P2 }
quality n on version { unique: name, duplicates <= 50% }
quality r on event { replay: 100% from again, mismatch < 50% }
quality s on event { replay: 45% from again; hierarchy: users > 60% }
quality c on channel { complete: kind }
"#;

const SHANGHAI: &str = "Asia/Shanghai";

fn gate(shop: &Warehouse, name: &str, step: &str, days: &[&str]) -> Vec<String> {
    let told = shop.emitted.details["quality"].as_array().expect("a list");
    let told = told.iter().find(|one| one["name"] == name).expect("the rules");
    assert_eq!(told[step]["parameters"], serde_json::json!(["days"]));
    let list: Vec<String> = days.iter().map(|day| format!("'{day}'")).collect();
    shop.set("days", &format!("[{}]", list.join(",")));
    let text = shop.artifact(told[step]["file"].as_str().expect("a path"));
    let statements = support::script::statements(text);
    assert_eq!(statements.len(), 1);
    shop.lines(statements[0])
}

#[test]
fn a_gate_tells_each_day_and_rule_by_its_rows() {
    support::engine!("clickhouse");
    let shop = Warehouse::new(SHANGHAI, SHOP);
    shop.insert("channel", "ads | a\nweb |");
    shop.insert(
        "event",
        "
        e1 | 2026-11-01 10:00:00 | 2026-11-01 10:05:00     | ads  | u1 | 1
        e1 | 2026-11-01 10:00:09 | 2026-11-01 10:05:09     | ads  | u1 | 1
        e2 | 2026-11-01 10:00:00 | 2026-11-01 10:05:00.001 | gone |    | -1
        e3 | 2026-11-01 10:00:00 |                         |      | x  |
        e4 | 2026-11-01 10:00:00 | 2026-11-01 09:59:00     | web  | u2 | 0
        e1 | 2026-11-02 00:00:00 | 2026-11-02 10:00:00     | ads  | u1 | 1
        e5 | 2026-11-02 10:00:00 | 2026-11-03 10:00:00.001 |      |    |
        e6 | 2026-11-03 10:00:00 | 2026-11-03 10:00:00     | ads  | u1 | 4
    ",
    );
    let first = [
        "2026-11-01 | complete(event_id) | 1 | >= 100% | 5 | 1",
        "2026-11-01 | complete(user) | 0.75 | > 50% | 5 | 1",
        "2026-11-01 | duplicates | 0.2 | < 30% | 5 | 1",
        "2026-11-01 | late(5m) | 0.3333333333333333 | < 50% | 5 | 1",
        "2026-11-01 | match(channel) | 0.6666666666666666 | > 50% | 5 | 1",
        "2026-11-01 | valid(1) | 0.75 | >= 100% | 5 | 0",
        "2026-11-01 | valid(2) | 0.75 | >= 100% | 5 | 0",
    ];
    let second = [
        "2026-11-02 | complete(event_id) | 1 | >= 100% | 2 | 1",
        "2026-11-02 | complete(user) | 0 | > 50% | 2 | 0",
        "2026-11-02 | duplicates | 0.5 | < 30% | 2 | 0",
        "2026-11-02 | late(5m) | 1 | < 50% | 2 | 0",
        // Nothing refers to a channel on that day.
        "2026-11-02 | match(channel) | NULL | > 50% | 2 | 1",
        "2026-11-02 | valid(1) | 1 | >= 100% | 2 | 1",
        "2026-11-02 | valid(2) | 1 | >= 100% | 2 | 1",
    ];
    assert_eq!(gate(&shop, "q", "gate", &["2026-11-01"]), first);
    assert_eq!(gate(&shop, "q", "gate", &["2026-11-01", "2026-11-02"]), [first, second].concat());
    // A day without rows breaks no rule: that there are some is for a sensor to say.
    assert_eq!(gate(&shop, "q", "gate", &["2026-10-31"]), [""; 0]);
    shop.insert(
        "version",
        "
        a | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | x
        a | 2026-11-01 10:00:00 | 2026-11-01 11:00:00 | x
        a | 2026-11-01 10:00:00 | 2026-11-01 11:00:00 | x
        b | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | x
        c | 2026-11-01 10:00:00 | 2026-11-01 09:00:00 |
    ",
    );
    assert_eq!(
        gate(&shop, "v", "gate", &["2026-11-01"]),
        ["2026-11-01 | duplicates | 0.2 | <= 0% | 5 | 0", "2026-11-01 | valid | 0.6666666666666666 | >= 100% | 5 | 0"]
    );
    assert_eq!(gate(&shop, "n", "gate", &["2026-11-01"]), ["2026-11-01 | duplicates | 0.5 | <= 50% | 5 | 1"]);
    // What has no time is no matter of a day.
    let of_channels = shop.emitted.details["quality"].as_array().expect("a list").last().expect("one");
    assert_eq!((of_channels["name"].as_str(), of_channels.get("gate")), (Some("c"), None));
    let stops = shop.emitted.details["quality"].as_array().expect("a list").iter().map(|one| one["stops"] == true);
    assert_eq!(stops.collect::<Vec<_>>(), [true, false, true, true, true, true]);
}

#[test]
fn results_of_a_stream_and_a_batch_are_reconciled_slice_by_slice() {
    support::engine!("clickhouse");
    let shop = Warehouse::new(SHANGHAI, SHOP);
    shop.insert(
        "event",
        "
        e1 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | | u1 | 100
        e2 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | | u2 | 300
    ",
    );
    let after = |days: &[&str]| gate(&shop, "q", "after", days);
    shop.refresh();
    shop.run("event__daily", "2026-11-01");
    assert_eq!(after(&["2026-11-01"]), ["2026-11-01 | reconcile(total stream daily) | 0 | < 0.5% | 2 | 1"]);
    // What comes later reaches the stream alone: 50 more for one user, 50 fewer for another.
    shop.insert(
        "event",
        "
        e3 | 2026-11-01 11:00:00 | 2026-11-02 10:00:00 | | u1 | 50
        e4 | 2026-11-01 11:00:00 | 2026-11-02 10:00:00 | | u2 | -50
        e5 | 2026-11-02 11:00:00 | 2026-11-02 11:00:00 | | u3 | 1
    ",
    );
    shop.refresh();
    assert_eq!(
        after(&["2026-11-01", "2026-11-02"]),
        [
            "2026-11-01 | reconcile(total stream daily) | 0.25 | < 0.5% | 2 | 0",
            "2026-11-02 | reconcile(total stream daily) | 1 | < 0.5% | 1 | 0"
        ]
    );
    // The batch of the next day builds the day again, whose rows came in it, and both agree.
    shop.run("event__daily", "2026-11-02");
    assert_eq!(
        after(&["2026-11-01", "2026-11-02"]),
        [
            "2026-11-01 | reconcile(total stream daily) | 0 | < 0.5% | 2 | 1",
            "2026-11-02 | reconcile(total stream daily) | 0 | < 0.5% | 1 | 1"
        ]
    );
}

/// Rows that come soon after one with the same value are copies, on their own days, by hand: chains, equal times, midnight, nulls.
#[test]
fn copies_within_a_distance_count_on_their_own_days() {
    support::engine!("clickhouse");
    let rules = "quality near on event { unique: event_id, duplicates < 20%, within 5m }\n\
                 quality users on event { unique: user, duplicates <= 40%, within 30m }\nquality c on";
    let shop = Warehouse::new(SHANGHAI, &SHOP.replace("quality c on", rules));
    shop.insert(
        "event",
        "
        e1 | 2026-11-01 23:50:00     | | | u1 |
        e1 | 2026-11-01 23:55:00     | | | u1 |
        e1 | 2026-11-02 00:00:00     | | | u1 |
        e1 | 2026-11-02 00:05:00.001 | | | u1 |
        e2 | 2026-11-03 10:00:00     | | | u2 |
        e2 | 2026-11-03 10:00:00     | | | u2 |
        e2 | 2026-11-03 10:00:00     | | | u3 |
        e3 | 2026-11-03 10:30:00     | | | u2 |
        e4 | 2026-11-03 11:00:00.001 | | | u2 |
        e5 | 2026-11-03 11:00:00.001 | | |    |
    ",
    );
    let days = ["2026-11-01", "2026-11-02", "2026-11-03"];
    assert_eq!(
        gate(&shop, "near", "gate", &days),
        [
            "2026-11-01 | duplicates | 0.5 | < 20% | 2 | 0",
            "2026-11-02 | duplicates | 0.5 | < 20% | 2 | 0",
            "2026-11-03 | duplicates | 0.3333333333333333 | < 20% | 6 | 0",
        ]
    );
    // Of clean rows: one of e1 and one of e2 are left, and of those with a user one is a copy.
    assert_eq!(
        gate(&shop, "users", "gate", &days),
        [
            "2026-11-01 | duplicates | 0 | <= 40% | 2 | 1",
            "2026-11-02 | duplicates | NULL | <= 40% | 2 | 1",
            "2026-11-03 | duplicates | 0.3333333333333333 | <= 40% | 6 | 1",
        ]
    );
    // A gate of one day knows the rows of the day before.
    assert_eq!(gate(&shop, "near", "gate", &days[1..2]), ["2026-11-02 | duplicates | 0.5 | < 20% | 2 | 0"]);
    shop.insert("event", "e6 | 2026-11-04 23:50:00 | | | u7 |\ne7 | 2026-11-05 00:05:00 | | | u7 |");
    assert_eq!(gate(&shop, "users", "gate", &["2026-11-05"]), ["2026-11-05 | duplicates | 1 | <= 40% | 1 | 0"]);
}

/// Rows that were computed again are looked up by their keys, those of a sample alone, and count on their own days.
#[test]
fn rows_that_were_computed_again_are_compared_on_their_days() {
    support::engine!("clickhouse");
    let shop = Warehouse::new(SHANGHAI, SHOP);
    shop.insert(
        "event",
        "
        e1 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | ads | u1 | 1
        e1 | 2026-11-01 10:00:01 | 2026-11-01 10:00:00 | ads | u2 | 7
        e2 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | web | u1 |
        e3 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | ads |    | 3
        e4 | 2026-11-01 10:00:00 | 2026-11-01 10:00:00 | ads | u1 | 4
        e5 | 2026-11-02 00:00:00 | 2026-11-01 10:00:00 |     | u1 | 5
        e6 | 2026-11-02 00:00:00 | 2026-11-01 10:00:00 |     | u1 | 6
    ",
    );
    shop.insert(
        "again",
        "
        e1 | 2026-11-01 10:00:00 | u1 | 1
        e2 | 2026-11-01 10:00:00 | u1 |
        e3 | 2026-11-01 10:00:00 | u1 | 3
        e5 | 2026-11-01 23:59:59 | u1 | 5
        e6 | 2026-11-02 00:00:00 | u1 | 6
        e7 | 2026-11-02 00:00:00 | u1 | 6
    ",
    );
    let days = ["2026-11-01", "2026-11-02"];
    assert_eq!(
        gate(&shop, "r", "gate", &days),
        ["2026-11-01 | mismatch | 0.5 | < 50% | 5 | 0", "2026-11-02 | mismatch | 0.5 | < 50% | 2 | 0"]
    );
    // Of the keys, e1, e2 and e3 are in the sample. Of the users of the first day u1 has two channels, one of them twice.
    assert_eq!(
        gate(&shop, "s", "gate", &days),
        [
            "2026-11-01 | mismatch | 0.3333333333333333 | <= 0% | 5 | 0",
            "2026-11-01 | one_parent(platform) | 0.6666666666666666 | > 60% | 5 | 1",
            "2026-11-02 | mismatch | NULL | <= 0% | 2 | 1",
            "2026-11-02 | one_parent(platform) | NULL | > 60% | 2 | 1",
        ]
    );
}

/// A day with fewer rows than the least number breaks nothing: neither the gate, nor what other tools are given.
#[test]
fn a_day_of_few_rows_is_not_judged() {
    support::engine!("clickhouse");
    let shop = SHOP.replace("quality n on version { unique: name,", "quality n on version { minimum: 3; unique: name,");
    let shop = Warehouse::new(SHANGHAI, &shop);
    let rows = |day: &str, count: usize| -> String {
        let row = |at| format!("{day}{at} | {day} 10:00:00 | {day} 10:00:00 | x\n");
        (0..count).map(row).collect()
    };
    shop.insert("version", &(rows("2026-11-01", 2) + &rows("2026-11-02", 3) + &rows("2026-11-03", 1)));
    assert_eq!(
        gate(&shop, "n", "gate", &["2026-11-01", "2026-11-02", "2026-11-03"]),
        [
            "2026-11-01 | duplicates | 0.5 | <= 50% | 2 | 1",
            "2026-11-02 | duplicates | 0.6666666666666666 | <= 50% | 3 | 0",
            "2026-11-03 | duplicates | 0 | <= 50% | 1 | 1",
        ]
    );
    shop.insert("version", "m | 2026-11-03 10:00:00 | 2026-11-03 10:00:00 | x");
    shop.insert("version", "m | 2026-11-03 10:00:00 | 2026-11-03 11:00:00 | y");
    // As they came: three rows, of which two are of one key.
    assert_eq!(gate(&shop, "n", "gate", &["2026-11-03"]), ["2026-11-03 | duplicates | 0 | <= 50% | 3 | 1"]);
}

/// Random rows: the gate, the views of all rules and the dry run say the same.
#[cfg(feature = "dry-run")]
#[test]
fn gates_and_the_dry_run_judge_random_rows_alike() {
    use metricc::plan::{Lowering, Question};
    use metricc::quality::{Verdict, judge};
    support::engine!("clickhouse");
    let shop = Warehouse::new(SHANGHAI, SHOP);
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    shop.insert("channel", "c0 | a\nc1 |\nc2 | b");
    let (mut events, mut versions, mut again) = (String::new(), String::new(), String::new());
    for _ in 0..400 {
        let time = |random: &mut dyn FnMut(u64) -> u64| {
            format!("2026-11-0{} {:02}:{:02}:00", 1 + random(4), random(24), random(60))
        };
        let at = time(&mut random);
        let got = if random(5) == 0 { String::new() } else { time(&mut random) };
        let text = |random: &mut dyn FnMut(u64) -> u64, word: &str, of: u64| match random(of + 1) {
            0 => String::new(),
            one => format!("{word}{one}"),
        };
        let (id, channel, user) = (1 + random(250), text(&mut random, "c", 4), text(&mut random, "u", 3));
        let amount = if random(6) == 0 { String::new() } else { (random(40) as i64 - 4).to_string() };
        events += &format!("e{id} | {at} | {got} | {channel} | {user} | {amount}\n");
        // Most of what was computed again is as it was, some is of another day or has another value.
        let user = if random(10) == 0 { text(&mut random, "u", 3) } else { user };
        let amount = if random(10) == 0 { String::new() } else { amount };
        let at = if random(20) == 0 { time(&mut random) } else { at };
        if random(5) > 0 {
            again += &format!("e{} | {at} | {user} | {amount}\n", if random(20) == 0 { 1 + random(300) } else { id });
        }
        let (at, updated) = (time(&mut random), time(&mut random));
        versions += &format!("v{} | {at} | {updated} | {}\n", random(90), text(&mut random, "n", 30));
    }
    shop.insert("event", &events);
    shop.insert("version", &versions);
    shop.insert("again", &again);
    let days = ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"];
    let run = warehouse::right::dry_run_over_what_came(&shop);
    let mut verdicts = 0;
    for quality in &shop.model.qualities {
        let Some(question) = Question::of_quality(&shop.model, quality) else { continue };
        if shop.model.table(quality.table).time.is_none() {
            continue;
        }
        let query = Lowering::new(&shop.model).lower(&question).expect("a plan");
        let answer = run.run(&query).unwrap_or_else(|found| panic!("{}", warehouse::text(&found)));
        let mut right: Vec<(String, String, Option<f64>, u64, bool)> = Vec::new();
        for outcome in judge(&shop.model, quality, &answer) {
            for day in outcome.days {
                let passed = day.verdict != Verdict::Broken;
                right.push((day.day.to_string(), outcome.rule.clone(), day.value, day.rows.unwrap_or(0), passed));
            }
        }
        right.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let found: Vec<_> = gate(&shop, &quality.name.value, "gate", &days).iter().map(|line| read(line)).collect();
        assert_eq!(found, right, "{}", quality.name.value);
        verdicts += found.len();
    }
    assert_eq!(verdicts, 4 * (7 + 2 + 1 + 1 + 2));
    shop.run("event__daily", "2026-11-05");
    shop.backfill("version__daily", "2026-11-05");
    shop.backfill("event__daily", "2026-11-05");
    shop.refresh();
    warehouse::right::agrees(&shop);
}

#[cfg(feature = "dry-run")]
fn read(line: &str) -> (String, String, Option<f64>, u64, bool) {
    let cells: Vec<&str> = line.split(" | ").collect();
    let value = (cells[2] != "NULL").then(|| cells[2].parse().expect("a number"));
    (cells[0].to_owned(), cells[1].to_owned(), value, cells[4].parse().expect("a number"), cells[5] == "1")
}
