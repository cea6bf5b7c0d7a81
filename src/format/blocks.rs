//! Declarations, items and tables below each other, with the comments and blank lines between them.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::{
    WIDTH,
    layout::{Writer, lay_out},
    literal,
    pieces::{Place, pieces},
    table,
};
use crate::syntax::{
    lex::{Kind, Token},
    outline::{Block, Node},
};

/// The whole file.
pub fn file(text: &str, tokens: &[Token], declarations: &[Node]) -> String {
    let file = File { text, tokens };
    let mut rows = Vec::new();
    let mut at = 0;
    for node in declarations {
        file.comments(at..node.head.start, 0, &mut rows);
        let place = match file.word(node.head.start) {
            "test" => Place::TestHead,
            keyword => Place::Head { rows: keyword == "subset" },
        };
        let written = file.node(node, place, 0);
        rows.push(Row::new(file.blank_above(node.head.start), What::Node, written));
        at = node.end();
    }
    file.comments(at..tokens.len(), 0, &mut rows);
    set_apart(&mut rows);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    write_rows(&rows, &mut out);
    out
}

/// What stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Comment,
    /// A description.
    Doc,
    /// A declaration, an item, several short items, a row of a table.
    Node,
}

/// One or more whole lines.
struct Row {
    /// A blank line stands above.
    blank: bool,
    what: What,
    text: String,
    /// A comment ends it, so that nothing can follow on its line.
    closed: bool,
}

impl Row {
    fn new(blank: bool, what: What, text: String) -> Row {
        Row { blank, what, text, closed: false }
    }
}

/// A blank line above each declaration that has a description or takes several lines, and below the latter. Short ones
/// may stand close together.
fn set_apart(rows: &mut [Row]) {
    let mut tall_before = false;
    for at in 0..rows.len() {
        if rows[at].what != What::Node {
            rows[at].blank |= std::mem::take(&mut tall_before);
            continue;
        }
        let mut start = at;
        while start > 0
            && rows[start - 1].what != What::Node
            && (!rows[start].blank || rows[start - 1].what == What::Doc)
        {
            start -= 1;
        }
        let tall = rows[at].text.contains('\n');
        rows[start].blank |= tall || tall_before || start < at;
        tall_before = tall;
    }
}

/// Writes rows with a line feed behind each. No blank line stands above the first one, nor below a description.
fn write_rows(rows: &[Row], out: &mut String) {
    for (i, row) in rows.iter().enumerate() {
        let described = i > 0 && rows[i - 1].what == What::Doc && row.what == What::Node;
        if row.blank && i > 0 && !described {
            out.push('\n');
        }
        *out += &row.text;
        out.push('\n');
    }
}

impl Node {
    /// Behind its last token.
    fn end(&self) -> usize {
        self.body.as_ref().map_or(self.head.end, |body| body.close.map_or(body.end, |close| close + 1))
    }
}

struct File<'t> {
    text: &'t str,
    tokens: &'t [Token],
}

impl<'t> File<'t> {
    fn word(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    /// Whether a blank line stands above the token.
    fn blank_above(&self, at: usize) -> bool {
        let end = self.tokens[at].start as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.tokens[before].end as usize);
        self.text[start..end].matches('\n').count() > 1
    }

    /// Adds the comments of a range: on lines of their own, or behind what they were written behind.
    fn comments(&self, range: Range<usize>, indent: usize, rows: &mut Vec<Row>) {
        for at in range {
            let token = &self.tokens[at];
            if !token.is_comment() {
                continue;
            }
            let comment = literal::comment(self.text, token);
            match rows.last_mut().filter(|row| !token.first && !row.closed) {
                Some(last) => {
                    last.text.push(' ');
                    last.text += &comment;
                    last.closed = true;
                }
                None => rows.push(Row {
                    blank: self.blank_above(at),
                    what: if token.kind == Kind::Doc { What::Doc } else { What::Comment },
                    text: format!("{:indent$}{comment}", ""),
                    closed: true,
                }),
            }
        }
    }

    /// A declaration or an item, from its first line to its last.
    fn node(&self, node: &Node, place: Place, indent: usize) -> String {
        if let Some(flat) = self.flat(node, place).filter(|flat| indent + flat.width() <= WIDTH) {
            return format!("{:indent$}{flat}", "");
        }
        let mut writer = Writer::new(indent);
        let tail = if node.body.is_some() { " {".len() } else { 0 };
        lay_out(&mut writer, &pieces(self.text, self.tokens, node.head.clone(), place), indent + 2, tail);
        let mut text = writer.text;
        if let Some(body) = &node.body {
            self.block(body, node.head.end, indent, &mut text);
        }
        text
    }

