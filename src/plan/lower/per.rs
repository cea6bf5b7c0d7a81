//! `(M per PATH)`: the answer of a query by day and key, asked for the days and keys of the rows, and looked up for each.

use crate::plan::{
    Answered, Asked, AskedKey, DataType, Expr, ExprKind, Function, Input, Interval, MetricOutput, OutputColumn, Query,
    Selection, Step, Value, Window,
};
use crate::types::{MetricPer, NestedKey, RowExpr};

use super::formula::{Context, Frame, Key, Scans};
use super::nested::VALUE;
use super::row::Rows;

/// The name of the key's column.
const KEY: &str = "_k0";

impl Rows<'_> {
    /// The value of a metric over the rows with this row's key before its local day, which `at` lies in.
    pub(super) fn per(&mut self, per: &MetricPer, at: &RowExpr) -> Expr {
        let (key, at_here) = (self.key_value(&per.key), self.lower(at));
        let query = self.answer_before(per, at);
        let ty = query.metrics[0].column.ty.clone();
        let day = Expr::literal(Value::String(Step::Day.text()), DataType::String);
        let nullable = at_here.nullable;
        let day = Expr::call(Function::Truncate, vec![at_here, day], DataType::Timestamp, nullable);
        let keys = vec![("time".to_owned(), day), (KEY.to_owned(), key)];
        let answered = Answered { query: Box::new(query), keys };
        let place = self.answers.iter().position(|known| *known == answered).unwrap_or_else(|| {
            self.answers.push(answered);
            self.answers.len() - 1
        });
        let kind = ExprKind::Column { input: Input::Answer(place), name: VALUE.to_owned() };
        Expr { kind, ty, nullable: true }
    }

    /// The value of a key over these rows.
    fn key_value(&mut self, key: &NestedKey) -> Expr {
        match key {
            NestedKey::Dimension(id) => self.dimension(*id),
            key => match key.of(self.base) {
                Some(value) => self.lower(value),
                None => Expr::literal(Value::Null, DataType::String),
            },
        }
    }

    /// The metric by day and key, each time over all rows before the day.
    fn answer_before(&self, per: &MetricPer, at: &RowExpr) -> Query {
        let model = self.model;
        let mut rows = Rows::new(model, self.base, self.time);
        let (key, time) = (rows.key_value(&per.key), rows.lower(at));
        let column = OutputColumn { name: KEY.to_owned(), ty: key.ty.clone(), nullable: key.nullable, unit: None };
        let null_is_equal = matches!(per.key, NestedKey::Dimension(_));
        let (table, joins, answers) = (self.base.0, rows.joins, rows.answers);
        let rows = Selection { table, joins, answers, filter: None, time: Some(time) };
        let asked = Some(Asked { rows, keys: vec![AskedKey { value: key, null_is_equal }], all: true });
        let by = match &per.key {
            NestedKey::Column { values, .. } => vec![Key::Column(values)],
            NestedKey::Dimension(id) => vec![Key::Dimension(*id)],
            NestedKey::Step(_) => Vec::new(),
        };
        let step = Some(Step::Day);
        let frame = Frame {
            model,
            step,
            by,
            from: None,
            to: None,
            exact: false,
            filters: Vec::new(),
            of_buckets: Vec::new(),
            asked: asked.clone(),
            best: None,
        };
        let mut scans = Scans::new(frame);
        let interval = Interval { at_start_of: step, window: Some(Window::All), ..Interval::default() };
        let context = Context { interval, ..Context::default() };
        let (formula, present) = scans.lower_formula(&model.metrics[per.metric.0].formula, &context);
        let value = OutputColumn { name: VALUE.to_owned(), ty: formula.ty.clone(), nullable: true, unit: None };
        let metrics = vec![MetricOutput { column: value, formula, present, fill: None }];
        let scans = scans.finish(&metrics);
        let dimensions = vec![column];
        Query { step, dimensions, asked, scans, metrics, ..Query::empty(model.zone, model.week_start) }
    }
}
