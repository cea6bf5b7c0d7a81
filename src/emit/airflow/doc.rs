//! What a DAG says of itself in the UI: Markdown.

use std::collections::BTreeMap;

use super::Build;
use super::domain::{Domain, Join, name_of};
use crate::emit::clickhouse::{Run, Schedule};
use crate::emit::{Beside, Input, MetricView, Told, name};
use crate::project::AirflowTarget;
use crate::rollup::Cadence;

/// Of a DAG of batches.
pub fn batches(domain: &Domain, schedule: &Schedule, input: &Input, settings: &AirflowTarget) -> String {
    let word = domain.cadence.word();
    let mut text = format!(
        "Builds what is served `{word}` out of the rows of {}.\n\n\
         A run waits for its rows, lists the days to build, prepares them beside what is read, and puts one day after the \
         other in its place. Any task may be run again, and so may a run: the numbers are the same.\n\n\
         - the past: `airflow backfill create`, or a run with `history`, which builds all days that have rows\n",
        and(domain.batches.iter().map(|place| code(&schedule.batches[*place].source))),
    );
    if domain.cadence == Cadence::Daily {
        text.push_str(&format!("- to be done by: {} ({})\n", settings.deadline.value.text(), input.zone.name()));
    }
    for place in &domain.batches {
        text.push_str(&batch(&schedule.batches[*place], input, settings));
    }
    // A text that ends with `.md` would be taken for the name of a file.
    text.push('\n');
    text
}

fn batch(run: &Run, input: &Input, settings: &AirflowTarget) -> String {
    let mut text = format!("\n## {}\n\nIt builds {}.\n\n", plain(&run.source), plain(&run.rebuilds));
    let mut metrics: BTreeMap<String, &MetricView> = BTreeMap::new();
    for place in &run.metrics {
        if let Some(name) = name_of(*place, input) {
            metrics.entry(name).or_insert(&input.metrics[*place]);
        }
    }
    for (name, metric) in metrics {
        text.push_str(&line(&name, metric, settings));
    }
    text
}

/// A metric in a line: its name with a link, what it is, and how it is computed.
pub fn line(label: &str, metric: &MetricView, settings: &AirflowTarget) -> String {
    let name = match &settings.docs_url {
        Some(url) => format!("[{}]({}/metrics/{})", plain(label), url.trim_end_matches('/'), page(metric)),
        None => code(label),
    };
    let title = metric.title.as_deref().map(|title| format!(": {}", plain(title))).unwrap_or_default();
    let formula = metric.about.formula.as_deref().map(|formula| format!(" = {}", code(formula))).unwrap_or_default();
    format!("- {name}{title}{formula}\n")
}

/// The page of a metric among those of `metricc docs`.
fn page(metric: &MetricView) -> String {
    let version = if metric.version == 1 { String::new() } else { format!(".v{}", metric.version) };
    let mut page = String::new();
    for byte in format!("{}{version}.html", name::plain(&metric.name)).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'~' => page.push(char::from(byte)),
            _ => page.push_str(&format!("%{byte:02X}")),
        }
    }
    page
}

/// Code in a line, whatever is in it.
pub fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("`{text}`"),
        _ => format!("{fence} {text} {fence}"),
    }
}

/// A text in a line of Markdown that is read as it stands.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '\\' | '*' | '[' | ']' | '<' | '>' | '#' | '|') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// `a, b and c`
pub fn and(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Of a DAG that tells of metrics across domains.
pub fn across(join: &Join, runs: &[&Run], build: &Build) -> String {
    let word = join.cadence.word();
    let mut text = format!(
        "Runs once the {word} batches of {} are built, and tells by assets of the metrics that are read from several of them:\n\n",
        and(runs.iter().map(|run| code(&run.source))),
    );
    for name in &join.metrics {
        let metric = (0..build.input.metrics.len()).find(|place| name_of(*place, build.input).as_ref() == Some(name));
        let metric = metric.map(|place| &build.input.metrics[place]);
        metric.into_iter().for_each(|metric| text.push_str(&line(name, metric, build.settings)));
    }
    text.push('\n');
    text
}

/// Of a DAG that checks what is built.
pub fn freshness() -> String {
    "A task fails where its batch is not built in the warehouse. It does not look at runs, so one that never began is noticed, \
     too. Where this scheduler stands still nothing here runs: let a monitor outside of it ask the same, by the `built.sql` \
     of the batch.\n"
        .to_owned()
}

/// Of a DAG of double runs.
pub fn double_runs<'b>(changes: impl Iterator<Item = &'b Beside>) -> String {
    let mut text =
        "For each change, what only its other version needs is built, and `metricc verify --record` compares both \
                    versions once all of it is there. A day on which they do not agree fails.\n\n"
            .to_owned();
    for beside in changes {
        let reason = &beside.change.reason;
        let moved = and(beside.moved.iter().map(|name| code(name)));
        text.push_str(&format!("- {}: {}; it moves {moved}\n", plain(&beside.change.label()), plain(reason)));
    }
    text.push('\n');
    text
}

/// Of a DAG of reports.
pub fn reports(reports: &[&Told]) -> String {
    let mut text = "Reports of the period that ended with the day before, made once what they tell of is built. `metricc report --send` \
                    sends each once to whom it is for, however often a task is run.\n\n"
        .to_owned();
    for report in reports {
        let title = report.title.as_deref().map(|title| format!(": {}", plain(title))).unwrap_or_default();
        let metrics = and(report.metrics.iter().map(|name| code(name)));
        text.push_str(&format!("- {}{title}; it tells of {metrics}\n", code(&report.name)));
    }
    text.push('\n');
    text
}
