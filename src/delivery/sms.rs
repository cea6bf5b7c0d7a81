//! Short messages, by a gateway that takes JSON.
//!
//! There is no protocol that all gateways share: the adapter posts `{"to": [...], "text": "..."}`, which most can be told to take, or a few
//! lines before them can turn into what they want.

use serde_json::json;

use super::message::one_line;
use crate::project::Gateway;

/// The longest text: four parts of 67 characters of UTF-16, which is how a longer message in Chinese is cut on its way.
const MOST: usize = 4 * 67;

/// What is posted.
pub fn body(gateway: &Gateway, text: &str) -> String {
    json!({ "to": gateway.to, "text": shortened(&one_line(text)) }).to_string()
}

/// Several alerts in one text: the first, and how many more there are.
pub fn merged(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => {
            let note = format!(" 另有 {0} 条 · {0} more", rest.len());
            // Room for the note, whatever is before it.
            let room = MOST - note.encode_utf16().count();
            let first = one_line(first);
            let mut used = 1;
            let kept: String = first
                .chars()
                .take_while(|c| {
                    used += c.len_utf16();
                    used <= room
                })
                .collect();
            if kept.len() < first.len() { format!("{kept}…{note}") } else { format!("{kept}{note}") }
        }
    }
}

fn shortened(text: &str) -> String {
    if text.encode_utf16().count() <= MOST {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.len_utf16();
        used <= MOST
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_to_its_parts() {
        assert_eq!(shortened("短信"), "短信");
        assert_eq!(shortened(&"中".repeat(268)).chars().count(), 268);
        let many = merged(&["中".repeat(500), "b".to_owned(), "c".to_owned()]);
        assert!(many.ends_with("… 另有 2 条 · 2 more") && shortened(&many) == many, "{many}");
        assert_eq!(merged(&["a".to_owned(), "b".to_owned()]), "a 另有 1 条 · 1 more");
        for text in ["中".repeat(269), "😀".repeat(200)] {
            let made = shortened(&text);
            assert!(made.ends_with('…') && (267..=268).contains(&made.encode_utf16().count()), "{made}");
        }
    }
}
