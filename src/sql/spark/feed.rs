//! The rows of a source without repetitions, as a stream of tables that follow one another.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, Query, SelectItem, TableFactor, VisitMut, VisitorMut};

use super::Spark;
use super::value::{sort_key, text};
use crate::plan::{DataType, StoredColumn, Table};
use crate::sql::build::{self, Parts, call, column, ident, item};
use crate::sql::dialect::Scalars;

/// When a message came, what tells it from all others, the time of a row as it counts for the watermark, and the window that this lies in.
const CAME: &str = "_came";
const PLACE: &str = "_place";
const SEEN: &str = "_seen";
pub const WINDOW: &str = "_window";

/// The columns that are added to those of a source.
pub const OWN: [&str; 5] = [CAME, PLACE, SEEN, WINDOW, ROW];
const ROW: &str = "_row";

/// `STREAM(name) AS alias`
pub fn stream(name: &ObjectName, alias: &str) -> TableFactor {
    let parts: Vec<Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).cloned().collect();
    let name = match <[Ident; 1]>::try_from(parts) {
        Ok([name]) => Expr::Identifier(name),
        Err(parts) => Expr::CompoundIdentifier(parts),
    };
    build::table_function("STREAM", vec![name], alias)
}

/// A query that reads a table as a stream.
pub fn streamed(mut query: Query, of: &ObjectName) -> Query {
    struct Streamed<'a>(&'a ObjectName);
    impl VisitorMut for Streamed<'_> {
        type Break = ();

        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table { name, alias: Some(alias), args: None, .. } = factor
                && name == self.0
            {
                *factor = stream(name, &alias.name.value.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let _ = VisitMut::visit(&mut query, &mut Streamed(of));
    query
}

/// What a feed is made of.
pub struct Feed<'a> {
    /// The source's table.
    pub table: &'a Table,
    /// The columns that are kept.
    pub kept: Vec<&'a StoredColumn>,
    /// Its time.
    pub time: &'a str,
}

impl Feed<'_> {
    /// The rows among messages that were read (see [`crate::sql::Messages::All`]), with what the next steps ask for.
    pub fn rows(&self, read: &ObjectName) -> Query {
        let of = |name: &str| column("p", ident(name));
        let columns = self.table.columns.iter().enumerate().filter(|(_, one)| self.has(&one.name));
        let mut projection: Vec<SelectItem> =
            columns.map(|(at, one)| item(of(&format!("_c{at}")), Spark.identifier(&one.name))).collect();
        projection.extend([CAME, PLACE].map(|name| item(of(name), ident(name))));
        let filter = Some(build::equal(of("_reason"), build::text("")));
        Parts { projection, from: Some(stream(read, "p")), filter, ..Parts::default() }.query()
    }

    /// The messages among them that are no row.
    pub fn dead(&self, read: &ObjectName) -> Query {
        let of = |name: &str| column("p", ident(name));
        let projection =
            [("came", CAME), ("reason", "_reason"), ("raw", "_raw")].map(|(name, from)| item(of(from), ident(name)));
        let filter = Some(build::not(build::equal(of("_reason"), build::text(""))));
        Parts { projection: projection.to_vec(), from: Some(stream(read, "p")), filter, ..Parts::default() }.query()
    }

    /// The expression of the time of a row as it counts for the watermark: a row of the future does not make the others late.
    pub fn seen(&self) -> String {
        call("least", vec![Expr::Identifier(Spark.identifier(self.time)), build::ident_expr(CAME)]).to_string()
    }

    /// The rows without repetitions, out of rows with a watermark: of those with one key and one time the smallest. Without a key each is
    /// one. Rows leave when the watermark has passed them.
    pub fn feed(&self, marked: &ObjectName) -> Query {
        let keyed = !self.table.clean.key.is_empty();
        let tells = |one: &StoredColumn| one.name == self.time || (keyed && self.table.clean.key.contains(&one.name));
        let (same, others): (Vec<&StoredColumn>, Vec<&StoredColumn>) =
            self.kept.iter().copied().partition(|one| tells(one));
        let of = |one: &StoredColumn| column("r", Spark.identifier(&one.name));
        let mut groups: Vec<Expr> = same.iter().map(|one| of(one)).collect();
        groups.push(column("r", ident(SEEN)));
        let mut projection: Vec<SelectItem> =
            same.iter().map(|one| item(of(one), Spark.identifier(&one.name))).collect();
        projection.push(item(column("r", ident(SEEN)), ident(SEEN)));
        if !keyed {
            groups.push(column("r", ident(PLACE)));
        }
        if !others.is_empty() {
            let fields = others.iter().enumerate().flat_map(|(at, one)| self.fields(at, one, of(one)));
            let whole = call("named_struct", fields.flat_map(|(name, value)| [text(&name), value]).collect());
            projection.push(item(call("min", vec![whole]), ident(ROW)));
        }
        let grouped =
            Parts { projection, from: Some(stream(marked, "r")), group_by: groups, ..Parts::default() }.query();
        let field = |(at, one): (usize, &&StoredColumn)| {
            let path = ["k", ROW, &format!("v{at}")].map(ident).to_vec();
            let value = Expr::CompoundIdentifier(path);
            let value = match one.ty {
                DataType::Map(_) => call("map_from_entries", vec![value]),
                _ => value,
            };
            item(value, Spark.identifier(&one.name))
        };
        let kept = same.iter().map(|one| item(column("k", Spark.identifier(&one.name)), Spark.identifier(&one.name)));
        let seen = item(column("k", ident(SEEN)), ident(SEEN));
        let projection = kept.chain(others.iter().enumerate().map(field)).chain([seen]).collect();
        Parts { projection, from: Some(build::derived(grouped, "k")), ..Parts::default() }.query()
    }

    /// The parts of a row that it is compared by: nulls come last with us.
    fn fields(&self, at: usize, one: &StoredColumn, value: Expr) -> Vec<(String, Expr)> {
        let is_null = one.nullable.then(|| (format!("n{at}"), build::is_null(value.clone())));
        is_null.into_iter().chain([(format!("v{at}"), sort_key(value, &one.ty))]).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.kept.iter().any(|one| one.name == name)
    }
}
