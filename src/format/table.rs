//! Rows of test tables, aligned.

use unicode_width::UnicodeWidthStr;

use super::{layout::Writer, strings::canonical};
use crate::syntax::{lex::Token, table::split_row};

/// The rows of one table.
pub struct Rows {
    cells: Vec<Vec<String>>,
    widths: Vec<usize>,
}

impl Rows {
    /// The rows that these tokens are.
    pub fn new(text: &str, tokens: &[Token], rows: &[usize]) -> Rows {
        let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(text, &tokens[*row])).collect();
        let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|c| c.width()).max();
        let widths = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        Rows { cells, widths }
    }

    /// Writes a row, by its place in the table.
    pub fn write(&self, row: usize, writer: &mut Writer) {
        writer.push_str("|");
        for (cell, width) in self.cells[row].iter().zip(&self.widths) {
            writer.push_str(" ");
            writer.push(cell, cell.width());
            writer.push_str(&" ".repeat(width - cell.width()));
            writer.push_str(" |");
        }
    }
}

/// The cells of a row without the blanks around them.
fn cells(text: &str, row: &Token) -> Vec<String> {
    let mut pieces = split_row(text, row.start as usize, row.end as usize);
    pieces.pop(); // behind the last bar
    pieces
        .into_iter()
        .map(|(from, to)| {
            let cell = text[from..to].trim();
            if cell.starts_with('"') { canonical(cell) } else { cell.to_owned() }
        })
        .collect()
}
