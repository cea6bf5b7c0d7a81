//! Cohorts and lifecycles against a count of each member's rows, written from the words of the language: random small units, ages by
//! days, weeks and full lengths, repeated starts, lower limits, in the dry run and in ClickHouse.

mod support;
mod warehouse;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};

use metricc::plan::Value;
use warehouse::{Row, Warehouse, right};
use worlds::{Found, Rng, START, TABLES, by_ways, day, said, ways};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// A row: when, its key, and the name of an event, or `order`.
#[derive(Clone)]
struct Happened {
    at: i64,
    key: String,
    name: &'static str,
}

/// Units with up to ten rows in the quarters of ten days, some of them of thirty, and the warehouse that has them.
fn world(declarations: &str, units: usize, seed: u64) -> (Warehouse, Vec<Vec<Happened>>) {
    let warehouse = Warehouse::new("Asia/Shanghai", &(TABLES.to_owned() + &ways("-") + declarations));
    let mut rng = Rng(seed);
    let (mut events, mut orders): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    let mut all = Vec::new();
    for unit in 0..units {
        let reach = rng.one(&[8, 20, 40, 120]);
        let mut rows = Vec::new();
        for place in 0..rng.below(11) {
            let name = rng.one(&["a", "a", "b", "b", "c", "order", "order"]);
            let row = Happened { at: START + 6 * HOUR * rng.below(reach) as i64, key: format!("{unit}-{place}"), name };
            let (id, when, who) = (Some(row.key.clone()), Some(row.at.to_string()), Some(format!("u{unit}")));
            match name {
                "order" => orders.push(vec![id, when, who.clone(), who]),
                name => events.push(vec![id, when, Some(name.to_owned()), who.clone(), who]),
            }
            rows.push(row);
        }
        all.push(rows);
    }
    warehouse.insert_rows("event", events);
    warehouse.insert_rows("order", orders);
    (warehouse, all)
}

/// Where the dry run says something else than what is expected.
fn differences(said: &BTreeMap<String, Found>, expected: BTreeMap<String, Found>, wrong: &mut Vec<String>) {
    for (name, right) in expected {
        let found = &said[&name];
        let keys: BTreeSet<_> = right.keys().chain(found.keys()).collect();
        let mut differ = keys.into_iter().filter(|key| right.get(*key) != found.get(*key));
        if let Some(key) = differ.next() {
            let (a, b) = (right.get(key), found.get(key));
            wrong.push(format!("{name}, {key:?}: {a:?} is right, {b:?} came, and {} more", differ.count()));
        }
    }
}

/// How ages are counted.
#[derive(Clone, Copy)]
enum Ages {
    Days,
    Weeks,
    Full(i64),
}

impl Ages {
    /// The bucket of an instant: its number and its start.
    fn bucket(self, at: i64) -> (i64, i64) {
        match self {
            Ages::Days => (day(at).div_euclid(DAY), day(at)),
            Ages::Weeks => {
                // Day 0 is a Thursday, and weeks begin on Mondays.
                let number = ((day(at) + 8 * HOUR).div_euclid(DAY) + 3).div_euclid(7);
                (number, (number * 7 - 3) * DAY - 8 * HOUR)
            }
            Ages::Full(_) => (0, at),
        }
    }

    fn age(self, start: i64, at: i64) -> i64 {
        match self {
            Ages::Full(ms) => (at - start).div_euclid(ms),
            _ => self.bucket(at).0 - self.bucket(start).0,
        }
    }
}

struct Declared {
    ages: Ages,
    /// As it is written.
    every: &'static str,
    until: i64,
    again: bool,
    active: &'static str,
    at_least: usize,
    partial: bool,
    /// Whether a member is a unit in each way.
    per: bool,
}

