//! Questions over the metrics.

use std::collections::BTreeSet;

use super::super::model::*;
use super::exprs::call;
use super::{Maker, times};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

const STEPS: [Step; 10] = [
    Step::Subday(MINUTE),
    Step::Subday(5 * MINUTE),
    Step::Subday(HOUR),
    Step::Subday(4 * HOUR),
    Step::Day,
    Step::Day,
    Step::Week,
    Step::Month,
    Step::Quarter,
    Step::Year,
];

impl Maker {
    pub fn questions(&mut self) {
        for _ in 0..3 + self.rng.below(4) {
            let wanted = 1 + self.rng.below(4);
            // Not all metrics bear one step.
            let question = self.question(wanted).or_else(|| self.question(1));
            self.project.questions.extend(question);
        }
    }

    fn question(&mut self, wanted: usize) -> Option<Question> {
        let mut all = self.project.metrics.clone();
        self.rng.shuffle(&mut all);
        let asked: Vec<Metric> = all.into_iter().take(wanted).collect();
        let names: Vec<String> = asked.iter().map(|metric| metric.name.clone()).collect();
        let mut common: Vec<Dimension> =
            self.project.common_dimensions(&asked.first()?.formula).into_iter().cloned().collect();
        for metric in &asked[1..] {
            let own: Vec<String> =
                self.project.common_dimensions(&metric.formula).iter().map(|d| d.name.clone()).collect();
            common.retain(|dimension| own.contains(&dimension.name));
        }
        common.retain(|dimension| !names.contains(&dimension.name));
        let fill = self.asked_fill(&asked);
        let (step, range) = self.step_and_range(&asked, fill)?;
        let filter = if self.rng.chance(25) { self.dimension_filter(&common) } else { None };
        let filter = self.or_of_buckets(&common, step, filter);
        let filter = if timed(&self.project, &asked) { self.or_of_groups(&asked, filter) } else { filter };
        self.rng.shuffle(&mut common);
        common.truncate([0, 0, 1, 1, 2, 3][self.rng.below(6)]);
        let by = self.by(&common, step);
        let order = self.order(&asked, &by, step);
        let limit = self.rng.chance(15).then(|| 1 + self.rng.below(5) as u64);
        let (exact, as_of, marks, having, top) = (None, None, false, None, None);
        Some(self.choose(Question {
            metrics: names,
            step,
            by,
            filter,
            fill,
            range,
            exact,
            as_of,
            marks,
            having,
            top,
            order,
            limit,
        }))
    }

    /// A condition on the groups of the rows, beside or in place of one on dimensions.
    fn or_of_groups(&mut self, asked: &[Metric], filter: Option<Expr>) -> Option<Expr> {
        if !self.on(Construct::MetricPer) || !self.rng.chance(12) {
            return filter;
        }
        let bases: BTreeSet<String> = asked.iter().flat_map(|metric| self.project.bases(&metric.formula)).collect();
        let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
        match (self.test_of_group(&bases), filter) {
            (Some(test), Some(filter)) => {
                let op = if self.rng.chance(50) { Op::And } else { Op::Or };
                Some(call(op, vec![filter, test], Ty::Bool))
            }
            (test, filter) => test.or(filter),
        }
    }

    /// A way to fill all metrics, whatever they say themselves.
    fn asked_fill(&mut self, asked: &[Metric]) -> Option<Fill> {
        if !self.on(Construct::FillNull) || !self.on(Construct::FillZero) || !self.rng.chance(12) {
            return None;
        }
        let number = |metric: &Metric| metric.formula.ty.is_number() || metric.formula.ty == Ty::Duration;
        let all = [Fill::None, Fill::Null, Fill::Zero];
        let count = if asked.iter().all(number) { 3 } else { 2 };
        Some(all[self.rng.below(count)])
    }

    /// What all these metrics bear.
    fn step_and_range(&mut self, asked: &[Metric], fill: Option<Fill>) -> Option<(Option<Step>, Option<(i32, i32)>)> {
        let timed = timed(&self.project, asked);
        let dense = asked
            .iter()
            .any(|metric| fill.unwrap_or(metric.fill) != Fill::None || self.project.is_moved(&metric.formula));
        (0..8).find_map(|_| {
            let (step, range) = match dense {
                true => self.few_buckets(),
                false => {
                    let step = self.rng.chance(80).then(|| *self.rng.pick(&STEPS)).map(|step| self.or_fiscal(step));
                    let range = self.rng.chance(25).then(|| self.range());
                    if timed { (step, range) } else { (None, None) }
                }
            };
            let bears = |metric: &Metric| self.project.bears(&metric.formula, step, range.is_some());
            (asked.iter().all(bears) && (timed || step.is_none() && range.is_none())).then_some((step, range))
        })
    }

    /// No more than a thousand buckets or so: where each of them may have a value, a short step needs a short interval.
    fn few_buckets(&mut self) -> (Option<Step>, Option<(i32, i32)>) {
        match self.rng.below(10) {
            0 => (None, Some(self.range())),
            1 => (None, None),
            2..=4 => {
                let day = times::crowded(&mut self.rng, self.project.zone).div_euclid(24 * HOUR) as i32;
                let last = day + self.rng.between(0, 3) as i32;
                let step = Step::Subday(*self.rng.pick(&[15 * MINUTE, HOUR, HOUR, 4 * HOUR]));
                (Some(step), Some((day, last)))
            }
            5..=7 => (Some(Step::Day), self.rng.chance(50).then(|| self.range())),
            _ => {
                let step = *self.rng.pick(&STEPS[6..]);
                (Some(self.or_fiscal(step)), self.rng.chance(25).then(|| self.range()))
            }
        }
    }

    /// Now and then a step of the declared calendar in place of another one.
    pub fn or_fiscal(&mut self, step: Step) -> Step {
        if !self.on(Construct::Calendar) || !self.rng.chance(20) {
            return step;
        }
        Step::Fiscal(if self.rng.chance(70) { Fiscal::Week } else { Fiscal::Year })
    }

    fn range(&mut self) -> (i32, i32) {
        let zone = self.project.zone;
        let mut day = || times::instant(&mut self.rng, zone).div_euclid(24 * HOUR) as i32;
        let (a, b) = (day(), day());
        (a.min(b), a.max(b))
    }

    /// Columns whose values are exact, or the order would be a matter of taste.
    fn order(&mut self, asked: &[Metric], by: &[By], step: Option<Step>) -> Vec<(String, bool)> {
        let exact =
            |metric: &&Metric| matches!(metric.formula.ty, Ty::Int | Ty::Decimal(..)) && !metric.formula.inexact;
        let mut columns: Vec<String> = asked.iter().filter(exact).map(|metric| metric.name.clone()).collect();
        columns.extend(by.iter().map(By::text));
        columns.extend(step.map(|_| "time".to_owned()));
        self.rng.shuffle(&mut columns);
        let wanted = [0, 0, 0, 1, 2][self.rng.below(5)];
        columns.into_iter().take(wanted).map(|column| (column, self.rng.chance(50))).collect()
    }
}

/// Whether all these metrics have buckets of time.
fn timed(project: &Project, asked: &[Metric]) -> bool {
    asked.iter().all(|metric| project.timed(&metric.formula))
}
