//! What values are per: a dimension, else an entity, else a column.

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, ExprKind, Path};

use super::super::dimensions::unknown_dimension;
use super::super::model::{ColumnId, Dimension, DimensionId, NestedKey, RowExpr, RowExprKind, Table, TableId, Type};
use super::super::ops::refuse;
use super::super::{RowScope, bind, check_row, table_named};
use super::{DimensionNames, unbound};

/// What keys are typed with.
#[derive(Clone, Copy)]
pub struct KeyScope<'a> {
    /// How dimensions are found by name.
    pub names: &'a dyn DimensionNames,
    /// The typed dimensions.
    pub dimensions: &'a [Dimension],
    /// All tables.
    pub tables: &'a [Table],
    /// The project's zone.
    pub zone: chrono_tz::Tz,
}

impl KeyScope<'_> {
    /// The key that a path means for the rows of all `reads`.
    pub fn check(&self, path: &Path, reads: &[TableId], d: &mut Diagnostics) -> Option<NestedKey> {
        let text = path.to_string();
        let of_behaviour = || self.dimensions.iter().position(|one| one.name.value == text && text.contains('.'));
        let found = path.single().and_then(|name| self.names.find(name));
        if let Some(found) = found.or_else(|| of_behaviour().map(|place| Some(DimensionId(place)))) {
            let id: DimensionId = found?;
            let mut bound = true;
            for table in reads {
                let declared = &self.dimensions[id.0];
                if let Err(why) = bind::bind(self.tables, declared, *table) {
                    d.push(unbound(declared, &self.tables[table.0], &why, path.span));
                    bound = false;
                }
            }
            return bound.then_some(NestedKey::Dimension(id));
        }
        let mut values: Vec<(TableId, RowExpr)> = Vec::new();
        for table in reads {
            values.push((*table, self.value(path, *table, d)?));
        }
        let different = values.windows(2).find(|pair| pair[0].1.ty.ty != pair[1].1.ty.ty);
        if let Some(pair) = different {
            let name = |at: usize| &self.tables[pair[at].0.0].name.value;
            d.push(error!(E0646, path.span, "`{path}` is of another type in `{}` than in `{}`", name(0), name(1);
                help: "declare a dimension that is bound to both, and name it here"));
            return None;
        }
        let container = values.first().is_some_and(|(_, value)| matches!(value.ty.ty, Type::Array(_) | Type::Map(_)));
        if container {
            d.push(error!(E0646, path.span, "a list or map is no key"; help: "name a column with single values"));
            return None;
        }
        Some(NestedKey::Column { name: path.to_string(), values })
    }

    /// An entity by its name, through the one column that holds it; else a column.
    fn value(&self, path: &Path, table: TableId, d: &mut Diagnostics) -> Option<RowExpr> {
        let declared = &self.tables[table.0];
        let columns = || declared.columns.iter().enumerate().filter(|(_, column)| !column.internal);
        let named = |name: &str| columns().any(|(_, column)| column.name.value == name);
        let entity = path.single().filter(|name| !named(name)).and_then(|name| table_named(self.tables, &name.value));
        if let Some(entity) = entity {
            return self.through_entity(path, table, entity, d);
        }
        if let Some(name) = path.single().filter(|name| !named(name)) {
            let known = self.names.all().into_iter().chain(columns().map(|(_, c)| c.name.as_str()));
            return match near(name, known) {
                Some(near) => refuse(
                    d,
                    error!(E0646, path.span, "`{}` has no column `{}`", declared.name.value, name.value;
                        help: ("did you mean `{near}`?"))
                    .related(declared.name.span, "declared here"),
                ),
                None => refuse(d, {
                    let found = unknown_dimension(self.names.all(), path);
                    found.related(declared.name.span, "nor is it a column of this table")
                }),
            };
        }
        let expr = ast::Expr { kind: ExprKind::Path { path: path.clone(), version: None }, span: path.span };
        check_row(&RowScope { tables: self.tables, base: table, zone: self.zone }, &expr, d)
    }

    fn through_entity(&self, path: &Path, table: TableId, entity: TableId, d: &mut Diagnostics) -> Option<RowExpr> {
        let declared = &self.tables[table.0];
        let columns = declared.columns.iter().enumerate();
        let leading = columns.filter(|(_, column)| !column.internal && column.ty.ty == Type::Entity(entity));
        let leading: Vec<usize> = leading.map(|(place, _)| place).collect();
        match leading.as_slice() {
            [column] => {
                let ty = declared.columns[*column].ty.clone();
                let kind = RowExprKind::Column(vec![ColumnId { table, column: *column }]);
                Some(RowExpr { kind, ty, span: path.span })
            }
            [] => {
                d.push(
                    error!(E0646, path.span, "`{}` has no column that holds `{path}`", declared.name.value;
                    help: "name a column that every row has")
                    .related(declared.name.span, "declared here"),
                );
                None
            }
            several => {
                let names: Vec<&str> = several.iter().map(|at| declared.columns[*at].name.as_str()).collect();
                d.push(error!(E0646, path.span, "`{}` leads to `{path}` in {} ways: {}", declared.name.value, names.len(), names.join(", ");
                    help: ("name the column: `per {}`", names[0])));
                None
            }
        }
    }
}
