//! Typing conditions on dimensions: `platform = "ios" and (city is null or not hour in (1, 2))`.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Literal, UnaryOp};
use crate::value::{Function, Value};

use super::super::dimensions::unknown_dimension;
use super::super::literal::literal_as;
use super::super::model::{DimFilter, Dimension, DimensionId, Table, Type};

impl DimFilter {
    /// Calls `visit` for every dimension tested.
    pub fn walk(&self, visit: &mut impl FnMut(DimensionId, Span)) {
        match self {
            DimFilter::And(parts) | DimFilter::Or(parts) => parts.iter().for_each(|part| part.walk(visit)),
            DimFilter::Not(inner) => inner.walk(visit),
            DimFilter::Test { dimension, span, .. } => visit(*dimension, *span),
        }
    }
}

/// How dimensions are found by name.
pub struct DimensionNames<'a> {
    /// The dimension of a name; `Some(None)` for one that is declared but broken.
    pub find: &'a dyn Fn(&str) -> Option<Option<DimensionId>>,
    /// All names, for near misses.
    pub all: &'a dyn Fn() -> Vec<&'a str>,
}

/// Types a condition whose leaves are `DIM op literal`.
pub fn check_filter(
    names: &DimensionNames<'_>,
    dimensions: &[Dimension],
    tables: &[Table],
    zone: chrono_tz::Tz,
    expr: &ast::Expr,
    d: &mut Diagnostics,
) -> Option<DimFilter> {
    Checker { names, dimensions, tables, zone }.check(expr, d)
}

struct Checker<'a, 'n> {
    names: &'a DimensionNames<'n>,
    dimensions: &'a [Dimension],
    tables: &'a [Table],
    zone: chrono_tz::Tz,
}

impl Checker<'_, '_> {
    fn check(&self, expr: &ast::Expr, d: &mut Diagnostics) -> Option<DimFilter> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.check(inner, d),
            ExprKind::Unary { op, operand } if op.value == UnaryOp::Not => {
                self.check(operand, d).map(|inner| DimFilter::Not(Box::new(inner)))
            }
            ExprKind::Binary { op, left, right } if matches!(op.value, BinaryOp::And | BinaryOp::Or) => {
                let (left, right) = (self.check(left, d), self.check(right, d));
                let parts = vec![left?, right?];
                Some(if op.value == BinaryOp::And { DimFilter::And(parts) } else { DimFilter::Or(parts) })
            }
            ExprKind::Binary { op, left, right } => {
                let function = match op.value {
                    BinaryOp::Equal => Function::Equal,
                    BinaryOp::NotEqual => Function::NotEqual,
                    BinaryOp::Less => Function::Less,
                    BinaryOp::LessEqual => Function::LessEqual,
                    BinaryOp::Greater => Function::Greater,
                    BinaryOp::GreaterEqual => Function::GreaterEqual,
                    _ => return self.not_a_test(expr.span, d),
                };
                self.test(left, function, std::slice::from_ref(right.as_ref()), expr.span, d)
            }
            ExprKind::In { operand, list, negated } => {
                let test = self.test(operand, Function::In, list, expr.span, d)?;
                Some(if *negated { DimFilter::Not(Box::new(test)) } else { test })
            }
            ExprKind::Between { operand, low, high, negated } => {
                let from = self.test(operand, Function::GreaterEqual, std::slice::from_ref(low.as_ref()), expr.span, d);
                let to = self.test(operand, Function::LessEqual, std::slice::from_ref(high.as_ref()), expr.span, d);
                let both = DimFilter::And(vec![from?, to?]);
                Some(if *negated { DimFilter::Not(Box::new(both)) } else { both })
            }
            ExprKind::Like { operand, pattern, negated } => {
                let test = self.test(operand, Function::Like, std::slice::from_ref(pattern.as_ref()), expr.span, d)?;
                Some(if *negated { DimFilter::Not(Box::new(test)) } else { test })
            }
            ExprKind::IsNull { operand, negated } => {
                let function = if *negated { Function::IsNotNull } else { Function::IsNull };
                self.test(operand, function, &[], expr.span, d)
            }
            ExprKind::InCall { call, .. } => {
                d.push(crate::resolve::later("attribute(…)", call.span));
                None
            }
            _ => self.not_a_test(expr.span, d),
        }
    }

    fn not_a_test(&self, span: Span, d: &mut Diagnostics) -> Option<DimFilter> {
        d.push(error!(E0123, span, "a filter on a metric compares dimensions with literals";
            help: "write `where platform = \"ios\"`; a condition on columns goes into the aggregate: `count(order where …)`"));
        None
    }

    fn test(
        &self,
        operand: &ast::Expr,
        function: Function,
        literals: &[ast::Expr],
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<DimFilter> {
        let ExprKind::Path { path, version: None } = &operand.kind else {
            return self.not_a_test(operand.span, d);
        };
        if path.parts[0].as_str() == "time" {
            d.push(crate::resolve::later("where time …", path.span));
            return None;
        }
        let Some(dimension) = path.single().and_then(|name| (self.names.find)(name)) else {
            d.push(unknown_dimension((self.names.all)(), path));
            return None;
        };
        let dimension = dimension?;
        let mut values = Vec::new();
        for literal in literals {
            values.push(self.literal(dimension, literal, d)?);
        }
        Some(DimFilter::Test { dimension, function, literals: values, span })
    }

    /// A literal of the dimension's type.
    fn literal(&self, id: DimensionId, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Value> {
        let dimension = &self.dimensions[id.0];
        let ty = match &dimension.ty.ty {
            Type::Entity(table) => {
                let table = &self.tables[table.0];
                table.key.first().map_or(&Type::String, |key| &table.columns[*key].ty.ty)
            }
            ty => ty,
        };
        match (&expr.kind, ty) {
            (ExprKind::Literal(Literal::String(text)), Type::Enum(domain)) => {
                if !domain.contains(text) {
                    let help = match near(text, domain.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its values are: {}", domain.join(", ")),
                    };
                    d.push(error!(E0607, expr.span, "`{}` is never `{text}`", dimension.name.value; help: help));
                    return None;
                }
                Some(Value::String(text.clone()))
            }
            (ExprKind::Literal(Literal::Null), _) => {
                d.push(
                    error!(E0608, expr.span, "nothing is ever equal to null"; help: "write `is null` or `is not null`"),
                );
                None
            }
            _ => literal_as(expr, ty, self.zone).or_else(|| self.wrong(dimension, expr.span, d)),
        }
    }

    fn wrong<T>(&self, dimension: &Dimension, span: Span, d: &mut Diagnostics) -> Option<T> {
        d.push(
            error!(E0609, span, "this is not a literal of the type of `{}`", dimension.name.value;
            help: "compare it with a literal of the dimension's own type")
            .related(dimension.name.span, "declared here"),
        );
        None
    }
}
