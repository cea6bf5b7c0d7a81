//! What alerts do, as SELECTs on a real ClickHouse, bucket by bucket over random series: beside `src/alerting`, which knows no SQL.

mod series;
mod support;
mod warehouse;

use std::collections::BTreeMap;

use metricc::alerting::{BURNS, Counted, Series, State, burning, limits, verdicts, windows};
use metricc::emit::alerts::{length, rules};
use metricc::value::Step;
use metricc::value::time::WeekStart;
use series::{Cell, Dice, Groups, declarations, groups, starts, together};
use warehouse::Warehouse;

fn rows(groups: &Groups, starts: &[i64]) -> Vec<warehouse::Row> {
    let mut rows = Vec::new();
    for (name, values, volumes) in groups {
        for ((value, volume), start) in values.iter().zip(volumes).zip(starts) {
            if matches!((value, volume), (Cell::Gap, Cell::Gap)) {
                continue;
            }
            let at = chrono::DateTime::from_timestamp_millis(*start + 1_000).expect("a time");
            let text = |cell: &Cell| {
                cell.value().map(|value| if value.is_nan() { "nan".to_owned() } else { value.to_string() })
            };
            rows.push(vec![
                Some((rows.len() + 1).to_string()),
                Some(at.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
                name.map(str::to_owned),
                text(value),
                text(volume),
            ]);
        }
    }
    rows
}

fn agree(zone: &str, unit: &str, step: Step, first: &str, length: usize, seeds: u64) {
    let shop = Warehouse::of(zone, &declarations(unit), "");
    let tz: chrono_tz::Tz = zone.parse().expect("a zone");
    let starts = starts(step, first, tz, length);
    let (mut fired, mut quiet, mut pending) = (0, 0, 0);
    for seed in 1..=seeds {
        shop.session.execute("TRUNCATE TABLE dwd.m").expect("an empty table");
        if seed == 1 {
            let name = &shop.model.alerts[1].name.value;
            let text = shop.artifact(&format!("warehouse/alerts/{name}.sql"));
            assert_eq!(shop.lines(support::script::statements(text)[0]), [""; 0]);
        }
        let groups = groups(&mut Dice(seed * 77 + length as u64), length);
        shop.insert_rows("m", rows(&groups, &starts));
        for alert in &shop.model.alerts {
            let name = &alert.name.value;
            let statements = support::script::statements(shop.artifact(&format!("warehouse/alerts/{name}.sql")));
            let [select] = statements.as_slice() else { panic!("{} statements", statements.len()) };
            let dimension = if alert.by.is_empty() { "" } else { "ifNull(toString(place), '-'), " };
            let asked = format!(
                "SELECT toUnixTimestamp(bucket), {dimension}toString(state), toString(told), toString(low), toString(high) FROM ({select})"
            );
            let found = shop.lines(&asked);
            let parts: Vec<(&str, Vec<Option<f64>>, Vec<Option<f64>>)> = if alert.by.is_empty() {
                vec![("", together(&groups, |group| &group.1), together(&groups, |group| &group.2))]
            } else {
                let cells = |cells: &[Cell]| cells.iter().map(|cell| cell.value()).collect();
                groups.iter().map(|group| (group.0.unwrap_or("-"), cells(&group.1), cells(&group.2))).collect()
            };
            let mut expected: Vec<(i64, String, String, [Option<f64>; 3])> = Vec::new();
            for (group, values, volumes) in &parts {
                let volume = alert.volume.is_some().then_some(volumes.as_slice());
                let series = Series { values, volume, starts: &starts, step: step.about() };
                let ends = limits(alert, series);
                for ((verdict, start), (low, high)) in verdicts(alert, series).iter().zip(&starts).zip(ends) {
                    let (state, count) = match verdict.state {
                        State::Quiet => ("quiet", &mut quiet),
                        State::Pending => ("pending", &mut pending),
                        State::Firing => ("firing", &mut fired),
                    };
                    *count += 1;
                    expected.push((start / 1_000, (*group).to_owned(), state.to_owned(), [verdict.told, low, high]));
                }
            }
            expected.sort_by(|a, b| (a.0, a.1 == "-", &a.1).cmp(&(b.0, b.1 == "-", &b.1)));
            assert_eq!(found.len(), expected.len(), "{name}, seed {seed}");
            for (line, (at, group, state, numbers)) in found.iter().zip(&expected) {
                let cells: Vec<&str> = line.split(" | ").collect();
                let own: Vec<&str> =
                    std::iter::once(cells[0]).chain(cells[cells.len() - 4..].iter().copied()).collect();
                let known = if group.is_empty() { cells.len() == 5 } else { cells[1] == group };
                let same = own[0] == at.to_string() && own[1] == state && known;
                let near = own[2..].iter().zip(numbers).all(|(cell, number)| match (cell.parse::<f64>(), number) {
                    (Ok(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
                    (Err(_), None) => *cell == "NULL",
                    _ => false,
                });
                assert!(same && near, "{name}, seed {seed}: {line} and {at} {group} {state} {numbers:?}\n{select}");
            }
        }
    }
    assert!(fired > 100 && quiet > 300 && pending > 20, "{fired}, {quiet} and {pending}");
}

#[test]
fn sql_fires_by_minutes_when_the_declaration_says_so() {
    support::engine!("clickhouse");
    agree("Asia/Shanghai", "m", Step::Subday(60_000), "2026-11-01 23:10:00", 150, 2);
}

#[test]
fn sql_fires_by_hours_over_a_change_of_clocks() {
    support::engine!("clickhouse");
    agree("America/New_York", "h", Step::Subday(3_600_000), "2026-10-30 00:00:00", 120, 1);
}

#[test]
fn sql_fires_by_days_over_a_change_of_clocks() {
    support::engine!("clickhouse");
    agree("America/New_York", "d", Step::Day, "2026-09-20 00:00:00", 100, 1);
}

#[test]
fn sql_fires_by_weeks_when_the_declaration_says_so() {
    support::engine!("clickhouse");
    agree("America/New_York", "w", Step::Week, "2025-09-01 00:00:00", 100, 1);
}

#[test]
fn sql_fires_where_clocks_skip_midnight() {
    support::engine!("clickhouse");
    agree("America/Santiago", "d", Step::Day, "2026-06-10 00:00:00", 100, 1);
    agree("America/Santiago", "h", Step::Subday(3_600_000), "2026-09-03 00:00:00", 120, 1);
}

/// The cells of a row, and of the value `NULL` none.
fn number(cell: &str) -> Option<f64> {
    (cell != "NULL").then(|| cell.parse().unwrap_or_else(|_| panic!("{cell} is no number")))
}

fn select<'w>(shop: &'w Warehouse, file: &str) -> &'w str {
    let statements = support::script::statements(shop.artifact(&format!("warehouse/alerts/{file}.sql")));
    let [select] = statements.as_slice() else { panic!("{} statements", statements.len()) };
    select
}

fn instant(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).expect("a time").format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

const CALLS: &str = "
source call {
  table: \"dwd.call\"
  key: id
  time: at
  column id: int
  column at: timestamp
  column part: int?
  column total: int?
}
metric of_bad  = 1 - sum(part from call) / sum(total from call) { unit: ratio; better: up; grain: 1h }
metric of_good = sum(part from call) / sum(total from call) { unit: ratio; better: up; grain: 1h; serve: stream(1m) }
metric members = distinct(id from call where part > 0) / distinct(id from call) { unit: ratio; better: up; grain: 1h }
slo few_bad   on of_bad  { objective: 97% over 28d; minimum: 60 }
slo much_good on of_good { objective: 99.5% over 30d }
slo no_sum    on members { objective: 99% over 30d }
";

#[test]
fn objectives_in_sql_use_up_what_may_be_bad_as_fast_as_they_do() {
    support::engine!("clickhouse");
    const MINUTE: i64 = 60_000;
    // More than three days, over a change of clocks.
    let zone: chrono_tz::Tz = "America/New_York".parse().expect("a zone");
    let length_of = 5_000;
    let shop = Warehouse::of("America/New_York", CALLS, "");
    let starts = starts(Step::Subday(MINUTE), "2026-10-30 13:00:00", zone, length_of);
    assert!(shop.emitted.artifacts.iter().all(|one| !one.path.contains("slo_no_sum")));
    let told = shop.emitted.details["objectives"].as_array().expect("a list");
    assert_eq!(told[2]["because"], "its parts do not add up over minutes");
    // Of no rows there is nothing to tell.
    for slo in ["slo_few_bad", "slo_much_good"] {
        assert_eq!(shop.lines(select(&shop, slo)), [""; 0]);
    }
    // From where the metric is served.
    assert!(select(&shop, "slo_much_good").contains("call__"), "{}", select(&shop, "slo_much_good"));
    let mut dice = Dice(11);
    let mut share = 3;
    let (mut parts, mut totals, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for (at, start) in starts.iter().enumerate() {
        match dice.roll(90) {
            0 => share = 60 + dice.roll(40),
            1..=4 => share = dice.roll(4),
            _ => {}
        }
        // Minutes without rows, a day and a half without them, and rows without numbers.
        let silent = dice.roll(12) == 0 || (3_000..3_400).contains(&at);
        let edge = at == 0 || at + 1 == length_of;
        if silent && !edge {
            parts.push(None);
            totals.push(None);
            continue;
        }
        let total = (dice.roll(20) != 0 || edge).then(|| 20 + dice.roll(30));
        let part = (dice.roll(9) != 0).then(|| total.unwrap_or(10) * share / 100);
        let text = |value: Option<u64>| value.map(|value| value.to_string());
        rows.push(vec![Some(at.to_string()), Some(instant(start + 1_000)), text(part), text(total)]);
        parts.push(part.map(|part| part as f64));
        totals.push(total.map(|total| total as f64));
    }
    shop.insert_rows("call", rows);
    shop.refresh();
    let mut fired: BTreeMap<String, usize> = BTreeMap::new();
    for slo in shop.model.slos.iter().filter(|slo| slo.name.value != "no_sum") {
        let counted = Counted { part: &parts, total: &totals, step: MINUTE };
        let of: Vec<String> = windows(slo).into_iter().map(length).collect();
        let columns =
            |name: &str| of.iter().map(|one| format!("toString({name}_{one})")).collect::<Vec<_>>().join(", ");
        let states = BURNS.map(|burn| format!("toString(state_{})", length(burn.long))).join(", ");
        let whole = of.last().expect("a window");
        let asked = format!(
            "SELECT toUnixTimestamp(bucket), {}, {}, {}, toString(budget_left_{whole}), {states} FROM ({})",
            columns("total"),
            columns("bad_share"),
            columns("burn"),
            select(&shop, &format!("slo_{}", slo.name.value))
        );
        let found = shop.lines(&asked);
        assert_eq!(found.len(), starts.len(), "{}", slo.name.value);
        let sums: Vec<_> = windows(slo).into_iter().map(|window| counted.sums(slo, window)).collect();
        let burns = BURNS.map(|burn| burning(slo, &burn, counted));
        for (at, line) in found.iter().enumerate() {
            let cells: Vec<&str> = line.split(" | ").collect();
            assert_eq!(cells[0], (starts[at] / 1_000).to_string());
            let n = of.len();
            for (place, sums) in sums.iter().enumerate() {
                let sums = sums[at];
                assert_eq!(number(cells[1 + place]), Some(sums.total), "{} {} {line}", slo.name.value, of[place]);
                assert_eq!(number(cells[1 + n + place]), sums.bad_share(), "{} {} {line}", slo.name.value, of[place]);
                let burn = sums.bad_share().map(|share| share / slo.budget);
                assert_eq!(number(cells[1 + 2 * n + place]), burn, "{} {} {line}", slo.name.value, of[place]);
            }
            let left = sums[n - 1][at].bad_share().map(|share| 1.0 - share / slo.budget);
            assert_eq!(number(cells[1 + 3 * n]), left, "{line}");
            for (place, burn) in burns.iter().enumerate() {
                let fires = burn[at] == State::Firing;
                let state = if fires { "firing" } else { "quiet" };
                assert_eq!(cells[2 + 3 * n + place], state, "{} {} at {at}", slo.name.value, place);
                *fired.entry(format!("{} {place} {state}", slo.name.value)).or_default() += 1;
            }
        }
    }
    let both = ["few_bad", "much_good"].map(|name| fired.keys().filter(|key| key.starts_with(name)).count());
    assert!(both[0] == 8 && both[1] >= 5, "{fired:?}");
}

const ROWS: &str = "
source row {
  table: \"dwd.row\"
  key: id
  time: at
  arrived: came
  column id: int
  column at: timestamp
  column came: timestamp
  column user: string?
  column amount: int?
}
quality row_quality on row {
  complete: user > 80%
  late: 10m < 25%
  valid: amount >= 0
  minimum: 12
  severity: P2
}
";

#[test]
fn rules_of_quality_fire_in_sql_as_they_do_everywhere() {
    support::engine!("clickhouse");
    let zone: chrono_tz::Tz = "America/New_York".parse().expect("a zone");
    let shop = Warehouse::of("America/New_York", ROWS, "");
    let days = starts(Step::Day, "2026-10-05", zone, 60);
    let mut dice = Dice(3);
    let mut rows = Vec::new();
    let mut seen: Vec<[u32; 4]> = Vec::new();
    for (place, day) in days.iter().enumerate() {
        let end = Step::Day.next(*day, zone, WeekStart(chrono::Weekday::Mon));
        let edge = place == 0 || place + 1 == days.len();
        let count = if edge { 20 } else { [0, 5, 11, 12, 30, 40][dice.roll(6) as usize] };
        let (missing, late, wrong) = (dice.roll(4), dice.roll(5), dice.roll(3));
        let mut of_day = [0; 4];
        for _ in 0..count {
            let at = day + dice.roll((end - day) as u64 / 1_000) as i64 * 1_000;
            let user = dice.roll(8) >= missing;
            let is_late = dice.roll(8) < late;
            let amount = match dice.roll(30) {
                0 if wrong == 0 => Some("-1".to_owned()),
                1..=3 => None,
                _ => Some("5".to_owned()),
            };
            let bad = amount.as_deref() == Some("-1");
            for (cell, counts) in of_day.iter_mut().zip([true, user, is_late, !bad]) {
                *cell += u32::from(counts);
            }
            let came = at + if is_late { 11 * 60_000 } else { 1_000 };
            let id = Some(rows.len().to_string());
            rows.push(vec![id, Some(instant(at)), Some(instant(came)), user.then(|| "u".to_owned()), amount]);
        }
        seen.push(of_day);
    }
    shop.insert_rows("row", rows);
    let volume: Vec<Option<f64>> = seen.iter().map(|of| (of[0] > 0).then(|| f64::from(of[0]))).collect();
    let mut fired = 0;
    let all: Vec<_> = rules(&shop.model).collect();
    assert_eq!(all.len(), 3);
    for rule in &all {
        let name = &rule.name.value;
        let place = ["row_quality.complete(user)", "row_quality.late(10m)", "row_quality.valid"]
            .iter()
            .position(|one| one == name)
            .unwrap_or_else(|| panic!("{name}"));
        let share = |of: &[u32; 4]| (of[0] > 0).then(|| f64::from(of[place + 1]) / f64::from(of[0]));
        let values: Vec<Option<f64>> = seen.iter().map(share).collect();
        let series = Series { values: &values, volume: Some(&volume), starts: &days, step: Step::Day.about() };
        let told = shop.emitted.details["alerts"].as_array().expect("a list");
        let told = told.iter().find(|one| one["name"] == name.as_str()).expect("the rule");
        let path = told["file"].as_str().expect("a path");
        let [select] = support::script::statements(shop.artifact(path))[..] else { panic!("one statement") };
        let asked = format!("SELECT toUnixTimestamp(bucket), toString(state), toString(told) FROM ({select})");
        let found = shop.lines(&asked);
        let expected = verdicts(rule, series).into_iter().zip(&days).map(|(verdict, day)| {
            fired += u32::from(verdict.state == State::Firing);
            let state = if verdict.state == State::Firing { "firing" } else { "quiet" };
            (day / 1_000, state, verdict.told)
        });
        let read = found.iter().map(|line| {
            let cells: Vec<&str> = line.split(" | ").collect();
            (cells[0].parse::<i64>().expect("seconds"), cells[1], number(cells[2]))
        });
        assert_eq!(read.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{name}");
    }
    assert!((20..150).contains(&fired), "{fired}");
}
