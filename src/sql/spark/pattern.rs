//! Patterns of RE2 as patterns of Java: what both read alike stays, a few differences are written out, and all else is refused.

use std::iter::Peekable;
use std::str::Chars;

use sqlparser::ast::Expr;

use super::tree::rlike;
use super::unsupported;
use crate::sql::dialect::{Call, Unsupported};

/// White space of RE2: Java knows one more.
const BLANKS: &str = r"\t\n\f\r ";

pub fn matches(call_: &Call) -> Result<Expr, Unsupported> {
    let Some(pattern) = call_.literal_text(1) else {
        return Err(unsupported("matches(…) with a pattern that is no literal", "its patterns are those of Java"));
    };
    match translated(pattern) {
        Some(pattern) => Ok(rlike(call_.arg(0), &pattern)),
        None => Err(unsupported(
            &format!("the pattern `{pattern}`"),
            "a part of it means something else to Java: flags, names, `\\b`, classes of Unicode or within classes",
        )),
    }
}

/// The pattern in Java's words; none where a part is not known to mean the same.
fn translated(pattern: &str) -> Option<String> {
    // A dot stands for all but a line break.
    let mut made = String::from("(?d)");
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(rest.next()?, &mut made)?,
            // Java's stands before a last line break, too.
            '$' => made.push_str("\\z"),
            '(' if rest.peek() == Some(&'?') => {
                rest.next();
                if rest.next()? != ':' {
                    return None;
                }
                made.push_str("(?:");
            }
            '[' => class(&mut rest, &mut made)?,
            '{' if !rest.peek()?.is_ascii_digit() => return None,
            other => made.push(other),
        }
    }
    Some(made)
}

fn escape(c: char, made: &mut String) -> Option<()> {
    match c {
        'd' | 'D' | 'w' | 'W' | 'A' | 'z' | 'n' | 't' | 'r' | 'f' => made.extend(['\\', c]),
        's' => made.push_str(&format!("[{BLANKS}]")),
        'S' => made.push_str(&format!("[^{BLANKS}]")),
        c if c.is_ascii_punctuation() => made.extend(['\\', c]),
        _ => return None,
    }
    Some(())
}

/// What stands in brackets, behind the first one.
fn class(rest: &mut Peekable<Chars>, made: &mut String) -> Option<()> {
    made.push('[');
    if rest.peek() == Some(&'^') {
        made.extend(rest.next());
    }
    // A bracket that comes first is one of the characters.
    if rest.peek() == Some(&']') {
        rest.next();
        made.push_str("\\]");
    }
    loop {
        match rest.next()? {
            ']' => {
                made.push(']');
                return Some(());
            }
            '[' | '&' => return None,
            '\\' => match rest.next()? {
                's' => made.push_str(BLANKS),
                'S' | 'A' | 'z' => return None,
                other => escape(other, made)?,
            },
            other => made.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn patterns_mean_the_same_or_are_refused() {
        for (ours, java) in [
            ("^a\\d+$", "(?d)^a\\d+\\z"),
            ("(?:x|y)\\.[a-z_]{2,3}", "(?d)(?:x|y)\\.[a-z_]{2,3}"),
            ("\\s[^\\s,]", "(?d)[\\t\\n\\f\\r ][^\\t\\n\\f\\r ,]"),
            ("[]a$]", "(?d)[\\]a$]"),
        ] {
            assert_eq!(translated(ours).as_deref(), Some(java), "{ours}");
        }
        for refused in ["(?i)a", "(?P<n>a)", "\\bx", "[[:alpha:]]", "[a&&b]", "\\pL", "\\Qa", "x{,3}", "\\x{10}"] {
            assert_eq!(translated(refused), None, "{refused}");
        }
    }
}
