//! Whether the columns of a Parquet file are those that a table declares.

use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use datafusion::parquet::basic::Type as PhysicalType;

use super::place;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::dry_run::samples::nullable;
use crate::error;
use crate::plan::{DataType, Encoding, StoredColumn, Table};

/// What is wrong with the columns of a file.
pub(super) fn check(table: &Table, file: &str, footer: &ArrowReaderMetadata) -> Diagnostics {
    let known = |name: &str| table.columns.iter().any(|column| column.name == name);
    let mut found = Diagnostics::new();
    for field in footer.schema().fields().iter().filter(|field| !known(field.name())) {
        found.push(error!(E0907, None, "`{file}`: the column `{}` is not declared in `{}`", field.name(), table.name;
            help: "declare the column, or take it out of the file"));
    }
    for column in &table.columns {
        match place(footer, &column.name) {
            Some(place) => found.extend(check_column(table, column, file, footer, place).into_iter().collect()),
            None => found.push(error!(E0906, None, "`{file}` lacks the column `{}` of `{}`", column.name, table.name;
                help: "add the column; where it may be null, all of its values may be")),
        }
    }
    found
}

/// What is wrong with a column that is there.
fn check_column(
    table: &Table,
    column: &StoredColumn,
    file: &str,
    footer: &ArrowReaderMetadata,
    place: usize,
) -> Option<Diagnostic> {
    let field = footer.schema().field(place);
    let int96 = footer.parquet_schema().root_schema().get_fields()[place].is_primitive()
        && footer.parquet_schema().root_schema().get_fields()[place].get_physical_type() == PhysicalType::INT96;
    if !fits(column, field.data_type(), int96) {
        let wanted = wanted(column);
        return Some(
            error!(E0915, None, "`{file}`, column `{}`: its type {} is not {wanted}", column.name, field.data_type();
            help: "write the file with that type, or change the column's declaration"),
        );
    }
    if nullable(table, column) {
        return None;
    }
    let nulls: u64 = footer.metadata().row_groups().iter().filter_map(|group| nulls_of(group, place, footer)).sum();
    (nulls > 0).then(|| {
        error!(E0912, None, "`{file}`, column `{}` has {nulls} nulls, which the column cannot have", column.name;
            help: "declare the column nullable with `?`, or write values")
    })
}

/// The nulls of a column in a row group, where the file tells.
fn nulls_of(
    group: &datafusion::parquet::file::metadata::RowGroupMetaData,
    root: usize,
    footer: &ArrowReaderMetadata,
) -> Option<u64> {
    let leaf = (0..footer.parquet_schema().num_columns())
        .find(|leaf| footer.parquet_schema().get_column_root_idx(*leaf) == root)?;
    group.column(leaf).statistics()?.null_count_opt()
}

/// Whether a file's type holds the values of a column.
fn fits(column: &StoredColumn, found: &ArrowType, int96: bool) -> bool {
    if let ArrowType::Dictionary(_, values) = found {
        return fits(column, values, int96);
    }
    if column.ty == DataType::Timestamp && column.encoding == Encoding::Milliseconds && *found == ArrowType::Int64 {
        return true;
    }
    type_fits(&column.ty, found) || int96 && column.ty == DataType::Timestamp
}

/// Whether a file's type holds the values of a type.
fn type_fits(ty: &DataType, found: &ArrowType) -> bool {
    match ty {
        DataType::Bool => *found == ArrowType::Boolean,
        DataType::Int | DataType::Duration => found.is_integer() && *found != ArrowType::UInt64,
        DataType::Float => matches!(found, ArrowType::Float32 | ArrowType::Float64),
        DataType::Decimal { precision, scale } => match found {
            ArrowType::Decimal32(p, s) | ArrowType::Decimal64(p, s) | ArrowType::Decimal128(p, s) => {
                let (had, own) = (i16::from(*s), i16::from(*scale));
                *s >= 0 && had <= own && i16::from(*p) - had <= i16::from(*precision) - own
            }
            _ => false,
        },
        DataType::String | DataType::Map(_) => {
            matches!(found, ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View)
        }
        DataType::Date => *found == ArrowType::Date32,
        // An instant is told by `isAdjustedToUTC`; without it, it would be some wall clock's time.
        DataType::Timestamp => matches!(found, ArrowType::Timestamp(_, Some(_))),
        DataType::Array(item) => match found {
            ArrowType::List(field) | ArrowType::LargeList(field) => type_fits(item, field.data_type()),
            _ => false,
        },
    }
}

/// The wanted type, in words.
fn wanted(column: &StoredColumn) -> String {
    match &column.ty {
        DataType::Bool => "a boolean".to_owned(),
        DataType::Int => "an integer of at most 64 bits".to_owned(),
        DataType::Duration => "an integer of milliseconds".to_owned(),
        DataType::Float => "a float or double".to_owned(),
        DataType::Decimal { precision, scale } => format!("a decimal of at most ({precision},{scale}) digits"),
        DataType::String => "a string".to_owned(),
        DataType::Map(_) => "a string of JSON".to_owned(),
        DataType::Date => "a date".to_owned(),
        DataType::Timestamp if column.encoding == Encoding::Milliseconds => {
            "an integer of milliseconds or a timestamp with isAdjustedToUTC".to_owned()
        }
        DataType::Timestamp => "a timestamp with isAdjustedToUTC".to_owned(),
        DataType::Array(_) => "a list of its type".to_owned(),
    }
}
