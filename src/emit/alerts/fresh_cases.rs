//! Tests of the rules of what must be fresh, for promtool: when it fires says [`crate::alerting`], not the rule.

use super::cases::{Case, Cases, Expected, Fired, Input, runs};
use super::fresh::{Fresh, NEWEST_ROW, NEWEST_ROW_ASKED};
use super::promql::Expr;
use super::told::Told;
use crate::alerting::{self, Look, State, looked_from};
use crate::emit::streaming::duration;

const MINUTE_MS: i64 = 60_000;
/// The most samples of a test.
const MOST: i64 = 200_000;
/// For how many samples rows come before anything happens, nothing can be found out, and all is well again.
const BEFORE: i64 = 3;
const LOST: i64 = 20;
const AFTER: i64 = 3;

/// A course of things: what is found at each sample.
struct Course {
    /// What it shows.
    name: &'static str,
    /// What is found; none where nothing is exported.
    looks: Vec<Option<Look>>,
    /// At which samples to look.
    asked: Vec<i64>,
}

/// The tests; none where a rule lets rows be older than tests can be long.
pub fn cases(of: &Fresh, rules: &str, told: &Told<'_>) -> Option<Cases> {
    let pace = pace(of);
    if of.within / pace > MOST {
        return None;
    }
    let tests = courses(of, pace).iter().map(|course| case(of, course, pace, told)).collect();
    Some(Cases { rule_files: vec![format!("../rules/{rules}.yml")], evaluation_interval: duration(pace), tests })
}

/// How far samples and evaluations are apart: below five minutes, so that an alert sees its own state.
fn pace(of: &Fresh) -> i64 {
    if of.within <= 24 * 60 * MINUTE_MS { of.interval() } else { 4 * MINUTE_MS }
}

fn courses(of: &Fresh, pace: i64) -> Vec<Course> {
    let within = of.within;
    let look = |at: i64, newest: i64| Some(Look { at: at * pace, newest });
    // With rows up to the last sample before, the first one at which they are too old.
    let fires = BEFORE + within / pace + 1;
    let stopped = |at: i64| look(at, at.min(BEFORE) * pace);
    let rows = |at: i64| look(at, at * pace);
    let none = |_: i64| None;
    let course = |name, parts: Vec<(i64, &dyn Fn(i64) -> Option<Look>)>, asked: Vec<i64>| {
        let mut looks: Vec<Option<Look>> = Vec::new();
        for (count, found) in parts {
            let from = looks.len() as i64;
            looks.extend((from..from + count).map(found));
        }
        Course { name, looks, asked }
    };
    let lost = fires + 2 + LOST;
    let mut all = vec![
        course(
            "it fires when no row came for too long, not before, and resolves",
            vec![(fires + 2, &stopped), (AFTER, &rows)],
            vec![BEFORE, fires - 1, fires, fires + 1, fires + 2, fires + AFTER],
        ),
        course(
            "data is lost while it fires",
            vec![(fires + 2, &stopped), (LOST, &none), (AFTER, &rows)],
            vec![fires + 1, fires + 2, fires + 4, lost - 1, lost, lost + 1],
        ),
        course(
            "data is lost while it does not",
            vec![(BEFORE, &rows), (fires + LOST, &none), (AFTER, &rows)],
            vec![BEFORE, BEFORE + fires, BEFORE + fires + LOST - 1, BEFORE + fires + LOST],
        ),
        course(
            "no row came for as long as is looked back",
            vec![(AFTER, &|at| look(at, looked_from(within, at * pace))), (AFTER, &rows)],
            vec![0, AFTER - 1, AFTER],
        ),
        course(
            "the clock of the rows is ahead",
            vec![(BEFORE + AFTER, &|at| look(at, at * pace + within))],
            vec![0, BEFORE, BEFORE + AFTER - 1],
        ),
        course(
            "what was found grows old, and nobody looks again",
            vec![(BEFORE, &rows), (fires + LOST, &|_| look(BEFORE - 1, (BEFORE - 1) * pace))],
            vec![BEFORE - 1, BEFORE, BEFORE + fires, BEFORE + fires + LOST - 1],
        ),
    ];
    if within > 0 {
        // The sample at which a row comes is the last one that does not see it.
        let regular = |at: i64| look(at, ((at * pace + within - 1) / within - 1).max(0) * within);
        let count = 3 * within / pace + AFTER;
        let asked = (0..4).map(|times| times * within / pace).flat_map(|at| [at, at + 1]).collect();
        all.push(course("rows come just in time", vec![(count, &regular)], asked));
    }
    all
}

fn case(of: &Fresh, course: &Course, pace: i64, told: &Told<'_>) -> Case {
    let verdicts = alerting::freshness(&course.looks, of.within);
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    let samples = |of: fn(&Look) -> i64| -> Vec<Option<f64>> {
        course.looks.iter().map(|look| look.as_ref().map(|look| seconds(of(look)))).collect()
    };
    let input = |name: &str, samples: &[Option<f64>]| Input {
        series: Expr::select(name, of.selection()).to_string(),
        values: runs(samples),
    };
    let expected = |at: &i64| {
        let verdict = verdicts.get(usize::try_from(*at).ok()?)?;
        let fired = (verdict.state == State::Firing).then(|| fired(of, verdict.told, told));
        Some(Expected {
            eval_time: duration(at * pace),
            alertname: of.name.value.clone(),
            exp_alerts: fired.into_iter().collect(),
        })
    };
    Case {
        name: format!("{}: {}", of.name.value, course.name),
        interval: duration(pace),
        input_series: vec![
            input(NEWEST_ROW, &samples(|look| look.newest)),
            input(NEWEST_ROW_ASKED, &samples(|look| look.at)),
        ],
        alert_rule_test: course.asked.iter().filter_map(expected).collect(),
    }
}

fn fired(of: &Fresh, age: Option<f64>, told: &Told<'_>) -> Fired {
    let age = age.map(|age| age.to_string()).unwrap_or_default();
    let read = |text: String| text.replace("{{ $value }}", &age).replace("{{ \"{{\" }}", "{{");
    let read_all = |all: std::collections::BTreeMap<String, String>| {
        all.into_iter().map(|(key, text)| (key, read(text))).collect()
    };
    Fired { exp_labels: read_all(told.labels_of_fresh(of)), exp_annotations: read_all(told.annotations_of_fresh(of)) }
}
