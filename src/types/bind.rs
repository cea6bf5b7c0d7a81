//! The values of dimensions over the rows of tables.

use crate::value::{Function, How};

use super::model::{Binding, ColumnId, Dimension, DimensionId, Model, RowExpr, RowExprKind, Table, TableId, TableKind};
use super::{Origin, Type, ValueType};

/// Why a dimension has no value for a table's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbound {
    /// Nothing of it is bound to the table.
    Missing,
    /// Several columns lead to the entity that it is an attribute of.
    Ambiguous(Vec<String>),
    /// It looks an entity up that keeps a history, and the rows have no time.
    Timeless(String),
}

impl Model {
    /// The value of a dimension over the rows of a table, `else` included.
    pub fn bind(&self, dimension: DimensionId, table: TableId) -> Result<RowExpr, Unbound> {
        bind(&self.tables, &self.dimensions[dimension.0], table)
    }
}

/// See [`Model::bind`].
///
/// What is bound to a table by its name always wins. Rows as they came and first rows have the dimensions of the rows that they
/// are of; a union has those that all its members have, a session those of its rows, as they are in its first row.
pub fn bind(tables: &[Table], dimension: &Dimension, table: TableId) -> Result<RowExpr, Unbound> {
    let own = dimension.bindings.iter().find(|binding| binding.table == Some(table));
    let value = match (own, &tables[table.0].origin) {
        (Some(binding), _) => binding.value.clone(),
        (None, Origin::Stored) => of_stored(tables, dimension, table)?,
        (None, Origin::Raw(base)) => {
            as_they_came(bind(tables, dimension, *base)?.moved(*base, table), &tables[table.0])
        }
        (None, Origin::FirstOf { rows, .. }) => bind(tables, dimension, rows.base)?.moved(rows.base, table),
        // What the entity has stays as it is.
        (None, Origin::Union(union)) if union.of_entity => {
            // Nor does what its units are told apart by.
            match made(&tables[table.0], dimension, table) {
                Ok(own) => own,
                Err(_) => {
                    let value = attribute(tables, dimension, table)?;
                    value.filter(|value| value.history(tables).is_none()).ok_or(Unbound::Missing)?
                }
            }
        }
        // The members of a segment have what the entity has.
        (None, Origin::Made(of)) if matches!(of.how, How::Segment(_)) => match made(&tables[table.0], dimension, table)
        {
            Ok(own) => own,
            Err(_) => attribute(tables, dimension, table)?.ok_or(Unbound::Missing)?,
        },
        (None, Origin::Union(_) | Origin::Session(_) | Origin::Made(_)) => {
            match by_segment(tables, dimension, table)? {
                Some(value) => value,
                None => made(&tables[table.0], dimension, table)?,
            }
        }
    };
    if tables[table.0].time.is_none()
        && let Some(entity) = value.history(tables)
    {
        return Err(Unbound::Timeless(tables[entity.0].name.value.clone()));
    }
    // What a table of behaviour carries has its `else` already: it is null where there is no row to carry it from.
    let carried =
        own.is_none() && matches!(&tables[table.0].origin, Origin::Made(of) if !matches!(of.how, How::Segment(_)));
    Ok(match &dimension.otherwise {
        Some(otherwise) if value.ty.nullable && !carried => RowExpr {
            ty: ValueType { nullable: false, ..dimension.ty.clone() },
            span: value.span,
            kind: RowExprKind::Call(Function::Coalesce, vec![value, otherwise.clone()]),
        },
        _ => value,
    })
}

fn of_stored(tables: &[Table], dimension: &Dimension, table: TableId) -> Result<RowExpr, Unbound> {
    if let Some(value) = attribute(tables, dimension, table)? {
        return Ok(value);
    }
    let clock = dimension.bindings.iter().find(|binding| binding.table.is_none() && tables[table.0].time.is_some());
    clock.map(|binding| binding.value.clone()).ok_or(Unbound::Missing)
}

/// The value through the one column of the table that leads to the entity of a binding.
fn attribute(tables: &[Table], dimension: &Dimension, table: TableId) -> Result<Option<RowExpr>, Unbound> {
    let mut found: Vec<(ColumnId, &Binding)> = Vec::new();
    for binding in &dimension.bindings {
        let Some(entity) = binding.table.filter(|id| tables[id.0].kind == TableKind::Entity) else { continue };
        for (column, declared) in tables[table.0].columns.iter().enumerate() {
            if declared.ty.ty == Type::Entity(entity) {
                found.push((ColumnId { table, column }, binding));
            }
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [(column, binding)] => {
            let mut value = binding.value.clone();
            value.walk_mut(&mut |part| {
                if let RowExprKind::Column(path) = &mut part.kind {
                    path.insert(0, *column);
                    part.ty.nullable = true;
                }
            });
            value.ty.nullable = true;
            Ok(Some(value))
        }
        several => {
            let name = |(id, _): &(ColumnId, &Binding)| tables[id.table.0].columns[id.column].name.value.clone();
            Err(Unbound::Ambiguous(several.iter().map(name).collect()))
        }
    }
}

/// The class of the row's own member on the row's own day, where a dimension is that. Others of a union or session are columns of it,
/// but a segment may be made of its rows.
pub(super) fn by_segment(tables: &[Table], dimension: &Dimension, table: TableId) -> Result<Option<RowExpr>, Unbound> {
    let looks = dimension.bindings.iter().any(|binding| {
        let mut found = false;
        binding.value.walk(&mut |part| {
            if let RowExprKind::Column(path) = &part.kind {
                found |= path.iter().any(|id| tables[id.table.0].is_segment());
            }
        });
        found
    });
    let own = matches!(tables[table.0].origin, Origin::Union(_) | Origin::Session(_));
    if looks && own { attribute(tables, dimension, table) } else { Ok(None) }
}

/// A value over rows as they came, where key and time may be null.
fn as_they_came(mut value: RowExpr, table: &Table) -> RowExpr {
    let mut lacks = false;
    value.walk(&mut |part| match &part.kind {
        RowExprKind::Time => lacks = true,
        RowExprKind::Column(path) => lacks |= path.len() == 1 && table.columns[path[0].column].ty.nullable,
        _ => {}
    });
    if lacks {
        value.walk_mut(&mut |part| part.ty.nullable |= !matches!(part.kind, RowExprKind::Literal(_)));
    }
    value
}

/// The column of a union or session that holds the value.
fn made(table: &Table, dimension: &Dimension, id: TableId) -> Result<RowExpr, Unbound> {
    let found = table.dimensions.iter().find(|(name, _)| *name == dimension.name.value);
    let (_, column) = found.ok_or(Unbound::Missing)?;
    let known = &table.columns[*column];
    let kind = RowExprKind::Column(vec![ColumnId { table: id, column: *column }]);
    Ok(RowExpr { kind, ty: known.ty.clone(), span: known.name.span })
}
