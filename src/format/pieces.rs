//! Tokens of one head or item, with the blanks between them and the places where a line may break.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::strings::canonical;
use crate::syntax::{
    lex::{Kind, Token},
    words::RESERVED,
};

/// A comment behind a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its text, with the slashes.
    pub text: String,
    /// Whether it has a line of its own.
    pub own_line: bool,
}

/// A token as it is printed.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its text.
    pub text: String,
    /// Columns of the text.
    pub width: usize,
    /// Whether a blank stands before it, where no line break does.
    pub space: bool,
    /// How readily a line breaks before it: 1 first, 0 never.
    pub before: u8,
    /// How readily a line breaks behind it, where lines may not start with operators.
    pub behind: u8,
    /// The closing partner of a bracket or `case`.
    pub mate: Option<usize>,
    /// What stands between it and the next one.
    pub comments: Vec<Comment>,
}

const WHEN: u8 = 1;
/// Breaks behind commas: lines are filled.
pub const COMMA: u8 = 2;
const UNION: u8 = 3;
const CLAUSE: u8 = 4;
const TIGHT: u8 = 10;

/// Words that start a clause behind an operand.
const CLAUSES: &[&str] = &["where", "dated", "from", "over", "at", "per", "ago", "across"];

/// What encloses a piece.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Nothing; clauses are loose, as in a subset.
    Loose,
    /// Nothing; clauses bind to metrics.
    Formula,
    Call,
    Group,
    Case,
}

/// The pieces of `range`; in a `formula`, clauses bind tighter than operators.
pub fn pieces(text: &str, tokens: &[Token], range: Range<usize>, formula: bool) -> Vec<Piece> {
    let outside = if formula { Around::Formula } else { Around::Loose };
    let mut maker = Maker {
        text,
        pieces: Vec::with_capacity(range.len()),
        open: Vec::new(),
        outside,
        operand: true,
        unary: false,
        between: Vec::new(),
    };
    for i in range {
        let token = &tokens[i];
        if token.is_comment() {
            let comment = Comment { text: token.text(text).trim_end().to_owned(), own_line: token.first };
            if let Some(piece) = maker.pieces.last_mut() {
                piece.comments.push(comment);
            }
            continue;
        }
        maker.add(token, tokens.get(i + 1));
    }
    maker.pieces
}

struct Maker<'t> {
    text: &'t str,
    pieces: Vec<Piece>,
    open: Vec<(usize, Around)>,
    outside: Around,
    /// An operand is expected, so a word is a name and `-` is a sign.
    operand: bool,
    /// The last piece is a sign.
    unary: bool,
    /// Depths at which a `between` waits for its `and`.
    between: Vec<usize>,
}

