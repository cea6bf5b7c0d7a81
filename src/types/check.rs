//! The whole check: files in, a typed model out.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::project::Receivers;
use crate::resolve::{self, MadeRows, Names};
use crate::syntax::ast;
use crate::value::WeekStart;

use super::alerts;
use super::behaviour::Behaviour;
use super::calendars::{Calendar, check_calendars};
use super::changes::{Applied, check_changes};
use super::dashboards::check_dashboards;
use super::dimensions::{check_dimensions, check_hierarchies};
use super::formula::{Facts, FormulaScope, compared_metric, facts as facts_of};
use super::metrics::{check_metric, check_unused};
use super::model::{DimensionId, Metric, MetricId, Model};
use super::ops::Ops;
use super::quality::{self, Quality, Ruled};
use super::reports::check_reports;
use super::rows::RowSets;
use super::size::{FormulaSize, Size};
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
    /// Who can be written to.
    pub receivers: Receivers,
    /// Changes that are taken in their other stage: what is in double run as live, and what is live as in double run.
    pub applied: Vec<Applied>,
}

/// Types a whole program. What is wrong is told and left out; the rest stands.
pub fn check(files: &[Arc<ast::File>], settings: &Settings) -> (Model, Diagnostics) {
    let mut d = Diagnostics::new();
    let mut names = Names::collect(files, &mut d);
    let changes = check_changes(&mut names, settings, &mut d);
    let units: Vec<&str> = settings.units.iter().map(String::as_str).collect();
    let tables = check_tables(&names, settings.zone, &units, &mut d);
    let mut tables = tables;
    let (calendars, days) = check_calendars(&names, tables.len(), &mut d);
    tables.extend(days);
    let qualities = quality::declare(&names, &tables, settings.zone, &mut d);
    let mut rows = RowSets::new(&names, tables, settings.zone);
    rows.declare_segments(&mut d);
    for made in resolve::row_set_order(&names, &mut d) {
        match made {
            MadeRows::Subset(place) => rows.check_subset(place, &mut d),
            MadeRows::Session(place) => rows.check_session(place, &mut d),
        }
    }
    for place in 0..names.behaviours.len() {
        rows.check_behaviour(place, &mut d);
    }
    for metric in &names.metrics {
        resolve::row_sets_of_formula(&metric.syntax.formula, &mut |used| rows.prepare(used, &mut d));
    }
    for ruled in qualities.iter().flatten() {
        rows.prepare(&ruled.raw, &mut d);
        if let Some(once) = ruled.once(&rows.tables) {
            rows.prepare_once(&once, &mut d);
        }
        if let Some((replay, name)) = ruled.replay() {
            rows.prepare_replay(ruled.table, replay, name, &mut d);
        }
    }
    let declared = check_dimensions(&names, &rows, &mut d);
    let (mut dimensions, mut other_dimensions) = (Vec::new(), Vec::new());
    let mut dimension_ids: Vec<Option<DimensionId>> = vec![None; declared.len()];
    for (place, dimension) in declared.into_iter().enumerate() {
        let Some(dimension) = dimension else { continue };
        if names.dimension(&dimension.name) == Some(place) {
            dimension_ids[place] = Some(DimensionId(dimensions.len()));
            dimensions.push(dimension);
        } else {
            other_dimensions.push(dimension);
        }
    }
    rows.bind_derived(&dimensions, &dimension_ids, &mut d);
    rows.bind_behaviours(&dimensions, &dimension_ids, &mut d);
    rows.allow_lacking(&mut dimensions);
    rows.allow_no_touch(&mut dimensions, &mut d);
    dimensions.extend(rows.dimensions_of_behaviour());
    rows.show_models(&dimensions);
    rows.show_variants(&dimensions);
    let hierarchies = check_hierarchies(&names, &dimension_ids, &mut d);
    let declarations = Declarations {
        names: &names,
        dimensions: &dimensions,
        dimension_ids: &dimension_ids,
        calendars: &calendars,
        qualities: &qualities,
        units: &units,
        zone: settings.zone,
        week_start: settings.week_start,
    };
    let Metrics { metrics, facts, qualities: ruled } = check_metrics(&declarations, &mut rows, &mut d);
    let known = alerts::Known {
        names: &names,
        tables: &rows.tables,
        metrics: &metrics,
        facts: &facts,
        dimensions: &dimensions,
        dimension_ids: &dimension_ids,
        calendars: &calendars,
        zone: settings.zone,
    };
    let (alerts, slos) = (alerts::check_alerts(&known, &mut d), alerts::check_slos(&known, &mut d));
    alerts::check_told(&alerts, &slos, &mut d);
    let given = &rows.tables[..names.tables.len() + calendars.len()];
    check_tests(&names, given, &calendars, (&dimensions, &dimension_ids), &mut d);
    unused(&names, files, &mut d);
    let RowSets { tables, subsets, .. } = rows;
    let subsets = subsets.into_iter().flatten().collect();
    let tests = names.tests.iter().map(|test| test.syntax.clone()).collect();
    drop(qualities);
    let pins = std::mem::take(&mut names.pins);
    let mut model = Model {
        zone: settings.zone,
        week_start: settings.week_start,
        tables,
        calendars,
        subsets,
        dimensions,
        other_dimensions,
        hierarchies,
        metrics,
        facts,
        tests,
        alerts,
        slos,
        changes,
        qualities: ruled,
        pins,
        reports: Vec::new(),
        dashboards: Vec::new(),
    };
    model.reports = check_reports(&names, &model, settings, &mut d);
    model.dashboards = check_dashboards(&names, &model, &mut d);
    (model, d)
}

