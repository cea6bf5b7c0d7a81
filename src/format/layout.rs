//! Puts the pieces of one head or item on lines.

use std::ops::Range;

use super::{
    INDENT, WIDTH,
    pieces::{COMMA, Piece},
};

/// Writes text and knows the column.
#[derive(Default)]
pub struct Writer {
    /// What was written.
    pub text: String,
    column: usize,
}

impl Writer {
    /// Columns of the line so far.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Adds text without line breaks that is `width` columns wide.
    pub fn push(&mut self, text: &str, width: usize) {
        self.text.push_str(text);
        self.column += width;
    }

    /// Adds ASCII text.
    pub fn push_str(&mut self, text: &str) {
        self.push(text, text.len());
    }

    /// Starts a line.
    pub fn newline(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }
}

/// Where lines may break.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// Before operators and clauses: in heads and within brackets.
    Before,
    /// Behind operators and commas only: in items, which end with their line.
    Behind,
}

/// Columns at which lines start.
#[derive(Clone, Copy)]
struct Indents {
    /// A bracket that closes on a line of its own.
    close: usize,
    /// What follows a line break.
    next: usize,
}

impl Indents {
    fn both(indent: usize) -> Indents {
        Indents { close: indent, next: indent }
    }
}

/// The columns of the pieces on one line.
pub fn flat_width(pieces: &[Piece]) -> usize {
    pieces.iter().enumerate().map(|(i, p)| p.width + usize::from(p.space && i > 0)).sum()
}

/// Whether a comment stands between the pieces.
pub fn has_comments(pieces: &[Piece]) -> bool {
    pieces.iter().any(|p| !p.comments.is_empty())
}

/// Writes the head of a declaration, broken where it does not fit; `tail` columns are kept for what follows it.
///
/// Its first break is behind the `=`, and nothing but the head itself stands in column 0.
pub fn lay_out_head(pieces: &[Piece], writer: &mut Writer, tail: usize) {
    let mut layout = Layout::new(pieces, writer, tail);
    let whole = 0..pieces.len();
    let indents = Indents::both(INDENT);
    let equals = layout.top_level(&whole).find(|i| pieces[*i].text == "=");
    match equals {
        Some(equals)
            if layout.must_break(&whole) && equals + 1 < pieces.len() && !layout.commented(&(0..equals + 1)) =>
        {
            layout.flat(0..equals + 1);
            layout.line_break(equals, INDENT, INDENT);
            layout.emit(equals + 1..pieces.len(), indents, Breaks::Before);
        }
        _ => layout.emit(whole, indents, Breaks::Before),
    }
}

/// Writes an item, broken where it does not fit.
pub fn lay_out_item(pieces: &[Piece], writer: &mut Writer, indent: usize, tail: usize) {
    let indents = Indents { close: indent, next: indent + INDENT };
    Layout::new(pieces, writer, tail).emit(0..pieces.len(), indents, Breaks::Behind);
}

struct Layout<'p> {
    pieces: &'p [Piece],
    /// Columns of the pieces before each, each with the blank before it.
    sums: Vec<usize>,
    /// Comments behind the pieces before each.
    comments: Vec<usize>,
    writer: &'p mut Writer,
    tail: usize,
}

