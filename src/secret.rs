//! A text that is never printed: what opens a door, and only the one place that sends it may look at.

use std::fmt;

/// A password, a token, or an address with one in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// Shorter texts occur in any message by chance; taking them out would only garble it.
const LEAST_HIDDEN: usize = 3;

impl Secret {
    /// Of a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A foreign text without the secret: what a server sends may repeat what it was sent.
    pub fn out_of(&self, text: &str) -> String {
        if self.0.len() < LEAST_HIDDEN { text.to_owned() } else { text.replace(&self.0, HIDDEN) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "*** Some(\n    ***,\n)");
        assert_eq!(secret.out_of("key hunter2 is wrong"), "key *** is wrong");
        assert_eq!(Secret::new("a").out_of("a table"), "a table");
    }
}
