//! Tests of the rules for promtool: what each alert does, by the meaning of its declaration ([`crate::alerting`]), not by its rules (AL6).

use std::collections::BTreeMap;

use serde::Serialize;

use super::condition::Timing;
use super::given::{BUCKET_END, Series, Watched, exported};
use super::rules::{absence, is_daily};
use super::scenario::{Scenario, is_own_volume, scenarios};
use super::told::Told;
use crate::alerting::{self, State};
use crate::emit::streaming::duration;

const MINUTE_MS: i64 = 60_000;

/// A file of tests.
#[derive(Debug, Serialize)]
pub struct Cases {
    /// The files with the rules.
    pub rule_files: Vec<String>,
    /// How often rules are evaluated.
    pub evaluation_interval: String,
    /// The tests.
    pub tests: Vec<Case>,
}

/// A test.
#[derive(Debug, Serialize)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// How far the samples are apart.
    pub interval: String,
    /// The samples.
    pub input_series: Vec<Input>,
    /// What fires when.
    pub alert_rule_test: Vec<Expected>,
}

/// The samples of a series.
#[derive(Debug, Serialize)]
pub struct Input {
    /// Its name and labels.
    pub series: String,
    /// Its values, as promtool writes them.
    pub values: String,
}

/// What fires at a time.
#[derive(Debug, Serialize)]
pub struct Expected {
    /// When.
    pub eval_time: String,
    /// The alert.
    pub alertname: String,
    /// All that fires of it.
    pub exp_alerts: Vec<Fired>,
}

/// Something that fires.
#[derive(Debug, Serialize)]
pub struct Fired {
    /// Its labels.
    pub exp_labels: BTreeMap<String, String>,
    /// What people read.
    pub exp_annotations: BTreeMap<String, String>,
}

/// The tests of an alert; none where its buckets have no fixed length, so that no history can be laid out.
pub fn cases(watched: &Watched, rules: &str, told: &Told<'_>, timing: &Timing) -> Option<Cases> {
    let step = length(watched);
    let pace = pace(step);
    let writer = Writer { watched, told, timing, step, pace };
    let tests: Vec<Case> = scenarios(watched, step).iter().map(|scenario| writer.case(scenario)).collect();
    (!tests.is_empty()).then(|| Cases {
        rule_files: vec![format!("../rules/{rules}.yml")],
        evaluation_interval: duration(pace),
        tests,
    })
}

/// How far samples and evaluations are apart in tests, in milliseconds: a part of a bucket below five minutes. A sample of five minutes ago is
/// seen no more by Prometheus 3, so that an alert would not see its own state.
fn pace(step: i64) -> i64 {
    let fewest = (step + LONGEST_PACE - 1) / LONGEST_PACE;
    let parts = (fewest..).find(|parts| step % parts == 0);
    parts.map_or(step, |parts| step / parts)
}

/// The length of a bucket in tests, in milliseconds: of months and longer a day, where nothing depends on it, or the longest.
fn length(watched: &Watched) -> i64 {
    use crate::value::Step;
    let is_short = watched.alert.hold == 0 && watched.alert.absent.is_none();
    let days = match watched.series.step {
        Step::Subday(ms) => return ms,
        Step::Day => 1,
        Step::Week => 7,
        Step::Month | Step::Quarter | Step::Year if is_short => 1,
        Step::Month => 31,
        Step::Quarter => 92,
        Step::Year | Step::Declared(_) => 366,
    };
    days * 24 * 60 * MINUTE_MS
}

const LONGEST_PACE: i64 = 4 * MINUTE_MS;

struct Writer<'a> {
    watched: &'a Watched,
    told: &'a Told<'a>,
    timing: &'a Timing,
    step: i64,
    /// How far samples and evaluations are apart, in milliseconds.
    pace: i64,
}

