//! A change of a caliber from the first edit to the cut-over and back, in a real repository of git, as a team lives it.
#![cfg(feature = "dry-run")]

mod support;

use std::fmt::Write as _;
use std::fs;

use support::cli::{Run, program};
use support::git::Repo;

const CONFIG: &str = "\
name: shop
timezone: Asia/Shanghai
paths: [metrics]
samples: samples
policy: { caliber_change: change }
";

const TABLES: &str = r#"entity user {
  table: "dim.user"
  sample: "user.csv"
  key: user_id
  column user_id: string
  column is_abnormal: bool
}

source event {
  table: "dwd.event"
  sample: "event.csv"
  key: id
  time: at
  column id: string
  column at: timestamp
  column user_id: user
}
"#;

const DAU: &str = r#"
/// Users who did something on the day.
metric dau = distinct(user_id from event) {
  title: "DAU"; tier: kpi; owner: "growth"
  grain: 1d; serve: daily
}
"#;

/// Accounts a day, of which so many are abnormal.
const ACCOUNTS: usize = 200;

/// How many accounts of each day from 2026-11-01 on are abnormal: of the fourth one many.
const ABNORMAL: [usize; 12] = [2, 3, 1, 20, 2, 2, 3, 2, 1, 2, 3, 2];

struct Story(Repo);

impl Story {
    fn new() -> Story {
        let story = Story(Repo::new());
        story.0.write("metricc.yaml", CONFIG).write("targets/clickhouse.yaml", "kind: clickhouse\n");
        story.0.write(".gitignore", "build/\npromote/\nsamples/\n");
        story.0.write("metrics/tables.metric", TABLES).write("metrics/dau.metric", DAU);
        story.days(1);
        story
    }

    /// The samples after so many days.
    fn days(&self, days: usize) {
        let (mut users, mut events) = ("user_id,is_abnormal\n".to_owned(), "id,at,user_id\n".to_owned());
        for (day, abnormal) in ABNORMAL.iter().enumerate().take(days) {
            for account in 0..ACCOUNTS {
                // Writing to a string can't fail.
                let _ = writeln!(users, "u{day}_{account},{}", account < *abnormal);
                let _ = writeln!(events, "e{day}_{account},2026-11-{:02} 10:00:00,u{day}_{account}", day + 1);
            }
        }
        self.0.write("samples/user.csv", users).write("samples/event.csv", events);
    }

    fn run(&self, args: &[&str]) -> Run {
        let done = program().args(args).current_dir(self.0.path(".")).output();
        Run::from(done.expect("the program runs"))
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.0.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The value of a day.
    fn dau(&self, day: &str) -> String {
        let run = self.run(&["dry-run", "dau", "--from", day, "--to", day, "--format", "csv"]).assert_code(0);
        run.out.lines().nth(1).and_then(|line| line.rsplit(',').next()).unwrap_or_default().to_owned()
    }
}

/// What the team ends up with: the new meaning beside the old one, and the change that leads to it.
fn with_change() -> String {
    let new = DAU
        .replace("metric dau =", "metric dau v2 =")
        .replace("from event)", "from event where not user_id.is_abnormal)")
        .replace("/// Users who", "/// Users with a normal account who");
    format!(
        "{DAU}{new}\nchange dau v1 -> v2 {{\n  reason: \"abnormal accounts no longer count\"; ticket: \"CR-31\"\n  \
         double_run: 7d; tolerance: 0.5%; expect: -2%..0%\n  stage: double_run\n}}\n"
    )
}

#[test]
fn a_definition_changes_and_the_team_is_safe_all_along() {
    let story = Story::new();
    story.run(&["lock"]).assert_code(0);
    story.0.commit("the first metrics");
    story.run(&["check", "--deny", "warnings"]).assert_code(0);

    // Somebody edits the definition. The build in CI refuses it, and the review says what it is.
    story.0.write("metrics/dau.metric", DAU.replace("from event)", "from event where not user_id.is_abnormal)"));
    let refused = story.run(&["check"]).assert_code(1);
    assert!(refused.err.contains("E0661"), "{}", refused.err);
    story.run(&["build", "--locked"]).assert_code(1);
    let told = story.run(&["diff", "--fail-on", "caliber", "--witness"]).assert_code(1);
    assert!(told.out.contains("is_abnormal"), "{}", told.out);
    assert!(told.out.contains("can only fall"), "{}", told.out);
    assert!(told.out.contains("both versions disagree on these rows"), "{}", told.out);

    // A version alone does not do: the project wants to know why.
    let (with_change, version) =
        (with_change(), with_change().split("\nchange ").next().unwrap_or_default().to_owned());
    story.0.write("metrics/dau.metric", version);
    let refused = story.run(&["check"]).assert_code(1);
    assert!(refused.err.contains("change dau v1 -> v2"), "{}", refused.err);

    // With the change both are built, and nothing that is read means something else.
    story.0.write("metrics/dau.metric", &with_change);
    story.run(&["lock"]).assert_code(0);
    story.run(&["check", "--deny", "warnings"]).assert_code(0);
    story.run(&["diff", "--fail-on", "caliber"]).assert_code(0);
    story.run(&["build", "--locked"]).assert_code(0);
    let beside = story.file("build/clickhouse/changes/dau_v1_v2/apply.sql");
    assert!(beside.contains("dau__1d__dau_v2"), "{beside}");
    story.0.commit("CR-31: dau without abnormal accounts, in double run");
    assert_eq!(story.dau("2026-11-01"), "200");

    // Day by day both are compared. The fourth day is bad, and the count starts again.
    let mut good = 0;
    for (day, abnormal) in ABNORMAL.iter().enumerate() {
        story.days(day + 1);
        let bad = *abnormal > 4;
        let date = format!("2026-11-{:02}", day + 1);
        let verified = story.run(&["verify", "dau", "--in", "dry-run", "--from", &date, "--to", &date, "--record"]);
        let verified = verified.assert_code(i32::from(bad));
        good = if bad { 0 } else { good + 1 };
        if good < 7 {
            let refused = story.run(&["promote", "dau"]).assert_code(1);
            assert!(refused.err.contains(&format!("{good} of 7 good days")), "{date}: {}{}", verified.out, refused.err);
        }
    }

    // After seven good days in a row it may go live.
    story.run(&["promote", "dau"]).assert_code(0);
    assert_eq!(story.file("metrics/dau.metric"), with_change.replace("stage: double_run", "stage: live"));
    let cut_over = story.file("promote/clickhouse/dau_v1_v2/cut_over.sql");
    assert!(cut_over.contains("CREATE OR REPLACE VIEW"), "{cut_over}");
    story.run(&["lock"]).assert_code(0);
    story.run(&["check", "--deny", "warnings"]).assert_code(0);
    story.run(&["build", "--locked"]).assert_code(0);
    story.0.commit("CR-31: dau without abnormal accounts is live");
    assert_eq!(story.dau("2026-11-01"), "198");

    // And back, should it have been wrong after all.
    story.run(&["promote", "dau", "--back"]).assert_code(0);
    assert_eq!(story.file("metrics/dau.metric"), with_change);
    story.run(&["lock"]).assert_code(0);
    story.run(&["check", "--deny", "warnings"]).assert_code(0);
    assert_eq!(story.dau("2026-11-01"), "200");
    // Nothing that was recorded is lost: it may go live again at once.
    story.run(&["promote", "dau"]).assert_code(0);
}
