//! Charts as PNG, for mail: a line over time with the values and days at its ends.
//!
//! Letters need a font, and one with Chinese has megabytes. So titles stand in the text beside the picture, and the picture has the few
//! signs that numbers and days are made of, drawn from strokes.

use tiny_skia::{Color, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Stroke, Transform};

use super::super::{Made, MadeMetric};
use super::figures::Kind;
use crate::change::verify::Number;
use crate::value::Step;
use crate::value::time::local_date;

/// The size at which it is shown; it has twice as many pixels each way, for sharp screens.
pub const WIDTH: u32 = 640;
/// See [`WIDTH`].
pub const HEIGHT: u32 = 150;
const SCALE: f32 = 2.0;

const INK: (u8, u8, u8) = (0x59, 0x63, 0x6e);
const RULE: (u8, u8, u8) = (0xd1, 0xd9, 0xe0);
const LINE: (u8, u8, u8) = (0x09, 0x69, 0xda);
const LETTER: f32 = 10.0;

/// The values of a metric over time; none of fewer than two.
pub fn png(metric: &MadeMetric, made: &Made) -> Option<Vec<u8>> {
    let known: Vec<f64> = metric.series.iter().filter_map(|(_, value)| Some((*value)?.as_f64())).collect();
    if known.len() < 2 {
        return None;
    }
    let (low, high) =
        known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let mut map = Pixmap::new(WIDTH * SCALE as u32, HEIGHT * SCALE as u32)?;
    map.fill(Color::WHITE);
    let mut canvas = Canvas { map };
    let kind = Kind::of(metric);
    // The signs there are: what else a value may have (units of time) is left to the text.
    let label = |value: f64| {
        kind.value(number(&kind, value)).chars().filter(|sign| strokes(*sign).is_some()).collect::<String>()
    };
    let labels = if metric.ty == crate::value::DataType::Duration {
        [String::new(), String::new()]
    } else {
        [label(low), label(high)]
    };
    let room = labels.iter().map(|text| width(text)).fold(0.0, f32::max);
    let (left, right, top, bottom) = (room + 14.0, WIDTH as f32 - 12.0, 12.0, HEIGHT as f32 - 26.0);
    let y = |value: f64| {
        if high > low {
            bottom - ((value - low) / (high - low)) as f32 * (bottom - top)
        } else {
            f32::midpoint(top, bottom)
        }
    };
    for (value, text) in [low, high].into_iter().zip(&labels) {
        canvas.line(&[(left, y(value)), (right, y(value))], RULE, 1.0);
        canvas.text(text, left - 8.0 - width(text), y(value) - LETTER / 2.0);
    }
    let last = metric.series.len() - 1;
    let x = |place: usize| left + 4.0 + (right - left - 8.0) * place as f32 / last.max(1) as f32;
    let points: Vec<Option<(f32, f32)>> =
        metric.series.iter().enumerate().map(|(place, (_, value))| Some((x(place), y((*value)?.as_f64())))).collect();
    for run in points.split(Option::is_none) {
        let run: Vec<(f32, f32)> = run.iter().flatten().copied().collect();
        canvas.line(&run, LINE, 2.0);
    }
    if let Some(Some((x, y))) = points.last() {
        canvas.dot(*x, *y);
    }
    for place in [0, last / 2, last] {
        let day = local_date(metric.series[place].0, made.zone);
        let text = match made.every {
            Step::Month | Step::Quarter => day.format("%Y-%m").to_string(),
            Step::Year => day.format("%Y").to_string(),
            _ => day.format("%m-%d").to_string(),
        };
        let at = (x(place) - width(&text) / 2.0).clamp(2.0, WIDTH as f32 - width(&text) - 2.0);
        canvas.text(&text, at, HEIGHT as f32 - 16.0);
    }
    canvas.map.encode_png().ok()
}

/// A value of a kind: of whole numbers without a fraction.
fn number(kind: &Kind, value: f64) -> Number {
    let whole = kind.ty == crate::value::DataType::Int && value.abs() < 9e15;
    if whole { Number::int(value as i64) } else { kind.computed(value) }
}

struct Canvas {
    map: Pixmap,
}

