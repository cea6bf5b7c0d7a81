//! Cuts a file into tokens and tells what is malformed inside a token.
//!
//! The tokens are what [`outline`](super::outline) and the formatter work on; the grammar reads the text of each slice
//! itself. Rows of test tables are one token each.

use pest::unicode;

use super::{
    code,
    strings::{quoted_end, scan_string},
    words::KINDS,
};
use crate::{
    diagnostic::{Diagnostics, FileId, Span},
    error,
};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Word,
    /// `` `back quoted` ``
    Quoted,
    /// `1_000`, `0.5%`, `30d`
    Number,
    String,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    Comma,
    Semicolon,
    Colon,
    Dot,
    /// `..`
    Range,
    /// `->`
    Arrow,
    /// `= != < <= > >= + - * / % ?? |`
    Operator,
    Question,
    At,
    /// `| a | b |` in a test.
    Row,
    /// `// …` and `/// …` that describes nothing.
    Comment,
    /// `/// …` first on its line.
    Doc,
    /// Malformed, and told.
    Bad,
}

/// A token: `[start, end)` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Whether only blanks stand before it on its line.
    pub first: bool,
    /// Whether it starts in column 0.
    pub column0: bool,
    /// What the grammar sees of it.
    pub code: u8,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Token {
    /// Whether it is a comment of either kind.
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::Comment | Kind::Doc)
    }

    /// Its text.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Whether a name may start with this character.
pub fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() && unicode::XID_START(c)
}

/// Whether a name may go on with this character.
pub fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() && unicode::XID_CONTINUE(c)
}

/// The tokens of `text`, with what is wrong inside of them.
pub fn lex(file: FileId, text: &str) -> (Vec<Token>, Diagnostics) {
    let mut lexer = Lexer {
        file,
        text,
        at: 0,
        line_start: 0,
        line_end: line_end(text, 0),
        first: true,
        in_test: false,
        tokens: Vec::with_capacity(text.len() / 4 + 1),
        found: Diagnostics::new(),
    };
    if text.starts_with('\u{feff}') {
        lexer.at = 3;
        lexer.line_start = 3;
    }
    while lexer.at < text.len() {
        lexer.token();
    }
    (lexer.tokens, lexer.found)
}

