//! Funnels against a search of all chains, written from the words of the language: random small units, every order, window, gap,
//! exclusion and optional step, in the dry run and in ClickHouse.

#[path = "funnels/search.rs"]
mod search;
mod support;
mod warehouse;
mod worlds;

use std::collections::BTreeMap;

use search::{Exclude, Funnel, Happened, Order, Unit, Window};
use warehouse::{Row, Warehouse, right};
use worlds::{Found, Rng, SLOT, START, TABLES, by_ways, day, said, ways};

/// Members of each world; in the last one a member is a unit in each way. Each world has eight funnels.
const WORLDS: [usize; 3] = [7_000, 7_000, 1_500];
const FUNNELS: usize = 8;

/// What a row must be to serve a step: an event with one of some names, or an order.
const KINDS: [&str; 7] = ["a", "b", "c", "ab", "bc", "abc", "order"];

fn funnel(rng: &mut Rng, at: usize) -> Funnel {
    let order = match at {
        2 => Order::Strict,
        3 => Order::Any,
        _ => Order::Ordered,
    };
    // No row serves two steps, and nothing else is special.
    let plain = at > 5;
    let mut steps: Vec<&'static str> = Vec::new();
    let count = 2 + rng.below(3);
    let kinds: Vec<&str> = match (order, at) {
        (Order::Any, _) => vec!["a", "b", "c", "order"],
        (Order::Strict, _) => KINDS[..6].to_vec(),
        // The funnel with a step that may be missing.
        _ if at == 4 || plain => vec!["a", "b", "c", "order"],
        _ => KINDS.to_vec(),
    };
    while steps.len() < count {
        let kind = rng.one(&kinds);
        let distinct = matches!(order, Order::Any) || at == 4 || plain;
        if !(distinct && steps.contains(&kind)) {
            steps.push(kind);
        }
    }
    let optional: Vec<bool> = (0..count).map(|step| at == 4 && step > 0 && rng.below(2) == 0).collect();
    // Two steps may not be missing.
    let optional = if optional.iter().filter(|one| !**one).count() < 2 { vec![false; count] } else { optional };
    let window = if rng.below(4) == 0 { Window::SameDay } else { Window::Elapsed(SLOT * (1 + rng.below(9) as i64)) };
    let mut exclusions = Vec::new();
    let required: Vec<usize> = (0..count).filter(|step| !optional[*step]).collect();
    if (at == 5 || at == 4) && order == Order::Ordered {
        let after = rng.below(required.len() - 1);
        let before = after + 1 + rng.below(required.len() - after - 1);
        exclusions.push(Exclude { after: required[after], before: required[before], drop: rng.below(2) == 0 });
    }
    let increasing = at == 7 || (!plain && order != Order::Any && rng.below(4) == 0);
    Funnel { order, steps, optional, window, increasing, exclusions }
}

fn condition(kind: &str) -> String {
    match kind {
        "order" => "order".to_owned(),
        names => {
            let names: Vec<String> = names.chars().map(|name| format!("\"{name}\"")).collect();
            format!("event where name in ({})", names.join(", "))
        }
    }
}

fn declaration(at: usize, funnel: &Funnel, per: &str) -> String {
    let mut text = format!("funnel f{at} of user{per} {{\n");
    for (step, kind) in funnel.steps.iter().enumerate() {
        let optional = if funnel.optional[step] { " optional" } else { "" };
        text += &format!("  step s{step} = {}{optional}\n", condition(kind));
    }
    for (at, exclude) in funnel.exclusions.iter().enumerate() {
        let drop = if exclude.drop { " drop" } else { "" };
        text += &format!(
            "  exclude x{at} = event where name = \"x\" after s{} before s{}{drop}\n",
            exclude.after, exclude.before
        );
    }
    let within = match funnel.window {
        Window::Elapsed(ms) => format!("{}m", ms / 60_000),
        Window::SameDay => "same 1d".to_owned(),
    };
    let order = match funnel.order {
        Order::Ordered => "ordered",
        Order::Strict => "strict",
        Order::Any => "any",
    };
    let gap = if funnel.increasing { "; gap: increasing" } else { "" };
    text += &format!("  within: {within}; order: {order}; by: who; partial: true{gap}\n}}\n");
    let body = "{ grain: 1d; by: who; serve: live }";
    text += &format!("metric f{at}_entered = f{at}.entered {body}\n");
    for step in 1..funnel.steps.len() {
        text += &format!("metric f{at}_r{step} = f{at}.reached(s{step}) {body}\n");
        text += &format!("metric f{at}_t{step} = max(f{at}.time(s0, s{step})) {body}\n");
    }
    text
}

