//! Tables that row sets are: rows as they came, and first rows.

use crate::diagnostic::{Diagnostic, Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::{Declared, RowName};
use crate::syntax::ast::{self, RowSetKind};
use crate::types::model::{ColumnId, RowExprKind, RowSet, Table, TableId, TableKind};
use crate::types::{Column, Origin};

use super::RowSets;

/// How many tables may stand on one another: engines read each out of the one before.
const MAX_DEPTH: usize = 20;

/// The name and the description of a table that a declaration is.
pub(super) struct Own<'a> {
    pub name: &'a ast::Name,
    pub version: u32,
    pub doc: Option<&'a str>,
    pub span: Span,
}

impl<'a> Own<'a> {
    /// Those of a block.
    pub fn of(declared: Declared<'a, ast::Block>) -> Own<'a> {
        Own {
            name: &declared.syntax.name,
            version: declared.syntax.version.as_ref().map_or(1, |version| version.value),
            doc: declared.doc,
            span: declared.span,
        }
    }
}

impl<'a> RowSets<'a> {
    /// Makes the tables that a row set is derived from, where it is.
    pub fn prepare(&mut self, rows: &'a ast::RowSet, d: &mut Diagnostics) {
        self.prepare_as(rows, None, d);
    }

    /// The same of a subset; gives the table that it is, where it is one and nothing else.
    pub(super) fn prepare_subset(&mut self, subset: Declared<'a, ast::Subset>, d: &mut Diagnostics) -> Option<TableId> {
        let own = Own {
            name: &subset.syntax.name,
            version: subset.syntax.version.as_ref().map_or(1, |version| version.value),
            doc: subset.doc,
            span: subset.span,
        };
        self.prepare_as(&subset.syntax.rows, Some(&own), d)
    }

    fn prepare_as(&mut self, rows: &'a ast::RowSet, own: Option<&Own<'a>>, d: &mut Diagnostics) -> Option<TableId> {
        match &rows.kind {
            RowSetKind::Named { .. } => None,
            RowSetKind::Parenthesised(inner) => self.prepare_as(inner, own, d),
            RowSetKind::Where { rows, .. } | RowSetKind::Dated { rows, .. } => {
                self.prepare_as(rows, None, d);
                None
            }
            RowSetKind::Raw(path) => self.made(rows, own, d, |sets, own, d| sets.raw(path, own, d)),
            RowSetKind::FirstOf { rows: of, keys } => {
                self.prepare_as(of, None, d);
                self.made(rows, own, d, |sets, own, d| sets.first_of(of, keys, rows.span, own, d))
            }
            RowSetKind::Union(members) => {
                for member in members {
                    self.prepare_as(member, None, d);
                }
                self.made(rows, own, d, |sets, own, d| sets.union(members, rows.span, own, d))
            }
        }
    }

