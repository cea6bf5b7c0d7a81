//! Alerts: what each does after each bucket, as a SELECT.

use serde_json::{Value, json};

use super::Build;
use super::ask::choose;
use crate::diagnostic::Diagnostics;
use crate::emit::alerts::{Given, Series, Watched};
use crate::emit::{Artifact, asked_at, name};
use crate::rollup::Asked;
use crate::sql::Calendar;
use crate::sql::clickhouse::alerts::{self as sql, Input};

/// The SELECTs of all alerts, and what the manifest tells of them.
pub fn artifacts(build: &Build, given: &Given, diagnostics: &mut Diagnostics) -> (Vec<Artifact>, Value) {
    let mut artifacts = Vec::new();
    let mut told = Vec::new();
    // Rules of quality have gates.
    for watched in given.alerts.iter().filter(|watched| !watched.is_rule) {
        match select(build, watched) {
            Ok(query) => {
                let of = &watched.alert.name.value;
                let text = super::read_back(build, &format!("the alert `{of}`"), Ok(query), diagnostics);
                let path = build.path(&format!("alerts/{}.sql", name::file(of)));
                let header = build.header(&format!("The alert {of} over history"));
                let about = "-- A row a bucket and group: what the alert does once the bucket is over.\n";
                let text = format!("{header}{about}\n{text};\n");
                artifacts.push(Artifact { path: path.clone(), text, origin: vec![of.clone()] });
                told.push(json!({ "name": of, "file": path, "severity": watched.alert.severity.word() }));
            }
            Err(found) => diagnostics.extend(found),
        }
    }
    (artifacts, Value::Array(told))
}

fn select(build: &Build, watched: &Watched) -> Result<sqlparser::ast::Query, Diagnostics> {
    let values = input(build, &watched.series)?;
    let volume = watched.volume.as_ref().map(|series| input(build, series)).transpose()?;
    let query = &watched.series.query;
    // The names of the columns, which are those of the dimensions.
    let columns = query.columns();
    let dimensions = columns.iter().take(query.keys()).skip(1).map(|column| column.name.clone()).collect();
    let calendar = Calendar { zone: query.zone, week_start: query.week_start };
    Ok(sql::alert(&sql::Watched { alert: &watched.alert, values, volume, dimensions, calendar }))
}

/// The SELECT of a series, from where it may be served.
fn input(build: &Build, series: &Series) -> Result<Input, Diagnostics> {
    let own = build.input.metrics.iter().find(|view| view.current && view.name == series.about.name);
    let asked = own.map_or_else(|| Asked { live: true, ..Asked::default() }, |view| asked_at(&view.serve, series.step));
    let select = choose(build, &series.query, &asked)?.select;
    let column = series.query.columns().into_iter().nth(series.query.keys()).ok_or_else(Diagnostics::new)?;
    Ok(Input { select, column: column.name, ty: column.ty })
}
