//! Rows: with repeated keys, ties, nulls, unknown keys; also none at all.

use super::super::model::*;
use super::{Maker, times};

impl Maker {
    /// Fills every table.
    pub fn rows(&mut self) {
        for place in 0..self.project.tables.len() {
            let table = self.project.tables[place].clone();
            let crowded = self.rng.chance(60);
            let all_null: Vec<bool> = (table.columns.iter())
                .map(|column| column.nullable && !table.key.contains(&column.name) && self.rng.chance(5))
                .collect();
            let mut rows: Vec<Vec<Value>> = Vec::new();
            for number in 0..self.size(table.entity) {
                let row = match self.repeated(&table, &rows) {
                    Some(row) => row,
                    None => (table.columns.iter().zip(&all_null))
                        .map(
                            |(column, null)| {
                                if *null { Value::Null } else { self.fresh(&table, column, number, crowded) }
                            },
                        )
                        .collect(),
                };
                rows.push(row);
            }
            self.rng.shuffle(&mut rows);
            self.project.tables[place].rows = rows;
        }
    }

    fn size(&mut self, entity: bool) -> usize {
        match self.rng.below(20) {
            0 => 0,
            1 | 2 => 1 + self.rng.below(4),
            _ if entity => 4 + self.rng.below(12),
            3 => 150 + self.rng.below(150),
            _ => 8 + self.rng.below(50),
        }
    }

    /// A second row of a key: the same row, or one that differs and may tie.
    fn repeated(&mut self, table: &Table, rows: &[Vec<Value>]) -> Option<Vec<Value>> {
        if rows.is_empty() || table.key.is_empty() || !self.rng.chance(20) {
            return None;
        }
        let mut row = self.rng.pick(rows).clone();
        if self.rng.chance(40) {
            return Some(row);
        }
        for (column, value) in table.columns.iter().zip(&mut row) {
            let decides = table.time.as_ref() == Some(&column.name) || table.latest_by.as_ref() == Some(&column.name);
            if table.key.contains(&column.name) || self.rng.chance(if decides { 60 } else { 40 }) {
                continue;
            }
            *value = if column.nullable && self.rng.chance(15) { Value::Null } else { self.cell(column) };
        }
        Some(row)
    }

    fn fresh(&mut self, table: &Table, column: &Column, number: usize, crowded: bool) -> Value {
        let key = table.key.contains(&column.name);
        if column.nullable && self.rng.chance(if key { 8 } else { 20 }) {
            return Value::Null;
        }
        if key && table.entity {
            return self.new_entity_key(column);
        }
        match &column.ty {
            Ty::Int if key => Value::Int(number as i64 / 2),
            Ty::Str if key => Value::Str(match self.rng.below(20) {
                0 => String::new(),
                1 => format!("k'{number}"),
                _ => format!("k{number}"),
            }),
            Ty::Timestamp if crowded && table.time.as_ref() == Some(&column.name) => {
                Value::Timestamp(times::crowded(&mut self.rng, self.project.zone))
            }
            _ => self.cell(column),
        }
    }

    /// A key out of the values that links use.
    fn new_entity_key(&mut self, column: &Column) -> Value {
        let number = self.rng.between(0, 10);
        match column.ty {
            Ty::Int => Value::Int(number),
            _ if number == 0 => Value::Str(String::new()),
            _ if number == 1 => Value::Str("用户'1".into()),
            _ => Value::Str(format!("u{number}")),
        }
    }
}
