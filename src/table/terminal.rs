//! Answers for people: an aligned table, units in the head, a sparkline for each series.

use comfy_table::{Attribute, Cell, CellAlignment, Table, presets};
use unicode_width::UnicodeWidthStr;

use super::flow::Flow;
use super::series::{series, visible};
use super::triangle::Triangle;
use super::{Answer, form, plain_text};
use crate::plan::{DataType, OutputColumn, Value};

/// The widest text that is shown whole.
const WIDEST_TEXT: usize = 60;

/// The most buckets of a sparkline; of more the last are shown.
const WIDEST_SPARKLINE: usize = 80;

/// The most sparklines.
const MOST_SPARKLINES: usize = 12;

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether it shows weights and colours.
    pub color: bool,
    /// Whether it shows more than ASCII in frames and sparklines.
    pub unicode: bool,
}

impl Style {
    /// For logs and dumb terminals.
    pub const PLAIN: Style = Style { color: false, unicode: false };

    /// How null is shown.
    fn null(self) -> &'static str {
        if self.unicode { "∅" } else { "null" }
    }
}

/// The answer as a table, its sparklines below, ended by a line end.
pub fn table(answer: &Answer, style: Style) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    if style.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    if let Some(triangle) = Triangle::of(answer) {
        let texts: Vec<String> = shown(answer, 2, style).into_iter().map(|shown| shown.text).collect();
        let below = triangle.fill(&mut table, &texts, style.color);
        let unit = answer.columns[2].unit.as_deref().map(|unit| format!(" ({})", visible(unit))).unwrap_or_default();
        return format!("{}{unit}\n\n{}{below}", visible(&answer.columns[2].name), lines(&mut table));
    }
    let columns: Vec<Vec<Shown>> = (0..answer.columns.len()).map(|column| shown(answer, column, style)).collect();
    // What flows somewhere has its share beside it, and a bar.
    let beside = Flow::of(answer).map(|flow| flow.beside(style.unicode));
    let share = beside.as_ref().map(|_| cell("share".to_owned(), CellAlignment::Right, style, Some(Attribute::Bold)));
    let head = answer.columns.iter().map(|column| {
        let name = visible(&column.name);
        cell(name, alignment(column), style, Some(Attribute::Bold))
    });
    table.set_header(head.chain(share));
    if answer.columns.iter().any(|column| column.unit.is_some()) {
        table.add_row(answer.columns.iter().map(|column| {
            let unit = column.unit.as_deref().map(visible).unwrap_or_default();
            cell(unit, alignment(column), style, Some(Attribute::Dim))
        }));
    }
    let line = if style.unicode { "─" } else { "-" };
    table.add_row(answer.columns.iter().zip(&columns).map(|(column, cells)| {
        let widths = cells.iter().map(|cell| cell.text.width());
        let heads = [visible(&column.name).width(), column.unit.as_deref().map_or(0, |unit| visible(unit).width())];
        line.repeat(widths.chain(heads).max().unwrap_or(0))
    }));
    for row in 0..answer.rows.len() {
        let cells = answer.columns.iter().zip(&columns).map(|(column, cells)| {
            let shown = &cells[row];
            cell(shown.text.clone(), alignment(column), style, shown.null.then_some(Attribute::Dim))
        });
        let beside = beside.as_ref().map(|beside| {
            let (share, bar) = &beside[row];
            let share = cell(share.clone(), CellAlignment::Right, style, None);
            [share, cell(bar.clone(), CellAlignment::Left, style, None)]
        });
        table.add_row(cells.chain(beside.into_iter().flatten()));
    }
    let mut found = lines(&mut table);
    if answer.rows.is_empty() {
        found.push_str("(no rows)\n");
    }
    found + &sparklines(answer, style)
}

/// The lines of a table, which begins at the left.
fn lines(table: &mut Table) -> String {
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
}

/// A cell of the table.
fn cell(text: String, alignment: CellAlignment, style: Style, attribute: Option<Attribute>) -> Cell {
    let cell = Cell::new(text).set_alignment(alignment);
    match attribute {
        Some(attribute) if style.color => cell.add_attribute(attribute),
        _ => cell,
    }
}

/// Numbers stand at the right.
fn alignment(column: &OutputColumn) -> CellAlignment {
    if column.ty.is_numeric() || column.ty == DataType::Duration { CellAlignment::Right } else { CellAlignment::Left }
}