impl Canvas {
    /// A line through points; a single one is a dot.
    fn line(&mut self, points: &[(f32, f32)], (red, green, blue): (u8, u8, u8), width: f32) {
        let mut path = PathBuilder::new();
        for (place, (x, y)) in points.iter().enumerate() {
            if place == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
        }
        if let [(x, y)] = points {
            path.line_to(x + 0.01, *y);
        }
        let Some(path) = path.finish() else { return };
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color_rgba8(red, green, blue, 255);
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.map.stroke_path(&path, &paint, &stroke, Transform::from_scale(SCALE, SCALE), None);
    }

    fn dot(&mut self, x: f32, y: f32) {
        self.line(&[(x, y)], LINE, 7.0);
    }

    /// Signs from the left, their tops at `y`.
    fn text(&mut self, text: &str, mut x: f32, y: f32) {
        let unit = LETTER / 6.0;
        for sign in text.chars() {
            let Some((wide, lines)) = strokes(sign) else { continue };
            for line in lines {
                let points: Vec<(f32, f32)> =
                    line.iter().map(|(a, b)| (x + f32::from(*a) * unit, y + f32::from(*b) * unit)).collect();
                self.line(&points, INK, 1.3);
            }
            x += (f32::from(wide) + 1.6) * unit;
        }
    }
}

/// How wide signs are together.
fn width(text: &str) -> f32 {
    text.chars().filter_map(strokes).map(|(wide, _)| (f32::from(wide) + 1.6) * LETTER / 6.0).sum()
}

type Lines = &'static [&'static [(u8, u8)]];

/// A sign on a grid of four by six: how wide it is, and its strokes.
fn strokes(sign: char) -> Option<(u8, Lines)> {
    Some(match sign {
        '0' => (4, &[&[(1, 0), (3, 0), (4, 1), (4, 5), (3, 6), (1, 6), (0, 5), (0, 1), (1, 0)]]),
        '1' => (3, &[&[(0, 1), (2, 0), (2, 6)], &[(1, 6), (3, 6)]]),
        '2' => (4, &[&[(0, 1), (1, 0), (3, 0), (4, 1), (4, 2), (0, 6), (4, 6)]]),
        '3' => (4, &[&[(0, 0), (4, 0), (2, 2), (3, 2), (4, 3), (4, 5), (3, 6), (1, 6), (0, 5)]]),
        '4' => (4, &[&[(3, 6), (3, 0), (0, 4), (4, 4)]]),
        '5' => (4, &[&[(4, 0), (0, 0), (0, 3), (3, 2), (4, 3), (4, 5), (3, 6), (1, 6), (0, 5)]]),
        '6' => (4, &[&[(3, 0), (1, 1), (0, 3), (0, 5), (1, 6), (3, 6), (4, 5), (4, 4), (3, 3), (1, 3), (0, 4)]]),
        '7' => (4, &[&[(0, 0), (4, 0), (1, 6)]]),
        '8' => (
            4,
            &[
                &[(1, 0), (3, 0), (4, 1), (4, 2), (3, 3), (1, 3), (0, 2), (0, 1), (1, 0)],
                &[(1, 3), (0, 4), (0, 5), (1, 6), (3, 6), (4, 5), (4, 4), (3, 3)],
            ],
        ),
        '9' => (4, &[&[(1, 6), (3, 5), (4, 3), (4, 1), (3, 0), (1, 0), (0, 1), (0, 2), (1, 3), (3, 3), (4, 2)]]),
        '-' => (3, &[&[(0, 3), (3, 3)]]),
        '+' => (4, &[&[(0, 3), (4, 3)], &[(2, 1), (2, 5)]]),
        '.' => (1, &[&[(0, 6), (0, 6)]]),
        ',' => (1, &[&[(1, 5), (0, 7)]]),
        '%' => (
            5,
            &[&[(5, 0), (0, 6)], &[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], &[(4, 5), (5, 5), (5, 6), (4, 6), (4, 5)]],
        ),
        'e' => (3, &[&[(0, 4), (3, 4), (3, 3), (2, 2), (1, 2), (0, 3), (0, 5), (1, 6), (3, 6)]]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_of_numbers_and_days_is_drawn() {
        for sign in "0123456789-+.,%e".chars() {
            let (wide, lines) = strokes(sign).expect("a sign");
            assert!(lines.iter().flat_map(|line| line.iter()).all(|(x, y)| *x <= wide && *y <= 7), "{sign}");
        }
        assert!(width("1,234.5%") > width("1,234"));
        assert_eq!(width("日"), 0.0);
    }
}
