//! Paths against a walk along the rows of each member, written from the words of the language: random small worlds, sessions, depths,
//! starts, goals and repeats, in the dry run and in ClickHouse.

mod support;
mod warehouse;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};

use metricc::plan::Value;
use warehouse::{Row, Warehouse, right};
use worlds::{Rng, SLOT, START, day};

const UNITS: usize = 600;
const PATHS: usize = 6;

const TABLES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
}
source event {
  table: "dwd.event"
  key: event_id
  time: at
  column event_id: string
  column at: timestamp(ms)
  column name: string?
  column user_id: user?
  column who: string
  column kind: string?
}
dimension who = event.who
dimension kind = event.kind else "none"
"#;

/// A declaration.
struct Declared {
    session: i64,
    depth: usize,
    start: &'static [&'static str],
    goal: &'static [&'static str],
    merge: bool,
    /// Whether a member is a unit of each kind.
    per: bool,
}

/// A row: when, its key, its name, and the value of a dimension.
#[derive(Clone)]
struct Happened {
    at: i64,
    key: String,
    name: Option<&'static str>,
    kind: Option<&'static str>,
}

/// A path as the definition has it.
struct Path {
    first: Happened,
    names: Vec<&'static str>,
    outcome: &'static str,
}

/// The paths of a member: from the definition.
fn paths(of: &Declared, rows: &[Happened]) -> Vec<Path> {
    let mut rows: Vec<&Happened> = rows.iter().filter(|row| row.name.is_some()).collect();
    rows.sort_by_key(|row| (row.at, row.key.clone()));
    let mut sessions: Vec<Vec<&Happened>> = Vec::new();
    for row in rows {
        match sessions.last_mut() {
            Some(session) if row.at - session[session.len() - 1].at <= of.session => session.push(row),
            _ => sessions.push(vec![row]),
        }
    }
    let mut found = Vec::new();
    for session in sessions {
        let from = match of.start {
            [] => Some(0),
            starts => session.iter().position(|row| starts.contains(&row.name.unwrap_or_default())),
        };
        let Some(from) = from else { continue };
        let mut names: Vec<&'static str> = Vec::new();
        let mut outcome = "dropoff";
        for row in &session[from..] {
            let name = row.name.unwrap_or_default();
            if of.merge && names.last() == Some(&name) {
                continue;
            }
            if names.len() == of.depth {
                outcome = "depth";
                break;
            }
            names.push(name);
            if of.goal.contains(&name) {
                outcome = "goal";
                break;
            }
        }
        found.push(Path { first: session[from].clone(), names, outcome });
    }
    found
}

/// A metric by its keys.
type Found = BTreeMap<Vec<String>, i64>;

/// What the metrics of a declaration are of the paths of all members.
fn expected(of: &Declared, worlds: &[Vec<Happened>]) -> BTreeMap<&'static str, Found> {
    let mut all: BTreeMap<&'static str, Found> = BTreeMap::new();
    for (unit, rows) in worlds.iter().enumerate() {
        for path in paths(of, rows) {
            let kind = path.first.kind.unwrap_or("none").to_owned();
            let base = vec![day(path.first.at).to_string(), format!("u{unit}"), kind];
            let mut add = |metric: &'static str, more: &[String]| {
                let key = base.iter().chain(more).cloned().collect();
                *all.entry(metric).or_default().entry(key).or_default() += 1;
            };
            let outcome = path.outcome.to_owned();
            add("sessions", &[path.names.join(" > "), outcome.clone()]);
            for (at, name) in path.names.iter().enumerate() {
                add("nodes", &[(at + 1).to_string(), (*name).to_owned(), outcome.clone()]);
                if let Some(next) = path.names.get(at + 1) {
                    add("edges", &[(at + 1).to_string(), (*name).to_owned(), (*next).to_owned()]);
                }
            }
            if outcome == "dropoff" {
                add("dropoff", &[path.names.len().to_string(), path.names[path.names.len() - 1].to_owned()]);
            }
            if outcome == "goal" {
                add("completed", &[]);
            }
            all.entry("users").or_default().insert(base.clone(), 1);
            if outcome == "goal" {
                let least = all.entry("shortest").or_default().entry(base).or_insert(i64::MAX);
                *least = (*least).min(path.names.len() as i64);
            }
        }
    }
    all
}

const COLUMNS: [(&str, &str); 7] = [
    ("sessions", ", path, outcome"),
    ("users", ""),
    ("nodes", ", step, node, outcome"),
    ("edges", ", step, from, to"),
    ("dropoff", ", step, node"),
    ("completed", ""),
    ("shortest", ""),
];

fn text(at: usize, of: &Declared) -> String {
    let quoted = |key: &str, names: &[&str]| match names {
        [] => String::new(),
        names => {
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("; {key}: {}", names.join(", "))
        }
    };
    let merge = if of.merge { "; repeats: merge" } else { "" };
    let per = if of.per { " per kind" } else { "" };
    let mut text = format!(
        "path p{at} of user{per} {{ events: event; name: name; session: {}ms; depth: {}{}{}{merge} }}\n",
        of.session,
        of.depth,
        quoted("start", of.start),
        quoted("goal", of.goal)
    );
    for (column, by) in COLUMNS {
        if !of.goal.is_empty() || !["completed", "shortest"].contains(&column) {
            text +=
                &format!("metric p{at}_{column} = p{at}.{column} {{ grain: 1d; by: who, kind{by}; serve: live }}\n");
        }
    }
    text
}