impl<'p> Layout<'p> {
    fn new(pieces: &'p [Piece], writer: &'p mut Writer, tail: usize) -> Layout<'p> {
        let mut sums = Vec::with_capacity(pieces.len() + 1);
        let mut comments = Vec::with_capacity(pieces.len() + 1);
        let (mut width, mut count) = (0, 0);
        sums.push(0);
        comments.push(0);
        for piece in pieces {
            width += piece.width + usize::from(piece.space);
            count += piece.comments.len();
            sums.push(width);
            comments.push(count);
        }
        Layout { pieces, sums, comments, writer, tail }
    }

    fn width(&self, range: &Range<usize>) -> usize {
        let first = usize::from(self.pieces[range.start].space);
        self.sums[range.end] - self.sums[range.start] - first
    }

    /// Whether a comment stands within the range; one behind its last piece does not.
    fn commented(&self, range: &Range<usize>) -> bool {
        self.comments[range.end - 1] > self.comments[range.start]
    }

    fn fits(&self, range: &Range<usize>) -> bool {
        let tail = if range.end == self.pieces.len() { self.tail } else { 0 };
        self.writer.column + self.width(range) + tail <= WIDTH
    }

    fn flat(&mut self, range: Range<usize>) {
        for i in range.clone() {
            let piece = &self.pieces[i];
            if piece.space && i > range.start {
                self.writer.push_str(" ");
            }
            self.writer.push(&piece.text, piece.width);
        }
    }

    fn must_break(&self, range: &Range<usize>) -> bool {
        self.commented(range) || !self.fits(range)
    }

    fn emit(&mut self, range: Range<usize>, indents: Indents, breaks: Breaks) {
        if range.is_empty() {
            return;
        }
        if !self.must_break(&range) {
            return self.flat(range);
        }
        let cuts = self.cuts(&range, breaks);
        if cuts.is_empty() {
            return self.expand(range, indents.close);
        }
        let fill = cuts.iter().all(|cut| self.strength(*cut, breaks) == COMMA);
        let next = indents.next;
        let mut start = range.start;
        for (n, end) in cuts.iter().copied().chain([range.end]).enumerate() {
            let segment = start..end;
            let mut inner = indents;
            if n > 0 {
                let forced = !self.pieces[start - 1].comments.is_empty();
                if fill && !forced && !self.commented(&segment) && self.fits_behind(&segment) {
                    self.writer.push_str(" ");
                } else {
                    self.line_break(start - 1, next, next);
                }
                inner = Indents { close: next, next: next + INDENT };
            }
            self.emit(segment, inner, breaks);
            start = end;
        }
    }

    fn fits_behind(&self, segment: &Range<usize>) -> bool {
        let tail = if segment.end == self.pieces.len() { self.tail } else { 1 };
        self.writer.column + 1 + self.width(segment) + tail <= WIDTH
    }

    /// Ends the line behind a piece, with its comments; the next line starts at `next`.
    fn line_break(&mut self, after: usize, indent: usize, next: usize) {
        for comment in &self.pieces[after].comments {
            if comment.own_line {
                self.writer.newline(indent);
            } else {
                self.writer.push_str("  ");
            }
            self.writer.text.push_str(&comment.text);
        }
        self.writer.newline(next);
    }

    fn strength(&self, at: usize, breaks: Breaks) -> u8 {
        let behind = self.pieces[at - 1].behind;
        match breaks {
            Breaks::Before if behind != COMMA => self.pieces[at].before,
            _ => behind,
        }
    }

    /// The pieces of the range that stand in no bracket within it; of a bracket the opening one.
    fn top_level(&self, range: &Range<usize>) -> impl Iterator<Item = usize> + use<'p> {
        let pieces = self.pieces;
        let end = range.end;
        std::iter::successors(Some(range.start).filter(|at| *at < end), move |at| {
            let next = pieces[*at].mate.filter(|mate| *mate < end).unwrap_or(*at) + 1;
            Some(next).filter(|next| *next < end)
        })
    }

    /// The pieces of the range before which the line breaks: behind comments, and at the weakest place of all.
    fn cuts(&self, range: &Range<usize>, breaks: Breaks) -> Vec<usize> {
        let mut places: Vec<(usize, u8)> = Vec::new();
        for at in self.top_level(range).filter(|at| *at > range.start) {
            let forced = !self.pieces[at - 1].comments.is_empty();
            let strength = if forced { 0 } else { self.strength(at, breaks) };
            if forced || strength > 0 {
                places.push((at, strength));
            }
        }
        let weakest = places.iter().map(|(_, s)| *s).filter(|s| *s > 0).min();
        places.retain(|(_, s)| *s == 0 || Some(*s) == weakest);
        places.into_iter().map(|(at, _)| at).collect()
    }

    /// Breaks within the widest bracket, or within all that have comments.
    fn expand(&mut self, range: Range<usize>, indent: usize) {
        let groups: Vec<(usize, usize)> = self
            .top_level(&range)
            .filter_map(|at| Some((at, self.pieces[at].mate.filter(|mate| *mate < range.end)?)))
            .collect();
        let commented: Vec<(usize, usize)> =
            groups.iter().copied().filter(|(open, mate)| self.commented(&(*open..mate + 1))).collect();
        let chosen = if commented.is_empty() {
            let widest = groups.into_iter().filter(|(o, m)| m - o > 1).max_by_key(|(o, m)| self.width(&(*o..m + 1)));
            widest.into_iter().collect()
        } else {
            commented
        };
        let mut start = range.start;
        for (open, mate) in chosen {
            if start > range.start && self.pieces[start].space {
                self.writer.push_str(" ");
            }
            self.flat(start..open + 1);
            let inner = indent + INDENT;
            if mate == open + 1 {
                self.line_break(open, inner, indent);
            } else {
                self.line_break(open, inner, inner);
                self.emit(open + 1..mate, Indents::both(inner), Breaks::Before);
                self.line_break(mate - 1, inner, indent);
            }
            self.flat(mate..mate + 1);
            start = mate + 1;
        }
        if start < range.end {
            if start > range.start && self.pieces[start].space {
                self.writer.push_str(" ");
            }
            self.flat(start..range.end);
        }
    }
}
