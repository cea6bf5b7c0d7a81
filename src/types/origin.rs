//! Where the rows of a table come from: they are stored, or made of other row sets.

use rustc_hash::FxHashSet;

use super::made::Made;
use super::model::{Aggregation, ColumnId, RowExpr, RowExprKind, RowSet, Table, TableId, Type};

/// Where the rows of a table come from. A derived table stands behind all tables that it is made of.
#[derive(Clone, Debug)]
pub enum Origin {
    /// They are stored.
    Stored,
    /// `raw event`: the rows of a stored table as they came. Its columns are those of that table, in their places.
    Raw(TableId),
    /// `first of … per …`: for each combination of the keys' values the row with the least time, then the least key. Its
    /// columns are those of the table that the rows are of, in their places.
    FirstOf {
        /// Which rows.
        rows: RowSet,
        /// What has one row each.
        keys: Vec<RowExpr>,
    },
    /// `a | b | c`
    Union(Union),
    /// `session`
    Session(Box<Session>),
    /// A table of behaviour: what a `cohort` is made of, and the like.
    Made(Box<Made>),
}

/// The rows of several row sets.
#[derive(Clone, Debug)]
pub struct Union {
    /// They.
    pub members: Vec<Member>,
    /// Whether all of them tell their rows apart by a key.
    pub is_keyed: bool,
    /// The tables that name the rows apart, each once, in order: see [`TableId::sources`].
    pub sources: Vec<TableId>,
    /// Whether it has the dimensions of its entity alone, and not those of its rows.
    pub of_entity: bool,
    /// Whether its rows are looked up, and one of another time than the row that looks for it is as good as none.
    pub timely: bool,
}

/// A member of a union.
#[derive(Clone, Debug)]
pub struct Member {
    /// Which rows.
    pub rows: RowSet,
    /// The values of the union's columns over these rows, in the order of the columns.
    pub values: Vec<RowExpr>,
}

/// Rows of one value of a column without a longer pause. Its columns are that one, start, end, duration, the number of rows, and
/// what is kept.
#[derive(Clone, Debug)]
pub struct Session {
    /// Which rows.
    pub rows: RowSet,
    /// The column of the entity that has sessions.
    pub by: ColumnId,
    /// The longest pause within a session, in milliseconds.
    pub gap: i64,
    /// What is kept of a session's rows.
    pub kept: Vec<Kept>,
}

/// What a session keeps of its rows.
#[derive(Clone, Debug)]
pub struct Kept {
    /// How.
    pub aggregation: Aggregation,
    /// Of what.
    pub input: RowExpr,
    /// Only of rows where this is true.
    pub filter: Option<RowExpr>,
}

/// How an entity tells the versions of one thing apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// `valid: from, to`: a version holds from its start to before its end; null is open.
    Valid {
        /// The column of the start.
        from: usize,
        /// The column of the end.
        until: usize,
    },
    /// `snapshot: day`: a copy a local day.
    Snapshot {
        /// The column of the day.
        day: usize,
    },
}

impl Table {
    /// Whether it is made of other tables.
    pub fn is_derived(&self) -> bool {
        !matches!(self.origin, Origin::Stored)
    }

    /// Whether its rows are told apart by a key.
    pub fn is_keyed(&self, tables: &[Table]) -> bool {
        match &self.origin {
            Origin::Stored => !self.key.is_empty(),
            Origin::Raw(_) => false,
            Origin::FirstOf { rows, .. } => tables[rows.base.0].is_keyed(tables),
            Origin::Union(union) => union.is_keyed,
            Origin::Session(_) => true,
            Origin::Made(_) => !self.key.is_empty(),
        }
    }

    /// Whether the time of a row may be null.
    pub fn may_lack_time(&self) -> bool {
        matches!(self.origin, Origin::Raw(_)) && self.time.is_some()
    }
}

impl TableId {
    /// What the rows of a table are by their nature: the source or entity of `raw` and `first of`, else the table itself.
    pub fn source(self, tables: &[Table]) -> TableId {
        match &tables[self.0].origin {
            Origin::Raw(of) => of.source(tables),
            Origin::FirstOf { rows, .. } => rows.base.source(tables),
            Origin::Stored | Origin::Union(_) | Origin::Session(_) | Origin::Made(_) => self,
        }
    }

    /// The tables that name its rows apart, each once, in order: of a union the sources of all members.
    pub fn sources(self, tables: &[Table]) -> Vec<TableId> {
        let source = self.source(tables);
        match &tables[source.0].origin {
            Origin::Union(union) => union.sources.clone(),
            _ => vec![source],
        }
    }

    /// The declared sources and entities that its rows are made of, each once, in order.
    pub fn stored(self, tables: &[Table]) -> Vec<TableId> {
        let mut seen = vec![false; tables.len()];
        let mut open = vec![self];
        while let Some(table) = open.pop() {
            if std::mem::replace(&mut seen[table.0], true) {
                continue;
            }
            match &tables[table.0].origin {
                Origin::Stored => {}
                Origin::Raw(of) => open.push(*of),
                Origin::FirstOf { rows, .. } => open.push(rows.base),
                Origin::Union(union) => open.extend(union.members.iter().map(|member| member.rows.base)),
                Origin::Session(session) => open.push(session.rows.base),
                Origin::Made(made) => open.extend(made.parts.iter().map(|part| part.rows.base)),
            }
        }
        (0..tables.len()).filter(|place| seen[*place] && !tables[*place].is_derived()).map(TableId).collect()
    }
}

impl RowExpr {
    /// The same over the rows of another table, which has the same columns in the same places.
    pub fn moved(&self, from: TableId, to: TableId) -> RowExpr {
        let mut moved = self.clone();
        moved.walk_mut(&mut |part| {
            if let RowExprKind::Column(path) = &mut part.kind
                && let Some(first) = path.first_mut()
                && first.table == from
            {
                first.table = to;
            }
        });
        moved
    }

    /// An entity with a history that it looks up, through computed columns too: the row must have a time then.
    pub fn history(&self, tables: &[Table]) -> Option<TableId> {
        if tables.iter().all(|table| table.history.is_none()) {
            return None;
        }
        let mut seen: FxHashSet<ColumnId> = FxHashSet::default();
        let mut open: Vec<&RowExpr> = vec![self];
        let mut found = None;
        while let Some(expr) = open.pop() {
            expr.walk(&mut |part| {
                let RowExprKind::Column(path) = &part.kind else { return };
                for (at, hop) in path.iter().enumerate() {
                    let column = &tables[hop.table.0].columns[hop.column];
                    let next = match column.ty.ty {
                        Type::Entity(entity) if at + 1 < path.len() => Some(entity),
                        _ => None,
                    };
                    found = found.or(next.filter(|entity| tables[entity.0].history.is_some()));
                    if seen.insert(*hop) {
                        open.extend(&column.computed);
                    }
                }
            });
        }
        found
    }
}
