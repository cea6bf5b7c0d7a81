//! The values of a dimension over the rows of one table.

use crate::diagnostic::Diagnostics;
use crate::plan::question::{Question, Values};
use crate::plan::{MetricOutput, OutputColumn, Query};
use crate::stack;
use crate::types::{Aggregation, DimFilter, Formula, FormulaKind, Leaf, RowSet, Type, ValueType};

use super::{Lowering, formula};

/// The name of the column that counts rows.
const ROWS: &str = "rows";

impl Lowering<'_> {
    /// The plan that answers a question for the values of a dimension: each with the number of its rows.
    pub fn values(&self, asked: &Values) -> Result<Query, Diagnostics> {
        stack::enough(|| self.values_here(asked))
    }

    fn values_here(&self, asked: &Values) -> Result<Query, Diagnostics> {
        let model = self.model;
        let dimension = &model.dimensions[asked.dimension.0];
        let rows = RowSet { base: asked.table, filters: Vec::new(), dated: None };
        let leaf = Leaf { aggregation: Aggregation::Count, input: None, rows, at_last: None };
        let ty = ValueType::plain(Type::Int);
        let count = Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span: dimension.name.span };
        let mut filters: Vec<&DimFilter> = Vec::new();
        if let Some(filter) = &asked.filter {
            formula::conjuncts(filter, &mut filters);
        }
        let (from, to) = (asked.from, asked.to);
        let by = vec![formula::Key::Dimension(asked.dimension)];
        let frame = formula::Frame {
            model,
            step: None,
            by,
            from,
            to,
            exact: false,
            filters,
            of_buckets: Vec::new(),
            asked: None,
            best: None,
        };
        let mut scans = formula::Scans::new(frame);
        let (formula, present) = scans.lower_formula(&count, &formula::Context::default());
        let name = if dimension.name.value == ROWS { "count" } else { ROWS };
        let column = OutputColumn { name: name.to_owned(), ty: formula.ty.clone(), nullable: false, unit: None };
        let metrics = vec![MetricOutput { column, formula, present, fill: None }];
        let scans = scans.finish(&metrics);
        let column = OutputColumn {
            name: dimension.name.value.clone(),
            ty: model.data_type(&dimension.ty.ty),
            nullable: dimension.ty.nullable,
            unit: None,
        };
        let empty = Query::empty(model.zone, model.week_start);
        let mut query = Query { from, to, dimensions: vec![column], scans, metrics, limit: asked.limit, ..empty };
        let mut d = Diagnostics::new();
        let order = Question { order: asked.order.clone(), ..Question::of(Vec::new()) };
        query.order = self.order(&query, &order, &mut d);
        query.give(&self.tables);
        if d.has_errors() { Err(d) } else { Ok(query) }
    }
}
