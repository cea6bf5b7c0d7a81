//! A report that is made: its values, what carries their differences, and what is unusual.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::asked::{Ask, Period, Plan, Told, season, shown};
use super::parts::Parts;
use super::share::{Contribution, Effects, Group, Pair, Slice, contributions, effects};
use super::usual::{Chance, Judged, judge};
use crate::change::verify::{Cell, Number};
use crate::plan::OutputColumn;
use crate::table::Answer;
use crate::types::{Better, DimensionId, Language, MetricId, Report};
use crate::value::{DataType, Span, Step};

/// The most groups of a structure that are shown.
const MOST_PARTS: usize = 10;

/// A report with all its values.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Its title; its name where it has none.
    pub title: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// In which language it is written.
    pub language: Language,
    /// How long its periods are.
    pub every: Step,
    /// The zone of its days.
    pub zone: Tz,
    /// What it tells of.
    pub period: Period,
    /// Whether that is over.
    pub is_over: bool,
    /// What that is compared with; the first one is explained.
    pub compare: Vec<(Span, Period)>,
    /// Its metrics.
    pub metrics: Vec<MadeMetric>,
    /// What the period is made of.
    pub structure: Vec<Structure>,
    /// Open actions.
    pub actions: Vec<String>,
}

/// A metric of a report.
#[derive(Clone, Debug)]
pub struct MadeMetric {
    /// Its name.
    pub name: String,
    /// Its title in the report's language; its name where it has none.
    pub title: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Which way is good.
    pub better: Option<Better>,
    /// The type of its values.
    pub ty: DataType,
    /// Their unit.
    pub unit: Option<String>,
    /// Whether they are shares, which are told in percent.
    pub is_share: bool,
    /// The value of the period; none where there is no row, or null.
    pub value: Option<Number>,
    /// Against each period that it is compared with.
    pub compared: Vec<Compared>,
    /// The last periods by their starts, the told one last.
    pub series: Vec<(i64, Option<Number>)>,
    /// Whether the value is unusual.
    pub judged: Judged,
    /// What carries the first difference, by each dimension.
    pub explained: Vec<Explained>,
}

/// A value beside an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The earlier value.
    pub before: Option<Number>,
    /// Later less earlier, where both are there.
    pub difference: Option<Number>,
    /// The same as a share of the earlier one, unless that is 0.
    pub relative: Option<f64>,
}

/// A difference by a dimension.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The name of the dimension.
    pub dimension: String,
    /// Its title in the report's language.
    pub title: String,
    /// What its groups carry.
    pub shares: Shares,
}

/// What groups carry of a difference.
#[derive(Clone, Debug)]
pub enum Shares {
    /// Contributions, which sum to it.
    Sum {
        /// Those that carry most.
        shown: Vec<Contribution>,
        /// All others as one.
        other: Option<(usize, Number)>,
    },
    /// Effects of rates and of the mix, which sum to it.
    Ratio {
        /// Those that carry most.
        shown: Vec<Effects>,
        /// All others as one.
        other: Option<(usize, Effect)>,
        /// All of them.
        all: Effect,
    },
    /// Nothing sums to it: the groups beside each other, those that differ most.
    Beside {
        /// Them.
        shown: Vec<Slice<Option<Number>>>,
        /// How many more there are.
        more: usize,
    },
}

/// A sum of effects.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effect {
    /// Of rates.
    pub rate: f64,
    /// Of the mix.
    pub mix: f64,
    /// Of numerators without a denominator.
    pub beside: f64,
}

impl Effect {
    fn of<'e>(all: impl Iterator<Item = &'e Effects>) -> Effect {
        all.fold(Effect::default(), |sum, one| Effect {
            rate: sum.rate + one.rate,
            mix: sum.mix + one.mix,
            beside: sum.beside + one.beside,
        })
    }

    /// All of it.
    pub fn all(self) -> f64 {
        self.rate + self.mix + self.beside
    }
}

/// What a metric is made of in the period.
#[derive(Clone, Debug)]
pub struct Structure {
    /// The name of the metric.
    pub metric: String,
    /// Its title.
    pub title: String,
    /// The type of its values.
    pub ty: DataType,
    /// Their unit.
    pub unit: Option<String>,
    /// Whether they are shares, which are told in percent.
    pub is_share: bool,
    /// The name of the dimension.
    pub dimension: String,
    /// Its title.
    pub by: String,
    /// The greatest groups.
    pub parts: Vec<Part>,
    /// How many more there are.
    pub more: usize,
    /// Whether the groups add up to the whole, so that each has a share.
    pub adds_up: bool,
}

