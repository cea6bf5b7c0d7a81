//! Names of files, and what ends the names of what is made.

use sha2::{Digest, Sha256};

/// A file name for a name of the language: letters and digits of any script stay, the rest is written as `%` and its code.
pub fn file(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_alphanumeric() || matches!(c, '_' | '-') {
            safe.push(c);
        } else {
            safe.push_str(&format!("%{:02X}", u32::from(c)));
        }
    }
    safe
}

/// A name of a page or a place in one. Letters that some file systems or links have trouble with are told by their numbers, and
/// so are capitals, which some do not tell from small letters.
pub fn plain(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars() {
        if letter.is_alphanumeric() && !letter.is_uppercase() || matches!(letter, '_' | '-') {
            plain.push(letter);
        } else {
            plain.push_str(&format!("~{:x}~", u32::from(letter)));
        }
    }
    plain
}

/// A short hash of a statement, for the end of a name.
pub fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// What the names of a metric's views begin with. The name of a growth has a dot (`dau.growth_1d`), that of a rule of quality brackets
/// behind it (`event_quality.complete(user_id)`).
pub fn view_name(metric: &str) -> String {
    metric.replace('.', "__").replace('(', "_").replace(')', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_make_safe_files() {
        assert_eq!(file("event_2"), "event_2");
        assert_eq!(file("订单"), "订单");
        assert_eq!(file("a/../b c"), "a%2F%2E%2E%2Fb%20c");
    }
}
