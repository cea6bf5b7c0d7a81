//! Segments against a search through all rows of all members, written from the words of the language: random small worlds around
//! a change of clocks, all kinds of measures, with and without scores, in the dry run and in ClickHouse.

mod support;
mod warehouse;
mod worlds;

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone};
use chrono_tz::Europe::Berlin;
use metricc::plan::Value;
use metricc::table::Answer;

use warehouse::{Row, Warehouse, right};
use worlds::Rng;

const WORLDS: usize = 6;
const SEGMENTS: usize = 3;
/// 2026-10-20 00:00:00 in Berlin, five days before clocks change.
const START: i64 = 1_792_447_200_000;
const HOUR: i64 = 3_600_000;
const NAMES: [&str; 3] = ["a", "b", "c"];

const TABLES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: int
  column city: string
}
source event {
  table: "dwd.event"
  key: event_id
  time: at
  column event_id: string
  column at: timestamp(ms)
  column name: string
  column user_id: user?
  column who: string
}
source order {
  table: "dwd.order"
  key: order_id
  time: at
  column order_id: string
  column at: timestamp(ms)
  column user_id: user
  column who: string
  column paid: decimal(10,2)?
}
subset named = event where name in ("a", "b")
subset both = event | order
dimension who = event.who | order.who
dimension city = user.city else "none"
"#;

/// A measure: how it is written, and what it is.
#[derive(Clone, Copy, Debug)]
enum Measure {
    Since(Of),
    Count(Of, Option<u64>),
    Paid(Option<u64>),
    Names(Option<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Orders,
    Named,
    Both,
}

impl Of {
    fn text(self) -> &'static str {
        match self {
            Of::Orders => "order",
            Of::Named => "named",
            Of::Both => "both",
        }
    }

    fn has(self, row: &Happened) -> bool {
        match (self, row.name) {
            (Of::Orders, name) => name.is_none(),
            (Of::Named, name) => matches!(name, Some("a" | "b")),
            (Of::Both, _) => true,
        }
    }
}

impl Measure {
    fn random(rng: &mut Rng) -> Measure {
        let days = rng.one(&[None, Some(1), Some(2), Some(3), Some(5), Some(5)]);
        let of = rng.one(&[Of::Orders, Of::Named, Of::Both]);
        match rng.below(4) {
            0 => Measure::Since(of),
            1 => Measure::Count(of, days),
            2 => Measure::Paid(days),
            _ => Measure::Names(days),
        }
    }

    fn text(self) -> String {
        let over = |days: Option<u64>| days.map_or(String::new(), |days| format!(" over {days}d"));
        match self {
            Measure::Since(of) => format!("since last {}", of.text()),
            Measure::Count(of, days) => format!("count({}{})", of.text(), over(days)),
            Measure::Paid(days) => format!("sum(paid from order{})", over(days)),
            Measure::Names(None) => "distinct(name from event over all)".to_owned(),
            Measure::Names(days) => format!("distinct(name from event{})", over(days)),
        }
    }

    /// The value of a member before a day, from the definition.
    fn value(self, rows: &[&Happened], date: NaiveDate) -> Option<i64> {
        let start = midnight(date);
        let since = |days: Option<u64>| days.map_or(i64::MIN, |days| midnight(date - Days::new(days)));
        let within = |days: Option<u64>| rows.iter().filter(move |row| since(days) <= row.at && row.at < start);
        match self {
            Measure::Since(of) => within(None).filter(|row| of.has(row)).map(|row| start - row.at).min(),
            Measure::Count(of, days) => Some(within(days).filter(|row| of.has(row)).count() as i64),
            Measure::Paid(days) => Some(within(days).filter_map(|row| row.paid).sum()),
            Measure::Names(days) => {
                let mut names: Vec<&str> = within(days).filter_map(|row| row.name).collect();
                names.sort_unstable();
                names.dedup();
                Some(names.len() as i64)
            }
        }
    }

    /// A value to compare with, as it is written and as it is.
    fn limit(self, rng: &mut Rng) -> (String, i64) {
        let number = rng.below(6) as i64;
        match self {
            Measure::Since(_) => (format!("{}h", 12 * (number + 1)), 12 * (number + 1) * HOUR),
            Measure::Paid(_) => (format!("{}", 5 * number), 500 * number),
            _ => (number.to_string(), number),
        }
    }
}

/// A row: when, whose, the name of an event or none for an order, what was paid in cents.
#[derive(Clone, Debug)]
struct Happened {
    at: i64,
    who: usize,
    name: Option<&'static str>,
    paid: Option<i64>,
}

