//! String literals with canonical escapes.

use std::fmt::Write as _;

use crate::syntax::strings::unescape;

/// The literal with each character written as itself, where one can see it, and else as an escape.
pub fn canonical(literal: &str) -> String {
    let value = unescape(literal);
    let mut out = String::with_capacity(literal.len());
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if invisible(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a reader would not see the character, or take it for another one.
fn invisible(c: char) -> bool {
    c.is_control()
        || c != ' ' && c.is_whitespace() && c != '\u{3000}'
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
