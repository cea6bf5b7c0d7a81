//! Whether two ways that serve a metric have come to the same results.

use crate::change::verify::{Calendar, Minimum, Rules, Series, compare};
use crate::cli::answers::Fetcher;
use crate::cli::ready::Ready;
use crate::cli::{Stop, planned};
use crate::emit::{self, Input};
use crate::plan::{AskedStep, Lowering, Question};
use crate::project::Target;
use crate::quality::{Day, Judged, Outcome, Verdict};
use crate::types::{Bound, MetricId, Model, Quality, RuleKind, Way};
use crate::value::Step;
use crate::value::time::local_date;

use super::Range;

/// Adds the verdicts on all metrics whose ways are compared.
pub fn judge(
    model: &Model,
    chosen: &[&Quality],
    range: Range,
    ready: &Ready,
    fetcher: &mut Fetcher,
    outcomes: &mut [Vec<Outcome>],
) -> Result<(), Stop> {
    let asks = |quality: &&Quality| quality.rules.iter().any(|rule| matches!(rule.kind, RuleKind::Reconcile { .. }));
    if !chosen.iter().any(asks) {
        return Ok(());
    }
    let target = fetcher.target();
    let input = match target {
        Some(_) => Some(planned(ready)?),
        None => None,
    };
    for (quality, outcomes) in chosen.iter().zip(outcomes) {
        for rule in &quality.rules {
            let RuleKind::Reconcile { metric, ways, bound } = &rule.kind else { continue };
            let days = match (target, &input) {
                (Some(target), Some(input)) => {
                    Side { model, ready, target, input }.days(*metric, *ways, bound, range, fetcher)?
                }
                _ => {
                    let why = match fetcher.is_server() {
                        true => "no target says which rollups there are: add `--target`",
                        false => "only a warehouse has results: add `--clickhouse`",
                    };
                    vec![unjudged(why.to_owned())]
                }
            };
            outcomes.push(Outcome { rule: rule.name.clone(), bound: bound.text.clone(), days });
        }
    }
    Ok(())
}

fn planned(ready: &Ready) -> Result<Input, Stop> {
    let (input, found) = planned::input(ready);
    if found.has_errors() { Err(Stop::found(&ready.project, found)) } else { Ok(input) }
}

fn unjudged(why: String) -> Judged {
    Judged { day: Day(None), value: None, rows: None, verdict: Verdict::NotJudged(why) }
}

struct Side<'a> {
    model: &'a Model,
    ready: &'a Ready,
    target: &'a Target,
    input: &'a Input,
}

impl Side<'_> {
    fn days(
        &self,
        metric: MetricId,
        ways: [Way; 2],
        bound: &Bound,
        range: Range,
        fetcher: &mut Fetcher,
    ) -> Result<Vec<Judged>, Stop> {
        let told = |found| Stop::found(&self.ready.project, found);
        let declared = &self.model.metrics[metric.0];
        let question = Question {
            step: AskedStep::Step(Step::Day),
            by: declared.by.clone(),
            from: range.from,
            to: range.to,
            ..Question::of(vec![metric])
        };
        let query = Lowering::new(self.model).lower(&question).map_err(told)?;
        let mut series = Vec::with_capacity(2);
        for way in ways {
            let asked = emit::asked_by(self.model, metric, way);
            let answered = emit::answer(self.input, self.target, &query, &asked).map_err(told)?;
            if let Some((_, why)) = answered.refused.first() {
                return Ok(vec![unjudged(format!("it is not served by `{}`: {why}", way.word()))]);
            }
            if answered.from.is_empty() {
                return Ok(vec![unjudged(format!("no rollup has what `{}` makes of it", way.word()))]);
            }
            let answer = fetcher.select(&answered.sql, &query)?;
            series.push(Series::of(&answer, way.word(), answer.keys, None));
        }
        let calendar = Calendar { zone: self.model.zone, week_start: self.model.week_start, step: Some(Step::Day) };
        let rules = Rules {
            tolerance: bound.share,
            expect: None,
            // Slices count in the sum of all differences; none is judged alone.
            minimum: Minimum::Share(1.0),
            weigh: false,
            closed_at: None,
            calendar,
        };
        let compared = match compare(&series[1], &series[0], &rules) {
            Ok(compared) => compared,
            Err(_) => return Ok(vec![unjudged("its rows are not one a day and slice".to_owned())]),
        };
        let day = |bucket: &crate::change::verify::Bucket| {
            let day = Day(bucket.start.map(|start| local_date(start, self.model.zone)));
            let value = (bucket.slices > 0).then_some(bucket.wape);
            Judged { day, value, rows: Some(bucket.slices as u64), verdict: Verdict::of(value, bound) }
        };
        Ok(compared.buckets.iter().map(day).collect())
    }
}
