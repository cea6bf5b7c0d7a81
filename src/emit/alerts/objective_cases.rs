//! Tests of the rules of an objective, for promtool.

use super::cases::{Case, Cases, Expected, Fired, Input};
use super::given::{BUCKET_END, Objective, exported};
use super::objective::{BURNS, Burn, Part, ends, selection, windows};
use super::promql::{Expr, short};
use super::told::Told;
use crate::emit::streaming::duration;

const MINUTE_MS: i64 = 60_000;
/// How many minutes of samples there are, and after how many they stop.
const MINUTES: usize = 40;
const LOST: usize = 20;

/// For each pair of windows: it fires, goes on without data, and is silent where the short window is good again or has too little.
pub fn cases(of: &Objective, rules: &str, told: &Told<'_>) -> Cases {
    let mut tests = Vec::new();
    for burn in BURNS {
        let over = short((burn.bound(&of.slo) * 1.5).min(1.0));
        let both = |window: i64| window == burn.long || window == burn.short;
        let fires = over > burn.bound(&of.slo);
        tests.push(case(
            of,
            told,
            burn,
            "it fires, and goes on without data",
            &|window| if both(window) { over } else { 0.0 },
            of.slo.least,
            true,
            fires,
        ));
        tests.push(case(
            of,
            told,
            burn,
            "what was bad is over",
            &|window| if window == burn.long { over } else { 0.0 },
            of.slo.least,
            false,
            false,
        ));
        tests.push(case(
            of,
            told,
            burn,
            "there is too little to tell",
            &|window| if both(window) { over } else { 0.0 },
            short(of.slo.least * 0.5),
            false,
            false,
        ));
    }
    Cases { rule_files: vec![format!("../rules/{rules}.yml")], evaluation_interval: duration(MINUTE_MS), tests }
}

/// What `bad` is the share of by window, of as much as `total`.
#[allow(clippy::too_many_arguments)]
fn case(
    of: &Objective,
    told: &Told<'_>,
    burn: Burn,
    name: &str,
    bad: &dyn Fn(i64) -> f64,
    total: f64,
    lost: bool,
    fires: bool,
) -> Case {
    let until = if lost { LOST } else { MINUTES };
    let end = if lost { " stale" } else { "" };
    let mut input = Vec::new();
    let mut constant = |name: &str, labels: Vec<(String, String)>, value: f64| {
        let values = format!("{value}x{until}{end}");
        let series = Expr::select(name, labels).to_string();
        if input.iter().all(|one: &Input| one.series != series) {
            input.push(Input { series, values });
        }
    };
    for window in windows(of) {
        let name = exported(&of.metric.name);
        constant(&name, selection(of, Part::Some, window), some(of, total, bad(window)));
        constant(&name, selection(of, Part::Total, window), total);
    }
    for window in windows(of) {
        let series = Expr::select(BUCKET_END, ends(of, window)).to_string();
        input.push(Input { series, values: format!("0+60x{until}{end}") });
    }
    let mut expected = Vec::new();
    for minute in [LOST / 2, MINUTES - 2] {
        let fired = fires.then(|| {
            let mut annotations = told.annotations_of_objective(of, burn);
            // The share is computed of both parts: to the last digit nobody writes it down by hand.
            let share = some(of, total, bad(burn.long)) / total;
            let value = if of.slo.share.is_bad { share } else { 1.0 - share };
            let mut labels = told.labels_of_objective(of, burn);
            for text in annotations.values_mut().chain(labels.values_mut()) {
                *text = text.replace("{{ $value }}", &value.to_string()).replace("{{ \"{{\" }}", "{{");
            }
            Fired { exp_labels: labels, exp_annotations: annotations }
        });
        expected.push(Expected {
            eval_time: duration(minute as i64 * MINUTE_MS),
            alertname: of.slo.name.value.clone(),
            exp_alerts: fired.into_iter().collect(),
        });
    }
    let label = format!("{} over {} and {}: {name}", of.slo.name.value, duration(burn.long), duration(burn.short));
    Case { name: label, interval: duration(MINUTE_MS), input_series: input, alert_rule_test: expected }
}

/// How much is good or bad of a total, where a share is bad.
fn some(of: &Objective, total: f64, bad: f64) -> f64 {
    short(total * if of.slo.share.is_bad { bad } else { 1.0 - bad })
}
