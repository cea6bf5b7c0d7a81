//! `sql("clickhouse": "…", "datafusion": "…") as T`: the way out where the language has no function.
//!
//! Each text is one expression of its dialect over the columns of the row. Its names are resolved as any path is, so that
//! lineage, joins and labels of personal data go on; they are replaced by `{0}`, `{1}` … for the columns, in order of their
//! first use in any of the texts.

use std::ops::ControlFlow;

use sqlparser::ast::{self as sql, Ident, Spanned as _, Visit, VisitMut, Visitor, VisitorMut};
use sqlparser::dialect::{ClickHouseDialect, DatabricksDialect, Dialect, GenericDialect, PostgreSqlDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{self as sql_tokens, Token, Tokenizer};

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast;
use crate::types::ops::{is_number, refuse, sensitivity};
use crate::types::predicate::same;
use crate::types::{RowExpr, RowExprKind, Type, Unit, ValueType};

use super::nesting::{MAX_LEVELS, is_too_deep};
use super::{RowScope, path, sql_functions};

/// The dialects that a text can be written in.
const DIALECTS: [&str; 4] = ["clickhouse", "datafusion", "risingwave", "spark"];

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
            let problem = problem.trim_start_matches("sql parser error: ");
            let (problem, span) = located(problem, text);
            return refuse(
                d,
                error!(E0327, span, "this is no SQL expression: {problem}"; help: "write one expression over the columns of the row"),
            );
        }
    };
    if let ControlFlow::Break((what, at, help)) = expr.visit(&mut Forbidden) {
        let span = within(text, at);
        return refuse(d, error!(E0327, span, "{what} has no place in an expression over one row"; help: help));
    }
    if has_placeholder(&expr.to_string()) {
        return refuse(
            d,
            error!(E0327, text.span, "a number in braces stands for a column in the compiled text";
            help: "write the braces with `char(123)` and `char(125)`"),
        );
    }
    let mut names = Columns { scope, text, columns, bound: Vec::new(), d };
    match VisitMut::visit(&mut expr, &mut names) {
        ControlFlow::Continue(()) => Some(expr.to_string()),
        ControlFlow::Break(()) => None,
    }
}

/// The place of a part of a text among the declarations; the whole text where it has escapes, or the part no place.
fn within(text: &Spanned<String>, part: sql_tokens::Span) -> Span {
    let offset = |at: sql_tokens::Location| {
        let line = text.value.split_inclusive('\n').nth(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        let before = line.as_ptr() as usize - text.value.as_ptr() as usize;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let bytes: usize = line.chars().take(column).map(char::len_utf8).sum();
        u32::try_from(before + bytes).ok()
    };
    let plain = (text.span.end - text.span.start) as usize == text.value.len() + 2;
    match (plain, offset(part.start), offset(part.end)) {
        (true, Some(start), Some(end)) if start <= end => {
            let first = text.span.start + 1;
            Span::new(text.span.file, first + start, first + end.max(start + 1).min(text.value.len() as u32))
        }
        _ => text.span,
    }
}

/// The problem of a parser without the place that it tells, and that place.
fn located(problem: &str, text: &Spanned<String>) -> (String, Span) {
    let place = problem.rsplit_once(" at Line: ").and_then(|(problem, at)| {
        let (line, column) = at.split_once(", Column: ")?;
        let start = sql_tokens::Location { line: line.parse().ok()?, column: column.parse().ok()? };
        let end = sql_tokens::Location { line: start.line, column: start.column + 1 };
        Some((problem.to_owned(), within(text, sql_tokens::Span { start, end })))
    });
    place.unwrap_or_else(|| (problem.to_owned(), text.span))
}

/// Whether `{0}` or the like is in the text.
fn has_placeholder(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest[digits..].starts_with('}')
    })
}

/// Finds what sees more than the row's columns, or what changes from call to call.
struct Forbidden;

impl Visitor for Forbidden {
    /// What it is, where it stands, and what to do.
    type Break = (String, sql_tokens::Span, String);

    fn pre_visit_query(&mut self, query: &sql::Query) -> ControlFlow<Self::Break> {
        let help = "reach other tables by entity-typed columns".to_owned();
        ControlFlow::Break(("a query".to_owned(), query.span(), help))
    }

    fn pre_visit_expr(&mut self, expr: &sql::Expr) -> ControlFlow<Self::Break> {
        let no = |what: &str, help: &str| ControlFlow::Break((what.to_owned(), expr.span(), help.to_owned()));
        match expr {
            sql::Expr::Wildcard(_) | sql::Expr::QualifiedWildcard(..) => no("`*`", "name the columns"),
            sql::Expr::Dictionary(_) => no("`{…}`", "a parameter has no value here: write it out"),
            sql::Expr::Value(value) if matches!(value.value, sql::Value::Placeholder(_)) => {
                no(&format!("`{}`", value.value), "a parameter has no value here: write it out")
            }
            sql::Expr::Function(function) => {
                let name = function.name.to_string();
                let called = &name[name.rfind('.').map_or(0, |dot| dot + 1)..];
                let arguments = match &function.args {
                    sql::FunctionArguments::List(list) => {
                        list.duplicate_treatment.is_some() || !list.clauses.is_empty()
                    }
                    _ => false,
                };
                let clauses = arguments
                    || function.over.is_some()
                    || function.filter.is_some()
                    || function.null_treatment.is_some()
                    || !function.within_group.is_empty();
                let why = sql_functions::refused(called).or_else(|| clauses.then_some("aggregate in a metric"));
                match why {
                    Some(help) => {
                        let at = function.name.span();
                        ControlFlow::Break((format!("`{}`", name.to_lowercase()), at, help.to_owned()))
                    }
                    None => ControlFlow::Continue(()),
                }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Replaces columns by their places.
struct Columns<'a, 'b> {
    scope: &'a RowScope<'a>,
    text: &'a Spanned<String>,
    columns: &'b mut Vec<RowExpr>,
    /// The parameters of the lambdas around.
    bound: Vec<Vec<String>>,
    d: &'b mut Diagnostics,
}

impl VisitorMut for Columns<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut sql::Expr) -> ControlFlow<()> {
        let parts: Vec<Ident> = match expr {
            sql::Expr::Lambda(lambda) => {
                let parameters: Vec<&Ident> = lambda.params.iter().map(|parameter| &parameter.name).collect();
                let columns = &self.scope.tables[self.scope.base.0].columns;
                let is_column = |name: &&&Ident| columns.iter().any(|column| column.name.value == name.value);
                if let Some(both) = parameters.iter().find(is_column) {
                    self.d.push(error!(E0327, within(self.text, both.span), "`{}` is a parameter here, and a column", both.value;
                        help: "give the parameter another name"));
                    return ControlFlow::Break(());
                }
                self.bound.push(parameters.into_iter().map(|name| name.value.clone()).collect());
                return ControlFlow::Continue(());
            }
            sql::Expr::Identifier(name) => vec![name.clone()],
            sql::Expr::CompoundIdentifier(names) => names.clone(),
            _ => return ControlFlow::Continue(()),
        };
        if self.bound.iter().flatten().any(|name| *name == parts[0].value) {
            return ControlFlow::Continue(());
        }
        let names: Vec<ast::Name> =
            parts.into_iter().map(|part| Spanned::new(part.value, within(self.text, part.span))).collect();
        let span = names.iter().map(|name| name.span).reduce(Span::to).unwrap_or(self.text.span);
        let path = ast::Path { parts: names, at: None, span };
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
