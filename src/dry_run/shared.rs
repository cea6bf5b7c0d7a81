//! Parts of a query that are marked to be made once: they are, and then read as tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::{Result, TableReference};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use sqlparser::ast::{Ident, ObjectName, Query};

use crate::sql::build::{self, Parts};

/// The tables made of parts of a query; they are forgotten with this.
pub(super) struct Shared<'a> {
    context: &'a SessionContext,
    names: Vec<String>,
}

impl Drop for Shared<'_> {
    fn drop(&mut self) {
        for name in &self.names {
            // What is not there any more needs no forgetting.
            let _ = self.context.deregister_table(TableReference::bare(name.as_str()));
        }
    }
}

/// The alias of what was made.
const ALIAS: &str = "m";

/// Queries may run side by side.
static NUMBER: AtomicU64 = AtomicU64::new(0);

impl<'a> Shared<'a> {
    /// Makes the marked parts of a query, each out of those before it, and lets the query read what was made.
    pub(super) async fn of(context: &'a SessionContext, query: &mut Query) -> Result<Shared<'a>> {
        let mut shared = Shared { context, names: Vec::new() };
        let Some(with) = &mut query.with else { return Ok(shared) };
        let mut before: Vec<(Ident, Query)> = Vec::with_capacity(with.cte_tables.len());
        for cte in &mut with.cte_tables {
            if cte.materialized.take().is_some() {
                let mut part = (*cte.query).clone();
                let own = part.with.take().into_iter().flat_map(|own| own.cte_tables);
                let own = own.map(|cte| (cte.alias.name, *cte.query));
                let known = before.iter().cloned().chain(own).collect();
                *cte.query = shared.make(build::with(part, known)).await?;
            }
            before.push((cte.alias.name.clone(), (*cte.query).clone()));
        }
        Ok(shared)
    }

    /// Makes a table of a query's rows, and gives the query that reads it.
    async fn make(&mut self, part: Query) -> Result<Query> {
        let name = format!("materialized_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let plan = self.context.state().statement_to_plan(statement(part)).await?;
        let rows = self.context.execute_logical_plan(plan).await?;
        let schema = rows.schema().as_arrow().clone();
        let mut partitions = rows.collect_partitioned().await?;
        // What is told of nulls beforehand need not be what comes.
        let schema = nullable(partitions.iter().flatten().next().map_or(&schema, |batch| batch.schema_ref()));
        for batch in partitions.iter_mut().flatten() {
            *batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())?;
        }
        let table = MemTable::try_new(schema, partitions)?;
        self.context.register_table(TableReference::bare(name.as_str()), Arc::new(table))?;
        let from = build::table(ObjectName::from(vec![build::ident(&name)]), ALIAS);
        self.names.push(name);
        Ok(Parts { projection: vec![build::all_of(ALIAS)], from: Some(from), ..Parts::default() }.query())
    }
}

/// The same columns, all of which may be null.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields =
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true).with_metadata(HashMap::new()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A query as the engine plans it.
pub(super) fn statement(query: Query) -> Statement {
    Statement::Statement(Box::new(datafusion::sql::sqlparser::ast::Statement::Query(Box::new(query))))
}
