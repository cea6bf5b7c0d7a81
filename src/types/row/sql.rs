//! `sql("clickhouse": "…", "datafusion": "…") as T`: the way out where the language has no function.
//!
//! Each text is one expression of its dialect over the columns of the row. Its names are resolved as any path is, so that
//! lineage, joins and labels of personal data go on; they are replaced by `{0}`, `{1}` … for the columns, in order of their
//! first use in any of the texts.

use std::ops::ControlFlow;

use sqlparser::ast::{self as sql, Ident, Visit, VisitMut, Visitor, VisitorMut};
use sqlparser::dialect::{ClickHouseDialect, DatabricksDialect, Dialect, GenericDialect, PostgreSqlDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast;
use crate::types::ops::{is_number, refuse, sensitivity};
use crate::types::predicate::same;
use crate::types::{RowExpr, RowExprKind, Type, Unit, ValueType};

use super::nesting::{MAX_LEVELS, is_too_deep};
use super::{RowScope, path};

/// The dialects that a text can be written in.
const DIALECTS: [&str; 4] = ["clickhouse", "datafusion", "risingwave", "spark"];

/// Functions that see more than one row, or another world at each call.
const AGGREGATES: [&str; 12] = [
    "count",
    "sum",
    "avg",
    "uniq",
    "uniqexact",
    "quantile",
    "argmax",
    "argmin",
    "grouparray",
    "array_agg",
    "stddev",
    "approx_distinct",
];
const CLOCKS: [&str; 11] = [
    "now",
    "now64",
    "today",
    "yesterday",
    "rand",
    "rand64",
    "random",
    "current_timestamp",
    "current_date",
    "localtimestamp",
    "generateuuidv4",
];

/// Types the escape hatch.
pub(super) fn check(
    scope: &RowScope,
    variants: &[(Spanned<String>, Spanned<String>)],
    ty: Type,
    nullable: bool,
    span: Span,
    d: &mut Diagnostics,
) -> Option<RowExpr> {
    let mut columns: Vec<RowExpr> = Vec::new();
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut good = true;
    for (name, text) in variants {
        if texts.iter().any(|(known, _)| *known == name.value) {
            d.push(error!(E0326, name.span, "`{}` is twice here", name.value; help: "remove one of them"));
            good = false;
            continue;
        }
        let Some(dialect) = dialect(&name.value) else {
            let help = match near(&name.value, DIALECTS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the dialects are {}", DIALECTS.join(", ")),
            };
            d.push(error!(E0326, name.span, "no dialect named `{}`", name.value; help: help));
            good = false;
            continue;
        };
        match variant(scope, dialect.as_ref(), text, &mut columns, d) {
            Some(text) => texts.push((name.value.clone(), text)),
            None => good = false,
        }
    }
    if variants.is_empty() {
        return refuse(
            d,
            error!(E0326, span, "`sql(…)` has no text"; help: "write `sql(\"clickhouse\": \"…\") as string`"),
        );
    }
    let unit = if is_number(&ty) { None } else { Some(Unit::none()) };
    let ty = ValueType { ty, nullable, unit, sensitivity: sensitivity(&columns) };
    good.then_some(RowExpr { kind: RowExprKind::Sql { variants: texts, arguments: columns }, ty, span })
}

fn dialect(name: &str) -> Option<Box<dyn Dialect>> {
    Some(match name {
        "clickhouse" => Box::new(ClickHouseDialect {}),
        "datafusion" => Box::new(GenericDialect {}),
        "risingwave" => Box::new(PostgreSqlDialect {}),
        "spark" => Box::new(DatabricksDialect {}),
        _ => return None,
    })
}

/// One text with its columns replaced.
fn variant(
    scope: &RowScope,
    dialect: &dyn Dialect,
    text: &Spanned<String>,
    columns: &mut Vec<RowExpr>,
    d: &mut Diagnostics,
) -> Option<String> {
    let tokens = Tokenizer::new(dialect, &text.value).tokenize_with_location();
    if tokens.as_ref().is_ok_and(|tokens| is_too_deep(tokens.iter().map(|token| &token.token))) {
        return refuse(
            d,
            error!(E0327, text.span, "this is nested more than {MAX_LEVELS} levels deep";
            help: "make a computed column of the inner part: `column c: T = sql(…) as T`"),
        );
    }
    let parsed = tokens.map_err(ParserError::from).and_then(|tokens| {
        let mut parser = Parser::new(dialect).with_tokens_with_locations(tokens);
        let expr = parser.parse_expr()?;
        parser.expect_token(&Token::EOF).map(|_| expr)
    });
    let mut expr = match parsed {
        Ok(expr) => expr,
        Err(problem) => {
            let problem = problem.to_string();
            let problem = problem.trim_start_matches("sql parser error: ").to_owned();
            return refuse(
                d,
                error!(E0327, text.span, "this is no SQL expression: {problem}"; help: "write one expression over the columns of the row"),
            );
        }
    };
    if let ControlFlow::Break((what, help)) = expr.visit(&mut Forbidden) {
        return refuse(d, error!(E0327, text.span, "{what} has no place in an expression over one row"; help: help));
    }
    if has_placeholder(&expr.to_string()) {
        return refuse(
            d,
            error!(E0327, text.span, "a number in braces stands for a column in the compiled text";
            help: "write the braces with `char(123)` and `char(125)`"),
        );
    }
    let mut names = Columns { scope, span: text.span, columns, bound: Vec::new(), d };
    match VisitMut::visit(&mut expr, &mut names) {
        ControlFlow::Continue(()) => Some(expr.to_string()),
        ControlFlow::Break(()) => None,
    }
}

/// Whether `{0}` or the like is in the text.
fn has_placeholder(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest[digits..].starts_with('}')
    })
}