const DECLARED: [Declared; 8] = [
    Declared {
        ages: Ages::Days,
        every: "every: 1d; until: 5d",
        until: 5,
        again: false,
        active: "b",
        at_least: 1,
        partial: false,
        per: false,
    },
    Declared {
        ages: Ages::Days,
        every: "every: 1d; until: 3d",
        until: 3,
        again: true,
        active: "order",
        at_least: 2,
        partial: false,
        per: false,
    },
    Declared {
        ages: Ages::Full(DAY),
        every: "rolling: 24h; until: 4d",
        until: 4,
        again: false,
        active: "order",
        at_least: 1,
        partial: false,
        per: false,
    },
    Declared {
        ages: Ages::Weeks,
        every: "every: 1w; until: 3w",
        until: 3,
        again: false,
        active: "b",
        at_least: 1,
        partial: true,
        per: false,
    },
    Declared {
        ages: Ages::Full(DAY),
        every: "rolling: 24h; until: 2d",
        until: 2,
        again: true,
        active: "b",
        at_least: 1,
        partial: true,
        per: false,
    },
    Declared {
        ages: Ages::Days,
        every: "every: 1d; until: 4d",
        until: 4,
        again: false,
        active: "b",
        at_least: 1,
        partial: false,
        per: true,
    },
    Declared {
        ages: Ages::Days,
        every: "every: 1d; until: 3d",
        until: 3,
        again: true,
        active: "order",
        at_least: 1,
        partial: true,
        per: true,
    },
    Declared {
        ages: Ages::Full(DAY),
        every: "rolling: 24h; until: 3d",
        until: 3,
        again: false,
        active: "order",
        at_least: 2,
        partial: false,
        per: true,
    },
];

impl Declared {
    fn length(&self, ages: i64) -> String {
        let days = if matches!(self.ages, Ages::Weeks) { 7 } else { 1 };
        format!("{}d", ages * days)
    }

    /// The first start row of a unit, or of each bucket in which it has one.
    fn starts(&self, rows: &[Happened]) -> Vec<i64> {
        let mut starts: Vec<&Happened> = rows.iter().filter(|row| row.name == "a").collect();
        starts.sort_by_key(|row| (row.at, row.key.clone()));
        let mut found: Vec<i64> = Vec::new();
        for row in starts {
            let other = |last: &i64| self.again && self.bucket_of_starts(*last) != self.bucket_of_starts(row.at);
            if found.last().is_none_or(other) {
                found.push(row.at);
            }
        }
        found
    }

    /// Starts again are told apart by days where ages are lengths.
    fn bucket_of_starts(&self, at: i64) -> i64 {
        match self.ages {
            Ages::Full(_) => day(at),
            ages => ages.bucket(at).0,
        }
    }
}

/// What each column of a cohort is by the day of the start and the member.
fn of_cohort(at: usize, of: &Declared, members: &[Vec<Happened>]) -> BTreeMap<String, Found> {
    // What is over a row of the sources of both tells, whatever it is.
    let sources = |row: &&Happened| row.name != "order" || of.active == "order";
    let last = members.iter().flatten().filter(sources).map(|row| row.at).max().expect("some row");
    let mut all: BTreeMap<String, Found> = BTreeMap::new();
    let units = if of.per { by_ways(members) } else { vec![members.to_vec()] };
    for (unit, rows) in units.iter().flat_map(|way| way.iter().enumerate()) {
        for start in of.starts(rows) {
            let is_over = |age: i64| of.ages.age(start, last) >= age + i64::from(!of.partial);
            let rows_at = |name: &str, age: i64| {
                rows.iter().filter(|row| row.name == name && of.ages.age(start, row.at) == age).count()
            };
            let active = |age: i64| rows_at(of.active, age) >= of.at_least;
            let key = (day(of.ages.bucket(start).1), format!("u{unit}"));
            let mut add = |column: String, value: usize| {
                if value > 0 {
                    *all.entry(format!("c{at}_{column}")).or_default().entry(key.clone()).or_default() += value as i64;
                }
            };
            for age in 0..3 {
                if is_over(age) {
                    add(format!("size{age}"), 1);
                    add(format!("active{age}"), usize::from(active(age)));
                    add(format!("value{age}"), rows_at("order", age));
                }
            }
            if is_over(of.until) {
                add("sizeon".to_owned(), 1);
                add("activeon".to_owned(), usize::from((1..=of.until).any(active)));
            }
        }
    }
    all
}

