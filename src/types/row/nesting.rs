//! How deep a text of `sql(…)` is nested, before it is parsed.
//!
//! sqlparser has several readings of `POSITION(…)`, `CASE` and the like, and tries them all where one fails: the time for a
//! wrong text is multiplied at each level. It counts neither types within types nor `INTERVAL`s against its own limit of
//! depth either. A text that somebody reads has few levels.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// How many levels a text may have; those that sqlparser reads in several ways count twice.
pub const MAX_LEVELS: usize = 12;

/// What holds the tokens behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Up to its partner.
    Bracket,
    /// `ARRAY<`, up to `>`.
    Angle,
    /// Up to `END`.
    Case,
    /// A word or arrow before an operand, up to the next comma or the end of what holds it.
    Prefix,
    /// The same, but `and` and `or` end it too.
    Not,
}

/// Whether brackets, cases and words before their operands stand within each other too deeply.
pub fn is_too_deep<'t>(tokens: impl Iterator<Item = &'t Token>) -> bool {
    let mut levels: Vec<(Level, usize)> = Vec::new();
    let mut before = Keyword::NoKeyword;
    for token in tokens.filter(|token| !matches!(token, Token::Whitespace(_))) {
        let keyword = match token {
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        match (token, keyword) {
            (Token::LParen | Token::LBracket | Token::LBrace, _) => {
                levels.push((Level::Bracket, if has_own_grammar(before) { 2 } else { 1 }));
            }
            (Token::RParen | Token::RBracket | Token::RBrace, _) => close(&mut levels, Level::Bracket),
            (Token::Lt, _) if has_own_grammar(before) => levels.push((Level::Angle, 1)),
            (Token::Gt, _) if matches!(levels.last(), Some((Level::Angle, _))) => {
                levels.pop();
            }
            (Token::Comma, _) => end(&mut levels, &[Level::Prefix, Level::Not]),
            (_, Keyword::WHEN | Keyword::THEN | Keyword::ELSE) => {
                let holder = levels.iter().rposition(|(level, _)| !matches!(level, Level::Prefix | Level::Not));
                if let Some(place) = holder.filter(|place| levels[*place].0 == Level::Case) {
                    levels.truncate(place + 1);
                }
            }
            (_, Keyword::AND | Keyword::OR) => end(&mut levels, &[Level::Not]),
            (_, Keyword::NOT) => levels.push((Level::Not, 1)),
            (_, Keyword::CASE) => levels.push((Level::Case, 2)),
            (_, Keyword::END) => close(&mut levels, Level::Case),
            (Token::Arrow, _) | (_, Keyword::INTERVAL | Keyword::LAMBDA) => levels.push((Level::Prefix, 2)),
            _ => {}
        }
        if levels.iter().map(|(_, weight)| weight).sum::<usize>() > MAX_LEVELS {
            return true;
        }
        before = keyword;
    }
    false
}

/// The words whose brackets hold more than arguments.
fn has_own_grammar(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::ARRAY
            | Keyword::CAST
            | Keyword::CEIL
            | Keyword::CONVERT
            | Keyword::EXISTS
            | Keyword::EXTRACT
            | Keyword::FLOOR
            | Keyword::MAP
            | Keyword::MATCH
            | Keyword::OVERLAY
            | Keyword::POSITION
            | Keyword::SAFE_CAST
            | Keyword::STRUCT
            | Keyword::SUBSTR
            | Keyword::SUBSTRING
            | Keyword::TABLE
            | Keyword::TRIM
            | Keyword::TRY_CAST
            | Keyword::TRY_CONVERT
    )
}

/// Ends the innermost levels of these kinds.
fn end(levels: &mut Vec<(Level, usize)>, kinds: &[Level]) {
    while levels.pop_if(|(level, _)| kinds.contains(level)).is_some() {}
}

/// Ends the innermost level of a kind, and all within it.
fn close(levels: &mut Vec<(Level, usize)>, kind: Level) {
    if let Some(place) = levels.iter().rposition(|(level, _)| *level == kind) {
        levels.truncate(place);
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::ClickHouseDialect;
    use sqlparser::tokenizer::Tokenizer;

    use super::*;

    fn deep(text: &str) -> bool {
        let tokens = Tokenizer::new(&ClickHouseDialect {}, text).tokenize().expect("tokens");
        is_too_deep(tokens.iter())
    }

    #[test]
    fn what_stands_beside_each_other_is_not_deep() {
        for part in ["NOT a AND ", "NOT (a) OR ", "f(a), ", "CASE WHEN NOT a THEN NOT b ELSE 1 END + ", "[1, 2], "] {
            assert!(!deep(&part.repeat(100)), "{part}");
        }
        assert!(!deep("arrayExists(x -> x IN (1, 2), splitByChar(',', trim(substring(a, 1, position('b' IN c)))))"));
    }

    #[test]
    fn what_stands_within_each_other_is() {
        let opens =
            ["(", "f(", "[", "CAST(", "POSITION(", "CASE WHEN ", "NOT ", "INTERVAL ", "x -> ", "ARRAY<", "a AND NOT ("];
        for open in opens {
            assert!(deep(&open.repeat(13)), "{open}");
            assert!(!deep(&open.repeat(6)), "{open}");
        }
    }
}
