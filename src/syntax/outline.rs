//! Cuts tokens into declarations, their heads and the items of their bodies, so that each can be parsed alone.
//!
//! A declaration starts in column 0 and ends before the next one, whatever is left open in it. An item ends with its
//! line or `;`; it goes on inside of brackets and after a comma or an operator.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    lex::{Kind, Token},
    words::{ITEM_WORDS, JOINING_WORDS, KINDS, OPEN_WORDS, RESERVED},
};
use crate::{
    diagnostic::{Diagnostics, FileId, Span},
    error,
    suggest::near,
};

/// A declaration or an item: what stands before its braces, and the braces.
#[derive(Clone, Debug)]
pub struct Node {
    /// The tokens of its description.
    pub doc: Vec<usize>,
    /// The tokens before the braces; never empty, starts and ends with no comment.
    pub head: Range<usize>,
    /// What stands in braces.
    pub body: Option<Block>,
    /// Something in the head is wrong, and told: it is no use to parse it.
    pub broken: bool,
}

/// Items or rows in braces.
#[derive(Clone, Debug)]
pub struct Block {
    /// The opening brace.
    pub open: usize,
    /// The token behind the last one inside of the braces.
    pub end: usize,
    /// The closing brace, unless it is missing (and told).
    pub close: Option<usize>,
    /// What is not a row.
    pub items: Vec<Node>,
    /// Rows of a test table.
    pub rows: Vec<usize>,
}

/// The outline of a file.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Its declarations, in order.
    pub declarations: Vec<Node>,
    /// What is wrong with it.
    pub found: Diagnostics,
}

/// The outline of the text that was cut into `tokens`.
pub fn outline(file: FileId, text: &str, tokens: &[Token]) -> Outline {
    let mut outliner = Outliner {
        file,
        text,
        tokens,
        mate: vec![usize::MAX; tokens.len()],
        cut: FxHashMap::default(),
        broken: tokens.iter().map(|t| t.kind == Kind::Bad).collect(),
        found: Diagnostics::new(),
    };
    let declarations = outliner.file();
    Outline { declarations, found: outliner.found }
}

pub(super) struct Outliner<'t> {
    pub(super) file: FileId,
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
    /// The closing partner of an opening bracket, brace or `case`.
    pub(super) mate: Vec<usize>,
    /// Where a table ends whose closing brace is missing, by its opening brace.
    pub(super) cut: FxHashMap<usize, usize>,
    /// What is malformed or has no partner.
    pub(super) broken: Vec<bool>,
    pub(super) found: Diagnostics,
}

/// Descriptions on the way to what they describe.
#[derive(Default)]
struct Docs(Vec<usize>);

