//! The rules of a project over a history: what is asked of an engine for them, and what they would have done.

use super::super::Stop;
use super::super::answers::Fetcher;
use super::super::ready::Ready;
use super::range::Range;
use crate::alerting::{BURNS, whole};
use crate::backtest::{
    Advice, Budget, Calendar, Grid, History, Incident, MINUTE, Replayed, advice, alert, budget, extent, groups,
    objective,
};
use crate::diagnostic::Diagnostics;
use crate::emit::{self, alerts};
use crate::error;
use crate::plan::{AskedStep, Lowering, Query, Question};
use crate::rollup::Asked;
use crate::suggest::near;
use crate::table::Answer;
use crate::types::Model;
use crate::types::alerts::Slo;

const DAY_MS: i64 = 86_400_000;
/// How many buckets of a group are looked at: nearly four years of minutes.
const MOST_BUCKETS: i64 = 2_000_000;

/// Alerts and objectives, with what they look at.
pub struct Chosen {
    given: alerts::Given,
    /// The places of the objectives in the project.
    slos: Vec<usize>,
    parts: alerts::Parts,
    /// Whether they were asked for by name.
    by_name: bool,
}

/// What engines said of them.
pub struct Looked {
    /// Of each alert its values and its volume, with the instant from which they were asked for.
    alerts: Vec<(Option<i64>, Answer, Option<Answer>)>,
    /// Of each objective both parts.
    slos: Vec<(Option<i64>, Answer)>,
}

impl Chosen {
    /// Those of the names, or all; `rules` tells whether rules of quality are among these. `strict` tells names that are not there.
    pub fn of(names: &[String], ready: &Ready, rules: bool, strict: bool) -> Result<Chosen, Stop> {
        let model = &ready.compiled.model;
        let mut found = Diagnostics::new();
        let given = alerts::given(model, &Lowering::new(model), &mut found);
        if found.has_errors() {
            return Err(Stop::found(&ready.project, found));
        }
        if let Some(unknown) = names.iter().find(|name| strict && all(model).iter().all(|known| known != *name)) {
            let declared: Vec<&str> = declared(model).collect();
            let help = match near(unknown, all(model).iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if declared.is_empty() => {
                    "declare one: `alert low on orders { when: value < 10; severity: P1 }`".to_owned()
                }
                None => format!("there are: {}", declared.join(", ")),
            };
            return Err(
                error!(E0887, None, "no alert, objective or rule of quality named `{unknown}`"; help: help).into()
            );
        }
        let mut given = given.with_rules(rules || !names.is_empty());
        let wanted = |name: &str| names.is_empty() || names.iter().any(|one| one == name);
        given.alerts.retain(|watched| wanted(&watched.alert.name.value));
        let slos = (0..model.slos.len()).filter(|place| wanted(&model.slos[*place].name.value)).collect();
        let parts = alerts::Parts::of(model);
        let chosen = Chosen { given, slos, parts, by_name: !names.is_empty() };
        chosen.check_sums(ready)?;
        Ok(chosen)
    }

    /// Objectives alone.
    pub fn objectives(names: &[String], ready: &Ready) -> Result<Chosen, Stop> {
        let slos = &ready.compiled.model.slos;
        if let Some(unknown) = names.iter().find(|name| slos.iter().all(|slo| slo.name.value != **name)) {
            let known = || slos.iter().map(|slo| slo.name.value.as_str());
            let help = match near(unknown, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if slos.is_empty() => {
                    "declare one: `slo pay_ok on paid_share { objective: 99.9% over 30d }`".to_owned()
                }
                None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            return Err(error!(E0887, None, "no objective named `{unknown}`"; help: help).into());
        }
        let mut chosen = Chosen::of(names, ready, false, false)?;
        chosen.given.alerts.clear();
        Ok(chosen)
    }

    /// What is left of each objective at an instant, or at the end of its rows; none of one without rows.
    pub fn budgets(&self, at: Option<i64>, ready: &Ready, fetcher: &mut Fetcher) -> Result<Vec<Budget>, Stop> {
        let model = &ready.compiled.model;
        let at = at.map(|at| MINUTE.bucket(at, model.zone, model.week_start));
        let longest = self.slos.iter().map(|place| whole(self.slo(*place))).max().unwrap_or_default();
        let range = Range { from: at.map(|at| at - longest), to: at };
        let looked = self.look(range, ready, fetcher)?;
        let one = |(place, (_, parts)): (&usize, &(Option<i64>, Answer))| {
            let end = at.or_else(|| Some(extent(parts, model.zone, model.week_start)?.to))?;
            (!parts.rows.is_empty()).then(|| budget(&self.given.slos[*place], parts, end, calendar(model)))
        };
        Ok(self.slos.iter().zip(&looked.slos).filter_map(one).collect())
    }

    /// The names of its objectives.
    pub fn slo_names(&self) -> impl Iterator<Item = &str> {
        self.slos.iter().map(|place| self.slo(*place).name.value.as_str())
    }

    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.given.alerts.is_empty() && self.slos.is_empty()
    }

