//! Where the data of a scan begins and ends.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, Query, Select};

use super::Lowering;
use super::layers::{Layer, Read, with_built};
use super::read::{BASE, Rows};
use super::stored::ROLLUP;
use crate::plan::{Aggregate, CohortTable, DataType, Expr, ExprKind, Guard, How, Measure, Origin, Scan, Source, Step};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Aggregated;

/// The alias of such a table.
pub(super) const EDGE: &str = "s";
/// Its column.
pub(super) const AT: &str = "_s";

/// The first or the last instant.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Edge {
    First,
    Last,
}

impl Lowering<'_> {
    /// The name of the table that holds where a scan begins.
    fn start_name(&self, scan: usize) -> Ident {
        self.own_name(&format!("start_{scan}"))
    }

    /// The name of the table that holds the last bucket of all scans.
    pub(super) fn last_name(&self) -> Ident {
        self.own_name("last_bucket")
    }

    /// The tables that tell where data begins and ends, as far as the query compares with them.
    pub(super) fn edge_tables(&self) -> Vec<(Ident, Query)> {
        let scans = self.query.scans.iter().enumerate();
        let guarded = scans.filter(|(at, _)| self.is_guarded(*at));
        let mut tables: Vec<(Ident, Query)> = guarded
            .filter_map(|(at, scan)| {
                let by_key = |step: Step| scan.guard.as_ref().is_some_and(|of| compares_keys(of, Some(step)));
                let step = self.query.step.filter(|step| by_key(*step) && self.cut_to().is_none());
                Some((self.start_name(at), self.edge(&[(scan, self.read(at))], Edge::First, step)?))
            })
            .collect();
        for metric in 0..self.query.metrics.len() {
            let Some(scans) = self.limiting(metric) else { continue };
            let scans: Vec<(&Scan, &Read)> =
                scans.into_iter().map(|at| (&self.query.scans[at], self.read(at))).collect();
            let last = self.edge(&scans, Edge::Last, self.query.step);
            tables.extend(last.map(|query| (self.limit_name(metric), query)));
        }
        if self.needs_last() {
            let scans: Vec<(&Scan, &Read)> =
                self.query.scans.iter().enumerate().map(|(at, scan)| (scan, self.read(at))).collect();
            let step = self.query.step.unwrap_or(Step::Day);
            tables.extend(self.edge(&scans, Edge::Last, Some(step)).map(|query| (self.last_name(), query)));
        }
        tables.extend(self.mark_tables());
        tables
    }

    /// The name of the table that holds the last bucket of the data that a metric reads.
    fn limit_name(&self, metric: usize) -> Ident {
        self.own_name(&format!("last_bucket_of_{metric}"))
    }

    /// The scans of a metric, where it must end before others do: its rows count in later buckets, and others have later data.
    pub(super) fn limiting(&self, metric: usize) -> Option<Vec<usize>> {
        if self.query.step.is_none() || !self.needs_last() {
            return None;
        }
        let scans = self.scans_of(metric);
        let moved = scans.iter().any(|at| !self.query.scans[*at].interval.is_bucket());
        (moved && scans.len() < self.query.scans.len()).then_some(scans)
    }

    /// The scans that a metric reads, each once.
    pub(super) fn scans_of(&self, metric: usize) -> Vec<usize> {
        let mut scans = Vec::new();
        self.query.metrics[metric].formula.walk(&mut |part| {
            if let ExprKind::Measure(id) = &part.kind {
                scans.push(id.scan);
            }
        });
        scans.sort_unstable();
        scans.dedup();
        scans
    }

    /// Whether a bucket of the answer lies within the data that a metric reads; none where it always does.
    pub(super) fn within_data(&self, metric: usize, key: Sql) -> Option<Sql> {
        self.limiting(metric)?;
        let from = build::table(sqlparser::ast::ObjectName::from(vec![self.limit_name(metric)]), EDGE);
        let projection = vec![sqlparser::ast::SelectItem::UnnamedExpr(build::column(EDGE, build::ident(AT)))];
        let last = build::scalar(Parts { projection, from: Some(from), ..Parts::default() }.query());
        Some(build::binary(key, BinaryOperator::LtEq, last))
    }

    /// Whether the last bucket of the data must be known: rows count in later buckets, and nobody said where to end.
    pub(super) fn needs_last(&self) -> bool {
        let open = self.query.to.is_none() || self.query.ends_with_data;
        open && self.query.asked.is_none() && self.query.scans.iter().any(|scan| !scan.interval.is_bucket())
    }

    /// The first or last instant of all clean rows of scans, or the key of its bucket: `_s`.
    pub(super) fn edge(&self, scans: &[(&Scan, &Read)], edge: Edge, step: Option<Step>) -> Option<Query> {
        let mut selects = Vec::new();
        scans.iter().for_each(|(scan, read)| self.edge_selects(scan, read, edge, &mut selects));
        let mut distinct: Vec<(Select, Sql)> = Vec::new();
        for select in selects {
            if !distinct.contains(&select) {
                distinct.push(select);
            }
        }
        let keyed = |at: Sql| match step {
            Some(step) if edge == Edge::Last => self.dialect.last_bucket(at, step, self.calendar),
            Some(step) => self.dialect.bucket_key(at, step, self.calendar),
            None => at,
        };
        if let [(select, at)] = distinct.as_slice() {
            let mut select = select.clone();
            select.projection = vec![build::item(keyed(at.clone()), build::ident(AT))];
            return Some(build::query(sqlparser::ast::SetExpr::Select(Box::new(select))));
        }
        let union = build::union_all(distinct.into_iter().map(|(select, _)| select))?;
        let at = self.extreme(build::column(EDGE, build::ident(AT)), edge);
        let projection = vec![build::item(keyed(at), build::ident(AT))];
        Some(Parts { projection, from: Some(build::derived(union, EDGE)), ..Parts::default() }.query())
    }

    /// A SELECT of the instant for each table and time that a scan reads, and the instant in it.
    fn edge_selects(&self, scan: &Scan, read: &Read, edge: Edge, selects: &mut Vec<(Select, Sql)>) {
        if let Source::Query(query) = &scan.source {
            let reads = match read {
                Read::Answer(reads) => reads.as_slice(),
                Read::Source | Read::Layers(_) => &[],
            };
            for (at, scan) in query.scans.iter().enumerate() {
                self.edge_selects(scan, reads.get(at).unwrap_or(&Read::Source), edge, selects);
            }
            return;
        }
        let Some(time) = &scan.time else { return };
        for (layer, before) in with_built(read.layers().unwrap_or(&[Layer::Rows])) {
            let (at, mut parts, missing) = match layer {
                // Whatever is compared with is the start of a bucket of the rollup: that of the instant does as well.
                Layer::Stored(stored) => {
                    let from = Some(build::table(stored.table.clone(), ROLLUP));
                    let missing = self.only_missing(stored, &before);
                    (self.extreme(self.stored_start(stored), edge), Parts { from, ..Parts::default() }, missing)
                }
                Layer::Rows => {
                    let value = self.value(time, &Rows(self.dialect));
                    let (mut from, joins) = self.rows(&bare(scan, time), read);
                    if let Some(units) = self.units_of(scan).filter(|_| edge == Edge::First) {
                        from = build::derived(units, BASE);
                    }
                    let missing = before.iter().map(|built| self.not_built(value.clone(), Step::Subday(1), built));
                    let missing = missing.collect();
                    (self.extreme(value, edge), Parts { from: Some(from), joins, ..Parts::default() }, missing)
                }
            };
            parts.filter = build::all(missing);
            parts.projection = vec![build::item(at.clone(), build::ident(AT))];
            selects.push((parts.select(), at));
        }
    }

    /// The units of the cohort that a scan reads a table of: its data begins with theirs, whatever they do at which age.
    fn units_of(&self, scan: &Scan) -> Option<Query> {
        let Source::Table(place) = scan.source else { return None };
        let table = &self.tables[place];
        let Origin::Made(made) = &table.origin else { return None };
        let How::Cohort { ages, .. } = &made.how else { return None };
        let start = &table.columns[crate::types::cohort::column::START].name;
        let first = self.first_start(made, *ages, start);
        Some(first.unwrap_or_else(|| self.cohort_rows(table, made, (*ages, CohortTable::Units), &[start.as_str()])))
    }

    pub(super) fn extreme(&self, time: Sql, edge: Edge) -> Sql {
        let argument = Expr::literal(crate::plan::Value::Null, DataType::Timestamp);
        let aggregate = match edge {
            Edge::First => Aggregate::Min(argument),
            Edge::Last => Aggregate::Max(argument),
        };
        let ty = DataType::Timestamp;
        let operand = crate::sql::dialect::Operand { sql: time, ty: &ty, nullable: true, literal: None };
        let aggregated = Aggregated {
            aggregate: &aggregate,
            argument: Some(operand),
            filter: None,
            order: Vec::new(),
            keyed: true,
            ty: &ty,
        };
        self.dialect.aggregate(aggregated, self.calendar)
    }

    /// Whether a measure of the scan is null, and not 0, before the scan's first row.
    pub(super) fn is_guarded(&self, scan: usize) -> bool {
        // A scan alone has no bucket before its first row, but the one row of an answer without keys.
        let several = (self.query.scans.len() > 1 && !self.begin_together()) || self.query.asked.is_some();
        let scan = &self.query.scans[scan];
        let possible = several || (self.query.step.is_none() && !self.has_keys());
        let timed = match &scan.source {
            Source::Table(_) => scan.time.is_some(),
            Source::Query(query) => query.scans.iter().any(|scan| scan.time.is_some()),
        };
        possible && scan.guard.is_some() && timed && scan.measures.iter().any(Measure::empty_is_zero)
    }

    /// Whether all scans are of tables of the units of one cohort, by their buckets: none has a bucket before its first unit, which is that
    /// of all.
    fn begin_together(&self) -> bool {
        let units = |scan: &Scan| {
            let Source::Table(place) = scan.source else { return None };
            let Origin::Made(made) = &self.tables[place].origin else { return None };
            let How::Cohort { ages, .. } = &made.how else { return None };
            scan.interval.is_bucket().then_some((made.parts.first()?, *ages))
        };
        let Some(first) = self.query.scans.first().and_then(units) else { return false };
        let mut scans = self.query.scans.iter().enumerate();
        scans.all(|(at, scan)| units(scan) == Some(first) && matches!(self.read(at), Read::Source))
    }

    /// Whether the interval of the bucket with the key in `alias` lies wholly before the scan's first clean row.
    pub(super) fn before_start(&self, at: usize, alias: &str) -> Option<Sql> {
        if !self.is_guarded(at) {
            return None;
        }
        let from = build::table(sqlparser::ast::ObjectName::from(vec![self.start_name(at)]), EDGE);
        let projection = vec![sqlparser::ast::SelectItem::UnnamedExpr(build::column(EDGE, build::ident(AT)))];
        let start = build::scalar(Parts { projection, from: Some(from), ..Parts::default() }.query());
        let key = || build::column(alias, build::ident("_t"));
        Some(match (self.query.scans[at].guard.as_ref()?, self.query.step) {
            (guard, step) if compares_keys(guard, step) && self.cut_to().is_none() => {
                build::binary(key(), BinaryOperator::Lt, start)
            }
            (Guard::Of(interval), step) => {
                let end = self.dialect.interval_end(key(), step.unwrap_or(Step::Day), interval, self.calendar);
                // An interval that is cut ends there.
                let ends = std::iter::once(end).chain(self.cut_to());
                let before = ends.map(|end| build::binary(end, BinaryOperator::LtEq, start.clone()));
                return build::any(before);
            }
            (Guard::Until(to), _) => {
                let to = crate::plan::Value::Timestamp(*to);
                let to = self.dialect.literal(&to, &DataType::Timestamp, self.calendar);
                let to = self.dialect.unfolded(to);
                build::binary(to, BinaryOperator::LtEq, start)
            }
        })
    }
}

/// Whether the bucket itself is compared with that of the first row. The first row may be in no bucket of a calendar.
fn compares_keys(guard: &Guard, step: Option<Step>) -> bool {
    matches!(guard, Guard::Of(interval) if interval.is_bucket()) && !step.is_some_and(Step::is_declared)
}

/// The scan with nothing but its time, so that only the look-ups of that are joined.
fn bare(scan: &Scan, time: &Expr) -> Scan {
    let mut bare = scan.clone();
    bare.time = Some(time.clone());
    bare.dimensions = Vec::new();
    bare.measures = Vec::new();
    bare.filter = None;
    bare.last = None;
    bare.answers = Vec::new();
    let mut used = false;
    time.walk(&mut |part| {
        used |= matches!(&part.kind, ExprKind::Column { input: crate::plan::Input::Join(_), .. });
    });
    if !used {
        bare.joins = Vec::new();
    }
    bare
}
