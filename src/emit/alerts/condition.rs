//! Alerts as PromQL: what is recorded, and the condition over it.

use super::given::{BUCKET_END, Series, Watched, ascii, exported};
use super::promql::{Expr, Matching, short};
use crate::project::AlertsTarget;
use crate::types::alerts::{Bound, Comparison, Condition, Ewma, Seasonal, Subject, Test};
use crate::value::Step;

const DAY_MS: i64 = 86_400_000;
/// For how many buckets without data an alert that fires still tells the last value.
const TOLD_BUCKETS: i64 = 10;
/// By how much two local days of the same number in different weeks may be further apart or closer: a change of clocks.
const CLOCK_CHANGE_S: f64 = 3_601.0;

/// A series that is computed and kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// What it is.
    pub expr: Expr,
}

/// What a target tells of all alerts.
pub struct Timing {
    /// How long after its end a bucket shorter than a day may take to be there, in milliseconds.
    late: i64,
    /// The same of days and longer.
    late_days: i64,
}

impl Timing {
    /// That of a target.
    pub fn of(target: &AlertsTarget) -> Timing {
        Timing { late: target.late, late_days: target.late_days }
    }

    /// For how long what is asked for so often counts, in milliseconds.
    pub fn asked_within(&self, pace: i64) -> i64 {
        pace + self.late
    }

    /// For how long after its end a bucket is the last complete one, in milliseconds.
    pub fn fresh(&self, step: Step) -> i64 {
        step.about() + if is_short(step) { self.late } else { self.late_days }
    }
}

/// Whether a step is shorter than a day.
pub fn is_short(step: Step) -> bool {
    matches!(step, Step::Subday(_))
}

impl Series {
    /// The ends of its buckets, of all groups together.
    fn ends(&self) -> Expr {
        Expr::select(BUCKET_END, self.selection())
    }

    /// The values of the last complete bucket, and for days when it ended. What is older than that is no value, and of a value that
    /// comes once a day the gap until the next one is bridged (AL2).
    pub fn records(&self, timing: &Timing) -> Vec<Record> {
        let fresh = timing.fresh(self.step);
        let values = || Expr::select(&exported(&self.about.name), self.selection());
        let age = |ends: Expr| {
            let now = Expr::Call("time", Vec::new());
            now.op("-", ends.max_by(&[])).op("<", Expr::Number(fresh as f64 / 1_000.0))
        };
        if is_short(self.step) {
            let expr = values().max_by(&self.labels()).op_one("and", age(self.ends()));
            return vec![Record { name: self.record(""), expr }];
        }
        let over = |expr: Expr| Expr::Call("last_over_time", vec![expr.lasting(fresh)]);
        let kept = over(values()).max_by(&self.labels()).op_one("unless", self.ends().max_by(&[]));
        let expr = values().max_by(&self.labels()).op("or", kept).op_one("and", age(over(self.ends())));
        vec![
            Record { name: self.record(""), expr },
            Record { name: self.record("_end"), expr: over(self.ends()).max_by(&[]) },
        ]
    }
}

/// What of an alert is recorded, and what remains to be asked.
pub struct Written {
    /// What is recorded, in this order, after the values of its series.
    pub records: Vec<Record>,
    /// What holds where somebody is to be told.
    pub when: Expr,
    /// What is there where it surely does not hold.
    pub fails: Expr,
    /// The values that count as data.
    pub values: String,
}

impl Watched {
    /// The alert in PromQL.
    pub fn written(&self) -> Written {
        let mut records = Vec::new();
        let name = ascii(&self.alert.name.value);
        let mut values = self.series.record("");
        if let (Some(volume), Some(series)) = (&self.alert.volume, &self.volume) {
            let enough = Expr::named(&series.record(""))
                .op(if volume.inclusive { ">=" } else { ">" }, Expr::Number(volume.least));
            let expr = Expr::named(&values).op("and", enough);
            values = self.series.record(&format!("_enough_for_{name}"));
            records.push(Record { name: values.clone(), expr });
        }
        let mut writer = Writer { series: &self.series, values: &values, name, records, bands: 0 };
        let (when, fails) = writer.condition(&self.alert.when);
        Written { records: writer.records, when, fails, values }
    }

    /// The whole expression: what holds, or fires already while nothing can be decided (AL2).
    pub fn expr(&self, written: &Written) -> Expr {
        let by = self.series.labels();
        let firing = [("alertname", self.alert.name.value.as_str()), ("alertstate", "firing")];
        let told = TOLD_BUCKETS * self.series.step.about() + self.alert.absent.unwrap_or_default();
        hold(written.when.clone(), &by, &firing, (&written.values, told.max(DAY_MS)), written.fails.clone())
    }
}