    /// Objectives whose windows are no sums are told.
    fn check_sums(&self, ready: &Ready) -> Result<(), Stop> {
        let wrong = self.slos.iter().filter(|place| !self.parts.add_up(**place)).map(|place| {
            let name = &self.slo(*place).name;
            error!(E0897, name.span, "the parts of `{}` do not add up over minutes", name.value;
                help: "make it a share of rows (`count`, `sum`), or leave it out by naming the others")
        });
        let wrong: Diagnostics = wrong.collect();
        if wrong.is_empty() { Ok(()) } else { Err(Stop::found(&ready.project, wrong)) }
    }

    fn slo(&self, place: usize) -> &Slo {
        &self.parts.model.slos[place]
    }

    /// A history of more buckets than can be looked at is told, those before it that it is compared with among them.
    pub fn check_length(&self, history: History, range: Range) -> Result<(), Stop> {
        let alerts = self.given.alerts.iter().map(|of| (of.alert.name.value.as_str(), of.alert.every, back(of)));
        let slos = self.slo_names().map(|name| (name, MINUTE, burns_back()));
        for (name, every, back) in alerts.chain(slos) {
            let before = if range.from.is_some() { back } else { 0 };
            let buckets = (history.to - history.from).saturating_add(before) / every.about();
            if buckets > MOST_BUCKETS {
                return Err(error!(E0889, None, "`{name}` looks at {buckets} buckets of {} in this time, and {MOST_BUCKETS} may be at most", every.text();
                    help: "name a shorter time by `--from` and `--to`, or leave this one out by naming the others")
                .into());
            }
        }
        Ok(())
    }

    /// Asks for all that they look at.
    pub fn look(&self, range: Range, ready: &Ready, fetcher: &mut Fetcher) -> Result<Looked, Stop> {
        let model = &ready.compiled.model;
        if let (Some(from), Some(to)) = (range.from, range.to) {
            self.check_length(History { from, to }, range)?;
        }
        let mut asked: Vec<(Query, Asked)> = Vec::new();
        let told = |found: Diagnostics| Stop::found(&ready.project, found);
        let lowering = Lowering::new(model);
        for watched in &self.given.alerts {
            let alert = &watched.alert;
            let metrics = [Some(alert.metric), alert.volume.as_ref().map(|volume| volume.metric)];
            for metric in metrics.into_iter().flatten() {
                let question = alerts::question(metric, alert.every, &alert.by);
                let question = Question { from: self.since(range, watched, model), to: range.to, ..question };
                asked.push((
                    lowering.lower(&question).map_err(told)?,
                    emit::asked_at(&model.metrics[metric.0].serve, alert.every),
                ));
            }
        }
        let lowering = Lowering::new(&self.parts.model);
        for place in &self.slos {
            let from = before(range, burns_back());
            let question = self.parts.question(*place, AskedStep::Step(MINUTE), from, range.to);
            let metric = self.slo(*place).metric;
            asked.push((
                lowering.lower(&question).map_err(told)?,
                emit::asked_at(&model.metrics[metric.0].serve, MINUTE),
            ));
        }
        let mut answers = fetcher.answers(&asked)?.into_iter();
        let mut next =
            || answers.next().ok_or_else(|| Stop::from(error!(E0888, None, "an answer is missing"; help: "ask again")));
        let mut looked = Looked { alerts: Vec::new(), slos: Vec::new() };
        for watched in &self.given.alerts {
            let values = next()?;
            let volume = watched.alert.volume.as_ref().map(|_| next()).transpose()?;
            looked.alerts.push((self.since(range, watched, model), values, volume));
        }
        for _ in &self.slos {
            looked.slos.push((before(range, burns_back()), next()?));
        }
        Ok(looked)
    }

    /// From when on rows of an alert are needed: from the beginning of a bucket, whose value would be another one else.
    fn since(&self, range: Range, watched: &alerts::Watched, model: &Model) -> Option<i64> {
        let from = before(range, back(watched))?;
        Some(watched.alert.every.bucket(from, model.zone, model.week_start))
    }