impl Maker<'_> {
    fn around(&self) -> Around {
        self.open.last().map_or(self.outside, |(_, around)| *around)
    }

    fn last_text(&self) -> &str {
        self.pieces.last().map_or("", |p| p.text.as_str())
    }

    fn add(&mut self, token: &Token, next: Option<&Token>) {
        let source = token.text(self.text);
        let text = if token.kind == Kind::String { canonical(source) } else { source.to_owned() };
        let mut piece = Piece {
            width: text.width(),
            space: self.space(token, source),
            before: 0,
            behind: 0,
            mate: None,
            comments: Vec::new(),
            text,
        };
        let glued = matches!(self.last_text(), "." | "@");
        let sign = self.operand && source == "-" && token.kind == Kind::Operator;
        match token.kind {
            Kind::Word if !glued => self.word(source, next, &mut piece),
            Kind::OpenParen | Kind::OpenBracket => {
                let call = !piece.space && !self.operand;
                self.open.push((self.pieces.len(), if call { Around::Call } else { Around::Group }));
                self.operand = true;
            }
            Kind::CloseParen | Kind::CloseBracket => {
                self.close(|around| around != Around::Case);
                self.operand = false;
            }
            Kind::Comma => {
                piece.behind = COMMA;
                self.operand = true;
            }
            Kind::Operator if !sign => {
                let strength = operator_strength(source);
                piece.before = strength;
                piece.behind = strength;
                self.operand = true;
            }
            Kind::Operator | Kind::Colon | Kind::Arrow => self.operand = true,
            // `at 7d..` is complete, `0..1` is not.
            Kind::Range => self.operand = !self.onwards(),
            Kind::Dot | Kind::At => {}
            _ => self.operand = false,
        }
        self.unary = sign;
        self.pieces.push(piece);
    }

    /// Whether `at 7d` stands before.
    fn onwards(&self) -> bool {
        self.pieces.len() > 1 && self.pieces[self.pieces.len() - 2].text == "at"
    }

    fn word(&mut self, word: &str, next: Option<&Token>, piece: &mut Piece) {
        let label = next.is_some_and(|t| t.kind == Kind::Colon);
        match word {
            // The name of what is declared.
            _ if self.pieces.len() == 1 => self.operand = false,
            // `raw event`, `every paid_order`: the rows follow.
            "raw" | "every" if self.operand && self.names_rows(next) => {}
            "case" if self.operand && !label => {
                self.open.push((self.pieces.len(), Around::Case));
            }
            "when" | "else" if self.around() == Around::Case => {
                piece.before = WHEN;
                self.operand = true;
            }
            "end" if self.around() == Around::Case => {
                self.close(|around| around == Around::Case);
                self.operand = false;
            }
            "not" if !label => {}
            "and" | "or" if !self.operand => {
                let depth = self.open.len();
                if word == "and" && self.between.last() == Some(&depth) {
                    self.between.pop();
                } else {
                    let strength = operator_strength(word);
                    piece.before = strength;
                    piece.behind = strength;
                }
                self.operand = true;
            }
            "between" if !self.operand => {
                self.between.push(self.open.len());
                self.operand = true;
            }
            // A word where an operand is expected is a name, and one behind an operand is a keyword.
            _ if self.operand => self.operand = false,
            "else" => {
                piece.before = UNION;
                self.operand = true;
            }
            _ => {
                if CLAUSES.contains(&word) {
                    piece.before = if self.around() == Around::Formula { TIGHT } else { CLAUSE };
                }
                self.operand = !matches!(word, "null" | "true" | "false" | "pii" | "optional" | "drop");
            }
        }
    }

    /// Whether a row set's name follows.
    fn names_rows(&self, next: Option<&Token>) -> bool {
        let word = next.filter(|t| t.kind == Kind::Word).map_or("", |t| t.text(self.text));
        !word.is_empty() && !CLAUSES.contains(&word) && !RESERVED.contains(&word)
    }

    /// Closes the innermost bracket of a kind, and what was left open within it.
    fn close(&mut self, kind: impl Fn(Around) -> bool) {
        while let Some((open, around)) = self.open.pop() {
            if kind(around) {
                self.pieces[open].mate = Some(self.pieces.len());
                break;
            }
        }
        let depth = self.open.len();
        self.between.retain(|d| *d <= depth);
    }

    /// Whether the innermost bracket is that of `decimal(18,2)`.
    fn in_decimal(&self) -> bool {
        let name = self.open.last().and_then(|(open, _)| open.checked_sub(1));
        name.is_some_and(|name| self.pieces[name].text == "decimal")
    }

    fn space(&self, token: &Token, source: &str) -> bool {
        let Some(last) = self.pieces.last() else { return false };
        if self.unary && self.operand {
            return false;
        }
        match token.kind {
            Kind::CloseParen
            | Kind::CloseBracket
            | Kind::OpenBracket
            | Kind::Comma
            | Kind::Colon
            | Kind::Semicolon
            | Kind::Dot
            | Kind::At
            | Kind::Range
            | Kind::Question => false,
            Kind::Number if last.text == "," && self.in_decimal() => false,
            Kind::OpenParen if !self.operand || last.text == "pii" => false,
            _ if matches!(last.text.as_str(), "(" | "[" | "." | "@") => false,
            // `7d.. / x`, but `0..1` and `-3%..-1%`
            _ if last.text == ".." => !self.operand || (token.kind == Kind::Operator && source != "-"),
            _ => true,
        }
    }
}

fn operator_strength(operator: &str) -> u8 {
    match operator {
        "|" => UNION,
        "or" => 5,
        "and" => 6,
        "??" => 7,
        "+" | "-" => 8,
        "*" | "/" | "%" => 9,
        _ => 0,
    }
}
