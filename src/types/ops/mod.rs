//! The typing of operators and functions, shared by expressions over rows and formulas over metrics.
//!
//! [`Typed`] is what both have in common; [`Ops`] makes well-typed nodes of it or tells why there is none. Whatever must be
//! widened carries an explicit [`Function::Cast`], so that no later stage infers a type. An operand that is missing (`None`)
//! was told about already: nothing is said twice.
//!
//! Types meet in one of two ways ([`Meet`]): the sides of a comparison or sum must have one type, up to the digits of decimals;
//! values of which one is chosen (`case`, `??`, `coalesce`, `least`) must have one type too, and decimals are widened to a
//! common one. In both a literal takes the type of what stands beside it where that loses nothing: an int beside a decimal
//! or float, a string beside an enum or an entity, null beside anything. A literal with a fraction beside an int makes the
//! int a decimal, which is exact. Everything else is an error that says what to write.

mod arithmetic;
mod cast;
mod choice;
mod compare;
mod meet;
mod units;
mod walk;

#[cfg(test)]
mod tests;

use chrono_tz::Tz;

use crate::diagnostic::{Diagnostics, Span};
use crate::value::{Function, Value};

use super::type_name::{show_type, with_article};
use super::{
    Formula, FormulaKind, RowExpr, RowExprKind, Sensitivity, Table, TableId, Type, Unit, ValueType, table_named,
};

pub use meet::Meet;
pub(super) use meet::convert;
pub use units::{column_unit, declare_unit, unit_expr};
pub use walk::{Leaf, Leaves};

/// A typed node: an expression over rows, or a formula over metrics.
pub trait Typed: Sized + Clone {
    /// Whether its values are aggregates: a sum has 38 digits whatever it holds, so digits in front of the point are not
    /// counted against products and sums. Numbers of several types widen to a common one, because nobody has chosen the type of
    /// an aggregate.
    const AGGREGATED: bool;

    /// What is known of its value.
    fn ty(&self) -> &ValueType;
    /// Where it stands.
    fn span(&self) -> Span;
    /// The same node, known to be `ty` and to stand at `span`.
    fn retyped(self, ty: ValueType, span: Span) -> Self;
    /// A literal.
    fn literal(value: Value, ty: ValueType, span: Span) -> Self;
    /// A call.
    fn call(function: Function, arguments: Vec<Self>, ty: ValueType, span: Span) -> Self;
    /// A choice.
    fn case(branches: Vec<(Self, Self)>, otherwise: Option<Self>, ty: ValueType, span: Span) -> Self;
    /// Its value, where it is a literal.
    fn as_literal(&self) -> Option<&Value>;
    /// How many operators it is made of, names not written out.
    fn operators(&self) -> usize;
    /// All texts that it can be, where it only chooses between string literals (and null).
    fn texts(&self) -> Option<Vec<(String, Span)>>;
}

/// The texts of all of `parts`.
fn all_texts<'a, T: Typed + 'a>(parts: impl IntoIterator<Item = &'a T>) -> Option<Vec<(String, Span)>> {
    let mut all = Vec::new();
    for part in parts {
        all.extend(part.texts()?);
    }
    Some(all)
}

/// The text of a literal; none of a null.
fn literal_texts(value: &Value, span: Span) -> Option<Vec<(String, Span)>> {
    match value {
        Value::String(text) => Some(vec![(text.clone(), span)]),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

impl Typed for RowExpr {
    const AGGREGATED: bool = false;

    fn ty(&self) -> &ValueType {
        &self.ty
    }
    fn span(&self) -> Span {
        self.span
    }
    fn retyped(self, ty: ValueType, span: Span) -> Self {
        RowExpr { ty, span, ..self }
    }
    fn literal(value: Value, ty: ValueType, span: Span) -> Self {
        RowExpr { kind: RowExprKind::Literal(value), ty, span }
    }
    fn call(function: Function, arguments: Vec<Self>, ty: ValueType, span: Span) -> Self {
        RowExpr { kind: RowExprKind::Call(function, arguments), ty, span }
    }
    fn case(branches: Vec<(Self, Self)>, otherwise: Option<Self>, ty: ValueType, span: Span) -> Self {
        RowExpr { kind: RowExprKind::Case { branches, otherwise: otherwise.map(Box::new) }, ty, span }
    }
    fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            RowExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }
    fn operators(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |part| {
            let leaf = matches!(part.kind, RowExprKind::Column(_) | RowExprKind::Time | RowExprKind::Literal(_));
            count += usize::from(!leaf);
        });
        count
    }
    fn texts(&self) -> Option<Vec<(String, Span)>> {
        match &self.kind {
            RowExprKind::Literal(value) => literal_texts(value, self.span),
            RowExprKind::Call(Function::Coalesce, parts) => all_texts(parts),
            RowExprKind::Case { branches, otherwise } => {
                all_texts(branches.iter().map(|(_, value)| value).chain(otherwise.as_deref()))
            }
            _ => None,
        }
    }
}

