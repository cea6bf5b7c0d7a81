//! Which rows of an answer show, and which are cut.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::model::*;
use super::aggregate::Cell;
use super::calendar::Calendar;
use super::eval::{Scope, eval, truth};
use super::formula::Group;
use super::{Best, Oracle, OutputColumn, parts};

impl Oracle<'_> {
    /// The rows that are left by the conditions on them and on their groups.
    pub(super) fn shown(&self, question: &Question, columns: &[OutputColumn]) -> Vec<Vec<Value>> {
        let plain = Question { top: None, ..question.clone() };
        let names = self.columns(&plain);
        let mut rows = self.joined(&plain, None);
        rows.retain(|row| self.passes(question, &names, row));
        let Some(top) = &question.top else { return rows };
        let best: Best = Rc::new(self.best(question, top, &rows));
        if !top.other {
            rows.retain(|row| best.contains(&group(question, row)));
            return rows;
        }
        let mut rows = self.joined(question, Some(&best));
        let other = question.keys() - 1;
        rows.retain(|row| row[other] == Value::Bool(true) || self.passes(question, columns, row));
        rows
    }

    fn passes(&self, question: &Question, columns: &[OutputColumn], row: &[Value]) -> bool {
        let scope = AnswerRow { columns, row, calendar: self.calendar };
        question.having.as_ref().is_none_or(|having| truth(&eval(having, &scope)) == Some(true))
    }

    /// The best groups of those that have a row.
    fn best(&self, question: &Question, top: &Top, rows: &[Vec<Value>]) -> BTreeSet<Group> {
        let metric = self.project.metric(&top.metric).expect("a declared metric");
        let ranking = Question {
            step: None,
            by: question.by.iter().filter(|by| by.dimension().is_some()).cloned().collect(),
            exact: self.limits(question),
            fill: Some(Fill::None),
            ..question.clone()
        };
        // An exact limit of the question stays as it is.
        let ranking = Question { exact: question.exact.or(ranking.exact), ..ranking };
        let candidates: BTreeSet<Group> = rows.iter().map(|row| group(question, row)).collect();
        let mut all: Vec<(Group, Value)> =
            self.evaluate(metric, &ranking, None).into_iter().map(|((_, group), value)| (group, value)).collect();
        if question.having.is_some() {
            all.retain(|(group, _)| candidates.contains(group));
        }
        all.sort_by(|(a, x), (b, y)| {
            let (x, y) = (Cell(x.clone()), Cell(y.clone()));
            let known = !x.0.is_null() && !y.0.is_null();
            if known { y.cmp(&x) } else { x.cmp(&y) }.then(a.cmp(b))
        });
        all.into_iter().take(top.count as usize).map(|(group, _)| group).collect()
    }

    /// Adds to each row whether its bucket is cut.
    pub(super) fn mark(&self, question: &Question, rows: &mut [Vec<Value>]) {
        for row in rows {
            let cut = match (&row[0], question.step, question.exact) {
                (Value::Timestamp(start), Some(step), Some((from, to))) => {
                    let (start, end) = self.calendar.bucket(*start, step);
                    start < from && from < end || start < to && to < end
                }
                _ => false,
            };
            row.push(if cut { Value::Str("cut".into()) } else { Value::Null });
        }
    }
}

/// The values of the dimensions of a row.
fn group(question: &Question, row: &[Value]) -> Group {
    let values = question.by.iter().zip(&row[usize::from(question.step.is_some())..]);
    values.filter(|(by, _)| by.dimension().is_some()).map(|(_, value)| Cell(value.clone())).collect()
}

/// A row of an answer.
struct AnswerRow<'a> {
    columns: &'a [OutputColumn],
    row: &'a [Value],
    calendar: Calendar,
}

impl Scope for AnswerRow<'_> {
    fn atom(&self, expr: &Expr) -> Value {
        match (&expr.node, &self.row[0]) {
            (Node::Metric(name) | Node::Dimension(name), _) => {
                let place = self.columns.iter().position(|column| column.name == *name);
                self.row[place.expect("a column of the answer")].clone()
            }
            (Node::Bucket(part), Value::Timestamp(start)) => parts::part(part, *start, self.calendar),
            (other, _) => panic!("{other:?} over a row of an answer"),
        }
    }

    fn calendar(&self) -> Calendar {
        self.calendar
    }
}