fn rows_of(unit: usize, rng: &mut Rng) -> Vec<Happened> {
    let count = rng.below(12);
    let row = |place: usize, rng: &mut Rng| Happened {
        // Many rows share an instant; their keys are in no order.
        at: START + SLOT * rng.below(16) as i64 + if rng.below(6) == 0 { 1 } else { 0 },
        key: format!("{unit}-{}{place}", rng.below(10)),
        name: rng.one(&[Some("a"), Some("a"), Some("b"), Some("b"), Some("c"), Some("x"), None]),
        kind: rng.one(&[Some("p"), Some("q"), None]),
    };
    (0..count).map(|place| row(place, rng)).collect()
}

#[test]
fn paths_are_what_a_walk_along_the_rows_finds() {
    support::engine!("clickhouse");
    let mut rng = Rng(7_919);
    let mut declared = Vec::new();
    for at in 0..PATHS {
        declared.push(Declared {
            session: SLOT * (1 + rng.below(3) as i64),
            depth: 2 + rng.below(4),
            start: rng.one(&[&[][..], &["a"], &["a", "b"]]),
            goal: rng.one(&[&[][..], &["c"], &["c", "x"]]),
            merge: rng.below(2) == 0,
            per: at % 3 == 2,
        });
    }
    let mut declarations = TABLES.to_owned();
    declared.iter().enumerate().for_each(|(at, of)| declarations += &text(at, of));
    let warehouse = Warehouse::new("Asia/Shanghai", &declarations);
    let worlds: Vec<Vec<Happened>> = (0..UNITS).map(|unit| rows_of(unit, &mut rng)).collect();
    let stored = worlds.iter().enumerate().flat_map(|(unit, rows)| {
        rows.iter().map(move |row| {
            let who = Some(format!("u{unit}"));
            let (name, kind) = (row.name.map(str::to_owned), row.kind.map(str::to_owned));
            vec![Some(row.key.clone()), Some(row.at.to_string()), name, who.clone(), who, kind] as Row
        })
    });
    warehouse.insert_rows("event", stored.collect());
    let mut said: BTreeMap<String, Found> = BTreeMap::new();
    let answers = right::answers(&warehouse);
    for (name, answer) in &answers {
        let mut found = Found::new();
        for row in &answer.rows {
            let (keys, values) = row.split_at(answer.keys);
            let [Value::Int(value)] = values else { panic!("{name}: {row:?}") };
            let key = keys.iter().map(|key| match key {
                Value::Timestamp(number) | Value::Int(number) => number.to_string(),
                Value::String(text) => text.clone(),
                other => panic!("{name}: {other:?}"),
            });
            found.insert(key.collect(), *value);
        }
        said.insert(name.clone(), found);
    }
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (at, of) in declared.iter().enumerate() {
        // Rows of one kind are all that there is to a unit of it.
        let kinds: &[Option<&str>] = if of.per { &[Some("p"), Some("q"), None] } else { &[None] };
        let mut right = BTreeMap::new();
        for kind in kinds {
            let own = |row: &&Happened| !of.per || row.kind == *kind;
            let rows = |rows: &Vec<Happened>| rows.iter().filter(own).cloned().collect();
            let units: Vec<Vec<Happened>> = worlds.iter().map(rows).collect();
            for (column, found) in expected(of, &units) {
                right.entry(column).or_insert_with(Found::new).extend(found);
            }
        }
        for (name, found) in said.iter().filter(|(name, _)| name.starts_with(&format!("p{at}_"))) {
            let column = name.split_once('_').map_or("", |(_, column)| column);
            let right = right.remove(column).unwrap_or_default();
            assert!(!right.is_empty(), "{name} is of nothing");
            compared += right.len();
            let keys: BTreeSet<_> = right.keys().chain(found.keys()).collect();
            let mut differ = keys.into_iter().filter(|key| right.get(*key) != found.get(*key));
            if let Some(key) = differ.next() {
                let mut rows = worlds[key[1][1..].parse::<usize>().expect("a number")].clone();
                rows.sort_by_key(|row| (row.at, row.key.clone()));
                let rows: Vec<String> = rows
                    .iter()
                    .map(|row| format!("{}{}", (row.at - START) as f64 / SLOT as f64, row.name.unwrap_or("-")))
                    .collect();
                wrong.push(format!(
                    "{name} at {key:?}, {} more: {:?} is right, {:?} came\n{}rows: {}",
                    differ.count(),
                    right.get(key),
                    found.get(key),
                    text(at, of),
                    rows.join(" ")
                ));
            }
        }
        // What has a goal has the columns of one, and nothing is left over.
        let left: Vec<&&str> = right.keys().collect();
        assert!(left.is_empty(), "p{at}: nobody asked for {left:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(compared > 10_000, "{compared}");
    right::agrees_with(&warehouse, answers);
}
