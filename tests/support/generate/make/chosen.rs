//! Which rows of an answer are asked for: conditions on its columns, the best groups, exact limits.

use super::super::model::*;
use super::super::oracle::calendar::{Calendar, day_of};
use super::Maker;
use super::exprs::{call, literal};

const MINUTE: i64 = 60_000;

impl Maker {
    /// Adds what says which rows show.
    pub fn choose(&mut self, question: Question) -> Question {
        let with_cut = self.cut(&question).unwrap_or_else(|| question.clone());
        let with_end = Question { as_of: self.as_of(&with_cut), ..with_cut };
        let marks = self.on(Construct::Marks) && self.rng.chance(10);
        let with_marks = Question { marks, ..with_end };
        let with_having = Question { having: self.having(&with_marks), ..with_marks };
        let with_top = Question { top: self.top(&with_having), ..with_having };
        if with_top.is_choosable(&self.project) { with_top } else { question }
    }

    /// Limits within the days that are asked for.
    fn cut(&mut self, question: &Question) -> Option<Question> {
        let (first, last) = question.range.filter(|_| self.on(Construct::Cut) && self.rng.chance(50))?;
        question.step.filter(|_| !of_calendar(question))?;
        let calendar = Calendar { zone: self.project.zone, sunday: self.project.week_starts_sunday };
        let (start, end) = (calendar.midnight(day_of(first)), calendar.midnight(day_of(last + 1)));
        let mut inside = || start + self.rng.between(0, (end - start) / MINUTE - 1) * MINUTE;
        let (a, b) = (inside(), inside());
        let unambiguous = |ms: i64| super::times::literal(ms, self.project.zone);
        let (from, to) = (unambiguous(a.min(b)), unambiguous(a.max(b)));
        (from < to).then(|| Question { exact: Some((from, to)), ..question.clone() })
    }

    /// An instant near the end of what is asked for.
    fn as_of(&mut self, question: &Question) -> Option<(i64, bool)> {
        let (first, last) = question.range.filter(|_| !of_calendar(question))?;
        let partial = self.on(Construct::Partial) && self.rng.chance(60);
        if !(partial || self.on(Construct::AsOf)) || !self.rng.chance(35) {
            return None;
        }
        let calendar = Calendar { zone: self.project.zone, sunday: self.project.week_starts_sunday };
        let (start, end) = (calendar.midnight(day_of(first - 1)), calendar.midnight(day_of(last + 2)));
        let at = start + self.rng.between(0, (end - start) / MINUTE) * MINUTE;
        Some((super::times::literal(at, self.project.zone), partial))
    }

    /// A condition on the columns of the answer.
    fn having(&mut self, question: &Question) -> Option<Expr> {
        if !self.on(Construct::Having) || !self.rng.chance(20) {
            return None;
        }
        let one = self.column_test(question)?;
        if self.rng.chance(40) {
            let two = self.column_test(question)?;
            let op = if self.rng.chance(50) { Op::And } else { Op::Or };
            let one = if self.rng.chance(25) { call(Op::Not, vec![one], Ty::Bool) } else { one };
            return Some(call(op, vec![one, two], Ty::Bool));
        }
        Some(one)
    }

    fn column_test(&mut self, question: &Question) -> Option<Expr> {
        let dimensions: Vec<Dimension> = (question.by.iter())
            .filter_map(|by| match by {
                By::Dimension(name) => self.project.dimension(name).cloned(),
                By::Within(..) | By::Part(_) => None,
            })
            .collect();
        match self.rng.below(5) {
            0 => self.dimension_filter(&dimensions),
            1 => self.bucket_test(question.step?),
            _ => self.metric_test(question),
        }
    }

    /// `orders > 3`, `orders is null`, of metrics whose values are exact.
    fn metric_test(&mut self, question: &Question) -> Option<Expr> {
        let metrics: Vec<Metric> =
            question.metrics.iter().filter_map(|name| self.project.metric(name)).cloned().collect();
        let metric = self.rng.maybe(&metrics)?.clone();
        let subject = |metric: &Metric| {
            let formula = &metric.formula;
            let node = Node::Metric(metric.name.clone());
            Expr { node, ty: formula.ty.clone(), nullable: true, unit: formula.unit.clone(), inexact: formula.inexact }
        };
        if self.rng.chance(15) {
            let op = if self.rng.chance(50) { Op::IsNull } else { Op::IsNotNull };
            return Some(call(op, vec![subject(&metric)], Ty::Bool).nullable(false));
        }
        let formula = &metric.formula;
        if !matches!(formula.ty, Ty::Int | Ty::Decimal(..)) || formula.inexact {
            return None;
        }
        let wanted = self.rng.between(0, 4);
        let value = match &formula.ty {
            Ty::Decimal(_, scale) => Value::Decimal(i128::from(wanted) * 10_i128.pow(u32::from(*scale)), *scale),
            _ => Value::Int(wanted),
        };
        let ops = [Op::Equal, Op::NotEqual, Op::Less, Op::LessEqual, Op::Greater, Op::GreaterEqual];
        let op = self.rng.pick(&ops).clone();
        let value = literal(value, &formula.ty, &formula.unit);
        Some(call(op, vec![subject(&metric), value], Ty::Bool))
    }

    /// The best groups by one of the metrics.
    fn top(&mut self, question: &Question) -> Option<Top> {
        let other = self.on(Construct::Other) && self.rng.chance(60);
        if !(other || self.on(Construct::Top)) || !self.rng.chance(50) {
            return None;
        }
        // Which days an interval has is known, but not which buckets of a calendar.
        if of_calendar(question) && question.range.is_some() {
            return None;
        }
        let ranking = question.metrics.iter().filter_map(|name| self.project.metric(name));
        let ranking: Vec<String> =
            ranking.filter(|metric| question.ranks(&self.project, metric)).map(|metric| metric.name.clone()).collect();
        let metric = self.rng.maybe(&ranking)?.clone();
        let top = Top { count: 1 + self.rng.below(3) as u64, metric, other };
        let with = |other| Question { top: Some(Top { other, ..top.clone() }), ..question.clone() };
        [other, false].into_iter().map(with).find(|question| question.is_choosable(&self.project))?.top
    }
}

/// Whether it is asked for in buckets of a declared calendar.
fn of_calendar(question: &Question) -> bool {
    matches!(question.step, Some(Step::Fiscal(_)))
}
