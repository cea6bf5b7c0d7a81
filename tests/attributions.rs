//! Attributions against shares that are computed one conversion at a time, written from the words of the language: random small
//! units, every model, elapsed windows and those of one day, in the dry run and in ClickHouse.

mod support;
mod warehouse;
mod worlds;

use std::collections::BTreeMap;

use metricc::plan::Value;
use warehouse::{Row, Warehouse, right};
use worlds::{Rng, SLOT, START, TABLES, by_ways, day, ways};

const UNITS: usize = 2_000;
const MODELS: [&str; 5] = ["first", "last", "linear", "position", "time_decay"];
/// After so long a touch counts half.
const HALF_LIFE: i64 = SLOT * 3 / 2;

/// A touch or a conversion: when, its key, and its channel or its cents.
#[derive(Clone)]
struct Happened {
    at: i64,
    key: String,
    channel: &'static str,
    cents: i64,
}

/// What each of `weights` gets of an amount: its share rounded down, and of what is left one unit each for the greatest rests, the
/// earlier first.
fn shares(amount: i64, weights: &[i128]) -> Vec<i64> {
    let (size, all) = (i128::from(amount.abs()), weights.iter().sum::<i128>());
    let mut shares: Vec<i128> = weights.iter().map(|weight| size * weight / all).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|place| (-(size * weights[*place] % all), *place));
    let left = size - shares.iter().sum::<i128>();
    order.iter().take(usize::try_from(left).expect("few")).for_each(|place| shares[*place] += 1);
    assert_eq!(shares.iter().sum::<i128>(), size);
    shares.into_iter().map(|share| i64::try_from(share).expect("small") * amount.signum()).collect()
}

/// The weights of the touches of a conversion, from the first to the last.
fn weights(model: &str, touches: &[Happened]) -> Vec<i128> {
    let (count, last) = (touches.len(), touches.len() - 1);
    let weight = |(place, touch): (usize, &Happened)| match model {
        "first" => i128::from(place == 0),
        "last" => i128::from(place == last),
        "linear" => 1,
        // Of two each has the half; of more, both ends have 40 % and the others share 20 %: times (count - 2), whole numbers.
        "position" if count <= 2 => 1,
        "position" if place == 0 || place == last => 40 * (count as i128 - 2),
        "position" => 20,
        _ => {
            let halvings = (touches[last].at - touch.at) as f64 / HALF_LIFE as f64;
            (1_048_576.0 * 0.5_f64.powf(halvings)).round() as i128
        }
    };
    touches.iter().enumerate().map(weight).collect()
}

/// By metric: by day, channel and unit.
type Found = BTreeMap<String, BTreeMap<(i64, String, String), i128>>;

fn right_credits(same_day: bool, within: i64, prefix: &str, units: &[Vec<Happened>]) -> Found {
    let mut all = Found::new();
    for (unit, rows) in units.iter().enumerate() {
        for order in rows.iter().filter(|row| row.channel == "order") {
            let fits = |row: &&Happened| {
                let inside = if same_day { day(row.at) == day(order.at) } else { order.at - row.at <= within };
                ["a", "b", "c"].contains(&row.channel) && row.at <= order.at && inside
            };
            let mut touches: Vec<Happened> = rows.iter().filter(fits).cloned().collect();
            touches.sort_by_key(|row| (row.at, row.key.clone()));
            for model in MODELS {
                let to: Vec<&str> = match touches.is_empty() {
                    true => vec!["none"],
                    false => touches.iter().map(|touch| touch.channel).collect(),
                };
                let weights = if touches.is_empty() { vec![1] } else { weights(model, &touches) };
                for (column, amount) in [("value", order.cents), ("conversions", 1_000_000)] {
                    for (channel, share) in to.iter().zip(shares(amount, &weights)) {
                        let key = (day(order.at), (*channel).to_owned(), format!("u{unit}"));
                        let metric = all.entry(format!("{prefix}_{model}_{column}")).or_default();
                        *metric.entry(key).or_default() += i128::from(share);
                    }
                }
            }
        }
    }
    all
}

