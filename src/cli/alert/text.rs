//! Blocks in a terminal.

use unicode_width::UnicodeWidthStr;

use super::super::ui::{Column, Paint, table};
use super::page::{Block, Chart, Overview, Page};
use crate::diagnostic::render::visible;
use crate::table::plot::Row;
use crate::table::terminal::{Style, sparkline};

/// How wide a chart is, in columns.
const WIDTH: usize = 72;

/// All blocks.
pub fn text(page: &Page, paint: Paint) -> String {
    page.blocks.iter().map(|of| block(page, of, paint)).collect::<Vec<_>>().join("\n")
}

fn block(page: &Page, block: &Block, paint: Paint) -> String {
    let mut parts = Vec::new();
    parts.extend(block.title.as_ref().map(|title| format!("{}\n", paint.bold(&visible(title)))));
    let lines = |lines: &[String]| lines.iter().map(|line| format!("{}\n", visible(line))).collect::<String>();
    parts.extend(Some(lines(&block.above)).filter(|text| !text.is_empty()));
    parts.extend(block.overview.as_ref().map(|of| overview(page, of, paint)).filter(|text| !text.is_empty()));
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

/// Where an instant of the page's time is, in columns.
fn column(page: &Page, ms: i64) -> usize {
    let (from, to) = page.span;
    let share = (ms - from) as f64 / (to - from).max(1) as f64;
    ((share * WIDTH as f64).max(0.0) as usize).min(WIDTH - 1)
}

/// Times as marks in a line.
fn marks(page: &Page, times: impl Iterator<Item = (i64, i64)>, mark: char) -> String {
    let (from, to) = page.span;
    let mut row = vec![' '; WIDTH];
    for (start, end) in times.filter(|(start, end)| *end > from && *start <= to) {
        row[column(page, start)..=column(page, (end - 1).max(start))].fill(mark);
    }
    row.into_iter().collect::<String>().trim_end().to_owned()
}

/// A line for each thing that happened, and one for what is known; nothing where nothing happened.
fn overview(page: &Page, of: &Overview, paint: Paint) -> String {
    let happened: Vec<&Row> = of.rows.iter().filter(|row| !row.times.is_empty()).collect();
    let known = marks(page, of.known.iter().map(|(from, to, _)| (*from, *to)), '▔');
    let name = |row: &Row| visible(&row.name).into_owned();
    let widest = happened.iter().map(|row| name(row).width()).max().unwrap_or(0).max("known".len());
    let line = |name: &str, marks: String| {
        let pad = " ".repeat(widest.saturating_sub(name.width()));
        format!("  {name}{pad}  {marks}\n")
    };
    let mut found: String =
        happened.iter().map(|row| line(&name(row), paint.red(&marks(page, row.times.iter().copied(), '█')))).collect();
    if !found.is_empty() && !known.is_empty() {
        found += &line("known", paint.yellow(&known));
    }
    found
}

/// The values as a line of bars, and below them when it fired, and what is known.
fn chart(page: &Page, chart: &Chart, paint: Paint) -> String {
    let (from, to) = page.span;
    let mut sums = vec![(0.0, 0u32); WIDTH];
    for (start, value) in &chart.points {
        if let Some(value) = value.filter(|_| (from..to).contains(start)) {
            let (sum, count) = &mut sums[column(page, *start)];
            *sum += value;
            *count += 1;
        }
    }
    let means: Vec<Option<f64>> =
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect();
    let fires = marks(page, chart.fires.iter().copied(), '█');
    let known = marks(page, chart.known.iter().map(|(start, end, _)| (*start, *end)), '▔');
    let style = Style { color: paint.is_on(), unicode: true };
    let mut found =
        format!("{}\n  value  {}\n", paint.bold(&visible(&chart.title)), sparkline(&means, style).trim_end());
    if !fires.is_empty() {
        found += &format!("  fires  {}\n", paint.red(&fires));
    }
    if !known.is_empty() {
        found += &format!("  known  {}\n", paint.yellow(&known));
    }
    found
}
