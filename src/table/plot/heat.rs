//! The heat map of a cohort: a row a start, a column an age, the greater the darker.

use super::{CHARACTER, WIDTH, add, escaped, heading};
use crate::table::form;
use crate::table::triangle::Triangle;

/// The height of a row.
const ROW: f64 = 20.0;
/// The widest column; of more ages each is narrower.
const WIDEST: f64 = 52.0;
/// A column of this width has room for its value.
const ROOM: f64 = 34.0;

/// Draws it. Gives where the next panel starts.
pub fn map(body: &mut String, triangle: &Triangle<'_>, top: f64) -> f64 {
    heading(body, &triangle.answer.columns[2], top + 16.0);
    let left = 16.0 + triangle.starts.iter().map(String::len).max().unwrap_or(0) as f64 * CHARACTER + 12.0;
    let column = ((WIDTH - 24.0 - left) / triangle.ages.len() as f64).min(WIDEST);
    let x = |place: usize| left + column * place as f64;
    let ages = top + 40.0;
    // As many labels as have room.
    let every = (CHARACTER * 4.0 / column).ceil().max(1.0) as usize;
    for (place, age) in triangle.ages.iter().enumerate().filter(|(place, _)| place % every == 0) {
        let middle = x(place) + column / 2.0;
        add(body, format_args!("<text class=\"faint middle\" x=\"{middle:.1}\" y=\"{ages:.1}\">{age}</text>"));
    }
    let first = ages + 8.0;
    let shades = triangle.shades();
    for (start, name) in triangle.starts.iter().enumerate() {
        let y = first + ROW * start as f64;
        add(body, format_args!("<text class=\"faint\" x=\"16\" y=\"{:.1}\">{}</text>", y + 14.0, escaped(name)));
        for (place, shade) in shades[start].iter().enumerate() {
            let (Some(shade), Some(value)) = (shade, triangle.value(start, place)) else { continue };
            let (x, width) = (x(place), (column - 1.0).max(0.5));
            let text = form::float((value * 10_000.0).round() / 10_000.0);
            add(
                body,
                format_args!(
                    "<rect class=\"cell\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill-opacity=\"{:.2}\">\
                     <title>{} + {}: {text}</title></rect>",
                    ROW - 1.0,
                    0.08 + 0.82 * shade,
                    escaped(name),
                    triangle.ages[place]
                ),
            );
            if column >= ROOM {
                let middle = x + column / 2.0;
                let short = format!("{value:.2}");
                add(
                    body,
                    format_args!("<text class=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">{short}</text>", y + 14.0),
                );
            }
        }
    }
    first + ROW * triangle.starts.len() as f64 + 24.0
}

#[cfg(test)]
mod tests {
    use crate::table::plot::plot;
    use crate::table::triangle::tests::retention;

    #[test]
    fn a_cohort_is_a_heat_map() {
        let found = plot(&retention(), "kept").expect("a picture");
        assert_eq!(found.matches("<rect class=\"cell\"").count(), 6, "{found}");
        assert!(found.contains("2026-11-01 + 2: 0.25"), "{found}");
    }
}
