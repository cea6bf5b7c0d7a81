//! What a panel of a dashboard shows, worked out from the answers to its question over all time: by the words of the documentation.

use std::collections::BTreeMap;

use metricc::types::Model;
use metricc::types::dashboards::{Form, Shown};

/// A row: the start of its bucket, its groups as people read them, and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub at: i64,
    pub groups: Vec<String>,
    pub values: Vec<Option<f64>>,
}

/// The groups of a row in their order among equals.
fn nulls_last(row: &Row) -> Vec<(bool, &str)> {
    row.groups.iter().map(|group| (group == "(null)", group.as_str())).collect()
}

/// What a panel should show: by the words of the documentation.
pub fn expected(rows: Vec<Row>, shown: &Shown, model: &Model, from: i64, to: i64) -> Vec<Row> {
    let end = shown.step.bucket(to, model.zone, model.week_start);
    let all = rows.clone();
    let mut rows: Vec<Row> = rows.into_iter().filter(|row| row.at >= from && row.at < end).collect();
    let earlier = |at: i64| shown.compare.map(|length| length.before(at, model.zone));
    let value_at = |at: i64| all.iter().find(|row| row.at == at).and_then(|row| row.values[0]);
    if shown.compare.is_some() {
        // A bucket without rows shows what was before it, too, up to the end of data.
        let data = all.iter().map(|row| row.at).max().unwrap_or(i64::MIN);
        let mut at = shown.step.bucket(from, model.zone, model.week_start);
        while at < end && at <= data {
            if at >= from && !rows.iter().any(|row| row.at == at) {
                rows.push(Row { at, groups: Vec::new(), values: vec![None] });
            }
            at = shown.step.next(at, model.zone, model.week_start);
        }
        rows.iter_mut().for_each(|row| row.values.push(earlier(row.at).and_then(value_at)));
        rows.retain(|row| row.values.iter().any(Option::is_some));
    }
    let last = rows.iter().filter(|row| row.values[0].is_some()).map(|row| row.at).max();
    let rank = |rows: &mut Vec<Row>| {
        rows.sort_by(|a, b| {
            let (x, y) = (a.values[0].unwrap_or(f64::NEG_INFINITY), b.values[0].unwrap_or(f64::NEG_INFINITY));
            y.total_cmp(&x).then_with(|| nulls_last(a).cmp(&nulls_last(b)))
        });
    };
    if shown.form == Form::Card && shown.compare.is_some() {
        let Some(row) = rows.iter().find(|row| Some(row.at) == last) else { return Vec::new() };
        let before = Row { at: earlier(row.at).expect("a length"), groups: Vec::new(), values: vec![row.values[1]] };
        return vec![before, Row { at: row.at, groups: Vec::new(), values: vec![row.values[0]] }];
    }
    if shown.is_last() {
        rows.retain(|row| Some(row.at) == last);
        rank(&mut rows);
        rows.truncate(shown.top.map_or(usize::MAX, |top| usize::try_from(top).expect("small")));
        return rows;
    }
    if let Some(top) = shown.top {
        let mut best: BTreeMap<Vec<String>, Row> = BTreeMap::new();
        for row in &rows {
            let none = Row { at: 0, groups: row.groups.clone(), values: vec![None] };
            let known = best.entry(row.groups.clone()).or_insert(none);
            if Some(row.at) == last {
                known.values = row.values.clone();
            }
        }
        let mut ranked: Vec<Row> = best.into_values().collect();
        rank(&mut ranked);
        let kept: Vec<Vec<String>> =
            ranked.into_iter().take(usize::try_from(top).expect("small")).map(|row| row.groups).collect();
        rows.retain(|row| kept.contains(&row.groups));
    }
    rows.sort_by(|a, b| (a.at, &a.groups).cmp(&(b.at, &b.groups)));
    if shown.form == Form::Table {
        rows.reverse();
    }
    rows
}

/// Whether two panels show the same.
pub fn same(found: &[Row], right: &[Row], shown: &Shown) -> bool {
    let near = |a: &Option<f64>, b: &Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0),
        (a, b) => a == b,
    };
    let alike = |(a, b): (&Row, &Row)| {
        let at = shown.is_last() || a.at == b.at;
        let groups = a.groups == b.groups || a.groups == [b.groups.join(" / ")];
        at && groups && a.values.len() == b.values.len() && a.values.iter().zip(&b.values).all(|(a, b)| near(a, b))
    };
    let key = |row: &Row| (row.at, row.groups.join(" / "));
    let (mut found, mut right) = (found.to_vec(), right.to_vec());
    // In what order groups of one value and of one bucket stand is for the engine's order of texts.
    if shown.top.is_none() {
        found.sort_by_key(key);
        right.sort_by_key(key);
    }
    found.len() == right.len() && found.iter().zip(&right).all(alike)
}
