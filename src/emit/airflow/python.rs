//! Values as Python writes them, in lines that a linter of its usual width takes.

use unicode_width::UnicodeWidthChar;

/// The width of a line.
const WIDTH: usize = 88;

/// A text as a literal behind `before` columns of a line that is indented by `indent`; a comma has room behind it. What is longer than a line
/// is put together from several, in parentheses.
pub fn text(value: &str, indent: usize, before: usize) -> String {
    let whole = escaped(value);
    if indent + before + width(&whole) + 3 <= WIDTH && !value.contains('\n') {
        return quoted(&whole);
    }
    lines(value, indent)
}

/// A text over several lines, in parentheses that end at `indent`.
pub fn lines(value: &str, indent: usize) -> String {
    let inner = " ".repeat(indent + 4);
    let room = WIDTH.saturating_sub(indent + 6).max(8);
    let mut out = "(\n".to_owned();
    for line in value.split_inclusive('\n') {
        for piece in pieces(line, room) {
            out.push_str(&format!("{inner}{}\n", quoted(&piece)));
        }
    }
    if value.is_empty() {
        out.push_str(&format!("{inner}\"\"\n"));
    }
    out.push_str(&" ".repeat(indent));
    out.push(')');
    out
}

/// A list of texts.
pub fn list(values: &[String], indent: usize, before: usize) -> String {
    let one = format!("[{}]", values.iter().map(|value| quoted(&escaped(value))).collect::<Vec<_>>().join(", "));
    if indent + before + width(&one) < WIDTH {
        return one;
    }
    let inner = " ".repeat(indent + 4);
    let items: String = values.iter().map(|value| format!("{inner}{},\n", text(value, indent + 4, 0))).collect();
    format!("[\n{items}{}]", " ".repeat(indent))
}

/// An escaped line in pieces of at most `room` columns, cut behind blanks where there are some.
fn pieces(line: &str, room: usize) -> Vec<String> {
    let mut found = Vec::new();
    let (mut piece, mut taken) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let word_width = width(&escaped(word));
        if taken > 0 && taken + word_width > room {
            found.push(std::mem::take(&mut piece));
            taken = 0;
        }
        for c in word.chars() {
            let shown = escape(c);
            let shown_width = width(&shown);
            if taken + shown_width > room {
                found.push(std::mem::take(&mut piece));
                taken = 0;
            }
            piece.push_str(&shown);
            taken += shown_width;
        }
    }
    if !piece.is_empty() {
        found.push(piece);
    }
    found
}

/// `from module import names`, a line each where they are too many for one.
pub fn import(module: &str, names: &[&str]) -> String {
    let one = format!("from {module} import {}\n", names.join(", "));
    if one.len() <= WIDTH + 1 {
        return one;
    }
    let lines: String = names.iter().map(|name| format!("    {name},\n")).collect();
    format!("from {module} import (\n{lines})\n")
}

/// What a text takes at most; a quote may have to be escaped.
fn width(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '"' | '\'') { 2 } else { c.width().unwrap_or(0) }).sum()
}

/// An escaped text in the quotes of which it holds fewer.
fn quoted(text: &str) -> String {
    let count = |quote: char| text.matches(quote).count();
    if count('"') > count('\'') {
        format!("'{}'", text.replace('\'', "\\'"))
    } else {
        format!("\"{}\"", text.replace('"', "\\\""))
    }
}

fn escaped(text: &str) -> String {
    text.chars().map(escape).collect()
}

/// A character in a literal. What is not seen, or turns the direction of what is, is told by its number.
fn escape(c: char) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        ' '..='~' => c.to_string(),
        c if c.is_alphanumeric() || is_plain(c) => c.to_string(),
        c if u32::from(c) <= 0xff => format!("\\x{:02x}", u32::from(c)),
        c if u32::from(c) <= 0xffff => format!("\\u{:04x}", u32::from(c)),
        c => format!("\\U{:08x}", u32::from(c)),
    }
}

/// Punctuation that cannot be taken for other letters: that of Chinese and Japanese.
fn is_plain(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '×' | '÷' | '→' | '—' | '…' | '！' | '（' | '）' | '，' | '：' | '；' | '？' | '％')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_literal() {
        assert_eq!(text("shop", 4, 7), "\"shop\"");
        assert_eq!(text("a\"b\\c\t\u{202e}\u{0}\u{1f600}", 0, 0), r#"'a"b\\c\t\u202e\x00\U0001f600'"#);
        assert_eq!(text("it's \"so\"", 0, 0), r#"'it\'s "so"'"#);
        assert_eq!(text("'a' \"b", 0, 0), r#""'a' \"b""#);
        assert_eq!(text("支付金额", 0, 0), "\"支付金额\"");
        assert_eq!(text("", 0, 0), "\"\"");
        assert_eq!(lines("", 0), "(\n    \"\"\n)");
    }

    #[test]
    fn no_line_is_too_wide() {
        let long = "支付金额".repeat(40) + " and words that are cut between " + &"x".repeat(200) + "\n\nend";
        let made = text(&long, 8, 0);
        let shown = |line: &str| line.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
        assert!(made.lines().all(|line| shown(line) <= WIDTH), "{made}");
        let joined: String =
            made.lines().map(str::trim).filter_map(|line| line.strip_prefix('"')?.strip_suffix('"')).collect();
        assert_eq!(joined, long.replace('\n', "\\n"));
        let tags = list(&["a".repeat(50), "b".repeat(50)], 4, 5);
        assert_eq!(tags, format!("[\n        \"{}\",\n        \"{}\",\n    ]", "a".repeat(50), "b".repeat(50)));
    }
}