/// A value as it is shown.
struct Shown {
    text: String,
    null: bool,
}

/// The values of a column.
fn shown(answer: &Answer, column: usize, style: Style) -> Vec<Shown> {
    let digits = float_digits(answer.rows.iter().filter_map(|row| match row[column] {
        Value::Float(value) => Some(value),
        _ => None,
    }));
    let ty = &answer.columns[column].ty;
    let show = |row: usize| match &answer.rows[row][column] {
        Value::Null => Shown { text: style.null().to_owned(), null: true },
        value => {
            let text = match value {
                Value::Timestamp(ms) => {
                    answer.bucket_text(*ms, column).unwrap_or_else(|| form::timestamp_short(*ms, answer.zone))
                }
                Value::Duration(ms) => form::duration_short(*ms),
                Value::Float(value) => digits.map_or_else(|| form::float(*value), |digits| format!("{value:.digits$}")),
                Value::String(text) => shown_text(text, style),
                value => plain_text(value, ty),
            };
            Shown { text, null: false }
        }
    };
    (0..answer.rows.len()).map(show).collect()
}

/// A text that cannot be mistaken for null or for a blank.
fn shown_text(text: &str, style: Style) -> String {
    if text.is_empty() || text == style.null() || text.trim() != text {
        return format!("\"{}\"", shortened(&visible(text)));
    }
    shortened(&visible(text))
}

/// A text of at most [`WIDEST_TEXT`] columns.
fn shortened(text: &str) -> String {
    if text.width() <= WIDEST_TEXT {
        return text.to_owned();
    }
    let mut found = String::new();
    for c in text.chars() {
        found.push(c);
        if found.width() >= WIDEST_TEXT - 1 {
            break;
        }
    }
    found + "…"
}

/// The digits behind the point that all floats of a column are shown with: four significant ones of the smallest, at
/// least none and at most nine. None where the column is too wide apart for a common number.
fn float_digits(values: impl Iterator<Item = f64>) -> Option<usize> {
    let values: Vec<f64> = values.filter(|value| *value != 0.0).collect();
    if values.iter().any(|value| !(1e-6..1e15).contains(&value.abs())) {
        return None;
    }
    let wanted =
        |value: &f64| if value.abs() >= 1.0 { 4 } else { (3.0 - value.abs().log10().floor()).clamp(4.0, 9.0) as usize };
    let most = values.iter().map(wanted).max().unwrap_or(1);
    // Digits that are 0 everywhere tell nothing.
    let needed =
        |value: &f64| format!("{value:.most$}").trim_end_matches('0').split_once('.').map_or(0, |(_, tail)| tail.len());
    Some(values.iter().map(needed).max().unwrap_or(1).max(1))
}

/// The sparklines of an answer over time, a line a series.
fn sparklines(answer: &Answer, style: Style) -> String {
    let all = series(answer);
    if all.is_empty() {
        return String::new();
    }
    let title = |series: &super::series::Series| {
        let name = visible(&answer.columns[series.column].name);
        if series.label.is_empty() { name } else { format!("{name} ({})", shortened(&series.label)) }
    };
    let width = all.iter().take(MOST_SPARKLINES).map(|series| title(series).width()).max().unwrap_or(0);
    let mut found = String::from("\n");
    for series in all.iter().take(MOST_SPARKLINES) {
        let title = title(series);
        let values: Vec<Option<f64>> = series.points.iter().map(|(_, value)| *value).collect();
        let line = sparkline(&values[values.len().saturating_sub(WIDEST_SPARKLINE)..], style);
        let gap = " ".repeat(width - title.width());
        found.push_str(format!("{title}{gap}  {line}").trim_end());
        found.push('\n');
    }
    if all.len() > MOST_SPARKLINES {
        found.push_str(&format!("({} more series)\n", all.len() - MOST_SPARKLINES));
    }
    found
}

