//! Intervals of formulas, and whether a question can ask for them.

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::{Interval, Step};
use crate::types::{BucketPart, By, Facts, Formula, Grain, MetricId, Model, OutputExprKind, divides, facts};

use super::Lowering;
use super::formula::Scans;
use super::limits::Limits;
use crate::plan::question::Question;

/// The one interval that the values of a formula have within `outer`.
pub fn of_formula(model: &Model, formula: &Formula, outer: &Interval) -> Interval {
    let own = facts(formula, &model.facts).interval.unwrap_or_default();
    let mut ago = outer.ago.clone();
    ago.extend(own.ago);
    Interval { ago, at_start_of: outer.at_start_of.or(own.at_start_of), window: outer.window.or(own.window) }
}

impl Scans<'_> {
    /// The range of inner buckets of a step that the outer buckets of the asked range are made of.
    pub(super) fn inner_range(&self, interval: &Interval, step: Step) -> (Option<i64>, Option<i64>) {
        let (_, from, to) = self.reach(interval);
        let constant = self.frame.step.is_none() && !interval.is_bucket() && !step.is_declared();
        let Some(end) = self.frame.to.filter(|_| constant) else { return (from, to) };
        // Those are taken whole that begin in the interval; behind what is asked is nothing.
        let (zone, week_start) = (self.frame.model.zone, self.frame.model.week_start);
        let next_start = |at: i64| match step.bucket(at, zone, week_start) {
            start if start == at => at,
            start => step.next(start, zone, week_start),
        };
        (from.map(next_start), to.map(|to| next_start(to).min(end)))
    }
}

impl Lowering<'_> {
    /// Tells what the shifts, windows and inner steps of the metrics ask of a step.
    pub(super) fn check_intervals(
        &self,
        question: &Question,
        step: Option<Step>,
        limits: &Limits,
        d: &mut Diagnostics,
    ) {
        let mut asked: Vec<BucketPart> = Vec::new();
        question.filter.iter().for_each(|filter| filter.parts(&mut |part| asked.push(part)));
        question.having.iter().for_each(|having| {
            having.walk(&mut |expr| {
                if let OutputExprKind::Part(part) = &expr.kind {
                    asked.push(*part);
                }
            });
        });
        asked.extend(question.by.iter().filter_map(|by| if let By::Part(part) = by { Some(*part) } else { None }));
        self.check_parts(&asked, step, d);
        for id in &question.metrics {
            let facts = &self.model.facts[id.0];
            self.check_parts(&facts.parts, step, d);
            match step {
                Some(step) => self.check_step(*id, facts, step, d),
                None => self.check_no_step(*id, facts, limits, d),
            }
        }
    }

    /// Every bucket of the step must have these parts.
    fn check_parts(&self, parts: &[BucketPart], step: Option<Step>, d: &mut Diagnostics) {
        let fits = |part: &&BucketPart| step.is_some_and(|step| part.fits(step, self.model.week_start));
        let Some(part) = parts.iter().find(|part| !fits(part)) else { return };
        let name = part.name();
        d.push(match step {
            Some(step) => error!(E0966, None, "buckets of {} have no `{name}`", step.text();
                help: "ask at a shorter step, or group by a dimension of each row such as `day_of_week(time)`"),
            None => error!(E0966, None, "`{name}` is of the output bucket, and there is no step";
                help: "ask at a step, or group by a dimension of each row such as `day_of_week(time)`"),
        });
    }

    fn check_step(&self, id: MetricId, facts: &Facts, step: Step, d: &mut Diagnostics) {
        let name = &self.model.metrics[id.0].name.value;
        if let Some(shift) = facts.shifts.iter().find(|shift| !shift.maps(step)) {
            d.push(error!(E0963, None, "`{name}` goes {} back, which does not map buckets of {} to buckets", shift.text(), step.text();
                help: "ask at another step, or define the metric with a shift of whole steps, such as 52w"));
        }
        if let Some(only) = facts.only.filter(|only| *only != step) {
            d.push(error!(E0974, None, "`{name}` is of buckets of {}, and not of {}", only.text(), step.text();
                help: ("ask with `--step {}`", only.text())));
        }
        if let Some(inner) = facts.steps.iter().find(|inner| !divides(**inner, step)) {
            d.push(error!(E0962, None, "`{name}` takes values per {}, which do not fit into buckets of {}", inner.text(), step.text();
                help: "ask at a coarser step"));
        }
    }

    fn check_no_step(&self, id: MetricId, facts: &Facts, limits: &Limits, d: &mut Diagnostics) {
        let name = &self.model.metrics[id.0].name.value;
        if let Some(only) = facts.only {
            d.push(error!(E0974, None, "`{name}` is of buckets of {}, and there is no step", only.text();
                help: ("ask with `--step {}`", only.text())));
        }
        if facts.from_start {
            let grains = self.model.metrics[id.0].grain.iter();
            let mut steps = grains.filter_map(|grain| if let Grain::Step(step) = grain { Some(*step) } else { None });
            d.push(error!(E0961, None, "`{name}` looks at the beginning of each bucket, and without a step there are no buckets";
                help: ("ask at a step: `--step {}`", steps.next().unwrap_or(Step::Day).text())));
            return;
        }
        let bounded = limits.from.is_some() && limits.to.is_some();
        let limits = limits.from.iter().chain(&limits.to);
        let cut =
            |step: &&Step| limits.clone().any(|at| step.bucket(*at, self.model.zone, self.model.week_start) != *at);
        let unknown = |step: &&Step| step.is_declared() && limits.clone().next().is_some();
        if let Some(inner) = facts.steps.iter().find(unknown) {
            d.push(error!(E0962, None, "`{name}` takes values per {}, and the asked interval may cut one of them", inner.text();
                help: "leave `--from` and `--to` out, or ask at a step"));
        }
        if facts.calendars && bounded {
            d.push(
                error!(E0961, None, "`{name}` depends on the days of a calendar, and there is no bucket to begin with";
                help: "ask at a step: `--step 1d`"),
            );
        }
        if let Some(inner) = facts.steps.iter().find(cut) {
            d.push(error!(E0962, None, "`{name}` takes values per {}, and the asked interval cuts one of them", inner.text();
                help: "let `--from` and `--to` begin and end with them, or ask at a step"));
        }
        if !facts.shifts.is_empty() && !bounded {
            d.push(error!(E0963, None, "`{name}` goes back in time, but there is no interval to move";
                help: "ask at a step, or give `--from` and `--to`"));
        }
        if facts.needs_buckets && !bounded {
            d.push(error!(E0961, None, "`{name}` needs an interval with a beginning and an end";
                help: "ask at a step, or give `--from` and `--to`"));
        }
    }
}
