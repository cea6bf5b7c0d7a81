//! Answers as a picture: an SVG with a panel for each metric, lines over time or bars by dimension values. It follows the
//! reader's choice of a light or dark page.

mod axis;
mod heat;
mod marks;
mod overview;
mod sankey;
mod timeline;

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

pub use overview::{Overview, Row, overview, together};
pub use timeline::{Timeline, timeline};

use super::flow::Flow;
use super::series::{Series, label, series, visible};
use super::triangle::Triangle;
use super::{Answer, form, is_drawn, number};
use crate::diagnostic::Diagnostic;
use crate::error;
use crate::plan::{DataType, OutputColumn, Step};
use crate::value::time::local;

/// The width of the picture, in pixels.
const WIDTH: f64 = 860.0;
/// The width of a character of the labels, about.
const CHARACTER: f64 = 6.8;
/// The height of a panel's lines.
const LINES_HEIGHT: f64 = 180.0;
/// The height of a bar with its gap.
const BAR_HEIGHT: f64 = 24.0;
/// The most lines of a panel: as many as there are colours.
const MOST_LINES: usize = 8;
/// The most bars of a panel.
const MOST_BARS: usize = 40;
/// The widest label, in characters.
const WIDEST_LABEL: usize = 28;

const STYLE: &str = "\
.page{fill:#ffffff}text{font:12px system-ui,-apple-system,'Segoe UI','Noto Sans','PingFang SC','Microsoft YaHei',sans-serif;fill:#1f2328}\
.title{font-size:16px;font-weight:600}.name{font-size:13px;font-weight:600}.faint{fill:#59636e}.end{text-anchor:end}.middle{text-anchor:middle}\
.grid{stroke:#d1d9e0;stroke-width:1}.zero{stroke:#59636e;stroke-width:1}.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\
.s0{--c:#0969da}.s1{--c:#bc4c00}.s2{--c:#1a7f37}.s3{--c:#8250df}.s4{--c:#bf3989}.s5{--c:#9a6700}.s6{--c:#0a7b83}.s7{--c:#59636e}\
.cell{fill:#0969da;stroke:none}.line{stroke:var(--c)}.dot,.bar,.key{fill:var(--c)}\
@media (prefers-color-scheme:dark){.page{fill:#0d1117}text{fill:#f0f6fc}.faint{fill:#9198a1}.grid{stroke:#30363d}.zero{stroke:#9198a1}\
.s0{--c:#58a6ff}.s1{--c:#f0883e}.s2{--c:#3fb950}.s3{--c:#bc8cff}.s4{--c:#f778ba}.s5{--c:#d29922}.s6{--c:#39c5cf}.s7{--c:#9198a1}}";

/// The picture of an answer: lines where it has at least two buckets, else bars.
pub fn plot(answer: &Answer, title: &str) -> Result<String, Box<Diagnostic>> {
    let metrics: Vec<usize> =
        (answer.keys..answer.columns.len()).filter(|column| is_drawn(&answer.columns[*column].ty)).collect();
    let drawn =
        |column: &usize| answer.rows.iter().any(|row| number(&row[*column], &answer.columns[*column].ty).is_some());
    if !metrics.iter().any(drawn) {
        return Err(Box::new(error!(E0935, None, "there is no number to draw";
            help: "ask for a metric with numbers, and for a time that has rows")));
    }
    let lines = series(answer);
    let mut body = String::new();
    let mut y = 44.0;
    let (triangle, flow) = (Triangle::of(answer), Flow::of(answer));
    if let Some(triangle) = &triangle {
        y = heat::map(&mut body, triangle, y);
    }
    if let Some(flow) = &flow {
        y = sankey::diagram(&mut body, answer, flow, y);
    }
    for column in metrics.into_iter().filter(|_| triangle.is_none() && flow.is_none()) {
        let of_metric: Vec<&Series> = lines.iter().filter(|series| series.column == column).collect();
        y = if of_metric.is_empty() {
            bars(&mut body, answer, column, y)
        } else {
            line_panel(&mut body, answer, column, &of_metric, y)
        };
    }
    let title_text = format!("<text class=\"title\" x=\"16\" y=\"28\">{}</text>", escaped(title));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" width=\"{WIDTH}\" height=\"{y:.0}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n{title_text}\n{body}</svg>\n",
        escaped(title)
    ))
}

/// The name of a metric and its unit.
fn heading(body: &mut String, column: &OutputColumn, y: f64) {
    let unit = column.unit.as_ref().map(|unit| format!(" <tspan class=\"faint\">{}</tspan>", escaped(unit)));
    add(
        body,
        format_args!(
            "<text class=\"name\" x=\"16\" y=\"{y:.1}\">{}{}</text>",
            escaped(&column.name),
            unit.unwrap_or_default()
        ),
    );
}