/// Values as a line of bars between the least and the greatest; a blank where there is none.
pub fn sparkline(values: &[Option<f64>], style: Style) -> String {
    let bars: &[char] = if style.unicode {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    } else {
        &['_', '.', '-', '=', '+', '*', '#']
    };
    let known = || values.iter().flatten().copied();
    let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    // The base is 0 where all values are on one side of it and not far from it, so that small changes look small.
    let base = if least > 0.0 && least < most / 2.0 { 0.0 } else { least };
    values
        .iter()
        .map(|value| match value {
            None => ' ',
            Some(_) if most <= base => bars[0],
            Some(value) => {
                let share = (value - base) / (most - base);
                bars[((share * bars.len() as f64) as usize).min(bars.len() - 1)]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{answer, column};

    #[test]
    fn numbers_are_aligned_under_their_units() {
        let found = table(&answer(), Style { color: false, unicode: true });
        let lines: Vec<&str> = found.lines().collect();
        assert_eq!(
            lines[..8],
            [
                "time        platform       gmv     活跃    wait     rate",
                "                           CNY     user            ratio",
                "──────────  ─────────  ───────  ───────  ──────  ───────",
                "2026-11-01  ios           9.90        7  1.234s   0.3333",
                "2026-11-01  \"\"               ∅  1000000       ∅   0.5000",
                "2026-11-02  \"a,\"b\"\\n\"    -0.05        0  2m 03s        ∅",
                "2026-11-04  ios        1234.56        9     0ms   2.0000",
                "2026-11-04  ∅             0.00       -1     1ms  -1.5000",
            ]
        );
    }

    #[test]
    fn every_series_has_a_sparkline_with_gaps() {
        let mut answer = answer();
        for row in &mut answer.rows {
            row[1] = Value::String("all".to_owned());
        }
        answer.rows.truncate(4);
        answer.rows.remove(1);
        let found = table(&answer, Style { color: false, unicode: true });
        assert!(found.ends_with("gmv (all)   ▁▁ █\n活跃 (all)  ▇▁ █\nwait (all)  ▁█ ▁\nrate (all)  ▂  █\n"), "{found}");
        let plain = table(&answer, Style::PLAIN);
        assert!(plain.contains("活跃 (all)  *_ #\n"), "{plain}");
    }

    #[test]
    fn plain_tables_are_ascii_but_for_the_data() {
        let mut answer = answer();
        answer.columns[3].name = "active".to_owned();
        let found = table(&answer, Style::PLAIN);
        assert!(found.is_ascii(), "{found}");
        assert!(found.contains("null"));
        answer.rows.clear();
        assert!(table(&answer, Style::PLAIN).ends_with("(no rows)\n"));
    }

    #[test]
    fn colours_are_only_where_asked() {
        assert!(table(&answer(), Style { color: true, unicode: true }).contains("\u{1b}[1m"));
        assert!(!table(&answer(), Style { color: false, unicode: true }).contains('\u{1b}'));
    }

    #[test]
    fn texts_cannot_play_tricks() {
        let style = Style { color: false, unicode: true };
        assert_eq!(shown_text("\u{1b}[31mred\u{202e}", style), "\\u{1b}[31mred\\u{202e}");
        assert_eq!(shown_text("∅", style), "\"∅\"");
        assert_eq!(shown_text(" a", style), "\" a\"");
        assert_eq!(shown_text(&"中".repeat(100), style).width(), 61);
    }

    #[test]
    fn floats_of_a_column_share_their_digits() {
        let digits = |values: &[f64]| float_digits(values.iter().copied());
        assert_eq!(digits(&[1.0, 2.0]), Some(1));
        assert_eq!(digits(&[1.0 / 3.0]), Some(4));
        assert_eq!(digits(&[0.001_234_56]), Some(6));
        assert_eq!(digits(&[1e-9, 1.0]), None);
        assert_eq!(digits(&[1e300]), None);
        assert_eq!(digits(&[]), Some(1));
    }

    #[test]
    fn sparklines_span_the_values() {
        let line = |values: &[f64]| {
            sparkline(&values.iter().copied().map(Some).collect::<Vec<_>>(), Style { color: false, unicode: true })
        };
        assert_eq!(line(&[0.0, 1.0, 2.0, 4.0, 8.0]), "▁▂▃▅█");
        assert_eq!(line(&[5.0, 5.0]), "▁▁");
        assert_eq!(line(&[-1.0, 1.0]), "▁█");
        assert_eq!(line(&[]), "");
        let one = Answer {
            columns: vec![column("n", DataType::Int, None)],
            keys: 0,
            rows: vec![vec![Value::Int(5)]],
            zone: chrono_tz::UTC,
            step: None,
        };
        assert_eq!(table(&one, Style::PLAIN), "n\n-\n5\n");
    }
}
