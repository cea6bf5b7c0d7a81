//! Experiments against an independent package of statistics: random small worlds whose units a search through all rows finds, written
//! from the words of the language; what is told of those comes from statsmodels and SciPy. In the dry run and in ClickHouse.
#![cfg(feature = "dry-run")]

mod support;
mod warehouse;
mod worlds;

use std::collections::BTreeMap;

use metricc::plan::Value;
use metricc::table::Answer;
use serde_json::{Value as Json, json};

use warehouse::{Row, Warehouse, right};
use worlds::{Rng, START};

const WORLDS: usize = 5;
const EXPERIMENTS: usize = 1;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const SCRIPT: &str = include_str!("experiments/statistics.py");

const TABLES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
}
source exposure {
  table: "dwd.exposure"
  key: id
  time: at
  column id: string
  column at: timestamp(ms)
  column user_id: user?
  column bucket: string?
  column channel: string
}
source order {
  table: "dwd.order"
  key: id
  time: at
  column id: string
  column at: timestamp(ms)
  column user_id: user?
  column paid: decimal(10,2)?
}
dimension arm = exposure.bucket else "none"
dimension channel = exposure.channel
metric gmv     = sum(paid from order)                        { better: up }
metric orders  = count(order)                                { better: down }
metric buyers  = distinct(user_id from order)
metric basket  = gmv / orders                                { better: up }
metric average = avg(paid from order where paid > 2)         { better: down }
metric refunds = sum(paid from order where paid < 0)
metric margin  = gmv * 0.5 - 2 * refunds                     { better: up }
"#;
const METRICS: [&str; 6] = ["gmv", "orders", "buyers", "basket", "average", "margin"];

/// An exposure or an order: when, whose; in which variant and channel, or what was paid.
#[derive(Clone, Debug)]
struct Exposed {
    at: i64,
    id: String,
    who: Option<usize>,
    bucket: Option<&'static str>,
    channel: &'static str,
}

#[derive(Clone, Debug)]
struct Order {
    at: i64,
    who: Option<usize>,
    paid: Option<i64>,
}

#[derive(Debug)]
struct Declared {
    within: i64,
    cuped: Option<i64>,
    method: &'static str,
    relative: bool,
    two: bool,
    alpha: f64,
    prior: Option<(f64, f64)>,
    strata: bool,
    split: bool,
    /// Whether variants are those of a dimension that is never null.
    arm: bool,
    partial: bool,
    metrics: Vec<&'static str>,
}

impl Declared {
    fn random(rng: &mut Rng, text: &mut String, name: &str) -> Declared {
        let method = rng.one(&["frequentist", "frequentist", "bayesian", "sequential"]);
        let relative = rng.below(2) == 0;
        let deviation = if relative { 0.2 } else { 1.5 };
        let prior = match method {
            "frequentist" => None,
            "sequential" => Some((0.0, deviation)),
            _ => rng.one(&[None, Some((0.1, deviation))]),
        };
        let of = Declared {
            within: rng.one(&[12 * HOUR, DAY, 3 * DAY, 5 * DAY]),
            cuped: rng.one(&[None, Some(2 * DAY), Some(6 * DAY)]),
            method,
            relative,
            two: method != "frequentist" || rng.below(3) > 0,
            alpha: rng.one(&[0.05, 0.1, 0.01]),
            prior,
            strata: rng.below(3) == 0,
            split: rng.below(3) == 0,
            arm: rng.below(3) == 0,
            partial: rng.below(2) == 0,
            metrics: vec![rng.one(&METRICS[..3]), rng.one(&METRICS[3..])],
        };
        let variant = if of.arm { "arm" } else { "bucket" };
        *text += &format!("experiment {name} of user {{\n  variant: {variant}; control: \"a\"; expose: exposure\n");
        *text += &format!("  metrics: {}; within: {}h; method: {method}\n", of.metrics.join(", "), of.within / HOUR);
        *text += &format!("  difference: {}; alpha: {}\n", if relative { "relative" } else { "absolute" }, of.alpha);
        let mut add = |condition: bool, item: String| *text += &if condition { item + "\n" } else { String::new() };
        add(!of.two, "  sides: one".to_owned());
        add(of.cuped.is_some(), format!("  cuped: {}h", of.cuped.unwrap_or(0) / HOUR));
        add(of.strata, "  stratify: channel".to_owned());
        add(of.split, "  split: \"a\" = 40%, \"b\" = 60%".to_owned());
        add(of.partial, "  partial: true".to_owned());
        if let Some((mean, deviation)) = of.prior {
            let mean = if method == "sequential" { String::new() } else { format!("mean: {mean}, ") };
            add(true, format!("  prior: normal({mean}sd: {deviation})"));
        }
        *text += "}\n";
        of
    }

