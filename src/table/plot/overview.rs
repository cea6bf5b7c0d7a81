//! When several things happened, a row each, over one time.

use chrono_tz::Tz;
use unicode_width::UnicodeWidthStr;

use super::axis::axis;
use super::marks::{Frame, MARKS};
use super::{CHARACTER, STYLE, WIDTH, add, cut, escaped};
use crate::value::time::local;

/// The height of a row, with its gap.
const ROW: f64 = 20.0;
const GAP: f64 = 5.0;
/// The widest name: those of rules of quality are long.
const WIDEST: usize = 42;

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Overview<'a> {
    /// What it is, for those who read the page aloud.
    pub title: &'a str,
    /// The rows.
    pub rows: &'a [Row],
    /// Times that are known, with their names.
    pub known: &'a [(i64, i64, &'a str)],
    /// The first instant, and the first one behind it.
    pub span: (i64, i64),
    /// The zone in which times are written.
    pub zone: Tz,
}

/// A thing, and when it happened: from and to, in order and apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// The times.
    pub times: Vec<(i64, i64)>,
}

/// Times of several lists as one list, in order and apart from one another.
pub fn together(times: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    merged(times.collect(), 0)
}

/// The same; what is not more than so long apart is one time.
fn merged(mut times: Vec<(i64, i64)>, apart: i64) -> Vec<(i64, i64)> {
    times.sort_unstable();
    let mut found: Vec<(i64, i64)> = Vec::new();
    for (from, to) in times {
        match found.last_mut() {
            Some(last) if from <= last.1.saturating_add(apart) => last.1 = last.1.max(to),
            _ => found.push((from, to)),
        }
    }
    found
}

/// The picture.
pub fn overview(of: &Overview<'_>) -> String {
    let widest = of.rows.iter().map(|row| cut(&row.name, WIDEST).width()).max().unwrap_or(0);
    let left = widest as f64 * CHARACTER + 16.0;
    let (top, right) = (28.0, WIDTH - 12.0);
    let bottom = top + ROW * of.rows.len() as f64;
    let frame = Frame { left, right, top, height: bottom - top, span: of.span };
    let mut body = String::new();
    // What lies within a pixel is one bar.
    let pixel = (of.span.1 - of.span.0) / (right - left).max(1.0) as i64;
    for (place, row) in of.rows.iter().enumerate() {
        let y = top + ROW * place as f64;
        add(
            &mut body,
            format_args!(
                "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left - 8.0,
                y + ROW - GAP - 1.0,
                escaped(&cut(&row.name, WIDEST))
            ),
        );
        let line = y + ROW;
        add(
            &mut body,
            format_args!("<line class=\"grid\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{line:.1}\" y2=\"{line:.1}\"/>"),
        );
    }
    frame.known(&mut body, of.known);
    for (place, row) in of.rows.iter().enumerate() {
        let of_row = Frame { top: top + ROW * place as f64 + GAP / 2.0, height: ROW - GAP, ..frame };
        for time in merged(row.times.clone(), pixel) {
            let [from, to] = [time.0, time.1].map(|ms| local(ms, of.zone).format("%Y-%m-%d %H:%M").to_string());
            of_row.mark(&mut body, "fires", time, &format!("{}: {from} … {to}", row.name));
        }
    }
    axis(&mut body, of.span, of.zone, |ms| frame.x(ms), bottom + 16.0);
    let height = bottom + 24.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}{MARKS}</style>\n{body}</svg>\n",
        escaped(of.title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn times_of_all_groups_are_one_list() {
        let times = [(5, 9), (1, 2), (8, 12), (2, 3), (20, 20)];
        assert_eq!(together(times.into_iter()), [(1, 3), (5, 12), (20, 20)]);
    }

    #[test]
    fn a_row_has_a_bar_for_each_time_and_all_rows_the_same_incidents() {
        let row = |name: &str, times: &[(i64, i64)]| Row { name: name.to_owned(), times: times.to_vec() };
        // A thousand times of a second are no thousand bars.
        let many: Vec<(i64, i64)> =
            (0..1_000).map(|at| (10 * HOUR + at * 2_000, 10 * HOUR + at * 2_000 + 1_000)).collect();
        let drawn = overview(&Overview {
            title: "all & more",
            rows: &[
                row("<quiet>", &[]),
                row("twice", &[(HOUR, 2 * HOUR), (20 * HOUR, 24 * HOUR)]),
                row("often", &many),
                row("at the end", &[(24 * HOUR, 24 * HOUR)]),
            ],
            known: &[(HOUR, 3 * HOUR, "a < b"), (-9 * HOUR, -HOUR, "before")],
            span: (0, 24 * HOUR),
            zone: chrono_tz::UTC,
        });
        let bars = |name: &str| drawn.matches(&format!("<title>{name}: ")).count();
        assert_eq!((bars("twice"), bars("often"), bars("at the end"), bars("&lt;quiet&gt;")), (2, 1, 1, 0), "{drawn}");
        assert!(drawn.contains("twice: 1970-01-01 01:00 … 1970-01-01 02:00"), "{drawn}");
        assert_eq!(drawn.matches("class=\"known\"").count(), 1, "{drawn}");
        assert!(
            drawn.contains("a &lt; b") && drawn.contains("<title>all &amp; more</title>") && !drawn.contains("NaN")
        );
    }
}
