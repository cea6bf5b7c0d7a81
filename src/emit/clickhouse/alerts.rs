//! Alerts, rules of quality and objectives: what each does after each bucket, as a SELECT.

use serde_json::{Value, json};

use super::ask::{Has, choose_of};
use super::{Build, rollups};
use crate::alerting;
use crate::diagnostic::Diagnostics;
use crate::emit::alerts::{Given, Objective, STEP, Series, Watched, length};
use crate::emit::{Artifact, asked_at, name};
use crate::plan::Query;
use crate::rollup::Asked;
use crate::sql::Calendar;
use crate::sql::clickhouse::alerts::{self as sql, Input, burn};
use crate::value::Step;

/// The SELECTs, and what the manifest tells of them: of alerts and rules of quality, and of objectives.
pub struct Selects {
    pub artifacts: Vec<Artifact>,
    pub alerts: Value,
    pub objectives: Value,
}

/// Those of all alerts, rules and objectives.
pub fn selects(build: &Build, given: &Given, diagnostics: &mut Diagnostics) -> Selects {
    let mut selects = Selects { artifacts: Vec::new(), alerts: json!([]), objectives: json!([]) };
    if given.alerts.is_empty() && given.slos.is_empty() {
        return selects;
    }
    // What is wrong with them was told where they are made.
    let (_, made) = rollups::tables(build, &mut Diagnostics::new());
    let writer = Writer { build, has: Has::of(build, &made) };
    let (mut alerts, mut objectives) = (Vec::new(), Vec::new());
    for watched in &given.alerts {
        let of = &watched.alert.name.value;
        let what = if watched.is_rule { "rule" } else { "alert" };
        let about = "-- A row a bucket and group: what the alert does once the bucket is over.\n";
        let file = File { of, stem: name::file(of), what: format!("The {what} {of} over history"), about };
        let Some(artifact) = writer.artifact(file, writer.alert(watched), diagnostics) else { continue };
        let severity = watched.alert.severity.word();
        alerts.push(json!({ "name": of, "file": artifact.path, "severity": severity, "rule": watched.is_rule }));
        selects.artifacts.push(artifact);
    }
    for objective in &given.slos {
        let of = &objective.slo.name.value;
        let Some(parts) = &objective.parts else {
            let why = "its parts do not add up over minutes";
            objectives.push(json!({ "name": of, "file": null, "because": why }));
            continue;
        };
        let about = "-- A row a minute: how fast what may be bad is used up once it is over, and which alerts fire.\n";
        let stem = format!("slo_{}", name::file(of));
        let file = File { of, stem, what: format!("The objective {of} over history"), about };
        let Some(artifact) = writer.artifact(file, writer.objective(objective, parts), diagnostics) else { continue };
        objectives.push(json!({ "name": of, "file": artifact.path }));
        selects.artifacts.push(artifact);
    }
    (selects.alerts, selects.objectives) = (Value::Array(alerts), Value::Array(objectives));
    selects
}

/// A file that is made of a declaration.
struct File<'a> {
    of: &'a str,
    stem: String,
    what: String,
    about: &'static str,
}

struct Writer<'a, 'b> {
    build: &'a Build<'b>,
    has: Has<'a>,
}

type Select = Result<sqlparser::ast::Query, Diagnostics>;

impl Writer<'_, '_> {
    /// The file of a SELECT; none where there is none, which is told.
    fn artifact(&self, file: File, select: Select, diagnostics: &mut Diagnostics) -> Option<Artifact> {
        let query = select.map_err(|found| diagnostics.extend(found)).ok()?;
        let text = super::read_back(self.build, &format!("the alert `{}`", file.of), Ok(query), diagnostics);
        let path = self.build.path(&format!("alerts/{}.sql", file.stem));
        let text = format!("{}{}\n{text};\n", self.build.header(&file.what), file.about);
        Some(Artifact { path, text, origin: vec![file.of.to_owned()] })
    }

    fn alert(&self, watched: &Watched) -> Select {
        let values = self.input(&watched.series)?;
        let volume = watched.volume.as_ref().map(|series| self.input(series)).transpose()?;
        let query = &watched.series.query;
        // The names of the columns, which are those of the dimensions.
        let columns = query.columns();
        let dimensions = columns.iter().take(query.keys()).skip(1).map(|column| column.name.clone()).collect();
        let calendar = Calendar { zone: query.zone, week_start: query.week_start };
        Ok(sql::alert(&sql::Watched { alert: &watched.alert, values, volume, dimensions, calendar }))
    }

    fn objective(&self, of: &Objective, parts: &Query) -> Select {
        let select = choose_of(&self.has, parts, &self.asked(&of.metric.name, STEP), false)?.select;
        let mut columns = parts.columns().into_iter().skip(parts.keys()).map(|column| (column.name, column.ty));
        let (part, total) = columns.next().zip(columns.next()).ok_or_else(Diagnostics::new)?;
        let burns = alerting::BURNS.map(|one| burn::Burn {
            long: length(one.long),
            short: length(one.short),
            bound: one.bound(&of.slo),
        });
        let windows = alerting::windows(&of.slo).into_iter().map(|window| (length(window), window));
        Ok(burn::objective(&burn::Objective {
            select,
            part,
            total,
            is_bad: of.slo.share.is_bad,
            budget: of.slo.budget,
            least: of.slo.least,
            windows: windows.collect(),
            burns: &burns,
            calendar: Calendar { zone: parts.zone, week_start: parts.week_start },
        }))
    }

    /// The SELECT of a series, from where it may be served.
    fn input(&self, series: &Series) -> Result<Input, Diagnostics> {
        let asked = self.asked(&series.about.name, series.step);
        let select = choose_of(&self.has, &series.query, &asked, false)?.select;
        let column = series.query.columns().into_iter().nth(series.query.keys()).ok_or_else(Diagnostics::new)?;
        Ok(Input { select, column: column.name, ty: column.ty })
    }

    /// How a metric may be served at a step.
    fn asked(&self, metric: &str, step: Step) -> Asked {
        let own = self.build.input.metrics.iter().find(|view| view.current && view.name == metric);
        own.map_or_else(|| Asked { live: true, ..Asked::default() }, |view| asked_at(&view.serve, step))
    }
}
