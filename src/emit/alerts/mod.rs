//! Alerts and objectives: rules for Prometheus (and vmalert), their tests for promtool, and the configuration of Alertmanager.
//!
//! PromQL is a tree here ([`promql`]) that is printed; the files are written by a serialiser, so that no text of a user can be
//! anything else than a text in them.

mod alertmanager;
mod cases;
mod condition;
mod fresh;
mod fresh_cases;
mod given;
mod objective;
mod objective_cases;
mod parts;
mod promql;
mod ruled;
mod rules;
mod scenario;
mod told;

use serde::Serialize;
use serde_json::json;

use self::condition::Timing;
use self::told::Told;
use super::{Artifact, Emitted, Input, name};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::project::AlertsTarget;

pub use fresh::{Fresh, NEWEST_ROW, NEWEST_ROW_ASKED};
pub use given::{About, Apart, BUCKET_END, Given, Objective, Series, Watched, exported, given, question};
pub use objective::{Part, STEP, ends, selection, windows};
pub use parts::Parts;
pub use ruled::rules;

/// A length of time as it stands in names and labels: `30d`.
pub fn length(ms: i64) -> String {
    super::streaming::duration(ms)
}

/// The files of a target.
pub fn emit(input: &Input, target: &str, settings: &AlertsTarget) -> (Emitted, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let given = &input.alerts.with_rules(settings.quality);
    check_lengths(given, settings, &mut diagnostics);
    check_groups(input, given, settings, &mut diagnostics);
    let told = Told::of(settings, given, &mut diagnostics);
    if diagnostics.has_errors() {
        return (Emitted { artifacts: Vec::new(), details: json!({}) }, diagnostics);
    }
    let timing = Timing::of(settings);
    let writer = Writer { target };
    let mut artifacts = vec![writer.file(
        "alertmanager.yml",
        "The configuration of Alertmanager",
        &alertmanager::Config::of(given, settings, input.zone),
        Vec::new(),
    )];
    for (stem, all) in groups_of(given) {
        let names: Vec<String> = all.iter().map(|watched| watched.alert.name.value.clone()).collect();
        let rules = rules::Rules::of_alerts(&all, &told, &timing);
        let what = format!("Rules of {}, for Prometheus and vmalert", names.join(", "));
        artifacts.push(writer.file(&format!("rules/{stem}.yml"), &what, &rules, names));
        for watched in all {
            let of = &watched.alert.name.value;
            let Some(cases) = cases::cases(watched, &stem, &told, &timing) else { continue };
            let (path, what) =
                (format!("tests/{}_test.yml", name::file(of)), format!("Tests of the alert {of}, for promtool"));
            artifacts.push(writer.file(&path, &what, &cases, vec![of.clone()]));
        }
    }
    for of in &given.fresh {
        let (alert, stem) = (&of.name.value, name::file(&of.name.value));
        let rules = rules::Rules::of_fresh(of, &told, &timing);
        let what = format!("Rules of {alert}, for Prometheus and vmalert");
        artifacts.push(writer.file(&format!("rules/{stem}.yml"), &what, &rules, vec![alert.clone()]));
        let Some(cases) = fresh_cases::cases(of, &stem, &told) else { continue };
        let what = format!("Tests of the alert {alert}, for promtool");
        artifacts.push(writer.file(&format!("tests/{stem}_test.yml"), &what, &cases, vec![alert.clone()]));
    }
    for of in &given.slos {
        let slo = &of.slo.name.value;
        let stem = format!("slo_{}", name::file(slo));
        let rules = rules::Rules::of_objective(of, &told, &timing);
        let what = format!("Rules of the objective {slo}, for Prometheus and vmalert");
        artifacts.push(writer.file(&format!("rules/{stem}.yml"), &what, &rules, vec![slo.clone()]));
        let cases = objective_cases::cases(of, &stem, &told);
        let what = format!("Tests of the objective {slo}, for promtool");
        artifacts.push(writer.file(&format!("tests/{stem}_test.yml"), &what, &cases, vec![slo.clone()]));
    }
    (Emitted { artifacts, details: details(given) }, diagnostics)
}

struct Writer<'a> {
    target: &'a str,
}

