//! Tables of tests: cells below each other.

use unicode_width::UnicodeWidthStr;

use super::literal;
use crate::syntax::{lex::Token, table::split_row};

/// The rows of one table, each column as wide as its widest cell.
pub fn rows(text: &str, tokens: &[Token], rows: &[usize]) -> Vec<String> {
    let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(text, &tokens[*row])).collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(cell, width): (&String, &usize)| format!(" {cell}{:1$} |", "", width.saturating_sub(cell.width()));
        format!("|{}", row.iter().zip(&widths).map(cell).collect::<String>())
    };
    cells.iter().map(line).collect()
}

/// The cells of a row, as they are written.
fn cells(text: &str, row: &Token) -> Vec<String> {
    let mut pieces = split_row(text, row.start as usize, row.end as usize);
    pieces.pop(); // behind the last bar
    pieces.into_iter().map(|(start, end)| cell(text[start..end].trim())).collect()
}

fn cell(written: &str) -> String {
    if written.starts_with('"') { literal::string(written).into_owned() } else { written.to_owned() }
}

#[cfg(test)]
mod tests {
    use crate::format::format;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = [
            "test \"t\" of m {",
            " given e {",
            " |a|b 日|",
            " | \"\\u{4f60}|\" |x\\||// c",
            "",
            " |||",
            " }",
            " expect {",
            " |m|",
            " |1|",
            "}",
            "}",
        ];
        let wanted = [
            "test \"t\" of m {",
            "  given e {",
            "    | a     | b 日 |",
            "    | \"你|\" | x\\|  | // c",
            "",
            "    |       |      |",
            "  }",
            "  expect {",
            "    | m |",
            "    | 1 |",
            "  }",
            "}",
            "",
        ];
        assert_eq!(format(&text.join("\n")).expect("well-formed"), wanted.join("\n"));
    }
}
