//! Two programs as texts, and what is told of them.

use super::*;
use crate::caliber::{Caliber, calibers};
use crate::compile::{Compiled, compile};
use crate::lineage::Graph;
use crate::project::{MemoryFiles, Project, load};

/// A program with all that is found out about it.
pub struct Made {
    project: Project,
    compiled: Compiled,
    calibers: Vec<Caliber>,
    graph: Graph,
    settings: Settings,
}

impl Made {
    pub fn of(text: &str) -> Made {
        Made::at(text, "Asia/Shanghai")
    }

    fn at(text: &str, zone: &str) -> Made {
        let config = format!("name: p\ntimezone: {zone}\nunits: [CNY, quota]\n");
        let files = MemoryFiles::new().with("metricc.yaml", config).with("metrics/a.metric", text);
        let project = load(&files).0.expect("a project");
        let (compiled, told) = compile(&project);
        assert!(!told.has_errors(), "{text}\n{:?}", told.iter().map(|one| &one.message).collect::<Vec<_>>());
        let calibers = calibers(&compiled.files, &compiled.model);
        let graph = Graph::of(&compiled.files, &compiled.model);
        let settings = Settings { timezone: zone.to_owned(), week_starts: "monday".to_owned() };
        Made { project, compiled, calibers, graph, settings }
    }

    pub fn side(&self) -> Side<'_> {
        Side::Program(Program {
            files: &self.compiled.files,
            model: &self.compiled.model,
            calibers: &self.calibers,
            settings: &self.settings,
            sources: &self.project.sources,
        })
    }
}

/// What is different between two programs.
fn between(base: &Made, head: &Made) -> Diff {
    compare(base.side(), head.side(), Some(&head.graph))
}

const SHOP: &str = r#"
entity user { table: "dim.user"; key: user_id
  column user_id: string
  column is_abnormal: bool
  column born: date
}
source event { table: "dwd.event"; key: id; time: at
  column id: string
  column at: timestamp
  column user_id: user?
  column name: string
  column platform: string
  column n: int?
}
source order { table: "dwd.order"; key: id latest by updated_at; time: created_at
  column id: string
  column created_at: timestamp
  column updated_at: timestamp
  column paid_at: timestamp?
  column user_id: user
  column amount: decimal(18,2) unit CNY
  column client: string
}
subset effective_event = event where name in ("login", "pay") and not user_id.is_abnormal
subset paid_order = order where paid_at is not null dated paid_at
dimension platform = event.platform | order.client
dimension abnormal = user.is_abnormal else false
metric dau = distinct(user_id from effective_event) { title: "DAU"; grain: 1d; by: platform }
metric wau = dau over 7d { grain: 1d }
metric orders = count(order) { grain: 1d, 1w; by: platform }
metric gmv = sum(amount from paid_order) { unit: CNY; grain: 1d }
metric arpu = gmv / dau { grain: 1d }
metric per_head = orders / dau { grain: 1d }
metric heavy = count(count(event) per user_id where value >= 3)
funnel pay of user {
  step see = effective_event
  step buy = paid_order
  within: 2h
}
metric bought = pay.rate(see, buy) { grain: 1d }
"#;

/// What is told of an edit, a line for each declaration and one for each field.
fn told(edits: &[(&str, &str)]) -> Vec<String> {
    let mut text = SHOP.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    lines(&between(&Made::of(SHOP), &Made::of(&text)))
}

fn lines(diff: &Diff) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in &diff.entries {
        let via = if entry.via.is_empty() { String::new() } else { format!(" via {}", entry.via.join(", ")) };
        let way = entry.direction.as_ref().map_or("", |way| if way.falls { ", falls" } else { ", rises" });
        lines.push(format!("{} {} {}{via}{way}", entry.class.word(), entry.state.word(), entry.label()));
        for field in &entry.fields {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
            lines.push(format!("  {}: {} -> {}", field.name(), side(&field.old), side(&field.new)));
        }
    }
    lines
}

#[test]
fn nothing_is_told_where_nothing_is_meant_otherwise() {
    assert_eq!(told(&[]), [""; 0]);
    let reordered = told(&[("not user_id.is_abnormal", "not (not (not user_id.is_abnormal))")]);
    assert_eq!(reordered, [""; 0]);
    assert_eq!(
        told(&[("title: \"DAU\"", "title: \"Daily users\"; owner: \"growth\"")]),
        ["cosmetic edited metric dau", "  title: DAU -> Daily users", "  owner: - -> growth"]
    );
}

