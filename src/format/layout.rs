//! Breaks the lines of a head or an item that is too long, or that somebody broke.
//!
//! A range of pieces stands on one line where it can. Otherwise it is split at its weakest operators, and each part is
//! laid out by itself; where there is no operator, its brackets are opened.

use std::ops::Range;

use super::{
    WIDTH,
    pieces::{Level, NO_MATE, Pieces},
};

/// Writes lines.
pub struct Writer {
    pub text: String,
    /// Columns of the line so far.
    column: usize,
    /// The blanks with which the line starts.
    indent: usize,
    /// The next piece starts a line with so many blanks.
    next_line: Option<usize>,
}

impl Writer {
    /// Starts a line with so many blanks.
    pub fn new(indent: usize) -> Writer {
        Writer { text: " ".repeat(indent), column: indent, indent, next_line: None }
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        (self.column, self.indent) = (indent, indent);
    }

    fn push(&mut self, text: &str, width: usize) {
        self.text += text;
        self.column += width;
    }
}

/// Lays out the pieces behind what the writer has. `hang` is where lines that go on start, `tail` the columns that follow
/// on the last line.
pub fn lay_out(writer: &mut Writer, pieces: &Pieces<'_>, hang: usize, tail: usize) {
    let mut layout = Layout { pieces, writer, floor: hang.min(2) };
    let all = 0..pieces.list.len();
    let start = pieces.prefix.map_or(0, |last| last + 1);
    if layout.fits(&all, tail) || start == 0 {
        return layout.range(all, hang, tail);
    }
    layout.range(0..start, hang, 0);
    layout.formula(start..all.end, hang, tail);
}

struct Layout<'p, 't> {
    pieces: &'p Pieces<'t>,
    writer: &'p mut Writer,
    /// Nothing goes further to the left: column 0 is for declarations.
    floor: usize,
}

impl Layout<'_, '_> {
    /// The column of the next piece.
    fn column(&self, at: usize) -> usize {
        let blank = usize::from(self.pieces.list.get(at).is_some_and(|piece| piece.space) && self.writer.column > 0);
        self.writer.next_line.unwrap_or(self.writer.column + blank)
    }

    fn fits(&self, range: &Range<usize>, tail: usize) -> bool {
        !self.pieces.is_broken(range) && self.column(range.start) + self.pieces.width(range) + tail <= WIDTH
    }

    /// What follows `=` or a colon: on the same line if its first part stays whole there, or would not be whole on the
    /// next one either.
    fn formula(&mut self, range: Range<usize>, hang: usize, tail: usize) {
        let Some(first) = self.pieces.list.get(range.start) else { return };
        let level = self.weakest(&range);
        let points = self.pieces.points(&range, level);
        let part = range.start..match level {
            Some(_) => points.first().copied().unwrap_or(range.end),
            None => range.end,
        };
        let rest = if part.end == range.end { tail } else { 0 };
        let commented = !first.before.is_empty() || self.writer.next_line.is_some();
        if !self.fits(&range, tail) && !self.fits(&part, rest) && level != Some(Level::Comma) {
            let whole_below = !self.pieces.is_broken(&part) && hang + self.pieces.width(&part) + rest <= WIDTH;
            if whole_below || first.text == "case" {
                self.writer.next_line = Some(hang);
            }
        }
        if commented {
            self.writer.next_line = Some(hang);
        }
        self.range(range, hang, tail);
    }

    fn weakest(&self, range: &Range<usize>) -> Option<Level> {
        self.pieces.points(range, None).into_iter().filter_map(|point| self.pieces.list[point].level).min()
    }

    fn range(&mut self, range: Range<usize>, hang: usize, tail: usize) {
        if self.fits(&range, tail) {
            return range.for_each(|i| self.piece(i, hang));
        }
        match self.weakest(&range) {
            None => self.solid(range, hang, tail),
            Some(Level::Comma) => self.list(range, hang, tail),
            Some(level) => {
                let points = self.chosen(&range, level, hang, tail);
                self.parts(range, &points, hang, tail);
            }
        }
    }

    /// Where a range breaks at a level: everywhere, or only where somebody broke it, if that is enough.
    fn chosen(&self, range: &Range<usize>, level: Level, hang: usize, tail: usize) -> Vec<usize> {
        let all = self.pieces.points(range, Some(level));
        if level.is_all_or_none() {
            return all;
        }
        let manual: Vec<usize> = all.iter().copied().filter(|point| self.pieces.list[*point].manual).collect();
        let enough = !manual.is_empty()
            && ranges(range, &manual).all(|part| {
                let column = if part.start == range.start { self.column(part.start) } else { hang };
                let tail = if part.end == range.end { tail } else { 0 };
                !self.pieces.is_broken(&part) && column + self.pieces.width(&part) + tail <= WIDTH
            });
        if enough { manual } else { all }
    }

    fn parts(&mut self, range: Range<usize>, points: &[usize], hang: usize, tail: usize) {
        for part in ranges(&range, points) {
            if part.start > range.start {
                self.writer.next_line = Some(hang);
            }
            let tail = if part.end == range.end { tail } else { 0 };
            self.range(part, hang + 2, tail);
        }
    }

