//! Which rows of an answer are shown: conditions on its columns, the best groups, and one group for all the rest.

use std::rc::Rc;

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::question::{AskedStep, Question, Top};
use crate::plan::{
    Among, Answered, DataType, Expr, ExprKind, Function, Input, MetricOutput, OrderBy, OutputColumn, Query, Step, Value,
};
use crate::types::{By, FormulaKind, MetricId, OutputExpr, OutputExprKind};

use super::formula::Key;
use super::limits::Limits;
use super::row::Rows;
use super::{Lowering, bucket};

/// The name of the column that tells the group of all the rest.
pub(super) const OTHER: &str = "other";
/// The name of a column that every one of the best groups has.
const BEST: &str = "_best";

/// The best groups.
#[derive(Debug)]
pub struct Best {
    query: Query,
    /// Their keys, which stand before all others.
    keys: Vec<OutputColumn>,
}

impl Best {
    /// How many keys tell them apart.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }
}

impl Lowering<'_> {
    /// A condition over the columns of an answer.
    pub(super) fn having(&self, expr: &OutputExpr) -> Expr {
        let ty = self.model.data_type(&expr.ty.ty);
        let below = |part: &OutputExpr| self.having(part);
        let kind = match &expr.kind {
            OutputExprKind::Column(name) => return output(name, &ty, true),
            OutputExprKind::Part(part) => {
                return bucket::value_of(output("time", &DataType::Timestamp, false), *part);
            }
            OutputExprKind::Literal(value) => ExprKind::Literal(value.clone()),
            OutputExprKind::Call(function, arguments) => {
                ExprKind::Call(*function, arguments.iter().map(below).collect())
            }
            OutputExprKind::Case { branches, otherwise } => ExprKind::Case {
                branches: branches.iter().map(|(condition, value)| (below(condition), below(value))).collect(),
                otherwise: otherwise.as_ref().map(|value| Box::new(below(value))),
            },
        };
        let never_null = matches!(&kind, ExprKind::Call(Function::IsNull | Function::IsNotNull, _));
        let literal = matches!(&kind, ExprKind::Literal(_));
        Expr { kind, ty, nullable: if literal || never_null { expr.ty.nullable } else { true } }
    }

    /// What `--top` asks of a question.
    pub(super) fn check_top(&self, top: &Top, question: &Question, d: &mut Diagnostics) {
        let dimensions: Vec<_> = question.by.iter().filter_map(|by| by.dimension()).collect();
        if dimensions.is_empty() {
            d.push(error!(E0968, None, "`--top` chooses among the values of dimensions, and none is asked for";
                help: "name them: `--by channel`"));
        }
        let mut parts = false;
        question.filter.iter().for_each(|filter| filter.parts(&mut |_| parts = true));
        if parts {
            d.push(error!(E0968, None, "`--top` ranks over the whole interval, and a condition on `time` leaves parts of it out";
                help: "limit the interval by `--from` and `--to`, or the rows of the answer by `--having`"));
        }
        if top.other {
            let mut metrics = question.metrics.clone();
            metrics.push(top.metric);
            for id in metrics {
                self.check_across(id, &question.by, d);
            }
        }
    }

    /// The group of all the rest has no dimension by itself that a share could leave the others out of.
    fn check_across(&self, id: MetricId, by: &[By], d: &mut Diagnostics) {
        let mut found = false;
        self.across(id, &mut |left_out| {
            let kept = |by: &By| by.dimension().is_some_and(|id| !left_out.contains(&id));
            let gone = |by: &By| by.dimension().is_some_and(|id| left_out.contains(&id));
            found |= by.iter().any(kept) && by.iter().any(gone);
        });
        if found {
            d.push(error!(E0969, None, "`{}` leaves some of the dimensions out, and `other` is one group of all of them", self.model.metrics[id.0].name.value;
                help: "ask by fewer dimensions, or without `other`"));
        }
    }

    /// Calls `visit` with the dimensions of every `across` in a metric.
    fn across(&self, id: MetricId, visit: &mut dyn FnMut(&[crate::types::DimensionId])) {
        self.model.metrics[id.0].formula.walk(&mut |part| match &part.kind {
            FormulaKind::Across { dimensions, .. } => visit(dimensions),
            FormulaKind::Metric(inner) => self.across(*inner, visit),
            _ => {}
        });
    }

    /// The best groups of a question over its whole interval; of those that have a row which a condition leaves.
    pub(super) fn best(
        &self,
        top: &Top,
        question: &Question,
        plain: &Query,
        limits: &Limits,
    ) -> Result<Query, Diagnostics> {
        let ranking = Question {
            step: AskedStep::None,
            by: question.by.iter().filter(|by| by.dimension().is_some()).copied().collect(),
            from: limits.from,
            to: limits.to,
            filter: question.filter.clone(),
            ..Question::of(vec![top.metric])
        };
        let mut d = Diagnostics::new();
        let step = self.step(&ranking, &mut d);
        self.check_dimensions(&ranking, &mut d);
        self.check_intervals(&ranking, step, &mut d);
        let whole = Limits { from: limits.from, to: limits.to, ..Limits::default() };
        let mut query = self.answer(&ranking, None, &whole, None, &mut d);
        if d.has_errors() {
            return Err(d);
        }
        query.order = vec![OrderBy { column: query.keys(), descending: true }];
        query.limit = Some(top.count);
        // The ranking metric may have the name of a dimension.
        query.metrics[0].column.name = "_rank".to_owned();
        let one = Expr::literal(Value::Int(1), DataType::Int);
        let column = OutputColumn { name: BEST.to_owned(), ty: DataType::Int, nullable: false, unit: None };
        query.metrics.push(MetricOutput { column, formula: one, present: Vec::new(), fill: None });
        if plain.having.is_some() {
            query.among = Some(Among { query: Box::new(plain.clone()), columns: query.dimensions.clone() });
        }
        Ok(query)
    }

    /// The answer of a question with its conditions on rows and groups.
    pub(super) fn chosen(
        &self,
        question: &Question,
        step: Option<Step>,
        limits: &Limits,
    ) -> Result<Query, Diagnostics> {
        let mut d = Diagnostics::new();
        let having = question.having.as_ref().map(|having| self.having(having));
        let mut query = self.answer(question, step, limits, None, &mut d);
        query.having = having.clone();
        if d.has_errors() {
            return Err(d);
        }
        let Some(top) = &question.top else { return Ok(query) };
        let best = self.best(top, question, &query, limits)?;
        if !top.other {
            query.among = Some(Among { columns: best.dimensions.clone(), query: Box::new(best) });
            return Ok(query);
        }
        let best = Rc::new(Best { keys: best.dimensions.clone(), query: best });
        let mut query = self.answer(question, step, limits, Some(best), &mut d);
        query.having = having.map(|having| {
            let other = output(OTHER, &DataType::Bool, false);
            Expr::call(Function::Or, vec![other, having], DataType::Bool, true)
        });
        if d.has_errors() { Err(d) } else { Ok(query) }
    }
}

