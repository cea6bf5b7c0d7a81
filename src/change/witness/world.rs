//! Small worlds: a few rows of some tables, which lie in a time of their own and share no names with other worlds.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use fastrand::Rng;

use crate::plan::{DataType, StoredColumn};
use crate::table::form;
use crate::value::time::{instant, local_date};

use super::GivenRows;
use super::vocabulary::{Vocabulary, Word};

/// Where a world lies, and what its names end with.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// The instant in its middle, in milliseconds since 1970 UTC.
    pub middle: i64,
    /// What tells its names from those of other worlds; none for a world that stands alone.
    pub number: Option<usize>,
    /// The project's zone.
    pub zone: Tz,
}

/// A row: the table's place in the vocabulary, and a word a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The table.
    pub table: usize,
    /// Its cells.
    pub words: Vec<Word>,
}

/// A few rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct World {
    /// In any order.
    pub rows: Vec<Row>,
}

impl World {
    /// Some rows, mostly of words that conditions want.
    pub fn random(vocabulary: &Vocabulary, most: usize, rng: &mut Rng) -> World {
        let events: Vec<usize> = (0..vocabulary.tables.len()).filter(|at| !vocabulary.tables[*at].looked_up).collect();
        let mut rows: Vec<Row> = Vec::new();
        for _ in 0..rng.usize(1..=most) {
            let Some(table) = rng.choice(events.iter().copied()) else { break };
            let like = rows.iter().filter(|row| row.table == table);
            // Rows that differ in little show what tells rows apart.
            let like = rng.choice(like.cloned().collect::<Vec<Row>>()).filter(|_| rng.bool());
            rows.push(match like {
                Some(mut row) => {
                    row.change(vocabulary, rng);
                    row
                }
                None => Row::random(vocabulary, table, rng),
            });
        }
        for table in (0..vocabulary.tables.len()).filter(|at| vocabulary.tables[*at].looked_up) {
            let first = Row::random(vocabulary, table, rng);
            let second = rng.u8(0..4) == 0;
            rows.push(first);
            if second {
                rows.push(Row::random(vocabulary, table, rng));
            }
        }
        World { rows }
    }

    /// A world that differs from this one in a row or a cell.
    pub fn beside(&self, vocabulary: &Vocabulary, rng: &mut Rng) -> World {
        let mut rows = self.rows.clone();
        let at = rng.usize(0..rows.len().max(1));
        if let Some(row) = rows.get_mut(at) {
            let mut row_ = row.clone();
            row_.change(vocabulary, rng);
            if rng.u8(0..4) == 0 { rows.push(row_) } else { *row = row_ }
        }
        World { rows }
    }

    /// Worlds with one row less, a simpler cell, or a simpler word in all cells that have the same one; the simplest first.
    pub fn simpler(&self, vocabulary: &Vocabulary) -> Vec<World> {
        let without = (0..self.rows.len()).map(|at| {
            let mut rows = self.rows.clone();
            rows.remove(at);
            World { rows }
        });
        let mut found: Vec<World> = without.filter(|world| !world.rows.is_empty()).collect();
        for (at, row) in self.rows.iter().enumerate() {
            let columns = &vocabulary.tables[row.table].columns;
            for (place, (word, column)) in row.words.iter().zip(columns).enumerate() {
                let simpler = column.words.iter().filter(|other| weight(other) < weight(word));
                for other in simpler {
                    let mut rows = self.rows.clone();
                    rows[at].words[place] = other.clone();
                    found.push(World { rows });
                }
            }
        }
        // Times belong together: what is moved alone may no longer be in one bucket with the others.
        let times: BTreeSet<&Word> = self.words().filter(|word| matches!(word, Word::At(ms) if *ms != 0)).collect();
        found.extend(times.into_iter().map(|time| {
            let mut world = self.clone();
            let words = world.rows.iter_mut().flat_map(|row| &mut row.words).filter(|word| *word == time);
            words.for_each(|word| *word = Word::At(0));
            world
        }));
        found.sort_by_cached_key(World::weight);
        found
    }

    fn words(&self) -> impl Iterator<Item = &Word> {
        self.rows.iter().flat_map(|row| &row.words)
    }

