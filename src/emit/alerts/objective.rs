//! Objectives in PromQL: how fast what may be bad is used up (AL4).

use super::condition::{Record, Timing, hold};
use super::given::{BUCKET_END, Objective, ascii, exported};
use super::promql::{Expr, short};
use crate::emit::streaming::duration;
use crate::types::Severity;
use crate::value::Step;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The step of the buckets with which the windows of an objective end.
pub const STEP: Step = Step::Subday(MINUTE_MS);

/// Two windows, and how fast what may be bad is used up over both of them before somebody is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// The window that tells that it matters, in milliseconds.
    pub long: i64,
    /// The window that tells that it goes on, in milliseconds.
    pub short: i64,
    /// The share of what may be bad in 30 days that the long window uses up.
    pub share: f64,
    /// How urgent it is.
    pub severity: Severity,
}

/// The windows of all objectives: 14.4, 6, 3 and 1 times as fast as it may, of 30 days.
pub const BURNS: [Burn; 4] = [
    Burn { long: HOUR_MS, short: 5 * MINUTE_MS, share: 0.02, severity: Severity::P0 },
    Burn { long: 6 * HOUR_MS, short: 30 * MINUTE_MS, share: 0.05, severity: Severity::P1 },
    Burn { long: DAY_MS, short: 2 * HOUR_MS, share: 0.1, severity: Severity::P2 },
    Burn { long: 3 * DAY_MS, short: 6 * HOUR_MS, share: 0.1, severity: Severity::P2 },
];

impl Burn {
    /// How many times as fast as it may, for a window of so many days.
    pub fn factor(&self, days: u32) -> f64 {
        short(self.share * f64::from(days) * DAY_MS as f64 / self.long as f64)
    }

    /// The share of what is bad above which somebody is told.
    pub fn bound(&self, of: &Objective) -> f64 {
        short(self.factor(of.slo.days) * of.slo.budget)
    }
}

/// The windows over which the parts of an objective are exported, in milliseconds, each once, from the shortest on.
pub fn windows(of: &Objective) -> Vec<i64> {
    let mut all: Vec<i64> = BURNS.iter().flat_map(|burn| [burn.long, burn.short]).collect();
    all.push(whole(of));
    all.sort_unstable();
    all.dedup();
    all
}

fn whole(of: &Objective) -> i64 {
    i64::from(of.slo.days) * DAY_MS
}

/// A part of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is good, or what is bad.
    Some,
    /// What it is a part of.
    Total,
}

impl Part {
    fn word(self, of: &Objective) -> &'static str {
        match self {
            Part::Some if of.slo.share.is_bad => "bad",
            Part::Some => "good",
            Part::Total => "total",
        }
    }
}

/// The labels by which a part over a window is found.
pub fn selection(of: &Objective, part: Part, window: i64) -> Vec<(String, String)> {
    let mut labels = ends(of, window);
    labels.push(("part".to_owned(), part.word(of).to_owned()));
    labels
}

/// The labels by which the end of a window is found.
pub fn ends(of: &Objective, window: i64) -> Vec<(String, String)> {
    let pair = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    vec![pair("metric", &of.metric.name), pair("step", &STEP.text()), pair("by", ""), pair("window", &duration(window))]
}

fn part(of: &Objective, part: Part, window: i64) -> Expr {
    Expr::select(&exported(&of.metric.name), selection(of, part, window)).max_by(&[])
}

fn bad(of: &Objective, window: i64) -> String {
    format!("slo:{}:bad_share_{}", ascii(&of.slo.name.value), duration(window))
}

fn total(of: &Objective, window: i64) -> String {
    format!("slo:{}:total_{}", ascii(&of.slo.name.value), duration(window))
}

/// The name of what is left to be bad, as a share.
pub fn left(of: &Objective) -> String {
    format!("slo:{}:budget_left_{}", ascii(&of.slo.name.value), duration(whole(of)))
}

/// The exact shares over all windows, never an average of shares (AL1), how much they are shares of, and what is left.
pub fn records(of: &Objective, timing: &Timing) -> Vec<Record> {
    let fresh = timing.fresh(STEP);
    let mut records = Vec::new();
    for window in windows(of) {
        let age = Expr::Call("time", Vec::new())
            .op("-", Expr::select(BUCKET_END, ends(of, window)).max_by(&[]))
            .op("<", Expr::Number(fresh as f64 / 1_000.0));
        records.push(Record { name: total(of, window), expr: part(of, Part::Total, window).op_one("and", age) });
        let total = || Expr::named(&total(of, window));
        let some = part(of, Part::Some, window).op("or", total().op("*", Expr::Number(0.0)));
        let share = some.op("/", total().op(">", Expr::Number(0.0)));
        let share = if of.slo.share.is_bad { share } else { Expr::Number(1.0).op("-", share) };
        records.push(Record { name: bad(of, window), expr: share });
    }
    let used = Expr::named(&bad(of, whole(of))).op("/", Expr::Number(short(of.slo.budget)));
    records.push(Record { name: left(of), expr: Expr::Number(1.0).op("-", used) });
    records
}

/// Whether both windows use up too much, and the short one has enough to tell.
pub fn expr(of: &Objective, burn: Burn) -> Expr {
    let over = |window| Expr::named(&bad(of, window)).op(">", Expr::Number(burn.bound(of)));
    let enough = Expr::named(&total(of, burn.short)).op(">=", Expr::Number(of.slo.least));
    let when = over(burn.long).op("and", over(burn.short)).op("and", enough);
    let long = duration(burn.long);
    let firing = [("alertname", of.slo.name.value.as_str()), ("alertstate", "firing"), ("long", long.as_str())];
    hold(when, &[], &firing, (&bad(of, burn.long), DAY_MS), Expr::named(&bad(of, burn.long)))
}
