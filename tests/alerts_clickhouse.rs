//! What alerts do, as SELECTs on a real ClickHouse, bucket by bucket over random series: beside `src/alerting`, which knows no SQL.

mod series;
mod support;
mod warehouse;

use metricc::alerting::{Series, State, limits, verdicts};
use metricc::value::Step;
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