#[test]
fn a_cause_is_told_once_and_named_where_it_moves_others() {
    assert_eq!(
        told(&[("(\"login\", \"pay\")", "(\"login\")")]),
        [
            "caliber changed subset effective_event",
            "  filter: name in (\"login\", \"pay\") -> name in (\"login\")",
            "caliber moved metric arpu via subset effective_event",
            "caliber moved metric bought via subset effective_event",
            "caliber moved metric dau via subset effective_event, falls",
            "caliber moved metric per_head via subset effective_event",
            "caliber moved metric wau via subset effective_event, falls",
            "caliber moved funnel pay via subset effective_event",
        ]
    );
    // As a new version.
    assert_eq!(
        told(&[("subset paid_order = order where", "subset paid_order v2 = order where amount > 0 and")]),
        [
            "caliber changed subset paid_order v1 → v2",
            "  filter: - -> amount > 0",
            "caliber moved metric arpu via subset paid_order v1 → v2",
            "caliber moved metric bought via subset paid_order v1 → v2",
            "caliber moved metric gmv via subset paid_order v1 → v2",
            "caliber moved funnel pay via subset paid_order v1 → v2",
        ]
    );
}

#[test]
fn each_field_is_told_in_the_words_of_the_definition() {
    let one = |from: &str, to: &str| -> Vec<String> {
        let all = told(&[(from, to)]);
        all.into_iter().filter(|line| line.starts_with("  ")).collect()
    };
    let dau = "distinct(user_id from effective_event)";
    assert_eq!(one(dau, "count(effective_event)")[0], "  aggregation: distinct -> count");
    assert_eq!(one(dau, "distinct(name from effective_event)")[0], "  input: user_id -> name");
    assert_eq!(one(dau, "distinct(user_id from event)")[0], "  filter: name in (\"login\", \"pay\") -> -");
    assert_eq!(one("dau over 7d", "dau over 30d"), ["  window: over 7d -> over 30d"]);
    assert_eq!(one("dau over 7d", "dau"), ["  window: over 7d -> -", "  type: int? -> int"]);
    assert_eq!(one("dated paid_at", ""), ["  time column: paid_at -> created_at"]);
    assert_eq!(one("key: id latest by updated_at", "key: id"), ["  dedup (key): id latest by updated_at -> id"]);
    assert_eq!(one("not user_id.is_abnormal", "true"), ["  exclusion: not user_id.is_abnormal -> -"]);
    assert_eq!(one("value >= 3", "value >= 5"), ["  filter (of groups): value >= 3 -> value >= 5"]);
    assert_eq!(one("within: 2h", "within: 1d"), ["  window (within): 2h -> 1d"]);
    assert_eq!(
        one("step buy = paid_order", "step buy = paid_order; exclude left = event after see before buy"),
        ["  exclusion (exclude left): - -> event after see before buy"]
    );
    assert_eq!(
        one("gmv / dau", "gmv / dau where platform = \"ios\""),
        ["  filter (denominator): - -> platform = \"ios\""]
    );
    assert_eq!(one("count(order) {", "count(order) { fill: zero;"), ["  fill: none -> zero"]);
    assert!(
        one("sum(amount from paid_order) { unit: CNY;", "sum(round(amount * 1.05, 2) from paid_order) { unit: CNY;")
            .contains(&"  type: decimal(38,2) -> decimal(38,4)".to_owned())
    );
    // One range in the place of another, and not one that went beside one that came.
    let range = |range: &str| Made::of(&format!("{SHOP}\nmetric m = count(event where n {range})\n"));
    let moved = |before: &str, after: &str| lines(&between(&range(before), &range(after)))[1].clone();
    assert_eq!(moved("between 1 and 5", "between 2 and 4"), "  filter: n between 1 and 5 -> n between 2 and 4");
    assert_eq!(moved("> 1", "between 2 and 4"), "  filter: n > 1 -> n between 2 and 4");
    // What stays of a condition is not told as gone, nor as new.
    assert_eq!(moved("between 1 and 5", ">= 1"), "  filter: n between 1 and 5 -> n >= 1");
    assert_eq!(moved(">= 1", "between 1 and 5"), "  filter: n >= 1 -> n between 1 and 5");
    assert_eq!(moved("between 1 and 5", ">= 1 and n < 9"), "  filter: n between 1 and 5 -> n >= 1 and n < 9");
}

