//! How the tokens of one head or item stand beside each other, and where its line may break.

use std::{borrow::Cow, ops::Range};

use unicode_width::UnicodeWidthStr;

use super::literal;
use crate::syntax::{
    lex::{Kind, Token},
    words::AGGREGATES,
};

/// No partner, see [`Piece::mate`].
pub const NO_MATE: usize = usize::MAX;

/// How strongly an operator holds together what stands on both sides of it, weakest first: lines break at the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The metrics of a test.
    Of,
    /// After a comma.
    Comma,
    /// `when` and `else` of a `case`.
    Branch,
    /// `then`
    Then,
    /// `|`, `else` of a dimension.
    Bar,
    /// `from`, `where`, `dated`, `per` of an aggregate or a row set.
    Clause,
    Or,
    And,
    Compare,
    Coalesce,
    Add,
    Multiply,
    /// `where` and its like behind a metric.
    Postfix,
}

impl Level {
    /// Whether all breaks of this level come together. Sums and products may rather be grouped by whoever writes them.
    pub fn is_all_or_none(self) -> bool {
        !matches!(self, Level::Compare | Level::Coalesce | Level::Add | Level::Multiply)
    }
}

/// What is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The head of a declaration: breaks anywhere, before operators. `rows`: its formula is a row set.
    Head { rows: bool },
    /// The head of a test.
    TestHead,
    /// An item: outside of brackets it ends with its line unless that ends with an operator or a comma.
    Item,
}

/// One token in its line.
#[derive(Debug)]
pub struct Piece<'t> {
    pub text: Cow<'t, str>,
    pub kind: Kind,
    /// Columns of the text.
    pub width: usize,
    /// Whether a blank stands before it.
    pub space: bool,
    /// Where it opens brackets or a `case`: the piece that closes them.
    pub mate: usize,
    /// Comments on lines of their own before it.
    pub before: Vec<String>,
    /// A comment behind it on its line.
    pub behind: Option<String>,
    /// A line may break before this piece.
    pub level: Option<Level>,
    /// Somebody broke the line here.
    pub manual: bool,
}

/// The pieces of a head or an item, and the last piece of what comes before its formula or values (`metric dau =`, `by:`).
pub struct Pieces<'t> {
    pub list: Vec<Piece<'t>>,
    pub prefix: Option<usize>,
    /// How many lines have to break before each piece, summed up: comments, and breaks that somebody made.
    breaks: Vec<usize>,
    /// The columns up to each piece on one line.
    columns: Vec<usize>,
}

impl Pieces<'_> {
    /// Whether a range can't be on one line.
    pub fn is_broken(&self, range: &Range<usize>) -> bool {
        range.end > range.start && self.breaks[range.end - 1] > self.breaks[range.start]
    }

    /// The columns of a range on one line.
    pub fn width(&self, range: &Range<usize>) -> usize {
        if range.is_empty() {
            return 0;
        }
        let first = &self.list[range.start];
        self.columns[range.end] - self.columns[range.start] - usize::from(first.space)
    }

    /// The whole on one line, if it can be.
    pub fn flat(&self) -> Option<String> {
        if self.is_broken(&(0..self.list.len())) {
            return None;
        }
        let mut text = String::new();
        for (i, piece) in self.list.iter().enumerate() {
            if piece.space && i > 0 {
                text.push(' ');
            }
            text += &piece.text;
        }
        Some(text)
    }

    /// The place where a line may break at `level` outside of the brackets in `range`, before the pieces it gives.
    pub fn points(&self, range: &Range<usize>, wanted: Option<Level>) -> Vec<usize> {
        let mut points = Vec::new();
        let mut i = range.start;
        while i < range.end {
            let level = self.list[i].level;
            if i > range.start && level.is_some() && (wanted.is_none() || level == wanted) {
                points.push(i);
            }
            let mate = self.list[i].mate;
            i = if mate == NO_MATE || mate >= range.end { i + 1 } else { mate + 1 };
        }
        points
    }
}

