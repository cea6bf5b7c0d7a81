//! Exceptions of the server: their texts, and what their codes mean for the client.

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its number: 62 is a syntax error.
    pub code: u32,
    /// Its name, `SYNTAX_ERROR`, where the server tells it.
    pub name: Option<String>,
    /// What it says, on one line, without what stands around it in every message.
    pub message: String,
}

/// The longest message that is kept.
const LONGEST: usize = 2_000;

/// Too many statements at once; sockets, network, shards and Keeper that are away: what may be over in a moment.
const PASSING: &[u32] = &[202, 209, 210, 225, 279, 999];

/// The user, the password, or rights.
const DENIED: &[u32] = &[192, 193, 194, 497, 516];

/// The setting `readonly`.
const READONLY: u32 = 164;

impl Exception {
    /// Reads `Code: 62. DB::Exception: … (SYNTAX_ERROR) (version 26.5.1)`; none for another text. A code that was told
    /// otherwise counts more than that of the text.
    pub fn read(text: &str, told: Option<u32>) -> Option<Exception> {
        let text = text.trim();
        let written = text.strip_prefix("Code: ").and_then(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            rest[..digits].parse::<u32>().ok()
        });
        let code = told.filter(|code| *code > 0).or(written)?;
        let message = text.split_once("Exception: ").filter(|_| written.is_some()).map_or(text, |(_, rest)| rest);
        let message = message.split("\nStack trace").next().unwrap_or(message);
        let (message, _) = cut(message, "(version ");
        let (message, name) = cut(message, "(");
        let name = name.filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        let whole = if name.is_some() { message } else { cut(text, "(version ").0 };
        let whole =
            whole.split_once("Exception: ").filter(|_| written.is_some() && name.is_none()).map_or(whole, |(_, r)| r);
        Some(Exception { code, name, message: one_line(whole) })
    }

    /// Whether it may be over in a moment.
    pub fn is_passing(&self) -> bool {
        PASSING.contains(&self.code)
    }

    /// Whether it is about the user or what the user may do.
    pub fn is_denied(&self) -> bool {
        DENIED.contains(&self.code)
    }

    /// Whether settings, or changes, are forbidden to the user.
    pub fn is_readonly(&self) -> bool {
        self.code == READONLY
    }
}

/// What stands before the last `open … )` at the end, and what stands in it.
fn cut<'t>(text: &'t str, open: &str) -> (&'t str, Option<String>) {
    let text = text.trim_end().trim_end_matches('.');
    let found = text.strip_suffix(')').and_then(|rest| {
        let at = text.rfind(open)?;
        Some((text[..at].trim_end(), rest[at + open.len()..].to_owned()))
    });
    found.map_or((text, None), |(before, inside)| (before, Some(inside)))
}

/// A text on one line, no longer than is read.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_the_message_is_left_out() {
        let text = "Code: 62. DB::Exception: Syntax error: failed at position 8 (FRM) (line 1, col 8): FRM t. Expected one of: FROM, alias. (SYNTAX_ERROR) (version 26.5.1.1 (official build))\n";
        let found = Exception::read(text, None).expect("an exception");
        assert_eq!((found.code, found.name.as_deref()), (62, Some("SYNTAX_ERROR")));
        assert_eq!(
            found.message,
            "Syntax error: failed at position 8 (FRM) (line 1, col 8): FRM t. Expected one of: FROM, alias"
        );
        let old =
            Exception::read("Code: 60, e.displayText() = DB::Exception: Table x doesn't exist. (version 20.8)", None);
        assert_eq!(old.map(|found| (found.code, found.message)), Some((60, "Table x doesn't exist".to_owned())));
        assert_eq!(Exception::read("<html>", None), None);
        let told = Exception::read("something odd (with brackets)", Some(241)).expect("an exception");
        assert_eq!((told.code, told.name, told.message.as_str()), (241, None, "something odd (with brackets)"));
    }

    #[test]
    fn long_messages_are_cut() {
        let found = Exception::read(&format!("Code: 1. DB::Exception: {}", "中 ".repeat(5_000)), None).expect("one");
        assert_eq!(found.message.chars().count(), LONGEST + 1);
    }
}