#[test]
fn what_users_lose_is_breaking_and_what_they_gain_is_not() {
    let one = |edits: &[(&str, &str)]| told(edits);
    assert_eq!(
        one(&[("grain: 1d, 1w; by: platform", "grain: 1w; by: abnormal")]),
        [
            "breaking edited metric orders",
            "  grain: 1d -> -",
            "  dimensions: platform -> -",
            "  dimensions: - -> abnormal",
            // What it is made of lost it.
            "breaking edited metric per_head",
            "  dimensions: platform -> -",
        ]
    );
    assert_eq!(
        one(&[("grain: 1d; by: platform", "grain: 1h, 1d; by: platform, abnormal")]),
        [
            "compatible edited metric dau",
            "  grain: - -> 1h",
            "  dimensions: - -> abnormal",
            "compatible edited metric wau",
            "  dimensions: - -> abnormal",
        ]
    );
    assert_eq!(one(&[("metric heavy", "metric many")]), ["breaking renamed metric heavy → many"]);
    let subset = one(&[("paid_order", "settled")]);
    assert!(subset.contains(&"cosmetic renamed subset paid_order → settled".to_owned()), "{subset:?}");
    assert!(subset.iter().all(|line| line.starts_with("cosmetic") || line.starts_with("  ")), "{subset:?}");
    assert_eq!(
        one(&[("metric heavy = count(count(event) per user_id where value >= 3)", "metric clicks = count(event)")]),
        ["breaking removed metric heavy", "compatible new metric clicks"]
    );
    let unit = one(&[
        ("unit: CNY; grain", "unit: quota; grain"),
        ("amount: decimal(18,2) unit CNY", "amount: decimal(18,2) unit quota"),
    ]);
    assert!(unit.contains(&"  unit: CNY -> quota".to_owned()), "{unit:?}");
    assert!(unit.iter().any(|line| line.starts_with("breaking") && line.contains("metric gmv")), "{unit:?}");
}

#[test]
fn a_version_in_double_run_moves_nobody() {
    let v2 = "metric dau v2 = count(effective_event) { grain: 1d; by: platform }\n";
    let stage = |stage: &str| format!("change dau v1 -> v2 {{ reason: \"r\"; stage: {stage} }}\nmetric wau");
    let double = told(&[("metric wau", &format!("{v2}{}", stage("double_run")))]);
    assert_eq!(
        double,
        [
            "compatible new version metric dau v1 → v2",
            "  aggregation: distinct -> count",
            "  input: user_id -> -",
            "  title: DAU -> -",
            "  unit: user -> event",
            "  additivity: not additive -> additive",
        ]
    );
    let live = told(&[("metric wau", &format!("{v2}{}", stage("live")))]);
    assert!(live.iter().any(|line| line.contains("metric arpu via metric dau v1 → v2")), "{live:?}");
}

#[test]
fn a_dimension_over_other_rows_moves_no_attribution() {
    const CREDIT: &str = "source touch { table: \"dwd.touch\"; key: id; time: at
      column id: string
      column at: timestamp
      column user_id: user
      column channel: string
    }
    dimension channel = touch.channel | event.platform
    attribution credit of user { convert: paid_order; value: amount; touch: touch; to: channel; within: 30d; model: last }
    metric credited = credit.value { grain: 1d }
    ";
    let text = format!("{SHOP}{}", CREDIT.replace("\n    ", "\n"));
    let told = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        lines(&between(&Made::of(&text), &Made::of(&text.replace(from, to))))
    };
    let touches = told("dimension channel = touch.channel", "dimension channel = touch.id");
    assert!(touches.iter().any(|line| line.contains("metric credited via")), "{touches:?}");
    let events = told("\"dwd.event\"; key: id", "\"dwd.events\"; key: id");
    assert!(events.iter().any(|line| line.contains("metric dau via source event")), "{events:?}");
    assert!(!events.iter().any(|line| line.contains("credit")), "{events:?}");
}