/// What is open around a token.
struct Frame {
    open: usize,
    case: bool,
    /// Clauses belong to an aggregate or a row set rather than to a metric.
    rows: bool,
    /// `decimal(18,2)` has no blank behind its comma.
    tight: bool,
    /// The `and` of `between` is to come.
    between: bool,
    /// The comparison of a metric's own `where` is to come: it holds its sides together more than any operator.
    filter: bool,
}

/// The pieces of the tokens in `range`.
pub fn pieces<'t>(text: &'t str, tokens: &[Token], range: Range<usize>, place: Place) -> Pieces<'t> {
    let mut maker = Maker {
        text,
        place,
        list: Vec::with_capacity(range.len()),
        frames: vec![Frame {
            open: NO_MATE,
            case: false,
            rows: place == Place::Head { rows: true },
            tight: false,
            between: false,
            filter: false,
        }],
        operand: false,
        glued: true,
        callable: false,
        keyword: false,
        prefix: None,
        level_next: None,
    };
    let mut firsts = Vec::with_capacity(range.len());
    let mut before = Vec::new();
    for i in range.clone() {
        let token = &tokens[i];
        if !token.is_comment() {
            let mut ahead = (i + 1..range.end).filter(|j| !tokens[*j].is_comment()).map(|j| &tokens[j]);
            let next = ahead.next();
            maker.add(token, next, std::mem::take(&mut before));
            firsts.push(token.first);
        } else if let (false, Some(last)) = (token.first, maker.list.last_mut()) {
            last.behind = Some(literal::comment(text, token));
        } else {
            before.push(literal::comment(text, token));
        }
    }
    maker.finish(&firsts)
}

struct Maker<'t> {
    text: &'t str,
    place: Place,
    list: Vec<Piece<'t>>,
    frames: Vec<Frame>,
    /// An operand ends here, so that a word which follows is a keyword.
    operand: bool,
    /// No blank may follow.
    glued: bool,
    /// The last token is a name that arguments may follow.
    callable: bool,
    /// The last token is a word like `from`.
    keyword: bool,
    prefix: Option<usize>,
    /// Where an operator stays at the end of its line: the level of the break behind it.
    level_next: Option<Level>,
}

impl<'t> Maker<'t> {
    fn add(&mut self, token: &Token, next: Option<&Token>, before: Vec<String>) {
        let text = literal::token(self.text, token);
        let word = if token.kind == Kind::Word { token.text(self.text) } else { "" };
        let level_next = self.level_next.take();
        let space = self.space_before(token, word);
        let width = text.width();
        self.list.push(Piece {
            text,
            kind: token.kind,
            width,
            space,
            mate: NO_MATE,
            before,
            behind: None,
            level: level_next,
            manual: false,
        });
        let level = match token.kind {
            Kind::Word => self.word(word, next),
            _ => self.sign(token, next),
        };
        // Outside of brackets an item breaks behind its operators, otherwise it would end before them.
        match level {
            Some(Level::Comma) => self.level_next = level,
            Some(_) if self.place == Place::Item && self.frames.len() == 1 => {
                let stays = matches!(token.kind, Kind::Operator) || matches!(word, "and" | "or");
                self.level_next = level.filter(|_| stays);
            }
            Some(_) => self.last().level = level,
            None => {}
        }
    }