/// What metrics are typed with, beside row sets and other metrics.
struct Declarations<'a> {
    names: &'a Names<'a>,
    dimensions: &'a [super::Dimension],
    dimension_ids: &'a [Option<DimensionId>],
    calendars: &'a [Calendar],
    qualities: &'a [Option<Ruled<'a>>],
    units: &'a [&'a str],
    zone: chrono_tz::Tz,
    week_start: WeekStart,
}

/// The metrics typed so far.
struct Typed {
    metrics: Vec<Metric>,
    /// By their places among the declared ones.
    ids: Vec<Option<MetricId>>,
    facts: Vec<Facts>,
    sizes: Vec<FormulaSize>,
    /// The sizes of the dimensions that somebody asked for since tables were last added.
    dimension_sizes: Vec<OnceLock<Size>>,
}

impl Typed {
    fn scope<'a>(&'a self, all: &'a Declarations<'_>, rows: &'a RowSets<'_>) -> FormulaScope<'a> {
        FormulaScope {
            names: all.names,
            tables: &rows.tables,
            rows,
            dimensions: all.dimensions,
            dimension_ids: all.dimension_ids,
            calendars: all.calendars,
            qualities: all.qualities,
            metrics: &self.metrics,
            metric_ids: &self.ids,
            known: &self.facts,
            sizes: &self.sizes,
            dimension_sizes: &self.dimension_sizes,
            zone: all.zone,
            week_start: all.week_start,
        }
    }

    /// Tables may have come since dimensions were sized.
    fn forget(&mut self, dimensions: usize) {
        self.dimension_sizes.clear();
        self.dimension_sizes.resize_with(dimensions, OnceLock::new);
    }

    /// Takes a metric that was typed, and those that compare it.
    fn add(
        &mut self,
        place: usize,
        found: (Metric, Facts, FormulaSize),
        all: &Declarations<'_>,
        rows: &RowSets<'_>,
        d: &mut Diagnostics,
    ) {
        let (metric, facts, size) = found;
        if facts.reads.is_empty() {
            d.push(error!(E0638, metric.formula.span, "the metric `{}` reads no rows", metric.name.value;
                help: "a metric aggregates a source: `count(order)`"));
            return;
        }
        self.facts.push(facts);
        self.sizes.push(size);
        let id = MetricId(self.metrics.len());
        self.ids[place] = Some(id);
        self.metrics.push(metric);
        for compared in self.metrics[id.0].compared.clone() {
            let Some(metric) = compared_metric(Ops::new(&rows.tables, all.zone), id, &self.metrics[id.0], &compared, d)
            else {
                continue;
            };
            self.facts.push(facts_of(&metric.formula, &self.facts));
            let size = metric.formula.size(self.scope(all, rows).known());
            self.sizes.push(size);
            self.metrics.push(metric);
        }
    }
}

/// All metrics, with those of rules of quality behind the declared ones.
struct Metrics {
    metrics: Vec<Metric>,
    facts: Vec<Facts>,
    qualities: Vec<Quality>,
}

