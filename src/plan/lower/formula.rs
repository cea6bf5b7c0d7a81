//! Formulas: every aggregate becomes a measure of the scan of its table and time column, once.

use crate::plan::question::Question;
use crate::plan::{Aggregate, Expr, ExprKind, Function, Measure, MeasureId, MetricOutput, Ratio, Scan};
use crate::types::{Aggregation, ColumnId, DimFilter, Formula, FormulaKind, Leaf, Level, MetricId, Model, TableId};
use crate::value::{DataType, Step};

use super::row::Rows;

/// The scans of a query in the making.
pub struct Scans<'a> {
    model: &'a Model,
    question: &'a Question,
    open: Vec<Open<'a>>,
}

struct Open<'a> {
    base: TableId,
    time: Option<ColumnId>,
    /// Whether rows without a time are left out in any case.
    timed: bool,
    rows: Rows<'a>,
    dimensions: Vec<Expr>,
    filter: Option<Expr>,
    measures: Vec<Measure>,
}

impl<'a> Scans<'a> {
    pub fn new(model: &'a Model, question: &'a Question) -> Scans<'a> {
        Scans { model, question, open: Vec::new() }
    }

    /// The formula of a metric over measures, and the measures it is made of.
    pub fn formula(&mut self, id: MetricId) -> (Expr, Vec<MeasureId>) {
        let mut present = Vec::new();
        let formula = &self.model.metrics[id.0].formula;
        let expr = self.lower(formula, &mut Vec::new(), &mut present);
        (expr, present)
    }

    fn lower(&mut self, formula: &'a Formula, filters: &mut Vec<&'a DimFilter>, present: &mut Vec<MeasureId>) -> Expr {
        let ty = self.model.data_type(&formula.ty.ty);
        let nullable = formula.ty.nullable;
        let kind = match &formula.kind {
            FormulaKind::Leaf(leaf) => {
                let id = self.measure(leaf, filters);
                present.push(id);
                let ty = self.open[id.scan].measures[id.measure].ty.clone();
                // A measure may be null where its source has not started.
                return Expr { kind: ExprKind::Measure(id), ty, nullable: true };
            }
            FormulaKind::Metric(id) => {
                let inner = &self.model.metrics[id.0].formula;
                return self.lower(inner, filters, present);
            }
            FormulaKind::Where { operand, filter } => {
                filters.push(filter);
                let lowered = self.lower(operand, filters, present);
                filters.pop();
                return lowered;
            }
            FormulaKind::Literal(value) => ExprKind::Literal(value.clone()),
            FormulaKind::Call(function, arguments) => ExprKind::Call(
                *function,
                arguments.iter().map(|argument| self.lower(argument, filters, present)).collect(),
            ),
            FormulaKind::Case { branches, otherwise } => {
                let mut lowered = Vec::with_capacity(branches.len());
                for (condition, value) in branches {
                    lowered.push((self.lower(condition, filters, present), self.lower(value, filters, present)));
                }
                let otherwise = otherwise.as_ref().map(|value| Box::new(self.lower(value, filters, present)));
                ExprKind::Case { branches: lowered, otherwise }
            }
        };
        let never_null = matches!(&kind, ExprKind::Call(Function::IsNull | Function::IsNotNull, _));
        let literal = matches!(&kind, ExprKind::Literal(_));
        Expr { kind, ty, nullable: if literal || never_null { nullable } else { true } }
    }

    /// The measure of an aggregate under some filters; the same one for the same meaning.
    fn measure(&mut self, leaf: &'a Leaf, filters: &[&'a DimFilter]) -> MeasureId {
        let base = leaf.rows.base;
        let own = self.model.table(base).time.map(|column| ColumnId { table: base, column });
        let time = leaf.rows.dated.or(own);
        // Of rows as they came those without a time count too, where nothing asks for it.
        let ordered = matches!(leaf.aggregation, Aggregation::First | Aggregation::Last);
        let timed = !self.model.table(base).may_lack_time() || leaf.rows.dated.is_some() || ordered;
        let scan = self.scan(base, time, timed);
        let open = &mut self.open[scan];
        let mut conditions: Vec<Expr> = leaf.rows.filters.iter().map(|filter| open.rows.lower(filter)).collect();
        conditions.extend(filters.iter().map(|filter| open.rows.filter(filter)));
        dedup(&mut conditions);
        let input = leaf.input.as_ref().map(|input| open.rows.lower(input));
        let measure = aggregate(leaf.aggregation, input, Expr::all(conditions));
        let place = open.measures.iter().position(|known| *known == measure).unwrap_or_else(|| {
            open.measures.push(measure);
            open.measures.len() - 1
        });
        MeasureId { scan, measure: place }
    }

    fn scan(&mut self, base: TableId, time: Option<ColumnId>, timed: bool) -> usize {
        let same = |open: &Open<'_>| open.base == base && open.time == time && open.timed == timed;
        if let Some(found) = self.open.iter().position(same) {
            return found;
        }
        let mut rows = Rows::new(self.model, base, time);
        let dimensions = self.question.by.iter().map(|id| rows.dimension(*id)).collect();
        let filter = self.question.filter.as_ref().map(|filter| rows.filter(filter));
        self.open.push(Open { base, time, timed, rows, dimensions, filter, measures: Vec::new() });
        self.open.len() - 1
    }

    /// The scans. A scan guards the start of its source where a bucket before it may have a row: if it shares a metric with
    /// another scan, or if the answer is one row in any case.
    pub fn finish(self, metrics: &[MetricOutput], step: Option<Step>) -> Vec<Scan> {
        let shared = |scan: usize| {
            let of = |metric: &&MetricOutput| metric.present.iter().any(|id| id.scan == scan);
            metrics.iter().filter(of).any(|metric| metric.present.iter().any(|id| id.scan != scan))
        };
        let one_row = step.is_none() && self.question.by.is_empty() && self.question.to.is_some();
        (self.open.into_iter().enumerate())
            .map(|(place, mut open)| {
                let in_time = step.is_some() || self.question.from.is_some() || self.question.to.is_some();
                let time = open.rows.scan_time(open.timed, in_time);
                Scan {
                    table: open.base.0,
                    joins: open.rows.joins,
                    time,
                    dimensions: open.dimensions,
                    filter: open.filter,
                    measures: open.measures,
                    guard_start: one_row || shared(place),
                }
            })
            .collect()
    }
}