#[derive(Debug)]
struct Declared {
    measures: Vec<Measure>,
    scores: Option<i64>,
    /// Conditions of classes: all of these comparisons hold.
    classes: Vec<Vec<(usize, &'static str, i64)>>,
    rest: bool,
}

impl Declared {
    fn random(rng: &mut Rng, text: &mut String, name: &str) -> Declared {
        let measures: Vec<Measure> = (0..1 + rng.below(3)).map(|_| Measure::random(rng)).collect();
        let scores = rng.one(&[None, Some(2), Some(3), Some(5)]);
        *text += &format!("segment {name} of user {{\n");
        for (at, measure) in measures.iter().enumerate() {
            *text += &format!("  measure x{at} = {}\n", measure.text());
        }
        if let Some(scores) = scores {
            *text += &format!("  score {scores}\n");
        }
        let mut classes = Vec::new();
        // The first class asks for every measure, so that none is unused.
        for class in 0..3 {
            let asked: Vec<usize> = match class {
                0 => (0..measures.len()).collect(),
                _ => vec![rng.below(measures.len())],
            };
            let mut conditions = Vec::new();
            let mut written = Vec::new();
            for at in asked {
                let op = rng.one(&["<=", ">=", "="]);
                let (shown, limit) = match scores {
                    Some(scores) => {
                        let score = 1 + rng.below(scores as usize) as i64;
                        (score.to_string(), score)
                    }
                    None => measures[at].limit(rng),
                };
                written.push(format!("x{at} {op} {shown}"));
                conditions.push((at, op, limit));
            }
            *text += &format!("  class c{class} when {}\n", written.join(" and "));
            classes.push(conditions);
        }
        let rest = rng.below(2) == 0;
        *text += if rest { "  class rest\n}\n" } else { "}\n" };
        Declared { measures, scores, classes, rest }
    }

