//! Whether the newest row is new enough.

use crate::cli::Stop;
use crate::cli::answers::Fetcher;
use crate::cli::ready::Ready;
use crate::plan::{AskedStep, Lowering, Question};
use crate::quality::{Day, Judged, Outcome, Verdict};
use crate::rollup::Asked;
use crate::table::form;
use crate::types::{MetricId, Model, Quality, RuleKind};
use crate::value::Value;
use crate::value::time::DAY_MS;

/// How far back the newest row is looked for, at least: older ones are not fresh in any case.
const BACK_DAYS: i64 = 7;

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
    let since = now.saturating_sub(within.saturating_mul(2).max(BACK_DAYS * DAY_MS));
    let question = Question { step: AskedStep::None, from: timed.then_some(since), ..Question::of(vec![newest]) };
    let query = Lowering::new(model).lower(&question).map_err(|found| Stop::found(&ready.project, found))?;
    let answers = fetcher.answers(&[(query, Asked { live: true, servings: Vec::new() })])?;
    let came = answers.first().and_then(|answer| match answer.rows.first()?.get(answer.keys)? {
        Value::Timestamp(ms) => Some(*ms),
        _ => None,
    });
    // A clock that runs behind that of the rows does not make them late.
    let age = came.map(|came| now.saturating_sub(came).max(0));
    let verdict = match age {
        Some(age) if age <= within => Verdict::Holds,
        // Nothing came for so long.
        _ => Verdict::Broken,
    };
    Ok(Judged { day: Day(None), value: age.map(|age| age as f64), rows: None, verdict })
}