/// Finds what sees more than one row, or what changes from call to call.
struct Forbidden;

impl Visitor for Forbidden {
    type Break = (String, String);

    fn pre_visit_query(&mut self, _: &sql::Query) -> ControlFlow<Self::Break> {
        ControlFlow::Break(("a query".to_owned(), "reach other tables by entity-typed columns".to_owned()))
    }

    fn pre_visit_expr(&mut self, expr: &sql::Expr) -> ControlFlow<Self::Break> {
        let sql::Expr::Function(function) = expr else {
            return match expr {
                sql::Expr::Wildcard(_) | sql::Expr::QualifiedWildcard(..) => {
                    ControlFlow::Break(("`*`".to_owned(), "name the columns".to_owned()))
                }
                _ => ControlFlow::Continue(()),
            };
        };
        let name = function.name.to_string().to_lowercase();
        if function.over.is_some() || !function.within_group.is_empty() || AGGREGATES.contains(&name.as_str()) {
            return ControlFlow::Break((format!("`{name}`"), "aggregate in a metric".to_owned()));
        }
        if CLOCKS.contains(&name.as_str()) {
            return ControlFlow::Break((
                format!("`{name}`"),
                "a past number must not change: use the row's `time`".to_owned(),
            ));
        }
        ControlFlow::Continue(())
    }
}

/// Replaces columns by their places.
struct Columns<'a, 'b> {
    scope: &'a RowScope<'a>,
    span: Span,
    columns: &'b mut Vec<RowExpr>,
    /// The parameters of the lambdas around.
    bound: Vec<Vec<String>>,
    d: &'b mut Diagnostics,
}

impl VisitorMut for Columns<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut sql::Expr) -> ControlFlow<()> {
        let parts: Vec<String> = match expr {
            sql::Expr::Lambda(lambda) => {
                self.bound.push(lambda.params.iter().map(|parameter| parameter.name.value.clone()).collect());
                return ControlFlow::Continue(());
            }
            sql::Expr::Identifier(name) => vec![name.value.clone()],
            sql::Expr::CompoundIdentifier(names) => names.iter().map(|name| name.value.clone()).collect(),
            _ => return ControlFlow::Continue(()),
        };
        if self.bound.iter().flatten().any(|name| *name == parts[0]) {
            return ControlFlow::Continue(());
        }
        let names = parts.into_iter().map(|part| Spanned::new(part, self.span)).collect();
        let path = ast::Path { parts: names, at: None, span: self.span };
        let Some(column) = path::column(self.scope, &path, self.d) else { return ControlFlow::Break(()) };
        let same = |known: &RowExpr| same(known, &column);
        let place = match self.columns.iter().position(same) {
            Some(place) => place,
            None => {
                self.columns.push(column);
                self.columns.len() - 1
            }
        };
        *expr = sql::Expr::Identifier(Ident::new(format!("{{{place}}}")));
        // A replaced name is not looked up again: its children are none.
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut sql::Expr) -> ControlFlow<()> {
        if let sql::Expr::Lambda(_) = expr {
            self.bound.pop();
        }
        ControlFlow::Continue(())
    }
}
