//! The names that `test` blocks use: metrics, the tables of given rows and their columns, the columns of expected rows.

use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::resolve::Names;
use crate::suggest::near;
use crate::syntax::ast::{Given, Test};
use crate::value::Step;

use super::calendars::{Calendar, step_named};
use super::formula::Declared;
use super::{By, Dimension, DimensionId, Table};

/// Tells the names that nothing has. The cells are read when the tests run.
pub fn check_tests(
    names: &Names<'_>,
    tables: &[Table],
    calendars: &[Calendar],
    dimensions: (&[Dimension], &[Option<DimensionId>]),
    d: &mut Diagnostics,
) {
    for test in &names.tests {
        let test = test.syntax;
        let known = check_metrics(names, test, d);
        for (place, given) in test.given.iter().enumerate() {
            check_given(names, tables, given, &test.given[..place], d);
        }
        // Of a metric that is not there, nothing is known to be expected.
        if known {
            check_expected(names, calendars, dimensions, test, d);
        }
    }
}

fn check_metrics(names: &Names<'_>, test: &Test, d: &mut Diagnostics) -> bool {
    let mut known = true;
    for (path, version) in &test.metrics {
        let version = version.as_ref().map(|version| version.value);
        // What is behind the dot of `dau.growth_1d` is looked up when the test runs.
        if names.metric(&path.parts[0], version).is_some() || names.quality(&path.parts[0]).is_some() {
            continue;
        }
        known = false;
        let text = path.to_string();
        if let (Some(version), true) = (version, names.has_metric(&text)) {
            d.push(error!(E0210, path.span, "the metric `{text}` has no version {version}";
                help: "name a version that is declared"));
            continue;
        }
        let help = match near(&text, names.metric_names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a metric that is declared".to_owned(),
        };
        d.push(error!(E0201, path.span, "no metric named `{text}`"; help: help));
    }
    known
}

fn check_given(names: &Names<'_>, tables: &[Table], given: &Given, before: &[Given], d: &mut Diagnostics) {
    let text = given.table.to_string();
    let Some(table) = tables.iter().find(|table| table.meant && table.name.value == text) else {
        // A table that is declared but broken was told at its declaration.
        if names.row_set(&text, None).is_some_and(|found| !matches!(found, crate::resolve::RowName::Subset(_))) {
            return;
        }
        let help = match near(&text, tables.iter().map(|table| table.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "rows are given for a source, an entity or a calendar".to_owned(),
        };
        d.push(error!(E0207, given.table.span, "no source or entity named `{text}`"; help: help));
        return;
    };
    if let Some(first) = before.iter().find(|earlier| earlier.table.to_string() == text) {
        d.push(
            error!(E0204, given.table.span, "the rows of `{text}` are given twice"; help: "put all of its rows into one table")
                .related(first.table.span, "first here"),
        );
    }
    for column in &given.data.header {
        let known = table.columns.iter().find(|known| known.name.value == column.value);
        if known.is_none_or(|known| known.computed.is_some()) {
            let stored = table.columns.iter().filter(|known| known.computed.is_none());
            let help = match near(column, stored.map(|known| known.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a stored column of it".to_owned(),
            };
            d.push(error!(E0209, column.span, "`{text}` has no stored column `{}`", column.value; help: help));
        }
    }
}

/// Each column of the expected rows is `time`, `time@STEP`, a metric of the test, a dimension or a part of the bucket; one of
/// them is a metric.
fn check_expected(
    names: &Names<'_>,
    calendars: &[Calendar],
    (dimensions, ids): (&[Dimension], &[Option<DimensionId>]),
    test: &Test,
    d: &mut Diagnostics,
) {
    let metrics = columns_of_metrics(names, test);
    let has_time = test.expect.header.iter().any(|column| column.value == "time");
    let mut shows_a_metric = false;
    for column in &test.expect.header {
        let name = column.value.as_str();
        if metrics.iter().any(|metric| metric == name) {
            shows_a_metric = true;
        } else if let Some(step) = name.strip_prefix("time@").filter(|_| !has_time) {
            if step_named(calendars, step).or_else(|| Step::parse(step)).is_none() {
                d.push(error!(E0954, column.span, "`{step}` is not an output step";
                    help: "write `time@month`, `time@1h` or another step"));
            }
        } else if name.contains('@') || name.starts_with("time.") {
            By::parse(name, &Declared { names, ids }, dimensions, Some(column.span), d);
        } else if name != "time"
            && !dimensions.iter().any(|one| one.name.value == name)
            && names.dimension(name).is_none()
        {
            unknown_column(names, column, &metrics, d);
        }
    }
    if !shows_a_metric {
        d.push(error!(E0958, test.expect.span, "the expected rows show none of the test's metrics";
            help: ("add a column `{}`", metrics.join("`, `"))));
    }
}

/// The names of the test's metrics as columns: with their version where the test is of two versions of one metric.
fn columns_of_metrics(names: &Names<'_>, test: &Test) -> Vec<String> {
    let version = |path: &str, written: Option<u32>| {
        let place = names.metric(path, written);
        place.and_then(|place| names.metrics[place].syntax.version.as_ref().map(|version| version.value)).unwrap_or(1)
    };
    let asked: Vec<(String, u32)> = (test.metrics.iter())
        .map(|(path, written)| {
            let text = path.to_string();
            let version = version(&text, written.as_ref().map(|version| version.value));
            (text, version)
        })
        .collect();
    let twice = |name: &str, version: u32| asked.iter().any(|(other, of)| other == name && *of != version);
    let column = |(name, version): &(String, u32)| match twice(name, *version) {
        true => format!("{name} v{version}"),
        false => name.clone(),
    };
    asked.iter().map(column).collect()
}

fn unknown_column(names: &Names<'_>, column: &Spanned<String>, metrics: &[String], d: &mut Diagnostics) {
    let name = column.value.as_str();
    let all = metrics.iter().map(String::as_str).chain(["time"]).chain(names.dimension_names());
    let help = match near(name, all) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the columns are `time`, dimensions, and the test's metrics: `{}`", metrics.join("`, `")),
    };
    if names.metric(name, None).is_some() {
        d.push(error!(E0208, column.span, "the test is not of the metric `{name}`, and no dimension is named so";
            help: ("add it to the head of the test: `of {}, {name}`", metrics.join(", "))));
    } else {
        d.push(error!(E0208, column.span, "no dimension or metric of the test is named `{name}`"; help: help));
    }
}
