//! How single tokens are written.

use std::borrow::Cow;

use crate::syntax::lex::{Kind, Token};
use crate::syntax::strings::unescape;

/// The text of a token that is no comment.
pub fn token<'t>(text: &'t str, token: &Token) -> Cow<'t, str> {
    match token.kind {
        Kind::String => string(token.text(text)),
        _ => Cow::Borrowed(token.text(text)),
    }
}

/// A string literal with its quotes: escapes only where they are needed.
pub fn string(literal: &str) -> Cow<'_, str> {
    let plain = |c: char| c != '\\' && !is_hidden(c);
    if literal.chars().all(plain) {
        return Cow::Borrowed(literal);
    }
    let mut out = String::with_capacity(literal.len());
    out.push('"');
    for c in unescape(literal).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if is_hidden(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    Cow::Owned(out)
}

/// What nobody sees, or takes for an ordinary blank. The ideographic blank is as wide as a letter, and joiners are parts
/// of letters and emoji.
fn is_hidden(c: char) -> bool {
    let blank = c.is_whitespace() && !matches!(c, ' ' | '\u{3000}');
    blank
        || c.is_control()
        || matches!(c, '\u{200b}' | '\u{feff}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// A comment: `///` is followed by a blank, nothing stands at its end.
pub fn comment(text: &str, token: &Token) -> String {
    let written = token.text(text).trim_end();
    match written.strip_prefix("///") {
        Some(rest) if token.kind == Kind::Doc && !rest.is_empty() && !rest.starts_with(' ') => format!("/// {rest}"),
        _ => written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::string;

    #[test]
    fn strings_escape_what_is_not_seen_and_nothing_else() {
        assert_eq!(string(r#""a""#), r#""a""#);
        assert_eq!(string(r#""\u{4f60}\t\"\\ \u{7}""#), "\"你\\t\\\"\\\\ \\u{7}\"");
        assert_eq!(string("\"a\tb\u{a0}c\""), r#""a\tb\u{a0}c""#);
        assert_eq!(string("\"全　角 👩\u{200d}👧\""), "\"全　角 👩\u{200d}👧\"");
        let twice = string("\"\u{202e}\"").into_owned();
        assert_eq!(string(&twice), twice);
    }
}