/// What holds, or fires already and does not surely fail: without data an alert neither fires nor resolves. It tells the last
/// value that there was in so many milliseconds.
pub fn hold(when: Expr, by: &[String], firing: &[(&str, &str)], (values, told): (&str, i64), fails: Expr) -> Expr {
    let labels = firing.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    let firing = Expr::select("ALERTS", labels).max_by(by);
    let last = Expr::Call("last_over_time", vec![Expr::named(values).lasting(told)]);
    when.op("or", last.op("and", firing.clone()).op("or", firing).op("unless", fails))
}

struct Writer<'a> {
    series: &'a Series,
    values: &'a str,
    name: String,
    records: Vec<Record>,
    bands: usize,
}

impl Writer<'_> {
    /// Where a condition holds, and where it surely does not: what can't be compared is neither.
    fn condition(&mut self, condition: &Condition) -> (Expr, Expr) {
        match condition {
            Condition::Test(test) => {
                let (holds, known) = self.test(test);
                (holds.clone(), known.op("unless", holds))
            }
            Condition::All(parts) => self.all(parts, "and", "or"),
            Condition::Any(parts) => self.all(parts, "or", "and"),
        }
    }

    fn all(&mut self, parts: &[Condition], holds: &'static str, fails: &'static str) -> (Expr, Expr) {
        let parts: Vec<(Expr, Expr)> = parts.iter().map(|part| self.condition(part)).collect();
        let all = parts.into_iter().reduce(|all, one| (all.0.op(holds, one.0), all.1.op(fails, one.1)));
        // A condition has at least two parts, or is a test.
        all.unwrap_or_else(|| (self.value(), self.value()))
    }

    /// Where a comparison holds, and where it can be made.
    fn test(&mut self, test: &Test) -> (Expr, Expr) {
        let subject = self.subject(test.subject);
        let (low, high) = match &test.bound {
            Bound::Number(number) => {
                return (subject.clone().op(test.comparison.symbol(), Expr::Number(*number)), subject);
            }
            Bound::Ewma(of) => self.ewma(of),
            Bound::Seasonal(of) => self.seasonal(of),
        };
        let known = subject.clone().op("and", low.clone());
        let (below, above) = (subject.clone().op("<", low), subject.op(">", high));
        let holds = match test.comparison {
            Comparison::Less | Comparison::LessEqual => below,
            Comparison::Greater | Comparison::GreaterEqual => above,
            Comparison::Outside => below.op("or", above),
        };
        (holds, known)
    }

    fn record(&mut self, operation: &str, expr: Expr) -> Expr {
        let name = self.series.record(operation);
        if self.records.iter().all(|record| record.name != name) {
            self.records.push(Record { name: name.clone(), expr });
        }
        Expr::named(&name)
    }

    fn value(&self) -> Expr {
        Expr::named(self.values)
    }

    fn subject(&mut self, subject: Subject) -> Expr {
        let Subject::Growth(ms) = subject else { return self.value() };
        let before = self.value().ago(ms).op("!=", Expr::Number(0.0));
        let mut growth = self.value().op("/", before).op("-", Expr::Number(1.0));
        if !is_short(self.series.step) {
            // A day that came late, now or then, is not compared with another day.
            let ends = self.series.record("_end");
            let apart =
                Expr::named(&ends).op("-", Expr::named(&ends).ago(ms)).op("-", Expr::Number(ms as f64 / 1_000.0));
            let same = Expr::Call("abs", vec![apart]).op("<", Expr::Number(CLOCK_CHANGE_S));
            growth = growth.op_one("and", same);
        }
        let (name, shift) = (self.name.clone(), super::super::streaming::duration(ms));
        self.record(&format!("_growth_{shift}_for_{name}"), growth)
    }

    /// The lower and the upper end of a band about a centre.
    fn band(&mut self, centre: Expr, deviation: Expr, sigma: f64, floor: f64) -> (Expr, Expr) {
        let wide = deviation.op("*", Expr::Number(short(sigma)));
        let least = Expr::Call("abs", vec![centre.clone()]).op("*", Expr::Number(floor));
        let width = wide.op(">=", least.clone()).op("or", least);
        let operation = self.operation("width");
        let width = self.record(&operation, width);
        (centre.clone().op("-", width.clone()), centre.op("+", width))
    }

    fn operation(&self, what: &str) -> String {
        let place = if self.bands < 2 { String::new() } else { format!("_{}", self.bands) };
        format!("_{what}{place}_for_{}", self.name)
    }

    /// The values that count as one bucket each: a day that is missing is bridged by the one before it, and has no value of its own.
    fn counted(&self, step: i64) -> Expr {
        if is_short(self.series.step) {
            return self.value();
        }
        let ends = self.series.record("_end");
        let newer = Expr::named(&ends).op(">", Expr::named(&ends).ago(step));
        self.value().op_one("and", newer)
    }

    /// The mean of the buckets before, by the age of each at the time of the evaluation, and their deviation (AL3).
    fn ewma(&mut self, of: &Ewma) -> (Expr, Expr) {
        self.bands += 1;
        let now = Expr::Subquery {
            of: Box::new(Expr::Call("vector", vec![Expr::Call("time", Vec::new())])),
            range: 1_000,
            step: 1_000,
            offset: None,
            at_end: true,
        };
        let now = Expr::Call("scalar", vec![Expr::Call("max_over_time", vec![now])]);
        let age = now.op("-", Expr::Call("time", Vec::new())).op("/", Expr::Number(of.step as f64 / 1_000.0));
        let weight = || Expr::Number(short(1.0 - of.alpha)).op("^", age.clone());
        // Half a bucket less: whether the ends of an interval belong to it differs between versions of Prometheus.
        let range = of.reaches_back() - of.step / 2;
        let over = |function, expr: Expr| {
            let before =
                Expr::Subquery { of: Box::new(expr), range, step: of.step, offset: Some(of.step), at_end: false };
            Expr::Call(function, vec![before])
        };
        let sum = |expr| over("sum_over_time", expr);
        let value = || self.counted(of.step);
        let weights = sum(value().op("*", Expr::Number(0.0)).op("+", weight()));
        let mean = sum(value().op("*", weight())).op("/", weights.clone());
        let enough = over("count_over_time", value()).op(">=", Expr::Number(f64::from(of.needed())));
        let operation = self.operation("mean");
        let mean = self.record(&operation, mean.op("and", enough));
        let squares = sum(self.counted(of.step).op("*", self.value()).op("*", weight())).op("/", weights);
        let variance = squares.op("-", mean.clone().op("*", mean.clone()));
        let variance = Expr::Call("clamp_min", vec![variance, Expr::Number(0.0)]);
        self.band(mean, Expr::Call("sqrt", vec![variance]), of.sigma, of.floor)
    }

    /// What is there where the bucket that was the last one so many milliseconds ago has a day that is left out; nothing where no day is.
    /// The end of that bucket decides, and not the time of the evaluation: buckets come late.
    fn left_out(&self, of: &Seasonal, back: Option<i64>) -> Option<Expr> {
        let is_short = is_short(self.series.step);
        let ends = if is_short { self.series.ends() } else { Expr::named(&self.series.record("_end")) };
        let ends = match back {
            Some(back) => ends.ago(back),
            None => ends,
        };
        let end = if is_short { ends.max_by(&[]) } else { ends };
        let step = self.series.step.about();
        let seconds = |ms: i64| Expr::Number((ms + step) as f64 / 1_000.0);
        let run = |(from, to)| end.clone().op(">=", seconds(from)).op("<", seconds(to));
        of.left_out(step).map(run).reduce(|all, one| all.op("or", one))
    }

    /// The median of the same bucket in earlier cycles, and that of the distances from it (AL3).
    fn seasonal(&mut self, of: &Seasonal) -> (Expr, Expr) {
        self.bands += 1;
        let by = self.series.labels();
        let text = |text: &str| Expr::Text(text.to_owned());
        let cycle = |cycle: u32| {
            let back = of.period * i64::from(cycle);
            let value = self.value().ago(back);
            let value = match self.left_out(of, Some(back)) {
                Some(left_out) => value.op_one("unless", left_out),
                None => value,
            };
            Expr::Call("label_replace", vec![value, text("cycle"), text(&cycle.to_string()), text(""), text("")])
        };
        let all = (1..=of.cycles).map(cycle).reduce(|all, one| all.op("or", one)).unwrap_or_else(|| self.value());
        let enough = all.clone().aggregate("count", None, &by).op(">=", Expr::Number(f64::from(of.needed())));
        let median = all.clone().aggregate("quantile", Some(0.5), &by).op("and", enough);
        // A bucket that is left out itself has no season.
        let median = match self.left_out(of, None) {
            Some(left_out) => median.op_one("unless", left_out),
            None => median,
        };
        let operation = self.operation("median");
        let median = self.record(&operation, median);
        let distance = all.matched("-", Matching::Many(by.clone()), median.clone());
        let distance = Expr::Call("abs", vec![distance]).aggregate("quantile", Some(0.5), &by);
        self.band(median, distance, of.sigma * Seasonal::SCALE, of.floor)
    }
}