/// A column of the answer.
fn output(name: &str, ty: &DataType, nullable: bool) -> Expr {
    let kind = ExprKind::Column { input: Input::Output, name: name.to_owned() };
    Expr { kind, ty: ty.clone(), nullable }
}

/// The keys of rows where only those of the best groups count, and whether a row is of another group.
pub(super) fn among_best(rows: &mut Rows<'_>, best: &Best, values: Vec<Expr>) -> (Vec<Expr>, Expr) {
    let keys = best.keys.iter().map(|key| key.name.clone()).zip(values.iter().cloned()).collect();
    let answered = Answered { query: Box::new(best.query.clone()), keys };
    let place = rows.answers.iter().position(|known| *known == answered).unwrap_or_else(|| {
        rows.answers.push(answered);
        rows.answers.len() - 1
    });
    let found = || {
        let kind = ExprKind::Column { input: Input::Answer(place), name: BEST.to_owned() };
        Expr { kind, ty: DataType::Int, nullable: true }
    };
    let test = |function| Expr::call(function, vec![found()], DataType::Bool, false);
    let kept = values.into_iter().map(|value| {
        let ty = value.ty.clone();
        let branches = vec![(test(Function::IsNotNull), value)];
        Expr { kind: ExprKind::Case { branches, otherwise: None }, ty, nullable: true }
    });
    (kept.collect(), test(Function::IsNull))
}

impl Key<'_> {
    /// Whether it is left out where dimensions are; the group of all the rest where all others are.
    pub(super) fn is_left_out(&self, by: &[Key<'_>], across: &[crate::types::DimensionId]) -> bool {
        match self {
            Key::Dimension(id) | Key::Within(id, _) => across.contains(id),
            Key::Column(_) => false,
            Key::Other => {
                let before = by.iter().take_while(|key| !matches!(key, Key::Other));
                before.into_iter().all(|key| key.is_left_out(&[], across))
            }
        }
    }
}
