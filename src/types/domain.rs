//! The values that a dimension can have: those of its bindings, of `else` and of `values`.

use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::resolve::later;
use crate::syntax::ast::{self, ExprKind, Literal, ValueKind};
use crate::value::{Function, Value};

use super::dimensions::Checker;
use super::items::Items;
use super::listed::some_of;
use super::literal::{example_of, literal_as};
use super::model::{Binding, RowExpr, RowExprKind, TableId, Type, ValueType};
use super::type_name::{show_type, with_article};

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

    pub(super) fn values(
        &self,
        items: &Items<'_>,
        ty: &ValueType,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<Spanned<Value>>> {
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
                ValueKind::From(path) => diagnostics.push(later("values: from", path.span)),
                _ => diagnostics
                    .push(error!(E0205, value.span, "`values` takes literals"; help: "write `values: \"a\", \"b\"`")),
            }
        }
        Some(values)
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