impl<'t> Outliner<'t> {
    pub(super) fn word(&self, i: usize) -> &'t str {
        self.tokens.get(i).filter(|t| t.kind == Kind::Word).map_or("", |t| t.text(self.text))
    }

    pub(super) fn kind(&self, i: usize) -> Option<Kind> {
        self.tokens.get(i).map(|t| t.kind)
    }

    pub(super) fn span(&self, i: usize) -> Span {
        let token = &self.tokens[i];
        Span::new(self.file, token.start, token.end)
    }

    fn file(&mut self) -> Vec<Node> {
        let starts = self.chunks();
        let mut nodes = Vec::with_capacity(starts.len());
        let mut docs = Docs::default();
        let mut gap = 0;
        for chunk in starts {
            self.collect_docs(gap..chunk.start, &mut docs);
            let end = self.trim(&chunk);
            gap = end;
            nodes.extend(self.declaration(chunk.start..end, &mut docs));
        }
        self.collect_docs(gap..self.tokens.len(), &mut docs);
        self.drop_docs(&mut docs);
        nodes
    }

    /// The end of a range without the comments that trail it.
    fn trim(&self, range: &Range<usize>) -> usize {
        let comments = self.tokens[range.clone()].iter().rev().take_while(|t| t.is_comment()).count();
        range.end - comments
    }

    /// The tokens from each declaration's start to the next.
    fn chunks(&mut self) -> Vec<Range<usize>> {
        let mut starts: Vec<usize> = Vec::new();
        let mut skipped: Vec<Range<usize>> = Vec::new();
        let mut skipping = true; // text before the first declaration belongs to none
        let mut open = 0usize;
        let mut told_column = false;
        for i in 0..self.tokens.len() {
            let token = self.tokens[i];
            if token.is_comment() {
                continue;
            }
            if token.column0 && self.starts_declaration(i, open > 0) {
                starts.push(i);
                (skipping, open, told_column) = (false, 0, false);
            } else if token.column0 && token.kind != Kind::CloseBrace {
                let joins = !skipping && (open > 0 || self.joins_line(i) || self.kind(i) == Some(Kind::Row));
                if !joins && !skipping {
                    skipping = true;
                    told_column = false;
                }
                if !told_column {
                    self.tell_column0(i, joins);
                    told_column = true;
                }
                // What a head means is clear only when all of it is where it should be.
                self.broken[i] |= joins && open == 0;
                if skipping {
                    skipped.push(i..i + 1);
                }
            } else if skipping {
                if !told_column {
                    self.tell_indented(i);
                    told_column = true;
                }
                skipped.push(i..i + 1);
            }
            match token.kind {
                Kind::OpenBrace => open += 1,
                Kind::CloseBrace => open = open.saturating_sub(1),
                _ => {}
            }
        }
        let ends = starts.iter().skip(1).copied().chain([self.tokens.len()]);
        let mut skipped = skipped.into_iter().peekable();
        starts
            .iter()
            .zip(ends)
            .map(|(start, end)| {
                while skipped.next_if(|s| s.start < *start).is_some() {}
                let cut = skipped.peek().map_or(end, |s| s.start.min(end));
                *start..cut
            })
            .collect()
    }

    /// Whether the token, in column 0, starts a declaration rather than being a line that lacks its indentation.
    fn starts_declaration(&self, i: usize, inside: bool) -> bool {
        let word = self.word(i);
        if word.is_empty() || RESERVED.contains(&word) {
            return false;
        }
        let next = self.tokens.get(i + 1).filter(|t| !t.first);
        if KINDS.contains(&word) {
            return !inside || next.is_some_and(|t| t.kind != Kind::Colon);
        }
        let names = next.is_some_and(|t| matches!(t.kind, Kind::Word | Kind::Quoted | Kind::String));
        names && !(inside && (ITEM_WORDS.contains(&word) || !self.outlined(i + 2)))
    }

    /// Whether what follows a name looks like the rest of a declaration's head.
    fn outlined(&self, i: usize) -> bool {
        let joined = matches!(self.word(i), "of" | "on") || self.word(i).starts_with('v');
        joined || matches!(self.tokens.get(i), Some(t) if t.kind == Kind::OpenBrace || t.text(self.text) == "=")
    }

    /// Whether the line that starts here goes on with the one before.
    fn joins_line(&self, i: usize) -> bool {
        match self.kind(i) {
            Some(
                Kind::Comma
                | Kind::Operator
                | Kind::Colon
                | Kind::Arrow
                | Kind::Dot
                | Kind::Range
                | Kind::Question
                | Kind::CloseParen
                | Kind::CloseBracket,
            ) => true,
            Some(Kind::Word) => JOINING_WORDS.contains(&self.word(i)) && self.kind(i + 1) != Some(Kind::Colon),
            _ => false,
        }
    }

    fn tell_column0(&mut self, i: usize, joins: bool) {
        let found = error!(E0113, self.span(i), "only a declaration, `}}` or a comment may start in column 0");
        let word = self.word(i);
        self.found.push(if joins {
            found.help("indent this line: it belongs to the declaration above")
        } else if let Some(kind) = near(word, KINDS.iter().copied()).filter(|_| !word.is_empty()) {
            found.help(format!("a declaration is written `{kind} NAME …`"))
        } else {
            found.help(
                "start with a kind and a name, such as `metric dau = …`, or indent what belongs to the line above",
            )
        });
    }

    fn tell_indented(&mut self, i: usize) {
        let help = match self.kind(i) {
            Some(Kind::CloseBrace) => "delete this brace",
            _ => "move it to the start of its line",
        };
        self.found.push(
            error!(E0113, self.span(i), "this text belongs to no declaration: a declaration starts in column 0")
                .help(help),
        );
    }

    fn collect_docs(&mut self, range: Range<usize>, docs: &mut Docs) {
        for i in range {
            if self.tokens[i].kind == Kind::Doc {
                self.add_doc(i, docs);
            }
        }
    }

    /// A description after a blank line is another one: what stood above it describes nothing.
    fn add_doc(&mut self, i: usize, docs: &mut Docs) {
        if let Some(last) = docs.0.last() {
            let between = &self.text[self.tokens[*last].end as usize..self.tokens[i].start as usize];
            if between.trim().is_empty() && between.matches('\n').count() > 1 {
                self.drop_docs(docs);
            }
        }
        docs.0.push(i);
    }

    fn drop_docs(&mut self, docs: &mut Docs) {
        if let (Some(first), Some(last)) = (docs.0.first(), docs.0.last()) {
            let span = self.span(*first).to(self.span(*last));
            self.tell_doc(span);
        }
        docs.0.clear();
    }

    fn tell_doc(&mut self, span: Span) {
        self.found.push(error!(
            W0101, span, "this description describes nothing";
            label: "a plain comment here";
            help: "put `///` on a line of its own before a declaration or an item, or write `//`"
        ));
    }

    fn declaration(&mut self, range: Range<usize>, docs: &mut Docs) -> Option<Node> {
        let doc = std::mem::take(&mut docs.0);
        if !self.match_brackets(range.clone()) {
            // Too deep: told. Nothing of it is parsed.
            return Some(Node { doc, head: range.start..range.start + 1, body: None, broken: true });
        }
        let (mut node, end) = self.node(range.start, range.end, doc);
        if let Some(i) = (end..range.end).find(|i| !self.tokens[*i].is_comment()) {
            self.tell_after_body(i, &node);
            node.broken = true;
        }
        for i in end..range.end {
            if self.tokens[i].kind == Kind::Doc {
                self.tell_doc(self.span(i));
            }
        }
        Some(node)
    }

    fn tell_after_body(&mut self, i: usize, node: &Node) {
        if self.broken[i] {
            return;
        }
        let found = error!(E0117, self.span(i), "nothing may follow the closing brace of a declaration");
        let found = match node.body.as_ref().and_then(|b| b.close) {
            Some(close) => found.related(self.span(close), "the declaration ends here"),
            None => found,
        };
        self.found.push(if self.tokens[i].kind == Kind::OpenBrace {
            found.help("put all items into one pair of braces")
        } else if KINDS.contains(&self.word(i)) {
            found.help("start the next declaration in column 0 of a new line")
        } else {
            found.help("move it into the braces, or start a declaration in column 0")
        });
    }

    /// The node that starts at `start`; it ends with its body, or at `end`.
    fn node(&mut self, start: usize, end: usize, doc: Vec<usize>) -> (Node, usize) {
        let brace = (start..end).find(|i| self.tokens[*i].kind == Kind::OpenBrace);
        let head = start..self.trim(&(start..brace.unwrap_or(end)));
        for i in head.clone() {
            if self.tokens[i].kind == Kind::Doc {
                self.tell_doc(self.span(i));
            }
        }
        let broken = self.broken[head.clone()].contains(&true);
        let (body, after) = match brace {
            None => (None, end),
            Some(open) => {
                let close = Some(self.mate[open]).filter(|c| *c < end);
                let cut = self.cut.get(&open).copied().unwrap_or(end).min(end);
                let block = self.block(open, close.unwrap_or(cut), close);
                (Some(block), close.map_or(cut, |c| c + 1))
            }
        };
        (Node { doc, head, body, broken }, after)
    }

    /// The items and rows between the braces.
    fn block(&mut self, open: usize, end: usize, close: Option<usize>) -> Block {
        let mut block = Block { open, end, close, items: Vec::new(), rows: Vec::new() };
        let mut docs = Docs::default();
        let mut i = open + 1;
        let mut separated = true;
        while i < end {
            match self.tokens[i].kind {
                Kind::Comment => i += 1,
                Kind::Doc => {
                    self.add_doc(i, &mut docs);
                    i += 1;
                }
                Kind::Row => {
                    self.drop_docs(&mut docs);
                    block.rows.push(i);
                    separated = true;
                    i += 1;
                }
                Kind::Semicolon => {
                    separated = true;
                    i += 1;
                }
                Kind::CloseBrace => i += 1, // one too many, told
                _ => {
                    if !separated && !self.tokens[i].first && !self.broken[i] {
                        self.tell_separator(i);
                    }
                    let item_end = self.item_end(i, end);
                    let (node, after) = self.node(i, item_end, std::mem::take(&mut docs.0));
                    block.items.push(node);
                    separated = false;
                    i = after.max(i + 1);
                }
            }
        }
        self.drop_docs(&mut docs);
        block
    }

    fn tell_separator(&mut self, i: usize) {
        self.found.push(error!(
            E0120, self.span(i), "an item ends with its line or with `;`";
            help: "put `;` before this, or start a new line"
        ));
    }

    /// The end of the item that starts at `start`: behind its last token.
    fn item_end(&mut self, start: usize, end: usize) -> usize {
        let mut i = start;
        let mut last = start; // the last token that is no comment
        while i < end {
            let token = self.tokens[i];
            if token.is_comment() {
                i += 1;
                continue;
            }
            if matches!(token.kind, Kind::Semicolon | Kind::CloseBrace | Kind::Row) {
                return last + 1;
            }
            if i > start && token.first && !self.goes_on(last, i) {
                if !self.joins_line(i) || self.broken[i] {
                    return last + 1;
                }
                self.found.push(error!(
                    E0120, self.span(i), "an item ends with its line, so this line starts with nothing to join";
                    help: "move the operator to the end of the line before, or put the whole into parentheses"
                ));
            }
            if token.kind == Kind::OpenBrace {
                let cut = self.cut.get(&i).copied().unwrap_or(end);
                return self.mate[i].saturating_add(1).min(cut).min(end);
            }
            let mate = self.mate[i];
            last = if mate < end { mate } else { i };
            i = last + 1;
        }
        last + 1
    }

    /// Whether `key:`, `column NAME:` or, where a value is missing, an item with a word of its own starts at `next`.
    fn starts_item(&self, last: usize, next: usize) -> bool {
        let word = self.word(next);
        let named = matches!(self.kind(next + 1), Some(Kind::Word | Kind::Quoted | Kind::String));
        !word.is_empty() && self.kind(next + 1) == Some(Kind::Colon)
            || word == "column" && named && self.kind(next + 2) == Some(Kind::Colon)
            || self.tokens[last].kind == Kind::Colon && named && ITEM_WORDS.contains(&word)
    }

    /// Whether the line that starts at `next` goes on with what ended with `last`.
    fn goes_on(&self, last: usize, next: usize) -> bool {
        if self.starts_item(last, next) {
            return false;
        }
        match self.tokens[last].kind {
            Kind::Comma | Kind::Operator | Kind::Colon | Kind::Arrow => true,
            Kind::Word => {
                OPEN_WORDS.contains(&self.word(last)) && (last == 0 || self.kind(last - 1) != Some(Kind::Dot))
            }
            _ => self.tokens[next].kind == Kind::OpenBrace,
        }
    }
}