    /// What they would have done.
    pub fn replay(&self, looked: &Looked, history: History, model: &Model) -> Vec<Replayed> {
        let calendar = calendar(model);
        let of_alert =
            |(watched, (from, values, volume)): (&alerts::Watched, &(Option<i64>, Answer, Option<Answer>))| {
                alert(watched, values, volume.as_ref(), from.unwrap_or(history.from), history, calendar)
            };
        let mut found: Vec<Replayed> = self.given.alerts.iter().zip(&looked.alerts).flat_map(of_alert).collect();
        for (place, (from, parts)) in self.slos.iter().zip(&looked.slos) {
            let of = &self.given.slos[*place];
            found.extend(objective(of, parts, from.unwrap_or(history.from), history, calendar));
        }
        found
    }

    /// What other thresholds would have given; of a rule of quality, whose bound is a promise, where it is asked for.
    pub fn advice(
        &self,
        looked: &Looked,
        history: History,
        model: &Model,
        incidents: &[Incident],
    ) -> Vec<(String, Advice)> {
        let one = |(watched, (from, values, volume)): (&alerts::Watched, &(Option<i64>, Answer, Option<Answer>))| {
            let Calendar { zone, week_start } = calendar(model);
            let grid = Grid::of(watched.alert.every, from.unwrap_or(history.from), history.to, zone, week_start);
            let groups = groups(values, volume.as_ref(), &grid);
            Some((watched.alert.name.value.clone(), advice(watched, &groups, &grid, history, incidents)?))
        };
        let all = self.given.alerts.iter().zip(&looked.alerts);
        all.filter(|(watched, _)| self.by_name || !watched.is_rule).filter_map(one).collect()
    }
}

impl Looked {
    /// The time that was looked at: as far as it is said, else as far as there are rows.
    pub fn history(&self, range: Range, model: &Model) -> Result<History, Stop> {
        let alerts = self.alerts.iter().flat_map(|(_, values, volume)| std::iter::once(values).chain(volume));
        let answers = alerts.chain(self.slos.iter().map(|(_, parts)| parts));
        let extents: Vec<(i64, History)> = answers
            .filter_map(|answer| Some((answer.step?.about(), extent(answer, model.zone, model.week_start)?)))
            .collect();
        let nothing = || {
            Stop::from(error!(E0888, None, "there are no rows to look back at";
                help: "name another time by `--from` and `--to`, or other data by `--data`"))
        };
        let first = extents.iter().map(|(_, extent)| extent.from).min().ok_or_else(nothing)?;
        // The last bucket of the shortest ones tells best how far rows go.
        let shortest = extents.iter().map(|(step, _)| *step).min();
        let last = extents.iter().filter(|(step, _)| Some(*step) == shortest).map(|(_, extent)| extent.to).max();
        let history = History { from: range.from.unwrap_or(first), to: range.to.or(last).ok_or_else(nothing)? };
        if history.from >= history.to {
            return Err(Range::no_time());
        }
        Ok(history)
    }
}

/// The names of alerts and objectives.
fn declared(model: &Model) -> impl Iterator<Item = &str> {
    let alerts = model.alerts.iter().map(|alert| alert.name.value.as_str());
    alerts.chain(model.slos.iter().map(|slo| slo.name.value.as_str()))
}

/// The names of alerts, objectives, and the rules of quality that are alerts.
pub fn all(model: &Model) -> Vec<String> {
    let rules = alerts::rules(model).map(|alert| alert.name.value);
    declared(model).map(str::to_owned).chain(rules).collect()
}

fn calendar(model: &Model) -> Calendar {
    Calendar { zone: model.zone, week_start: model.week_start }
}

/// How far before a history rows are needed, in milliseconds: what is compared with, and for how long it must hold.
fn back(watched: &alerts::Watched) -> i64 {
    let alert = &watched.alert;
    // A day more, as days may have 25 hours.
    let parts = [alert.reaches_back(), alert.hold, alert.absent.unwrap_or_default(), alert.every.about(), DAY_MS];
    parts.into_iter().fold(0, i64::saturating_add)
}

/// The same of objectives.
fn burns_back() -> i64 {
    BURNS.iter().map(|burn| burn.long).max().unwrap_or_default() + DAY_MS
}

fn before(range: Range, back: i64) -> Option<i64> {
    range.from.map(|from| from - back)
}
