//! Whether two ways that serve a metric have come to the same results.

use crate::cli::Stop;
use crate::cli::answers::Fetcher;
use crate::cli::ways::{Compared, Ways, apart};
use crate::plan::Lowering;
use crate::quality::{Day, Judged, Outcome, Verdict};
use crate::types::{Bound, Model, Quality, RuleKind};
use crate::value::time::local_date;

use super::Range;

/// Adds the verdicts on all metrics whose ways are compared.
pub fn judge(
    model: &Model,
    chosen: &[&Quality],
    range: Range,
    fetcher: &Fetcher,
    outcomes: &mut [Vec<Outcome>],
) -> Result<(), Stop> {
    let lowering = Lowering::new(model);
    for (quality, outcomes) in chosen.iter().zip(outcomes) {
        for rule in &quality.rules {
            let RuleKind::Reconcile { metric, ways, bound } = &rule.kind else { continue };
            let ways = Ways { metric: *metric, ways: *ways };
            let days = match ways.compared((range.from, range.to), None, &lowering, fetcher)? {
                Compared::Days(days) => days.iter().map(|day| judged(model, day, bound)).collect(),
                Compared::Not(why) => vec![unjudged(why)],
            };
            outcomes.push(Outcome { rule: rule.name.clone(), bound: bound.text.clone(), days });
        }
    }
    Ok(())
}

fn judged(model: &Model, bucket: &crate::change::verify::Bucket, bound: &Bound) -> Judged {
    let day = Day(bucket.start.map(|start| local_date(start, model.zone)));
    let value = apart(bucket);
    Judged { day, value, rows: Some(bucket.slices as u64), verdict: Verdict::of(value, bound) }
}

fn unjudged(why: String) -> Judged {
    Judged { day: Day(None), value: None, rows: None, verdict: Verdict::NotJudged(why) }
}