impl Writer<'_> {
    fn file(&self, path: &str, what: &str, content: &impl Serialize, origin: Vec<String>) -> Artifact {
        let values = minijinja::context! { what, version => env!("CARGO_PKG_VERSION"), target => self.target };
        let mut text = super::template::render("alerts/header.yml", values);
        // Maps with texts as keys, lists and texts: nothing that YAML could not say.
        text.push_str(&serde_yaml::to_string(content).unwrap_or_default());
        Artifact { path: format!("{}/{path}", name::file(self.target)), text, origin }
    }
}

/// Alerts that look at the same values, each with the name of their file.
fn groups_of(given: &Given) -> Vec<(String, Vec<&given::Watched>)> {
    let mut groups: Vec<(String, Vec<&given::Watched>)> = Vec::new();
    for watched in given.watched() {
        let stem = watched.series.record("").replace(':', "-");
        match groups.iter_mut().find(|(known, _)| *known == stem) {
            Some((_, all)) => all.push(watched),
            None => groups.push((stem, vec![watched])),
        }
    }
    groups
}

/// The series that have to be there (AL7), for the manifest.
fn details(given: &Given) -> serde_json::Value {
    let mut series: Vec<serde_json::Value> = Vec::new();
    let mut add = |name: String, labels: Vec<(String, String)>, by: Vec<String>| {
        let labels: serde_json::Map<String, serde_json::Value> =
            labels.into_iter().map(|(label, value)| (label, value.into())).collect();
        let one = json!({ "name": name, "labels": labels, "by": by });
        if !series.contains(&one) {
            series.push(one);
        }
    };
    for watched in given.watched() {
        for of in [Some(&watched.series), watched.volume.as_ref()].into_iter().flatten() {
            add(given::exported(&of.about.name), of.selection(), of.labels());
            add(given::BUCKET_END.to_owned(), of.selection(), Vec::new());
        }
    }
    for of in &given.fresh {
        for name in [NEWEST_ROW, NEWEST_ROW_ASKED] {
            add(name.to_owned(), of.selection(), Vec::new());
        }
    }
    for of in &given.slos {
        for window in objective::windows(of) {
            for part in [objective::Part::Some, objective::Part::Total] {
                add(given::exported(&of.metric.name), objective::selection(of, part, window), Vec::new());
            }
            add(given::BUCKET_END.to_owned(), objective::ends(of, window), Vec::new());
        }
    }
    json!({ "series": series })
}

/// What is compared must still be there.
fn check_lengths(given: &Given, settings: &AlertsTarget, diagnostics: &mut Diagnostics) {
    let days = |ms: i64| (ms as f64 / 86_400_000.0).ceil();
    for watched in &given.alerts {
        let needed = watched.alert.reaches_back();
        if needed >= settings.retention {
            diagnostics.push(error!(E0891, watched.alert.name.span,
                "`{}` compares with what was {} days ago, and Prometheus keeps {} days", watched.alert.name.value, days(needed), days(settings.retention);
                help: ("let Prometheus keep more (`--storage.tsdb.retention.time`) and say so in the target: `retention: {}d`", days(needed) + 1.0)));
        }
    }
}

/// Every group of an alert is a series, and a message.
fn check_groups(input: &Input, given: &Given, settings: &AlertsTarget, diagnostics: &mut Diagnostics) {
    for watched in &given.alerts {
        let Some(count) = groups(input, watched) else { continue };
        if count > settings.max_series as f64 {
            diagnostics.push(error!(E0892, watched.alert.name.span,
                "`{}` watches about {count} groups, and {} may be at most", watched.alert.name.value, settings.max_series;
                help: "leave a dimension out of `by`, take one with fewer values, or raise `max_series` of the target"));
        }
    }
}

/// About how many groups an alert has, by the samples; none where nothing is known.
fn groups(input: &Input, watched: &given::Watched) -> Option<f64> {
    let scan = watched.series.query.scans.first()?;
    let crate::plan::Source::Table(table) = &scan.source else { return None };
    let mut count = 1.0;
    for dimension in &scan.dimensions {
        let Some(dimension) = dimension else { continue };
        count *= input.statistics.values(dimension, *table, &scan.joins, &input.tables)?;
    }
    Some(count)
}
