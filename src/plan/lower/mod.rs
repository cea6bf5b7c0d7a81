//! From the typed model and a question to a plan.

mod aggregate;
mod bucket;
mod chosen;
mod derived;
mod formula;
mod interval;
mod limits;
mod made;
mod models;
mod nested;
mod per;
mod row;
mod tables;
mod values;

use std::rc::Rc;
use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::stack;
use crate::types::{By, DimFilter, DimensionId, Fill, Grain, MetricId, Model, has_zero};
use crate::value::{Step, Value};

use super::question::{AskedStep, Question};
use super::{DataType, Expr, MetricOutput, OrderBy, OutputColumn, Part, Query, Table};
use chosen::Best;
use limits::Limits;

pub use limits::PARTIAL;
pub use tables::lower_tables;

/// Lowers questions of one model; the tables are lowered once.
pub struct Lowering<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its tables, by the same places.
    pub tables: Arc<Vec<Table>>,
}

impl<'a> Lowering<'a> {
    /// For a model.
    pub fn new(model: &'a Model) -> Lowering<'a> {
        Lowering { model, tables: Arc::new(lower_tables(model)) }
    }

    /// The plan that answers a question, or why there is none.
    pub fn lower(&self, question: &Question) -> Result<Query, Diagnostics> {
        stack::enough(|| self.lower_here(question))
    }

    fn lower_here(&self, question: &Question) -> Result<Query, Diagnostics> {
        let mut d = Diagnostics::new();
        let step = self.step(question, &mut d);
        let limits = self.limits(question, step, &mut d);
        self.check_dimensions(question, &mut d);
        self.check_intervals(question, step, &limits, &mut d);
        self.check_columns(question, &mut d);
        self.check_models(question, &mut d);
        if let Some(top) = &question.top {
            self.check_top(top, question, &mut d);
        }
        if d.has_errors() {
            return Err(d);
        }
        let mut query = self.chosen(question, step, &limits)?;
        query.order = self.order(&query, question, &mut d);
        query.limit = question.limit;
        query.give(&self.tables);
        if d.has_errors() { Err(d) } else { Ok(query) }
    }

    /// The answer of a question before its rows are chosen and sorted; of all groups but the best one is made, where these are
    /// told.
    fn answer(
        &self,
        question: &Question,
        step: Option<Step>,
        limits: &Limits,
        best: Option<Rc<Best>>,
        d: &mut Diagnostics,
    ) -> Query {
        let mut all = Vec::new();
        if let Some(filter) = &question.filter {
            formula::conjuncts(filter, &mut all);
        }
        let (of_buckets, filters): (Vec<&DimFilter>, Vec<&DimFilter>) =
            all.into_iter().partition(|filter| bucket::has_parts(filter));
        // What is on the bucket alone holds for rows that fill, too.
        let alone = of_buckets.iter().filter(|filter| filter.is_of_bucket());
        let filled_when = Expr::all(alone.map(|filter| bucket::condition(filter)).collect());
        let of_buckets = of_buckets.into_iter().cloned().map(Rc::new).collect();
        let by = question.by.iter().filter_map(|by| match by {
            By::Dimension(id) => Some(formula::Key::Dimension(*id)),
            By::Within(id, step) => Some(formula::Key::Within(*id, *step)),
            By::Part(_) => None,
        });
        let by: Vec<formula::Key> = by.chain(best.iter().map(|_| formula::Key::Other)).collect();
        let (from, to, exact) = (limits.from, limits.to, limits.exact);
        let is_other = best.is_some();
        let frame =
            formula::Frame { model: self.model, step, by, from, to, exact, filters, of_buckets, asked: None, best };
        let mut scans = formula::Scans::new(frame);
        let mut metrics = Vec::with_capacity(question.metrics.len());
        for id in &question.metrics {
            let mut output = self.metric(*id, &mut scans);
            if step.is_some() {
                output.fill = self.fill(*id, &output, question, d);
            }
            output.column.name = column_name(self.model, *id, &question.metrics);
            metrics.push(output);
        }
        let (mut dimensions, parts) = self.grouped(question);
        if is_other {
            dimensions.iter_mut().for_each(|dimension| dimension.nullable = true);
            let name = chosen::OTHER.to_owned();
            dimensions.push(OutputColumn { name, ty: DataType::Bool, nullable: false, unit: None });
        }
        let marks = self.marks(question, limits, scans.starts());
        let scans = scans.finish(&metrics);
        let empty = Query::empty(self.model.zone, self.model.week_start);
        Query { step, from, to, dimensions, parts, filled_when, scans, metrics, marks, ..empty }
    }

    fn metric(&self, id: MetricId, scans: &mut formula::Scans<'_>) -> MetricOutput {
        let metric = &self.model.metrics[id.0];
        let (formula, present) = scans.formula(id);
        let column = OutputColumn {
            name: metric.name.value.clone(),
            ty: formula.ty.clone(),
            nullable: true,
            unit: metric.ty.unit.as_ref().filter(|unit| !unit.is_none()).map(ToString::to_string),
        };
        MetricOutput { column, formula, present, fill: None }
    }

    /// What a metric is filled with, by the question or else by itself.
    fn fill(&self, id: MetricId, output: &MetricOutput, question: &Question, d: &mut Diagnostics) -> Option<Expr> {
        let metric = &self.model.metrics[id.0];
        let ty = output.column.ty.clone();
        match question.fill.unwrap_or(metric.fill) {
            Fill::None => None,
            Fill::Null => Some(Expr::literal(Value::Null, ty)),
            Fill::Zero if has_zero(&metric.ty.ty) => Some(Expr::literal(ty.some_value(), ty)),
            Fill::Zero => {
                d.push(error!(E0964, None, "`{}` is no number, so it has no zero", metric.name.value;
                    help: "ask for `--fill null`, or leave it out"));
                None
            }
        }
    }

    /// The dimensions of an answer, and the parts of the bucket among them.
    fn grouped(&self, question: &Question) -> (Vec<OutputColumn>, Vec<Part>) {
        let (mut dimensions, mut parts) = (Vec::new(), Vec::new());
        for (place, by) in question.by.iter().enumerate() {
            let column = |ty: DataType, nullable: bool| {
                let name = by.name(&self.model.dimensions);
                OutputColumn { name, ty, nullable, unit: None }
            };
            match by {
                By::Dimension(id) | By::Within(id, _) => {
                    let ty = &self.model.dimensions[id.0].ty;
                    dimensions.push(column(self.model.data_type(&ty.ty), ty.nullable));
                }
                By::Part(part) => {
                    let value = bucket::value(*part);
                    parts.push(Part { place, column: column(value.ty.clone(), false), value });
                }
            }
        }
        (dimensions, parts)
    }

    /// The output step: asked for, or the coarsest default grain of the metrics.
    fn step(&self, question: &Question, d: &mut Diagnostics) -> Option<Step> {
        let step = match question.step {
            AskedStep::None => None,
            AskedStep::Step(step) => Some(step),
            AskedStep::Default => {
                let grains = question.metrics.iter().flat_map(|id| &self.model.metrics[id.0].grain);
                match grains.max() {
                    Some(Grain::Step(step)) => Some(*step),
                    Some(Grain::Total) | None => None,
                }
            }
        };
        if step.is_some() {
            for id in &question.metrics {
                for table in self.tables_of(*id) {
                    let table = self.model.table(*table);
                    if table.time.is_none() {
                        let name = &self.model.metrics[id.0].name.value;
                        d.push(error!(E0951, None, "`{name}` counts `{}`, which has no time", table.name.value;
                            help: "ask for `--step none`"));
                    }
                }
            }
        }
        step
    }

    /// Every dimension, asked or filtered by, must be bound to every table that a metric reads.
    fn check_dimensions(&self, question: &Question, d: &mut Diagnostics) {
        let mut asked: Vec<DimensionId> = question.by.iter().filter_map(|by| by.dimension()).collect();
        if let Some(filter) = &question.filter {
            filter.walk(&mut |dimension, _| asked.push(dimension));
        }
        asked.sort_unstable();
        asked.dedup();
        for id in &question.metrics {
            for table in self.tables_of(*id) {
                for dimension in &asked {
                    if self.model.bind(*dimension, *table).is_err() {
                        let metric = &self.model.metrics[id.0].name.value;
                        let (of, name) =
                            (&self.model.table(*table).name.value, &self.model.dimensions[dimension.0].name.value);
                        d.push(error!(E0952, None, "`{metric}` has no dimension `{name}`: `{of}` is not bound to it";
                            help: ("leave `{name}` out, or bind it: `dimension {name} = … | {of}.column`")));
                    }
                }
            }
        }
    }

    /// The output columns must have names of their own.
    fn check_columns(&self, question: &Question, d: &mut Diagnostics) {
        let dimensions = question.by.iter().map(|by| by.name(&self.model.dimensions));
        let metrics = question.metrics.iter().map(|id| column_name(self.model, *id, &question.metrics));
        let own = question.top.iter().filter(|top| top.other).map(|_| chosen::OTHER);
        let shown = question.marks || question.cut || question.partial;
        let own = own.chain(shown.then_some(limits::PARTIAL));
        let mut seen: Vec<String> = Vec::new();
        for (name, is_metric) in dimensions.map(|name| (name, false)).chain(metrics.map(|name| (name, true))) {
            let other_kind = is_metric && question.by.iter().any(|by| by.name(&self.model.dimensions) == name);
            if !seen.contains(&name) {
                seen.push(name);
            } else if other_kind {
                d.push(error!(E0960, None, "the answer has two columns `{name}`: a metric and a dimension";
                    help: "ask for one of them, or rename one"));
            } else {
                d.push(error!(E0960, None, "`{name}` is asked for twice"; help: "name it once"));
            }
        }
        for name in own.filter(|name| seen.iter().any(|known| known == name)) {
            d.push(error!(E0960, None, "the answer has two columns `{name}`: one tells of its rows";
                help: "rename the metric or dimension, or leave the option out"));
        }
    }

    fn order(&self, query: &Query, question: &Question, d: &mut Diagnostics) -> Vec<OrderBy> {
        let columns = query.columns();
        let mut order = Vec::new();
        for (name, descending) in &question.order {
            match columns.iter().position(|column| column.name == *name) {
                Some(column) => order.push(OrderBy { column, descending: *descending }),
                None => {
                    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                    d.push(error!(E0953, None, "there is no output column `{name}` to order by";
                        help: ("the columns are: {}", names.join(", "))));
                }
            }
        }
        order
    }
}

/// The name of the output column of one of the `asked` metrics: its own, with its version where another version is asked
/// for too.
pub fn column_name(model: &Model, id: MetricId, asked: &[MetricId]) -> String {
    let metric = &model.metrics[id.0];
    let of_name = |other: &&MetricId| model.metrics[other.0].name == metric.name;
    match asked.iter().filter(of_name).any(|other| *other != id) {
        true => format!("{} v{}", metric.name.value, metric.version),
        false => metric.name.value.clone(),
    }
}

impl Model {
    /// Calls `visit` for every aggregate of a metric, through the metrics it names.
    pub fn leaves<'a>(&'a self, id: MetricId, visit: &mut dyn FnMut(&'a crate::types::Leaf)) {
        self.metrics[id.0].formula.walk(&mut |part| match &part.kind {
            crate::types::FormulaKind::Leaf(leaf) => visit(leaf),
            crate::types::FormulaKind::Metric(inner) => self.leaves(*inner, visit),
            _ => {}
        });
    }
}
