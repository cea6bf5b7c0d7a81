//! Tables, their columns and their rows, as every file format sees them.

use std::path::PathBuf;

use super::World;

/// How the values of a column look in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// A float64.
    Float,
    /// An exact decimal.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// `true` or `false`.
    Bool,
    /// Text: also enums and keys of entities.
    Text,
    /// An instant, written as local time of the project's zone.
    Timestamp,
    /// An instant, written as milliseconds since 1970 UTC.
    TimestampMs,
    /// A span of time, written as milliseconds.
    DurationMs,
    /// Values by string keys, written as the text of a JSON object.
    Map,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Whether null occurs.
    pub nullable: bool,
}

/// A table: a source or an entity of the library.
#[derive(Clone, Copy, Debug)]
pub struct TableDef {
    /// The name of its declaration.
    pub name: &'static str,
    /// The name of its file, without extension.
    pub file: &'static str,
    /// Its stored columns, in the order of their declaration.
    pub columns: &'static [ColumnDef],
    /// Writes its rows.
    pub(super) write: Writer,
}

/// Writes the rows of a world's table.
pub(super) type Writer = fn(&World, &mut dyn RowSink) -> Result<(), SampleError>;

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// null
    Null,
    /// Of an [`Kind::Int`] or [`Kind::DurationMs`] column.
    Int(i64),
    /// Of a [`Kind::Float`] column; finite.
    Float(f64),
    /// The digits of a [`Kind::Decimal`] column: the value times ten to its scale.
    Decimal(i64),
    /// Of a [`Kind::Bool`] column.
    Bool(bool),
    /// Of a [`Kind::Text`] or [`Kind::Map`] column.
    Text(&'a str),
    /// Milliseconds since 1970 UTC, of a [`Kind::Timestamp`] or [`Kind::TimestampMs`] column.
    Instant(i64),
}

impl<'a> From<&'a str> for Field<'a> {
    fn from(text: &'a str) -> Field<'a> {
        Field::Text(text)
    }
}

impl<'a> From<&'a String> for Field<'a> {
    fn from(text: &'a String) -> Field<'a> {
        Field::Text(text)
    }
}

impl From<i64> for Field<'_> {
    fn from(value: i64) -> Self {
        Field::Int(value)
    }
}

impl From<f64> for Field<'_> {
    fn from(value: f64) -> Self {
        Field::Float(value)
    }
}

impl From<bool> for Field<'_> {
    fn from(value: bool) -> Self {
        Field::Bool(value)
    }
}

impl<'a, T: Into<Field<'a>>> From<Option<T>> for Field<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Field::Null, Into::into)
    }
}

/// What takes rows, one after the other.
pub trait RowSink {
    /// Takes a row: as many fields as the table has columns, each of its column's kind.
    ///
    /// # Errors
    /// Where the row cannot be written.
    fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError>;
}

/// Why samples could not be made.
#[derive(Debug)]
pub enum SampleError {
    /// No table has this name.
    UnknownTable(String),
    /// A file could not be written.
    Io {
        /// The file or folder; empty where the sink does not know it.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The Parquet writer failed.
    Parquet(String),
    /// This build cannot write the format.
    Unsupported(&'static str),
}

impl SampleError {
    /// The same, with the file it happened to.
    pub fn at(self, file: &std::path::Path) -> SampleError {
        match self {
            SampleError::Io { path, source } if path.as_os_str().is_empty() => {
                SampleError::Io { path: file.to_owned(), source }
            }
            other => other,
        }
    }
}

impl From<std::io::Error> for SampleError {
    fn from(source: std::io::Error) -> Self {
        SampleError::Io { path: PathBuf::new(), source }
    }
}

impl std::fmt::Display for SampleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SampleError::UnknownTable(name) => {
                let known: Vec<&str> = super::tables().iter().map(|t| t.name).collect();
                write!(f, "the sample has no table `{name}`; it has {}", known.join(", "))
            }
            SampleError::Io { path, source } if path.as_os_str().is_empty() => write!(f, "cannot write: {source}"),
            SampleError::Io { path, source } => write!(f, "cannot write `{}`: {source}", path.display()),
            SampleError::Parquet(message) => write!(f, "cannot write Parquet: {message}"),
            SampleError::Unsupported(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for SampleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SampleError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
