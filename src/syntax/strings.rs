//! String literals: where they end, and what their escapes mean.

use crate::{
    diagnostic::{Diagnostics, FileId, Span},
    error,
};

/// The end of the string that starts at `at`, behind its closing quote, or `limit` where it is not closed.
pub fn quoted_end(text: &str, at: usize, limit: usize) -> usize {
    let bytes = text.as_bytes();
    let mut i = at + 1;
    while i < limit {
        match bytes[i] {
            b'\\' => i += 1,
            b'"' => return i + 1,
            _ => {}
        }
        i += 1;
    }
    limit
}

/// The end of the string at `at` and whether it is well-formed; tells what is not.
pub fn scan_string(file: FileId, text: &str, at: usize, line_end: usize, found: &mut Diagnostics) -> (usize, bool) {
    let bytes = text.as_bytes();
    let span = |a: usize, b: usize| Span::new(file, a as u32, b as u32);
    let mut ok = true;
    let mut i = at + 1;
    while i < line_end {
        match bytes[i] {
            b'"' => return (i + 1, ok),
            b'\\' => {
                let (width, good) = escape(&text[i..line_end]);
                if !good {
                    ok = false;
                }
                if !good && width > 1 {
                    found.push(error!(
                        E0106, span(i, i + width), "`{}` is not an escape", &text[i..i + width];
                        help: "the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{{4f60}}`"
                    ));
                }
                i += width;
            }
            b if b < 0x20 && b != b'\t' || b == 0x7f => {
                ok = false;
                found.push(error!(
                    E0109, span(i, i + 1), "a control character (U+{:04X}) stands in a string", b;
                    help: ("write it as `\\u{{{b:x}}}`")
                ));
                i += 1;
            }
            _ => i += 1,
        }
    }
    found.push(error!(
        E0105, span(at, line_end), "this string is not closed on its line";
        label: "starts here";
        help: "close it with `\"`; a line break inside of a string is written `\\n`"
    ));
    (line_end, false)
}

/// The width of the escape that `text` starts with, and whether it is one.
fn escape(text: &str) -> (usize, bool) {
    let Some(c) = text[1..].chars().next() else { return (1, false) };
    match c {
        '"' | '\\' | 'n' | 't' => (2, true),
        'u' => match text.get(2..).and_then(|s| s.strip_prefix('{')).and_then(|s| s.split_once('}')) {
            Some((hex, _)) if hex.len() <= 16 && !hex.contains('"') => (
                hex.len() + 4,
                u32::from_str_radix(hex, 16).is_ok_and(|n| char::from_u32(n).is_some()) && !hex.starts_with('+'),
            ),
            _ => (2, false),
        },
        c => (1 + c.len_utf8(), false),
    }
}

/// The value of a string literal with its quotes. Malformed escapes (told by the lexer) stay as they are.
pub fn unescape(literal: &str) -> String {
    let inner = literal.strip_prefix('"').unwrap_or(literal);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(n) = rest.find('\\') {
        out.push_str(&rest[..n]);
        rest = &rest[n..];
        let (width, good) = escape(rest);
        match rest.as_bytes().get(1) {
            Some(b'n') => out.push('\n'),
            Some(b't') => out.push('\t'),
            Some(b'u') if good => {
                let code = u32::from_str_radix(&rest[3..width - 1], 16).ok().and_then(char::from_u32);
                out.extend(code);
            }
            Some(b'"' | b'\\') => out.push_str(&rest[1..2]),
            _ => out.push_str(&rest[..width]),
        }
        rest = &rest[width..];
    }
    out.push_str(rest);
    out
}
