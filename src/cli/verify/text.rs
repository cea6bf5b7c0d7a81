//! A verification in a terminal.

use crate::change::verify::report::{Group, Report, words};
use crate::change::verify::{Bucket, Verdict};
use crate::cli::ui::{Column, Paint, table};
use crate::diagnostic::render::visible;

/// How many buckets with reasons, and slices, are told below a table.
const MOST: usize = 10;

/// All groups: a table a metric, what is bad, what carries it, and how far the cut-over is.
pub fn text(groups: &[Group], promote: &dyn Fn(&Group) -> String, paint: Paint) -> String {
    let mut found = Vec::new();
    for group in groups {
        let mut parts = Vec::new();
        if let Some(change) = &group.change {
            let reason =
                group.reason.as_ref().map(|reason| format!("\n{}", paint.dim(&visible(reason)))).unwrap_or_default();
            parts.push(format!("{}{reason}\n", paint.bold(change)));
        }
        if group.reports.is_empty() {
            parts.push("no metric moves\n".to_owned());
        }
        parts.extend(group.reports.iter().map(|report| of_report(report, paint)));
        if let Some(gate) = group.gate() {
            let text = words::gate(gate, &promote(group));
            parts.push(format!("{}\n", if gate.is_open() { paint.green(&text) } else { paint.yellow(&text) }));
        }
        found.push(parts.join("\n"));
    }
    found.join("\n\n")
}

fn of_report(report: &Report, paint: Paint) -> String {
    let by = if report.dimensions.is_empty() { String::new() } else { format!(" by {}", report.dimensions.join(", ")) };
    let unit = report.unit.as_ref().map(|unit| format!(" in {unit}")).unwrap_or_default();
    let mut found = format!("{}{unit}{by}: {}\n", paint.bold(&report.metric), words::rules(&report.rules));
    found += &paint.dim(&format!("old is {}, new is {}", report.old, report.new));
    found.push('\n');
    if report.comparison.buckets.is_empty() {
        return found + "neither side has a row\n";
    }
    found.push('\n');
    let columns = [
        Column::text("bucket"),
        Column::number("old"),
        Column::number("new"),
        Column::number("difference"),
        Column::number("slices differ"),
        Column::number("missing"),
        Column::text("worst slice"),
        Column::text("verdict"),
    ];
    let text = table(&columns, report.comparison.buckets.iter().map(|bucket| row(bucket, report)));
    for line in text.lines() {
        found += &coloured(line.trim_end(), paint);
        found.push('\n');
    }
    let told: Vec<&Bucket> =
        report.comparison.buckets.iter().filter(|one| matches!(one.verdict, Verdict::Bad(_))).collect();
    if !told.is_empty() {
        found.push('\n');
    }
    for bucket in told.iter().take(MOST) {
        let reasons = visible(&words::reasons(&bucket.verdict).join("; ")).into_owned();
        found += &format!("{} {reasons}\n", paint.red(&words::bucket(bucket.start, &report.rules.calendar)));
    }
    if told.len() > MOST {
        found += &format!("({} more bad ones)\n", told.len() - MOST);
    }
    if !report.comparison.contributors.is_empty() {
        let slices = report.comparison.contributors.iter().take(5).map(|slice| words::contributor(slice, &report.ty));
        let slices = slices.collect::<Vec<_>>().join("; ");
        found += &format!("\nmost of the difference: {}\n", visible(&slices));
    }
    if let Some(note) = words::estimate(report) {
        found += &format!("{}\n", paint.yellow(&note));
    }
    if let Some(gate) = report.gate.as_ref() {
        found += &format!("{} of {} good days\n", gate.good, gate.needed);
    }
    found
}

fn row(bucket: &Bucket, report: &Report) -> Vec<String> {
    let missing = bucket.missing_old + bucket.missing_new;
    let worst =
        bucket.worst.as_ref().map(|worst| format!("{} {}", words::slice(&worst.slice), words::signed(worst.relative)));
    let verdict = match &bucket.verdict {
        Verdict::NotJudged(why) => format!("{}: not judged", words::unjudged(*why)),
        verdict => verdict.word().to_owned(),
    };
    vec![
        words::bucket(bucket.start, &report.rules.calendar),
        words::value(bucket.old.as_ref(), &report.ty),
        words::value(bucket.new.as_ref(), &report.ty),
        words::signed(bucket.relative),
        words::percent(bucket.wape),
        if missing == 0 { String::new() } else { missing.to_string() },
        worst.unwrap_or_default(),
        verdict,
    ]
}

/// A line of the table, its verdict in colour. Cells can't hold colours: these would be shown as the letters that they are.
fn coloured(line: &str, paint: Paint) -> String {
    for (word, colour) in [
        ("good", Paint::green as fn(Paint, &str) -> String),
        ("bad", Paint::red),
        ("not judged", Paint::dim),
        ("empty", Paint::dim),
    ] {
        if let Some(before) = line.strip_suffix(word).filter(|before| before.ends_with(' ')) {
            return format!("{before}{}", colour(paint, word));
        }
    }
    line.to_owned()
}
