//! That the tables tell one story, and which.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::clock::DAY;
use super::{Field, RowSink, SampleError, World, table};

/// A row by the names of its columns; null is left out, instants are milliseconds.
type Row = HashMap<&'static str, String>;

struct Rows(&'static [super::ColumnDef], Vec<Row>);

impl RowSink for Rows {
    fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError> {
        let text = |field: &Field<'_>| match field {
            Field::Null => None,
            Field::Text(text) => Some((*text).to_owned()),
            Field::Int(value) | Field::Decimal(value) | Field::Instant(value) => Some(value.to_string()),
            Field::Float(value) => Some(value.to_string()),
            Field::Bool(value) => Some(value.to_string()),
        };
        let cells = row.iter().zip(self.0).filter_map(|(field, column)| Some((column.name, text(field)?)));
        self.1.push(cells.collect());
        Ok(())
    }
}

fn rows(world: &World, name: &str) -> Vec<Row> {
    let mut rows = Rows(table(name).unwrap().columns, Vec::new());
    world.write_table(name, &mut rows).unwrap();
    rows.1
}

fn ms(row: &Row, column: &str) -> Option<i64> {
    row.get(column).map(|text| text.parse().unwrap())
}

/// The newest version of each key.
fn newest(world: &World, name: &str, key: &str) -> Vec<Row> {
    let mut found: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows(world, name) {
        let old = found.get(&row[key]).and_then(|old| ms(old, "updated_at"));
        if old.is_none_or(|old| ms(&row, "updated_at") >= Some(old)) {
            found.insert(row[key].clone(), row);
        }
    }
    found.into_values().collect()
}

/// When each user paid how much, in 0.01 CNY.
fn payments(world: &World) -> HashMap<String, Vec<(i64, i64)>> {
    let mut found: HashMap<String, Vec<(i64, i64)>> = HashMap::new();
    for order in newest(world, "order", "order_id") {
        if let Some(paid) = ms(&order, "paid_at") {
            let amount = order["pay_amount"].parse().unwrap();
            found.entry(order["user_id"].clone()).or_default().push((paid, amount));
        }
    }
    found
}

fn paid(payments: &HashMap<String, Vec<(i64, i64)>>, user: &str, span: std::ops::Range<i64>) -> f64 {
    let of_user = payments.get(user).into_iter().flatten();
    of_user.filter(|(at, _)| span.contains(at)).map(|(_, amount)| *amount as f64).sum()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let (xs, ys): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (x, y) = (mean(&xs), mean(&ys));
    let sum = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
    sum(&|p| (p.0 - x) * (p.1 - y)) / (sum(&|p| (p.0 - x).powi(2)) * sum(&|p| (p.1 - y).powi(2))).sqrt()
}

#[test]
fn rows_name_things_that_exist() {
    let world = World::new(30_000, 42, 60);
    let keys = |name: &str, key: &str| -> BTreeSet<String> {
        rows(&world, name).into_iter().map(|mut row| row.remove(key).unwrap()).collect()
    };
    let users = keys("user", "user_id");
    for name in ["membership", "campaign_user", "experiment_exposure", "channel_touch", "order", "task"] {
        let strangers =
            rows(&world, name).into_iter().filter(|row| row.get("user_id").is_some_and(|u| !users.contains(u)));
        assert_eq!(strangers.count(), 0, "{name}");
    }
    let orders = keys("order", "order_id");
    let bought = rows(&world, "membership").into_iter().filter_map(|mut row| row.remove("order_id"));
    assert!(bought.into_iter().all(|order| order.starts_with("before-") || orders.contains(&order)));
    let campaigns = keys("campaign", "campaign_id");
    assert!(keys("campaign_user", "campaign_id").is_subset(&campaigns));
    let sources: BTreeMap<&str, BTreeSet<String>> =
        [("event", keys("event", "event_id")), ("task", keys("task", "task_id"))].into();
    assert!(rows(&world, "replay").iter().all(|row| sources[row["dataset"].as_str()].contains(&row["row_key"])));
}