/// A group of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Which.
    pub group: Group,
    /// Its value.
    pub value: Option<Number>,
    /// Its value in the period that the told one is first compared with.
    pub before: Option<Number>,
    /// Its share of the whole, where the groups add up and the whole is not 0.
    pub share: Option<f64>,
    /// Its share then.
    pub share_before: Option<f64>,
}

/// Makes a report of the answers to all questions of its plan, in their order.
pub fn made(plan: &Plan, report: &Report, answers: &[Answer], is_over: bool) -> Made {
    let found = Found { plan, answers };
    let language = report.language;
    let metrics = report.metrics.iter().filter_map(|metric| found.metric(*metric, report)).collect();
    let structure = report.structure.iter().filter_map(|(metric, by)| found.structure(*metric, *by, language));
    Made {
        name: report.name.value.clone(),
        title: titled(language, &report.title, &report.title_en, &report.name.value),
        owner: report.owner.clone(),
        language,
        every: report.every,
        zone: plan.model.zone,
        period: plan.period,
        is_over,
        compare: report.compare.iter().copied().zip(plan.compare.iter().copied()).collect(),
        metrics,
        structure: structure.collect(),
        actions: report.actions.clone(),
    }
}

/// The title in a language; else that in the other one; else the name.
fn titled(language: Language, zh: &Option<String>, en: &Option<String>, name: &str) -> String {
    let (first, second) = match language {
        Language::Zh => (zh, en),
        Language::En => (en, zh),
    };
    first.as_ref().or(second.as_ref()).map_or_else(|| name.to_owned(), Clone::clone)
}

struct Found<'a> {
    plan: &'a Plan,
    answers: &'a [Answer],
}

