//! Row expressions: columns behind entity-typed columns become look-ups.

use crate::plan::{Answered, Expr, ExprKind, Function, Input, Join};
use crate::types::{ColumnId, DimFilter, Model, RowExpr, RowExprKind, Subject, TableId, Type, ValueType};
use crate::value::{DataType, Step, Value};

use super::bucket::truncated;

/// The look-ups of a scan, and the row's time.
pub struct Rows<'a> {
    pub model: &'a Model,
    pub base: TableId,
    /// The column that is the row's time.
    pub time: Option<ColumnId>,
    pub joins: Vec<Join>,
    /// Look-ups in answers.
    pub answers: Vec<Answered>,
    /// Whether rows without a time cannot be grouped: a dimension asks for it.
    groups_by_time: bool,
    /// The path of entity columns that leads to each join.
    paths: Vec<Vec<ColumnId>>,
}

impl<'a> Rows<'a> {
    pub fn new(model: &'a Model, base: TableId, time: Option<ColumnId>) -> Rows<'a> {
        Rows { model, base, time, joins: Vec::new(), answers: Vec::new(), groups_by_time: false, paths: Vec::new() }
    }

    /// The time by which a scan drops rows that have none. Where they may count (not `timed`) they do so in a total, which needs
    /// no time (`in_time` tells that it is none), unless a dimension groups by it.
    pub fn scan_time(&mut self, timed: bool, in_time: bool) -> Option<Expr> {
        if timed || in_time || self.groups_by_time { self.time() } else { None }
    }

    /// The row's time.
    pub fn time(&mut self) -> Option<Expr> {
        self.time.map(|column| self.column(&[column]))
    }

    pub fn lower(&mut self, expr: &RowExpr) -> Expr {
        let ty = self.model.data_type(&expr.ty.ty);
        let nullable = expr.ty.nullable;
        let kind = match &expr.kind {
            RowExprKind::Column(path) => {
                let mut column = self.column(path);
                column.nullable |= nullable;
                return column;
            }
            RowExprKind::Time => {
                return self.time().unwrap_or_else(|| Expr::literal(Value::Null, DataType::Timestamp));
            }
            RowExprKind::Per { per, at } => return self.per(per, at),
            // A finished model has none.
            RowExprKind::Pending(_) => ExprKind::Literal(Value::Bool(true)),
            RowExprKind::Inner => ExprKind::Column { input: Input::Base, name: "value".to_owned() },
            RowExprKind::Literal(value) => ExprKind::Literal(value.clone()),
            RowExprKind::Call(function, arguments) => {
                ExprKind::Call(*function, arguments.iter().map(|argument| self.lower(argument)).collect())
            }
            RowExprKind::Case { branches, otherwise } => ExprKind::Case {
                branches: branches.iter().map(|(c, v)| (self.lower(c), self.lower(v))).collect(),
                // A list or map that is missing is empty: engines are told which type of it.
                otherwise: match (otherwise, &ty) {
                    (None, DataType::Array(_) | DataType::Map(_)) => {
                        Some(Box::new(Expr::literal(Value::Null, ty.clone())))
                    }
                    (value, _) => value.as_ref().map(|value| Box::new(self.lower(value))),
                },
            },
            RowExprKind::Sql { variants, arguments } => ExprKind::Sql {
                variants: variants.clone(),
                arguments: arguments.iter().map(|argument| self.lower(argument)).collect(),
            },
        };
        Expr { kind, ty, nullable }
    }

    /// A column at the end of a path of entity columns.
    fn column(&mut self, path: &[ColumnId]) -> Expr {
        let (last, hops) = match path.split_last() {
            Some(parts) => parts,
            None => return Expr::literal(Value::Null, DataType::String),
        };
        let column = &self.model.table(last.table).columns[last.column];
        if let Some(computed) = &column.computed {
            return self.computed(computed, hops);
        }
        let input = if hops.is_empty() { Input::Base } else { Input::Join(self.join(hops)) };
        Expr {
            kind: ExprKind::Column { input, name: column.name.value.clone() },
            ty: self.model.data_type(&column.ty.ty),
            nullable: column.ty.nullable || !hops.is_empty(),
        }
    }

    /// The expression of a computed column, over the rows that `hops` lead to.
    fn computed(&mut self, expr: &RowExpr, hops: &[ColumnId]) -> Expr {
        let mut moved = expr.clone();
        let of = self.model.table(hops.last().map_or(self.base, |hop| self.entity_of(*hop)));
        let own_time = of.time.map(|column| ColumnId { table: self.table_behind(hops), column });
        moved.walk_mut(&mut |part| {
            match (&mut part.kind, own_time) {
                (RowExprKind::Column(path), _) => {
                    path.splice(0..0, hops.iter().copied());
                }
                (kind @ RowExprKind::Time, Some(time)) => {
                    let mut path = hops.to_vec();
                    path.push(time);
                    *kind = RowExprKind::Column(path);
                }
                _ => {}
            }
            part.ty.nullable |= !hops.is_empty();
        });
        let value = self.lower(&moved);
        if hops.is_empty() || null_without_row(&moved) {
            return value;
        }
        // Where the look-up finds no row, a column of it is null, whatever its expression makes of nulls.
        let found = Expr::call(Function::IsNotNull, vec![self.key(hops)], DataType::Bool, false);
        let ty = value.ty.clone();
        Expr { kind: ExprKind::Case { branches: vec![(found, value)], otherwise: None }, ty, nullable: true }
    }

    /// The key of the row that `hops` lead to: null where there is none.
    fn key(&mut self, hops: &[ColumnId]) -> Expr {
        let join = self.join(hops);
        let (table, name) = (self.model.table(self.table_behind(hops)), self.joins[join].column.clone());
        let ty = table.key.first().map_or(DataType::String, |key| self.model.data_type(&table.columns[*key].ty.ty));
        Expr { kind: ExprKind::Column { input: Input::Join(join), name }, ty, nullable: true }
    }

    fn table_behind(&self, hops: &[ColumnId]) -> TableId {
        hops.last().map_or(self.base, |hop| self.entity_of(*hop))
    }

    fn entity_of(&self, column: ColumnId) -> TableId {
        match &self.model.table(column.table).columns[column.column].ty.ty {
            crate::types::Type::Entity(id) => *id,
            _ => self.base,
        }
    }

    /// The join at the end of a path of entity columns; one for each path.
    fn join(&mut self, hops: &[ColumnId]) -> usize {
        if let Some(found) = self.paths.iter().position(|path| path == hops) {
            return found;
        }
        let entity = self.table_behind(hops);
        let table = self.model.table(entity);
        // A segment has every member of its entity, by the same key: the entity's own row says nothing more.
        let key = match hops {
            [before @ .., _] if table.is_segment() && !before.is_empty() => self.column(before),
            _ => self.column(hops),
        };
        let column = table.key.first().map_or(String::new(), |key| table.columns[*key].name.value.clone());
        // The versions of a history are looked up as of the row's time.
        let as_of = if table.history.is_some() { self.time() } else { None };
        self.joins.push(Join { table: entity.0, key, column, as_of });
        self.paths.push(hops.to_vec());
        self.joins.len() - 1
    }

    /// A condition on dimensions, over these rows.
    pub fn filter(&mut self, filter: &DimFilter) -> Expr {
        match filter {
            DimFilter::And(parts) | DimFilter::Or(parts) => {
                let function = if matches!(filter, DimFilter::And(_)) { Function::And } else { Function::Or };
                let parts: Vec<Expr> = parts.iter().map(|part| self.filter(part)).collect();
                let nullable = parts.iter().any(|part| part.nullable);
                Expr::call(function, parts, DataType::Bool, nullable)
            }
            DimFilter::Not(inner) => {
                let inner = self.filter(inner);
                let nullable = inner.nullable;
                Expr::call(Function::Not, vec![inner], DataType::Bool, nullable)
            }
            DimFilter::Test { subject, function, literals, .. } => {
                let value = match subject {
                    Subject::Dimension(id) => self.dimension(*id),
                    Subject::Within(id, step) => self.within(*id, *step),
                    // What is on the bucket has been taken out.
                    Subject::Part(_) => return Expr::literal(Value::Bool(true), DataType::Bool),
                    Subject::Per(per, _) => {
                        let ty = ValueType { nullable: true, ..ValueType::plain(Type::Timestamp) };
                        let span = self.model.metrics[per.metric.0].span;
                        self.per(per, &RowExpr { kind: RowExprKind::Time, ty, span })
                    }
                };
                let never_null = matches!(function, Function::IsNull | Function::IsNotNull);
                let (ty, nullable) = (value.ty.clone(), value.nullable && !never_null);
                let mut arguments = vec![value];
                arguments.extend(literals.iter().map(|literal| Expr::literal(literal.clone(), ty.clone())));
                Expr::call(*function, arguments, DataType::Bool, nullable)
            }
        }
    }

    /// The start of the bucket that the value of a dimension lies in: an instant, or a day.
    pub fn within(&mut self, id: crate::types::DimensionId, step: Step) -> Expr {
        let value = self.dimension(id);
        let nullable = value.nullable;
        if value.ty != DataType::Date {
            return truncated(value, step);
        }
        let midnight = Expr::call(Function::Cast, vec![value], DataType::Timestamp, nullable);
        Expr::call(Function::DateOf, vec![truncated(midnight, step)], DataType::Date, nullable)
    }

    /// The value of a dimension over these rows. The question has been checked: it is bound.
    pub fn dimension(&mut self, id: crate::types::DimensionId) -> Expr {
        match self.model.bind(id, self.base) {
            Ok(value) => {
                value.walk(&mut |part| self.groups_by_time |= matches!(part.kind, RowExprKind::Time));
                self.lower(&value)
            }
            Err(_) => Expr::literal(Value::Null, self.model.data_type(&self.model.dimensions[id.0].ty.ty)),
        }
    }
}

/// Whether an expression is null where all columns are.
fn null_without_row(expr: &RowExpr) -> bool {
    match &expr.kind {
        RowExprKind::Column(_) | RowExprKind::Time | RowExprKind::Inner => true,
        RowExprKind::Per { .. } | RowExprKind::Pending(_) => false,
        RowExprKind::Literal(value) => *value == Value::Null,
        RowExprKind::Call(Function::IsNull | Function::IsNotNull, _) => false,
        // These may be something beside a null.
        RowExprKind::Call(
            Function::And | Function::Or | Function::Coalesce | Function::Least | Function::Greatest,
            arguments,
        ) => arguments.iter().all(null_without_row),
        // A list or map that is missing is empty.
        RowExprKind::Call(Function::Length | Function::Contains, arguments)
            if arguments.first().is_some_and(|first| matches!(first.ty.ty, Type::Array(_) | Type::Map(_))) =>
        {
            arguments[1..].iter().any(null_without_row)
        }
        RowExprKind::Call(Function::NullIf | Function::In, arguments) => {
            arguments.first().is_some_and(null_without_row)
        }
        RowExprKind::Call(_, arguments) => arguments.iter().any(null_without_row),
        RowExprKind::Case { .. } | RowExprKind::Sql { .. } => false,
    }
}