    /// How much a reader has to take in: rows first.
    pub fn weight(&self) -> (usize, u64, u64) {
        let (mut kinds, mut sizes) = (0, 0_u64);
        for (kind, size) in self.words().map(weight) {
            kinds += u64::from(kind);
            sizes = sizes.saturating_add(size);
        }
        (self.rows.len(), kinds, sizes)
    }

    /// Its rows as cells, a table at each place of the vocabulary.
    pub fn cells(&self, vocabulary: &Vocabulary, spot: Spot) -> Vec<Vec<Vec<Option<String>>>> {
        let mut all = vec![Vec::new(); vocabulary.tables.len()];
        for row in &self.rows {
            let columns = &vocabulary.tables[row.table].columns;
            let cells = row.words.iter().zip(columns).map(|(word, column)| spot.cell(word, &column.stored));
            all[row.table].push(cells.collect());
        }
        all
    }

    /// Its rows as people read them, on its own.
    pub fn given(&self, vocabulary: &Vocabulary, spot: Spot) -> Vec<GivenRows> {
        let all = self.cells(vocabulary, spot).into_iter().zip(&vocabulary.tables);
        let all = all.filter(|(rows, _)| !rows.is_empty());
        all.map(|(rows, words)| GivenRows {
            table: words.table.clone(),
            columns: words.columns.iter().map(|column| column.stored.name.clone()).collect(),
            rows,
        })
        .collect()
    }
}

/// How much a reader has to take in of a word.
fn weight(word: &Word) -> (u8, u64) {
    match word {
        Word::Null => (0, 0),
        Word::Id(id) => (1, u64::from(*id)),
        Word::At(0) | Word::Day(0) => (1, 0),
        Word::Text(text) => (if text.starts_with('-') { 3 } else { 2 }, text.len() as u64),
        Word::Day(days) => (3, u64::from(days.unsigned_abs()) * 2 + u64::from(*days < 0)),
        Word::At(ms) => (3, ms.unsigned_abs().saturating_mul(2) + u64::from(*ms < 0)),
    }
}

impl Row {
    fn random(vocabulary: &Vocabulary, table: usize, rng: &mut Rng) -> Row {
        let columns = vocabulary.tables[table].columns.len();
        let words = (0..columns).map(|column| word(vocabulary, table, column, rng)).collect();
        Row { table, words }
    }

    fn change(&mut self, vocabulary: &Vocabulary, rng: &mut Rng) {
        let columns = vocabulary.tables[self.table].columns.len();
        if columns > 0 {
            let at = rng.usize(0..columns);
            self.words[at] = word(vocabulary, self.table, at, rng);
        }
    }
}

fn word(vocabulary: &Vocabulary, table: usize, column: usize, rng: &mut Rng) -> Word {
    let column = &vocabulary.tables[table].columns[column];
    let wanted = rng.choice(column.wanted.iter().copied()).filter(|_| rng.u8(0..4) > 0);
    let any = wanted.or_else(|| rng.choice(0..column.words.len()));
    any.map_or(Word::Null, |at| column.words[at].clone())
}

impl Spot {
    fn cell(self, word: &Word, column: &StoredColumn) -> Option<String> {
        Some(match word {
            Word::Null => return None,
            Word::Text(text) => text.clone(),
            Word::Id(id) => match (&column.ty, self.number) {
                (DataType::Int, number) => (number.unwrap_or(0) * 10 + usize::from(*id)).to_string(),
                (_, Some(number)) => format!("{}{number}", letter(*id)),
                (_, None) => letter(*id).to_string(),
            },
            Word::At(ms) => form::timestamp_short(self.middle + ms, self.zone),
            Word::Day(days) => form::date(form::days_of(local_date(self.middle, self.zone)) + days),
        })
    }
}

fn letter(id: u8) -> char {
    char::from(b'a' + id.saturating_sub(1).min(25))
}

/// Noon of a day, in milliseconds since 1970 UTC.
pub fn noon(day: chrono::NaiveDate, zone: Tz) -> i64 {
    day.and_hms_opt(12, 0, 0).map_or(0, |noon| instant(noon, zone))
}