impl<'a> Found<'a> {
    fn told(&self, metric: MetricId) -> Option<&'a Told> {
        self.plan.metrics.iter().find(|told| told.metric == metric)
    }

    /// The answers without groups.
    fn wholes(&self) -> impl Iterator<Item = (&'a Ask, &'a Answer)> {
        self.plan.asks.iter().zip(self.answers).filter(|(ask, _)| ask.dimension.is_none())
    }

    /// The values of a metric by the starts of periods.
    fn values(&self, metric: MetricId) -> BTreeMap<i64, Number> {
        let mut values = BTreeMap::new();
        for (ask, answer) in self.wholes() {
            let Some(column) = column(ask, answer, metric) else { continue };
            for row in &answer.rows {
                if let (Some(crate::value::Value::Timestamp(start)), Some(number)) =
                    (row.first(), number(answer, row, column))
                {
                    values.insert(*start, number);
                }
            }
        }
        values
    }

    /// The values of a metric by the groups of a dimension, in the told period and in the one that it is first compared with.
    fn slices(&self, metric: MetricId, dimension: DimensionId) -> Vec<Slice<Option<Number>>> {
        let mut all: BTreeMap<Group, Slice<Option<Number>>> = BTreeMap::new();
        for (ask, answer) in self.plan.asks.iter().zip(self.answers) {
            if ask.dimension != Some(dimension) {
                continue;
            }
            let Some(column) = column(ask, answer, metric) else { continue };
            let is_new = ask.period == Some(self.plan.period);
            for (place, row) in answer.rows.iter().enumerate() {
                let group = answer.text(place, answer.keys.saturating_sub(1));
                let slice = all.entry(group.clone()).or_insert(Slice { group, old: None, new: None });
                let value = number(answer, row, column);
                *(if is_new { &mut slice.new } else { &mut slice.old }) = value;
            }
        }
        all.into_values().collect()
    }

    fn column(&self, metric: MetricId) -> Option<&'a OutputColumn> {
        self.wholes().find_map(|(ask, answer)| Some(&answer.columns[column(ask, answer, metric)?]))
    }

    fn metric(&self, id: MetricId, report: &Report) -> Option<MadeMetric> {
        let (told, column) = (self.told(id)?, self.column(id)?);
        let declared = &self.plan.model.metrics[id.0];
        let values = self.values(id);
        let value = values.get(&self.plan.period.start).copied();
        let compared = self.plan.compare.iter().map(|earlier| compared(value, values.get(&earlier.start).copied()));
        let explained = report.explained_by(&self.plan.model, id);
        let explained = explained.into_iter().filter_map(|dimension| self.explained(told, dimension, &values, report));
        Some(MadeMetric {
            name: declared.name.value.clone(),
            title: titled(report.language, &declared.title, &declared.title_en, &declared.name.value),
            owner: declared.owner.clone(),
            better: declared.better,
            ty: column.ty.clone(),
            unit: column.unit.clone(),
            is_share: self.plan.model.is_share(id),
            value,
            compared: compared.collect(),
            series: self.series(&values, report.every),
            judged: self.judged(value, &values, report.every, self.chance(told, column)),
            explained: explained.collect(),
        })
    }

    /// The last periods, gaps among them.
    fn series(&self, values: &BTreeMap<i64, Number>, every: Step) -> Vec<(i64, Option<Number>)> {
        let mut series = Vec::new();
        let mut at = self.plan.period;
        for _ in 0..=shown(every) {
            series.push((at.start, values.get(&at.start).copied()));
            at = Period::holding(at.start - 1, every, &self.plan.model);
        }
        series.reverse();
        // What lies before all data is no gap.
        let first = series.iter().position(|(_, value)| value.is_some()).unwrap_or(series.len() - 1);
        series.split_off(first)
    }

    /// How much chance alone moves a metric: counts by themselves, and shares of counts by how many they are shares of.
    fn chance(&self, told: &Told, column: &OutputColumn) -> Chance {
        let is_count = |metric: MetricId| self.column(metric).is_some_and(|column| column.ty == DataType::Int);
        match told.quotient.filter(|(above, below)| is_count(*above) && is_count(*below)) {
            Some((_, below)) if self.plan.model.is_share(told.metric) => {
                let all = self.values(below).get(&self.plan.period.start).map_or(0.0, |all| all.as_f64());
                Chance::Share { of: all }
            }
            _ if column.ty == DataType::Int => Chance::Count,
            _ => Chance::Unknown,
        }
    }

    fn judged(&self, value: Option<Number>, values: &BTreeMap<i64, Number>, every: Step, chance: Chance) -> Judged {
        let season = season(every);
        let earlier = (1..=season.most).filter_map(|count| {
            let at = self.plan.period.before(season.every.times(count), every, &self.plan.model);
            Some(values.get(&at.start)?.as_f64())
        });
        judge(value.map(Number::as_f64), &earlier.collect::<Vec<f64>>(), chance)
    }

    fn explained(
        &self,
        told: &Told,
        dimension: DimensionId,
        values: &BTreeMap<i64, Number>,
        report: &Report,
    ) -> Option<Explained> {
        let top = usize::try_from(report.explain.as_ref()?.top).unwrap_or(usize::MAX);
        let earlier = self.plan.compare.first()?.start;
        let (old, new) = (values.get(&earlier).copied(), values.get(&self.plan.period.start).copied());
        if old.is_none() || new.is_none() {
            return None;
        }
        let shares = match told.parts.clone().by(&self.plan.model, dimension) {
            Parts::Sum(_) => {
                let all = contributions(&self.slices(told.metric, dimension), old, new);
                all.map(|all| shares_of_sum(all, top))
            }
            Parts::Ratio(of) => told.quotient.and_then(|quotient| {
                let all = self.effects(quotient, of.to_one, dimension, earlier)?;
                Some(shares_of_ratio(all, top))
            }),
            Parts::Neither => None,
        };
        let shares = shares.unwrap_or_else(|| beside(self.slices(told.metric, dimension), top));
        let (name, title) = self.dimension(dimension, report.language);
        Some(Explained { dimension: name, title, shares })
    }

    fn effects(
        &self,
        (numerator, denominator): (MetricId, MetricId),
        to_one: bool,
        dimension: DimensionId,
        earlier: i64,
    ) -> Option<Vec<Effects>> {
        let of = |number: Option<Number>| number.map_or(0.0, Number::as_f64);
        let (above, below) = (self.values(numerator), self.values(denominator));
        let whole = |start: i64| Pair {
            numerator: of(above.get(&start).copied()),
            denominator: of(below.get(&start).copied()),
        };
        let mut slices: BTreeMap<Group, Slice<Pair>> = BTreeMap::new();
        for (metric, is_numerator) in [(numerator, true), (denominator, false)] {
            for slice in self.slices(metric, dimension) {
                let empty = Slice { group: slice.group.clone(), old: Pair::default(), new: Pair::default() };
                let known = slices.entry(slice.group).or_insert(empty);
                let place = |pair: &mut Pair, value: f64| {
                    *(if is_numerator { &mut pair.numerator } else { &mut pair.denominator }) = value;
                };
                place(&mut known.old, of(slice.old));
                place(&mut known.new, of(slice.new));
            }
        }
        // What is missing to 1 is a quotient, too.
        let turned = |pair: Pair| match to_one {
            true => Pair { numerator: pair.denominator - pair.numerator, ..pair },
            false => pair,
        };
        let slices = slices.into_values();
        let slices = slices.map(|slice| Slice { old: turned(slice.old), new: turned(slice.new), ..slice });
        let slices: Vec<Slice<Pair>> = slices.collect();
        effects(&slices, turned(whole(earlier)), turned(whole(self.plan.period.start)))
    }

    fn structure(&self, metric: MetricId, by: DimensionId, language: Language) -> Option<Structure> {
        let (told, column) = (self.told(metric)?, self.column(metric)?);
        let declared = &self.plan.model.metrics[metric.0];
        let values = self.values(metric);
        let at = |start: Option<i64>| start.and_then(|start| values.get(&start).copied());
        let (old, new) = (at(self.plan.compare.first().map(|earlier| earlier.start)), at(Some(self.plan.period.start)));
        let slices = self.slices(metric, by);
        let is_sum = matches!(told.parts.clone().by(&self.plan.model, by), Parts::Sum(_));
        let adds_up = is_sum && contributions(&slices, old, new).is_some();
        let share = |value: Option<Number>, whole: Option<Number>| {
            let whole = whole.filter(|whole| adds_up && !whole.is_zero())?;
            Some(value.map_or(0.0, Number::as_f64) / whole.as_f64())
        };
        let mut parts: Vec<Part> = slices
            .into_iter()
            .map(|slice| Part {
                share: share(slice.new, new),
                share_before: share(slice.old, old),
                group: slice.group,
                value: slice.new,
                before: slice.old,
            })
            .collect();
        let size = |part: &Part| part.value.map_or(f64::NEG_INFINITY, Number::as_f64);
        parts.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| a.group.cmp(&b.group)));
        let more = parts.len().saturating_sub(MOST_PARTS);
        parts.truncate(MOST_PARTS);
        let (dimension, title) = self.dimension(by, language);
        Some(Structure {
            metric: declared.name.value.clone(),
            title: titled(language, &declared.title, &declared.title_en, &declared.name.value),
            ty: column.ty.clone(),
            unit: column.unit.clone(),
            is_share: self.plan.model.is_share(metric),
            dimension,
            by: title,
            parts,
            more,
            adds_up,
        })
    }

    /// Name and title. A dimension has one title, which is in the language of the project.
    fn dimension(&self, id: DimensionId, language: Language) -> (String, String) {
        let declared = &self.plan.model.dimensions[id.0];
        let name = declared.name.value.clone();
        let title = declared.title.clone().filter(|_| language == Language::Zh).unwrap_or_else(|| name.clone());
        (name, title)
    }
}

