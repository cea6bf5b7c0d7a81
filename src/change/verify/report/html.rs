//! A verification as one page that needs nothing else.

use minijinja::{AutoEscape, Environment, Value as Given, context};
use std::sync::OnceLock;

use super::words;
use super::{Group, Report};
use crate::change::verify::{Bucket, Number, Verdict};
use crate::diagnostic::render::visible;
use crate::plan::OutputColumn;
use crate::table::{Answer, plot};
use crate::template;
use crate::value::{DataType, Value};

const STYLE: &str =
    concat!(include_str!("../../../../targets/site/style.css"), include_str!("../../../../targets/site/verdicts.css"));
const PAGE: &str = include_str!("../../../../targets/verify/page.html");

fn environment() -> &'static Environment<'static> {
    static MADE: OnceLock<Environment<'static>> = OnceLock::new();
    MADE.get_or_init(|| {
        template::environment(&[("page", PAGE)], |environment| {
            environment.set_auto_escape_callback(|_| AutoEscape::Html);
        })
    })
}

/// The page of all groups.
pub fn html(project: &str, groups: &[Group], promote: &dyn Fn(&Group) -> String) -> String {
    let of = |group: &Group| {
        context! {
            change => group.change.clone(),
            reason => group.reason.clone(),
            agrees => group.agrees(),
            gate => group.gate().map(|gate| words::gate(gate, &promote(group))),
            open => group.gate().is_some_and(crate::change::verify::Gate::is_open),
            metrics => group.reports.iter().map(report).collect::<Vec<_>>(),
        }
    };
    let groups: Vec<Given> = groups.iter().map(of).collect();
    template::render(
        environment(),
        "page",
        context! { project, style => Given::from_safe_string(STYLE.to_owned()), groups },
    )
}

fn report(report: &Report) -> Given {
    let counts = report.counts();
    let buckets: Vec<Given> = report.comparison.buckets.iter().map(|bucket| row(bucket, report)).collect();
    let slices = report.comparison.contributors.iter().map(|found| {
        context! {
            slice => shown(&words::slice(&found.slice)),
            old => words::value(Some(&found.old), &report.ty),
            new => words::value(Some(&found.new), &report.ty),
            difference => words::number(found.difference, &report.ty),
            relative => words::signed(found.relative),
            share => words::signed(found.share),
        }
    });
    context! {
        metric => report.metric.clone(),
        unit => report.unit.clone(),
        old => report.old.clone(),
        new => report.new.clone(),
        by => if report.dimensions.is_empty() { "no dimension".to_owned() } else { report.dimensions.join(", ") },
        rules => words::rules(&report.rules),
        estimate => words::estimate(report),
        agrees => report.agrees(),
        good => counts.good,
        bad => counts.bad,
        empty => counts.empty,
        not_judged => counts.not_judged,
        values => values(report).map(Given::from_safe_string),
        differences => differences(report).map(Given::from_safe_string),
        buckets,
        slices => slices.collect::<Vec<_>>(),
    }
}

/// A text of the data, whose control letters are seen and do nothing.
fn shown(text: &str) -> String {
    visible(text).into_owned()
}

fn row(bucket: &Bucket, report: &Report) -> Given {
    let worst = bucket.worst.as_ref();
    context! {
        bucket => words::bucket(bucket.start, &report.rules.calendar),
        old => words::value(bucket.old.as_ref(), &report.ty),
        new => words::value(bucket.new.as_ref(), &report.ty),
        difference => words::signed(bucket.relative),
        wape => words::percent(bucket.wape),
        missing => Some(bucket.missing_old + bucket.missing_new).filter(|missing| *missing > 0),
        worst => worst.map(|worst| format!("{} {}", shown(&words::slice(&worst.slice)), words::signed(worst.relative))),
        verdict => bucket.verdict.word(),
        class => match bucket.verdict {
            Verdict::Good => "good",
            Verdict::Bad(_) => "bad",
            Verdict::Empty | Verdict::NotJudged(_) => "open",
        },
        reasons => words::reasons(&bucket.verdict).iter().map(|text| shown(text)).collect::<Vec<_>>(),
    }
}

/// The chart of both sides; none where there is no total, or only one bucket.
fn values(report: &Report) -> Option<String> {
    let of = |name: &str, bucket: &Bucket| {
        let cell = if name == "old" { &bucket.old } else { &bucket.new };
        let value = number(cell.as_ref()?.number()?, &report.ty);
        Some(vec![Value::Timestamp(bucket.start?), Value::String(name.to_owned()), value])
    };
    let buckets = || report.comparison.buckets.iter();
    let rows = buckets().filter_map(|bucket| of("old", bucket)).chain(buckets().filter_map(|bucket| of("new", bucket)));
    let ty = if report.ty == DataType::Duration { DataType::Duration } else { DataType::Float };
    let columns = vec![time(), column("side", DataType::String, None), column(&report.metric, ty, report.unit.clone())];
    drawn(report, columns, 2, rows.collect(), "old and new")
}

/// A number as it is drawn.
fn number(found: Number, ty: &DataType) -> Value {
    if *ty == DataType::Duration { Value::Duration(found.as_f64() as i64) } else { Value::Float(found.as_f64()) }
}

/// The chart of the relative differences.
fn differences(report: &Report) -> Option<String> {
    let rows = report.comparison.buckets.iter().filter_map(|bucket| {
        let share = bucket.relative.is_finite().then_some(bucket.relative * 100.0)?;
        Some(vec![Value::Timestamp(bucket.start?), Value::Float(share)])
    });
    let columns = vec![time(), column("difference", DataType::Float, Some("%".to_owned()))];
    drawn(report, columns, 1, rows.collect(), "difference")
}

fn time() -> OutputColumn {
    OutputColumn { name: "time".to_owned(), ty: DataType::Timestamp, nullable: false, unit: None }
}

fn column(name: &str, ty: DataType, unit: Option<String>) -> OutputColumn {
    OutputColumn { name: name.to_owned(), ty, nullable: true, unit }
}

/// The picture as the address of an image: in the page itself its style would be that of the page.
fn drawn(
    report: &Report,
    columns: Vec<OutputColumn>,
    keys: usize,
    rows: Vec<Vec<Value>>,
    what: &str,
) -> Option<String> {
    let calendar = &report.rules.calendar;
    let answer = Answer { columns, keys, rows, zone: calendar.zone, step: Some(calendar.step?) };
    let svg = plot::plot(&answer, &format!("{}: {what}", report.metric)).ok()?;
    let mut address = "data:image/svg+xml,".to_owned();
    for byte in svg.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => address.push(char::from(byte)),
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    Some(address)
}