    /// On one line: what was written with its braces on one.
    fn flat(&self, node: &Node, place: Place) -> Option<String> {
        let head = pieces(self.text, self.tokens, node.head.clone(), place).flat()?;
        let Some(body) = &node.body else { return Some(head) };
        if !self.is_on_one_line(body) || body.open != node.head.end {
            return None;
        }
        let items: Option<Vec<String>> = body.items.iter().map(|item| self.flat(item, Place::Item)).collect();
        let items = items?.join("; ");
        Some(if items.is_empty() { format!("{head} {{}}") } else { format!("{head} {{ {items} }}") })
    }

    fn is_on_one_line(&self, body: &Block) -> bool {
        body.close.is_some_and(|close| self.tokens[body.open + 1..=close].iter().all(|token| !token.first))
    }

    /// Braces with what stands in them, behind a head that ends before the token `head_end`.
    fn block(&self, body: &Block, head_end: usize, indent: usize, out: &mut String) {
        let between = head_end..body.open;
        let mut rows = Vec::new();
        let behind = self.tokens.get(body.open + 1).is_some_and(|token| token.is_comment() && !token.first);
        let apart = self.tokens[between.clone()].iter().any(|token| token.kind == Kind::Doc || behind);
        if apart {
            // In the braces a description would describe the first item, and behind them is room for one comment only.
            rows.push(Row::new(false, What::Node, std::mem::take(out)));
            self.comments(between.clone(), indent + 2, &mut rows);
            rows.push(Row::new(false, What::Comment, format!("{:1$}{{", "", indent + 2)));
        } else {
            rows.push(Row::new(false, What::Comment, format!("{} {{", std::mem::take(out))));
        }
        // The first row in the braces, which may be a comment that was written before them.
        let opened = rows.len();
        if !apart {
            self.comments(between, indent + 2, &mut rows);
        }
        self.rows(body, indent + 2, &mut rows);
        if let Some(first) = rows.get_mut(opened) {
            first.blank = false;
        }
        write_rows(&rows, out);
        let nothing = rows.len() == 1 && rows[0].text.ends_with('{');
        if nothing {
            out.pop();
        } else {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push('}');
    }

    /// What stands in braces.
    fn rows(&self, body: &Block, indent: usize, rows: &mut Vec<Row>) {
        let mut table = table::rows(self.text, self.tokens, &body.rows).into_iter();
        let mut items = body.items.as_slice();
        let mut at = body.open + 1;
        while at < body.end {
            if let Some(item) = items.first().filter(|item| item.head.start == at) {
                // Braces that were on one line and have no room there are opened altogether.
                let together = if self.is_on_one_line(body) { 1 } else { self.on_this_line(items) };
                let (line, rest) = items.split_at(together);
                self.line(line, indent, rows);
                items = rest;
                at = line.last().unwrap_or(item).end();
                continue;
            }
            if self.tokens[at].kind == Kind::Row {
                let row = table.next().unwrap_or_default();
                rows.push(Row::new(self.blank_above(at), What::Node, format!("{:indent$}{row}", "")));
            }
            self.comments(at..at + 1, indent, rows);
            at += 1;
        }
    }

    /// How many of the items stand on the line of the first one, with nothing but `;` between.
    fn on_this_line(&self, items: &[Node]) -> usize {
        let joined = |pair: &&[Node]| {
            let between = pair[0].end()..=pair[1].head.start;
            self.tokens[between].iter().all(|token| !token.first && !token.is_comment())
        };
        1 + items.windows(2).take_while(joined).count()
    }

    /// Items that were written on one line stay together if there is room for them.
    fn line(&self, items: &[Node], indent: usize, rows: &mut Vec<Row>) {
        let flat: Option<Vec<String>> = items.iter().map(|item| self.flat(item, Place::Item)).collect();
        let flat = flat.map(|flat| flat.join("; ")).filter(|flat| indent + flat.width() <= WIDTH);
        let mut blank = items.first().is_some_and(|item| self.blank_above(item.head.start));
        if let Some(flat) = flat {
            return rows.push(Row::new(blank, What::Node, format!("{:indent$}{flat}", "")));
        }
        for item in items {
            rows.push(Row::new(blank, What::Node, self.node(item, Place::Item, indent)));
            blank = false;
        }
    }
}