impl Writer<'_> {
    fn case(&self, scenario: &Scenario) -> Case {
        let starts: Vec<i64> = (0..scenario.values.len()).map(|place| self.seen(place) - self.step).collect();
        let verdicts = alerting::verdicts(
            &self.watched.alert,
            alerting::Series {
                values: &scenario.values,
                volume: scenario.volume.as_deref(),
                starts: &starts,
                step: self.step,
            },
        );
        let name = &self.watched.alert.name.value;
        let mut expected = Vec::new();
        for place in &scenario.looks {
            let verdict = verdicts[*place];
            let fired = (verdict.state == State::Firing).then(|| self.fired(verdict.told));
            expected.push(self.at(self.seen(*place), name, fired));
        }
        for (after, place) in &scenario.late {
            // In between days can't be compared with those of then: what is told is the last value.
            let fired = (verdicts[*place].state == State::Firing).then(|| self.fired(scenario.values[*place]));
            expected.push(self.at(self.seen(*place) + after, name, fired));
        }
        if let (Some(absent), Some(last)) = (self.watched.alert.absent, scenario.lost) {
            let of = absence(name);
            let seen = self.seen(last);
            let sure = self.timing.fresh(self.watched.series.step) + absent + 2 * self.pace;
            expected.push(self.at(seen + absent - 2 * self.pace, &of, None));
            let labels = self.read(self.told.labels(self.watched, Some("absence")), None);
            let fired =
                Fired { exp_labels: labels, exp_annotations: self.read(self.told.absence(self.watched, absent), None) };
            expected.push(self.at(seen + sure, &of, Some(fired)));
        }
        Case {
            name: format!("{name}: {}", scenario.name),
            interval: duration(self.pace),
            input_series: self.input(scenario),
            alert_rule_test: expected,
        }
    }

    /// When a bucket is seen first: at its end, in milliseconds.
    fn seen(&self, place: usize) -> i64 {
        (place as i64 + 1) * self.step
    }

    fn at(&self, ms: i64, alert: &str, fired: Option<Fired>) -> Expected {
        Expected { eval_time: duration(ms), alertname: alert.to_owned(), exp_alerts: fired.into_iter().collect() }
    }

    fn fired(&self, told: Option<f64>) -> Fired {
        let mut labels = self.told.labels(self.watched, None);
        labels.extend(self.watched.series.labels().into_iter().map(|label| (label, "a".to_owned())));
        Fired {
            exp_labels: self.read(labels, None),
            exp_annotations: self.read(self.told.annotations(self.watched), told),
        }
    }

    /// What comes of templates.
    fn read(&self, annotations: BTreeMap<String, String>, value: Option<f64>) -> BTreeMap<String, String> {
        let labels = self.watched.series.labels();
        let read = |text: String| {
            let mut text = text;
            for label in &labels {
                text = text.replace(&format!("{{{{ $labels.{label} }}}}"), "a");
            }
            let value = value.map(|value| value.to_string()).unwrap_or_default();
            text.replace("{{ $value }}", &value).replace("{{ \"{{\" }}", "{{")
        };
        annotations.into_iter().map(|(key, text)| (key, read(text))).collect()
    }

    fn input(&self, scenario: &Scenario) -> Vec<Input> {
        let mut all = Vec::new();
        let series = &self.watched.series;
        all.push(self.group(series, "a", &scenario.values, scenario));
        if !series.by.is_empty() {
            let calm = vec![Some(scenario.calm); scenario.values.len()];
            all.push(self.group(series, "b", &calm, scenario));
        }
        all.push(self.ends(series, scenario));
        if let (Some(volume), Some(values), false) =
            (&self.watched.volume, &scenario.volume, is_own_volume(self.watched))
        {
            all.push(self.group(volume, "a", values, scenario));
            if !series.by.is_empty() {
                all.push(self.group(volume, "b", values, scenario));
            }
            all.push(self.ends(volume, scenario));
        }
        all
    }

    fn group(&self, series: &Series, group: &str, values: &[Option<f64>], scenario: &Scenario) -> Input {
        let mut labels = series.selection();
        labels.extend(series.labels().into_iter().map(|label| (label, group.to_owned())));
        let until = scenario.lost.map_or(values.len(), |last| last + 1);
        let values: Vec<Option<f64>> = values
            .iter()
            .enumerate()
            .map(|(at, value)| value.filter(|_| at < until || at >= scenario.back()))
            .collect();
        Input { series: selector(&exported(&series.about.name), &labels), values: self.samples(&values, scenario) }
    }

    fn ends(&self, series: &Series, scenario: &Scenario) -> Input {
        let lost = |at: usize| scenario.lost.is_some_and(|last| at > last && at < scenario.back());
        let end = |at: usize| (!lost(at)).then(|| self.seen(at) as f64 / 1_000.0);
        let ends: Vec<Option<f64>> = (0..scenario.values.len()).map(end).collect();
        Input { series: selector(BUCKET_END, &series.selection()), values: self.samples(&ends, scenario) }
    }

    /// The samples of some buckets: nothing before the end of the first one, then the newest one that is there at each time. The last
    /// bucket of a scenario may come late.
    fn samples(&self, values: &[Option<f64>], scenario: &Scenario) -> String {
        let each = usize::try_from(self.step / self.pace).unwrap_or(1);
        let late = usize::try_from(scenario.delay / self.pace).unwrap_or_default();
        let mut samples: Vec<Option<f64>> = vec![None; each];
        for (at, value) in values.iter().enumerate() {
            let is_last = at + 1 == values.len();
            let before = if is_last { late } else { 0 };
            let old = if at > 0 { values[at - 1] } else { None };
            samples.extend(std::iter::repeat_n(old, before));
            samples.extend(std::iter::repeat_n(*value, each - before));
        }
        runs(&samples)
    }
}

