//! Sources and entities: their columns, keys and times.

use super::super::model::*;
use super::Maker;
use super::columns::KINDS;

impl Maker {
    /// Up to three entities, each linking to later ones, and up to three sources that link to them.
    pub fn tables(&mut self) {
        let names = ["user", "city", "device"];
        let entities = self.rng.below(4);
        let mut made: Vec<String> = Vec::new();
        // The last one first, so that a link's target is there.
        for name in names[..entities].iter().rev() {
            let table = self.entity(name, &made);
            made.push((*name).to_owned());
            self.project.tables.push(table);
        }
        let mut sources = vec!["event", "task", "order"];
        self.rng.shuffle(&mut sources);
        sources.truncate(1 + self.rng.below(3));
        for name in sources {
            let table = self.source(name, &made);
            self.project.tables.push(table);
        }
    }

    fn entity(&mut self, name: &str, others: &[String]) -> Table {
        let key = format!("{name}_id");
        let ty = if self.rng.chance(30) { Ty::Int } else { Ty::Str };
        let mut columns = vec![plain(&key, ty, self.rng.chance(20))];
        columns.extend(self.links(others, 60));
        let wanted = 2 + self.rng.below(4);
        self.some_columns(&mut columns, wanted);
        let mut table = table(name, true, columns, vec![key]);
        if self.rng.chance(20) {
            self.history(&mut table);
        } else if self.rng.chance(40) {
            table.columns.push(plain("registered_at", Ty::Timestamp, self.rng.chance(30)));
            if self.rng.chance(60) {
                table.time = Some("registered_at".into());
            }
        }
        self.latest_by(&mut table);
        table
    }

    /// Makes the rows of an entity versions.
    fn history(&mut self, table: &mut Table) {
        if self.rng.chance(30) {
            table.columns.push(plain("ds", Ty::Date, self.rng.chance(20)));
            table.history = Some(History::Snapshot("ds".into()));
            return;
        }
        let ty = if self.rng.chance(70) { Ty::Timestamp } else { Ty::Date };
        table.columns.push(plain("valid_from", ty.clone(), self.rng.chance(30)));
        table.columns.push(plain("valid_to", ty, true));
        table.history = Some(History::Valid("valid_from".into(), "valid_to".into()));
    }

    fn source(&mut self, name: &str, entities: &[String]) -> Table {
        let mut columns = Vec::new();
        let mut key = Vec::new();
        if !self.rng.chance(15) {
            key.push(format!("{name}_id"));
            let ty = if self.rng.chance(30) { Ty::Int } else { Ty::Str };
            columns.push(plain(&key[0], ty, self.rng.chance(25)));
            if self.rng.chance(15) {
                key.push("part".into());
                columns.push(plain("part", Ty::Int, self.rng.chance(25)));
            }
        }
        let time = self.rng.pick(&["event_time", "created_at", "ts"]).to_string();
        let mut column = plain(&time, Ty::Timestamp, self.rng.chance(25));
        column.milliseconds = self.rng.chance(40);
        columns.push(column);
        columns.extend(self.links(entities, 75));
        let wanted = 3 + self.rng.below(7);
        self.some_columns(&mut columns, wanted);
        let mut table = table(name, false, columns, key);
        table.time = Some(time);
        self.latest_by(&mut table);
        table
    }

    /// Columns that hold keys of entities; sometimes two of one.
    fn links(&mut self, entities: &[String], percent: u64) -> Vec<Column> {
        let mut columns = Vec::new();
        for entity in entities {
            if self.rng.chance(percent) {
                columns.push(plain(&format!("{entity}_id"), Ty::Entity(entity.clone()), self.rng.chance(60)));
                if self.rng.chance(12) {
                    columns.push(plain(&format!("other_{entity}"), Ty::Entity(entity.clone()), true));
                }
            }
        }
        columns
    }

    fn some_columns(&mut self, columns: &mut Vec<Column>, wanted: usize) {
        let mut kinds: Vec<usize> = (0..KINDS.len()).collect();
        self.rng.shuffle(&mut kinds);
        for kind in kinds.into_iter().take(wanted).map(|kind| &KINDS[kind]) {
            let ty = (kind.ty)();
            let nullable = ty != Ty::Map && self.rng.chance(50);
            let mut column = plain(kind.name, ty, nullable);
            column.unit = kind.unit.filter(|_| self.rng.chance(80)).map(str::to_owned);
            column.milliseconds = kind.milliseconds;
            column.pii = kind.pii;
            columns.push(column);
        }
    }

    fn latest_by(&mut self, table: &mut Table) {
        if table.key.is_empty() || !self.rng.chance(40) {
            return;
        }
        let (ty, name) = if self.rng.chance(70) { (Ty::Timestamp, "updated_at") } else { (Ty::Int, "revision") };
        let place = self.rng.below(table.columns.len() + 1);
        table.columns.insert(place, plain(name, ty, self.rng.chance(40)));
        table.latest_by = Some(name.into());
    }

    /// Columns computed from others, once there are rows to take literals from.
    pub fn computed_columns(&mut self) {
        for place in 0..self.project.tables.len() {
            if !self.rng.chance(35) {
                continue;
            }
            let table = self.project.tables[place].name.clone();
            let wanted = [Ty::Int, Ty::Str, Ty::Bool, Ty::Float][self.rng.below(4)].clone();
            let Some(expr) = self.row_expr(&table, &wanted, 2, false) else { continue };
            if expr
                .any(&mut |e| matches!(&e.node, Node::Column(path) if path.len() > 1 || self.is_pii(&table, &path[0])))
            {
                continue;
            }
            let unit: Vec<(&String, &i32)> = expr.unit.iter().collect();
            let unit = match unit[..] {
                [] => None,
                [(name, 1)] => Some(name.clone()),
                _ => continue,
            };
            let column = Column {
                name: "derived".into(),
                ty: wanted,
                nullable: expr.nullable,
                unit,
                pii: false,
                milliseconds: false,
                computed: Some(expr),
            };
            self.project.tables[place].columns.push(column);
        }
    }

    pub fn is_pii(&self, table: &str, column: &str) -> bool {
        self.project.table(table).and_then(|table| table.column(column)).is_some_and(|column| column.pii)
    }
}

fn plain(name: &str, ty: Ty, nullable: bool) -> Column {
    Column { name: name.into(), ty, nullable, unit: None, pii: false, milliseconds: false, computed: None }
}

fn table(name: &str, entity: bool, columns: Vec<Column>, key: Vec<String>) -> Table {
    Table { name: name.into(), entity, columns, key, latest_by: None, time: None, history: None, rows: Vec::new() }
}