struct Lexer<'t> {
    file: FileId,
    text: &'t str,
    at: usize,
    line_start: usize,
    /// Before the line feed (and carriage return) of this line.
    line_end: usize,
    /// No token on this line yet.
    first: bool,
    /// Inside of a `test` declaration, where a line that starts with a bar is a row.
    in_test: bool,
    tokens: Vec<Token>,
    found: Diagnostics,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn char(&self) -> char {
        self.rest().chars().next().unwrap_or('\0')
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start as u32, end as u32)
    }

    /// Adds the token `[self.at, end)` and goes on behind it.
    fn push(&mut self, kind: Kind, end: usize) {
        let column0 = self.at == self.line_start;
        let code = code::of_token(kind, &self.text[self.at..end]);
        // The parts of a path touch each other: otherwise no rule takes the dot.
        if let Some(last) = self.tokens.last_mut() {
            let touches = last.end as usize == self.at;
            if matches!(last.kind, Kind::Dot | Kind::At) && !touches {
                last.code = code::NONE;
            }
        }
        let touches = self.tokens.last().is_some_and(|last| last.end as usize == self.at);
        let code = if matches!(kind, Kind::Dot | Kind::At) && !touches { code::NONE } else { code };
        self.tokens.push(Token { kind, first: self.first, column0, code, start: self.at as u32, end: end as u32 });
        self.first = false;
        self.at = end;
    }

    fn push_width(&mut self, kind: Kind, width: usize) {
        self.push(kind, self.at + width);
    }

    fn token(&mut self) {
        let byte = self.byte(0);
        match byte {
            b'\n' => {
                self.at += 1;
                self.line_start = self.at;
                self.line_end = line_end(self.text, self.at);
                self.first = true;
            }
            b' ' | b'\t' => self.at += 1,
            b'\r' if self.byte(1) == b'\n' => self.at += 1,
            b'|' if self.first && self.in_test => self.row(),
            b'/' if self.byte(1) == b'/' => self.comment(),
            b'"' => self.string(),
            b'`' => self.back_quoted(),
            b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            0x80.. if starts_name(self.char()) => self.word(),
            _ => self.symbol(),
        }
    }

    fn word(&mut self) {
        let start = self.at;
        let end = self.rest().find(|c| !continues_name(c)).map_or(self.text.len(), |n| start + n);
        let word = &self.text[start..end];
        if start == self.line_start && KINDS.contains(&word) {
            self.in_test = word == "test";
        }
        self.push(Kind::Word, end);
    }

    fn comment(&mut self) {
        let end = self.line_end;
        let doc = self.first && self.byte(2) == b'/' && self.byte(3) != b'/';
        if !doc && self.byte(2) == b'/' && self.byte(3) != b'/' {
            self.found.push(error!(
                W0101, self.span(self.at, end), "this description describes nothing";
                label: "a plain comment here";
                help: "put `///` on a line of its own before a declaration or an item, or write `//`"
            ));
        }
        self.push(if doc { Kind::Doc } else { Kind::Comment }, end);
    }

    fn string(&mut self) {
        let line_end = self.line_end;
        let (end, ok) = scan_string(self.file, self.text, self.at, line_end, &mut self.found);
        self.push(if ok { Kind::String } else { Kind::Bad }, end);
    }

    fn back_quoted(&mut self) {
        let line_end = self.line_end;
        match self.text[self.at + 1..line_end].find('`') {
            Some(0) => {
                self.found.push(error!(
                    E0111, self.span(self.at, self.at + 2), "there is no name between the back quotes";
                    help: "write a name between them, such as `` `from` ``"
                ));
                self.push_width(Kind::Bad, 2);
            }
            Some(n) => self.push_width(Kind::Quoted, n + 2),
            None => {
                self.found.push(error!(
                    E0111, self.span(self.at, line_end), "this back quote is not closed on its line";
                    help: "close the name with a second back quote"
                ));
                self.push(Kind::Bad, line_end);
            }
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |mut i: usize| {
            while i < bytes.len() && (bytes[i].is_ascii_digit() || bytes[i] == b'_') {
                i += 1;
            }
            i
        };
        let mut end = digits(start);
        let mut fraction = false;
        let next = |i: usize| bytes.get(i).copied().unwrap_or(0);
        if next(end) == b'.' && next(end + 1) != b'.' {
            if !next(end + 1).is_ascii_digit() {
                self.found.push(error!(
                    E0107, self.span(start, end + 1), "a digit must follow the decimal point";
                    help: ("write `{}` or `{}.0`", &self.text[start..end], &self.text[start..end])
                ));
                return self.push(Kind::Bad, end + 1);
            }
            fraction = true;
            end = digits(end + 1);
        }
        if next(end) == b'%' {
            let after = self.text[end + 1..].chars().next().unwrap_or(' ');
            let modulo = after.is_ascii_digit() || after == '(' || starts_name(after);
            return self.push(Kind::Number, if modulo { end } else { end + 1 });
        }
        let suffix_end = self.text[end..].find(|c| !continues_name(c)).map_or(self.text.len(), |n| end + n);
        let suffix = &self.text[end..suffix_end];
        let kind = if suffix.is_empty() || !fraction && duration_unit(suffix).is_some() {
            Kind::Number
        } else {
            self.bad_suffix(start, end, suffix_end, fraction);
            Kind::Bad
        };
        self.push(kind, suffix_end);
    }

    fn bad_suffix(&mut self, start: usize, end: usize, suffix_end: usize, fraction: bool) {
        let (number, suffix) = (&self.text[start..end], &self.text[end..suffix_end]);
        let span = self.span(start, suffix_end);
        let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|s| s.bytes().all(|b| b.is_ascii_digit()));
        let hex = number == "0" && suffix.starts_with(['x', 'X', 'b', 'o']);
        self.found.push(if exponent || hex {
            error!(E0107, span, "`{number}{suffix}` is not a number of this language"; help: "write all digits of the number, such as `1_000_000`")
        } else if fraction && duration_unit(suffix).is_some() {
            error!(E0107, span, "a duration counts whole units"; help: "write it in a smaller unit, such as `90m` for one and a half hours")
        } else {
            let found = error!(E0108, self.span(end, suffix_end), "`{suffix}` is not a unit of time"; label: "after a number");
            match meant_unit(suffix) {
                Some(unit) => found.help(format!("did you mean `{number}{unit}`?")),
                None => found.help(
                    "durations are `500ms 30s 5m 1h 1d 2w`, calendar steps `1month 1quarter 1year`; a name never starts with a digit",
                ),
            }
        });
    }

    fn symbol(&mut self) {
        let (kind, width) = match (self.byte(0), self.byte(1)) {
            (b'=', b'=') => return self.foreign(2, "="),
            (b'<', b'>') => return self.foreign(2, "!="),
            (b'&', b'&') => return self.foreign(2, "and"),
            (b'|', b'|') => return self.foreign(2, "or"),
            (b'!', b'=') | (b'<', b'=') | (b'>', b'=') | (b'?', b'?') => (Kind::Operator, 2),
            (b'!', _) => return self.foreign(1, "not"),
            (b':', b'=') => return self.foreign(2, "="),
            (b'-', b'>') => (Kind::Arrow, 2),
            (b'.', b'.') => (Kind::Range, 2),
            (b'.', next) if next.is_ascii_digit() => return self.bare_fraction(),
            (b'=' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%' | b'|', _) => (Kind::Operator, 1),
            (b'(', _) => (Kind::OpenParen, 1),
            (b')', _) => (Kind::CloseParen, 1),
            (b'[', _) => (Kind::OpenBracket, 1),
            (b']', _) => (Kind::CloseBracket, 1),
            (b'{', _) => (Kind::OpenBrace, 1),
            (b'}', _) => (Kind::CloseBrace, 1),
            (b',', _) => (Kind::Comma, 1),
            (b';', _) => (Kind::Semicolon, 1),
            (b':', _) => (Kind::Colon, 1),
            (b'.', _) => (Kind::Dot, 1),
            (b'?', _) => (Kind::Question, 1),
            (b'@', _) => (Kind::At, 1),
            _ => return self.stray(),
        };
        self.push_width(kind, width);
    }

    fn foreign(&mut self, width: usize, right: &str) {
        let span = self.span(self.at, self.at + width);
        let written = &self.text[self.at..self.at + width];
        self.found.push(error!(E0110, span, "`{written}` is not an operator here"; help: ("write `{right}`")));
        self.push_width(Kind::Bad, width);
    }

    fn bare_fraction(&mut self) {
        let digits = self.text[self.at + 1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest().len() - 1);
        let end = self.at + 1 + digits;
        let written = &self.text[self.at..end];
        self.found.push(error!(
            E0107, self.span(self.at, end), "a number starts with a digit, not with its decimal point";
            help: ("write `0{written}`")
        ));
        self.push(Kind::Bad, end);
    }

    /// A run of the same kind of characters that no token starts with, told once.
    fn stray(&mut self) {
        let first = self.char();
        let width = self.rest().find(|c| c != first).unwrap_or(self.rest().len());
        let span = self.span(self.at, self.at + first.len_utf8());
        let found = if first.is_control() {
            error!(E0109, span, "a control character (U+{:04X}) stands in the text", u32::from(first); help: "delete it; the file may be damaged or no text at all")
        } else if let Some(right) = ascii_twin(first) {
            error!(E0109, span, "`{first}` (U+{:04X}) is not the sign that it looks like", u32::from(first); help: ("write `{right}`"))
        } else if first.is_whitespace() {
            error!(E0109, span, "a blank of an unusual kind (U+{:04X}) stands here", u32::from(first); help: "write an ordinary blank")
        } else {
            let found = error!(E0109, span, "`{first}` does not belong to the language");
            match first {
                '\'' => found.help("strings stand in double quotes"),
                '#' => found.help("comments are written `// …`"),
                '&' => found.help("write `and`"),
                '$' | '~' | '^' | '\\' => found.help("delete it, or put it into a string"),
                _ => found.help("odd names stand in back quotes, text in double quotes"),
            }
        };
        self.found.push(found);
        self.push_width(Kind::Bad, width);
    }

    /// `| a | b |`, up to the comment or the end of the line.
    fn row(&mut self) {
        let line_end = self.line_end;
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        let mut cell_start = at;
        let mut end = line_end;
        while at < line_end {
            match bytes[at] {
                b'\\' => at += 1,
                b'"' if self.text[cell_start..at].trim().is_empty() => at = quoted_end(self.text, at, line_end) - 1,
                b'|' => {
                    cell_start = at + 1;
                    let rest = self.text[cell_start..line_end].trim_start();
                    if rest.is_empty() || rest.starts_with("//") {
                        end = cell_start;
                        break;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        if end == line_end {
            end = self.at + self.text[self.at..line_end].trim_end().len();
            // `| 1 | }`: the brace still closes the table, so that only the row is told.
            let last = self.text[cell_start.min(end)..end].trim();
            if last == "}" || last == "} }" {
                end -= last.len();
            }
        }
        if let Some(n) = self.text[self.at..end].find(|c: char| c.is_control() && c != '\t') {
            let at = self.at + n;
            self.found.push(error!(
                E0109, self.span(at, at + 1), "a control character stands in the table";
                help: "delete it, or write it as `\\u{{…}}` in a quoted cell"
            ));
        }
        self.push(Kind::Row, end.max(self.at + 1));
    }
}

/// The end of the line at `from`, before its line feed and carriage return.
fn line_end(text: &str, from: usize) -> usize {
    let end = text[from..].find('\n').map_or(text.len(), |n| from + n);
    if end > from && text.as_bytes()[end - 1] == b'\r' { end - 1 } else { end }
}

/// The unit written as `suffix`.
pub fn duration_unit(suffix: &str) -> Option<super::ast::DurationUnit> {
    use super::ast::DurationUnit as U;
    Some(match suffix {
        "ms" => U::Millisecond,
        "s" => U::Second,
        "m" => U::Minute,
        "h" => U::Hour,
        "d" => U::Day,
        "w" => U::Week,
        "month" => U::Month,
        "quarter" => U::Quarter,
        "year" => U::Year,
        _ => return None,
    })
}

/// The unit that a usual other spelling means.
fn meant_unit(suffix: &str) -> Option<&'static str> {
    Some(match suffix.to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" | "h" => "h",
        "day" | "days" | "d" => "d",
        "week" | "weeks" | "wk" | "w" => "w",
        "mo" | "mon" | "months" | "month" => "month",
        "q" | "qtr" | "quarters" | "quarter" => "quarter",
        "y" | "yr" | "yrs" | "years" | "year" => "year",
        "millis" | "msec" | "milliseconds" | "ms" => "ms",
        _ => return None,
    })
}

/// The ASCII sign that a full-width or typographic one was meant for.
fn ascii_twin(c: char) -> Option<char> {
    Some(match c {
        '“' | '”' | '„' | '«' | '»' | '＂' => '"',
        '‘' | '’' => '"',
        '、' => ',',
        '。' => '.',
        '–' | '—' | '−' => '-',
        '×' => '*',
        '÷' => '/',
        '【' => '[',
        '】' => ']',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)?,
        _ => return None,
    })
}
