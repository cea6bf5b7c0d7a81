//! A report for a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::super::Made;
use super::page::{Cell, Page, PartOf, Section, Table, Tone};

/// How texts are marked.
#[derive(Clone, Copy)]
pub struct Marks<'a> {
    /// A head.
    pub bold: &'a dyn Fn(&str) -> String,
    /// What is good.
    pub good: &'a dyn Fn(&str) -> String,
    /// What is bad.
    pub bad: &'a dyn Fn(&str) -> String,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

/// The report, ended by a line end.
pub fn text(made: &Made, marks: Marks<'_>) -> String {
    let page = Page::of(made);
    let mut text = format!("{}  {}\n", (marks.bold)(&page.title), page.period);
    for note in &page.notes {
        let _ = writeln!(text, "{}", (marks.bad)(note));
    }
    text.push('\n');
    let mut table = page.metrics.clone();
    table.heads.push((page.head(PartOf::Series).to_owned(), false));
    for (row, metric) in table.rows.iter_mut().zip(&made.metrics) {
        let values: Vec<Option<f64>> = metric.series.iter().map(|(_, value)| Some((*value)?.as_f64())).collect();
        row.push(if marks.unicode { spark(&values) } else { String::new() }.into());
    }
    if !marks.unicode {
        table.heads.pop();
        table.rows.iter_mut().for_each(|row| drop(row.pop()));
    }
    lines(&mut text, &table, marks, "");
    list(&mut text, page.head(PartOf::Unusual), &page.unusual, marks);
    if !page.explained.is_empty() {
        let _ = write!(text, "\n{}\n", (marks.bold)(page.head(PartOf::Explained)));
        for chapter in &page.explained {
            let _ = write!(text, "\n{}\n", (marks.bold)(&chapter.title));
            chapter.sections.iter().for_each(|section| of_section(&mut text, section, false, marks));
        }
    }
    list(&mut text, page.head(PartOf::Advice), &page.advice, marks);
    if !page.structure.is_empty() {
        let _ = write!(text, "\n{}\n", (marks.bold)(page.head(PartOf::Structure)));
        page.structure.iter().for_each(|section| of_section(&mut text, section, true, marks));
    }
    list(&mut text, page.head(PartOf::Actions), &page.actions, marks);
    list(&mut text, page.head(PartOf::Methods), &page.methods, marks);
    text
}

fn list(text: &mut String, head: &str, all: &[String], marks: Marks<'_>) {
    if all.is_empty() {
        return;
    }
    let _ = write!(text, "\n{}\n", (marks.bold)(head));
    for one in all {
        let _ = writeln!(text, "- {one}");
    }
}

fn of_section(text: &mut String, section: &Section, titled: bool, marks: Marks<'_>) {
    if titled {
        let _ = write!(text, "\n{}\n", (marks.bold)(&section.title));
    }
    if let Some(said) = &section.text {
        let _ = writeln!(text, "{said}");
    }
    lines(text, &section.table, marks, "  ");
}

/// Columns with two blanks between, numbers at the right.
fn lines(text: &mut String, table: &Table, marks: Marks<'_>, indent: &str) {
    let widths: Vec<usize> = (0..table.heads.len())
        .map(|column| {
            let cells = table.rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.text.width()));
            cells.chain([table.heads[column].0.width()]).max().unwrap_or(0)
        })
        .collect();
    let heads: Vec<Cell> = table.heads.iter().map(|(head, _)| Cell::from(head.clone())).collect();
    for (place, row) in std::iter::once(&heads).chain(&table.rows).enumerate() {
        let mut line = indent.to_owned();
        for (column, cell) in row.iter().enumerate() {
            let room = " ".repeat(widths[column].saturating_sub(cell.text.width()));
            let shown = match (place, cell.tone) {
                (0, _) => (marks.bold)(&cell.text),
                (_, Tone::Plain) => cell.text.clone(),
                (_, Tone::Good) => (marks.good)(&cell.text),
                (_, Tone::Bad) => (marks.bad)(&cell.text),
            };
            if column > 0 {
                line.push_str("  ");
            }
            if table.heads[column].1 { line += &(room + &shown) } else { line += &(shown + &room) }
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// A line of blocks, a blank where there is no value.
pub fn spark(values: &[Option<f64>]) -> String {
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let block = |value: f64| {
        let place = if high > low { ((value - low) / (high - low) * 7.0).round() as usize } else { 3 };
        ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][place.min(7)]
    };
    values.iter().map(|value| value.map_or(' ', block)).collect()
}
