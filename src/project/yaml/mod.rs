//! YAML with places: every wrong key, type or value is told at its line and column, all of them in one go.
//!
//! The YAML library gives values without places. A place is found afterwards, and only when it is needed, by
//! reading the text a second time up to the value in question (see [`locate`]).

mod locate;
mod reader;
mod scalar;

pub use reader::{Reader, list};
pub use scalar::Scalar;

use serde_yaml::Value;

use crate::{
    diagnostic::{Diagnostics, FileId, Span},
    error,
};

use super::SourceMap;
use locate::{Step, locate};

/// The largest YAML file that is parsed, in bytes.
const SIZE_LIMIT: usize = 256 << 10;
/// How many brackets may stand in one another. The parser takes quadratic time for them.
const DEEPEST: usize = 100;

/// A parsed YAML file.
pub struct Document<'a> {
    file: FileId,
    sources: &'a SourceMap,
    value: Value,
}

impl<'a> Document<'a> {
    /// Parses a file of the map; a syntax error is told and gives nothing.
    pub fn parse(file: FileId, sources: &'a SourceMap, diagnostics: &mut Diagnostics) -> Option<Document<'a>> {
        let source = sources.file(file);
        if source.text.len() > SIZE_LIMIT {
            diagnostics
                .push(error!(E0003, Span::new(file, 0, 0), "`{}` has more than {} KB", source.path, SIZE_LIMIT >> 10;
                help: "settings are a few lines written by people; did data get the wrong name?"));
            return None;
        }
        if let Some(at) = too_deep(&source.text) {
            let span = Span::new(file, at as u32, at as u32 + 1);
            diagnostics.push(error!(E0020, span, "`{}` has brackets in more than {} brackets", source.path, DEEPEST;
                help: "settings are never so deep: is a bracket missing its end?"));
            return None;
        }
        match serde_yaml::from_str(&source.text) {
            Ok(value) => Some(Document { file, sources, value }),
            Err(failure) => {
                diagnostics.push(syntax_error(file, sources, &failure));
                None
            }
        }
    }

    /// Reads the file as one mapping; an empty file is an empty mapping.
    pub fn read<T>(&self, diagnostics: &mut Diagnostics, read: impl FnOnce(&mut Reader<'_>) -> T) -> Option<T> {
        let empty = serde_yaml::Mapping::new();
        let mapping = match &self.value {
            Value::Mapping(mapping) => mapping,
            Value::Null => &empty,
            other => {
                let path = &self.sources.file(self.file).path;
                diagnostics
                    .push(error!(E0022, self.span(&[]), "`{}` holds {}, not `key: value` lines", path, kind(other);
                    help: "write one `key: value` a line"));
                return None;
            }
        };
        let mut reader = Reader::new(self, mapping, diagnostics);
        let read = read(&mut reader);
        reader.finish();
        Some(read)
    }

    /// Where the value (or key) at the end of `path` is written; the start of the file if it can't be found.
    fn span(&self, path: &[Step<'_>]) -> Span {
        let source = self.sources.file(self.file);
        let Some((line, column)) = locate(&source.text, path) else {
            return Span::new(self.file, 0, 0);
        };
        let start = source.offset(line, column);
        let rest = &source.text[start as usize..];
        Span::new(self.file, start, start + token_length(rest) as u32)
    }
}

/// The first bracket that stands in too many others; those in quotes and comments count too, which does no harm.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(at);
        }
    }
    None
}

/// How long the YAML token at the start of `rest` is: a quoted string, or up to what ends a plain one.
fn token_length(rest: &str) -> usize {
    let line = rest.split(['\n', '\r']).next().unwrap_or_default();
    let quote = line.chars().next().filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = quote {
        return line[1..].find(quote).map_or(line.len(), |end| end + 2);
    }
    let ends = [": ", " #", ", ", "]", "}"]
        .iter()
        .filter_map(|end| line.find(end))
        .chain(line.strip_suffix(':').map(str::len));
    line[..ends.min().unwrap_or(line.len())].trim_end().len()
}

/// What a value is, for a message.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Tagged(_) => "a tagged value",
    }
}

/// The diagnostic of text that is not YAML.
fn syntax_error(file: FileId, sources: &SourceMap, failure: &serde_yaml::Error) -> crate::diagnostic::Diagnostic {
    let source = sources.file(file);
    let text = failure.to_string();
    if let Some(key) = text.split("duplicate entry with key ").nth(1).and_then(|rest| rest.split('"').nth(1)) {
        let place =
            locate(&source.text, &[Step::Repeated(key)]).or(failure.location().map(|at| (at.line(), at.column())));
        let start = place.map_or(0, |(line, column)| source.offset(line, column));
        let span = Span::new(file, start, start + token_length(&source.text[start as usize..]) as u32);
        return error!(E0020, span, "the key `{}` is written twice in `{}`", key, source.path; help: "keep one of the two");
    }
    let place = failure.location().map_or(0, |at| source.offset(at.line(), at.column()));
    let reason = match text.split(" at line ").next().unwrap_or(&text) {
        several if several.contains("more than one document") => "it holds more than one document",
        other => other,
    };
    error!(E0020, Span::new(file, place, place), "`{}` is not valid YAML: {}", source.path, reason;
        help: "mind the indentation, the blank after each colon, and quotes around text with special characters")
}
