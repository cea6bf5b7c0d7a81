//! Row sets that are made of others: rows as they came, first rows, unions, sessions.

use super::model::*;

/// A row set with a table of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// Its name, columns, key and time; never any rows.
    pub table: Table,
    pub origin: Origin,
}

/// What the rows are made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// `raw event`
    Raw(String),
    /// `first of rows per (a, b)`: each a dimension, else an entity, else a column, by its name.
    FirstOf { rows: String, keys: Vec<String> },
    /// `a | b`
    Union(Vec<String>),
    /// `session … of entity`
    Session { entity: String, rows: String, gap: i64, keep: Vec<Kept> },
}

/// `max(column) as name`
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub name: String,
    pub aggregate: Aggregate,
    pub column: String,
}

/// The column that holds the time of a union's rows, which no name reaches.
pub const TIME: &str = "·time";

/// The column that holds the value of a dimension, where rows come from several tables or become one.
pub fn held(dimension: &str) -> String {
    format!("·{dimension}")
}

impl Origin {
    /// The row sets that it reads.
    pub fn reads(&self) -> Vec<&String> {
        match self {
            Origin::Raw(rows) | Origin::FirstOf { rows, .. } | Origin::Session { rows, .. } => vec![rows],
            Origin::Union(members) => members.iter().collect(),
        }
    }

    /// The same, to be changed.
    pub fn reads_mut(&mut self) -> Vec<&mut String> {
        match self {
            Origin::Raw(rows) | Origin::FirstOf { rows, .. } | Origin::Session { rows, .. } => vec![rows],
            Origin::Union(members) => members.iter_mut().collect(),
        }
    }
}

impl Project {
    pub fn derived(&self, name: &str) -> Option<&Derived> {
        self.derived.iter().find(|derived| derived.table.name == name)
    }

    /// What a row of a table is, which is the unit of their number.
    pub fn nature<'a>(&'a self, table: &'a str) -> &'a str {
        match self.derived(table).map(|derived| &derived.origin) {
            Some(Origin::Raw(rows) | Origin::FirstOf { rows, .. }) => {
                self.base(rows).map_or(table, |base| self.nature(&base.name))
            }
            _ => table,
        }
    }

    /// Whether the rows of a table are read as they came.
    pub fn is_read_raw(&self, table: &str) -> bool {
        self.derived.iter().any(|derived| matches!(&derived.origin, Origin::Raw(rows) if rows == table))
    }

    /// Gives every derived table the columns that follow from what it is made of; false where that makes no sense.
    pub fn shape(&mut self) -> bool {
        for place in 0..self.derived.len() {
            let derived = &self.derived[place];
            let name = derived.table.name.clone();
            let earlier = |rows: &&String| {
                let base = self.base(rows).map(|table| &table.name);
                base.is_some_and(|base| self.derived[place..].iter().all(|later| later.table.name != *base))
            };
            if !derived.origin.reads().iter().all(earlier) {
                return false;
            }
            let Some(mut table) = self.shape_of(&derived.origin) else { return false };
            table.name = name;
            self.derived[place].table = table;
        }
        true
    }

    fn shape_of(&self, origin: &Origin) -> Option<Table> {
        match origin {
            Origin::Raw(rows) => {
                let base = self.table(rows).filter(|_| self.derived(rows).is_none())?;
                let mut table = Table {
                    entity: false,
                    key: Vec::new(),
                    latest_by: None,
                    history: None,
                    rows: Vec::new(),
                    ..base.clone()
                };
                for column in &mut table.columns {
                    let dropped = base.key.contains(&column.name) || base.time.as_ref() == Some(&column.name);
                    column.nullable |= dropped || column.computed.is_some();
                }
                Some(table)
            }
            Origin::FirstOf { rows, keys } => {
                let base = self.base(rows)?;
                keys.iter().all(|key| self.first_of_key(base, key)).then_some(())?;
                let time = Some(self.dated(rows)?.to_owned());
                Some(Table { entity: false, time, latest_by: None, history: None, rows: Vec::new(), ..base.clone() })
            }
            Origin::Union(members) => self.union_shape(members),
            Origin::Session { entity, rows, keep, .. } => self.session_shape(entity, rows, keep),
        }
    }

