//! Records of comma-separated text, strictly by RFC 4180: what is quoted is told from what is not, so that an empty cell
//! is null and `""` the empty text.

use std::io::{self, Read};

/// How much is read at once.
const CHUNK: usize = 1 << 18;

/// The longest record: what is longer has lost a closing quote.
const LONGEST_RECORD: usize = 1 << 26;

/// Why a record cannot be read.
#[derive(Debug)]
pub enum RecordError {
    /// The file cannot be read.
    Io(io::Error),
    /// The quotes of the record that starts at this line are wrong.
    Quotes {
        /// The line.
        line: u64,
        /// What is wrong.
        reason: &'static str,
        /// Whether reading can go on behind it.
        recoverable: bool,
    },
    /// The record is not UTF-8.
    Encoding {
        /// The line at which it starts.
        line: u64,
    },
}

/// A record: its cells, and the line at which it starts.
#[derive(Debug)]
pub struct Record {
    text: String,
    /// The end of each cell in `text`, and whether it was quoted.
    ends: Vec<(usize, bool)>,
    /// The line at which it starts, from 1.
    pub line: u64,
}

impl Record {
    /// How many cells it has.
    pub fn cells(&self) -> usize {
        self.ends.len()
    }

    /// A cell; none for an empty one without quotes.
    pub fn get(&self, index: usize) -> Option<&str> {
        let (end, quoted) = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(end, _)| *end);
        Some(&self.text[start..end]).filter(|text| quoted || !text.is_empty())
    }
}

/// Reads records.
pub struct Records<R> {
    input: R,
    buffer: Vec<u8>,
    /// What of the buffer has been used.
    used: usize,
    /// What of the buffer is filled.
    filled: usize,
    line: u64,
    /// Bytes taken from the input.
    pub bytes: u64,
    record: Record,
}

/// Where the reader stands in a record.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// At the start of a cell.
    Start,
    /// In a cell without quotes.
    Plain,
    /// In a quoted cell.
    Quoted,
    /// Behind a quote inside of a quoted cell.
    Quote,
}

impl<R: Read> Records<R> {
    /// The records of an input. A byte order mark at its start is skipped.
    pub fn new(input: R) -> Records<R> {
        let record = Record { text: String::new(), ends: Vec::new(), line: 1 };
        Records { input, buffer: vec![0; CHUNK], used: 0, filled: 0, line: 1, bytes: 0, record }
    }