#[test]
fn a_lock_is_compared_by_what_it_says() {
    let made = Made::of(SHOP);
    let text = crate::caliber::write(&made.settings, &made.compiled.model.changes, &made.calibers);
    let (lock, wrong) = crate::caliber::parse(crate::diagnostic::FileId(0), &text);
    assert!(wrong.is_empty());
    assert_eq!(lines(&compare(Side::Lock(&lock), made.side(), Some(&made.graph))), [""; 0]);
    let edited = Made::of(&SHOP.replace("within: 2h", "within: 3h").replace("title: \"DAU\"", "title: \"D\""));
    let told = lines(&compare(Side::Lock(&lock), edited.side(), Some(&edited.graph)));
    assert_eq!(
        told,
        ["caliber changed funnel pay", "  window (within): 2h -> 3h", "caliber moved metric bought via funnel pay"]
    );
    assert_eq!(lines(&compare(edited.side(), Side::Lock(&lock), Some(&edited.graph))).len(), told.len());
}

#[test]
fn another_time_zone_moves_every_metric() {
    let diff = between(&Made::of(SHOP), &Made::at(SHOP, "UTC"));
    assert_eq!(diff.project[0].name(), "time zone");
    assert_eq!(diff.of(Class::Caliber).filter(|entry| entry.kind == Kind::Metric).count(), diff.metrics);
    assert!(diff.entries.iter().all(|entry| entry.direction.is_none()));
}

#[test]
fn unversioned_changes_are_those_that_answer_for_themselves() {
    let text = SHOP.replace("(\"login\", \"pay\")", "(\"login\")").replace("dau over 7d", "dau over 14d");
    let diff = between(&Made::of(SHOP), &Made::of(&text));
    let names: Vec<&str> = diff.unversioned().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["wau", "effective_event"]);
}

/// The direction of one metric whose rows or formula are edited.
fn way(before: &str, after: &str) -> Option<(bool, String)> {
    let program = |formula: &str| Made::of(&format!("{SHOP}\nmetric m = {formula}\n"));
    let diff = between(&program(before), &program(after));
    let entry = diff.entries.iter().find(|entry| entry.name == "m")?;
    entry.direction.clone().map(|way| (way.falls, way.why))
}

#[test]
fn directions_that_are_proved_are_told_with_the_argument() {
    let falls = [
        ("count(event)", "count(event where n > 1)"),
        ("count(event where n > 1)", "count(event where n > 2)"),
        (
            "count(event where date(at) >= date(\"2026-11-01\"))",
            "count(event where date(at) > date(\"2026-11-01\") and not (n > 1 or n < 0))",
        ),
        ("distinct(user_id from event where n in (1, 2))", "distinct(user_id from event where n = 1)"),
        ("max(n from event)", "max(n from event where name = \"a\")"),
        ("min(n from event where n > 1)", "min(n from event)"),
        (
            "sum(case when n > 1 then 1 else 0 end from event)",
            "sum(case when n > 1 then 1 else 0 end from event where n > 0)",
        ),
        ("count(event) over 30d", "count(event) over 7d"),
        ("count(event)", "count(event) where platform = \"ios\""),
        ("count(event) / count(order)", "count(event where n = 1) / count(order)"),
        ("count(event) + count(event where n > 5)", "count(event where n = 1) + count(event where n > 5)"),
        ("count(event) - count(event where n = 1)", "count(event) - count(event where n in (1, 2))"),
        ("count(count(event) per user_id where value >= 3)", "count(count(event) per user_id where value >= 5)"),
        (
            "count(count(event) per user_id where value >= 3)",
            "count(count(event where n = 1) per user_id where value >= 3)",
        ),
        ("sum(count(event) per user_id)", "sum(count(event where n = 1) per user_id)"),
    ];
    for (before, after) in falls {
        assert_eq!(way(before, after).map(|way| way.0), Some(true), "{before} -> {after}");
        assert_eq!(way(after, before).map(|way| way.0), Some(false), "{after} -> {before}");
    }
    let (_, why) = way(falls[0].0, falls[0].1).expect("a direction");
    assert_eq!(
        why,
        "every row that counts now counted before, too: the filter is stricter; a count of fewer rows is no greater"
    );
}

