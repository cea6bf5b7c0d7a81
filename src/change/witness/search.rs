//! The search for a witness: worlds are asked of both versions until they disagree on one, which is then made smaller.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use fastrand::Rng;

use crate::diagnostic::Diagnostics;
use crate::dry_run::{Data, DryRun, Given};
use crate::plan::{AskedStep, Lowering, Query, Question, Step, Value};
use crate::table::Answer;
use crate::types::{Grain, MetricId};
use crate::value::time::local;

use super::vocabulary::{NAMES, Vocabulary, Word};
use super::world::{Spot, World, noon};
use super::{Differing, Searched, Witness};

/// How many worlds are asked at once.
const AT_ONCE: usize = 1_200;

/// How many are asked first, to see how many rows they take.
const FIRST: usize = 60;

/// The most rows that an answer has for a world; where there are more, worlds are asked one by one.
const MOST_ROWS: usize = 1_000;

/// How often that many are asked before the search is given up.
const ROUNDS: usize = 6;

/// How many worlds are asked where each has to be asked alone.
const ALONE: usize = 160;

/// How often a world is made smaller.
const SMALLER: usize = 40;

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// A version of a metric, and where it is computed.
pub struct Side<'a> {
    /// The program.
    pub lowering: &'a Lowering<'a>,
    /// The metric in it.
    pub metric: MetricId,
    /// Where it runs; its tables are replaced.
    pub dry_run: &'a mut DryRun,
}

/// Searches for the fewest rows on which two versions disagree. The same versions give the same rows. What the dry run cannot
/// compute is told.
pub fn search(old: Side<'_>, new: Side<'_>) -> Result<Searched, Diagnostics> {
    let step = match old.lowering.model.metrics[old.metric.0].grain.first() {
        Some(Grain::Step(step)) => Some(*step),
        Some(Grain::Total) | None => None,
    };
    // Days keep worlds apart, of which a metric of all time knows nothing.
    let daily = if step.is_none() { both(&old, &new, Some(Step::Day)).ok() } else { None };
    let step = if daily.is_some() { Some(Step::Day) } else { step };
    let queries = daily.map_or_else(|| both(&old, &new, step), Ok)?;
    let vocabulary = Vocabulary::of(&[&queries[0], &queries[1]]);
    let mut search = Search { sides: [old.dry_run, new.dry_run], queries, vocabulary, step, asked: 0 };
    let mut rng = Rng::with_seed(7);
    let together = step.is_some() && search.vocabulary.instants.is_empty() && !search.vocabulary.over_all;
    let found = if together { search.together(&mut rng)? } else { search.alone(&mut rng)? };
    Ok(found.map_or(Searched::Agreed(search.asked), Searched::Found))
}

fn both(old: &Side<'_>, new: &Side<'_>, step: Option<Step>) -> Result<[Query; 2], Diagnostics> {
    Ok([asked(old, step)?, asked(new, step)?])
}

/// A metric at a step, by the dimensions that it can't do without.
fn asked(side: &Side<'_>, step: Option<Step>) -> Result<Query, Diagnostics> {
    let step = step.map_or(AskedStep::None, AskedStep::Step);
    let question = Question { step, ..Question::of(vec![side.metric]) };
    side.lowering.lower(&question).or_else(|_| {
        let by = side.lowering.model.metrics[side.metric.0].by.clone();
        side.lowering.lower(&Question { by, ..question })
    })
}

/// What a version says of a world: a value a bucket and group.
type Said = BTreeMap<Vec<String>, Value>;

struct Search<'a> {
    sides: [&'a mut DryRun; 2],
    queries: [Query; 2],
    vocabulary: Vocabulary,
    step: Option<Step>,
    asked: usize,
}