    /// The classes of all members before a day, from the definition.
    fn classes(&self, members: usize, rows: &[Happened], date: NaiveDate) -> Vec<Option<String>> {
        let of = |who: usize| rows.iter().filter(|row| row.who == who).collect::<Vec<_>>();
        let all: Vec<Vec<&Happened>> = (0..members).map(of).collect();
        let values: Vec<Vec<Option<i64>>> = (self.measures.iter())
            .map(|measure| {
                let values: Vec<Option<i64>> = all.iter().map(|rows| measure.value(rows, date)).collect();
                match self.scores {
                    Some(scores) => scored(&values, scores, matches!(measure, Measure::Since(_))),
                    None => values,
                }
            })
            .collect();
        let holds = |who: usize, (at, op, limit): &(usize, &str, i64)| {
            values[*at][who].is_some_and(|value| match *op {
                "<=" => value <= *limit,
                ">=" => value >= *limit,
                _ => value == *limit,
            })
        };
        let class = |who: usize| {
            let found = self.classes.iter().position(|conditions| conditions.iter().all(|one| holds(who, one)));
            found.map(|class| format!("c{class}")).or_else(|| self.rest.then(|| "rest".to_owned()))
        };
        (0..members).map(class).collect()
    }
}

/// 1 + floor(scores × share of measured members strictly below); above, where less is better.
fn scored(values: &[Option<i64>], scores: i64, reversed: bool) -> Vec<Option<i64>> {
    let measured = values.iter().flatten().count() as i64;
    let score = |value: &Option<i64>| {
        let value = (*value)?;
        let worse = |other: &&i64| if reversed { **other > value } else { **other < value };
        Some(1 + scores * values.iter().flatten().filter(worse).count() as i64 / measured)
    };
    values.iter().map(score).collect()
}

fn date(at: i64) -> NaiveDate {
    DateTime::from_timestamp_millis(at).expect("a time").with_timezone(&Berlin).date_naive()
}

fn midnight(date: NaiveDate) -> i64 {
    let local = date.and_hms_opt(0, 0, 0).expect("midnight");
    Berlin.from_local_datetime(&local).earliest().expect("a day begins").timestamp_millis()
}

/// A number by day and text.
type Found = BTreeMap<(i64, String), i64>;

fn said(answers: &[(String, Answer)]) -> BTreeMap<String, Found> {
    let mut all = BTreeMap::new();
    for (name, answer) in answers {
        let mut found = Found::new();
        for row in &answer.rows {
            let [Value::Timestamp(day), key, Value::Int(value)] = row.as_slice() else { panic!("{name}: {row:?}") };
            let key = match key {
                Value::String(key) => key.clone(),
                Value::Null => "null".to_owned(),
                other => panic!("{name}: {other:?}"),
            };
            if *value != 0 {
                found.insert((*day, key), *value);
            }
        }
        all.insert(name.clone(), found);
    }
    all
}

#[test]
fn members_are_in_the_classes_that_a_search_of_all_rows_says() {
    support::engine!("clickhouse");
    let mut rng = Rng(15_485_863);
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for world in 0..WORLDS {
        let mut text = TABLES.to_owned();
        let body = "grain: 1d; serve: live";
        let declared: Vec<Declared> = (0..SEGMENTS)
            .map(|at| {
                let of = Declared::random(&mut rng, &mut text, &format!("s{at}"));
                text += &format!("dimension d{at} = user.s{at} else \"none\"\n");
                for name in asked(at) {
                    let of = match *name {
                        "by_class" => format!("count(event) {{ {body}; by: d{at} }}"),
                        "in_union" => format!("count(both) {{ {body}; by: d{at} }}"),
                        "first" => format!("count(event where user_id.s{at} = \"c0\") {{ {body}; by: who }}"),
                        "weekly" => format!("s{at}.members {{ grain: 1w; serve: live; by: s{at}.class }}"),
                        _ => format!("s{at}.members {{ {body}; by: s{at}.class }}"),
                    };
                    text += &format!("metric {name}_{at} = {of}\n");
                }
                of
            })
            .collect();
        let warehouse = Warehouse::new("Europe/Berlin", &text);
        let members = 1 + rng.below(9);
        let mut rows = Vec::new();
        let (mut events, mut orders): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
        let span = 3 + rng.below(11);
        for place in 0..rng.below(60) {
            // The last one is no member.
            let who = rng.below(members + 1);
            let step = rng.one(&[HOUR, 6 * HOUR]);
            let at = START + (rng.below(span * 24 * HOUR as usize) as i64 / step) * step;
            let name = if rng.below(2) == 0 { Some(rng.one(&NAMES)) } else { None };
            let paid = if name.is_none() && rng.below(5) > 0 { Some(250 * rng.below(9) as i64) } else { None };
            let (id, when, whose) = (Some(place.to_string()), Some(at.to_string()), Some(who.to_string()));
            match name {
                Some(name) => events.push(vec![id, when, Some(name.to_owned()), whose, Some(format!("u{who}"))]),
                None => {
                    let paid = paid.map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
                    orders.push(vec![id, when, whose, Some(format!("u{who}")), paid]);
                }
            }
            rows.push(Happened { at, who, name, paid });
        }
        let users = (0..members).map(|who| vec![Some(who.to_string()), Some(rng.one(&NAMES).to_owned())]);
        warehouse.insert_rows("user", users.collect());
        warehouse.insert_rows("event", events);
        warehouse.insert_rows("order", orders);
        let answers = right::answers(&warehouse);
        let said = said(&answers);
        for (at, of) in declared.iter().enumerate() {
            let mut expected: BTreeMap<String, Found> = BTreeMap::new();
            let mut add = |name: &str, day: NaiveDate, key: String| {
                let found = expected.entry(format!("{name}_{at}")).or_default();
                *found.entry((midnight(day), key)).or_default() += 1;
            };
            for row in &rows {
                let day = date(row.at);
                let class = of.classes(members, &rows, day).get(row.who).cloned().flatten();
                let shown = class.clone().unwrap_or_else(|| "none".to_owned());
                *seen.entry(shown.clone()).or_default() += 1;
                add("in_union", day, shown.clone());
                if row.name.is_some() {
                    add("by_class", day, shown);
                    if class.as_deref() == Some("c0") {
                        add("first", day, format!("u{}", row.who));
                    }
                }
            }
            let measured = rows.iter().filter(|row| of.measures.iter().any(|measure| reads(*measure, row)));
            let days: Vec<NaiveDate> = measured.map(|row| date(row.at)).collect();
            if let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) {
                for day in first.iter_days().take_while(|day| day <= last) {
                    for class in of.classes(members, &rows, day) {
                        let shown = class.unwrap_or_else(|| "null".to_owned());
                        add("daily", day, shown.clone());
                        if day.weekday() == chrono::Weekday::Mon {
                            add("weekly", day, shown);
                        }
                    }
                }
            }
            for name in asked(at) {
                let name = format!("{name}_{at}");
                let (right, found) = (expected.remove(&name).unwrap_or_default(), &said[&name]);
                if right != *found {
                    wrong.push(format!(
                        "world {world}: {name}: {of:?}\n  right {right:?}\n  found {found:?}\n  {rows:?}"
                    ));
                }
            }
        }
        right::agrees_with(&warehouse, answers);
    }
    assert!(wrong.is_empty(), "{} wrong, the first: {}", wrong.len(), wrong[0]);
    let often =
        ["c0", "c1", "c2", "rest", "none"].into_iter().filter(|class| seen.get(*class).is_some_and(|n| *n >= 5));
    assert_eq!(often.count(), 5, "all classes are chosen: {seen:?}");
}

/// What is asked of a segment: of the first one of a world everything.
fn asked(segment: usize) -> &'static [&'static str] {
    if segment == 0 { &["by_class", "daily", "in_union", "first", "weekly"] } else { &["by_class", "daily"] }
}

/// Whether a measure is of rows of this kind.
fn reads(measure: Measure, row: &Happened) -> bool {
    match measure {
        // The days are those of the rows that are measured, whatever is summed of them.
        Measure::Since(of) | Measure::Count(of, _) => match of {
            Of::Named => row.name.is_some() && of.has(row),
            of => of.has(row),
        },
        Measure::Paid(_) => row.name.is_none(),
        Measure::Names(_) => row.name.is_some(),
    }
}