    /// The columns that are asked for of a metric.
    fn columns(&self) -> Vec<&'static str> {
        let mut columns = vec!["mean", "variance", "difference", "lower"];
        if !self.two {
            columns.push("upper");
        }
        match self.method {
            "bayesian" => columns.extend(["expected", "probability"]),
            _ => columns.push("p_value"),
        }
        if self.cuped.is_some() || self.strata {
            columns.push("adjusted");
        }
        columns
    }

    fn metric_names(&self, at: usize, text: &mut String) {
        let body = "serve: live";
        for column in ["units", "excluded", "sample_ratio"] {
            *text += &format!("metric {column}_{at} = x{at}.{column} {{ {body}; by: x{at}.variant }}\n");
        }
        for metric in &self.metrics {
            for column in self.columns() {
                *text += &format!(
                    "metric {column}_{metric}_{at} = x{at}.{column}({metric}) {{ {body}; by: x{at}.variant }}\n"
                );
            }
        }
    }

    /// The units, each with what is measured of it for a metric, and the numbers of those that saw several variants.
    fn units(&self, metric: &str, world: &World) -> (Vec<Json>, BTreeMap<&'static str, usize>) {
        let end = world.exposures.iter().map(|row| row.at).chain(world.orders.iter().map(|row| row.at)).max();
        let mut units = Vec::new();
        let mut excluded = BTreeMap::new();
        for who in 0..world.members {
            let variant = |row: &Exposed| row.bucket.or(self.arm.then_some("none"));
            let mut seen: Vec<&Exposed> =
                world.exposures.iter().filter(|row| row.who == Some(who) && variant(row).is_some()).collect();
            seen.sort_by_key(|row| (row.at, row.id.clone()));
            let Some(first) = seen.first() else { continue };
            if !self.partial && end.is_none_or(|end| first.at + self.within > end) {
                continue;
            }
            let crossed = seen.iter().any(|row| variant(row) != variant(first));
            let variant = variant(first).unwrap_or_default();
            if crossed {
                *excluded.entry(variant).or_default() += 1;
            }
            let own = |from: i64, to: i64| -> Vec<&Order> {
                let rows = world.orders.iter();
                rows.filter(|row| row.who == Some(who) && from <= row.at && row.at < to).collect()
            };
            let (y, d) = measured(metric, &own(first.at, first.at + self.within));
            let (x, xd) = measured(metric, &own(first.at - self.cuped.unwrap_or(0), first.at));
            units.push(json!({
                "variant": variant, "crossed": crossed, "stratum": first.channel, "y": y, "d": d, "x": x, "xd": xd,
            }));
        }
        (units, excluded)
    }

    fn case(&self, metric: &str, units: Vec<Json>) -> Json {
        let down = ["orders", "average"].contains(&metric);
        json!({
            "cuped": self.cuped.is_some(), "method": self.method, "relative": self.relative, "two": self.two,
            "alpha": self.alpha, "prior": self.prior, "strata": self.strata,
            "split": if self.split { json!([["a", 0.4], ["b", 0.6]]) } else { Json::Null },
            "down": down, "units": units,
        })
    }
}

/// What a metric is of a unit: a number, and for a quotient what it is divided by.
fn measured(metric: &str, rows: &[&Order]) -> (f64, Option<f64>) {
    let paid = |least: i64| rows.iter().filter_map(|row| row.paid).filter(move |paid| *paid > least);
    let sum = |least: i64| paid(least).sum::<i64>() as f64 / 100.0;
    let count = rows.len() as f64;
    match metric {
        "gmv" => (sum(i64::MIN), None),
        "orders" => (count, None),
        "buyers" => (if rows.is_empty() { 0.0 } else { 1.0 }, None),
        "basket" => (sum(i64::MIN), Some(count)),
        "average" => (sum(200), Some(paid(200).count() as f64)),
        _ => {
            let refunds: i64 = rows.iter().filter_map(|row| row.paid).filter(|paid| *paid < 0).sum();
            (sum(i64::MIN) * 0.5 - 2.0 * refunds as f64 / 100.0, None)
        }
    }
}

struct World {
    members: usize,
    exposures: Vec<Exposed>,
    orders: Vec<Order>,
}

