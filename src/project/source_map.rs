//! The text of every file of a project, by [`FileId`].

use std::ops::Range;

use crate::diagnostic::{FileId, Span};

/// A file: its path relative to the project's root (with `/`), and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the root.
    pub path: String,
    /// The whole text, UTF-8, without a byte order mark.
    pub text: String,
    /// The byte at which each line starts.
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// A file with its text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> SourceFile {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i as u32 + 1)).collect();
        SourceFile { path: path.into(), text, line_starts }
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn position(&self, offset: u32) -> (usize, usize) {
        let line = self.line_of(offset);
        let start = self.line_starts[line] as usize;
        let end = (offset as usize).min(self.text.len());
        (line + 1, self.text.get(start..end).map_or(0, |s| s.chars().count()) + 1)
    }

    /// The line (from 0) that holds a byte.
    pub fn line_of(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1) - 1
    }

    /// How many lines there are; an empty file has one.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The bytes of a line (from 0) with its line feed; the end of the text for a line after the last.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let start = |line: usize| self.line_starts.get(line).map_or(self.text.len(), |start| *start as usize);
        start(line)..start(line.saturating_add(1))
    }

    /// The byte at a line and column, both from 1, where the column counts characters; cut to the line's end.
    pub fn offset(&self, line: usize, column: usize) -> u32 {
        let range = self.line_range(line.saturating_sub(1));
        let text = self.text[range.clone()].trim_end_matches(['\n', '\r']);
        let within = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        (range.start + within) as u32
    }
}

/// All files, in a stable order.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// An empty one.
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    /// Adds a file and gives its id.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push(SourceFile::new(path, text));
        FileId(self.files.len() as u32 - 1)
    }

    /// The file of an id.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The same files with another text of one.
    pub fn with_text(&self, id: FileId, text: impl Into<String>) -> SourceMap {
        let mut files = self.files.clone();
        files[id.0 as usize] = SourceFile::new(self.file(id).path.clone(), text);
        SourceMap { files }
    }

    /// All files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, file)| (FileId(i as u32), file))
    }

    /// The marked text.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_and_comes_back_as_an_offset() {
        let file = SourceFile::new("a.metric", "metric 活跃 = 1\r\nb\n");
        assert_eq!(file.position(13), (1, 10));
        assert_eq!(file.offset(1, 10), 13);
        assert_eq!(file.position(19), (2, 1));
        assert_eq!(file.offset(2, 1), 19);
        assert_eq!(file.line_count(), 3);
    }

    #[test]
    fn places_beyond_the_text_are_cut_to_it() {
        let file = SourceFile::new("a.metric", "ab\ncd");
        assert_eq!(file.offset(1, 99), 2);
        assert_eq!(file.offset(99, 1), 5);
        assert_eq!(file.position(4_000), (2, 3));
        assert_eq!(file.line_range(7), 5..5);
        assert_eq!(SourceFile::new("e", "").position(0), (1, 1));
    }
}
