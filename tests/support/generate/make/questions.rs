//! Questions over the metrics.

use super::super::model::*;
use super::{Maker, times};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

impl Maker {
    pub fn questions(&mut self) {
        for _ in 0..3 + self.rng.below(4) {
            if let Some(question) = self.question() {
                self.project.questions.push(question);
            }
        }
    }

    fn question(&mut self) -> Option<Question> {
        let mut all = self.project.metrics.clone();
        self.rng.shuffle(&mut all);
        let wanted = 1 + self.rng.below(4);
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
        let timed = asked.iter().all(|metric| self.project.timed(&metric.formula));
        let steps = [
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
        let step = (timed && self.rng.chance(80)).then(|| *self.rng.pick(&steps));
        let filter = if self.rng.chance(25) { self.dimension_filter(&common) } else { None };
        let range = (timed && self.rng.chance(25)).then(|| self.range());
        self.rng.shuffle(&mut common);
        let by: Vec<String> =
            common.iter().take([0, 0, 1, 1, 2, 3][self.rng.below(6)]).map(|d| d.name.clone()).collect();
        let order = self.order(&asked, &by, step);
        let limit = self.rng.chance(15).then(|| 1 + self.rng.below(5) as u64);
        Some(Question { metrics: names, step, by, filter, range, order, limit })
    }

    fn range(&mut self) -> (i32, i32) {
        let zone = self.project.zone;
        let mut day = || times::instant(&mut self.rng, zone).div_euclid(24 * HOUR) as i32;
        let (a, b) = (day(), day());
        (a.min(b), a.max(b))
    }

    /// Columns whose values are exact, or the order would be a matter of taste.
    fn order(&mut self, asked: &[Metric], by: &[String], step: Option<Step>) -> Vec<(String, bool)> {
        let exact =
            |metric: &&Metric| matches!(metric.formula.ty, Ty::Int | Ty::Decimal(..)) && !metric.formula.inexact;
        let mut columns: Vec<String> = asked.iter().filter(exact).map(|metric| metric.name.clone()).collect();
        columns.extend(by.iter().cloned());
        columns.extend(step.map(|_| "time".to_owned()));
        self.rng.shuffle(&mut columns);
        let wanted = [0, 0, 0, 1, 2][self.rng.below(5)];
        columns.into_iter().take(wanted).map(|column| (column, self.rng.chance(50))).collect()
    }
}