/// What happens to a unit: few rows at few instants, so that many of them share one.
fn happened(rng: &mut Rng) -> Vec<Happened> {
    let count = rng.below(8);
    let row = |rng: &mut Rng| Happened {
        at: START + SLOT * rng.below(12) as i64,
        name: rng.one(&["a", "a", "b", "b", "c", "x", "order"]),
    };
    (0..count).map(|_| row(rng)).collect()
}

#[test]
fn every_unit_goes_as_far_as_a_search_of_all_chains_says() {
    support::engine!("clickhouse");
    let mut wrong = Vec::new();
    for (world, count) in (1..).zip(WORLDS) {
        let mut rng = Rng(world * 7_919);
        let is_per = world == 3;
        let per = if is_per { " per way" } else { "" };
        let funnels: Vec<Funnel> = (0..FUNNELS).map(|at| funnel(&mut rng, at)).collect();
        let declared: String = funnels.iter().enumerate().map(|(at, funnel)| declaration(at, funnel, per)).collect();
        let warehouse = Warehouse::new("Asia/Shanghai", &format!("{TABLES}{}{declared}", ways("-")));
        let units: Vec<Vec<Happened>> = (0..count).map(|_| happened(&mut rng)).collect();
        let (mut events, mut orders): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
        for (unit, rows) in units.iter().enumerate() {
            for (at, row) in rows.iter().enumerate() {
                let id = Some(format!("{unit}-{at}"));
                let (when, who) = (Some(row.at.to_string()), Some(format!("u{unit}")));
                match row.name {
                    "order" => orders.push(vec![id, when, who.clone(), who]),
                    name => events.push(vec![id, when, Some(name.to_owned()), who.clone(), who]),
                }
            }
        }
        warehouse.insert_rows("event", events);
        warehouse.insert_rows("order", orders);
        let answers = right::answers(&warehouse);
        let said = said(&answers);
        let parts = if is_per { by_ways(&units) } else { vec![units.clone()] };
        for (at, funnel) in funnels.iter().enumerate() {
            let mut expected: BTreeMap<String, Found> = BTreeMap::new();
            for (unit, rows) in parts.iter().flat_map(|part| part.iter().enumerate()) {
                for (day, outcome) in search::outcomes(funnel, rows, day) {
                    let Unit { reached, took } = outcome;
                    let key = (day, format!("u{unit}"));
                    let mut put = |name: String, value: i64, also: fn(i64, i64) -> i64| {
                        let known = expected.entry(name).or_default().entry(key.clone());
                        known.and_modify(|known| *known = also(*known, value)).or_insert(value);
                    };
                    put(format!("f{at}_entered"), 1, i64::wrapping_add);
                    for step in 1..funnel.steps.len() {
                        if reached[step] {
                            put(format!("f{at}_r{step}"), 1, i64::wrapping_add);
                        }
                        if let Some(took) = took[step] {
                            put(format!("f{at}_t{step}"), took, i64::max);
                        }
                    }
                }
            }
            let names = said.keys().filter(|name| name.starts_with(&format!("f{at}_")));
            for name in names {
                let (right, found) = (expected.remove(name).unwrap_or_default(), &said[name]);
                let keys: std::collections::BTreeSet<_> = right.keys().chain(found.keys()).collect();
                let mut differ = keys.into_iter().filter(|key| right.get(*key) != found.get(*key));
                if let Some(key) = differ.next() {
                    let unit: usize = key.1[1..].parse().expect("a number");
                    let mut rows = units[unit].clone();
                    rows.sort_by_key(|row| row.at);
                    let rows: Vec<String> =
                        rows.iter().map(|row| format!("{}{}", (row.at - START) / SLOT, row.name)).collect();
                    wrong.push(format!(
                        "world {world}, {name}, {} more: {:?} is right, {:?} came\n{}\nrows: {}",
                        differ.count(),
                        right.get(key),
                        found.get(key),
                        declaration(at, funnel, per),
                        rows.join(" ")
                    ));
                }
            }
        }
        right::agrees_with(&warehouse, answers);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