#[test]
fn credits_are_those_of_each_conversion_alone() {
    support::engine!("clickhouse");
    let mut rng = Rng(15_485_863);
    let within = SLOT * 5;
    let minutes = |ms: i64| ms / 60_000;
    let mut text = TABLES.to_owned() + &ways("_") + "dimension channel = event.name\n";
    let declared = [
        ("elapsed", "", format!("{}m", minutes(within))),
        ("day", "", "same 1d".to_owned()),
        ("ways", " per way", format!("{}m", minutes(within))),
    ];
    for (prefix, per, within) in declared {
        text += &format!(
            "attribution {prefix} of user{per} {{ convert: order; value: cast(split_part(order_id, \"_\", 3) as decimal(18, 2)); \
             touch: event where name in (\"a\", \"b\", \"c\"); to: channel; within: {within}; \
             model: first, last, linear, position, time_decay({}m); by: who }}\n",
            minutes(HALF_LIFE)
        );
        for model in MODELS {
            for column in ["value", "conversions"] {
                text += &format!(
                    "metric {prefix}_{model}_{column} = {prefix}.{column} where model = \"{model}\" \
                     {{ grain: 1d; by: channel, who; serve: live }}\n"
                );
            }
        }
    }
    let warehouse = Warehouse::new("Asia/Shanghai", &text);
    let (mut events, mut orders): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    let mut units: Vec<Vec<Happened>> = Vec::new();
    for unit in 0..UNITS {
        let mut rows = Vec::new();
        for place in 0..rng.below(9) {
            let channel = rng.one(&["a", "a", "b", "c", "x", "order", "order"]);
            let cents: i64 = rng.one(&[0, 1, 2, 3, 5, 100, 1_234, 99_999, -1, -250]);
            let key = format!(
                "{unit}_{place}_{}{}.{:02}",
                if cents < 0 { "-" } else { "" },
                cents.abs() / 100,
                cents.abs() % 100
            );
            let row = Happened { at: START + SLOT * rng.below(12) as i64, key, channel, cents };
            let (id, when, who) = (Some(row.key.clone()), Some(row.at.to_string()), Some(format!("u{unit}")));
            match channel {
                "order" => orders.push(vec![id, when, who.clone(), who]),
                name => events.push(vec![id, when, Some(name.to_owned()), who.clone(), who]),
            }
            rows.push(row);
        }
        units.push(rows);
    }
    warehouse.insert_rows("event", events);
    warehouse.insert_rows("order", orders);
    let mut right = right_credits(false, within, "elapsed", &units);
    right.append(&mut right_credits(true, within, "day", &units));
    for way in by_ways(&units) {
        for (metric, credits) in right_credits(false, within, "ways", &way) {
            let all = right.entry(metric).or_default();
            credits.into_iter().for_each(|(key, share)| *all.entry(key).or_default() += share);
        }
    }
    let mut wrong = Vec::new();
    let answers = right::answers(&warehouse);
    for (name, answer) in &answers {
        let mut expected = right.remove(name).unwrap_or_default();
        for row in &answer.rows {
            let [Value::Timestamp(day), Value::String(channel), Value::String(who), Value::Decimal(found)] =
                row.as_slice()
            else {
                panic!("{name}: {row:?}")
            };
            let share = expected.remove(&(*day, channel.clone(), who.clone())).unwrap_or_default();
            if share != *found {
                wrong.push(format!("{name}, {who} to {channel}: {share} is right, {found} came"));
            }
        }
        // A touch without any weight is no row.
        expected.retain(|_, share| *share != 0);
        wrong.extend(expected.into_iter().map(|(key, share)| format!("{name}, {key:?}: {share} did not come")));
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(right.is_empty(), "{:?}", right.keys());
    right::agrees_with(&warehouse, answers);
}
