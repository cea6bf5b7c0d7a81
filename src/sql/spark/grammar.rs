//! sqlparser's grammar of Spark, with the escapes within strings that Spark has.

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, SparkSqlDialect};
use sqlparser::parser::{Parser, ParserError};

/// The grammar.
#[derive(Debug)]
pub struct Grammar;

const PLAIN: SparkSqlDialect = SparkSqlDialect {};

impl Dialect for Grammar {
    fn dialect(&self) -> std::any::TypeId {
        PLAIN.dialect()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        PLAIN.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        PLAIN.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        PLAIN.is_identifier_part(ch)
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        PLAIN.parse_infix(parser, expr, precedence)
    }
}