#[test]
fn without_a_proof_there_is_no_direction() {
    let open = [
        ("sum(amount from order)", "sum(amount from order where client = \"a\")"),
        ("avg(n from event)", "avg(n from event where n > 1)"),
        ("count(event where n > 1)", "count(event where n < 5)"),
        ("count(event) / count(order)", "count(event) / count(order where client = \"a\")"),
        ("p95(n from event)", "p95(n from event where n > 1)"),
        ("count(event)", "count(event) over 30d"),
        ("count(event)", "distinct(user_id from event)"),
        (
            "count(count(event) per user_id where value <= 3)",
            "count(count(event where n = 1) per user_id where value <= 3)",
        ),
        ("avg(count(event) per user_id)", "avg(count(event where n = 1) per user_id)"),
        ("approx_distinct(user_id from event)", "approx_distinct(user_id from event where n = 1)"),
        ("count(event) - count(event where n > 5)", "count(event where n = 1) - count(event where n > 6)"),
        ("count(event at last 1d)", "count(event where n > 1 at last 1d)"),
        // Whole numbers wrap around.
        (
            "sum(greatest(n, 0) + greatest(n, 1) from event)",
            "sum(greatest(n, 0) + greatest(n, 1) from event where n > 1)",
        ),
    ];
    for (before, after) in open {
        assert_eq!(way(before, after), None, "{before} -> {after}");
        assert_eq!(way(after, before), None, "{after} -> {before}");
    }
}

#[test]
fn what_is_filled_with_zero_must_not_turn_at_zero() {
    let filled = |formula: &str| format!("{formula} {{ grain: 1d; fill: zero }}");
    let way = |before: &str, after: &str| way(&filled(before), &filled(after)).map(|way| way.0);
    assert_eq!(way("count(event)", "count(event where n > 1)"), Some(true));
    assert_eq!(way("count(event where n > 1)", "count(event)"), Some(false));
    // Where all rows go there is 0: more than a greatest value below it, less than a least one above it.
    for formula in ["max(n from event)", "min(n from event)", "5 - count(event)", "-count(event)"] {
        let narrower = formula.replace("event)", "event where n > 1)");
        assert_eq!(way(formula, &narrower), None, "{formula}");
        assert_eq!(way(&narrower, formula), None, "{formula}");
    }
}

