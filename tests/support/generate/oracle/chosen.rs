//! Which rows of an answer show, and which are cut.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::model::*;
use super::aggregate::Cell;
use super::calendar::Calendar;
use super::eval::{Scope, eval, truth};
use super::formula::{Group, Prepared};
use super::interval::Bucket;
use super::parts::{At, Clip};
use super::{Best, Oracle, OutputColumn, parts};

impl Oracle<'_> {
    /// The rows that are left by the conditions on them and on their groups.
    pub(super) fn shown(&self, question: &Question, columns: &[OutputColumn]) -> Vec<Vec<Value>> {
        let plain = Question { top: None, ..question.clone() };
        let names = self.columns(&plain);
        let mut rows = self.marked(&plain, None);
        rows.retain(|row| self.passes(question, &names, row));
        let Some(top) = &question.top else { return rows };
        let best: Best = Rc::new(self.best(question, top, &rows));
        if !top.other {
            rows.retain(|row| best.contains(&group(question, row)));
            return rows;
        }
        let mut rows = self.marked(question, Some(&best));
        let other = question.keys() - 1;
        rows.retain(|row| row[other] == Value::Bool(true) || self.passes(question, columns, row));
        rows
    }

    /// All rows, with their marks.
    fn marked(&self, question: &Question, best: Option<&Best>) -> Vec<Vec<Value>> {
        let mut rows = self.joined(question, best);
        if question.is_marked() {
            self.mark(question, &mut rows);
        }
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
            exact: self.asked(question),
            as_of: None,
            fill: Some(Fill::None),
            ..question.clone()
        };
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

    /// Adds to each row why it is not of whole data.
    fn mark(&self, question: &Question, rows: &mut [Vec<Value>]) {
        let prepared: Vec<Prepared> = question.metrics.iter().map(|name| self.bare(name)).collect();
        let asked = self.asked(question);
        let all = Limits { asked, whole: self.asked(&Question { as_of: None, ..question.clone() }) };
        let mut known: BTreeMap<i64, Value> = BTreeMap::new();
        for row in rows {
            let bucket = match (&row.first(), question.step) {
                (Some(Value::Timestamp(start)), Some(step)) => {
                    let (start, end) = self.calendar.bucket(*start, step);
                    Some(Bucket { start, end, step: Some(step) })
                }
                _ => asked.map(|(start, end)| Bucket { start, end, step: None }),
            };
            let start = bucket.map_or(i64::MIN, |bucket| bucket.start);
            let mark = known.entry(start).or_insert_with(|| {
                let reasons = bucket.map(|bucket| self.reasons(question, bucket, all, &prepared)).unwrap_or_default();
                if reasons.is_empty() { Value::Null } else { Value::Str(reasons.join(", ")) }
            });
            row.push(mark.clone());
        }
    }

    fn bare(&self, metric: &str) -> Prepared {
        self.prepare(&self.project.metric(metric).expect("a declared metric").formula, &[], None, None)
    }

    fn reasons(&self, question: &Question, bucket: Bucket, limits: Limits, prepared: &[Prepared]) -> Vec<&'static str> {
        let mut found = Vec::new();
        let inside = |at: i64| bucket.step.is_some() && bucket.start < at && at < bucket.end;
        let end = |limits: Option<(i64, i64)>| limits.map_or(i64::MAX, |(_, to)| to);
        // A limit behind the end of the answer cuts nothing.
        if question.exact.is_some_and(|(from, to)| inside(from) || to <= end(limits.asked) && inside(to)) {
            found.push("cut");
        }
        let at = At { bucket, above: None, clip: clip(limits.asked, question.step) };
        if question.marks && prepared.iter().any(|prepared| self.starts_within(prepared, at)) {
            found.push("start");
        }
        let goes_on = if bucket.step.is_some() { bucket.end } else { end(limits.whole) };
        if question.as_of.is_some_and(|(at, partial)| partial && goes_on > at) {
            found.push("open");
        }
        found
    }
}

/// Where an answer ends, and where it would if all were complete.
#[derive(Clone, Copy)]
struct Limits {
    asked: Option<(i64, i64)>,
    whole: Option<(i64, i64)>,
}

/// The instants within which rows are asked for.
pub(super) fn clip(asked: Option<(i64, i64)>, step: Option<Step>) -> Clip {
    match (asked, step) {
        (Some((from, to)), Some(_)) => Clip { from, to },
        _ => Clip::NONE,
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
