//! Results of queries, as text that loses nothing: null, the empty string and control characters stay apart.

/// The rows of a result. A cell is the value's text as the engine prints it, `None` for null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    pub columns: Vec<String>,
    pub types: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// The cells of the only column.
    ///
    /// # Panics
    /// If there is not exactly one column.
    pub fn single_column(&self) -> Vec<Option<&str>> {
        assert_eq!(self.columns.len(), 1, "one column expected, got {:?}", self.columns);
        self.rows.iter().map(|row| row[0].as_deref()).collect()
    }

    /// The only cell.
    ///
    /// # Panics
    /// If there is not exactly one row of one column.
    pub fn cell(&self) -> Option<&str> {
        let column = self.single_column();
        assert_eq!(column.len(), 1, "one row expected, got {column:?}");
        column[0]
    }

    /// The rows as lines of cells with ` | ` between, for messages and short expectations: `NULL` is a null, `''` an empty string.
    pub fn lines(&self) -> Vec<String> {
        let show = |cell: &Option<String>| match cell.as_deref() {
            None => "NULL".to_owned(),
            Some("") => "''".to_owned(),
            Some(text) => text.replace('\n', "\\n").replace('\t', "\\t"),
        };
        self.rows.iter().map(|row| row.iter().map(show).collect::<Vec<_>>().join(" | ")).collect()
    }
}

/// Reads ClickHouse's `TabSeparatedWithNamesAndTypes`. Without any text (a statement that returns nothing) the table is empty.
///
/// # Errors
/// What is wrong with the text. Bytes that are not UTF-8 become replacement characters.
pub fn parse_tsv(bytes: &[u8]) -> Result<Table, String> {
    let text = String::from_utf8_lossy(bytes);
    let Some(body) = text.strip_suffix('\n') else {
        return if text.is_empty() {
            Ok(Table::default())
        } else {
            Err(format!("the last line of a result has no end: {text:?}"))
        };
    };
    let mut lines = body.split('\n');
    let mut header = |what: &str| {
        let line = lines.next().ok_or_else(|| format!("a result has no line of {what}"))?;
        line.split('\t').map(unescape).collect::<Result<Vec<_>, _>>()
    };
    let columns = header("names")?;
    let types = header("types")?;
    let rows = lines.map(|line| parse_row(line, &types)).collect::<Result<Vec<_>, _>>()?;
    Ok(Table { columns, types, rows })
}

fn parse_row(line: &str, types: &[String]) -> Result<Vec<Option<String>>, String> {
    let cells: Vec<&str> = line.split('\t').collect();
    if cells.len() != types.len() {
        return Err(format!("{} cells for {} columns: {line:?}", cells.len(), types.len()));
    }
    cells
        .into_iter()
        .zip(types)
        .map(|(cell, of)| if cell == "\\N" { Ok(None) } else { parse_cell(cell, of).map(Some) })
        .collect()
}

/// Values in an array, map or tuple are quoted and escaped inside its own text, which is left as it is.
fn parse_cell(cell: &str, of: &str) -> Result<String, String> {
    if is_composite(of) { Ok(cell.to_owned()) } else { unescape(cell) }
}

fn is_composite(of: &str) -> bool {
    ["Array(", "Map(", "Tuple(", "Nested("].iter().any(|start| of.starts_with(start))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next() {
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('0') => '\0',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(same @ ('\\' | '\'')) => same,
            other => return Err(format!("unknown escape \\{} in {text:?}", other.map_or(String::new(), String::from))),
        });
    }
    Ok(out)
}

/// Rows as `TabSeparated` text for an INSERT into columns of these types.
pub fn write_tsv(types: &[String], rows: &[Vec<Option<String>>]) -> String {
    let mut out = String::new();
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                out.push('\t');
            }
            match cell {
                None => out.push_str("\\N"),
                Some(text) if types.get(index).is_some_and(|of| is_composite(of)) => out.push_str(text),
                Some(text) => escape(text, &mut out),
            }
        }
        out.push('\n');
    }
    out
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            other => out.push(other),
        }
    }
}
