//! Whether the newest row is new enough.

use crate::alerting::{Look, age, looked_from};
use crate::cli::Stop;
use crate::cli::answers::Fetcher;
use crate::cli::ready::Ready;
use crate::plan::{AskedStep, Lowering, Question};
use crate::quality::{Day, Judged, Outcome, Verdict};
use crate::rollup::Asked;
use crate::table::form;
use crate::types::{MetricId, Model, Quality, RuleKind};
use crate::value::Value;

/// Adds the verdicts on the freshness of all that is checked.
pub fn judge(
    model: &Model,
    chosen: &[&Quality],
    now: Option<i64>,
    ready: &Ready,
    fetcher: &mut Fetcher,
    outcomes: &mut [Vec<Outcome>],
) -> Result<(), Stop> {
    for (quality, outcomes) in chosen.iter().zip(outcomes) {
        for rule in &quality.rules {
            let RuleKind::Fresh { newest, within } = &rule.kind else { continue };
            let judged = match now {
                Some(now) => fresh(model, *newest, *within, now, ready, fetcher)?,
                None => {
                    let why = "a dry run has no clock: add `--now`".to_owned();
                    Judged { day: Day(None), value: None, rows: None, verdict: Verdict::NotJudged(why) }
                }
            };
            let bound = format!("<= {}", form::duration_short(*within));
            outcomes.push(Outcome { rule: rule.name.clone(), bound, days: vec![judged] });
        }
    }
    Ok(())
}

fn fresh(
    model: &Model,
    newest: MetricId,
    within: i64,
    now: i64,
    ready: &Ready,
    fetcher: &mut Fetcher,
) -> Result<Judged, Stop> {
    let timed = model.facts[newest.0].reads.iter().all(|table| model.table(*table).time.is_some());
    let since = looked_from(within, now);
    let question = Question { step: AskedStep::None, from: timed.then_some(since), ..Question::of(vec![newest]) };
    let query = Lowering::new(model).lower(&question).map_err(|found| Stop::found(&ready.project, found))?;
    let answers = fetcher.answers(&[(query, Asked { live: true, servings: Vec::new() })])?;
    let came = answers.first().and_then(|answer| match answer.rows.first()?.get(answer.keys)? {
        Value::Timestamp(ms) => Some(*ms),
        _ => None,
    });
    let age = came.map(|newest| age(Look { at: now, newest }));
    let verdict = match age {
        Some(age) if age <= within => Verdict::Holds,
        // Nothing came for so long.
        _ => Verdict::Broken,
    };
    Ok(Judged { day: Day(None), value: age.map(|age| age as f64), rows: None, verdict })
}