/// Adds a line of the picture.
fn add(body: &mut String, element: std::fmt::Arguments) {
    // Writing to a string does not fail.
    let _ = writeln!(body, "{element}");
}

/// The lines of a metric over time. Gives where the next panel starts.
fn line_panel(body: &mut String, answer: &Answer, column: usize, all: &[&Series], top: f64) -> f64 {
    let of = &answer.columns[column];
    heading(body, of, top + 16.0);
    let shown = &all[..all.len().min(MOST_LINES)];
    let mut top = top + 28.0;
    if shown.len() > 1 || !shown[0].label.is_empty() {
        top = legend(body, shown, all.len(), top);
    }
    let values = shown.iter().flat_map(|series| series.points.iter().filter_map(|(_, value)| *value));
    let scale = Scale::over(values, &of.ty);
    let left = scale.labels.iter().map(|(_, label)| label.width()).max().unwrap_or(0) as f64 * CHARACTER + 28.0;
    let (right, bottom) = (WIDTH - 24.0, top + LINES_HEIGHT);
    for (value, label) in &scale.labels {
        let y = bottom - scale.share(*value) * LINES_HEIGHT;
        let class = if *value == 0.0 { "zero" } else { "grid" };
        add(
            body,
            format_args!("<line class=\"{class}\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"),
        );
        add(
            body,
            format_args!("<text class=\"faint end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>", left - 6.0, y + 4.0),
        );
    }
    let points = &shown[0].points;
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let x = |ms: i64| left + 8.0 + (right - left - 16.0) * (ms - first) as f64 / (last - first).max(1) as f64;
    for (index, series) in shown.iter().enumerate() {
        let at = |(ms, value): (i64, f64)| (x(ms), bottom - scale.share(value) * LINES_HEIGHT);
        draw_line(body, index, &series.points, at);
    }
    time_axis(body, answer, points, x, bottom + 18.0);
    bottom + 36.0
}

/// One line, broken where a value is missing; a value alone is a dot.
fn draw_line(body: &mut String, index: usize, points: &[(i64, Option<f64>)], at: impl Fn((i64, f64)) -> (f64, f64)) {
    let runs = points.split(|(_, value)| value.is_none()).filter(|run| !run.is_empty());
    let mut path = String::new();
    for run in runs {
        let places: Vec<(f64, f64)> = run.iter().filter_map(|(ms, value)| Some(at((*ms, (*value)?)))).collect();
        if let [(x, y)] = places[..] {
            add(body, format_args!("<circle class=\"dot s{index}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"));
            continue;
        }
        for (place, (x, y)) in places.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" });
        }
    }
    if !path.is_empty() {
        add(body, format_args!("<path class=\"line s{index}\" d=\"{path}\"/>"));
    }
}

/// What each colour means. Gives where the lines start.
fn legend(body: &mut String, shown: &[&Series], all: usize, top: f64) -> f64 {
    let (mut x, mut y) = (16.0, top + 6.0);
    for (index, series) in shown.iter().enumerate() {
        let text = shortened(&series.label);
        let width = text.width() as f64 * CHARACTER + 30.0;
        if x + width > WIDTH - 16.0 {
            (x, y) = (16.0, y + 18.0);
        }
        add(
            body,
            format_args!(
                "<rect class=\"key s{index}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" rx=\"2\"/>",
                y - 9.0
            ),
        );
        add(body, format_args!("<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>", x + 15.0, escaped(&text)));
        x += width;
    }
    if all > shown.len() {
        add(body, format_args!("<text class=\"faint\" x=\"{x:.1}\" y=\"{y:.1}\">({} more)</text>", all - shown.len()));
    }
    y + 14.0
}

/// Up to eight buckets by name.
fn time_axis(body: &mut String, answer: &Answer, points: &[(i64, Option<f64>)], x: impl Fn(i64) -> f64, y: f64) {
    let every = points.len().div_ceil(8).max(1);
    for (ms, _) in points.iter().step_by(every) {
        let text = match answer.step {
            Some(Step::Subday(_)) => local(*ms, answer.zone).format("%m-%d %H:%M").to_string(),
            _ => answer.bucket_text(*ms, 0).unwrap_or_default(),
        };
        let half = text.width() as f64 * CHARACTER / 2.0;
        let at = x(*ms).clamp(half + 2.0, WIDTH - half - 2.0);
        add(body, format_args!("<text class=\"faint middle\" x=\"{at:.1}\" y=\"{y:.1}\">{text}</text>"));
    }
}

