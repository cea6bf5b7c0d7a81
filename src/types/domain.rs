//! The values that a dimension can have: those of its bindings, of `else` and of `values`.

use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, ExprKind, Literal, ValueKind};
use crate::value::{Function, Value};

use super::dimensions::{Checker, same_type};
use super::items::Items;
use super::listed::some_of;
use super::literal::{example_of, literal_as};
use super::model::{Binding, Dimension, RowExpr, RowExprKind, Table, TableId, TableKind, Type, ValueType};
use super::type_name::{show_type, with_article};

/// What the values of a dimension may be.
#[derive(Clone, Debug)]
pub enum Domain {
    /// These.
    Listed(Vec<Spanned<Value>>),
    /// The keys of an entity.
    Keys(TableId),
}

impl Dimension {
    /// The values that `values` lists; none where it does not list them.
    pub fn listed(&self) -> &[Spanned<Value>] {
        match &self.values {
            Some(Domain::Listed(values)) => values,
            Some(Domain::Keys(_)) | None => &[],
        }
    }
}

impl Checker<'_> {
    /// The string literals that a binding of a declared enum can give must lie in its domain.
    pub(super) fn check_domain(&self, bindings: &[Binding], domain: &Arc<Vec<String>>, diagnostics: &mut Diagnostics) {
        for binding in bindings {
            results(&binding.value, &mut |value| {
                if let RowExprKind::Literal(Value::String(text)) = &value.kind
                    && !domain.contains(text)
                {
                    diagnostics.push(error!(E0517, value.span, "`{text}` is not one of the declared values";
                        help: ("add it to the enum; its values are {}", some_of(domain.iter().map(String::as_str)))));
                }
            });
        }
    }

    /// `else`, typed as the dimension. An enum's domain grows by the value.
    pub(super) fn otherwise(
        &self,
        syntax: &ast::Dimension,
        ty: &mut ValueType,
        diagnostics: &mut Diagnostics,
    ) -> Option<Option<RowExpr>> {
        let Some(expr) = &syntax.otherwise else { return Some(None) };
        let mut inner = expr;
        while let ExprKind::Parenthesised(within) = &inner.kind {
            inner = within;
        }
        let value = match (&inner.kind, &ty.ty) {
            (ExprKind::Literal(Literal::Null), _) => return Some(None),
            (ExprKind::Literal(Literal::String(text)), Type::Enum(domain)) => {
                if !domain.contains(text) && syntax.ty.is_none() {
                    let mut grown = domain.as_ref().clone();
                    grown.push(text.clone());
                    ty.ty = Type::Enum(Arc::new(grown));
                } else if !domain.contains(text) {
                    diagnostics.push(error!(E0517, expr.span, "`{text}` is not one of the declared values";
                        help: ("add it to the enum; its values are {}", some_of(domain.iter().map(String::as_str)))));
                    return None;
                }
                Value::String(text.clone())
            }
            (_, found) => {
                let wanted = match found {
                    Type::Entity(id) => self.key_type(*id),
                    found => found.clone(),
                };
                let Some(value) = literal_as(inner, &wanted, self.zone) else {
                    diagnostics.push(
                        error!(E0518, expr.span, "`{}` is {}, and this is no literal of that type", syntax.name.value,
                            with_article(&show_type(&wanted, self.tables));
                        help: ("write {}", example_of(&wanted))),
                    );
                    return None;
                };
                value
            }
        };
        let ty = ValueType { nullable: false, ..ty.clone() };
        Some(Some(RowExpr { kind: RowExprKind::Literal(value), ty, span: expr.span }))
    }

    fn key_type(&self, id: TableId) -> Type {
        let table = &self.tables[id.0];
        table.key.first().map_or(Type::String, |key| table.columns[*key].ty.ty.clone())
    }

    pub(super) fn values(&self, items: &Items<'_>, ty: &ValueType, diagnostics: &mut Diagnostics) -> Option<Domain> {
        let (_, written) = items.get("values")?;
        let mut values = Vec::new();
        for value in written {
            match &value.kind {
                ValueKind::Expr { expr, .. } => {
                    let Some(one) = self.listed_value(expr, ty, diagnostics) else { continue };
                    if values.iter().any(|earlier: &Spanned<Value>| earlier.value == one) {
                        diagnostics.push(error!(W0304, value.span, "this is twice in the list";
                            help: "remove it, or write the value that was meant"));
                    } else {
                        values.push(Spanned::new(one, value.span));
                    }
                }
                ValueKind::From(path) if written.len() == 1 => return self.keys_of(path, ty, diagnostics),
                _ => diagnostics.push(error!(E0205, value.span, "`values` takes literals, or `from` and an entity";
                        help: "write `values: \"a\", \"b\"`, or `values: from channel`")),
            }
        }
        Some(Domain::Listed(values))
    }

    /// `values: from channel`: the keys of an entity.
    fn keys_of(&self, path: &ast::Path, ty: &ValueType, diagnostics: &mut Diagnostics) -> Option<Domain> {
        let entities = || self.tables.iter().filter(|table| table.kind == TableKind::Entity);
        let entity = |table: &Table| table.kind == TableKind::Entity && path.single() == Some(&table.name);
        let Some(id) = self.tables.iter().position(entity).map(TableId) else {
            let help = match near(&path.to_string(), entities().map(|table| table.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name an entity: its keys are the values".to_owned(),
            };
            diagnostics.push(error!(E0207, path.span, "no entity named `{path}`"; help: help));
            return None;
        };
        let own = match &ty.ty {
            Type::Entity(own) => self.key_type(*own),
            other => other.clone(),
        };
        let keys = self.key_type(id);
        if !same_type(&own, &keys) && !matches!((&own, &keys), (Type::Enum(_), Type::String)) {
            let shown = |ty: &Type| with_article(&show_type(ty, self.tables));
            diagnostics.push(
                error!(E0530, path.span, "a key of `{path}` is {}, the dimension is {}", shown(&keys), shown(&own);
                    help: "name an entity with keys of the dimension's type")
                .related(self.tables[id.0].name.span, "declared here"),
            );
            return None;
        }
        Some(Domain::Keys(id))
    }

    /// One literal of `values`.
    fn listed_value(&self, expr: &ast::Expr, ty: &ValueType, diagnostics: &mut Diagnostics) -> Option<Value> {
        let wanted = match &ty.ty {
            Type::Entity(id) => self.key_type(*id),
            other => other.clone(),
        };
        match (&expr.kind, &wanted) {
            (ExprKind::Literal(Literal::String(text)), Type::Enum(domain)) if domain.contains(text) => {
                Some(Value::String(text.clone()))
            }
            (ExprKind::Literal(Literal::String(text)), Type::Enum(domain)) => {
                diagnostics.push(error!(E0517, expr.span, "`{text}` is not one of the declared values";
                    help: ("the values are {}", some_of(domain.iter().map(String::as_str)))));
                None
            }
            _ => literal_as(expr, &wanted, self.zone).or_else(|| {
                diagnostics.push(error!(E0518, expr.span, "the dimension is {}, and this is no literal of that type",
                    with_article(&show_type(&wanted, self.tables)); help: ("write {}", example_of(&wanted))));
                None
            }),
        }
    }
}

/// The values that an expression can give: the branches of a `case`, the arguments of a coalesce, or itself.
fn results(expr: &RowExpr, visit: &mut impl FnMut(&RowExpr)) {
    match &expr.kind {
        RowExprKind::Case { branches, otherwise } => {
            branches.iter().for_each(|(_, value)| results(value, visit));
            otherwise.iter().for_each(|value| results(value, visit));
        }
        RowExprKind::Call(Function::Coalesce | Function::Cast, arguments) => {
            arguments.iter().for_each(|argument| results(argument, visit));
        }
        _ => visit(expr),
    }
}
