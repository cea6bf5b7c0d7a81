//! The whole check: files in, a typed model out.

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::resolve::{self, MadeRows, Names};
use crate::syntax::ast;
use crate::value::WeekStart;

use super::dimensions::{check_dimensions, check_hierarchies};
use super::formula::{Facts, FormulaScope, compared_metric, facts as facts_of};
use super::metrics::{check_metric, check_unused};
use super::model::{DimensionId, Metric, MetricId, Model};
use super::rows::RowSets;
use super::size::{FormulaSize, Known};
use super::tables::check_tables;
use super::test_blocks::check_tests;

/// What the project's configuration tells the check.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project's time zone.
    pub zone: chrono_tz::Tz,
    /// The first day of a week.
    pub week_start: WeekStart,
    /// The declared units.
    pub units: Vec<String>,
}

/// Types a whole program. What is wrong is told and left out; the rest stands.
pub fn check(files: &[ast::File], settings: &Settings) -> (Model, Diagnostics) {
    let mut d = Diagnostics::new();
    let names = Names::collect(files, &mut d);
    let units: Vec<&str> = settings.units.iter().map(String::as_str).collect();
    let tables = check_tables(&names, settings.zone, &units, &mut d);
    let mut rows = RowSets::new(&names, tables, settings.zone);
    for made in resolve::row_set_order(&names, &mut d) {
        match made {
            MadeRows::Subset(place) => rows.check_subset(place, &mut d),
            MadeRows::Session(place) => rows.check_session(place, &mut d),
        }
    }
    for metric in &names.metrics {
        resolve::row_sets_of_formula(&metric.syntax.formula, &mut |used| rows.prepare(used, &mut d));
    }
    let declared = check_dimensions(&names, &rows, &mut d);
    let mut dimensions = Vec::new();
    let dimension_ids: Vec<Option<DimensionId>> = declared
        .into_iter()
        .map(|dimension| {
            dimension.map(|dimension| {
                dimensions.push(dimension);
                DimensionId(dimensions.len() - 1)
            })
        })
        .collect();
    rows.bind_derived(&dimensions, &dimension_ids, &mut d);
    let hierarchies = check_hierarchies(&names, &dimension_ids, &mut d);
    let (metrics, facts) = check_metrics(&names, &rows, &dimensions, &dimension_ids, (&units, settings.zone), &mut d);
    check_tests(&names, &rows.tables[..names.tables.len()], &mut d);
    unused(&names, files, &mut d);
    let RowSets { tables, subsets, .. } = rows;
    let subsets = subsets.into_iter().flatten().collect();
    let tests = names.tests.iter().map(|test| test.syntax.clone()).collect();
    drop(names);
    let model = Model {
        zone: settings.zone,
        week_start: settings.week_start,
        tables,
        subsets,
        dimensions,
        hierarchies,
        metrics,
        facts,
        tests,
    };
    (model, d)
}

fn check_metrics(
    names: &Names<'_>,
    rows: &RowSets<'_>,
    dimensions: &[super::Dimension],
    dimension_ids: &[Option<DimensionId>],
    (units, zone): (&[&str], chrono_tz::Tz),
    d: &mut Diagnostics,
) -> (Vec<Metric>, Vec<Facts>) {
    let count = names.metrics.len();
    let mut metrics: Vec<Metric> = Vec::with_capacity(count);
    let mut metric_ids: Vec<Option<MetricId>> = vec![None; count];
    let mut known: Vec<Facts> = Vec::with_capacity(count);
    let mut sizes: Vec<FormulaSize> = Vec::with_capacity(count);
    for level in resolve::metric_levels(names, d) {
        let scope = FormulaScope {
            names,
            tables: &rows.tables,
            rows,
            dimensions,
            dimension_ids,
            metrics: &metrics,
            metric_ids: &metric_ids,
            known: &known,
            sizes: &sizes,
            zone,
        };
        let check = |place: &usize| {
            let mut d = Diagnostics::new();
            (check_metric(&scope, names.metrics[*place], units, &mut d), d)
        };
        let checked: Vec<_> = level.par_iter().map(check).collect();
        for (place, (checked, found)) in level.into_iter().zip(checked) {
            d.extend(found);
            let Some((metric, facts, size)) = checked else { continue };
            if facts.reads.is_empty() {
                d.push(error!(E0638, metric.formula.span, "the metric `{}` reads no rows", metric.name.value;
                    help: "a metric aggregates a source: `count(order)`"));
                continue;
            }
            known.push(facts);
            sizes.push(size);
            let id = MetricId(metrics.len());
            metric_ids[place] = Some(id);
            metrics.push(metric);
            for compared in metrics[id.0].compared.clone() {
                let Some(metric) = compared_metric(id, &metrics[id.0], &compared, d) else { continue };
                known.push(facts_of(&metric.formula, &known));
                sizes.push(metric.formula.size(Known { tables: &rows.tables, dimensions, metrics: &sizes }));
                metrics.push(metric);
            }
        }
    }
    (metrics, known)
}

/// Subsets that no row set names.
fn unused(names: &Names<'_>, files: &[ast::File], d: &mut Diagnostics) {
    let mut used: FxHashSet<String> = FxHashSet::default();
    let mut note = |path: &ast::Path, _: Option<u32>| {
        used.insert(path.parts[0].value.clone());
    };
    for subset in &names.subsets {
        resolve::row_sets_in(&subset.syntax.rows, &mut note);
    }
    for rows in names.sessions.iter().flat_map(|session| resolve::rows_of_block(session.syntax)) {
        resolve::row_sets_in(rows, &mut note);
    }
    for metric in &names.metrics {
        resolve::names_of_formula(&metric.syntax.formula, &mut note);
    }
    // Row sets inside of later kinds count as used: their meaning is not known here.
    let later = files.iter().flat_map(|file| &file.declarations);
    let is_later = |kind: &ast::DeclarationKind| match kind {
        ast::DeclarationKind::Block(block) => block.keyword.value != "session",
        _ => false,
    };
    if later.clone().any(|declaration| is_later(&declaration.kind)) {
        return;
    }
    check_unused(names, &|name| used.contains(name), d);
}
