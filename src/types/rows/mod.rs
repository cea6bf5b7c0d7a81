//! Typing row sets: each becomes one table's rows with all of its filters.
//!
//! `raw`, `first of`, unions and sessions are tables of their own, derived from others. They are made once, by
//! [`RowSets::prepare`], before anything reads them; [`RowSets::check`] then finds them.

mod attribution;
mod behaviour;
mod bound;
mod cohort;
mod conversion;
mod derived;
mod experiment;
mod funnel;
mod lifecycle;
mod measure;
mod measured;
mod paths;
mod pending;
mod replayed;
mod retained;
mod segment;
mod session;
mod union;
mod unit;

use rustc_hash::FxHashMap;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{Names, RowName, later};
use crate::suggest::near;
use crate::syntax::ast::{self, RowSetKind};

use super::behaviour::Behaviour;
use super::formula::RowMetrics;
use super::model::{ColumnId, RowSet, Subset, Table, TableId, Type};
use super::row::check_condition;
use super::size::too_large;
use super::{RowExpr, RowScope, predicate};
pub use cohort::{age_of, shown, unit_of};
pub use funnel::unknown_step;
use pending::names_metrics;

/// What row sets are typed with.
pub struct RowSets<'a> {
    /// The names of the program.
    pub names: &'a Names<'a>,
    /// All tables: declared ones by their places, then derived ones.
    pub tables: Vec<Table>,
    /// The project's zone.
    pub zone: chrono_tz::Tz,
    /// The typed subsets by place; none for a broken one, which has been told.
    pub subsets: Vec<Option<Subset>>,
    /// The tables of sessions by place; none for a broken one.
    sessions: Vec<Option<TableId>>,
    /// The tables of behaviour by place; none for a broken one.
    pub behaviours: Vec<Option<Behaviour>>,
    /// The tables of segments by their places among the tables of behaviour, before those are typed.
    segments: FxHashMap<usize, TableId>,
    /// The tables of the rows of arguments of tables of behaviour, by where those stand.
    values: FxHashMap<Span, Vec<TableId>>,
    /// The derived table that each subset is, by place, where it is one and nothing else.
    own: Vec<Option<TableId>>,
    /// The derived tables by where they are written; none for a broken one.
    derived: FxHashMap<Span, Option<TableId>>,
    /// Derived tables without a name of their own, by a text that tells most of them apart.
    alike: FxHashMap<String, Vec<(&'a ast::RowSet, TableId)>>,
    /// The keys of `first of`, which are typed once dimensions are known.
    keys: Vec<(TableId, &'a [ast::Key], Span)>,
    /// How many tables each derived one stands on.
    depths: Vec<usize>,
    /// The tables of behaviour whose units are members per a dimension.
    units: unit::Units,
}

impl<'a> RowSets<'a> {
    /// Over declared tables.
    pub fn new(names: &'a Names<'a>, tables: Vec<Table>, zone: chrono_tz::Tz) -> RowSets<'a> {
        RowSets {
            names,
            zone,
            subsets: vec![None; names.subsets.len()],
            sessions: vec![None; names.sessions.len()],
            behaviours: vec![None; names.behaviours.len()],
            segments: FxHashMap::default(),
            values: FxHashMap::default(),
            own: vec![None; names.subsets.len()],
            derived: FxHashMap::default(),
            alike: FxHashMap::default(),
            keys: Vec::new(),
            depths: vec![0; tables.len()],
            units: unit::Units::default(),
            tables,
        }
    }

    /// Types the subset at a place.
    pub fn check_subset(&mut self, place: usize, diagnostics: &mut Diagnostics) {
        let declared = self.names.subsets[place];
        let texts = ["title", "title_en", "owner"];
        super::items::Items::read("subset", &declared.syntax.items, &texts, &[], diagnostics)
            .check_texts(&texts, diagnostics);
        self.own[place] = self.prepare_subset(declared, diagnostics);
        let rows = self.check(&declared.syntax.rows, diagnostics);
        self.subsets[place] = rows.map(|rows| Subset {
            name: declared.syntax.name.clone(),
            version: declared.syntax.version.as_ref().map_or(1, |version| version.value),
            doc: declared.doc.map(str::to_owned),
            rows,
            span: declared.span,
        });
    }

    /// Types a row set. Conditions that name metrics wait for those.
    pub fn check(&self, rows: &ast::RowSet, diagnostics: &mut Diagnostics) -> Option<RowSet> {
        self.check_with(rows, None, diagnostics)
    }

    /// Types a row set in a formula, where the metrics that its conditions name are known.
    pub fn check_with(
        &self,
        rows: &ast::RowSet,
        metrics: Option<&dyn RowMetrics>,
        diagnostics: &mut Diagnostics,
    ) -> Option<RowSet> {
        match &rows.kind {
            RowSetKind::Named { name, version } => {
                self.named(name, version.as_ref().map(|version| version.value), diagnostics)
            }
            RowSetKind::Parenthesised(inner) => self.check_with(inner, metrics, diagnostics),
            RowSetKind::Where { rows, predicate } => {
                let mut rows = self.check_with(rows, metrics, diagnostics)?;
                self.filter(&mut rows, predicate, metrics, diagnostics)?;
                Some(rows)
            }
            RowSetKind::Dated { rows, column } => {
                let mut rows = self.check_with(rows, metrics, diagnostics)?;
                self.date(&mut rows, column, diagnostics)?;
                Some(rows)
            }
            RowSetKind::Raw(_) | RowSetKind::FirstOf { .. } | RowSetKind::Union(_) => {
                match self.derived.get(&rows.span) {
                    Some(table) => table.map(|base| RowSet { base, filters: Vec::new(), dated: None }),
                    None => {
                        diagnostics.push(later("a derived row set in this place", rows.span));
                        None
                    }
                }
            }
        }
    }

    /// The table that a name stands for, where it is one with all of its rows: a source, an entity, a session, or a subset that is
    /// derived. None where the name is unknown; an inner none where its declaration is broken.
    pub fn table_of(&self, name: &str) -> Option<Result<Option<TableId>, ()>> {
        Some(match self.names.row_set(name, None)? {
            RowName::Table(place) => Ok(Some(TableId(place))),
            RowName::Session(place) => Ok(self.sessions[place]),
            RowName::Subset(place) => match (self.own[place], &self.subsets[place]) {
                (Some(table), _) => Ok(Some(table)),
                (None, None) => Ok(None),
                (None, Some(_)) => Err(()),
            },
        })
    }

    fn named(&self, path: &ast::Path, version: Option<u32>, diagnostics: &mut Diagnostics) -> Option<RowSet> {
        let found = path.single().and_then(|name| self.names.row_set(name, version));
        match found {
            Some(RowName::Table(place)) => self.of_declared(TableId(place), path, diagnostics),
            Some(RowName::Subset(place)) => self.subsets[place].as_ref().map(|subset| subset.rows.clone()),
            Some(RowName::Session(place)) => {
                self.sessions[place].map(|base| RowSet { base, filters: Vec::new(), dated: None })
            }
            None => {
                diagnostics.push(self.unknown(path, version));
                None
            }
        }
    }

    /// All rows of a source or an entity.
    fn of_declared(&self, base: TableId, path: &ast::Path, diagnostics: &mut Diagnostics) -> Option<RowSet> {
        let table = &self.tables[base.0];
        if table.history.is_some() {
            let name = &table.name.value;
            diagnostics.push(
                error!(E0526, path.span, "`{name}` keeps a history: its rows are versions, not things";
                    help: ("count the rows of a source that leads to it, or its versions as they came with `raw {name}`"))
                .related(table.name.span, "declared here"),
            );
            return None;
        }
        Some(RowSet { base, filters: Vec::new(), dated: None })
    }

    fn unknown(&self, path: &ast::Path, version: Option<u32>) -> crate::diagnostic::Diagnostic {
        if let (Some(name), Some(version)) = (path.single(), version)
            && self.names.row_set(name, None).is_some()
        {
            return error!(E0210, path.span, "`{path}` has no version {version}"; help: "name a version that is declared");
        }
        let text = path.to_string();
        let help = match near(&text, self.names.row_set_names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.names.has_metric(&text) => {
                format!("`{text}` is a metric; an aggregate is taken of a source, an entity or a subset")
            }
            None => "declare it as a source, an entity or a subset".to_owned(),
        };
        error!(E0207, path.span, "no row set named `{text}`"; help: help)
    }

    /// Adds a condition to a row set. What it calls `time` is the row's time as of here.
    pub fn filter(
        &self,
        rows: &mut RowSet,
        predicate: &ast::Expr,
        metrics: Option<&dyn RowMetrics>,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        if metrics.is_none() && names_metrics(predicate) {
            rows.filters.push(self.pending(rows, predicate));
            return Some(());
        }
        rows.filters.push(self.condition(rows, predicate, metrics, diagnostics)?);
        let conditions = rows.size(&self.tables);
        if too_large(conditions, "what these rows must satisfy", predicate.span, diagnostics) {
            return None;
        }
        predicate::inspect_filters(&rows.filters, diagnostics);
        Some(())
    }

    /// A condition on the rows of a row set.
    fn condition(
        &self,
        rows: &RowSet,
        predicate: &ast::Expr,
        metrics: Option<&dyn RowMetrics>,
        diagnostics: &mut Diagnostics,
    ) -> Option<RowExpr> {
        if names_metrics(predicate) && self.time(rows).is_none() {
            let name = &self.tables[rows.base.0].name;
            diagnostics.push(
                error!(E0653, predicate.span, "the rows of `{}` have no time, so nothing lies before them", name.value;
                    help: "take the rows of a source, or of an entity with a `time:`")
                .related(name.span, "declared here"),
            );
            return None;
        }
        let scope = RowScope { tables: &self.tables, base: rows.base, zone: self.zone };
        let mut typed = check_condition(&scope, predicate, metrics, diagnostics)?;
        self.check_as_of(rows, &typed, diagnostics)?;
        if let Some(time) = self.time(rows) {
            typed.replace_time(time);
        }
        Some(typed)
    }

    /// Makes a column the row set's time.
    pub fn date(&self, rows: &mut RowSet, path: &ast::Path, diagnostics: &mut Diagnostics) -> Option<()> {
        let table = &self.tables[rows.base.0];
        let Some(name) = path.single() else {
            diagnostics.push(error!(E0508, path.span, "`dated` takes a column of `{}`", table.name.value;
                help: "an entity's column cannot date a row"));
            return None;
        };
        let Some(column) = table.columns.iter().position(|column| !column.internal && column.name == *name) else {
            let shown = table.columns.iter().filter(|column| !column.internal);
            let help = match near(name, shown.map(|column| column.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a timestamp column of it".to_owned(),
            };
            diagnostics
                .push(error!(E0209, name.span, "`{}` has no column `{}`", table.name.value, name.value; help: help));
            return None;
        };
        if !matches!(table.columns[column].ty.ty, Type::Timestamp | Type::Null) {
            diagnostics.push(
                error!(E0501, name.span, "`dated` must be a timestamp"; help: "name a timestamp column")
                    .related(table.columns[column].name.span, "declared here"),
            );
            return None;
        }
        rows.dated = Some(ColumnId { table: rows.base, column });
        Some(())
    }

    /// The column that is the row set's time.
    pub fn time(&self, rows: &RowSet) -> Option<ColumnId> {
        let own = self.tables[rows.base.0].time.map(|column| ColumnId { table: rows.base, column });
        rows.dated.or(own)
    }

    /// A history is looked up as of the row's time: tells an expression that needs one where the rows have none.
    pub fn check_as_of(&self, rows: &RowSet, expr: &RowExpr, diagnostics: &mut Diagnostics) -> Option<()> {
        let needs = expr.history(&self.tables).filter(|_| self.time(rows).is_none());
        let Some(entity) = needs else { return Some(()) };
        let (of, name) = (&self.tables[rows.base.0].name.value, &self.tables[entity.0].name.value);
        diagnostics.push(
            error!(E0527, expr.span, "`{name}` keeps a history, but the rows of `{of}` have no time to look it up at";
                help: ("give `{of}` a `time:`, or look it up from the rows of a source"))
            .related(self.tables[entity.0].name.span, "keeps a history"),
        );
        None
    }
}
