//! sqlparser's grammar of ClickHouse, reading plain words and literals straight away.
//!
//! sqlparser tries every operand as the name of a type first (`DATE '2026-01-01'`), and fails at great cost where it is a
//! word or a literal. Neither can start a typed literal unless the word is a keyword or a text follows, so that they are
//! read here; the trees are the same (`the_trees_are_those_of_sqlparser`). A build reads back all that it writes, and this
//! halves the time.

use sqlparser::ast::{Expr, Ident, ObjectName};
use sqlparser::dialect::{ClickHouseDialect, Dialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// The grammar.
#[derive(Debug)]
pub struct Grammar;

/// sqlparser's own.
const PLAIN: ClickHouseDialect = ClickHouseDialect {};

/// Methods that answer as sqlparser's own dialect does: all that it overrides.
macro_rules! same {
    ($($method:ident)*) => { $(fn $method(&self) -> bool { PLAIN.$method() })* };
}

impl Dialect for Grammar {
    fn dialect(&self) -> std::any::TypeId {
        PLAIN.dialect()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        PLAIN.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        PLAIN.is_identifier_part(ch)
    }

    same! {
        supports_string_literal_backslash_escape supports_select_wildcard_except describe_requires_table_keyword
        require_interval_qualifier supports_limit_comma supports_insert_table_function supports_insert_format
        supports_numeric_literal_underscores supports_partition_by_after_order_by supports_array_join_syntax
        supports_dictionary_syntax supports_lambda_functions supports_from_first_select supports_order_by_all
        supports_group_by_expr supports_group_by_with_modifier supports_nested_comments supports_optimize_table
        supports_prewhere supports_with_fill supports_limit_by supports_interpolate supports_settings
        supports_select_format supports_select_wildcard_replace supports_comma_separated_trim
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let first = parser.peek_token_ref();
        let name = match &first.token {
            Token::Number(..) | Token::SingleQuotedString(_) => return Some(parser.parse_value().map(Expr::Value)),
            Token::Word(word) if word.keyword == Keyword::NoKeyword => word.to_ident(first.span),
            _ => return None,
        };
        let second = parser.peek_nth_token_ref(1);
        match second.token {
            // `x (+)` is an outer join.
            Token::LParen if parser.peek_nth_token_ref(2).token != Token::Plus => {
                parser.advance_token();
                Some(parser.parse_function(ObjectName::from(vec![name])))
            }
            Token::Word(_) if parser.peek_nth_token_ref(2).token != Token::Arrow => Some(identifier(name, parser)),
            Token::Period
            | Token::Comma
            | Token::RParen
            | Token::Eq
            | Token::Neq
            | Token::Lt
            | Token::LtEq
            | Token::Gt
            | Token::GtEq
            | Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::EOF => Some(identifier(name, parser)),
            _ => None,
        }
    }
}

fn identifier(name: Ident, parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    Ok(Expr::Identifier(name))
}

#[cfg(test)]
mod tests {
    use sqlparser::ast::Statement;
    use sqlparser::tokenizer::Tokenizer;

    use super::*;

    fn read(grammar: &dyn Dialect, tokens: &[Token]) -> Option<Vec<Statement>> {
        Parser::new(grammar).with_tokens(tokens.to_vec()).parse_statements().ok()
    }

    /// Statements of all kinds: the documented facts about ClickHouse, and what the plans of the tests become.
    fn statements() -> Vec<String> {
        let facts = include_str!("../../../docs/clickhouse-facts.md");
        let mut found: Vec<String> = facts.lines().filter(|line| line.ends_with(';')).map(str::to_owned).collect();
        let snapshots = std::fs::read_dir("snapshots/sql").expect("the folder of snapshots");
        for file in snapshots.filter_map(|entry| Some(entry.ok()?.path())) {
            if file.to_str().is_some_and(|path| path.ends_with(".clickhouse.snap")) {
                let text = std::fs::read_to_string(file).expect("a readable snapshot");
                found.extend(text.splitn(3, "---\n").nth(2).map(str::to_owned));
            }
        }
        let odd =
            ["SELECT f(+)", "SELECT a.b(+)", "SELECT x -> x + 1", "SELECT x Int8 -> x", "SELECT _utf8'x', n'x', d 'x'"];
        found.extend(odd.map(str::to_owned));
        found
    }

    #[test]
    fn the_trees_are_those_of_sqlparser() {
        let mut trees = 0;
        for statement in statements() {
            let tokens = Tokenizer::new(&Grammar, &statement).tokenize().expect("tokens");
            let same = |tokens: &[Token]| {
                let (ours, plain) = (read(&Grammar, tokens), read(&PLAIN, tokens));
                assert_eq!(ours, plain, "{}", tokens.iter().map(ToString::to_string).collect::<String>());
                usize::from(ours.is_some())
            };
            trees += same(&tokens);
            // And where something is missing.
            for gap in 0..tokens.len() {
                let mut less = tokens.clone();
                less.remove(gap);
                trees += same(&less);
            }
        }
        assert!(trees > 1_000, "only {trees} statements were read");
    }
}