impl Search<'_> {
    /// Asks many worlds at once, each in a time of its own.
    fn together(&mut self, rng: &mut Rng) -> Result<Option<Witness>, Diagnostics> {
        let mut lively: Vec<World> = Vec::new();
        for round in 0..=ROUNDS {
            let worlds: Vec<World> = (0..if round == 0 { FIRST } else { self.at_once() })
                .map(|at| match rng.choice(&lively).filter(|_| at % 3 > 0) {
                    Some(world) => world.beside(&self.vocabulary, rng),
                    None => World::random(&self.vocabulary, 1 + round.min(4), rng),
                })
                .collect();
            let said = self.say(&worlds)?;
            self.asked += worlds.len();
            if round == 0 && said.iter().flatten().map(Said::len).sum::<usize>() > FIRST * MOST_ROWS {
                return self.alone(rng);
            }
            let mut disagreeing: Vec<&World> =
                worlds.iter().zip(&said).filter(|(_, said)| disagree(said)).map(|(world, _)| world).collect();
            disagreeing.sort_by_cached_key(|world| world.weight());
            for world in disagreeing.into_iter().take(3) {
                let smallest = self.smaller(world.clone())?;
                if let Some(witness) = self.confirmed(&smallest)? {
                    return Ok(Some(witness));
                }
            }
            let is_lively = |said: &[Said; 2]| said.iter().any(|side| side.values().any(|value| !is_nothing(value)));
            lively
                .extend(worlds.iter().zip(&said).filter(|(_, said)| is_lively(said)).take(60).map(|(w, _)| w.clone()));
        }
        Ok(None)
    }

    /// Asks one world after the other, where they can't be told apart by their time.
    fn alone(&mut self, rng: &mut Rng) -> Result<Option<Witness>, Diagnostics> {
        for number in 0..ALONE {
            let world = World::random(&self.vocabulary, 1 + number / 40, rng);
            self.asked += 1;
            let spots = self.spots();
            let spot = spots[number % spots.len()];
            if !disagree(&self.say_at(&world, spot)?) {
                continue;
            }
            let mut smallest = world;
            for _ in 0..SMALLER {
                let mut next = None;
                for simpler in smallest.simpler(&self.vocabulary) {
                    if disagree(&self.say_at(&simpler, spot)?) {
                        next = Some(simpler);
                        break;
                    }
                }
                let Some(next) = next else { break };
                smallest = next;
            }
            return Ok(Some(self.witness(&smallest, spot)?));
        }
        Ok(None)
    }

    /// Takes rows away and makes cells simpler as long as both versions disagree.
    fn smaller(&mut self, mut world: World) -> Result<World, Diagnostics> {
        for _ in 0..SMALLER {
            let mut simpler = world.simpler(&self.vocabulary);
            simpler.truncate(self.at_once());
            let said = self.say(&simpler)?;
            let Some(found) = simpler.into_iter().zip(&said).find(|(_, said)| disagree(said)) else { break };
            world = found.0;
        }
        Ok(world)
    }

    /// The witness that a world is, where both versions disagree on its rows alone. A bucket may have to be over: then a later
    /// row says so.
    fn confirmed(&mut self, world: &World) -> Result<Option<Witness>, Diagnostics> {
        let later = self.later(world);
        for world in [world, &later] {
            for spot in self.spots() {
                if disagree(&self.say_at(world, spot)?) {
                    return Ok(Some(self.witness(world, spot)?));
                }
            }
        }
        Ok(None)
    }

    /// A world with a row of another one long after it.
    fn later(&self, world: &World) -> World {
        let mut rows = world.rows.clone();
        let far = self.vocabulary.reach + 2 * self.bucket();
        let mut copies = world.rows.iter().filter(|row| !self.vocabulary.tables[row.table].looked_up);
        let copy = copies.next_back().cloned().map(|mut row| {
            for word in &mut row.words {
                match word {
                    Word::Id(id) => *id += NAMES,
                    Word::At(ms) => *ms += far,
                    Word::Day(days) => *days += (far / DAY) as i32,
                    Word::Null | Word::Text(_) => {}
                }
            }
            row
        });
        rows.extend(copy);
        World { rows }
    }

    fn bucket(&self) -> i64 {
        match self.step {
            Some(Step::Subday(_) | Step::Day) | None => DAY,
            Some(Step::Week) => 7 * DAY,
            Some(Step::Month) => 31 * DAY,
            Some(Step::Quarter) => 92 * DAY,
            Some(Step::Year | Step::Declared(_)) => 366 * DAY,
        }
    }

    /// How many days each of many worlds has.
    fn days(&self) -> u64 {
        (2 * (self.vocabulary.reach + self.bucket()) / DAY) as u64 + 8
    }

    /// How many worlds are asked at once: cells of samples end with the year 9999.
    fn at_once(&self) -> usize {
        AT_ONCE.min((7_900 * 365 / self.days()) as usize)
    }

    /// Where worlds that stand alone may lie: where conditions say so, else on a day in the midst of week, month and year.
    fn spots(&self) -> Vec<Spot> {
        let zone = self.queries[0].zone;
        let spot = |middle: i64| Spot { middle, number: None, zone };
        if self.vocabulary.instants.is_empty() {
            return [(2026, 3, 11), (2026, 8, 15)]
                .into_iter()
                .filter_map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day))
                .map(|day| spot(noon(day, zone)))
                .collect();
        }
        self.vocabulary.instants.iter().map(|instant| spot(*instant)).collect()
    }

    /// What both versions say of each of some worlds.
    fn say(&mut self, worlds: &[World]) -> Result<Vec<[Said; 2]>, Diagnostics> {
        let zone = self.queries[0].zone;
        let days = self.days();
        let start = NaiveDate::from_ymd_opt(2001, 1, 10).unwrap_or_default();
        let middle = |number: usize| noon(start + Days::new(number as u64 * days), zone);
        let mut cells: Vec<Vec<Vec<Option<String>>>> = vec![Vec::new(); self.vocabulary.tables.len()];
        for (number, world) in worlds.iter().enumerate() {
            let spot = Spot { middle: middle(number), number: Some(number), zone };
            for (all, own) in cells.iter_mut().zip(world.cells(&self.vocabulary, spot)) {
                all.extend(own);
            }
        }
        let mut said = vec![[Said::new(), Said::new()]; worlds.len()];
        let (first, length) = (middle(0) - days as i64 * DAY / 2, days as i64 * DAY);
        for side in 0..2 {
            let answer = self.ask(side, &cells)?;
            for (row, values) in answer.rows.iter().enumerate() {
                let Some(Value::Timestamp(ms)) = values.first() else { continue };
                let number = usize::try_from((ms - first).div_euclid(length)).unwrap_or(usize::MAX);
                if let Some(said) = said.get_mut(number) {
                    said[side].insert(keys(&answer, row), values[answer.keys].clone());
                }
            }
        }
        Ok(said)
    }

    /// What both versions say of one world on its own.
    fn say_at(&mut self, world: &World, spot: Spot) -> Result<[Said; 2], Diagnostics> {
        let cells = world.cells(&self.vocabulary, spot);
        let mut said = [Said::new(), Said::new()];
        for (side, said) in said.iter_mut().enumerate() {
            let answer = self.ask(side, &cells)?;
            said.extend((0..answer.rows.len()).map(|row| (keys(&answer, row), answer.rows[row][answer.keys].clone())));
        }
        Ok(said)
    }

    /// The answer of a side over rows, of which each table gets the columns that it has.
    fn ask(&mut self, side: usize, cells: &[Vec<Vec<Option<String>>>]) -> Result<Answer, Diagnostics> {
        let query = &self.queries[side];
        for place in query.stored_tables() {
            let table = &query.tables[place];
            let known = self.vocabulary.tables.iter().position(|words| words.table == table.name);
            let Some(known) = known.filter(|known| !cells[*known].is_empty()) else {
                self.sides[side].register(table, &Data::Empty)?;
                continue;
            };
            let columns = &self.vocabulary.tables[known].columns;
            let has = |name: &str| table.columns.iter().any(|column| column.name == name);
            let kept: Vec<usize> = (0..columns.len()).filter(|at| has(&columns[*at].stored.name)).collect();
            let given = Given {
                columns: kept.iter().map(|at| columns[*at].stored.name.clone()).collect(),
                rows: cells[known].iter().map(|row| kept.iter().map(|at| row[*at].clone()).collect()).collect(),
            };
            self.sides[side].register(table, &Data::Given(&given, &|_| None))?;
        }
        self.sides[side].run(query)
    }

    fn witness(&mut self, world: &World, spot: Spot) -> Result<Witness, Diagnostics> {
        let [old, new] = self.say_at(world, spot)?;
        let keys: std::collections::BTreeSet<&Vec<String>> = old.keys().chain(new.keys()).collect();
        let metric = |side: usize| &self.queries[side].metrics[0].column.ty;
        let shown = |said: &Said, key: &Vec<String>, side: usize| {
            let value = said.get(key).filter(|value| **value != Value::Null)?;
            Some(crate::table::plain_text(value, metric(side)))
        };
        let values = keys.into_iter().filter(|key| differ(old.get(*key), new.get(*key))).map(|key| Differing {
            time: (!key.is_empty()).then(|| key.join(", ")),
            old: shown(&old, key, 0),
            new: shown(&new, key, 1),
        });
        let values = values.collect();
        Ok(Witness { given: world.given(&self.vocabulary, spot), values })
    }
}

