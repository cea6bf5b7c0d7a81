//! Names of files.

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