fn dedup(conditions: &mut Vec<Expr>) {
    let mut kept: Vec<Expr> = Vec::with_capacity(conditions.len());
    for condition in conditions.drain(..) {
        if !kept.contains(&condition) {
            kept.push(condition);
        }
    }
    *conditions = kept;
}

/// An aggregate as a measure.
pub fn aggregate(aggregation: Aggregation, input: Option<Expr>, filter: Option<Expr>) -> Measure {
    let Some(input) = input else {
        return Measure { filter, aggregate: Aggregate::CountRows, ty: DataType::Int };
    };
    let float = if input.ty == DataType::Duration { DataType::Duration } else { DataType::Float };
    let own = input.ty.clone();
    let (aggregate, ty) = match aggregation {
        Aggregation::Count => (Aggregate::Count(input), DataType::Int),
        Aggregation::Distinct => (Aggregate::Distinct(input), DataType::Int),
        Aggregation::ApproxDistinct => (Aggregate::ApproxDistinct(input), DataType::Int),
        Aggregation::Sum => {
            let ty = match &own {
                DataType::Int => DataType::Decimal { precision: 38, scale: 0 },
                DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: *scale },
                other => other.clone(),
            };
            (Aggregate::Sum(input), ty)
        }
        Aggregation::Avg => (Aggregate::Avg(input), float),
        Aggregation::Min => (Aggregate::Min(input), own),
        Aggregation::Max => (Aggregate::Max(input), own),
        Aggregation::Quantile(level) => (Aggregate::Quantile(input, ratio(level)), float),
        Aggregation::ApproxQuantile(level) => (Aggregate::ApproxQuantile(input, ratio(level)), float),
        Aggregation::QuantileDisc(level) => (Aggregate::QuantileDisc(input, ratio(level)), own),
        Aggregation::Stddev => (Aggregate::Stddev(input), DataType::Float),
        Aggregation::Variance => (Aggregate::Variance(input), DataType::Float),
        Aggregation::First => (Aggregate::First(input), own),
        Aggregation::Last => (Aggregate::Last(input), own),
    };
    Measure { filter, aggregate, ty }
}

fn ratio(level: Level) -> Ratio {
    Ratio { numerator: level.numerator, denominator: level.denominator }
}
