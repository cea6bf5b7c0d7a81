//! Diagnostics: what the compiler tells about its input.
//!
//! A pass returns its result together with [`Diagnostics`]; it never stops at the first error, and only the
//! command line decides what fails. Each [`Code`] has one page in `codes/`, which `metricc explain` prints.

pub mod render;
mod span;

pub use span::{FileId, Span, Spanned};

/// A stable diagnostic code such as `E0201`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl Code {
    /// The page that explains this code, in Markdown.
    pub fn page(self) -> &'static str {
        codes::PAGES.iter().find(|(code, _)| *code == self).map_or("", |(_, page)| page)
    }

    /// The code written as `text` (case-insensitive), if there is one.
    pub fn parse(text: &str) -> Option<Code> {
        codes::PAGES.iter().map(|(code, _)| *code).find(|code| code.0.eq_ignore_ascii_case(text))
    }

    /// The severity that the first letter stands for: `E`, `W` or `L`.
    pub fn severity(self) -> Severity {
        match self.0.as_bytes().first() {
            Some(b'W') => Severity::Warning,
            Some(b'L') => Severity::Lint,
            _ => Severity::Error,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// The constants, one a page: `codes::E0201`.
#[allow(missing_docs)]
pub mod codes {
    use super::Code;
    include!(concat!(env!("OUT_DIR"), "/codes.rs"));
}

/// How much a diagnostic weighs. Only errors make a command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The input is wrong; nothing is built.
    Error,
    /// Legal, but hardly meant.
    Warning,
    /// A habit of good libraries is missing (title, owner, tier …).
    Lint,
}

/// A place that helps to understand a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is to be seen there.
    pub label: String,
}

/// One finding: code, place, one sentence on what is wrong, one on what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// One plain sentence: lower case, no final stop, user text in backticks.
    pub message: String,
    /// The exact place, where the input is text.
    pub span: Option<Span>,
    /// What the marked text is, short.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// A diagnostic without a label, help or related places.
    pub fn new(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, message: message.into(), span: span.into(), label: None, help: None, related: Vec::new() }
    }

    /// With the label of the marked text.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// With what to do.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// With one more related place.
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.related.push(Related { span, label: label.into() });
        self
    }

    /// The severity of its code.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The findings of a pass, in the order they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another pass.
    pub fn extend(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity() == Severity::Error)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Sorted by file, place and code, each once: the order in which they are shown.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
        self.0.dedup();
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Diagnostics(iter.into_iter().collect())
    }
}

/// Makes an error: `error!(E0201, span, "no metric named `{name}`"; label: "…"; help: "…")`.
///
/// The message and each part take `format!` arguments in parentheses: `help: ("did you mean `{}`?", near)`.
#[macro_export]
macro_rules! error {
    ($code:ident, $span:expr, $fmt:literal $(, $arg:expr)* $(; $part:ident : $value:tt)* $(;)?) => {{
        #[allow(unused_mut)]
        let mut diagnostic =
            $crate::diagnostic::Diagnostic::new($crate::diagnostic::codes::$code, $span, format!($fmt $(, $arg)*));
        $( diagnostic = diagnostic.$part($crate::diagnostic_text!($value)); )*
        diagnostic
    }};
}

/// A literal, or `("format", args…)`, as text for the parts of [`error!`].
#[doc(hidden)]
#[macro_export]
macro_rules! diagnostic_text {
    (($fmt:literal $(, $arg:expr)* $(,)?)) => { format!($fmt $(, $arg)*) };
    ($value:literal) => { format!($value) };
    ($value:expr) => { $value };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_starts_with_its_code_and_has_both_examples() {
        for (code, page) in codes::PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
            for part in ["## Wrong", "## Right"] {
                assert!(page.contains(part), "{code} lacks `{part}`");
            }
        }
    }

    #[test]
    fn a_message_is_put_together_with_its_help() {
        let near = "dau";
        let found = crate::error!(E0201, Span::new(FileId(0), 3, 6), "no metric named `{}`", "dua"; help: ("did you mean `{near}`?"));
        assert_eq!(found.message, "no metric named `dua`");
        assert_eq!(found.help.as_deref(), Some("did you mean `dau`?"));
        assert_eq!(found.severity(), Severity::Error);
    }
}