/// The bars of a metric, one a row. Gives where the next panel starts.
fn bars(body: &mut String, answer: &Answer, column: usize, top: f64) -> f64 {
    let of = &answer.columns[column];
    heading(body, of, top + 16.0);
    let rows: Vec<(String, Option<f64>)> = answer
        .rows
        .iter()
        .enumerate()
        .take(MOST_BARS)
        .map(|(row, values)| {
            let time = answer.step.and_then(|_| answer.text(row, 0));
            let parts: Vec<String> =
                time.into_iter().chain(Some(label(answer, row)).filter(|l| !l.is_empty())).collect();
            (shortened(&parts.join(", ")), number(&values[column], &of.ty))
        })
        .collect();
    // Bars start at 0.
    let scale = Scale::over(rows.iter().filter_map(|(_, value)| *value).chain([0.0]), &of.ty);
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0) as f64 * CHARACTER;
    let left = widest(&mut rows.iter().map(|(text, _)| text.width())) + 28.0;
    let room = widest(&mut rows.iter().filter_map(|(_, v)| Some(value_text((*v)?, &of.ty).width()))) + 12.0;
    let right = WIDTH - 24.0 - room;
    let x = |value: f64| left + scale.share(value) * (right - left);
    let mut y = top + 28.0;
    for (text, value) in &rows {
        let middle = y + BAR_HEIGHT / 2.0 + 4.0;
        add(
            body,
            format_args!("<text class=\"end\" x=\"{:.1}\" y=\"{middle:.1}\">{}</text>", left - 8.0, escaped(text)),
        );
        match value {
            Some(value) => {
                let (from, to) = (x(value.min(0.0)), x(value.max(0.0)));
                let (width, height) = ((to - from).max(1.0), BAR_HEIGHT - 8.0);
                add(
                    body,
                    format_args!(
                        "<rect class=\"bar s0\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\"/>",
                        y + 4.0
                    ),
                );
                add(
                    body,
                    format_args!(
                        "<text class=\"faint\" x=\"{:.1}\" y=\"{middle:.1}\">{}</text>",
                        to + 6.0,
                        value_text(*value, &of.ty)
                    ),
                );
            }
            None => {
                add(body, format_args!("<text class=\"faint\" x=\"{:.1}\" y=\"{middle:.1}\">null</text>", x(0.0) + 6.0))
            }
        }
        y += BAR_HEIGHT;
    }
    let zero = x(0.0);
    add(
        body,
        format_args!("<line class=\"zero\" x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"{:.1}\" y2=\"{y:.1}\"/>", top + 28.0),
    );
    if answer.rows.len() > MOST_BARS {
        y += 16.0;
        add(
            body,
            format_args!(
                "<text class=\"faint\" x=\"16\" y=\"{y:.1}\">({} more rows)</text>",
                answer.rows.len() - MOST_BARS
            ),
        );
    }
    y + 20.0
}

/// A range of values with round steps.
struct Scale {
    least: f64,
    most: f64,
    /// Round values with their texts, ascending.
    labels: Vec<(f64, String)>,
}

