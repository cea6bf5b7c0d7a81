//! The letters in which the grammar reads tokens: one ASCII character for each.
//!
//! The lexer cuts the text once; what the grammar sees of `sum(pay from order)` is `$($f$)`. So a place in its input is
//! the index of a token, blanks and comments are not there at all, and a keyword costs one comparison. The names for the
//! letters stand at the top of `grammar/metric.pest`.

use super::lex::Kind;

/// The letter of a word: a keyword's own, a version's, or `$`.
pub fn of_word(word: &str) -> u8 {
    match word {
        // Reserved words.
        "and" => b'A',
        "between" => b'B',
        "like" => b'C',
        "or" => b'D',
        "not" => b'N',
        "in" => b'I',
        "is" => b'S',
        "case" => b'L',
        "when" => b'W',
        "then" => b'T',
        "else" => b'R',
        "end" => b'Z',
        "null" => b'U',
        "true" | "false" => b'Q',
        // Words that are a keyword in some places and a name in all others: `a` to `z` and `5` to `9`, `^`, `_`, `~`, `!`, `&`.
        "outside" => b'5',
        "as" => b'a',
        "by" => b'b',
        "across" => b'c',
        "dated" => b'd',
        "every" => b'e',
        "from" => b'f',
        "ago" => b'g',
        "since" => b'h',
        "first" => b'i',
        "latest" => b'j',
        "of" => b'k',
        "all" => b'l',
        "within" => b'm',
        "on" => b'n',
        "over" => b'o',
        "per" => b'p',
        "to" => b'q',
        "for" => b'r',
        "start" => b's',
        "at" => b't',
        "top" => b'u',
        "same" => b'v',
        "where" => b'w',
        "raw" => b'x',
        "date" => b'y',
        "last" => b'z',
        "least" => b'6',
        "after" => b'7',
        "before" => b'8',
        "drop" => b'9',
        "unit" => b'^',
        "pii" => b'_',
        "sql" => b'~',
        "optional" => b'!',
        _ if is_version(word) => b'V',
        _ => b'$',
    }
}

fn is_version(word: &str) -> bool {
    word.len() > 1 && word.starts_with('v') && word[1..].bytes().all(|b| b.is_ascii_digit())
}

/// The letter of any other token.
pub fn of_token(kind: Kind, text: &str) -> u8 {
    match kind {
        Kind::Word => of_word(text),
        Kind::Quoted => b'`',
        Kind::String => b'"',
        Kind::Number => of_number(text),
        Kind::OpenParen => b'(',
        Kind::CloseParen => b')',
        Kind::OpenBracket => b'[',
        Kind::CloseBracket => b']',
        Kind::Comma => b',',
        Kind::Colon => b':',
        Kind::Dot => b'.',
        Kind::Range => b'\'',
        Kind::Arrow => b'\\',
        Kind::Question => b'?',
        Kind::At => b'#',
        Kind::Operator => match text {
            "??" => b'E',
            "!=" => b'F',
            "<=" => b'G',
            ">=" => b'H',
            one => one.as_bytes()[0],
        },
        // No slice has one of these.
        Kind::OpenBrace | Kind::CloseBrace | Kind::Semicolon | Kind::Row | Kind::Comment | Kind::Doc | Kind::Bad => {
            NONE
        }
    }
}

/// The letter of what no rule takes.
pub const NONE: u8 = b'}';

fn of_number(text: &str) -> u8 {
    match text.as_bytes().last() {
        Some(b'%') => b'2',
        Some(b'0'..=b'9' | b'_') if text.contains('.') => b'1',
        Some(b'0'..=b'9' | b'_') => b'0',
        _ => b'3',
    }
}
