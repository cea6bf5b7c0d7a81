//! Typing conditions on dimensions: `platform = "ios" and (city is null or not hour in (1, 2))`.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Literal, UnaryOp};
use crate::value::{Function, Value};

use super::super::dimensions::unknown_dimension;
use super::super::listed::some_of;
use super::super::literal::{example_of, literal_as};
use super::super::model::{
    ColumnId, DimFilter, Dimension, DimensionId, RowExpr, RowExprKind, Table, TableId, Type, ValueType,
};
use super::super::ops::Typed;
use super::super::predicate;
use super::super::type_name::{show_type, with_article};

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
    let filter = Checker { names, dimensions, tables, zone }.check(expr, d)?;
    predicate::inspect_condition(&as_rows_see_it(&filter, dimensions, expr.span), d);
    Some(filter)
}

/// The condition as one over rows that have the dimensions as their columns, for the checks that both share.
fn as_rows_see_it(filter: &DimFilter, dimensions: &[Dimension], place: Span) -> RowExpr {
    let call = |function, arguments: Vec<RowExpr>, span| RowExpr {
        kind: RowExprKind::Call(function, arguments),
        ty: ValueType::plain(Type::Bool),
        span,
    };
    let all =
        |parts: &[DimFilter]| parts.iter().map(|part| as_rows_see_it(part, dimensions, place)).collect::<Vec<_>>();
    let whole = |parts: &[RowExpr]| parts.iter().map(|part| part.span).reduce(Span::to).unwrap_or(place);
    match filter {
        DimFilter::And(parts) | DimFilter::Or(parts) => {
            let function = if matches!(filter, DimFilter::And(_)) { Function::And } else { Function::Or };
            let parts = all(parts);
            let span = whole(&parts);
            call(function, parts, span)
        }
        DimFilter::Not(inner) => {
            let inner = as_rows_see_it(inner, dimensions, place);
            let span = inner.span;
            call(Function::Not, vec![inner], span)
        }
        DimFilter::Test { dimension, function, literals, span } => {
            let ty = dimensions[dimension.0].ty.clone();
            // No table has this place: the dimension alone tells the columns apart.
            let column = ColumnId { table: TableId(usize::MAX), column: dimension.0 };
            let subject = RowExpr { kind: RowExprKind::Column(vec![column]), ty: ty.clone(), span: *span };
            let known = ValueType { nullable: false, ..ty };
            let literals = literals.iter().map(|value| RowExpr {
                kind: RowExprKind::Literal(value.clone()),
                ty: known.clone(),
                span: *span,
            });
            call(*function, std::iter::once(subject).chain(literals).collect(), *span)
        }
    }
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
                let from =
                    self.test(operand, Function::GreaterEqual, std::slice::from_ref(low.as_ref()), expr.span, d)?;
                let to = self.test(operand, Function::LessEqual, std::slice::from_ref(high.as_ref()), expr.span, d)?;
                let both = DimFilter::And(vec![from, to]);
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
        if function == Function::Like {
            let pattern = self.pattern(dimension, &literals[0], d)?;
            return Some(DimFilter::Test { dimension, function, literals: vec![pattern], span });
        }
        self.ordered(dimension, function, operand.span, d)?;
        let mut values = Vec::new();
        for literal in literals {
            values.push(self.literal(dimension, literal, d)?);
        }
        Some(DimFilter::Test { dimension, function, literals: values, span })
    }

    /// The pattern of a `like`: a text, whatever the domain.
    fn pattern(&self, id: DimensionId, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Value> {
        let dimension = &self.dimensions[id.0];
        match (&expr.kind, self.stored_type(dimension)) {
            (ExprKind::Literal(Literal::String(text)), Type::String | Type::Enum(_)) => {
                Some(Value::String(text.clone()))
            }
            (_, Type::String | Type::Enum(_)) => {
                d.push(error!(E0609, expr.span, "the pattern of a `like` is a text in quotes";
                    help: "write `like \"%a%\"`"));
                None
            }
            (_, ty) => {
                d.push(
                    error!(E0609, expr.span, "`{}` is {}, and `like` compares texts", dimension.name.value,
                        with_article(&show_type(ty, self.tables)); help: "use `=`, `in` or `between`")
                    .related(dimension.name.span, "declared here"),
                );
                None
            }
        }
    }

    /// Values of an enum have no order.
    fn ordered(&self, id: DimensionId, function: Function, span: Span, d: &mut Diagnostics) -> Option<()> {
        let dimension = &self.dimensions[id.0];
        let orders =
            matches!(function, Function::Less | Function::LessEqual | Function::Greater | Function::GreaterEqual);
        if orders && matches!(self.stored_type(dimension), Type::Enum(_)) {
            d.push(error!(E0332, span, "the values of `{}` can't be ordered", dimension.name.value;
                help: "use `=` or `in`"));
            return None;
        }
        Some(())
    }

    /// The type of a dimension's values: of an entity, that of its key.
    fn stored_type<'b>(&'b self, dimension: &'b Dimension) -> &'b Type {
        match &dimension.ty.ty {
            Type::Entity(table) => {
                let table = &self.tables[table.0];
                table.key.first().map_or(&Type::String, |key| &table.columns[*key].ty.ty)
            }
            ty => ty,
        }
    }

    /// A literal of the dimension's type.
    fn literal(&self, id: DimensionId, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Value> {
        let dimension = &self.dimensions[id.0];
        let value = self.typed_literal(dimension, expr, d)?;
        let listed = dimension.listed();
        let otherwise = dimension.otherwise.as_ref().and_then(RowExpr::as_literal);
        if listed.is_empty() || listed.iter().any(|one| one.value == value) || otherwise == Some(&value) {
            return Some(value);
        }
        let texts = listed.iter().filter_map(|one| match &one.value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        });
        match &value {
            Value::String(text) => self.never(dimension, &format!("`{text}`"), texts.collect(), expr.span, d),
            _ => self.never(dimension, "this value", Vec::new(), expr.span, d),
        }
    }

    fn typed_literal(&self, dimension: &Dimension, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Value> {
        match (&expr.kind, self.stored_type(dimension)) {
            (ExprKind::Literal(Literal::String(text)), Type::Enum(domain)) => {
                if !domain.contains(text) {
                    return self.never(
                        dimension,
                        &format!("`{text}`"),
                        domain.iter().map(String::as_str).collect(),
                        expr.span,
                        d,
                    );
                }
                Some(Value::String(text.clone()))
            }
            (ExprKind::Literal(Literal::Null), _) => {
                d.push(
                    error!(E0608, expr.span, "nothing is ever equal to null"; help: "write `is null` or `is not null`"),
                );
                None
            }
            (_, ty) => literal_as(expr, ty, self.zone).or_else(|| self.wrong(dimension, expr.span, d)),
        }
    }

    fn never<T>(
        &self,
        dimension: &Dimension,
        text: &str,
        all: Vec<&str>,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<T> {
        let help = match near(text.trim_matches('`'), all.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if all.is_empty() => "its `values:` say what it can be".to_owned(),
            None => format!("its values are {}", some_of(all)),
        };
        d.push(error!(E0607, span, "`{}` is never {text}", dimension.name.value; help: help));
        None
    }

    fn wrong<T>(&self, dimension: &Dimension, span: Span, d: &mut Diagnostics) -> Option<T> {
        d.push(
            error!(E0609, span, "`{}` is {}, and this is no literal of that type", dimension.name.value,
                with_article(&show_type(&dimension.ty.ty, self.tables));
            help: ("write {}", example_of(&dimension.ty.ty)))
            .related(dimension.name.span, "declared here"),
        );
        None
    }
}
