//! What is read more than once in a query: engines put a CTE in at each place where it is read, and do its work there again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{CteAsMaterialized, Ident, ObjectName, Query, TableFactor, Visit, Visitor};

use super::Lowering;
use crate::plan::Origin;
use crate::sql::build;

impl Lowering<'_> {
    /// The rows of members, beside the clean rows of the table of their first rows, which are then taken from there: two tables read them.
    pub(super) fn with_members(&self, first: usize, rows: Query, alias: &str) -> TableFactor {
        if !self.dialect.materializes() || self.options.clean_views.is_some() {
            return build::derived(rows, alias);
        }
        let mut members = self.members.borrow_mut();
        if *members.entry(first).or_insert_with(|| rows.clone()) != rows {
            return build::derived(rows, alias);
        }
        build::table(ObjectName::from(vec![self.members_name(first)]), alias)
    }

    /// The members, where others read them.
    pub(super) fn members_of(&self, first: usize, alias: &str) -> Option<TableFactor> {
        let known = self.members.borrow().contains_key(&first);
        known.then(|| build::table(ObjectName::from(vec![self.members_name(first)]), alias))
    }

    /// Their name. No clean rows have it.
    pub(super) fn members_name(&self, first: usize) -> Ident {
        self.name(&format!("{}_members", self.tables[first].name))
    }

    /// Marks the clean rows that are read more than once and are more than rows of stored tables.
    pub(super) fn mark_shared(&self, query: &mut Query) {
        if !self.dialect.materializes() {
            return;
        }
        let derived = |table: &usize| {
            matches!(self.tables[*table].origin, Origin::FirstOf(_) | Origin::Session(_) | Origin::Made(_))
        };
        let mut costly: BTreeSet<String> =
            (0..self.tables.len()).filter(derived).map(|table| self.clean_name(table)).collect();
        costly.extend(self.members.borrow().keys().map(|first| self.members_name(*first).value));
        let mut counted = Counted(BTreeMap::new());
        let _ = query.visit(&mut counted);
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            let name = &cte.alias.name.value;
            if costly.contains(name) && counted.0.get(name).is_some_and(|times| *times > 1) {
                cte.materialized = Some(CteAsMaterialized::Materialized);
            }
        }
    }
}

/// How often tables are read.
struct Counted(BTreeMap<String, usize>);

impl Visitor for Counted {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if let [part] = relation.0.as_slice()
            && let Some(name) = part.as_ident()
        {
            *self.0.entry(name.value.clone()).or_default() += 1;
        }
        ControlFlow::Continue(())
    }
}
