//! Typing row sets: each becomes one table's rows with all of its filters.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{Names, RowName, later};
use crate::suggest::near;
use crate::syntax::ast::{self, RowSetKind};

use super::model::{ColumnId, RowExpr, RowExprKind, RowSet, Subset, Table, TableId, Type};
use super::size::too_large;
use super::{RowScope, check_predicate, predicate};

/// What row sets are typed with.
pub struct RowSets<'a> {
    /// The names of the program.
    pub names: &'a Names<'a>,
    /// All tables.
    pub tables: &'a [Table],
    /// The project's zone.
    pub zone: chrono_tz::Tz,
    /// The typed subsets by place; none for a broken one, which has been told.
    pub subsets: Vec<Option<Subset>>,
}

impl RowSets<'_> {
    /// Types the subset at a place.
    pub fn check_subset(&mut self, place: usize, diagnostics: &mut Diagnostics) {
        let declared = self.names.subsets[place];
        let texts = ["title", "title_en", "owner"];
        super::items::Items::read("subset", &declared.syntax.items, &texts, &[], diagnostics)
            .check_texts(&texts, diagnostics);
        let rows = self.check(&declared.syntax.rows, diagnostics);
        self.subsets[place] = rows.map(|rows| Subset {
            name: declared.syntax.name.clone(),
            version: declared.syntax.version.as_ref().map_or(1, |version| version.value),
            doc: declared.doc.map(str::to_owned),
            rows,
            span: declared.span,
        });
    }

    /// Types a row set.
    pub fn check(&self, rows: &ast::RowSet, diagnostics: &mut Diagnostics) -> Option<RowSet> {
        match &rows.kind {
            RowSetKind::Named { name, version } => {
                self.named(name, version.as_ref().map(|version| version.value), diagnostics)
            }
            RowSetKind::Parenthesised(inner) => self.check(inner, diagnostics),
            RowSetKind::Where { rows, predicate } => {
                let mut rows = self.check(rows, diagnostics)?;
                self.filter(&mut rows, predicate, diagnostics)?;
                Some(rows)
            }
            RowSetKind::Dated { rows, column } => {
                let mut rows = self.check(rows, diagnostics)?;
                self.date(&mut rows, column, diagnostics)?;
                Some(rows)
            }
            RowSetKind::Raw(path) => told(diagnostics, "raw", path.span),
            RowSetKind::FirstOf { .. } => told(diagnostics, "first of", rows.span),
            RowSetKind::Union(_) => told(diagnostics, "|", rows.span),
        }
    }

    fn named(&self, path: &ast::Path, version: Option<u32>, diagnostics: &mut Diagnostics) -> Option<RowSet> {
        let found = path.single().and_then(|name| self.names.row_set(name, version));
        match found {
            Some(RowName::Table(place)) => Some(RowSet { base: TableId(place), filters: Vec::new(), dated: None }),
            Some(RowName::Subset(place)) => self.subsets[place].as_ref().map(|subset| subset.rows.clone()),
            Some(RowName::Later) => None,
            None => {
                diagnostics.push(self.unknown(path, version));
                None
            }
        }
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
    pub fn filter(&self, rows: &mut RowSet, predicate: &ast::Expr, diagnostics: &mut Diagnostics) -> Option<()> {
        let scope = RowScope { tables: self.tables, base: rows.base, zone: self.zone };
        let mut typed = check_predicate(&scope, predicate, diagnostics)?;
        if let Some(time) = self.time(rows) {
            typed.replace_time(time);
        }
        rows.filters.push(typed);
        let conditions = rows.size(self.tables);
        if too_large(conditions, "what these rows must satisfy", predicate.span, diagnostics) {
            return None;
        }
        predicate::inspect_filters(&rows.filters, diagnostics);
        Some(())
    }

    /// Makes a column the row set's time.
    pub fn date(&self, rows: &mut RowSet, path: &ast::Path, diagnostics: &mut Diagnostics) -> Option<()> {
        let table = &self.tables[rows.base.0];
        let Some(name) = path.single() else {
            diagnostics.push(error!(E0508, path.span, "`dated` takes a column of `{}`", table.name.value;
                help: "an entity's column cannot date a row"));
            return None;
        };
        let Some(column) = table.columns.iter().position(|column| column.name == *name) else {
            let help = match near(name, table.columns.iter().map(|column| column.name.as_str())) {
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
    fn time(&self, rows: &RowSet) -> Option<ColumnId> {
        let own = self.tables[rows.base.0].time.map(|column| ColumnId { table: rows.base, column });
        rows.dated.or(own)
    }
}

fn told(diagnostics: &mut Diagnostics, what: &str, span: Span) -> Option<RowSet> {
    diagnostics.push(later(what, span));
    None
}

impl RowExpr {
    /// Calls `visit` for this and every expression below it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a RowExpr)) {
        visit(self);
        match &self.kind {
            RowExprKind::Call(_, arguments) | RowExprKind::Sql { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.walk(visit));
            }
            RowExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk(visit);
                    value.walk(visit);
                }
                otherwise.iter().for_each(|value| value.walk(visit));
            }
            RowExprKind::Column(_) | RowExprKind::Time | RowExprKind::Inner | RowExprKind::Literal(_) => {}
        }
    }

    /// Changes this and every expression below it.
    pub fn walk_mut(&mut self, change: &mut impl FnMut(&mut RowExpr)) {
        change(self);
        match &mut self.kind {
            RowExprKind::Call(_, arguments) | RowExprKind::Sql { arguments, .. } => {
                arguments.iter_mut().for_each(|argument| argument.walk_mut(change));
            }
            RowExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk_mut(change);
                    value.walk_mut(change);
                }
                otherwise.iter_mut().for_each(|value| value.walk_mut(change));
            }
            RowExprKind::Column(_) | RowExprKind::Time | RowExprKind::Inner | RowExprKind::Literal(_) => {}
        }
    }

    /// Puts a column in the place of the row's time.
    pub fn replace_time(&mut self, time: ColumnId) {
        self.walk_mut(&mut |part| {
            if matches!(part.kind, RowExprKind::Time) {
                part.kind = RowExprKind::Column(vec![time]);
            }
        });
    }
}
