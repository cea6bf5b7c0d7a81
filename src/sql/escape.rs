//! The text of `sql(…)`: parsed, its places `{0}`, `{1}` … filled with columns.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, VisitMut, VisitorMut};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use crate::sql::build;
use crate::sql::dialect::Scalars;

const PLACE: &str = "metricc_argument_";

/// Parses `text` as one expression.
pub fn expression(text: &str, arguments: &[Expr], dialect: &dyn Scalars) -> Result<Expr, ParserError> {
    let tokenizer = Tokenizer::new(dialect.grammar(), text).with_unescape(!dialect.escapes_in_tree());
    let tokens = mark_places({ tokenizer }.tokenize()?);
    let mut parser = Parser::new(dialect.grammar()).with_tokens(tokens);
    let mut expr = parser.parse_expr()?;
    match parser.peek_token().token {
        Token::EOF => {}
        left => return Err(ParserError::ParserError(format!("`{left}` is left over"))),
    }
    let mut fill = Fill { arguments, missing: None };
    let _ = expr.visit(&mut fill);
    match fill.missing {
        Some(place) => Err(ParserError::ParserError(format!("there is no column for `{{{place}}}`"))),
        None => Ok(build::nested(expr)),
    }
}

/// `{3}` becomes one identifier. Braces within strings are no tokens and stay.
fn mark_places(tokens: Vec<Token>) -> Vec<Token> {
    let mut marked = Vec::with_capacity(tokens.len());
    let rest = tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    let mut held: Vec<Token> = Vec::new();
    for token in rest {
        match (held.as_slice(), &token) {
            ([], Token::LBrace) => held.push(token),
            ([Token::LBrace], Token::Number(..)) => held.push(token),
            ([Token::LBrace, Token::Number(place, _)], Token::RBrace) => {
                let value = format!("{PLACE}{place}");
                marked.push(Token::Word(Word { value, quote_style: None, keyword: Keyword::NoKeyword }));
                held.clear();
            }
            _ => {
                marked.append(&mut held);
                marked.push(token);
            }
        }
    }
    marked.append(&mut held);
    marked
}

struct Fill<'a> {
    arguments: &'a [Expr],
    missing: Option<String>,
}

impl VisitorMut for Fill<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Identifier(found) = expr else { return ControlFlow::Continue(()) };
        let Some(place) = found.value.strip_prefix(PLACE) else { return ControlFlow::Continue(()) };
        match place.parse().ok().and_then(|place: usize| self.arguments.get(place)) {
            Some(argument) => *expr = build::nested(argument.clone()),
            None => self.missing = Some(place.to_owned()),
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::CLICKHOUSE;
    use crate::sql::build::{binary, column, ident, number};
    use sqlparser::ast::BinaryOperator;

    fn filled(text: &str) -> Result<String, ParserError> {
        let columns = [column("b", ident("x")), binary(column("b", ident("y")), BinaryOperator::Plus, number(1))];
        expression(text, &columns, &CLICKHOUSE).map(|expr| expr.to_string())
    }

    #[test]
    fn places_are_filled_and_strings_left_alone() {
        assert_eq!(filled("cityHash64({0}, '{0}') % {1}").unwrap(), "(cityHash64(b.x, '{0}') % (b.y + 1))");
    }

    #[test]
    fn escapes_stay_as_they_were_written() {
        assert_eq!(filled(r"concat({0}, 'a\\b\'')").unwrap(), r"concat(b.x, 'a\\b\'')");
    }

    #[test]
    fn wrong_texts_are_refused() {
        assert!(filled("f({0}").is_err());
        assert!(filled("{0} {1}").is_err());
        assert!(filled("{2}").unwrap_err().to_string().contains("{2}"));
    }
}
