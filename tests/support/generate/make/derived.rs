//! Row sets that are made of others.

use super::super::derived::{Derived, Kept, Origin};
use super::super::model::*;
use super::Maker;

impl Maker {
    /// Up to two of them, some with a subset.
    pub fn derived(&mut self) {
        for number in 1..=self.rng.below(3) {
            let Some(origin) = (0..4).find_map(|_| self.origin()) else { continue };
            let name = format!("d{number}");
            let table = Table {
                name: name.clone(),
                entity: false,
                columns: Vec::new(),
                key: Vec::new(),
                latest_by: None,
                time: None,
                history: None,
                rows: Vec::new(),
            };
            self.project.derived.push(Derived { table, origin });
            if !self.project.shape() {
                self.project.derived.pop();
                continue;
            }
            if self.rng.chance(40) {
                let timed = self.project.dated(&name).is_some() && !self.is_raw(&name);
                let filter = self.condition(&name, 1, timed);
                if filter.is_some() {
                    self.project.subsets.push(Subset { name: format!("x{number}"), base: name, filter, dated: None });
                }
            }
        }
    }

    /// Whether rows may lack a time.
    pub fn is_raw(&self, rows: &str) -> bool {
        let base = self.project.base(rows).map(|table| table.name.clone());
        let derived = base.and_then(|base| self.project.derived(&base).cloned());
        derived.is_some_and(|derived| match &derived.origin {
            Origin::Raw(_) => true,
            Origin::FirstOf { .. } | Origin::Union(_) | Origin::Session { .. } => false,
        })
    }

    fn origin(&mut self) -> Option<Origin> {
        let stored: Vec<String> = self.project.tables.iter().map(|table| table.name.clone()).collect();
        let timed: Vec<String> = (stored.iter().cloned())
            .chain(self.project.subsets.iter().map(|subset| subset.name.clone()))
            .chain(self.project.derived.iter().map(|derived| derived.table.name.clone()))
            .filter(|rows| self.project.dated(rows).is_some() && !self.is_raw(rows))
            .collect();
        match self.rng.below(4) {
            0 => Some(Origin::Raw(self.rng.maybe(&stored)?.clone())),
            1 => {
                let rows = self.rng.maybe(&timed)?.clone();
                let keys = self.first_keys(&rows)?;
                Some(Origin::FirstOf { rows, keys })
            }
            2 => {
                // Rows of a union are told apart by the sources that its own members have.
                let is_union = |rows: &String| {
                    let base = self.project.base(rows).expect("a declared row set");
                    let derived = self.project.derived(self.project.nature(&base.name));
                    derived.is_some_and(|derived| matches!(derived.origin, Origin::Union(_)))
                };
                let mut members: Vec<String> = timed.iter().filter(|rows| !is_union(rows)).cloned().collect();
                self.rng.shuffle(&mut members);
                members.truncate(2 + self.rng.below(2));
                (members.len() > 1).then_some(Origin::Union(members))
            }
            _ => self.session(&timed),
        }
    }

    /// One or two dimensions, entities or columns.
    fn first_keys(&mut self, rows: &str) -> Option<Vec<String>> {
        let table = self.project.base(rows)?.clone();
        let fits = |column: &&Column| {
            let plain = matches!(column.ty, Ty::Int | Ty::Str | Ty::Bool | Ty::Enum(_) | Ty::Entity(_) | Ty::Date);
            let other = self.project.dimension(&column.name).is_some() || self.project.table(&column.name).is_some();
            plain && !column.pii && !other && column.computed.is_none()
        };
        let mut names: Vec<String> = table.columns.iter().filter(fits).map(|column| column.name.clone()).collect();
        names.extend(
            (self.project.tables.iter())
                .filter(|entity| entity.entity && table.links_to(&entity.name).len() == 1)
                .filter(|entity| self.project.dimension(&entity.name).is_none() && table.column(&entity.name).is_none())
                .map(|entity| entity.name.clone()),
        );
        names.extend(
            (self.project.dimensions.iter())
                .filter(|dimension| self.project.binding(dimension, &table).is_some())
                .map(|dimension| dimension.name.clone()),
        );
        self.rng.shuffle(&mut names);
        names.truncate(1 + self.rng.below(2));
        (!names.is_empty()).then_some(names)
    }

    fn session(&mut self, timed: &[String]) -> Option<Origin> {
        let rows = self.rng.maybe(timed)?.clone();
        let base = self.project.base(&rows)?.clone();
        let entities: Vec<String> = (self.project.tables.iter())
            .filter(|table| table.entity && base.links_to(&table.name).len() == 1)
            .map(|table| table.name.clone())
            .collect();
        let entity = self.rng.maybe(&entities)?.clone();
        let gap = *self.rng.pick(&[1_000, 1_800_000, 3_600_000, 86_400_000, 7 * 86_400_000]);
        let fits = |column: &&Column| {
            let plain = matches!(column.ty, Ty::Int | Ty::Str | Ty::Timestamp | Ty::Decimal(18, _) | Ty::Duration);
            plain && !column.pii && column.computed.is_none()
        };
        let columns: Vec<String> = base.columns.iter().filter(fits).map(|column| column.name.clone()).collect();
        let mut keep = Vec::new();
        for number in 1..=self.rng.below(3) {
            let mut all = vec![Aggregate::Min, Aggregate::Max];
            if !base.key.is_empty() {
                all.extend([Aggregate::First, Aggregate::Last]);
            }
            let aggregate = *self.rng.pick(&all);
            let Some(column) = self.rng.maybe(&columns).cloned() else { break };
            keep.push(Kept { name: format!("k{number}"), aggregate, column });
        }
        Some(Origin::Session { entity, rows, gap, keep })
    }
}
