//! Tables of tests: rows of cells between bars.

use super::{
    ast::{Cell, DataTable},
    lex::Token,
    outline::Block,
    strings::{quoted_end, scan_string, unescape},
};
use crate::{
    diagnostic::{Diagnostics, FileId, Span, Spanned},
    error,
};

/// The table in a block of rows; `head` is the span of `given event` or `expect`.
pub fn table(
    file: FileId,
    text: &str,
    tokens: &[Token],
    block: &Block,
    head: Span,
    found: &mut Diagnostics,
) -> Option<DataTable> {
    let mut ok = true;
    if let Some(item) = block.items.first() {
        let token = tokens[item.head.start];
        found.push(error!(
            E0129, Span::new(file, token.start, token.end), "only rows stand in a table";
            help: "a row has its own line and starts and ends with `|`: `| u1 | login |`"
        ));
        ok = false;
    }
    let mut rows = Vec::with_capacity(block.rows.len());
    for row in &block.rows {
        match cells(file, text, tokens[*row], found) {
            Some(cells) => rows.push((cells, tokens[*row])),
            None => ok = false,
        }
    }
    let mut rows = rows.into_iter();
    let Some((first, _)) = rows.next() else {
        if ok {
            found.push(error!(
                E0131, head, "this table has no header"; help: "its first row names the columns: `| user_id | event_name |`"
            ));
        }
        return None;
    };
    let header = header(first, found)?;
    let mut data = Vec::with_capacity(rows.len());
    for (cells, token) in rows {
        if cells.len() == header.len() {
            data.push(cells);
            continue;
        }
        ok = false;
        let span = Span::new(file, token.start, token.end);
        let count = |n: usize| if n == 1 { "1 cell".to_owned() } else { format!("{n} cells") };
        found.push(
            error!(E0130, span, "this row has {}, and the header {}", count(cells.len()), header.len();
                help: "give each column its cell; leave a cell empty for null, and write `\\|` for a bar in a text")
            .related(header[0].span.to(header[header.len() - 1].span), "the header"),
        );
    }
    let close = block.close.map_or(tokens[block.open], |c| tokens[c]);
    let span = head.to(Span::new(file, close.start, close.end));
    ok.then_some(DataTable { header, rows: data, span })
}

/// The names of the columns, each only once.
fn header(cells: Vec<Spanned<Cell>>, found: &mut Diagnostics) -> Option<Vec<Spanned<String>>> {
    let mut header: Vec<Spanned<String>> = Vec::with_capacity(cells.len());
    let mut ok = true;
    for cell in cells {
        let name = match cell.value {
            Cell::Text(text) | Cell::Quoted(text) => text,
            Cell::Empty => String::new(),
        };
        if let Some(first) = header.iter().find(|h| h.value == name && !name.is_empty()) {
            found.push(
                error!(E0131, cell.span, "the column `{name}` stands twice in this table"; help: "keep one of the two")
                    .related(first.span, "the first one"),
            );
            ok = false;
        }
        header.push(Spanned::new(name, cell.span));
    }
    ok.then_some(header)
}

/// The cells of one row.
fn cells(file: FileId, text: &str, row: Token, found: &mut Diagnostics) -> Option<Vec<Spanned<Cell>>> {
    let (start, end) = (row.start as usize, row.end as usize);
    let pieces = split_row(text, start, end);
    let (last, pieces) = pieces.split_last()?;
    let rest = text[last.0..last.1].trim_start();
    if rest.starts_with('"') && !scan_string(file, text, last.1 - rest.len(), last.1, found).1 {
        return None;
    }
    if !rest.is_empty() || pieces.is_empty() {
        let after = text[end..].trim_start_matches([' ', '\t']);
        let help = if after.starts_with('}') {
            "end the row with `|` and put the closing brace on a line of its own"
        } else {
            "close its last cell with `|`"
        };
        let width = text[..end].chars().next_back().map_or(0, char::len_utf8);
        let at = Span::new(file, (end - width) as u32, end as u32);
        found.push(error!(E0129, at, "this row does not end with `|`").help(help));
        return None;
    }
    if text[end..].trim_start_matches([' ', '\t']).starts_with('}') {
        found.push(error!(
            E0129, Span::new(file, row.start, row.end), "the closing brace stands behind a row";
            help: "put `}}` on a line of its own"
        ));
        return None;
    }
    let mut cells = Vec::with_capacity(pieces.len());
    for (from, to) in pieces {
        cells.push(cell(file, text, *from, *to, found)?);
    }
    Some(cells)
}

/// The stretches between the bars of a row; the last one stands behind its last bar.
pub fn split_row(text: &str, start: usize, end: usize) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let mut from = start + 1;
    let mut at = from;
    while at < end {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' if text[from..at].trim().is_empty() => at = quoted_end(text, at, end) - 1,
            b'|' => {
                pieces.push((from, at));
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    pieces.push((from.min(end), end));
    pieces
}

fn cell(file: FileId, text: &str, from: usize, to: usize, found: &mut Diagnostics) -> Option<Spanned<Cell>> {
    let piece = &text[from..to];
    let trimmed = piece.trim();
    let start = from + (piece.len() - piece.trim_start().len());
    let span = Span::new(file, start as u32, (start + trimmed.len()) as u32);
    if trimmed.is_empty() {
        let at = Span::new(file, from as u32, to as u32);
        return Some(Spanned::new(Cell::Empty, at));
    }
    if !trimmed.starts_with('"') {
        return Some(Spanned::new(Cell::Text(plain_text(trimmed)), span));
    }
    let (string_end, ok) = scan_string(file, text, start, start + trimmed.len(), found);
    if !ok {
        return None;
    }
    if string_end < start + trimmed.len() {
        found.push(error!(
            E0129, span, "text follows the closing quote of this cell"; help: "quote the whole cell, and write `\\\"` for a quote in it"
        ));
        return None;
    }
    Some(Spanned::new(Cell::Quoted(unescape(trimmed)), span))
}

/// `\|` is a bar and `\\` a backslash; any other backslash stands for itself.
fn plain_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next @ ('|' | '\\'))) => {
                out.push(*next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}
