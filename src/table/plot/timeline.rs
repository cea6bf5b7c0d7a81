//! One series over a long time, with the ends between which it is as expected, times that are marked, and times that are known.

use chrono_tz::Tz;

use super::axis::axis;
use super::marks::{Frame, MARKS};
use super::{CHARACTER, STYLE, Scale, WIDTH, add, draw_line, escaped};
use crate::plan::DataType;
use unicode_width::UnicodeWidthStr;

/// The height of the lines.
const HEIGHT: f64 = 150.0;
/// How many points of a series are drawn at most: of more the least and the greatest of each stretch.
const MOST_POINTS: usize = 900;
const OWN_STYLE: &str = "\
.limit{fill:none;stroke:#59636e;stroke-width:1;stroke-dasharray:4 3}.fires{opacity:.28}\
@media (prefers-color-scheme:dark){.limit{stroke:#9198a1}}";

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    /// What it is, for those who read the page aloud.
    pub title: &'a str,
    /// The values, each with its instant in milliseconds since 1970 UTC, in order.
    pub points: &'a [(i64, Option<f64>)],
    /// The lower and the upper end of what is expected, where it is known, a point each.
    pub limits: &'a [(Option<f64>, Option<f64>)],
    /// Times that are marked.
    pub fires: &'a [(i64, i64)],
    /// Times that are known, with their names.
    pub known: &'a [(i64, i64, &'a str)],
    /// The first instant, and the first one behind it.
    pub span: (i64, i64),
    /// The zone in which times are written.
    pub zone: Tz,
}

/// The picture.
pub fn timeline(of: &Timeline<'_>) -> String {
    let within = |ms: i64| ms >= of.span.0 && ms < of.span.1;
    let points: Vec<(i64, Option<f64>)> = of.points.iter().copied().filter(|(ms, _)| within(*ms)).collect();
    let end = |take: fn(&(Option<f64>, Option<f64>)) -> Option<f64>| -> Vec<(i64, Option<f64>)> {
        let ends = of.points.iter().zip(of.limits).filter(|((ms, _), _)| within(*ms));
        ends.map(|((ms, _), limits)| (*ms, take(limits))).collect()
    };
    let (low, high) = (end(|limits| limits.0), end(|limits| limits.1));
    let values = [&points, &low, &high].into_iter().flatten().filter_map(|(_, value)| *value);
    let scale = Scale::over(values.filter(|value| value.is_finite()), &DataType::Float);
    let left = scale.labels.iter().map(|(_, label)| label.width()).max().unwrap_or(0) as f64 * CHARACTER + 16.0;
    let (top, right) = (24.0, WIDTH - 12.0);
    let bottom = top + HEIGHT;
    let frame = Frame { left, right, top, height: HEIGHT, span: of.span };
    let x = |ms: i64| frame.x(ms);
    let at = |(ms, value): (i64, f64)| (x(ms), bottom - scale.share(value) * HEIGHT);
    let mut body = String::new();
    frame.known(&mut body, of.known);
    of.fires.iter().for_each(|(from, to)| frame.mark(&mut body, "fires", (*from, *to), ""));
    for (value, label) in &scale.labels {
        let y = bottom - scale.share(*value) * HEIGHT;
        add(
            &mut body,
            format_args!("<line class=\"grid\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"),
        );
        add(
            &mut body,
            format_args!("<text class=\"faint end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>", left - 6.0, y + 4.0),
        );
    }
    draw_line(&mut body, 0, &fewer(&points), at);
    for line in [low, high] {
        draw_limit(&mut body, &fewer(&line), at);
    }
    axis(&mut body, of.span, of.zone, x, bottom + 16.0);
    let height = bottom + 24.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}{MARKS}{OWN_STYLE}</style>\n{body}</svg>\n",
        escaped(of.title)
    )
}

/// A line of ends, broken where there is none.
fn draw_limit(body: &mut String, points: &[(i64, Option<f64>)], at: impl Fn((i64, f64)) -> (f64, f64)) {
    let mut path = String::new();
    for run in points.split(|(_, value)| value.is_none()) {
        for (place, (x, y)) in run.iter().filter_map(|(ms, value)| Some(at((*ms, (*value)?)))).enumerate() {
            path.push_str(&format!("{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" }));
        }
    }
    if !path.is_empty() {
        add(body, format_args!("<path class=\"limit\" d=\"{path}\"/>"));
    }
}

/// Of many points the least and the greatest of each stretch, so that no peak is lost; a stretch without values stays one.
fn fewer(points: &[(i64, Option<f64>)]) -> Vec<(i64, Option<f64>)> {
    let every = (2 * points.len()).div_ceil(MOST_POINTS);
    if every <= 2 {
        return points.to_vec();
    }
    let stretch = |part: &[(i64, Option<f64>)]| {
        let known = || part.iter().copied().filter(|(_, value)| value.is_some());
        let by = |a: &(i64, Option<f64>), b: &(i64, Option<f64>)| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0));
        let mut ends: Vec<(i64, Option<f64>)> = known().min_by(by).into_iter().chain(known().max_by(by)).collect();
        ends.sort_unstable_by_key(|(ms, _)| *ms);
        ends.dedup();
        if ends.is_empty() { part.first().map(|(ms, _)| vec![(*ms, None)]).unwrap_or_default() } else { ends }
    };
    points.chunks(every).flat_map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_gaps_and_names_are_seen() {
        let points: Vec<(i64, Option<f64>)> = (0..10_000)
            .map(|at| (at * 60_000, (at % 500 > 100).then_some(if at == 4_321 { 99.0 } else { 1.0 })))
            .collect();
        let limits = vec![(None, Some(50.0)); points.len()];
        let drawn = timeline(&Timeline {
            title: "a & b",
            points: &points,
            limits: &limits,
            fires: &[(4_322 * 60_000, 4_323 * 60_000)],
            known: &[(4_300 * 60_000, 4_400 * 60_000, "<model> fails")],
            span: (0, 10_000 * 60_000),
            zone: chrono_tz::Asia::Shanghai,
        });
        assert!(drawn.contains("<title>a &amp; b</title>") && drawn.contains("&lt;model&gt; fails"));
        assert_eq!(drawn.matches("class=\"fires\"").count(), 1);
        assert!(drawn.contains("class=\"limit\"") && drawn.contains(">100<"), "{drawn}");
        // The line is broken at the gaps, and far shorter than its points.
        assert!(drawn.matches('M').count() > 15 && drawn.len() < 60_000, "{}", drawn.len());
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
    }
}
