//! Conversions against a search of all pairs of rows, written from the words of the language: random small units, every credit,
//! windows, values to match, in the dry run and in ClickHouse.

mod support;
mod warehouse;
mod worlds;

use std::collections::BTreeMap;

use warehouse::{Row, Warehouse, right};
use worlds::{Found, Rng, SLOT, START, TABLES, by_ways, day, said, ways};

const UNITS: usize = 6_000;

struct Declared {
    credit: &'static str,
    within: i64,
    same_day: bool,
    matched: bool,
    /// Whether a member is a unit in each way.
    per: bool,
}

/// A row: when, its key, whether it leads, and the name of an event.
#[derive(Clone)]
struct Happened {
    at: i64,
    key: String,
    name: &'static str,
}

/// The rows that are credited, by the place of the leading row: from the definition.
fn credited(of: &Declared, leading: &[&Happened], following: &[&Happened]) -> Vec<Vec<i64>> {
    let mut all = vec![Vec::new(); leading.len()];
    for row in following {
        let fits = |lead: &&Happened| {
            let inside = if of.same_day { day(lead.at) == day(row.at) } else { row.at - lead.at <= of.within };
            lead.at <= row.at && inside && (!of.matched || lead.name == row.name)
        };
        let mut candidates: Vec<usize> = (0..leading.len()).filter(|place| fits(&leading[*place])).collect();
        candidates.sort_by_key(|place| (leading[*place].at, leading[*place].key.clone()));
        let chosen = match of.credit {
            "first" => candidates.first().into_iter().copied().collect(),
            "last" => candidates.last().into_iter().copied().collect(),
            _ => candidates,
        };
        chosen.into_iter().for_each(|place| all[place].push(row.at));
    }
    all
}

#[test]
fn rows_are_credited_as_a_search_of_all_pairs_says() {
    support::engine!("clickhouse");
    let mut rng = Rng(104_729);
    let mut declared = Vec::new();
    for credit in ["first", "last", "each"] {
        // By credit: of members, and of members in each way.
        let plain =
            [(false, false), (false, true), (true, false)].map(|(same_day, matched)| (same_day, matched, false));
        let per = match credit {
            "first" => vec![(false, false, true)],
            "last" => vec![(false, false, true), (false, true, true)],
            _ => vec![(true, false, true)],
        };
        for (same_day, matched, per) in plain.into_iter().chain(per) {
            declared.push(Declared { credit, within: SLOT * (1 + rng.below(6) as i64), same_day, matched, per });
        }
    }
    let mut text = TABLES.to_owned() + &ways("-");
    for (at, of) in declared.iter().enumerate() {
        let within = if of.same_day { "same 1d".to_owned() } else { format!("{}m", of.within / 60_000) };
        let (to, matched) =
            if of.matched { ("event where name in (\"a\", \"b\")", "match: name; ") } else { ("order", "") };
        let from =
            if of.matched { "event where name in (\"a\", \"b\", \"c\")" } else { "event where name in (\"a\", \"b\")" };
        let per = if of.per { " per way" } else { "" };
        text += &format!(
            "conversion c{at} of user{per} {{ from: {from}; to: {to}; within: {within}; credit: {}; {matched}by: who; partial: true }}\n",
            of.credit
        );
        let body = "{ grain: 1d; by: who; serve: live }";
        for column in ["base", "converted", "users"] {
            text += &format!("metric c{at}_{column} = c{at}.{column} {body}\n");
        }
        text += &format!("metric c{at}_value = c{at}.value(count({to})) {body}\n");
    }
    let warehouse = Warehouse::new("Asia/Shanghai", &text);
    let (mut events, mut orders): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    let mut units: Vec<Vec<Happened>> = Vec::new();
    for unit in 0..UNITS {
        let mut rows = Vec::new();
        for place in 0..rng.below(8) {
            let name = rng.one(&["a", "a", "b", "c", "order", "order"]);
            let row = Happened { at: START + SLOT * rng.below(12) as i64, key: format!("{unit}-{place}"), name };
            let (id, when, who) = (Some(row.key.clone()), Some(row.at.to_string()), Some(format!("u{unit}")));
            match name {
                "order" => orders.push(vec![id, when, who.clone(), who]),
                name => events.push(vec![id, when, Some(name.to_owned()), who.clone(), who]),
            }
            rows.push(row);
        }
        units.push(rows);
    }
    warehouse.insert_rows("event", events);
    warehouse.insert_rows("order", orders);
    let answers = right::answers(&warehouse);
    let said = said(&answers);
    let mut wrong = Vec::new();
    for (at, of) in declared.iter().enumerate() {
        let mut expected: BTreeMap<String, Found> = BTreeMap::new();
        let mut users = Found::new();
        // What leads is of a way, and what follows need not be.
        let led = if of.per { by_ways(&units) } else { vec![units.clone()] };
        for (unit, own) in led.iter().flat_map(|way| way.iter().enumerate()) {
            let rows = &units[unit];
            let leads = |row: &&Happened| ["a", "b"].contains(&row.name) || (of.matched && row.name == "c");
            let follows =
                |row: &&Happened| if of.matched { ["a", "b"].contains(&row.name) } else { row.name == "order" };
            let leading: Vec<&Happened> = own.iter().filter(leads).collect();
            let following: Vec<&Happened> = rows.iter().filter(follows).collect();
            let credited = credited(of, &leading, &following);
            let mut add = |column: &str, row: &Happened, value: i64| {
                let key = (day(row.at), format!("u{unit}"));
                *expected.entry(format!("c{at}_{column}")).or_default().entry(key).or_default() += value;
            };
            let mut converted = std::collections::BTreeSet::new();
            for (lead, to) in leading.iter().zip(credited) {
                add("base", lead, 1);
                if !to.is_empty() {
                    add("converted", lead, 1);
                    add("value", lead, to.len() as i64);
                    converted.insert(day(lead.at));
                }
            }
            for day in converted {
                *users.entry((day, format!("u{unit}"))).or_default() += 1;
            }
        }
        expected.insert(format!("c{at}_users"), users);
        for column in ["base", "converted", "users", "value"] {
            let name = format!("c{at}_{column}");
            let (right, found) = (expected.remove(&name).unwrap_or_default(), &said[&name]);
            let keys: std::collections::BTreeSet<_> = right.keys().chain(found.keys()).collect();
            let mut differ = keys.into_iter().filter(|key| right.get(*key) != found.get(*key));
            if let Some(key) = differ.next() {
                let unit: usize = key.1[1..].parse().expect("a number");
                let rows: Vec<String> =
                    units[unit].iter().map(|row| format!("{}{}", (row.at - START) / SLOT, row.name)).collect();
                wrong.push(format!(
                    "{name} ({}, same day {}, matched {}, per {}), {} more: {:?} is right, {:?} came; rows: {}",
                    of.credit,
                    of.same_day,
                    of.matched,
                    of.per,
                    differ.count(),
                    right.get(key),
                    found.get(key),
                    rows.join(" ")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    right::agrees_with(&warehouse, answers);
}
