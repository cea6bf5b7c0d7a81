//! Rows as CSV.

use std::io::Write;

use super::clock::local_text;
use super::table::{Field, Kind, RowSink, SampleError, TableDef};

/// Writes rows as CSV; see the module's page for the conventions.
pub struct CsvSink<W: Write> {
    out: W,
    columns: &'static [super::ColumnDef],
    line: String,
}

impl<W: Write> CsvSink<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn new(table: &TableDef, mut out: W) -> Result<CsvSink<W>, SampleError> {
        let names: Vec<&str> = table.columns.iter().map(|c| c.name).collect();
        writeln!(out, "{}", names.join(","))?;
        Ok(CsvSink { out, columns: table.columns, line: String::new() })
    }

    /// Flushes, and gives the writer back.
    ///
    /// # Errors
    /// Where the writer fails.
    pub fn finish(mut self) -> Result<W, SampleError> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> RowSink for CsvSink<W> {
    fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError> {
        self.line.clear();
        for (place, (field, column)) in row.iter().zip(self.columns).enumerate() {
            if place > 0 {
                self.line.push(',');
            }
            write_field(&mut self.line, *field, column.kind);
        }
        self.line.push('\n');
        Ok(self.out.write_all(self.line.as_bytes())?)
    }
}

fn write_field(line: &mut String, field: Field<'_>, kind: Kind) {
    use std::fmt::Write as _;
    // writing to a String does not fail
    let _ = match (field, kind) {
        (Field::Null, _) => Ok(()),
        (Field::Text(text), _) => {
            write_text(line, text);
            Ok(())
        }
        (Field::Decimal(digits), Kind::Decimal { scale, .. }) => {
            let sign = if digits < 0 { "-" } else { "" };
            let one = 10_u64.pow(u32::from(scale));
            let digits = digits.unsigned_abs();
            write!(line, "{sign}{}.{:0width$}", digits / one, digits % one, width = usize::from(scale))
        }
        (Field::Instant(ms), Kind::Timestamp) => {
            local_text(line, ms);
            Ok(())
        }
        (Field::Bool(value), _) => write!(line, "{value}"),
        (Field::Float(value), _) => write!(line, "{value}"),
        (Field::Int(value) | Field::Decimal(value) | Field::Instant(value), _) => write!(line, "{value}"),
    };
}

fn write_text(line: &mut String, text: &str) {
    let edge = |c: Option<char>| c.is_some_and(char::is_whitespace);
    let quoted = text.is_empty()
        || text.contains([',', '"', '\n', '\r'])
        || edge(text.chars().next())
        || edge(text.chars().next_back());
    if !quoted {
        line.push_str(text);
        return;
    }
    line.push('"');
    for c in text.chars() {
        if c == '"' {
            line.push('"');
        }
        line.push(c);
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::ColumnDef;

    const fn column(name: &'static str, kind: Kind) -> ColumnDef {
        ColumnDef { name, kind, nullable: true }
    }

    #[test]
    fn null_is_empty_and_the_empty_string_is_quoted() {
        const TABLE: TableDef = TableDef {
            name: "t",
            file: "t",
            columns: &[
                column("a", Kind::Text),
                column("b", Kind::Decimal { precision: 18, scale: 4 }),
                column("c", Kind::Timestamp),
                column("d", Kind::TimestampMs),
                column("e", Kind::Bool),
                column("f", Kind::Float),
            ],
            write: |_, _| Ok(()),
        };
        let mut sink = CsvSink::new(&TABLE, Vec::new()).unwrap();
        sink.row(&[Field::Null; 6]).unwrap();
        for text in ["", "plain", "a,b", "say \"hi\"", "two\nlines", " edge", "😀"] {
            sink.row(&[
                Field::Text(text),
                Field::Decimal(-1250),
                Field::Instant(1_790_000_000_123),
                Field::Instant(7),
                Field::Bool(true),
                Field::Float(0.25),
            ])
            .unwrap();
        }
        let rest = ",-0.1250,2026-09-21 22:13:20.123,7,true,0.25\n";
        let text = String::from_utf8(sink.finish().unwrap()).unwrap();
        let firsts = ["\"\"", "plain", "\"a,b\"", "\"say \"\"hi\"\"\"", "\"two\nlines\"", "\" edge\"", "😀"];
        let rows: String = firsts.iter().map(|first| format!("{first}{rest}")).collect();
        assert_eq!(text, format!("a,b,c,d,e,f\n,,,,,\n{rows}"));
    }

    #[test]
    fn a_writer_that_fails_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let table = super::super::table("survey").unwrap();
        let error = CsvSink::new(table, Full).err().unwrap().at(std::path::Path::new("out/survey.csv"));
        assert!(error.to_string().starts_with("cannot write `out/survey.csv`: "), "{error}");
    }
}