#[test]
fn memberships_are_renewed_in_time_late_and_never() {
    let world = World::new(60_000, 42, 60);
    let (mut in_time, mut late, mut never) = (0, 0, 0);
    for term in newest(&world, "membership", "term_id") {
        let (starts, ends) = (ms(&term, "started_at").unwrap(), ms(&term, "ends_at").unwrap());
        assert!(starts < ends);
        if term["level"] == "trial" || !(super::clock::START..world.end()).contains(&ends) {
            continue;
        }
        match ms(&term, "renewed_at") {
            Some(at) if at <= ends => in_time += 1,
            Some(_) => late += 1,
            None => never += 1,
        }
    }
    assert!(in_time >= 10 && late >= 3 && never >= 10, "{in_time} {late} {never}");
}

#[test]
fn campaigns_bring_purchases_to_the_arm_that_sees_them() {
    let world = World::new(200_000, 42, 60);
    let payments = payments(&world);
    let mut first: BTreeMap<(String, String), Row> = BTreeMap::new();
    for row in newest(&world, "campaign_user", "assignment_id") {
        let key = (row["campaign_id"].clone(), row["user_id"].clone());
        assert!(row["arm"] == "treatment" || !row.contains_key("joined_at"));
        if first.get(&key).is_none_or(|old| ms(old, "assigned_at") > ms(&row, "assigned_at")) {
            first.insert(key, row);
        }
    }
    let mut spent: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for ((campaign, user), row) in first {
        let at = ms(&row, "assigned_at").unwrap();
        spent.entry((campaign, row["arm"].clone())).or_default().push(paid(&payments, &user, at..at + 14 * DAY));
    }
    for campaign in ["cmp_fall", "cmp_recall_10"] {
        let arm = |arm: &str| &spent[&(campaign.to_owned(), arm.to_owned())];
        let (treatment, control) = (arm("treatment"), arm("control"));
        assert!(treatment.len() > 50 && control.len() > 50, "{campaign}");
        assert!(mean(treatment) > 1.5 * mean(control), "{campaign}: {} {}", mean(treatment), mean(control));
    }
}

#[test]
fn the_experiment_has_an_effect_and_a_past_that_tells_of_it() {
    let world = World::new(400_000, 42, 60);
    let payments = payments(&world);
    let mut seen: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
    for row in rows(&world, "experiment_exposure").into_iter().filter(|row| row["experiment"] == "new_cutout") {
        let at = ms(&row, "exposed_at").unwrap();
        let (first, variants) = seen.entry(row["user_id"].clone()).or_insert((at, BTreeSet::new()));
        *first = at.min(*first);
        variants.insert(row["variant"].clone());
    }
    let both = seen.values().filter(|(_, variants)| variants.len() > 1).count();
    assert!(both > 0 && both * 20 < seen.len(), "{both}");
    let (mut buyers, mut pairs) = ([Vec::new(), Vec::new()], Vec::new());
    for (user, (at, variants)) in seen.iter().filter(|(_, (_, variants))| variants.len() == 1) {
        let (before, after) = (paid(&payments, user, at - 14 * DAY..*at), paid(&payments, user, *at..at + 14 * DAY));
        buyers[usize::from(variants.contains("b"))].push(f64::from(u8::from(after > 0.0)));
        pairs.push((before, after));
    }
    let [a, b] = buyers.map(|of| mean(&of));
    assert!(b > a + 0.05, "{a} {b}");
    assert!(correlation(&pairs) > 0.15, "{}", correlation(&pairs));
}

