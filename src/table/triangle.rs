//! The triangle of a cohort: a row a start, a column an age. In a terminal a table whose cells are shaded; in a picture a heat map.

use comfy_table::{Cell, CellAlignment, Color, Table};

use super::{Answer, is_drawn, number};
use crate::plan::Value;

/// The widest table of a terminal, in characters; the ages that do not fit are counted.
const WIDEST: usize = 100;

/// An answer by start and age.
pub struct Triangle<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// The starts, as they are shown.
    pub starts: Vec<String>,
    /// The ages.
    pub ages: Vec<i64>,
    /// The rows of the answer by start and age.
    pub rows: Vec<Vec<Option<usize>>>,
}

impl Triangle<'_> {
    /// The triangle of an answer; none where it is not one metric by time and age.
    pub fn of(answer: &Answer) -> Option<Triangle<'_>> {
        let by_age = |name: &str| name == "age" || name.ends_with(".age");
        let [_, age, metric] = answer.columns.as_slice() else { return None };
        if answer.keys != 2 || answer.step.is_none() || !by_age(&age.name) || !is_drawn(&metric.ty) {
            return None;
        }
        let mut ages: Vec<i64> = Vec::new();
        let mut starts: Vec<String> = Vec::new();
        let mut rows: Vec<Vec<(i64, usize)>> = Vec::new();
        for (at, row) in answer.rows.iter().enumerate() {
            let Value::Int(age) = row[1] else { return None };
            let start = answer.text(at, 0).unwrap_or_default();
            let place = starts.iter().position(|known| *known == start).unwrap_or_else(|| {
                starts.push(start);
                rows.push(Vec::new());
                starts.len() - 1
            });
            rows[place].push((age, at));
            if let Err(free) = ages.binary_search(&age) {
                ages.insert(free, age);
            }
        }
        let of_age = |row: &Vec<(i64, usize)>, age: &i64| row.iter().find(|(known, _)| known == age).map(|(_, at)| *at);
        let rows = rows.iter().map(|row| ages.iter().map(|age| of_age(row, age)).collect()).collect();
        (!ages.is_empty()).then_some(Triangle { answer, starts, ages, rows })
    }

    /// The value of a cell.
    pub fn value(&self, start: usize, place: usize) -> Option<f64> {
        let row = self.rows[start][place]?;
        number(&self.answer.rows[row][2], &self.answer.columns[2].ty)
    }

    /// How far each value lies from the least to the greatest one.
    pub fn shades(&self) -> Vec<Vec<Option<f64>>> {
        let value = |start: usize| (0..self.ages.len()).map(move |place| self.value(start, place));
        let all: Vec<Vec<Option<f64>>> = (0..self.starts.len()).map(|start| value(start).collect()).collect();
        let known = || all.iter().flatten().flatten().copied();
        let (least, most) = (known().fold(f64::INFINITY, f64::min).min(0.0), known().fold(f64::NEG_INFINITY, f64::max));
        let shade =
            |value: &Option<f64>| value.map(|value| if most > least { (value - least) / (most - least) } else { 0.0 });
        all.iter().map(|row| row.iter().map(shade).collect()).collect()
    }

    /// Fills a table: `texts` are the values of the rows as they are shown elsewhere; in colour a greater value stands on a darker ground. Gives
    /// what is said below it.
    pub fn fill(&self, table: &mut Table, texts: &[String], color: bool) -> String {
        let text = |row: usize| match &self.answer.rows[row][2] {
            // Two digits tell enough of a share.
            Value::Float(value) if value.abs() < 10.0 => format!("{value:.2}"),
            _ => texts[row].clone(),
        };
        let wide = (0..texts.len()).map(|row| text(row).len()).max().unwrap_or(0).max(3) + 2;
        let name = self.starts.iter().map(String::len).max().unwrap_or(0).max(10);
        let shown = self.ages.len().min((WIDEST - name.min(WIDEST)) / wide).max(1);
        let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let head = self.ages[..shown].iter().map(|age| number(age.to_string()));
        table.set_header(std::iter::once(Cell::new("time \\ age")).chain(head));
        let shades = self.shades();
        for (start, name) in self.starts.iter().enumerate() {
            let cells = (0..shown).map(|place| {
                let text = self.rows[start][place].map(text).unwrap_or_default();
                match shades[start][place].filter(|_| color) {
                    Some(shade) => number(text).bg(ground(shade)).fg(ink(shade)),
                    None => number(text),
                }
            });
            table.add_row(std::iter::once(Cell::new(name)).chain(cells));
        }
        match self.ages.len() - shown {
            0 => String::new(),
            more => format!("({more} more ages: ask for `--format csv`, or for one age)\n"),
        }
    }
}

/// The ground of a shade, of the 256 colours of terminals: from almost white to blue.
fn ground(shade: f64) -> Color {
    const GROUNDS: [u8; 7] = [255, 195, 159, 117, 75, 33, 26];
    Color::AnsiValue(GROUNDS[((shade * GROUNDS.len() as f64) as usize).min(GROUNDS.len() - 1)])
}

/// What is read on a ground of a shade.
fn ink(shade: f64) -> Color {
    if shade < 0.6 { Color::AnsiValue(16) } else { Color::AnsiValue(231) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::plan::DataType;
    use crate::table::terminal::{Style, table};
    use crate::table::testing::column;

    /// Three starts, each a day younger.
    pub fn retention() -> Answer {
        let day = |n: i64| Value::Timestamp(1_793_462_400_000 + n * 86_400_000);
        let row = |start: i64, age: i64, share: f64| vec![day(start), Value::Int(age), Value::Float(share)];
        Answer {
            columns: vec![
                column("time", DataType::Timestamp, None),
                column("signup.age", DataType::Int, None),
                column("kept", DataType::Float, None),
            ],
            keys: 2,
            rows: vec![
                row(0, 0, 1.0),
                row(0, 1, 0.5),
                row(0, 2, 0.25),
                row(1, 0, 1.0),
                row(1, 1, 0.75),
                row(2, 0, 1.0),
            ],
            zone: chrono_tz::Asia::Shanghai,
            step: Some(crate::plan::Step::Day),
        }
    }

    #[test]
    fn a_cohort_is_a_triangle() {
        let found = table(&retention(), Style { color: false, unicode: false });
        assert_eq!(
            found,
            "kept\n\ntime \\ age     0     1     2\n2026-11-01  1.00  0.50  0.25\n2026-11-02  1.00  0.75\n2026-11-03  1.00\n"
        );
        let coloured = table(&retention(), Style { color: true, unicode: true });
        assert!(coloured.contains("\u{1b}[48;5;26m") && coloured.contains("\u{1b}[48;5;195m"), "{coloured}");
    }

    #[test]
    fn what_is_no_triangle_is_a_table() {
        let mut answer = retention();
        answer.columns[1].name = "level".to_owned();
        assert!(Triangle::of(&answer).is_none());
        let mut answer = retention();
        answer.step = None;
        assert!(Triangle::of(&answer).is_none());
    }
}