impl World {
    fn random(rng: &mut Rng) -> World {
        let members = 4 + rng.below(60);
        let span = 10 * 24;
        let variants: &[&'static str] = rng.one(&[&["a", "b"][..], &["a", "b"], &["a", "b", "c"]]);
        let (mut exposures, mut orders) = (Vec::new(), Vec::new());
        for who in 0..members {
            let own = rng.one(variants);
            for _ in 0..1 + rng.below(3) {
                let at = START + (4 * 24 + rng.below(span)) as i64 * HOUR;
                let crosses = rng.below(20) == 0;
                let bucket =
                    if rng.below(15) == 0 { None } else { Some(if crosses { rng.one(variants) } else { own }) };
                let who = if rng.below(20) == 0 { None } else { Some(who) };
                let id = format!("e{}", exposures.len());
                exposures.push(Exposed { at, id, who, bucket, channel: rng.one(&["web", "app"]) });
            }
            for _ in 0..rng.below(12) {
                let at = START + rng.below(4 * 24 + span) as i64 * HOUR;
                let paid = if rng.below(8) == 0 { None } else { Some(rng.below(1_500) as i64 - 100) };
                orders.push(Order { at, who: if rng.below(20) == 0 { None } else { Some(who) }, paid });
            }
        }
        World { members, exposures, orders }
    }

    fn insert(&self, warehouse: &Warehouse) {
        let name = |who: Option<usize>| who.map(|who| format!("u{who}"));
        let exposures: Vec<Row> = (self.exposures.iter())
            .map(|row| {
                let bucket = row.bucket.map(str::to_owned);
                vec![
                    Some(row.id.clone()),
                    Some(row.at.to_string()),
                    name(row.who),
                    bucket,
                    Some(row.channel.to_owned()),
                ]
            })
            .collect();
        let orders: Vec<Row> = (self.orders.iter().enumerate())
            .map(|(at, row)| {
                let paid = row.paid.map(|cents| format!("{:.2}", cents as f64 / 100.0));
                vec![Some(format!("o{at}")), Some(row.at.to_string()), name(row.who), paid]
            })
            .collect();
        warehouse.insert_rows("user", (0..self.members).map(|who| vec![name(Some(who))]).collect());
        warehouse.insert_rows("exposure", exposures);
        warehouse.insert_rows("order", orders);
    }
}

/// What the dry run says of each metric, by variant.
fn said(answers: &[(String, Answer)]) -> BTreeMap<String, BTreeMap<String, Option<f64>>> {
    let number = |name: &str, row: &[Value]| match row {
        [Value::String(variant), Value::Float(number)] => (variant.clone(), Some(*number)),
        [Value::String(variant), Value::Int(number)] => (variant.clone(), Some(*number as f64)),
        [Value::String(variant), Value::Null] => (variant.clone(), None),
        other => panic!("{name}: {other:?}"),
    };
    // The others are what is measured.
    let is_asked = |name: &str| name.ends_with(|last: char| last.is_ascii_digit());
    let answers = answers.iter().filter(|(name, _)| is_asked(name));
    answers.map(|(name, answer)| (name.clone(), answer.rows.iter().map(|row| number(name, row)).collect())).collect()
}

/// Whether both are the same up to a millionth.
fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).min(1.0) + 1e-9 * a.abs().max(b.abs()) + 1e-12
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[test]
fn numbers_are_those_of_an_independent_package() {
    support::engine!("clickhouse");
    support::engine!("statistics");
    let python = support::provision::statistics().unwrap_or_else(|error| panic!("{error}"));
    let mut rng = Rng(32_452_843);
    let mut cases = Vec::new();
    let mut found = Vec::new();
    let mut wrong = Vec::new();
    for world in 0..WORLDS {
        let mut text = TABLES.to_owned();
        let declared: Vec<Declared> =
            (0..EXPERIMENTS).map(|at| Declared::random(&mut rng, &mut text, &format!("x{at}"))).collect();
        declared.iter().enumerate().for_each(|(at, of)| of.metric_names(at, &mut text));
        let warehouse = Warehouse::new("Asia/Shanghai", &text);
        let rows = World::random(&mut rng);
        rows.insert(&warehouse);
        let answers = right::answers(&warehouse);
        let said = said(&answers);
        for (at, of) in declared.iter().enumerate() {
            for metric in &of.metrics {
                let (units, excluded) = of.units(metric, &rows);
                let excluded: BTreeMap<String, Option<f64>> =
                    excluded.into_iter().map(|(variant, n)| (variant.to_owned(), Some(n as f64))).collect();
                if said[&format!("excluded_{at}")] != excluded {
                    wrong.push(format!(
                        "world {world}: excluded of {of:?}: {excluded:?} is right, {:?} came",
                        said[&format!("excluded_{at}")]
                    ));
                }
                cases.push(of.case(metric, units));
                let columns =
                    of.columns().into_iter().map(|column| (column, said[&format!("{column}_{metric}_{at}")].clone()));
                let of_units =
                    ["units", "sample_ratio"].map(|column| (column, said[&format!("{column}_{at}")].clone()));
                found.push((format!("world {world}: {metric} of {of:?}"), columns.chain(of_units).collect::<Vec<_>>()));
            }
        }
        right::agrees_with(&warehouse, answers);
    }
    let told = support::python::run(python, SCRIPT, &Json::Array(cases)).unwrap_or_else(|error| panic!("{error}"));
    let mut known = 0;
    for (told, (name, columns)) in told.as_array().expect("a list").iter().zip(&found) {
        let variants = told.as_object().expect("an object");
        for (column, by_variant) in columns {
            for (variant, row) in variants {
                let expected = row[*column].as_f64();
                known += usize::from(expected.is_some());
                let came = by_variant.get(variant).copied().flatten();
                if !same(expected, came) {
                    wrong.push(format!("{name}: {column} of {variant}: {expected:?} is right, {came:?} came"));
                }
            }
            let more: Vec<&String> = by_variant.keys().filter(|variant| !variants.contains_key(*variant)).collect();
            if !more.is_empty() {
                wrong.push(format!("{name}: {column}: there is no {more:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong, the first:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
    assert!(known > 120, "{known} numbers were compared");
}

#[test]
fn sizes_are_those_of_an_independent_package() {
    use metricc::power::{Baseline, Plan};
    support::engine!("statistics");
    let python = support::provision::statistics().unwrap_or_else(|error| panic!("{error}"));
    let mut rng = Rng(7_919);
    let mut plans = Vec::new();
    for _ in 0..60 {
        let is_rate = rng.below(2) == 0;
        let baseline = match is_rate {
            true => Baseline::Rate(rng.one(&[0.02, 0.1, 0.5])),
            false => Baseline::Mean { mean: 20.0, deviation: rng.one(&[5.0, 60.0]) },
        };
        let plan = Plan {
            baseline,
            alpha: rng.one(&[0.01, 0.05, 0.2]),
            power: rng.one(&[0.5, 0.8, 0.95]),
            two_sided: rng.below(2) == 0,
            ratio: rng.one(&[0.25, 1.0, 3.0]),
            reduction: 0.0,
        };
        let effect = baseline.mean() * rng.one(&[0.01, 0.1, 0.3]);
        plans.push((plan, effect));
    }
    let asked: Vec<Json> = (plans.iter())
        .map(|(plan, effect)| {
            let variance = match plan.baseline {
                Baseline::Mean { deviation, .. } => [deviation * deviation; 2],
                Baseline::Rate(rate) => [rate, rate + effect].map(|rate| rate * (1.0 - rate)),
            };
            json!({
                "effect": effect, "variance": variance, "alpha": plan.alpha, "power": plan.power, "ratio": plan.ratio,
                "two": plan.two_sided,
            })
        })
        .collect();
    let script = "import json, math, sys
from statsmodels.stats.power import NormalIndPower, zt_ind_solve_power
def units(case):
    # The package knows one variance: that of a pair of groups of these sizes.
    a, b = case['variance']
    one = (a + b / case['ratio']) / (1 + 1 / case['ratio'])
    side = 'two-sided' if case['two'] else 'larger'
    size = case['effect'] / math.sqrt(one)
    return NormalIndPower().solve_power(size, alpha=case['alpha'], power=case['power'], ratio=case['ratio'], alternative=side)
print(json.dumps([float(units(case)) for case in json.load(sys.stdin)]))";
    let told = support::python::run(python, script, &Json::Array(asked)).unwrap_or_else(|error| panic!("{error}"));
    for ((plan, effect), told) in plans.iter().zip(told.as_array().expect("a list")) {
        let (units, told) = (plan.units(*effect).expect("units"), told.as_f64().expect("a number"));
        assert!((units - told).abs() <= 1e-6 * told, "{plan:?} of {effect}: {told} is right, {units} came");
    }
}