    /// Elements behind commas: as many on a line as there is room for, or each on its own where one has brackets.
    fn list(&mut self, range: Range<usize>, hang: usize, tail: usize) {
        let points = self.pieces.points(&range, Some(Level::Comma));
        let elements: Vec<Range<usize>> = ranges(&range, &points).collect();
        let simple = |part: &Range<usize>| {
            let brackets = self.pieces.list[part.clone()].iter().any(|piece| piece.mate != NO_MATE);
            let column = if part.start == range.start { self.column(part.start) } else { hang };
            let tail = if part.end == range.end { tail } else { 0 };
            // What has to break is as good as broken: the next time it will be.
            !brackets && !self.pieces.is_broken(part) && column + self.pieces.width(part) + tail <= WIDTH
        };
        let commented = elements.iter().skip(1).any(|part| self.has_comment(part.start));
        let fill = !commented && elements.iter().all(simple);
        for part in elements {
            let tail = if part.end == range.end { tail } else { 0 };
            if part.start > range.start && (!fill || !self.fits(&part, tail)) {
                self.writer.next_line = Some(hang);
            }
            self.range(part, hang + 2, tail);
        }
    }

    /// Whether a comment stands between a piece and the one before it.
    fn has_comment(&self, at: usize) -> bool {
        !self.pieces.list[at].before.is_empty() || at > 0 && self.pieces.list[at - 1].behind.is_some()
    }

    /// No operator to break at: brackets that are too long are opened.
    fn solid(&mut self, range: Range<usize>, hang: usize, tail: usize) {
        let mut i = range.start;
        while i < range.end {
            let mate = self.pieces.list[i].mate;
            if mate == NO_MATE || mate >= range.end {
                self.piece(i, hang);
                i += 1;
                continue;
            }
            // What follows the brackets on their line, up to the next ones.
            let next = (mate + 1..range.end).find(|j| self.pieces.list[*j].mate != NO_MATE);
            let after = mate + 1..next.map_or(range.end, |next| next + 1);
            let space = usize::from(self.pieces.list.get(after.start).is_some_and(|p| p.space && !after.is_empty()));
            let after_width = self.pieces.width(&after) + space + if next.is_none() { tail } else { 0 };
            if self.fits(&(i..mate + 1), after_width) {
                (i..=mate).for_each(|j| self.piece(j, hang));
            } else if self.pieces.list[i].text == "case" {
                self.case(i, mate, after_width);
            } else {
                self.brackets(i, mate, hang);
            }
            i = mate + 1;
        }
    }

    /// Brackets with what stands in them on lines of its own.
    fn brackets(&mut self, open: usize, close: usize, hang: usize) {
        self.piece(open, hang);
        let base = self.writer.indent.max(self.floor);
        self.writer.next_line = Some(base + 2);
        self.range(open + 1..close, base + 2, 0);
        if self.pieces.list[close].before.is_empty() {
            self.writer.next_line = Some(base);
            return self.piece(close, base);
        }
        self.writer.next_line = Some(base + 2);
        self.comments_before(close, base + 2);
        self.writer.next_line = Some(base);
        self.write(close, base);
    }

    /// `case when … then …`, the other branches below the first.
    fn case(&mut self, open: usize, end: usize, tail: usize) {
        let below = self.column(open) + "case ".len();
        self.piece(open, below);
        let branches = open + 1..end;
        let points = self.pieces.points(&branches, Some(Level::Branch));
        for part in ranges(&branches, &points) {
            if part.start > branches.start {
                self.writer.next_line = Some(below);
            }
            let tail = if part.end == end { " end".len() + tail } else { 0 };
            self.range(part, below + 2, tail);
        }
        self.piece(end, below);
    }

    /// Writes one piece with its comments. After a comment a new line starts at `hang`.
    fn piece(&mut self, at: usize, hang: usize) {
        self.comments_before(at, hang);
        self.write(at, hang);
    }

    fn comments_before(&mut self, at: usize, hang: usize) {
        for comment in &self.pieces.list[at].before {
            let indent = self.writer.next_line.unwrap_or(hang);
            self.writer.new_line(indent);
            self.writer.push(comment, 0);
            self.writer.next_line = Some(indent);
        }
    }

    fn write(&mut self, at: usize, hang: usize) {
        let piece = &self.pieces.list[at];
        if let Some(indent) = self.writer.next_line.take() {
            self.writer.new_line(indent);
        } else if piece.space && at > 0 {
            self.writer.push(" ", 1);
        }
        self.writer.push(&piece.text, piece.width);
        if let Some(comment) = &piece.behind {
            self.writer.push(&format!(" {comment}"), 0);
            self.writer.next_line = Some(hang);
        }
    }
}

/// The parts of a range between the points.
fn ranges(range: &Range<usize>, points: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let ends: Vec<usize> = points.iter().copied().chain([range.end]).collect();
    let mut start = range.start;
    ends.into_iter().map(move |end| {
        let part = start..end;
        start = end;
        part
    })
}
