//! Blocks in a terminal.

use super::super::ui::{Column, Paint, table};
use super::page::{Block, Chart, Page};
use crate::table::terminal::{Style, sparkline};

/// How wide a chart is, in columns.
const WIDTH: usize = 72;

/// All blocks.
pub fn text(page: &Page, paint: Paint) -> String {
    page.blocks.iter().map(|of| block(page, of, paint)).collect::<Vec<_>>().join("\n")
}

fn block(page: &Page, block: &Block, paint: Paint) -> String {
    let mut parts = Vec::new();
    parts.extend(block.title.as_ref().map(|title| format!("{}\n", paint.bold(title))));
    let lines = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    parts.extend(Some(lines(&block.above)).filter(|text| !text.is_empty()));
    if let Some((heads, rows)) = &block.table {
        let column = |(title, is_number): &(&'static str, bool)| match is_number {
            true => Column::number(*title),
            false => Column::text(*title),
        };
        let columns: Vec<Column> = heads.iter().map(column).collect();
        parts
            .push(table(&columns, rows.iter().cloned()).lines().map(|line| format!("{}\n", line.trim_end())).collect());
    }
    parts.extend(Some(lines(&block.below)).filter(|text| !text.is_empty()));
    parts.extend(block.charts.iter().map(|of| chart(page, of, paint)));
    parts.join("\n")
}

/// The values as a line of bars, and below them when it fired, and what is known.
fn chart(page: &Page, chart: &Chart, paint: Paint) -> String {
    let (from, to) = page.span;
    let column = |ms: i64| {
        let share = (ms - from) as f64 / (to - from).max(1) as f64;
        ((share * WIDTH as f64).max(0.0) as usize).min(WIDTH - 1)
    };
    let mut sums = vec![(0.0, 0u32); WIDTH];
    for (start, value) in &chart.points {
        if let Some(value) = value.filter(|_| (from..to).contains(start)) {
            let (sum, count) = &mut sums[column(*start)];
            *sum += value;
            *count += 1;
        }
    }
    let means: Vec<Option<f64>> =
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect();
    let marks = |spans: &mut dyn Iterator<Item = (i64, i64)>, mark: char| -> String {
        let mut row = vec![' '; WIDTH];
        for (start, end) in spans.filter(|(start, end)| *end > from && *start < to) {
            row[column(start)..=column((end - 1).max(start))].fill(mark);
        }
        row.into_iter().collect::<String>().trim_end().to_owned()
    };
    let fires = marks(&mut chart.fires.iter().copied(), '█');
    let known = marks(&mut chart.known.iter().map(|(start, end, _)| (*start, *end)), '▔');
    let style = Style { color: paint.is_on(), unicode: true };
    let mut found = format!("{}\n  value  {}\n", paint.bold(&chart.title), sparkline(&means, style).trim_end());
    if !fires.is_empty() {
        found += &format!("  fires  {}\n", paint.red(&fires));
    }
    if !known.is_empty() {
        found += &format!("  known  {}\n", paint.yellow(&known));
    }
    found
}