    /// The table of a derived row set, made unless an equal one without a name is there.
    fn made(
        &mut self,
        rows: &'a ast::RowSet,
        own: Option<&Own<'a>>,
        d: &mut Diagnostics,
        make: impl FnOnce(&mut Self, Option<&Own<'a>>, &mut Diagnostics) -> Option<TableId>,
    ) -> Option<TableId> {
        let text = text(rows);
        let alike = self.alike.get(&text).into_iter().flatten().filter(|_| own.is_none());
        let known = alike.into_iter().find(|(known, _)| *known == rows).map(|(_, table)| *table);
        let table = known.or_else(|| make(self, own, d));
        if let (Some(table), None, None) = (table, known, own) {
            self.alike.entry(text).or_default().push((rows, table));
        }
        self.derived.insert(rows.span, table);
        table
    }

    /// `raw event`
    fn raw(&mut self, path: &'a ast::Path, own: Option<&Own<'a>>, d: &mut Diagnostics) -> Option<TableId> {
        let base = match path.single().and_then(|name| self.names.row_set(name, None)) {
            Some(RowName::Table(place)) => TableId(place),
            Some(RowName::Subset(_) | RowName::Session(_)) => {
                d.push(
                    error!(E0520, path.span, "`raw` takes a source or an entity, and `{path}` is derived from others";
                        help: "name its source, and put conditions behind: `raw event where …`"),
                );
                return None;
            }
            None => {
                d.push(self.unknown(path, None));
                return None;
            }
        };
        let mut table = self.like(base, own, || format!("raw_{path}"));
        // Nothing is dropped: null keys and times are among the rows.
        for place in table.key.drain(..).chain(table.time) {
            table.columns[place].ty.nullable = true;
        }
        for column in &mut table.columns {
            if let Some(computed) = &mut column.computed {
                computed.walk_mut(&mut |part| part.ty.nullable = true);
                column.ty.nullable = true;
            }
        }
        table.latest_by = None;
        table.origin = Origin::Raw(base);
        self.add(table, &[base], path.span, d)
    }

    /// `first of paid_order per user_id`; its keys are typed later.
    fn first_of(
        &mut self,
        of: &'a ast::RowSet,
        keys: &'a [ast::Key],
        span: Span,
        own: Option<&Own<'a>>,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let rows = self.check(of, d)?;
        let base = rows.base;
        let Some(time) = self.time(&rows) else {
            d.push(self.timeless("first of", base, of.span));
            return None;
        };
        let name = || {
            let keys: Vec<String> = keys.iter().map(key_text).collect();
            format!("first_{}_per_{}", plain(&named(of)), plain(&keys.join("_")))
        };
        let mut table = self.like(base, own, name);
        table.time = Some(time.column);
        table.latest_by = None;
        table.origin = Origin::FirstOf { rows, keys: Vec::new() };
        let made = self.add(table, &[base], span, d)?;
        self.keys.push((made, keys, span));
        Some(made)
    }

    /// The error for rows that need a time and have none.
    pub(super) fn timeless(&self, what: &str, base: TableId, span: Span) -> Diagnostic {
        let table = &self.tables[base.0];
        error!(E0521, span, "`{what}` needs the time of its rows, and those of `{}` have none", table.name.value;
            help: ("declare `time:` of `{}`, or name the rows of a source", table.name.value))
        .related(table.name.span, "declared here")
    }

    /// A table with the columns of another one in their places.
    pub(super) fn like(&self, base: TableId, own: Option<&Own<'a>>, generated: impl FnOnce() -> String) -> Table {
        let of = &self.tables[base.0];
        let made = TableId(self.tables.len());
        let time = of.time.map(|column| ColumnId { table: made, column });
        let columns = of.columns.iter().map(|column| moved(column, base, made, time)).collect();
        let empty = self.empty(own, generated, of.span);
        Table {
            key: of.key.clone(),
            latest_by: of.latest_by,
            time: of.time,
            arrived: of.arrived,
            lateness: of.lateness,
            retain: of.retain,
            revised: of.revised,
            columns,
            ..empty
        }
    }

    /// A derived table without columns.
    pub(super) fn empty(&self, own: Option<&Own<'a>>, generated: impl FnOnce() -> String, span: Span) -> Table {
        let (wanted, version) = match own {
            Some(own) => (own.name.value.clone(), own.version),
            None => (generated(), 1),
        };
        let span = own.map_or(span, |own| own.span);
        Table {
            kind: TableKind::Source,
            name: Spanned::new(self.free_name(wanted, version, own.is_some()), own.map_or(span, |own| own.name.span)),
            version,
            meant: true,
            doc: own.and_then(|own| own.doc).map(str::to_owned),
            physical: String::new(),
            sample: None,
            key: Vec::new(),
            latest_by: None,
            time: None,
            arrived: None,
            lateness: None,
            retain: None,
            revised: None,
            stream: None,
            columns: Vec::new(),
            origin: Origin::Stored,
            history: None,
            dimensions: Vec::new(),
            span,
        }
    }

    /// A name that no other table and no other row set has; a declared one is wanted first.
    fn free_name(&self, wanted: String, version: u32, own: bool) -> String {
        let taken = |name: &str| {
            let declared = self.names.row_set(name, None).is_some() && !(own && name == wanted);
            declared || self.tables.iter().any(|table| table.name.value == name)
        };
        let mut name = wanted.clone();
        let mut number = version.max(2);
        while taken(&name) {
            name = format!("{wanted}_{}{number}", if version > 1 { "v" } else { "" });
            number += 1;
        }
        name
    }

    /// Adds a derived table that is made of others.
    pub(super) fn add(
        &mut self,
        table: Table,
        made_of: &[TableId],
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let depth = 1 + made_of.iter().map(|of| self.depths[of.0]).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            d.push(
                error!(E0528, span, "these rows are derived from rows that are derived, more than {MAX_DEPTH} times";
                help: "shorten the chain of `first of`, unions and sessions"),
            );
            return None;
        }
        self.depths.push(depth);
        self.tables.push(table);
        Some(TableId(self.tables.len() - 1))
    }
}

/// A column of a table with the same columns. What is computed of the row's time stays with the time that the first table has.
pub(super) fn moved(column: &Column, from: TableId, to: TableId, time: Option<ColumnId>) -> Column {
    let computed = column.computed.as_ref().map(|expr| {
        let mut moved = expr.moved(from, to);
        if let Some(time) = time {
            moved.replace_time(time);
        }
        moved
    });
    Column { computed, ..column.clone() }
}

/// A text that equal row sets share, and most others do not.
fn text(rows: &ast::RowSet) -> String {
    let mut text = match &rows.kind {
        RowSetKind::Raw(_) => "raw".to_owned(),
        RowSetKind::FirstOf { keys, .. } => keys.iter().map(key_text).collect::<Vec<_>>().join(","),
        _ => "|".to_owned(),
    };
    crate::resolve::row_sets_in(rows, &mut |path, _| {
        text.push(' ');
        text.push_str(&path.to_string());
    });
    text
}

pub(super) fn key_text(key: &ast::Key) -> String {
    match key {
        ast::Key::Path(path) => path.to_string(),
        ast::Key::Step(_) => "step".to_owned(),
    }
}

/// The name of what a row set is made of, without its conditions.
pub(super) fn named(rows: &ast::RowSet) -> String {
    match &rows.kind {
        RowSetKind::Named { name, .. } => name.to_string(),
        RowSetKind::Raw(name) => format!("raw_{name}"),
        RowSetKind::Parenthesised(rows) | RowSetKind::Where { rows, .. } | RowSetKind::Dated { rows, .. } => {
            named(rows)
        }
        RowSetKind::FirstOf { rows, .. } => format!("first_{}", named(rows)),
        RowSetKind::Union(members) => members.iter().map(named).collect::<Vec<_>>().join("_or_"),
    }
}

/// A short text of letters, digits and underscores, for a name that nobody writes.
pub(super) fn plain(text: &str) -> String {
    const LONGEST: usize = 40;
    let plain = text.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' });
    plain.take(LONGEST).collect()
}

/// The row's time, to be replaced by a column where rows are read.
pub(super) fn time_of(rows: &RowSet, span: Span) -> crate::types::RowExpr {
    let ty = crate::types::ValueType::plain(crate::types::Type::Timestamp);
    let kind = rows.dated.map_or(RowExprKind::Time, |column| RowExprKind::Column(vec![column]));
    crate::types::RowExpr { kind, ty, span }
}
