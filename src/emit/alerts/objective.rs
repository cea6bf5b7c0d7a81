//! Objectives in PromQL: how fast what may be bad is used up (AL4).

use super::condition::{Record, Timing, hold};
use super::given::{BUCKET_END, Objective, ascii, exported};
use super::promql::{Expr, short};
use crate::alerting;
use crate::emit::streaming::duration;
use crate::value::Step;

pub use crate::alerting::{BURNS, Burn};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The step of the buckets with which the windows of an objective end.
pub const STEP: Step = Step::Subday(MINUTE_MS);

/// The windows over which the parts of an objective are exported, in milliseconds, each once, from the shortest on.
pub fn windows(of: &Objective) -> Vec<i64> {
    alerting::windows(&of.slo)
}

fn whole(of: &Objective) -> i64 {
    alerting::whole(&of.slo)
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
    let over = |window| Expr::named(&bad(of, window)).op(">", Expr::Number(burn.bound(&of.slo)));
    let enough = Expr::named(&total(of, burn.short)).op(">=", Expr::Number(of.slo.least));
    let when = over(burn.long).op("and", over(burn.short)).op("and", enough);
    let long = duration(burn.long);
    let firing = [("alertname", of.slo.name.value.as_str()), ("alertstate", "firing"), ("long", long.as_str())];
    hold(when, &[], &firing, (&bad(of, burn.long), DAY_MS), Expr::named(&bad(of, burn.long)))
}