    /// The next byte's chunk; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.used < self.filled {
            return Ok(true);
        }
        let first = self.bytes == 0;
        self.used = 0;
        self.filled = 0;
        // The mark is looked for in the first three bytes, so these must be there at once.
        while self.filled < if first { 3 } else { 1 } {
            let count = match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.filled += count;
            self.bytes += count as u64;
        }
        if first && self.buffer[..self.filled].starts_with(b"\xEF\xBB\xBF") {
            self.used = 3;
            return self.fill();
        }
        Ok(self.used < self.filled)
    }

    /// The next record; none at the end. Empty lines between records are skipped where `skip_empty` says so.
    pub fn next(&mut self, skip_empty: bool) -> Result<Option<&Record>, RecordError> {
        loop {
            let mut bytes = std::mem::take(&mut self.record.text).into_bytes();
            bytes.clear();
            self.record.ends.clear();
            self.record.line = self.line;
            if !self.read(&mut bytes)? {
                return Ok(None);
            }
            let empty = self.record.ends.len() == 1 && bytes.is_empty() && !self.record.ends[0].1;
            match String::from_utf8(bytes) {
                Ok(text) => self.record.text = text,
                Err(_) => return Err(RecordError::Encoding { line: self.record.line }),
            }
            if self.ends_on_characters() && !(empty && skip_empty) {
                return Ok(Some(&self.record));
            }
            if !self.ends_on_characters() {
                return Err(RecordError::Encoding { line: self.record.line });
            }
        }
    }

    /// Whether no cell ends inside of a character.
    fn ends_on_characters(&self) -> bool {
        self.record.ends.iter().all(|(end, _)| self.record.text.is_char_boundary(*end))
    }

    /// Reads a record's bytes; false at the end of the input.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Result<bool, RecordError> {
        let mut state = State::Start;
        let mut quoted = false;
        let mut any = false;
        while self.fill().map_err(RecordError::Io)? {
            any = true;
            let chunk = &self.buffer[self.used..self.filled];
            let length = match state {
                State::Plain => chunk.iter().position(|b| matches!(b, b',' | b'\n' | b'"')),
                State::Quoted => chunk.iter().position(|b| matches!(b, b'"' | b'\n')),
                State::Start | State::Quote => Some(0),
            };
            let plain = length.unwrap_or(chunk.len());
            bytes.extend_from_slice(&chunk[..plain]);
            self.used += plain;
            if bytes.len() > LONGEST_RECORD {
                return Err(self.unclosed());
            }
            if length.is_none() {
                continue;
            }
            let byte = self.buffer[self.used];
            self.used += 1;
            match (state, byte) {
                (State::Quoted, b'"') => state = State::Quote,
                (State::Quoted, _) => {
                    self.line += 1;
                    bytes.push(byte);
                }
                (State::Quote, b'"') => {
                    bytes.push(byte);
                    state = State::Quoted;
                }
                (_, b',') => {
                    self.record.ends.push((bytes.len(), quoted));
                    (state, quoted) = (State::Start, false);
                }
                (_, b'\n') => {
                    self.line += 1;
                    // The carriage return of the line's end is no part of the cell.
                    if !quoted && bytes.last() == Some(&b'\r') && bytes.len() > self.cell_start() {
                        bytes.pop();
                    }
                    self.record.ends.push((bytes.len(), quoted));
                    return Ok(true);
                }
                (State::Quote, b'\r') if self.line_ends_here() => {}
                (State::Quote, _) => return Err(self.broken("there is text behind the closing quote of a cell", byte)),
                (State::Start, b'"') => (state, quoted) = (State::Quoted, true),
                (State::Plain, b'"') => {
                    return Err(self.broken("there is a quote inside of a cell without quotes", byte));
                }
                (State::Start | State::Plain, _) => {
                    bytes.push(byte);
                    state = State::Plain;
                }
            }
        }
        if state == State::Quoted {
            return Err(self.unclosed());
        }
        if any {
            if !quoted && bytes.last() == Some(&b'\r') && bytes.len() > self.cell_start() {
                bytes.pop();
            }
            self.record.ends.push((bytes.len(), quoted));
        }
        Ok(any)
    }

    /// Where the cell that is being read starts.
    fn cell_start(&self) -> usize {
        self.record.ends.last().map_or(0, |(end, _)| *end)
    }

    /// Whether the next byte ends the line, or the input ends.
    fn line_ends_here(&mut self) -> bool {
        match self.fill() {
            Ok(true) => self.buffer[self.used] == b'\n',
            Ok(false) | Err(_) => true,
        }
    }

    /// Skips the rest of the line, of which `last` has been read.
    fn broken(&mut self, reason: &'static str, last: u8) -> RecordError {
        let line = self.record.line;
        let mut byte = last;
        while byte != b'\n' {
            match self.fill() {
                Ok(true) => {
                    byte = self.buffer[self.used];
                    self.used += 1;
                }
                Ok(false) => break,
                Err(error) => return RecordError::Io(error),
            }
        }
        self.line += 1;
        RecordError::Quotes { line, reason, recoverable: true }
    }

    /// A record without an end: mostly a quote that nothing closes.
    fn unclosed(&self) -> RecordError {
        let reason = "a quote is never closed, or the row is longer than 64 MB";
        RecordError::Quotes { line: self.record.line, reason, recoverable: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes one at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            out[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn all(text: &[u8]) -> Vec<String> {
        let whole = gather(text);
        assert_eq!(whole, gather(Slow(text)), "chunks must not matter");
        whole
    }

    fn gather(input: impl Read) -> Vec<String> {
        let mut records = Records::new(input);
        let mut found = Vec::new();
        loop {
            match records.next(true) {
                Ok(Some(record)) => {
                    let cells: Vec<String> = (0..record.cells())
                        .map(|i| record.get(i).map_or("∅".to_owned(), |c| format!("<{c}>")))
                        .collect();
                    found.push(format!("{}: {}", record.line, cells.join(" ")));
                }
                Ok(None) => return found,
                Err(RecordError::Quotes { line, reason, recoverable }) => {
                    found.push(format!("{line}! {reason}"));
                    if !recoverable {
                        return found;
                    }
                }
                Err(RecordError::Encoding { line }) => found.push(format!("{line}! encoding")),
                Err(RecordError::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn null_is_told_from_the_empty_text() {
        assert_eq!(all(b"a,,\"\"\n,\n"), ["1: <a> \u{2205} <>", "2: \u{2205} \u{2205}"]);
    }

    #[test]
    fn quotes_hold_commas_quotes_and_lines() {
        assert_eq!(all(b"\"a,\"\"b\"\"\nc\",d\ne,f"), ["1: <a,\"b\"\nc> <d>", "3: <e> <f>"]);
    }

    #[test]
    fn line_ends_and_the_byte_order_mark() {
        assert_eq!(
            all("\u{feff}a,b\r\n\"c\",\r\n\r\n\nd\re,\"f\r\n\"\r".as_bytes()),
            ["1: <a> <b>", "2: <c> ∅", "5: <d\re> <f\r\n>"]
        );
        assert_eq!(all(b""), [""; 0]);
        assert_eq!(all("\u{feff}".as_bytes()), [""; 0]);
        assert_eq!(all(b"a"), ["1: <a>"]);
        assert_eq!(all(b"a,"), ["1: <a> \u{2205}"]);
        assert_eq!(all("中,é\n".as_bytes()), ["1: <中> <é>"]);
    }

    #[test]
    fn wrong_quotes_cost_one_line() {
        assert_eq!(
            all(b"a\"b,c\nd,e\n\"f\"g,h\n\"i\" ,j\nk,l\n"),
            [
                "1! there is a quote inside of a cell without quotes",
                "2: <d> <e>",
                "3! there is text behind the closing quote of a cell",
                "4! there is text behind the closing quote of a cell",
                "5: <k> <l>"
            ]
        );
        assert_eq!(
            all(b"a,b\nc,\"d\ne,f\n"),
            ["1: <a> <b>", "2! a quote is never closed, or the row is longer than 64 MB"]
        );
    }

    #[test]
    fn what_is_not_utf8_is_told_by_its_line() {
        assert_eq!(all(b"a,b\n\xff,c\n\xe4\xb8,\xad\nd,e"), ["1: <a> <b>", "2! encoding", "3! encoding", "4: <d> <e>"]);
    }

    #[test]
    fn a_column_alone_may_have_empty_lines() {
        let mut records = Records::new(&b"a\n\n\"\"\n"[..]);
        let mut cells = Vec::new();
        while let Ok(Some(record)) = records.next(false) {
            cells.push(record.get(0).map(str::to_owned));
        }
        assert_eq!(cells, [Some("a".to_owned()), None, Some(String::new())]);
    }
}