    fn last(&mut self) -> &mut Piece<'t> {
        // `add` has just pushed it.
        let at = self.list.len() - 1;
        &mut self.list[at]
    }

    fn frame(&mut self) -> &mut Frame {
        // The outermost frame is never popped.
        let at = self.frames.len() - 1;
        &mut self.frames[at]
    }

    fn space_before(&self, token: &Token, word: &str) -> bool {
        match token.kind {
            Kind::Comma | Kind::Colon | Kind::Dot | Kind::At | Kind::CloseParen | Kind::CloseBracket | Kind::Range => {
                false
            }
            Kind::Question => false,
            _ if self.glued => false,
            Kind::OpenParen => !self.callable,
            Kind::OpenBracket => !self.operand,
            _ if self.list.last().is_some_and(|last| last.kind == Kind::Range) => {
                let minus = token.kind == Kind::Operator && token.text(self.text) == "-";
                !(token.kind == Kind::Number || minus && word.is_empty())
            }
            _ => true,
        }
    }

    /// Takes a word; gives the level of the break that it allows.
    fn word(&mut self, word: &str, next: Option<&Token>) -> Option<Level> {
        let part = self.list.len() > 1 && matches!(self.list[self.list.len() - 2].kind, Kind::Dot | Kind::At);
        let label = next.is_some_and(|next| next.kind == Kind::Colon);
        let was_operand = std::mem::replace(&mut self.operand, true);
        self.glued = false;
        self.callable = true;
        self.keyword = false;
        if part || label {
            return None;
        }
        if self.list.len() == 1 {
            return self.key_word(None);
        }
        match word {
            "null" | "true" | "false" => None,
            "case" => {
                self.open(true, self.in_rows(), false);
                self.key_word(None)
            }
            "end" => {
                self.close();
                self.callable = false;
                None
            }
            "and" if std::mem::replace(&mut self.frame().between, false) => self.key_word(None),
            "and" => self.key_word(Some(Level::And)),
            "or" => self.key_word(Some(Level::Or)),
            "when" if self.frame().case => self.key_word(Some(Level::Branch)),
            "then" => self.key_word(Some(Level::Then)),
            "else" => {
                let level = if self.frame().case { Level::Branch } else { Level::Bar };
                self.key_word(Some(level))
            }
            "between" => {
                self.frame().between = true;
                self.key_word(None)
            }
            "not" | "in" | "is" | "like" | "when" => self.key_word(None),
            _ if was_operand => self.contextual(word),
            // `raw event`, `every paid_order`: words before a row set.
            "raw" | "every" if self.precedes_rows(word, next) => self.key_word(None),
            _ => None,
        }
    }

    /// A keyword: an operand follows.
    fn key_word(&mut self, level: Option<Level>) -> Option<Level> {
        self.operand = false;
        self.callable = false;
        self.keyword = true;
        level
    }

    /// A word behind an operand: a version belongs to it, every other one is a keyword.
    fn contextual(&mut self, word: &str) -> Option<Level> {
        let version = word.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if version {
            self.callable = false;
            return None;
        }
        let rows = self.in_rows();
        let level = match word {
            "from" | "where" | "dated" | "per" if rows => Some(Level::Clause),
            "where" => {
                self.frame().filter = true;
                Some(Level::Postfix)
            }
            "of" if self.place == Place::TestHead => Some(Level::Of),
            _ => None,
        };
        self.key_word(level);
        // `pii(hashed)`
        self.callable = word == "pii";
        level
    }

    fn precedes_rows(&self, word: &str, next: Option<&Token>) -> bool {
        const CLAUSES: &[&str] = &[
            "from", "dated", "over", "at", "per", "ago", "across", "where", "by", "for", "as", "and", "or", "not",
            "in", "is", "between", "like", "outside",
        ];
        next.is_some_and(|next| match next.kind {
            Kind::Word => !CLAUSES.contains(&next.text(self.text)),
            Kind::Quoted => true,
            Kind::OpenParen => word == "every" && self.frames.len() == 1,
            _ => false,
        })
    }

    /// Takes anything but a word.
    fn sign(&mut self, token: &Token, next: Option<&Token>) -> Option<Level> {
        let (was_operand, was_keyword) = (self.operand, self.keyword);
        self.operand = false;
        self.glued = false;
        self.keyword = false;
        let was_callable = std::mem::replace(&mut self.callable, false);
        match token.kind {
            Kind::OpenParen | Kind::OpenBracket => {
                let called = if was_callable { self.before_last() } else { "" };
                let rows = match called {
                    "" => self.in_rows() || was_keyword && matches!(self.before_last(), "from" | "of" | "every"),
                    function => AGGREGATES.contains(&function),
                };
                let tight = called == "decimal";
                self.open(false, rows && token.kind == Kind::OpenParen, tight);
                self.glued = true;
                None
            }
            Kind::CloseParen | Kind::CloseBracket => {
                self.close();
                self.operand = true;
                None
            }
            Kind::Comma => {
                self.glued = self.frame().tight;
                Some(Level::Comma)
            }
            Kind::Operator => self.operator(token.text(self.text), was_operand),
            Kind::Colon => {
                if self.list.len() == 2 && self.place == Place::Item {
                    self.prefix = Some(1);
                }
                None
            }
            Kind::Dot | Kind::At => {
                self.glued = true;
                None
            }
            Kind::Range => {
                // `at 7d..`: nothing follows.
                self.operand = !next.is_some_and(|next| next.kind == Kind::Number || next.text(self.text) == "-");
                None
            }
            Kind::Quoted => {
                (self.operand, self.callable) = (true, true);
                None
            }
            Kind::Arrow => None,
            _ => {
                self.operand = true;
                None
            }
        }
    }

    fn before_last(&self) -> &str {
        self.list.iter().rev().nth(1).map_or("", |piece| piece.text.as_ref())
    }

    fn in_rows(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.rows)
    }

    fn operator(&mut self, sign: &str, binary: bool) -> Option<Level> {
        if sign == "-" && !binary {
            self.glued = true;
            return None;
        }
        let outermost = self.frames.len() == 1;
        if sign == "=" && outermost && self.prefix.is_none() && self.place != Place::TestHead {
            self.prefix = Some(self.list.len() - 1);
            return None;
        }
        let filter = std::mem::replace(&mut self.frame().filter, false);
        match sign {
            "|" => Some(Level::Bar),
            "??" => Some(Level::Coalesce),
            "+" | "-" => Some(Level::Add),
            "*" | "/" | "%" => Some(Level::Multiply),
            _ => Some(Level::Compare).filter(|_| !filter),
        }
    }

    fn open(&mut self, case: bool, rows: bool, tight: bool) {
        self.frames.push(Frame { open: self.list.len() - 1, case, rows, tight, between: false, filter: false });
    }

    fn close(&mut self) {
        if self.frames.len() > 1
            && let Some(frame) = self.frames.pop()
        {
            let close = self.list.len() - 1;
            self.list[frame.open].mate = close;
        }
    }

    fn finish(mut self, firsts: &[bool]) -> Pieces<'t> {
        let count = self.list.len();
        for i in 0..count {
            let first = |at: usize| firsts.get(at).copied().unwrap_or(false);
            let Some(level) = self.list[i].level else { continue };
            // The line may be broken on either side of an operator.
            self.list[i].manual = match level {
                Level::Of | Level::Comma | Level::Then => false,
                Level::Branch => first(i),
                _ if self.place == Place::Item && i > 0 && self.is_behind(i) => first(i),
                _ => first(i) || first(i + 1),
            };
        }
        let mut breaks = Vec::with_capacity(count);
        let mut columns = vec![0];
        let mut sum = 0;
        for (i, piece) in self.list.iter().enumerate() {
            let comment = !piece.before.is_empty() || i > 0 && self.list[i - 1].behind.is_some();
            sum += usize::from(comment || piece.manual);
            breaks.push(sum);
            columns.push(columns[i] + piece.width + usize::from(piece.space));
        }
        Pieces { list: self.list, prefix: self.prefix, breaks, columns }
    }

    /// Whether the break before this piece is one behind an operator.
    fn is_behind(&self, i: usize) -> bool {
        let before = &self.list[i - 1];
        before.kind == Kind::Operator || matches!(before.text.as_ref(), "and" | "or")
    }
}