/// The place of a metric among the columns of an answer.
fn column(ask: &Ask, answer: &Answer, metric: MetricId) -> Option<usize> {
    let place = ask.question.metrics.iter().position(|asked| *asked == metric)?;
    Some(answer.keys + place).filter(|column| *column < answer.columns.len())
}

fn number(answer: &Answer, row: &[crate::value::Value], column: usize) -> Option<Number> {
    Cell::of(row.get(column)?, &answer.columns[column].ty, None).number()
}

fn compared(value: Option<Number>, before: Option<Number>) -> Compared {
    let difference = value.zip(before).map(|(value, before)| value.minus(before));
    let relative = difference.zip(before).filter(|(_, before)| !before.is_zero());
    let relative = relative.map(|(difference, before)| difference.as_f64() / before.as_f64().abs());
    Compared { before, difference, relative }
}

/// What carries nothing is not shown, but it is one of the others.
fn shares_of_sum(mut all: Vec<Contribution>, top: usize) -> Shares {
    let top = top.min(all.iter().filter(|one| !one.effect.is_zero()).count());
    let others = if all.len() > top { all.split_off(top) } else { Vec::new() };
    let effect = others.iter().map(|one| one.effect).fold(Number::int(0), Number::plus);
    Shares::Sum { shown: all, other: (!others.is_empty()).then_some((others.len(), effect)) }
}

fn shares_of_ratio(mut all: Vec<Effects>, top: usize) -> Shares {
    let whole = Effect::of(all.iter());
    let top = top.min(all.iter().filter(|one| one.rate != 0.0 || one.mix != 0.0 || one.beside != 0.0).count());
    let others = if all.len() > top { all.split_off(top) } else { Vec::new() };
    let other = (!others.is_empty()).then(|| (others.len(), Effect::of(others.iter())));
    Shares::Ratio { shown: all, other, all: whole }
}

/// The groups whose values differ most.
fn beside(mut slices: Vec<Slice<Option<Number>>>, top: usize) -> Shares {
    let of = |number: Option<Number>| number.map_or(0.0, Number::as_f64);
    let size = |slice: &Slice<Option<Number>>| (of(slice.new) - of(slice.old)).abs();
    slices.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| a.group.cmp(&b.group)));
    let more = slices.len().saturating_sub(top);
    slices.truncate(top);
    Shares::Beside { shown: slices, more }
}