impl Scale {
    /// A scale that holds all values, and 0 where it is near.
    fn over(values: impl Iterator<Item = f64>, ty: &DataType) -> Scale {
        let (mut least, mut most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if !least.is_finite() || !most.is_finite() {
            (least, most) = (0.0, 1.0);
        }
        if least > 0.0 && least < most / 2.0 {
            least = 0.0;
        }
        if most < 0.0 && most > least / 2.0 {
            most = 0.0;
        }
        if least == most {
            let spread = if least == 0.0 { 1.0 } else { least.abs() / 2.0 };
            (least, most) = (least - if least == 0.0 { 0.0 } else { spread }, most + spread);
        }
        let step = round_step((most - least) / 4.0);
        let (first, last) = ((least / step).floor(), (most / step).ceil());
        // Steps of huge numbers may be lost in their digits; then the ends alone are labelled.
        let count = (last - first) as usize;
        let ticks: Vec<f64> =
            if count <= 12 { (0..=count).map(|k| (first + k as f64) * step).collect() } else { vec![least, most] };
        let labels = ticks.iter().map(|value| (*value, tick_text(*value, step, ty))).collect();
        Scale { least: ticks[0], most: ticks[ticks.len() - 1], labels }
    }

    /// Where a value lies: 0 at the least, 1 at the most.
    fn share(&self, value: f64) -> f64 {
        ((value - self.least) / (self.most - self.least)).clamp(0.0, 1.0)
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= raw * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// A round value, with the digits that its step needs.
fn tick_text(value: f64, step: f64, ty: &DataType) -> String {
    if *ty == DataType::Duration {
        return value_text(value, ty);
    }
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    for (from, size, sign) in [(1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")] {
        if value.abs() >= from && step >= size / 1e3 {
            let scaled = format!("{:.3}", value / size);
            return format!("{}{sign}", scaled.trim_end_matches('0').trim_end_matches('.'));
        }
    }
    if value.abs() >= 1e15 { form::float(value) } else { format!("{value:.digits$}") }
}

/// A value beside its bar.
fn value_text(value: f64, ty: &DataType) -> String {
    match ty {
        DataType::Duration => form::duration_short(value as i64),
        DataType::Int => format!("{value:.0}"),
        DataType::Decimal { scale, .. } => format!("{value:.*}", usize::from(*scale).min(4)),
        _ if value.abs() >= 1e15 || (value != 0.0 && value.abs() < 1e-4) => form::float(value),
        _ => format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

/// A label of at most [`WIDEST_LABEL`] columns.
fn shortened(text: &str) -> String {
    cut(text, WIDEST_LABEL)
}

/// A text of at most so many columns.
fn cut(text: &str, widest: usize) -> String {
    if text.width() <= widest {
        return text.to_owned();
    }
    let mut found = String::new();
    for c in text.chars() {
        if found.width() + 2 > widest {
            break;
        }
        found.push(c);
    }
    found + "…"
}

/// A text as XML.
fn escaped(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Value;
    use crate::table::testing::{answer, column};

    /// The texts of the picture, in order.
    fn texts(svg: &str) -> Vec<String> {
        let parts = svg.split("<text").skip(1);
        parts.filter_map(|part| Some(part.split_once('>')?.1.split_once("</text>")?.0.to_owned())).collect()
    }

    #[test]
    fn every_metric_has_a_panel_with_axes_legend_and_unit() {
        let svg = plot(&answer(), "gmv & <more>").unwrap();
        let texts = texts(&svg);
        assert_eq!(texts[0], "gmv &amp; &lt;more&gt;");
        assert!(texts.contains(&"gmv <tspan class=\"faint\">CNY</tspan>".to_owned()), "{texts:?}");
        for wanted in ["ios", "null", "a,&quot;b&quot;\\n", "2026-11-02", "2026-11-04", "0", "1500"] {
            assert!(texts.iter().any(|text| text == wanted), "{wanted}: {texts:?}");
        }
        assert_eq!(svg.matches("class=\"name\"").count(), 4);
        // The first value of ios stands alone before a gap.
        assert!(svg.contains("<circle class=\"dot s0\""));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn without_time_there_are_bars_from_zero() {
        let mut answer = answer();
        answer.step = None;
        answer.columns.remove(0);
        answer.keys = 1;
        for row in &mut answer.rows {
            row.remove(0);
        }
        let svg = plot(&answer, "by platform").unwrap();
        assert!(svg.contains("<rect class=\"bar s0\"") && !svg.contains("<path"));
        let texts = texts(&svg);
        for wanted in ["1234.56", "-0.05", "2m 03s", "null"] {
            assert!(texts.iter().any(|text| text == wanted), "{wanted}: {texts:?}");
        }
    }

    #[test]
    fn what_has_no_number_is_told() {
        let mut answer = answer();
        answer.rows.clear();
        assert_eq!(plot(&answer, "x").unwrap_err().code.0, "E0935");
        answer.columns = vec![column("status", DataType::String, None)];
        (answer.keys, answer.step) = (0, None);
        answer.rows = vec![vec![Value::String("a".to_owned())]];
        assert_eq!(plot(&answer, "x").unwrap_err().code.0, "E0935");
    }

    #[test]
    fn scales_have_round_steps() {
        let labels = |values: &[f64]| {
            let scale = Scale::over(values.iter().copied(), &DataType::Float);
            scale.labels.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&[1.0, 9.0]), "0 5 10");
        assert_eq!(labels(&[0.91, 0.97]), "0.90 0.92 0.94 0.96 0.98");
        assert_eq!(labels(&[-3.0, 4.0]), "-4 -2 0 2 4");
        assert_eq!(labels(&[7.0]), "2 4 6 8 10 12");
        assert_eq!(labels(&[0.0]), "0.0 0.5 1.0");
        assert_eq!(labels(&[0.0, 4_000_000.0]), "0 1M 2M 3M 4M");
        for extreme in [[1e300, -1e300], [f64::MIN_POSITIVE, 0.0], [1e15, 1e15 + 1.0], [f64::MAX, f64::MIN]] {
            assert!(!labels(&extreme).is_empty(), "{extreme:?}");
        }
    }
}
