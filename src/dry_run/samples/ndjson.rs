//! Samples as lines of JSON objects.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use super::sink::{Fault, Sink, shortened};
use super::{Source, io_error};
use crate::dry_run::functions::json::{members, plain};
use crate::error;
use crate::plan::{DataType, Table};

/// The longest line.
const LONGEST_LINE: u64 = 1 << 26;

/// Reads one file into the sink.
pub(super) fn read(
    source: &Source,
    input: impl Read,
    table: &Table,
    sink: &mut Sink,
) -> datafusion::common::Result<()> {
    let file = source.shown.as_str();
    let mut input = BufReader::with_capacity(1 << 18, input);
    let mut bytes = Vec::new();
    let (mut line, mut total) = (0, 0);
    loop {
        bytes.clear();
        match (&mut input).take(LONGEST_LINE).read_until(b'\n', &mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => total += count as u64,
            Err(error) => {
                sink.problems.file(io_error(source, &error));
                return Ok(());
            }
        }
        line += 1;
        source.progress(total);
        let content = if line == 1 { bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes) } else { &bytes };
        let Ok(text) = std::str::from_utf8(content) else {
            sink.problems.row(
                Fault::Encoding,
                || error!(E0905, None, "`{file}` line {line} is not UTF-8"; help: "save the file as UTF-8"),
            );
            continue;
        };
        if !text.trim().is_empty() {
            object(file, line, text.trim(), table, sink)?;
        }
    }
}

/// Reads one line.
fn object(file: &str, line: u64, text: &str, table: &Table, sink: &mut Sink) -> datafusion::common::Result<()> {
    let Some(members) = members(text) else {
        sink.problems.row(Fault::Json, || {
            error!(E0914, None, "`{file}` line {line} is no JSON object: `{}`", shortened(text);
                help: "write one object with the columns as its members in each line")
        });
        return Ok(());
    };
    let mut values: Vec<Option<&str>> = vec![None; table.columns.len()];
    for (name, value) in &members {
        match table.columns.iter().position(|column| column.name == **name) {
            Some(place) => values[place] = Some(value),
            None => {
                sink.problems.row(Fault::Extra, || {
                    error!(E0907, None, "`{file}` line {line}: `{}` is not declared in `{}`", shortened(name), table.name;
                        help: "declare the column, or take it out of the file")
                });
                return Ok(());
            }
        }
    }
    // Unescaped texts must live as long as the row.
    let texts: Vec<Result<Option<Cow<str>>, &str>> = table
        .columns
        .iter()
        .zip(&values)
        .map(|(column, value)| value.map_or(Ok(None), |value| cell_text(value, &column.ty)))
        .collect();
    sink.row(file, line, |index| match &texts[index] {
        Ok(text) => Ok(text.as_deref()),
        Err(value) => Err(value),
    })
}

/// The text of a JSON value as a cell; the value itself where its kind does not fit the type.
fn cell_text<'t>(value: &'t str, ty: &DataType) -> Result<Option<Cow<'t, str>>, &'t str> {
    let fits = matches!(
        (value.as_bytes().first(), ty),
        (Some(b'n'), _)
            | (Some(b'"'), DataType::String | DataType::Date | DataType::Timestamp | DataType::Decimal { .. })
            | (Some(b'{'), DataType::Map(_))
            | (Some(b'['), DataType::Array(_))
            | (Some(b't' | b'f'), DataType::Bool)
            | (
                Some(b'-' | b'0'..=b'9'),
                DataType::Int | DataType::Float | DataType::Decimal { .. } | DataType::Duration | DataType::Timestamp,
            )
    );
    if fits { Ok(plain(value)) } else { Err(value) }
}
