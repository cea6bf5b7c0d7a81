//! Conditions on the output bucket, and parts of it in questions.

use super::super::model::*;
use super::super::oracle::calendar::{Calendar, day_of, days};
use super::exprs::{call, literal};
use super::{Maker, times};

const LONGER: [Step; 6] = [Step::Subday(3_600_000), Step::Day, Step::Week, Step::Month, Step::Quarter, Step::Year];

impl Maker {
    fn calendar(&self) -> Calendar {
        Calendar { zone: self.project.zone, sunday: self.project.week_starts_sunday }
    }

    /// `m where time.month = 11`, `m where (time.month = 11 or platform = "ios")`
    pub fn in_some_buckets(&mut self) -> Option<Expr> {
        let one = self.metric_over_time()?;
        let step = *self.rng.pick(&[Step::Subday(3_600_000), Step::Day, Step::Day, Step::Week, Step::Month]);
        if !self.project.bears(&one, Some(step), true) {
            return None;
        }
        let common: Vec<Dimension> = self.project.common_dimensions(&one).into_iter().cloned().collect();
        let filter = if self.rng.chance(40) { self.dimension_filter(&common) } else { None };
        let filter = self.beside(step, filter)?;
        let node = Node::Where(Box::new(one.clone()), Box::new(filter));
        let part = Expr { node, nullable: true, ..one.clone() };
        if self.rng.chance(30) {
            return self.ratio(part, one);
        }
        Some(part)
    }

    /// A condition on the output bucket, beside or in place of one on dimensions.
    pub fn or_of_buckets(
        &mut self,
        dimensions: &[Dimension],
        step: Option<Step>,
        filter: Option<Expr>,
    ) -> Option<Expr> {
        if !self.on(Construct::BucketPart) {
            return filter;
        }
        let filter = match self.rng.chance(8) {
            true => self.within_filter(dimensions).or(filter),
            false => filter,
        };
        match step {
            Some(step) if self.rng.chance(12) => self.beside(step, filter.clone()).or(filter),
            _ => filter,
        }
    }

    fn beside(&mut self, step: Step, filter: Option<Expr>) -> Option<Expr> {
        let mut test = self.bucket_test(step)?;
        if self.rng.chance(20) {
            let other = self.bucket_test(step)?;
            let op = if self.rng.chance(50) { Op::And } else { Op::Or };
            test = if other == test { test } else { call(op, vec![test, other], Ty::Bool) };
        }
        if self.rng.chance(20) {
            test = call(Op::Not, vec![test], Ty::Bool);
        }
        Some(match filter {
            Some(filter) => {
                let op = if self.rng.chance(60) { Op::And } else { Op::Or };
                call(op, vec![test, filter], Ty::Bool)
            }
            None => test,
        })
    }

    /// `time.month = 11`, `time >= timestamp("…")`
    pub fn bucket_test(&mut self, step: Step) -> Option<Expr> {
        let part = self.bucket_part(step, true)?;
        let ty = part.ty();
        let value = |maker: &mut Maker| match &part {
            TimePart::Number(op) => Value::Int(maker.number_of(op)),
            TimePart::Start => Value::Timestamp(maker.start_of(step)),
            TimePart::Within(longer) => Value::Timestamp(maker.start_of(*longer)),
        };
        let subject = plain(Node::Bucket(part.clone()), ty.clone());
        self.compared(subject, value)
    }

    /// A test of a value by one or two literals.
    fn compared(&mut self, subject: Expr, value: impl Fn(&mut Maker) -> Value) -> Option<Expr> {
        let ops =
            [Op::Equal, Op::NotEqual, Op::Less, Op::GreaterEqual, Op::Greater, Op::LessEqual, Op::In, Op::Between];
        let op = self.rng.pick(&ops).clone();
        let wanted = if matches!(op, Op::In | Op::Between) { 2 } else { 1 };
        let mut values: Vec<Value> = (0..wanted).map(|_| value(self)).collect();
        if wanted == 2 && values[0] == values[1] {
            return None;
        }
        values.sort_by(super::super::oracle::eval::compare);
        let literals = values.into_iter().map(|value| literal(value, &subject.ty, &Unit::new()));
        Some(call(op, std::iter::once(subject.clone()).chain(literals).collect(), Ty::Bool).nullable(subject.nullable))
    }

    /// `registered@month = timestamp("…")`
    fn within_filter(&mut self, dimensions: &[Dimension]) -> Option<Expr> {
        let fits = |dimension: &&Dimension| matches!(dimension.ty, Ty::Date | Ty::Timestamp);
        let timely: Vec<Dimension> = dimensions.iter().filter(fits).cloned().collect();
        let dimension = self.rng.maybe(&timely)?.clone();
        let step = self.longer(&dimension.ty);
        let nullable = dimension.otherwise == Otherwise::Null;
        let subject = plain(Node::Dimension(dimension.name.clone()), dimension.ty.clone()).nullable(nullable);
        let value = |maker: &mut Maker| match dimension.ty {
            Ty::Date => {
                let day = day_of(maker.start_of(Step::Day).div_euclid(86_400_000) as i32);
                Value::Date(days(maker.calendar().first_day(day, step)))
            }
            _ => Value::Timestamp(maker.start_of(step)),
        };
        self.compared(within(subject, step), value)
    }

    fn longer(&mut self, ty: &Ty) -> Step {
        let steps = if *ty == Ty::Date { &LONGER[1..] } else { &LONGER[..] };
        *self.rng.pick(steps)
    }

    /// Something that buckets of a step have.
    fn bucket_part(&mut self, step: Step, start: bool) -> Option<TimePart> {
        let mut all: Vec<TimePart> = NUMBERS.iter().map(|(_, op, _)| TimePart::Number(op.clone())).collect();
        all.extend(LONGER.map(TimePart::Within));
        all.extend(start.then_some(TimePart::Start));
        all.retain(|part| part.fits(step, self.project.week_starts_sunday));
        self.rng.maybe(&all).cloned()
    }

    /// The start of a bucket, named by its wall-clock time alone.
    fn start_of(&mut self, step: Step) -> i64 {
        let ms = times::instant(&mut self.rng, self.project.zone);
        times::literal(self.calendar().bucket(ms, step).0, self.project.zone)
    }

    fn number_of(&mut self, op: &Op) -> i64 {
        let start = self.start_of(Step::Subday(3_600_000));
        let value = super::super::oracle::eval::of_time(op, &Value::Timestamp(start), self.calendar());
        match value {
            Value::Int(number) => number,
            other => panic!("{other:?} is no number"),
        }
    }

    /// Dimensions, some of them in longer buckets, and parts of the bucket among them.
    pub fn by(&mut self, dimensions: &[Dimension], step: Option<Step>) -> Vec<By> {
        let mut by = Vec::new();
        let on = self.on(Construct::BucketPart);
        for dimension in dimensions {
            let timely = matches!(dimension.ty, Ty::Date | Ty::Timestamp);
            by.push(match on && timely && self.rng.chance(50) {
                true => By::Within(dimension.name.clone(), self.longer(&dimension.ty)),
                false => By::Dimension(dimension.name.clone()),
            });
        }
        if let Some(step) = step.filter(|_| on && self.rng.chance(10)) {
            let part = self.bucket_part(step, false);
            let place = self.rng.below(by.len() + 1);
            if let Some(part) = part {
                by.insert(place, By::Part(part));
            }
        }
        by
    }
}

fn plain(node: Node, ty: Ty) -> Expr {
    Expr { node, ty, nullable: false, unit: Unit::new(), inexact: false }
}
