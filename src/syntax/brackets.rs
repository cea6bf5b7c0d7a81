//! Pairs brackets, braces and `case … end`, and tells those without a partner.

use std::ops::Range;

use super::{lex::Kind, outline::Outliner};
use crate::error;

/// Brackets, blocks and `case`s within each other, at most. Enough for every text that somebody reads.
const MAX_DEPTH: usize = 100;

impl Outliner<'_> {
    /// Pairs the brackets of one declaration. False where they are nested too deeply.
    pub(super) fn match_brackets(&mut self, range: Range<usize>) -> bool {
        let mut stack: Vec<usize> = Vec::new();
        for i in range.clone() {
            let opens = match self.tokens[i].kind {
                Kind::OpenParen | Kind::OpenBracket => true,
                Kind::OpenBrace => {
                    self.pop_to_brace(&mut stack);
                    true
                }
                Kind::Word => self.match_word(i, &mut stack),
                Kind::CloseParen => self.close(i, Kind::OpenParen, &mut stack),
                Kind::CloseBracket => self.close(i, Kind::OpenBracket, &mut stack),
                Kind::CloseBrace => {
                    self.pop_to_brace(&mut stack);
                    match stack.pop() {
                        Some(open) => self.mate[open] = i,
                        None => self.tell_stray(i),
                    }
                    false
                }
                Kind::Semicolon => {
                    self.pop_to_brace(&mut stack);
                    false
                }
                _ => false,
            };
            if opens {
                stack.push(i);
            }
            if stack.len() > MAX_DEPTH {
                self.found.push(error!(
                    E0116, self.span(i), "this is nested more than {MAX_DEPTH} levels deep";
                    help: "give parts of it names of their own: a metric, a subset, a computed column"
                ));
                return false;
            }
        }
        self.pop_to_brace(&mut stack);
        while let Some(open) = stack.pop() {
            if self.tokens[open].kind == Kind::OpenBrace {
                self.tell_unclosed_block(open);
            }
            self.pop_to_brace(&mut stack);
        }
        true
    }

    /// `case` opens and `end` closes; a table that was left open ends where the next one starts.
    fn match_word(&mut self, i: usize, stack: &mut Vec<usize>) -> bool {
        let part = i > 0 && self.kind(i - 1) == Some(Kind::Dot);
        match self.word(i) {
            "case" => !part && self.kind(i + 1) != Some(Kind::Colon),
            "end" if !part => {
                if let Some(open) = stack.pop_if(|open| self.tokens[*open].kind == Kind::Word) {
                    self.mate[open] = i;
                }
                false
            }
            "given" | "expect" if self.tokens[i].first => {
                let table = |open: usize| {
                    let line = (0..open).rev().find(|j| self.tokens[*j].first).unwrap_or(0);
                    matches!(self.word(line), "given" | "expect")
                };
                if let Some(open) = stack.pop_if(|open| self.tokens[*open].kind == Kind::OpenBrace && table(*open)) {
                    self.cut.insert(open, i);
                    self.tell_unclosed_block(open);
                }
                false
            }
            _ => false,
        }
    }

    /// Forgets what is open within the innermost braces, and tells it.
    fn pop_to_brace(&mut self, stack: &mut Vec<usize>) {
        while let Some(open) = stack.pop_if(|open| self.tokens[*open].kind != Kind::OpenBrace) {
            if self.tokens[open].kind != Kind::Word {
                self.tell_unclosed(open);
            }
        }
    }

    fn close(&mut self, i: usize, opener: Kind, stack: &mut Vec<usize>) -> bool {
        while stack.pop_if(|open| self.tokens[*open].kind == Kind::Word).is_some() {}
        match stack.last().copied() {
            Some(open) if self.tokens[open].kind == opener => {
                stack.pop();
                self.mate[open] = i;
            }
            Some(open) if self.tokens[open].kind != Kind::OpenBrace => {
                stack.pop();
                let (left, right) = (self.tokens[open].text(self.text), self.tokens[i].text(self.text));
                self.broken[open] = true;
                self.broken[i] = true;
                self.mate[open] = i;
                self.found.push(
                    error!(E0115, self.span(i), "`{right}` does not close `{left}`"; help: ("write `{}`", partner(left)))
                        .related(self.span(open), "opened here"),
                );
            }
            _ => self.tell_stray(i),
        }
        false
    }

    fn tell_stray(&mut self, i: usize) {
        if std::mem::replace(&mut self.broken[i], true) {
            return;
        }
        let text = self.tokens[i].text(self.text);
        self.found.push(error!(
            E0115, self.span(i), "there is nothing open that `{text}` could close";
            help: ("delete it, or open it with `{}`", partner(text))
        ));
    }

    fn tell_unclosed(&mut self, open: usize) {
        self.broken[open] = true;
        if self.swallowed(open) {
            return;
        }
        let text = self.tokens[open].text(self.text);
        self.found.push(error!(
            E0115, self.span(open), "this `{text}` is never closed"; help: ("close it with `{}`", partner(text))
        ));
    }

    /// Whether the partner stands in a string that is not closed, which is told already.
    fn swallowed(&self, open: usize) -> bool {
        let close = partner(self.tokens[open].text(self.text));
        let line = self.tokens[open + 1..].iter().enumerate().take_while(|(i, t)| *i == 0 || !t.column0);
        line.map(|(_, t)| t).any(|t| t.kind == Kind::Bad && t.text(self.text).contains(close))
    }

    fn tell_unclosed_block(&mut self, open: usize) {
        if self.swallowed(open) {
            return;
        }
        self.found.push(error!(
            E0114, self.span(open), "this block is never closed";
            help: "close it with `}}` before the next declaration or block starts"
        ));
    }
}

fn partner(bracket: &str) -> char {
    match bracket {
        "(" => ')',
        ")" => '(',
        "[" => ']',
        "]" => '[',
        "{" => '}',
        _ => '{',
    }
}