    /// Whether a name can be a key of first rows of a table.
    fn first_of_key(&self, base: &Table, key: &str) -> bool {
        match (self.dimension(key), self.table(key).filter(|table| table.entity)) {
            (Some(dimension), _) => self.binding(dimension, base).is_some(),
            (None, Some(_)) => base.links_to(key).len() == 1,
            (None, None) => base.column(key).is_some(),
        }
    }

    fn union_shape(&self, members: &[String]) -> Option<Table> {
        let bases: Vec<&Table> = members.iter().map(|rows| self.base(rows)).collect::<Option<_>>()?;
        members.iter().all(|rows| self.dated(rows).is_some()).then_some(())?;
        let (first, others) = bases.split_first()?;
        let mut columns = Vec::new();
        for column in &first.columns {
            let found: Option<Vec<&Column>> = others.iter().map(|table| table.column(&column.name)).collect();
            let all: Vec<&Column> = found.into_iter().flatten().chain([column]).collect();
            let agree = |other: &&Column| other.ty == column.ty && other.unit == column.unit;
            if all.len() == bases.len() && all.iter().all(agree) {
                columns.push(Column {
                    nullable: all.iter().any(|column| column.nullable),
                    pii: all.iter().any(|column| column.pii),
                    milliseconds: false,
                    computed: None,
                    ..column.clone()
                });
            }
        }
        Some(plain(columns, Vec::new(), TIME))
    }

    fn session_shape(&self, entity: &str, rows: &str, keep: &[Kept]) -> Option<Table> {
        let base = self.base(rows)?;
        self.dated(rows)?;
        let [link] = base.links_to(entity)[..] else { return None };
        let counted = self.nature(&base.name).to_owned();
        let mut columns = vec![
            made(&link.name, link.ty.clone(), None),
            made("started_at", Ty::Timestamp, None),
            made("ended_at", Ty::Timestamp, None),
            made("duration", Ty::Duration, None),
            made("rows", Ty::Int, Some(counted)),
        ];
        for kept in keep {
            let of = base.column(&kept.column)?;
            let ordered = matches!(kept.aggregate, Aggregate::First | Aggregate::Last);
            (!ordered || !base.key.is_empty()).then_some(())?;
            columns.push(Column { nullable: of.nullable, ..made(&kept.name, of.ty.clone(), of.unit.clone()) });
        }
        let key = vec![link.name.clone(), "started_at".to_owned()];
        Some(plain(columns, key, "started_at"))
    }

    /// The value of a dimension over the rows of a derived table.
    pub fn derived_binding(&self, dimension: &Dimension, derived: &Derived) -> Option<Expr> {
        let mut reads = derived.origin.reads().into_iter();
        match &derived.origin {
            Origin::Raw(rows) | Origin::FirstOf { rows, .. } => self.binding(dimension, self.base(rows)?),
            Origin::Union(_) | Origin::Session { .. } => {
                let bound =
                    reads.all(|rows| self.base(rows).is_some_and(|base| self.binding(dimension, base).is_some()));
                let node = Node::Column(vec![held(&dimension.name)]);
                bound.then(|| Expr {
                    node,
                    ty: dimension.ty.clone(),
                    nullable: true,
                    unit: Unit::new(),
                    inexact: false,
                })
            }
        }
    }
}

/// A column that holds data and may not be null.
fn made(name: &str, ty: Ty, unit: Option<String>) -> Column {
    Column { name: name.to_owned(), ty, nullable: false, unit, pii: false, milliseconds: false, computed: None }
}

fn plain(columns: Vec<Column>, key: Vec<String>, time: &str) -> Table {
    let time = Some(time.to_owned());
    Table { name: String::new(), entity: false, columns, key, latest_by: None, time, history: None, rows: Vec::new() }
}