/// A condition as text and as what it says of a row: 1 true, 0 false, none unknown.
enum Condition {
    Compare(&'static str, &'static str, i64),
    Among(&'static str, Vec<i64>, bool),
    Null(&'static str, bool),
    All(Vec<Condition>, bool),
    Not(Box<Condition>),
}

type Row = [Option<i64>; 2];

impl Condition {
    fn random(random: &mut fastrand::Rng, depth: u8) -> Condition {
        let column = if random.bool() { "a" } else { "b" };
        match random.u8(..if depth == 0 { 6 } else { 10 }) {
            0..=2 => {
                let op = ["=", "!=", "<", "<=", ">", ">="][random.usize(..6)];
                Condition::Compare(column, op, random.i64(0..4))
            }
            3 | 4 => {
                let count = random.usize(1..4);
                Condition::Among(column, (0..count).map(|_| random.i64(0..4)).collect(), random.bool())
            }
            5 => Condition::Null(column, random.bool()),
            6..=8 => {
                let count = random.usize(2..4);
                let parts = (0..count).map(|_| Condition::random(random, depth - 1)).collect();
                Condition::All(parts, random.bool())
            }
            _ => Condition::Not(Box::new(Condition::random(random, depth - 1))),
        }
    }

    fn text(&self) -> String {
        let list = |values: &[i64]| values.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Condition::Compare(column, op, value) => format!("{column} {op} {value}"),
            Condition::Among(column, values, true) => format!("{column} in ({})", list(values)),
            Condition::Among(column, values, false) => format!("{column} not in ({})", list(values)),
            Condition::Null(column, true) => format!("{column} is null"),
            Condition::Null(column, false) => format!("{column} is not null"),
            Condition::All(parts, all) => {
                let parts: Vec<String> = parts.iter().map(|part| format!("({})", part.text())).collect();
                parts.join(if *all { " and " } else { " or " })
            }
            Condition::Not(inner) => format!("not ({})", inner.text()),
        }
    }

    fn of(&self, row: &Row) -> Option<bool> {
        let value = |column: &str| row[usize::from(column == "b")];
        match self {
            Condition::Compare(column, op, other) => {
                let own = value(column)?;
                Some(match *op {
                    "=" => own == *other,
                    "!=" => own != *other,
                    "<" => own < *other,
                    "<=" => own <= *other,
                    ">" => own > *other,
                    _ => own >= *other,
                })
            }
            Condition::Among(column, values, wanted) => Some(values.contains(&value(column)?) == *wanted),
            Condition::Null(column, wanted) => Some(value(column).is_none() == *wanted),
            Condition::All(parts, all) => {
                let parts: Vec<Option<bool>> = parts.iter().map(|part| part.of(row)).collect();
                if parts.contains(&Some(!all)) {
                    Some(!all)
                } else if parts.contains(&None) {
                    None
                } else {
                    Some(*all)
                }
            }
            Condition::Not(inner) => inner.of(row).map(|value| !value),
        }
    }
}

/// Every row there can be of two columns with five values and null, and samples of them.
fn worlds(random: &mut fastrand::Rng) -> Vec<Vec<Row>> {
    let values = [None, Some(-1), Some(0), Some(1), Some(2), Some(3), Some(4)];
    let all: Vec<Row> = values.iter().flat_map(|a| values.iter().map(|b| [*a, *b])).collect();
    let mut worlds = vec![all.clone()];
    worlds.extend(all.iter().map(|row| vec![*row]));
    worlds.extend((0..30).map(|_| (0..random.usize(1..8)).map(|_| all[random.usize(..all.len())]).collect()));
    worlds
}

#[test]
fn no_direction_is_claimed_that_rows_contradict() {
    const TABLE: &str = "source t { table: \"t\"; key: id; time: at
      column id: string
      column at: timestamp
      column a: int?
      column b: int?
    }\n";
    let aggregates: [(&str, fn(&[Row]) -> Option<i64>); 6] = [
        ("count(t where W)", |rows| Some(rows.len() as i64)),
        ("distinct(a from t where W)", |rows| {
            Some(rows.iter().filter_map(|row| row[0]).collect::<BTreeSet<i64>>().len() as i64)
        }),
        ("max(a from t where W)", |rows| rows.iter().filter_map(|row| row[0]).max()),
        ("min(a from t where W)", |rows| rows.iter().filter_map(|row| row[0]).min()),
        ("sum(a from t where W)", |rows| Some(rows.iter().filter_map(|row| row[0]).sum())),
        ("sum(case when b > 1 then 2 else 1 end from t where W)", |rows| {
            Some(rows.iter().map(|row| if row[1].is_some_and(|b| b > 1) { 2 } else { 1 }).sum())
        }),
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let (mut claims, mut pairs) = (0, Vec::new());
    for _ in 0..60 {
        let before = Condition::random(&mut random, 2);
        // Related conditions make for more claims than strangers do.
        let after = match random.u8(..4) {
            0 => Condition::random(&mut random, 2),
            _ => {
                let text = before.text();
                let other = Condition::random(&mut random, 1);
                let all = random.bool();
                let whole = format!("({text}) {} ({})", if all { "and" } else { "or" }, other.text());
                pairs.push((text, whole, before, other, all));
                continue;
            }
        };
        pairs.push((before.text(), after.text(), before, after, true));
    }
    let program = |side: fn(&(String, String, Condition, Condition, bool)) -> &String| {
        let mut text = TABLE.to_owned();
        for (place, pair) in pairs.iter().enumerate() {
            for (number, (formula, _)) in aggregates.iter().enumerate() {
                text += &format!("metric m{place}_{number} = {}\n", formula.replace('W', &format!("({})", side(pair))));
            }
        }
        Made::of(&text)
    };
    let (before, after) = (program(|pair| &pair.0), program(|pair| &pair.1));
    let diff = between(&before, &after);
    let worlds = worlds(&mut random);
    for entry in &diff.entries {
        let Some(direction) = &entry.direction else { continue };
        let (place, number) = entry.name[1..].split_once('_').expect("two numbers");
        let (first, second, was, other, all) = &pairs[place.parse::<usize>().expect("a number")];
        let aggregate = aggregates[number.parse::<usize>().expect("a number")].1;
        let related = second.starts_with(&format!("({first}) "));
        claims += 1;
        for world in &worlds {
            let old = |row: &&Row| was.of(row) == Some(true);
            let new = |row: &&Row| match (related, all) {
                (true, true) => was.of(row) == Some(true) && other.of(row) == Some(true),
                (true, false) => was.of(row) == Some(true) || other.of(row) == Some(true),
                (false, _) => other.of(row) == Some(true),
            };
            let kept = |keep: &dyn Fn(&&Row) -> bool| -> Vec<Row> { world.iter().filter(keep).copied().collect() };
            let (Some(old), Some(new)) = (aggregate(&kept(&old)), aggregate(&kept(&new))) else { continue };
            let holds = if direction.falls { new <= old } else { new >= old };
            assert!(holds, "{first}\n{second}\n{}: {old} -> {new} of {world:?}", entry.name);
        }
    }
    assert!(claims > 60, "only {claims} claims were tried");
}