impl Typed for Formula {
    const AGGREGATED: bool = true;

    fn ty(&self) -> &ValueType {
        &self.ty
    }
    fn span(&self) -> Span {
        self.span
    }
    fn retyped(self, ty: ValueType, span: Span) -> Self {
        Formula { ty, span, ..self }
    }
    fn literal(value: Value, ty: ValueType, span: Span) -> Self {
        Formula { kind: FormulaKind::Literal(value), ty, span }
    }
    fn call(function: Function, arguments: Vec<Self>, ty: ValueType, span: Span) -> Self {
        Formula { kind: FormulaKind::Call(function, arguments), ty, span }
    }
    fn case(branches: Vec<(Self, Self)>, otherwise: Option<Self>, ty: ValueType, span: Span) -> Self {
        Formula { kind: FormulaKind::Case { branches, otherwise: otherwise.map(Box::new) }, ty, span }
    }
    fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            FormulaKind::Literal(value) => Some(value),
            _ => None,
        }
    }
    fn operators(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |part| count += usize::from(!matches!(part.kind, FormulaKind::Literal(_))));
        count
    }
    fn texts(&self) -> Option<Vec<(String, Span)>> {
        match &self.kind {
            FormulaKind::Literal(value) => literal_texts(value, self.span),
            FormulaKind::Call(Function::Coalesce, parts) => all_texts(parts),
            FormulaKind::Case { branches, otherwise } => {
                all_texts(branches.iter().map(|(_, value)| value).chain(otherwise.as_deref()))
            }
            _ => None,
        }
    }
}

/// What typing needs to know of the project.
#[derive(Clone, Copy)]
pub struct Ops<'a> {
    /// All tables.
    pub tables: &'a [Table],
    /// The project's time zone.
    pub zone: Tz,
}

impl<'a> Ops<'a> {
    /// Typing over the tables of a project.
    pub fn new(tables: &'a [Table], zone: Tz) -> Ops<'a> {
        Ops { tables, zone }
    }

    /// A type as its author would write it.
    pub fn show(&self, ty: &Type) -> String {
        show_type(ty, self.tables)
    }

    /// A type with its article: an `int`, a `string`.
    pub fn show_a(&self, ty: &Type) -> String {
        with_article(&self.show(ty))
    }

    /// The entity named `name`.
    pub fn entity(&self, name: &str) -> Option<TableId> {
        table_named(self.tables, name).filter(|id| self.tables[id.0].kind == super::TableKind::Entity)
    }

    /// The type of an entity's key, `string` where it has none that works; other types stay.
    pub fn key_type(&self, ty: &Type) -> Type {
        let Type::Entity(id) = ty else { return ty.clone() };
        let table = self.tables.get(id.0);
        let key = table.and_then(|table| table.columns.get(*table.key.first()?)).map(|column| &column.ty.ty);
        match key {
            Some(Type::Entity(_) | Type::Null) | None => Type::String,
            Some(key) => key.clone(),
        }
    }

    /// Whether values of a type are texts: strings, enums, and entities whose key is one.
    pub fn is_text(&self, ty: &Type) -> bool {
        matches!(self.key_type(ty), Type::String | Type::Enum(_))
    }
}

/// Whether a type is an int, a float or a decimal.
pub fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Float | Type::Decimal { .. })
}

/// What is known of a result of `parts`: `ty`, null where one of them is, their sensitivity, a plain number.
pub(crate) fn result<T: Typed>(ty: Type, parts: &[T]) -> ValueType {
    ValueType {
        ty,
        nullable: parts.iter().any(|part| part.ty().nullable),
        unit: Some(Unit::none()),
        sensitivity: sensitivity(parts),
    }
}

/// The strictest label of `parts`.
pub(crate) fn sensitivity<T: Typed>(parts: &[T]) -> Sensitivity {
    parts.iter().map(|part| part.ty().sensitivity).max().unwrap_or_default()
}

/// `x` as a `ty`, by a cast that never fails; itself where it is one already. A literal is converted on the spot.
pub(crate) fn widen<T: Typed>(x: T, ty: &Type) -> T {
    if x.ty().ty == *ty {
        return x;
    }
    let span = x.span();
    let known = ValueType { ty: ty.clone(), ..x.ty().clone() };
    if let Some(value) = x.as_literal().and_then(|value| meet::convert(value, &x.ty().ty, ty)) {
        return T::literal(value, known, span);
    }
    T::call(Function::Cast, vec![x], known, span)
}

/// `x` as a `ty` that is stored alike (an enum as a string): no cast.
pub(crate) fn relabel<T: Typed>(x: T, ty: &Type) -> T {
    let known = ValueType { ty: ty.clone(), ..x.ty().clone() };
    let span = x.span();
    x.retyped(known, span)
}

/// Pushes a diagnostic and gives none: the end of a check that failed.
pub(crate) fn refuse<T>(d: &mut Diagnostics, diagnostic: crate::diagnostic::Diagnostic) -> Option<T> {
    d.push(diagnostic);
    None
}
