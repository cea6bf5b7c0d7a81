//! Reads a mapping key by key and tells everything that is wrong with it.

use serde_yaml::{Mapping, Value};

use crate::{
    diagnostic::{Diagnostic, Diagnostics, Span, Spanned},
    error,
};

use super::{Document, Step, kind};
use crate::suggest::near;

/// How many unknown keys of a file are told one by one. Each has to be looked up in the text.
const MOST_UNKNOWN: usize = 50;

/// A mapping being read. Keys nobody asked for are told when the reading is over.
pub struct Reader<'a> {
    document: &'a Document<'a>,
    mapping: &'a Mapping,
    /// The keys that lead to the mapping; none at the top of the file.
    within: Vec<&'a str>,
    asked: Vec<&'a str>,
    closed: bool,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        document: &'a Document<'a>,
        mapping: &'a Mapping,
        diagnostics: &'a mut Diagnostics,
    ) -> Reader<'a> {
        Reader { document, mapping, within: Vec::new(), asked: Vec::new(), closed: true, diagnostics }
    }

    /// The mapping at `key`, read as a whole: keys that `read` does not ask for are told too.
    pub fn mapping<T>(&mut self, key: &'a str, read: impl FnOnce(&mut Reader<'_>) -> T) -> Option<T> {
        let mapping = match self.get(key)? {
            Value::Mapping(mapping) => mapping,
            other => return self.wrong_type(key, other, "a mapping", "write `key: value` lines below it, indented"),
        };
        let within = self.within.iter().copied().chain([key]).collect();
        let mut inner = Reader {
            document: self.document,
            mapping,
            within,
            asked: Vec::new(),
            closed: true,
            diagnostics: &mut *self.diagnostics,
        };
        let made = read(&mut inner);
        inner.finish();
        Some(made)
    }

    /// Whether there is a mapping at `key`, where something else may be.
    pub fn is_mapping(&self, key: &str) -> bool {
        self.mapping.get(key).is_some_and(Value::is_mapping)
    }

    /// The keys of the mapping, where they are names of the user's own, with their places.
    pub fn keys(&self) -> Vec<(&'a str, Span)> {
        let names = self.mapping.keys().filter_map(Value::as_str);
        names.map(|name| (name, self.document.span(&self.path(Step::Key(name))))).collect()
    }

    /// Where the mapping as a whole stands.
    pub fn place(&self) -> Span {
        let path: Vec<Step> = self.within.iter().map(|key| Step::Value(key)).collect();
        if path.is_empty() { Span::new(self.document.file, 0, 0) } else { self.document.span(&path) }
    }

    /// The text at `key`, if it is there.
    pub fn text(&mut self, key: &'a str) -> Option<Spanned<String>> {
        match self.get(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(Spanned::new(text.clone(), self.at(key))),
            Value::String(_) => {
                self.wrong(error!(E0023, self.at(key), "`{key}` is empty"; help: "write a text after the colon"))
            }
            other => self.wrong_type(key, other, "a text", "put it in quotes if it looks like a number or a date"),
        }
    }

    /// The text at `key`; its absence is told.
    pub fn required_text(&mut self, key: &'a str, example: &str) -> Option<Spanned<String>> {
        if self.mapping.contains_key(key) {
            return self.text(key);
        }
        self.asked.push(key);
        let slip = self.misspelt(key);
        if slip.is_none() {
            let (what, span) = (self.name(), self.place());
            self.diagnostics
                .push(error!(E0024, span, "`{}` does not say `{}`", what, key; help: ("add `{key}: {example}`")));
        }
        None
    }

    /// `true` or `false` at `key`.
    pub fn flag(&mut self, key: &'a str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(value) => Some(*value),
            other => self.wrong_type(key, other, "`true` or `false`", "write `true` or `false`, without quotes"),
        }
    }

    /// The list of texts at `key`; elements that are none are told and left out.
    pub fn texts(&mut self, key: &'a str) -> Option<Vec<Spanned<String>>> {
        let elements = match self.get(key)? {
            Value::Sequence(elements) => elements,
            other => return self.wrong_type(key, other, "a list", "write `[a, b]`, or one `- a` a line"),
        };
        let mut texts = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let span = self.at_index(key, index);
            match element {
                Value::String(text) if !text.trim().is_empty() => texts.push(Spanned::new(text.clone(), span)),
                Value::String(_) => self.diagnostics.push(error!(E0023, span, "`{key}` lists an empty text";
                    help: "take it out")),
                other => self.diagnostics.push(error!(E0022, span, "`{key}` lists {}, not a text", kind(other);
                    help: "put it in quotes if it looks like a number or a date")),
            }
        }
        Some(texts)
    }

    /// The names at `key`, each with a number above zero; what is none is told and left out.
    pub fn counts(&mut self, key: &'static str) -> Option<Vec<(Spanned<String>, u64)>> {
        let entries = match self.get(key)? {
            Value::Mapping(entries) => entries,
            other => return self.wrong_type(key, other, "a mapping", "write `name: 1000`, one a line"),
        };
        let mut counts = Vec::new();
        for (name, value) in entries {
            let Some(name) = name.as_str() else {
                let found = kind(name);
                let span = self.at(key);
                self.diagnostics.push(error!(E0021, span, "`{key}` has a key that is {found}"; help: "keys are words"));
                continue;
            };
            let path = [Step::Value(key), Step::Key(name)];
            match value.as_u64() {
                Some(count @ 1..) => counts.push((Spanned::new(name.to_owned(), self.document.span(&path)), count)),
                _ => {
                    let span = self.document.span(&[Step::Value(key), Step::Value(name)]);
                    self.diagnostics.push(error!(E0022, span, "`{name}` is {}, not a number above zero", kind(value);
                        help: "write it in digits"));
                }
            }
        }
        Some(counts)
    }

    /// Whether there is such a key, with whatever value.
    pub fn has(&self, key: &str) -> bool {
        self.mapping.get(key).is_some()
    }

    /// Tells something about a value that was read.
    pub fn tell(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Leaves keys that were not asked for alone: nobody knows which of them are right.
    pub fn ignore_the_rest(&mut self) {
        self.closed = false;
    }

    pub(super) fn get(&mut self, key: &'a str) -> Option<&'a Value> {
        self.asked.push(key);
        // `key:` without a value is the same as no key.
        self.mapping.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn at(&self, key: &str) -> Span {
        self.document.span(&self.path(Step::Value(key)))
    }

    pub(super) fn at_index(&self, key: &str, index: usize) -> Span {
        let path: Vec<Step> = self.path(Step::Value(key)).into_iter().chain([Step::Index(index)]).collect();
        self.document.span(&path)
    }

    fn path<'k>(&'k self, last: Step<'k>) -> Vec<Step<'k>> {
        self.within.iter().map(|key| Step::Value(key)).chain([last]).collect()
    }

    /// The mapping in messages: the keys that lead to it, or the file.
    fn name(&self) -> String {
        if self.within.is_empty() {
            return self.document.sources.file(self.document.file).path.clone();
        }
        self.within.join(".")
    }

    pub(super) fn wrong<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    pub(super) fn wrong_type<T>(&mut self, key: &str, found: &Value, wanted: &str, help: &str) -> Option<T> {
        let span = self.at(key);
        self.wrong(error!(E0022, span, "`{key}` is {}, not {}", kind(found), wanted; help: ("{help}")))
    }

    /// A key of the file that is nearly `key`, and so will be told as unknown.
    fn misspelt(&self, key: &str) -> Option<&str> {
        self.mapping.keys().filter_map(Value::as_str).find(|written| near(written, [key]).is_some())
    }

    /// Tells keys that nobody asked for.
    pub(super) fn finish(self) {
        if !self.closed {
            return;
        }
        let path = self.name();
        let is_known = |key: &&Value| key.as_str().is_some_and(|name| self.asked.contains(&name));
        let unknown: Vec<&Value> = self.mapping.keys().filter(|key| !is_known(key)).collect();
        for key in unknown.iter().take(MOST_UNKNOWN) {
            let Some(name) = key.as_str() else {
                let span = self.place();
                let found = kind(key);
                self.diagnostics
                    .push(error!(E0021, span, "`{path}` has a key that is {found}"; help: "keys are words"));
                continue;
            };
            let help = match near(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are {}", list(&self.asked)),
            };
            let span = self.document.span(&self.path(Step::Key(name)));
            self.diagnostics.push(error!(E0021, span, "`{path}` has no key `{name}`"; help: help));
        }
        if let Some(more @ 1..) = unknown.len().checked_sub(MOST_UNKNOWN) {
            let span = self.place();
            self.diagnostics.push(error!(E0021, span, "`{path}` has {more} more keys that do not exist";
                help: "is this another program's file?"));
        }
    }
}

/// `a`, `b` and `c`, each in backticks.
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}
