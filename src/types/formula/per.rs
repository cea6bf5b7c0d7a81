//! Typing `(M per PATH)`: a metric over the rows whose key equals that of a row, up to the start of the row's local day.

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::error;
use crate::syntax::ast;
use crate::value::Step;

use super::super::metrics::divides;
use super::super::model::{FormulaKind, Metric, MetricId, MetricPer, Model, NestedKey, TableId, ValueType};
use super::super::size::{FormulaSize, Size};
use super::{Facts, FormulaScope, KeyScope};

/// How many metrics may stand on one another through conditions on rows: each is a query within the one before.
const MAX_DEPTH: usize = 5;

/// `(M per PATH)` as it is written.
#[derive(Clone, Copy)]
pub struct PerPath<'a> {
    /// The metric.
    pub metric: &'a ast::Path,
    /// `v2`
    pub version: Option<u32>,
    /// The path.
    pub key: &'a ast::Path,
    /// The whole.
    pub span: Span,
}

/// How metrics of a row's group are typed: where metrics are known.
pub trait RowMetrics: Sync {
    /// Types one over the rows of some tables; its value may be null.
    fn per(&self, asked: &PerPath<'_>, rows: &[TableId], d: &mut Diagnostics) -> Option<(MetricPer, ValueType)>;
}

impl RowMetrics for FormulaScope<'_> {
    fn per(&self, asked: &PerPath<'_>, rows: &[TableId], d: &mut Diagnostics) -> Option<(MetricPer, ValueType)> {
        let found = self.metric(asked.metric, asked.version, asked.metric.span, d)?;
        let FormulaKind::Metric(id) = found.kind else {
            d.push(error!(E0652, asked.metric.span, "a growth compares buckets, and rows are in none here";
                help: "name the metric itself"));
            return None;
        };
        Known { keys: self.keys(), metrics: self.metrics, facts: self.known, sizes: self.sizes }
            .check(id, asked, rows, d)
    }
}

impl RowMetrics for Model {
    fn per(&self, asked: &PerPath<'_>, rows: &[TableId], d: &mut Diagnostics) -> Option<(MetricPer, ValueType)> {
        let keys = KeyScope { names: self, dimensions: &self.dimensions, tables: &self.tables, zone: self.zone };
        let known = Known { keys, metrics: &self.metrics, facts: &self.facts, sizes: &[] };
        let name = asked.metric.to_string();
        let Some(found) = self.metric_named(&name, asked.version) else {
            let of_name = self.metrics.iter().filter(|metric| metric.name.value == name);
            let near = crate::suggest::near(&name, self.metrics.iter().map(|metric| metric.name.as_str()));
            d.push(match (asked.version, of_name.count()) {
                (Some(version), 1..) => {
                    error!(E0210, asked.metric.span, "the metric `{name}` has no version {version}"; help: "name a version that is declared")
                }
                _ => {
                    let help = near.map_or("declare it".to_owned(), |near| format!("did you mean `{near}`?"));
                    error!(E0201, asked.metric.span, "no metric named `{name}`"; help: help)
                }
            });
            return None;
        };
        known.check(found, asked, rows, d)
    }
}

/// What is known of the metrics.
struct Known<'a> {
    keys: KeyScope<'a>,
    metrics: &'a [Metric],
    facts: &'a [Facts],
    /// Empty where nothing is written out any more.
    sizes: &'a [FormulaSize],
}

impl Known<'_> {
    fn check(
        &self,
        id: MetricId,
        asked: &PerPath<'_>,
        rows: &[TableId],
        d: &mut Diagnostics,
    ) -> Option<(MetricPer, ValueType)> {
        let (metric, facts) = (&self.metrics[id.0], &self.facts[id.0]);
        if let Some(found) = self.unfit(metric, facts, asked.metric.span) {
            d.push(found.related(metric.name.span, "the metric"));
            return None;
        }
        let mut all: Vec<TableId> = facts.reads.iter().chain(rows).copied().collect();
        all.sort_unstable();
        all.dedup();
        let key = self.keys.check(asked.key, &all, d)?;
        let size = self.sizes.get(id.0).map_or(Size::default(), |known| known.size);
        let ty = ValueType { nullable: true, ..metric.ty.clone() };
        Some((MetricPer { metric: id, key, size }, ty))
    }

    /// Why a metric has no value up to the start of a day.
    fn unfit(&self, metric: &Metric, facts: &Facts, span: Span) -> Option<Diagnostic> {
        let name = &metric.name.value;
        let timeless = facts.reads.iter().find(|table| self.keys.tables[table.0].time.is_none());
        if let Some(table) = timeless {
            let table = &self.keys.tables[table.0].name.value;
            return Some(error!(E0652, span, "`{name}` counts `{table}`, whose rows have no time";
                help: "name a metric of rows that happen"));
        }
        if !facts.rows {
            return Some(error!(E0652, span, "`{name}` is looked up for the rows of others, and gives none itself";
                help: "name a metric with rows"));
        }
        if facts.needs_buckets || facts.from_start || !facts.parts.is_empty() {
            return Some(
                error!(E0652, span, "`{name}` needs a bucket, and the time before the row's day has no beginning";
                help: "name a metric without `rate`, `at start of` and conditions on `time`"),
            );
        }
        if let Some(shift) = facts.shifts.iter().find(|shift| !shift.maps(Step::Day)) {
            return Some(error!(E0652, span, "`{name}` goes {} back, which is no number of days", shift.text();
                help: "go back by whole days"));
        }
        if let Some(step) = facts.steps.iter().find(|step| !divides(**step, Step::Day)) {
            return Some(
                error!(E0652, span, "`{name}` takes values per {}, which the start of a day may cut", step.text();
                help: "take values per day or a part of it"),
            );
        }
        (facts.per_depth >= MAX_DEPTH).then(|| {
            error!(E0654, span, "`{name}` stands on more than {MAX_DEPTH} other metrics through conditions on rows";
            help: "store one of them as a column of the warehouse")
        })
    }
}

impl NestedKey {
    /// Its value over the rows of a table, where it is a column.
    pub fn of(&self, table: TableId) -> Option<&super::super::RowExpr> {
        match self {
            NestedKey::Column { values, .. } => values.iter().find(|(of, _)| *of == table).map(|(_, value)| value),
            NestedKey::Dimension(_) | NestedKey::Step(_) => None,
        }
    }
}