fn selector(name: &str, labels: &[(String, String)]) -> String {
    let labels = labels.iter().map(|(label, value)| (label.clone(), value.clone())).collect();
    super::promql::Expr::select(name, labels).to_string()
}

/// Samples as promtool writes them: `1x2` is three times 1, `1+2x2` is 1 3 5, `_` none; what was there and is not any more is `stale`.
pub fn runs(samples: &[Option<f64>]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut at = 0;
    while at < samples.len() {
        let Some(first) = samples[at] else {
            let run = samples[at..].iter().take_while(|one| one.is_none()).count();
            let was_there = at > 0 && samples[at - 1].is_some();
            if was_there {
                parts.push("stale".to_owned());
            }
            match run - usize::from(was_there) {
                0 => {}
                1 => parts.push("_".to_owned()),
                more => parts.push(format!("_x{more}")),
            }
            at += run;
            continue;
        };
        let step = match samples.get(at + 1) {
            Some(Some(next)) => next - first,
            _ => 0.0,
        };
        let is_next = |(place, one): (usize, &Option<f64>)| *one == Some(first + step * place as f64);
        // Sums of fractions would not be the values themselves.
        let step = if step.fract() == 0.0 && first.fract() == 0.0 { step } else { 0.0 };
        let run = samples[at..]
            .iter()
            .enumerate()
            .take_while(|(place, one)| if step == 0.0 { **one == Some(first) } else { is_next((*place, one)) });
        let run = run.count();
        parts.push(match (run, step) {
            (1, _) => first.to_string(),
            (more, 0.0) => format!("{first}x{}", more - 1),
            (more, step) if step > 0.0 => format!("{first}+{step}x{}", more - 1),
            (more, step) => format!("{first}-{}x{}", -step, more - 1),
        });
        at += run;
    }
    parts.join(" ")
}

/// Whether a test can be late: of a series whose samples come once a day.
pub fn can_be_late(watched: &Watched) -> bool {
    is_daily(&watched.series)
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn samples_are_written_in_runs() {
        let all =
            [None, Some(1.0), Some(1.0), Some(1.0), None, Some(60.0), Some(120.0), Some(180.0), Some(0.5), Some(0.7)];
        assert_eq!(runs(&all), "_ 1x2 stale 60+60x2 0.5 0.7");
        assert_eq!(runs(&[Some(1.0), None, None, None]), "1 stale _x2");
    }
}