/// The texts of the keys of a row: its bucket and its dimensions.
fn keys(answer: &Answer, row: usize) -> Vec<String> {
    let text = |column: usize| match &answer.rows[row][column] {
        Value::Timestamp(ms) if column == 0 && answer.step.is_some_and(|step| !matches!(step, Step::Subday(_))) => {
            local(*ms, answer.zone).format("%Y-%m-%d").to_string()
        }
        _ => answer.text(row, column).unwrap_or_else(|| "null".to_owned()),
    };
    (0..answer.keys).map(text).collect()
}

fn disagree([old, new]: &[Said; 2]) -> bool {
    old.keys().chain(new.keys()).any(|key| differ(old.get(key), new.get(key)))
}

/// Whether two values are not the same number. No row is as good as nothing.
fn differ(old: Option<&Value>, new: Option<&Value>) -> bool {
    match (old, new) {
        (None, None) => false,
        (Some(one), None) | (None, Some(one)) => !is_nothing(one),
        (Some(Value::Float(a)), Some(Value::Float(b))) => (a - b).abs() > 1e-9 * a.abs().max(b.abs()),
        (Some(old), Some(new)) => match (number(old), number(new)) {
            // Of two types, such as an int and a decimal.
            (Some(a), Some(b)) if std::mem::discriminant(old) != std::mem::discriminant(new) => {
                (a - b).abs() > 1e-9 * a.abs().max(b.abs())
            }
            _ => old != new,
        },
    }
}

fn is_nothing(value: &Value) -> bool {
    *value == Value::Null || number(value) == Some(0.0)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) | Value::Duration(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Decimal(digits) => Some(*digits as f64),
        _ => None,
    }
}