#[test]
fn from_exposure_to_payment_fewer_and_fewer_are_left() {
    let world = World::new(60_000, 42, 60);
    let touched = |kind: &str, key: &str| -> BTreeSet<String> {
        let touches = rows(&world, "channel_touch").into_iter().filter(|row| row["kind"] == kind);
        touches.filter_map(|mut row| row.remove(key)).collect()
    };
    let (seen, clicked) = (touched("exposure", "device_id"), touched("click", "device_id"));
    let registered =
        |mut row: Row| (row["event_name"] == "register_success").then(|| row.remove("device_id")).flatten();
    let joined: BTreeSet<String> = rows(&world, "event").into_iter().filter_map(registered).collect();
    let joined: BTreeSet<_> = joined.intersection(&clicked).collect();
    assert!(seen.len() > clicked.len() && clicked.len() > joined.len() && joined.len() > 50);
    let paying = payments(&world).into_keys().collect::<BTreeSet<_>>();
    let users = touched("click", "user_id");
    let left = paying.intersection(&users).count();
    assert!(left > 10 && left < users.len());
}

#[test]
fn the_first_touch_of_a_user_is_often_not_the_last() {
    let world = World::new(60_000, 42, 60);
    let mut by_user: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for touch in newest(&world, "channel_touch", "touch_id") {
        if let (Some(user), Some(channel)) = (touch.get("user_id"), touch.get("channel")) {
            by_user.entry(user.clone()).or_default().push((ms(&touch, "touched_at").unwrap(), channel.clone()));
        }
    }
    let several = by_user.values_mut().filter_map(|touches| {
        touches.sort();
        (touches.len() > 2).then(|| touches.first().map(|t| &t.1) != touches.last().map(|t| &t.1))
    });
    let several: Vec<bool> = several.collect();
    let different = several.iter().filter(|different| **different).count();
    assert!(several.len() * 2 > by_user.len() && different * 4 > several.len(), "{different} {}", several.len());
}

#[test]
fn the_world_grows_and_has_its_weeks_and_hours() {
    let world = World::new(100_000, 42, 56);
    let (mut days, mut hours) = ([0; 56], [0; 24]);
    for row in rows(&world, "event") {
        let at = ms(&row, "event_time").unwrap();
        if let Some(day) = days.get_mut(((at - super::clock::START) / DAY) as usize) {
            *day += 1;
        }
        hours[super::clock::hour(at)] += 1;
    }
    // the first day is a Tuesday; of four days in the second half, without the incident's, and of four in the first
    let of =
        |place: usize| (0..8).filter(|week| ![2, 3, 5].contains(week)).map(|week| days[week * 7 + place]).sum::<i32>();
    assert!(of(4) > of(0) && of(4) > of(1), "Saturdays are busier than Tuesdays and Wednesdays: {days:?}");
    assert!(days[42..56].iter().sum::<i32>() * 4 > days[..14].iter().sum::<i32>() * 5, "{days:?}");
    assert!(hours[20] > 3 * hours[4], "{hours:?}");
}

#[test]
fn a_model_fails_and_clients_fall_silent() {
    let world = World::new(60_000, 42, 60);
    let (from, to) = world.incident();
    let (mut tried, mut done) = (0, 0);
    for task in newest(&world, "task", "task_id") {
        if task["feature"] == "face_swap" && (from..to).contains(&ms(&task, "submitted_at").unwrap()) {
            tried += 1;
            done += usize::from(task["status"] == "success");
        }
    }
    assert!(tried > 20 && done * 4 < tried, "{done} of {tried}");
    let (from, to) = world.outage();
    let events = rows(&world, "event");
    let during = |row: &&Row| (from..to).contains(&ms(row, "event_time").unwrap()) && row["platform"] != "api";
    // copies that were sent again with a later time may fall into it
    assert!(events.iter().filter(during).count() <= 1);
    let tasks = rows(&world, "task");
    assert!(tasks.iter().any(|row| (from..to).contains(&ms(row, "submitted_at").unwrap())));
    let late = events.iter().filter(|row| ms(row, "received_at") > ms(row, "event_time").map(|at| at + DAY / 4));
    assert!((20..400).contains(&late.count()));
}