fn check_metrics(all: &Declarations<'_>, rows: &mut RowSets<'_>, d: &mut Diagnostics) -> Metrics {
    let names = all.names;
    let count = names.metrics.len();
    let mut typed = Typed {
        metrics: Vec::with_capacity(count),
        ids: vec![None; count],
        facts: Vec::with_capacity(count),
        sizes: Vec::with_capacity(count),
        dimension_sizes: Vec::new(),
    };
    let mut levels = resolve::metric_levels(names, d);
    // What waits for metrics that are broken is looked at last.
    levels.push(Vec::new());
    let mut open: Vec<bool> = vec![false; count];
    levels.iter().flatten().for_each(|place| open[*place] = true);
    let last = levels.len() - 1;
    for (at, level) in levels.into_iter().enumerate() {
        let is_known = |path: &ast::Path, version: Option<u32>| {
            !path.single().and_then(|name| names.metric(name, version)).is_some_and(|place| open[place])
        };
        typed.forget(all.dimensions.len());
        let settled = rows.settle(&is_known, &typed.scope(all, rows), d);
        rows.put(&settled);
        let values: Vec<_> = {
            let scope = typed.scope(all, rows);
            level.iter().flat_map(|place| scope.behaviour_values(&names.metrics[*place].syntax.formula)).collect()
        };
        for (behaviour, call, leaves) in values {
            rows.add_behaviour_values(behaviour, call, leaves);
        }
        // Those that no metric asks for are measured at the end.
        let asked = names.experiments_of(level.iter().map(|place| &names.metrics[*place].syntax.formula), at == last);
        for place in asked {
            measure(place, &typed, all, rows, d);
        }
        typed.forget(all.dimensions.len());
        let scope = typed.scope(all, rows);
        let check = |place: &usize| {
            let mut d = Diagnostics::new();
            (check_metric(&scope, names.metrics[*place], all.units, &mut d), d)
        };
        let checked: Vec<_> = level.par_iter().map(check).collect();
        for (place, (checked, found)) in level.into_iter().zip(checked) {
            d.extend(found);
            open[place] = false;
            if let Some(found) = checked {
                typed.add(place, found, all, rows, d);
            }
        }
    }
    let qualities = check_qualities(&mut typed, all, rows, d);
    Metrics { metrics: typed.metrics, facts: typed.facts, qualities }
}

/// Types the rules of quality, and puts a metric of each behind the declared ones.
fn check_qualities(typed: &mut Typed, all: &Declarations<'_>, rows: &RowSets<'_>, d: &mut Diagnostics) -> Vec<Quality> {
    let mut found = Vec::new();
    typed.forget(all.dimensions.len());
    for ruled in all.qualities.iter().flatten() {
        let next = typed.metrics.len();
        let Some((quality, made)) = quality::metrics(&typed.scope(all, rows), ruled, next, d) else { continue };
        for (metric, facts, size) in made {
            typed.metrics.push(metric);
            typed.facts.push(facts);
            typed.sizes.push(size);
        }
        found.push(quality);
    }
    found
}

/// Makes the table of an experiment's units of the metrics that are known, unless it is there.
fn measure(place: usize, typed: &Typed, all: &Declarations<'_>, rows: &mut RowSets<'_>, d: &mut Diagnostics) {
    let Some(Behaviour::Experiment(of)) = &rows.behaviours[place] else { return };
    if of.units.is_none() {
        let found = typed.scope(all, rows).measurables(of, d);
        rows.measure_units(place, found, &typed.metrics, d);
    }
}

/// Subsets that no row set names.
fn unused(names: &Names<'_>, files: &[Arc<ast::File>], d: &mut Diagnostics) {
    let mut used: FxHashSet<String> = FxHashSet::default();
    let mut note = |path: &ast::Path, _: Option<u32>| {
        used.insert(path.parts[0].value.clone());
    };
    for subset in &names.subsets {
        resolve::row_sets_in(&subset.syntax.rows, &mut note);
    }
    for rows in names.sessions.iter().chain(&names.behaviours).flat_map(|block| resolve::rows_of_block(block.syntax)) {
        resolve::row_sets_in(rows, &mut note);
    }
    for block in &names.behaviours {
        resolve::names_of_measures(block.syntax, &mut note);
    }
    for metric in &names.metrics {
        resolve::names_of_formula(&metric.syntax.formula, &mut note);
    }
    // Row sets inside of later kinds count as used: their meaning is not known here.
    let later = files.iter().flat_map(|file| &file.declarations);
    let is_later = |kind: &ast::DeclarationKind| match kind {
        ast::DeclarationKind::Block(block) => !resolve::is_compiled(&block.keyword),
        _ => false,
    };
    if later.clone().any(|declaration| is_later(&declaration.kind)) {
        return;
    }
    check_unused(names, &|name| used.contains(name), d);
}
