//! Prints declarations, blocks, items and the comments between them.

use unicode_width::UnicodeWidthStr;

use super::{
    INDENT, WIDTH,
    layout::{Writer, flat_width, has_comments, lay_out_head, lay_out_item},
    pieces::{Piece, pieces},
    table::Rows,
};
use crate::syntax::{
    lex::{Kind, Token},
    outline::{Block, Node},
};

/// The whole file.
pub fn print(text: &str, tokens: &[Token], nodes: &[Node]) -> String {
    let mut printer = Printer { text, tokens, writer: Writer::default(), last: 0 };
    let mut at = 0;
    for node in nodes {
        printer.comments(at, node.head.start, 0);
        printer.start_line(node.head.start, 0);
        printer.node(node, 0);
        at = end_of(node);
    }
    printer.comments(at, tokens.len(), 0);
    let mut out = printer.writer.text;
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The token behind a node.
fn end_of(node: &Node) -> usize {
    node.body.as_ref().map_or(node.head.end, |body| body.close.map_or(body.end, |close| close + 1))
}

struct Printer<'t> {
    text: &'t str,
    tokens: &'t [Token],
    writer: Writer,
    /// The byte behind the last token that was printed.
    last: usize,
}

impl Printer<'_> {
    fn word(&self, at: usize) -> &str {
        self.tokens[at].text(self.text)
    }

    /// Starts the line of a token, with a blank line before it where there was one.
    fn start_line(&mut self, at: usize, indent: usize) {
        let start = self.tokens[at].start as usize;
        if !self.writer.text.is_empty() {
            let blank = self.text[self.last.min(start)..start].bytes().filter(|b| *b == b'\n').count() > 1;
            if blank && !self.writer.text.ends_with('{') {
                self.writer.text.push('\n');
            }
            self.writer.newline(indent);
        }
    }

    /// Prints the comments among the tokens `[from, to)`.
    fn comments(&mut self, from: usize, to: usize, indent: usize) {
        for at in from..to {
            if self.tokens[at].is_comment() {
                self.comment(at, indent);
            }
        }
    }

    fn comment(&mut self, at: usize, indent: usize) {
        let token = self.tokens[at];
        if token.first || self.writer.text.is_empty() {
            self.start_line(at, indent);
        } else {
            self.writer.push_str("  ");
        }
        let text = token.text(self.text).trim_end();
        self.writer.push(text, text.width());
        self.last = token.end as usize;
    }

    /// A declaration, or an item.
    fn node(&mut self, node: &Node, indent: usize) {
        let head = self.pieces(node);
        let tail = if node.body.is_some() { 2 } else { 0 };
        if indent == 0 {
            lay_out_head(&head, &mut self.writer, tail);
        } else {
            lay_out_item(&head, &mut self.writer, indent, tail);
        }
        self.last = self.tokens[node.head.end - 1].end as usize;
        let Some(body) = &node.body else { return };
        let between = node.head.end..body.open;
        if between.is_empty() {
            self.writer.push_str(" ");
        } else {
            self.comments(between.start, between.end, indent + INDENT);
            self.writer.newline(indent + INDENT);
        }
        self.block(body, indent);
    }

    fn pieces(&self, node: &Node) -> Vec<Piece> {
        pieces(self.text, self.tokens, node.head.clone(), self.word(node.head.start) == "metric")
    }

    fn block(&mut self, block: &Block, indent: usize) {
        if let Some(line) = self.one_line(block) {
            let width = line.width();
            if self.writer.column() + width <= WIDTH {
                self.writer.push(&line, width);
                self.last = self.end(block);
                return;
            }
        }
        self.writer.push_str("{");
        self.last = self.tokens[block.open].end as usize;
        let rows = Rows::new(self.text, self.tokens, &block.rows);
        let inner = indent + INDENT;
        let mut items = block.items.iter().peekable();
        let mut row = 0;
        let mut at = block.open + 1;
        while at < block.end {
            if let Some(item) = items.next_if(|item| item.head.start == at) {
                self.start_line(at, inner);
                self.node(item, inner);
                at = end_of(item);
                continue;
            }
            match self.tokens[at].kind {
                Kind::Comment | Kind::Doc => self.comment(at, inner),
                Kind::Row => {
                    self.start_line(at, inner);
                    rows.write(row, &mut self.writer);
                    row += 1;
                    self.last = self.tokens[at].end as usize;
                }
                _ => {}
            }
            at += 1;
        }
        self.writer.newline(indent);
        self.writer.push_str("}");
        self.last = self.end(block);
    }

    fn end(&self, block: &Block) -> usize {
        self.tokens[block.close.unwrap_or(block.open)].end as usize
    }

    /// The block on one line, where it was written so, or has nothing in it.
    fn one_line(&self, block: &Block) -> Option<String> {
        let inside = block.open + 1..block.end;
        if self.tokens[inside.clone()].iter().all(|t| t.kind == Kind::Semicolon) {
            return Some("{}".to_owned());
        }
        let close = block.close?;
        let (from, to) = (self.tokens[block.open].end as usize, self.tokens[close].start as usize);
        if self.text[from..to].contains('\n') {
            return None;
        }
        let mut items = Vec::with_capacity(block.items.len());
        for item in &block.items {
            items.push(self.flat(item)?);
        }
        Some(format!("{{ {} }}", items.join("; ")))
    }

    fn flat(&self, node: &Node) -> Option<String> {
        let head = self.pieces(node);
        if has_comments(&head) || flat_width(&head) > WIDTH {
            return None;
        }
        let mut writer = Writer::default();
        for (i, piece) in head.iter().enumerate() {
            if piece.space && i > 0 {
                writer.push_str(" ");
            }
            writer.push(&piece.text, piece.width);
        }
        match &node.body {
            None => Some(writer.text),
            Some(body) => Some(format!("{} {}", writer.text, self.one_line(body)?)),
        }
    }
}
