//! The rows of derived row sets, from the definition: what they are made of is read row by row.

use std::collections::BTreeMap;

use super::super::derived::{Kept, Origin, TIME, held};
use super::super::model::*;
use super::aggregate::{Cell, Item, aggregate};
use super::eval::{eval, truth};
use super::{Oracle, Row, cells};

/// A row that counts in a row set, with its time there.
struct Chosen<'a> {
    table: &'a Table,
    row: &'a [Value],
    /// Its place among the rows of the table.
    place: usize,
    time: i64,
}

impl Oracle<'_> {
    /// Works out the rows of all derived tables, each out of the ones before.
    pub(super) fn derive(&mut self) {
        for derived in &self.project.derived {
            let table = match &derived.origin {
                Origin::Raw(rows) => self.as_they_came(rows, &derived.table),
                Origin::FirstOf { rows, keys } => self.first_rows(rows, keys, &derived.table),
                Origin::Union(members) => self.together(members, &derived.table),
                Origin::Session { entity, rows, gap, keep } => {
                    self.sessions((entity, rows, *gap, keep), &derived.table)
                }
            };
            let name = &derived.table.name;
            self.clean.insert(name.clone(), (0..table.rows.len()).collect());
            self.derived.insert(name.clone(), table);
        }
    }

    fn as_they_came(&self, rows: &str, shape: &Table) -> Table {
        Table { rows: self.base(rows).rows.clone(), ..shape.clone() }
    }

    /// The rows of a row set that have a time.
    fn chosen(&self, rows: &str) -> Vec<Chosen<'_>> {
        let table = self.base(rows);
        let dated = self.project.dated(rows).expect("a time").to_owned();
        let mut found = Vec::new();
        for place in &self.clean[&table.name] {
            let row = &table.rows[*place];
            let timeless = Row { oracle: self, table, row, time: None };
            let Value::Timestamp(time) = timeless.path(std::slice::from_ref(&dated)) else { continue };
            let scope = Row { oracle: self, table, row, time: Some(time) };
            if self.row_filters(rows).into_iter().all(|filter| truth(&eval(filter, &scope)) == Some(true)) {
                found.push(Chosen { table, row, place: *place, time });
            }
        }
        found
    }

    /// Of each combination of the keys the row with the least time, then the least key, then the smallest.
    fn first_rows(&self, rows: &str, keys: &[String], shape: &Table) -> Table {
        let base = self.base(rows);
        let mut first: BTreeMap<Vec<Cell>, Chosen<'_>> = BTreeMap::new();
        for chosen in self.chosen(rows) {
            let row = Row { oracle: self, table: base, row: chosen.row, time: Some(chosen.time) };
            let group: Vec<Cell> = keys.iter().map(|key| Cell(self.first_of_value(&row, key))).collect();
            if group.iter().any(|cell| cell.0.is_null()) {
                continue;
            }
            let before = |other: &Chosen<'_>| self.order(&chosen) < self.order(other);
            if first.get(&group).is_none_or(before) {
                first.insert(group, chosen);
            }
        }
        let rows = first.into_values().map(|chosen| chosen.row.to_vec()).collect();
        Table { columns: base.columns.clone(), rows, ..shape.clone() }
    }

    fn first_of_value(&self, row: &Row<'_>, key: &str) -> Value {
        if self.project.dimension(key).is_some() {
            return row.dimension(key);
        }
        match self.project.table(key).filter(|table| table.entity) {
            Some(_) => row.path(&[row.table.links_to(key)[0].name.clone()]),
            None => row.path(&[key.to_owned()]),
        }
    }

    /// Time, key, row.
    fn order(&self, chosen: &Chosen<'_>) -> (i64, Vec<Cell>, Vec<Cell>) {
        let Chosen { table, row, time, .. } = *chosen;
        let value = |name: &String| Cell(Row { oracle: self, table, row, time: None }.path(std::slice::from_ref(name)));
        (time, table.key.iter().map(value).collect(), cells(row))
    }

    /// The rows of all members; one that several have counts once, at its earliest time.
    fn together(&self, members: &[String], shape: &Table) -> Table {
        let columns = self.with_held(shape, members);
        let mut rows = Vec::new();
        let mut seen: BTreeMap<(String, Vec<Cell>), (i64, usize)> = BTreeMap::new();
        for member in members {
            for chosen in self.chosen(member) {
                let row = self.value_of(&columns, &chosen);
                let identity = self.identity(member, &chosen);
                match seen.get_mut(&identity) {
                    Some((time, _)) if *time <= chosen.time => {}
                    Some((time, place)) => {
                        *time = chosen.time;
                        rows[*place] = row;
                    }
                    None => {
                        seen.insert(identity, (chosen.time, rows.len()));
                        rows.push(row);
                    }
                }
            }
        }
        Table { columns, rows, ..shape.clone() }
    }

    /// What tells a row apart from all others: source and key. Without a key those of one table at one time are the same rows.
    fn identity(&self, rows: &str, chosen: &Chosen<'_>) -> (String, Vec<Cell>) {
        let table = &self.base(rows).name;
        let nature = self.project.nature(table).to_owned();
        let union = self.project.derived(&nature).filter(|derived| matches!(derived.origin, Origin::Union(_)));
        assert!(union.is_none(), "unions of unions are not generated");
        let (_, key, _) = self.order(chosen);
        if key.is_empty() {
            let dated = self.project.dated(rows).unwrap_or_default();
            return (format!("{table}·{dated}"), vec![Cell(Value::Int(chosen.place as i64))]);
        }
        (nature, key)
    }

    /// The columns of a union or session, and those that hold its dimensions and its time.
    fn with_held(&self, shape: &Table, reads: &[String]) -> Vec<Column> {
        let plain = |name: String, ty: Ty| Column {
            name,
            ty,
            nullable: true,
            unit: None,
            pii: false,
            milliseconds: false,
            computed: None,
        };
        let bases: Vec<&Table> = reads.iter().map(|rows| self.base(rows)).collect();
        let bound = |dimension: &&Dimension| bases.iter().all(|base| self.project.binding(dimension, base).is_some());
        let dimensions = self.project.dimensions.iter().filter(bound);
        let held = dimensions.map(|dimension| plain(held(&dimension.name), dimension.ty.clone()));
        let mut columns = shape.columns.clone();
        columns.extend(held);
        if shape.time.as_deref() == Some(TIME) {
            columns.push(plain(TIME.to_owned(), Ty::Timestamp));
        }
        columns
    }

    /// The values of a row for such columns.
    fn value_of(&self, columns: &[Column], chosen: &Chosen<'_>) -> Vec<Value> {
        let Chosen { table, row, time, .. } = *chosen;
        let row = Row { oracle: self, table, row, time: Some(time) };
        (columns.iter())
            .map(|column| match column.name.strip_prefix('·') {
                _ if column.name == TIME => Value::Timestamp(time),
                Some(dimension) => row.dimension(dimension),
                None => row.path(std::slice::from_ref(&column.name)),
            })
            .collect()
    }

    /// The rows of each entity, cut where more than the gap lies between two of them.
    fn sessions(&self, (entity, rows, gap, keep): (&String, &String, i64, &[Kept]), shape: &Table) -> Table {
        let base = self.base(rows);
        let link = base.links_to(entity)[0].name.clone();
        let columns = self.with_held(shape, std::slice::from_ref(rows));
        let mut by_entity: BTreeMap<Cell, Vec<Chosen<'_>>> = BTreeMap::new();
        for chosen in self.chosen(rows) {
            let row = Row { oracle: self, table: base, row: chosen.row, time: None };
            let whose = row.path(std::slice::from_ref(&link));
            if !whose.is_null() {
                by_entity.entry(Cell(whose)).or_default().push(chosen);
            }
        }
        let mut made = Vec::new();
        for (whose, mut all) in by_entity {
            all.sort_by_cached_key(|chosen| self.order(chosen));
            let mut start = 0;
            for end in 1..=all.len() {
                if end == all.len() || all[end].time - all[end - 1].time > gap {
                    made.push(self.session(&all[start..end], &whose.0, keep, &columns));
                    start = end;
                }
            }
        }
        Table { columns, rows: made, ..shape.clone() }
    }

    fn session(&self, rows: &[Chosen<'_>], whose: &Value, keep: &[Kept], columns: &[Column]) -> Vec<Value> {
        let (first, last) = (&rows[0], &rows[rows.len() - 1]);
        let mut values = vec![
            whose.clone(),
            Value::Timestamp(first.time),
            Value::Timestamp(last.time),
            Value::Duration(last.time - first.time),
            Value::Int(rows.len() as i64),
        ];
        for kept in keep {
            let item = |chosen: &Chosen<'_>| {
                let (time, key, _) = self.order(chosen);
                let row = Row { oracle: self, table: chosen.table, row: chosen.row, time: Some(time) };
                Item { value: row.path(std::slice::from_ref(&kept.column)), time, key }
            };
            let ty = &first.table.column(&kept.column).expect("a column").ty;
            let items: Vec<Item> = rows.iter().map(item).collect();
            values.push(aggregate(kept.aggregate, ty, &items, self.end));
        }
        let held = &columns[values.len()..];
        values.extend(self.value_of(held, first));
        values
    }
}
