//! Plans to SQL: one [`plan::Query`] becomes one SELECT, as a sqlparser tree, for any [`Dialect`].
//!
//! The shape is the same everywhere: the clean rows of each table, one aggregating SELECT a scan, their union grouped
//! again by the keys (so that null keys are equal and nothing fans out), and on top the formulas of the metrics. Columns of
//! our own are `_t` (bucket), `_d0` … (dimensions), `_m0` … (measures) and `_n0` … (row counts); they get their names
//! only in the outermost SELECT, so that no alias ever shadows a column.

pub mod build;
pub mod by_day;
pub mod clickhouse;
mod collected;
mod datafusion;
pub mod dialect;
pub mod duckdb;
mod escape;
pub mod expr;
mod identifier;
pub mod inlet;
mod intake;
mod json;
pub mod judged;
pub mod ksqldb;
mod lower;
pub mod memo;
mod plain;
pub mod risingwave;
pub mod spark;
pub mod stream;

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::ast::{ObjectName, Query, Statement};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::plan;
use crate::stack;

pub use by_day::Counts;
pub use clickhouse::ClickHouse;
pub use datafusion::DataFusion;
pub use dialect::{Calendar, Dialect, Dictionary, Scalars, Unsupported};
pub use duckdb::DuckDb;
pub use intake::{Landed, Messages, intake};
pub use ksqldb::KsqlDb;
pub use lower::{
    Batch, Built, CutOver, Days, Filling, Layer, Read, Side, Source, Stored, StoredColumn, backfill_months,
    batch_built, batch_days, batch_gone, batch_ready, filling,
};
pub use risingwave::RisingWave;
pub use spark::Spark;

/// ClickHouse.
pub static CLICKHOUSE: ClickHouse = ClickHouse;

/// DataFusion with the functions of the dry run.
pub static DATAFUSION: DataFusion = DataFusion::new();

/// RisingWave, which counts streams.
pub static RISINGWAVE: RisingWave = RisingWave;

/// Spark, which counts streams.
pub static SPARK: Spark = Spark;

/// ksqlDB, which counts streams.
pub static KSQLDB: KsqlDb = KsqlDb;

/// DuckDB, in which tools of quality look at rows.
pub static DUCKDB: DuckDb = DuckDb;

/// All dialects that answer questions.
pub static DIALECTS: [&dyn Dialect; 2] = [&CLICKHOUSE, &DATAFUSION];

/// The dialect of a name, as in `sql("clickhouse": …)`.
pub fn dialect(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.into_iter().find(|dialect| dialect.name() == name)
}

/// How a plan is lowered.
#[derive(Clone, Debug, Default, Hash)]
pub struct Options {
    /// The database that holds a view `clean_<table>` of each table's clean rows; where there is none, each query makes them.
    pub clean_views: Option<String>,
    /// By table, what ends the name of its view behind `__`, so that views of other builds have other names; empty for none.
    pub clean_versions: Vec<String>,
    /// Reads the clean rows of all shards, by tables whose names end with `__all`.
    pub all_shards: bool,
    /// Dictionaries of clean rows, which take the place of joins.
    pub dictionaries: Vec<Dictionary>,
    /// Tables (by their names in the language) whose keys are known to be unique and not null: no row must be dropped.
    pub unique_keys: BTreeSet<String>,
    /// Leaves ORDER BY out: in a view it costs and promises nothing.
    pub unordered: bool,
}

/// The SELECT that answers `query`; all constructs that the dialect cannot say where there are some.
pub fn select(query: &plan::Query, dialect: &dyn Dialect, options: &Options) -> Result<Query, Vec<Unsupported>> {
    select_stored(query, dialect, options, &[])
}

/// The same, its scans read from what is told for each; none where all are read from their sources.
pub fn select_stored(
    query: &plan::Query,
    dialect: &dyn Dialect,
    options: &Options,
    reads: &[Read],
) -> Result<Query, Vec<Unsupported>> {
    stack::enough(|| lower::query(query, dialect, options, reads))
}

/// The SELECT of the clean rows of a table, all columns, as other queries read them. Those of a derived table are made of the
/// views of the options.
pub fn clean(
    tables: &Arc<Vec<plan::Table>>,
    zone: chrono_tz::Tz,
    week_start: plan::WeekStart,
    table: usize,
    dialect: &dyn Dialect,
    options: &Options,
) -> Query {
    let query = plan::Query { tables: Arc::clone(tables), ..plan::Query::empty(zone, week_start) };
    lower::clean(&query, table, dialect, options)
}

/// The SELECT of columns of a table or view, by their names.
pub fn same(of: ObjectName, columns: &[&str], dialect: &dyn Scalars) -> Query {
    let mut alias = "v".to_owned();
    while columns.contains(&alias.as_str()) {
        alias.push('_');
    }
    let column = |name: &&str| build::item(build::column(&alias, dialect.identifier(name)), dialect.identifier(name));
    let projection = columns.iter().map(column).collect();
    build::Parts { projection, from: Some(build::table(of, &alias)), ..build::Parts::default() }.query()
}

/// The text, over several lines.
pub fn to_text(query: &Query, dialect: &dyn Scalars) -> String {
    stack::enough(|| dialect.print(query))
}

/// A text as a string literal.
pub fn quoted(text: &str, dialect: &dyn Scalars) -> String {
    let calendar = dialect::Calendar { zone: chrono_tz::UTC, week_start: plan::WeekStart(chrono::Weekday::Mon) };
    dialect.literal(&plan::Value::String(text.to_owned()), &plan::DataType::String, calendar).to_string()
}

/// How deep the statements that are read back may be. The check limits expressions, and this is far above what they become.
const READ_DEPTH: usize = 10_000;

/// Reads a text of our own making back: one statement, nothing left.
pub fn reparse(text: &str, dialect: &dyn Scalars) -> Result<Statement, ParserError> {
    stack::enough(|| reparse_here(text, dialect))
}

fn reparse_here(text: &str, dialect: &dyn Scalars) -> Result<Statement, ParserError> {
    let tokens = tokens(text, dialect.grammar())?;
    let mut parser = Parser::new(dialect.grammar()).with_recursion_limit(READ_DEPTH).with_tokens_with_locations(tokens);
    let statement = parser.parse_statement()?;
    while parser.consume_token(&Token::SemiColon) {}
    match parser.peek_token().token {
        Token::EOF => Ok(statement),
        left => Err(ParserError::ParserError(format!("text is left over: {left}"))),
    }
}

/// The tokens of a text. Blanks and comments are left out: the parser would step over them again and again.
fn tokens(text: &str, grammar: &dyn sqlparser::dialect::Dialect) -> Result<Vec<TokenWithSpan>, TokenizerError> {
    // Tokens are large, and in printed SQL one is three bytes on average.
    let mut tokens = Vec::with_capacity(text.len() / 2);
    Tokenizer::new(grammar, text).tokenize_with_location_into_buf(&mut tokens)?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    Ok(tokens)
}

/// `digits / 10^scale`, with all digits of the scale.
pub fn decimal_text(digits: i128, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let mut plain = digits.unsigned_abs().to_string();
    let scale = usize::from(scale);
    if scale > 0 {
        if plain.len() <= scale {
            plain.insert_str(0, &"0".repeat(scale + 1 - plain.len()));
        }
        plain.insert(plain.len() - scale, '.');
    }
    format!("{sign}{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_all_digits() {
        assert_eq!(decimal_text(-5, 2), "-0.05");
        assert_eq!(decimal_text(150, 2), "1.50");
        assert_eq!(decimal_text(7, 0), "7");
    }
}
