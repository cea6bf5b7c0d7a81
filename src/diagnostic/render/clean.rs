//! Text of users on a terminal: characters that would steer the terminal, or turn the direction of writing, are shown
//! instead of obeyed.

use std::borrow::Cow;

/// Whether a character does something other than being seen.
fn is_hidden(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// A message on one line, with hidden characters escaped: `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if is_hidden(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Source text with hidden characters replaced by ones of the same length in bytes, so that spans stay right.
pub fn same_length(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let hidden = |at: usize, letter: char| match letter {
        '\n' | '\t' => false,
        '\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => is_hidden(letter),
    };
    if !text.char_indices().any(|(at, letter)| hidden(at, letter)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        match (hidden(at, letter), letter.len_utf8()) {
            (false, _) => shown.push(letter),
            (true, 3) => shown.push(char::REPLACEMENT_CHARACTER),
            (true, length) => shown.extend(std::iter::repeat_n('?', length)),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_would_steer_it() {
        assert_eq!(visible("no metric `\u{1b}[31m\n活`"), "no metric `\\u{1b}[31m\\n活`");
        assert!(matches!(visible("plain 活跃"), Cow::Borrowed(_)));
    }

    #[test]
    fn source_text_keeps_its_length() {
        let text = "a\u{1b}b\u{202e}c\u{85}\r\n\rd\te";
        let shown = same_length(text);
        assert_eq!(shown.len(), text.len());
        assert_eq!(shown, "a?b\u{fffd}c??\r\n?d\te");
    }
}