#[test]
fn members_are_at_ages_as_a_count_of_their_rows_says() {
    support::engine!("clickhouse");
    let mut text = String::new();
    for (at, of) in DECLARED.iter().enumerate() {
        let start = if of.again { "every event where name = \"a\"" } else { "event where name = \"a\"" };
        let active = match of.active {
            "order" => "order".to_owned(),
            name => format!("event where name = \"{name}\""),
        };
        let at_least = if of.at_least > 1 { format!(", at least {}", of.at_least) } else { String::new() };
        let partial = if of.partial { "; partial: true" } else { "" };
        let per = if of.per { " per way" } else { "" };
        text += &format!(
            "cohort c{at} of user{per} {{ start: {start}; active: {active}{at_least}; {}; by: who{partial} }}\n",
            of.every
        );
        let body = "{ grain: 1d; by: who; serve: live }";
        for age in 0..3 {
            let when = of.length(age);
            text += &format!("metric c{at}_size{age} = c{at}.size at {when} {body}\n");
            text += &format!("metric c{at}_active{age} = c{at}.active at {when} {body}\n");
            text += &format!("metric c{at}_value{age} = c{at}.value(count(order)) at {when} {body}\n");
        }
        let when = of.length(1);
        text += &format!("metric c{at}_sizeon = c{at}.size at {when}.. {body}\n");
        text += &format!("metric c{at}_activeon = c{at}.active at {when}.. {body}\n");
    }
    let (warehouse, units) = world(&text, 1_200, 179_424_673);
    let answers = right::answers(&warehouse);
    let said = said(&answers);
    let mut wrong = Vec::new();
    for (at, of) in DECLARED.iter().enumerate() {
        let right = of_cohort(at, of, &units);
        assert_eq!(right.len(), 11, "{:?}", right.keys());
        differences(&said, right, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    right::agrees_with(&warehouse, answers);
}

/// The lifecycles of the second test: by silences of days, and by buckets.
const SILENCES: [i64; 2] = [2, 5];
const BUCKETS: [(&str, Ages); 2] = [("1d", Ages::Days), ("1w", Ages::Weeks)];

/// How many members each column of a lifecycle counts, by the start of the bucket.
type Counted = BTreeMap<String, BTreeMap<i64, i64>>;

/// The days of a member's activity, each once, as their first instants.
fn active_days(rows: &[Happened]) -> BTreeSet<i64> {
    rows.iter().filter(|row| ["a", "b"].contains(&row.name)).map(|row| day(row.at)).collect()
}

/// The first and the last day of all activity.
fn span(units: &[Vec<Happened>]) -> (i64, i64) {
    let days: BTreeSet<i64> = units.iter().flat_map(|rows| active_days(rows)).collect();
    (*days.first().expect("some"), *days.last().expect("some"))
}

fn of_silences(prefix: &str, (first, last): (i64, i64), units: &[Vec<Happened>]) -> Counted {
    let mut all = Counted::new();
    let days: Vec<BTreeSet<i64>> = units.iter().map(|rows| active_days(rows)).collect();
    for silence in SILENCES {
        let length = silence * DAY;
        let of_days = (first..=last).step_by(usize::try_from(DAY).expect("small"));
        let starts = BUCKETS.iter().flat_map(|(step, ages)| {
            let starts: BTreeSet<i64> = of_days.clone().map(|day| ages.bucket(day).1).collect();
            let length = if *step == "1w" { 7 * DAY } else { DAY };
            starts.into_iter().map(move |start| (step, start, start + length))
        });
        for (step, start, end) in starts {
            for active in &days {
                let within = |from: i64, to: i64| active.range(from..to).next().is_some();
                let base = within(end - 2 * length, end - length);
                let (now, shortly, ever) = (within(start, end), within(start - length, start), within(i64::MIN, start));
                let told = [
                    ("base", base),
                    ("churned", base && !within(end - length, end)),
                    ("new", now && !ever),
                    ("returning", now && shortly),
                    ("resurrected", now && ever && !shortly),
                    ("active", now),
                ];
                for (column, _) in told.iter().filter(|(_, is)| *is) {
                    let name = format!("{prefix}_{column}_{silence}_{step}");
                    *all.entry(name).or_default().entry(start).or_default() += 1;
                }
            }
        }
    }
    all
}

fn of_buckets(units: &[Vec<Happened>]) -> Counted {
    let mut all = Counted::new();
    for (name, ages) in BUCKETS {
        let buckets: Vec<BTreeSet<i64>> =
            units.iter().map(|rows| active_days(rows).into_iter().map(|at| ages.bucket(at).0).collect()).collect();
        let starts: BTreeMap<i64, i64> =
            units.iter().flat_map(|rows| active_days(rows)).map(|at| ages.bucket(at)).collect();
        let (first, last) = (*starts.keys().next().expect("some"), *starts.keys().last().expect("some"));
        for number in first..=last {
            let Some(start) = starts.get(&number) else { continue };
            for active in &buckets {
                let (now, before) = (active.contains(&number), active.contains(&(number - 1)));
                let ever = active.range(..number).next().is_some();
                let told = [
                    ("active", now),
                    ("new", now && !ever),
                    ("returning", now && before),
                    ("resurrected", now && ever && !before),
                    ("dormant", ever && !now),
                ];
                for (column, _) in told.iter().filter(|(_, is)| *is) {
                    *all.entry(format!("every_{column}_{name}")).or_default().entry(*start).or_default() += 1;
                }
            }
        }
    }
    all
}

#[test]
fn members_come_and_go_as_their_days_say() {
    support::engine!("clickhouse");
    let rows = "event where name in (\"a\", \"b\")";
    let mut text = String::new();
    for (prefix, whose) in [("silent", "user"), ("ways", "user per way")] {
        text += &format!("lifecycle {prefix} of {whose} {{ active: {rows}; silent: 2d, 5d }}\n");
        for silence in SILENCES {
            for column in ["base", "churned", "new", "returning", "resurrected", "active"] {
                for (step, _) in BUCKETS {
                    let name = format!("{prefix}_{column}_{silence}_{step}");
                    text +=
                        &format!("metric {name} = {prefix}.{column} at {silence}d {{ grain: {step}; serve: live }}\n");
                }
            }
        }
    }
    for (every, _) in BUCKETS {
        text += &format!("lifecycle every_{every} of user {{ active: {rows}; every: {every} }}\n");
        for column in ["active", "new", "returning", "resurrected", "dormant"] {
            let name = format!("every_{column}_{every}");
            text += &format!("metric {name} = every_{every}.{column} {{ grain: {every}; serve: live }}\n");
        }
    }
    let (warehouse, units) = world(&text, 400, 32_452_843);
    let mut expected = of_silences("silent", span(&units), &units);
    let of_ways: Vec<Vec<Happened>> = by_ways(&units).concat();
    expected.append(&mut of_silences("ways", span(&units), &of_ways));
    expected.append(&mut of_buckets(&units));
    let mut wrong = Vec::new();
    let answers = right::answers(&warehouse);
    for (name, answer) in &answers {
        let right = expected.remove(name).unwrap_or_default();
        let mut found: BTreeMap<i64, i64> = BTreeMap::new();
        for row in &answer.rows {
            match row.as_slice() {
                [Value::Timestamp(at), Value::Int(count)] if *count != 0 => drop(found.insert(*at, *count)),
                [Value::Timestamp(_), Value::Int(_) | Value::Null] => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        if right != found {
            wrong.push(format!("{name}: {right:?} is right, {found:?} came"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(expected.is_empty(), "{:?}", expected.keys());
    right::agrees_with(&warehouse, answers);
}
