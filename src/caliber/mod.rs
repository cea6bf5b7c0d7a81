//! Calibers: what each declaration means, in a form that only its meaning decides.
//!
//! Each has two fingerprints. The *effective* one is of the checked program, with all names written out down to tables and
//! columns of the warehouse: it changes when, and only when, the numbers may. The *own* one is of the text, with what it names by
//! name: it tells whether a changed number is the declaration's doing, or that of something it names. Both are of terms in their
//! normal form, so that neither order nor layout, titles, files nor double negations make a difference.
//!
//! What is no part of a caliber: titles, owners, descriptions, by which dimensions something is shown, how it is served, samples,
//! streams, and how late rows may come. Of several default steps the coarsest is a part of it, in which a metric is asked for
//! where nobody says another one.

mod compare;
mod how;
mod items;
mod lock;
mod meaning;
mod moved;
mod normal;
mod parts;
mod said;
mod stages;
mod tables;
mod term;
mod written;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::diagnostic::Span;
use crate::lineage::Kind;
use crate::resolve::BEHAVIOURS;
use crate::syntax::ast::{self, Block, DeclarationKind};
use crate::types::{By, Column, ColumnId, Fill, Grain, Metric, MetricId, Model, Origin, TableId, Unit};

use items::of_behaviour;
use meaning::step_term;
use normal::sorted;
use said::Own;
use written::{expr, rows};

pub use compare::{Change, Comparison, PROJECT, Settings, State, compare, duplicates};
pub use lock::{LOCK_FILE, Lock, Locked, LockedStage, parse, write};
pub use moved::moved;
pub use said::Said;
pub use stages::Restaged;
pub use term::Fingerprint;

pub(crate) use meaning::{Meaning, Over, aggregation};
pub(crate) use normal::call;
pub(crate) use parts::Parts;
pub(crate) use term::Term;

/// What a declaration means.
#[derive(Clone, Debug)]
pub struct Caliber {
    /// What is declared.
    pub kind: Kind,
    /// Its name; of a column `order.pay_amount`.
    pub name: String,
    /// Its version, of a column that of its table; 1 where none is written.
    pub version: u32,
    /// Of what it says itself.
    pub own: Fingerprint,
    /// Of what it means in the end.
    pub effective: Fingerprint,
    /// What it says itself, to be read.
    pub form: Arc<[String]>,
    /// Where its name stands.
    pub span: Span,
    /// Of a metric: by what it is shown and at which steps. Two metrics that mean the same may differ in this.
    pub shown: Option<(Vec<Grain>, Vec<By>)>,
}

/// The calibers of a program without errors, sorted by kind, name and version.
pub fn calibers(files: &[Arc<ast::File>], model: &Model) -> Vec<Caliber> {
    calibers_of(files, &Said::of(files), model)
}

/// The same of a program of which it is known what its files say.
pub fn calibers_of(files: &[Arc<ast::File>], said: &Said, model: &Model) -> Vec<Caliber> {
    let mut making = Making { meaning: Meaning::new(model), model, parts: Parts::new(model), found: Vec::new() };
    for (file, said) in files.iter().zip(&said.0) {
        for (declaration, own) in file.declarations.iter().zip(said.iter()) {
            if let Some(own) = own {
                making.declaration(declaration, own.clone());
            }
        }
    }
    let mut found = making.found;
    found.sort_by(|a, b| (a.kind, &a.name, a.version).cmp(&(b.kind, &b.name, b.version)));
    found
}

struct Making<'a> {
    meaning: Meaning<'a>,
    model: &'a Model,
    parts: Parts<'a>,
    found: Vec<Caliber>,
}

/// Name, version and place of a declaration.
struct Head<'a> {
    kind: Kind,
    name: &'a ast::Name,
    version: u32,
}

impl Head<'_> {
    fn new<'a>(kind: Kind, name: &'a ast::Name, version: &Option<crate::diagnostic::Spanned<u32>>) -> Head<'a> {
        Head { kind, name, version: version.as_ref().map_or(1, |version| version.value) }
    }
}

impl Making<'_> {
    fn declaration(&mut self, declaration: &ast::Declaration, own: Own) {
        match &declaration.kind {
            DeclarationKind::Entity(table) => self.table(Kind::Entity, table, own),
            DeclarationKind::Source(table) => self.table(Kind::Source, table, own),
            DeclarationKind::Subset(subset) => {
                if let Some(found) = self.parts.subset(subset.name.span) {
                    let effective = self.meaning.of_rows(&found.rows);
                    let head = Head::new(Kind::Subset, &subset.name, &subset.version);
                    self.add(head, own, effective);
                }
            }
            DeclarationKind::Dimension(dimension) => self.dimension(dimension, own),
            DeclarationKind::Metric(metric) => self.metric(metric, own),
            DeclarationKind::Block(block) => self.block(block, declaration.span, own),
            DeclarationKind::Hierarchy(_) | DeclarationKind::Test(_) | DeclarationKind::Change(_) => {}
        }
    }

    fn add(&mut self, head: Head<'_>, own: Own, effective: Term) {
        let Head { kind, name, version } = head;
        self.push(kind, name.value.clone(), version, name.span, own, effective);
    }

    fn push(&mut self, kind: Kind, name: String, version: u32, span: Span, own: Own, effective: Term) {
        let Own { fingerprint: own, form } = own;
        let effective = Term::form(kind.word(), vec![effective]).fingerprint();
        self.found.push(Caliber { kind, name, version, own, effective, form, span, shown: None });
    }

    fn table(&mut self, kind: Kind, table: &ast::Table, own: Own) {
        let Some(id) = self.parts.table(table.name.span) else { return };
        let effective = self.meaning.rows_of_table(id);
        let head = Head::new(kind, &table.name, &table.version);
        let version = head.version;
        self.add(head, own, effective);
        for (column, declared) in self.model.table(id).columns.iter().enumerate() {
            let written = table.columns.iter().find(|one| one.name.span == declared.name.span);
            let Some(written) = written.filter(|_| !declared.internal) else { continue };
            let own = match &written.computed {
                Some(value) => vec![expr(value)],
                None => vec![Term::name(self.meaning.stored_type(declared))],
            };
            self.column(&table.name, version, (id, column), declared, own);
        }
    }

    /// A column, which has the version of its table: so a new one is no change of what was there.
    fn column(&mut self, of: &ast::Name, version: u32, at: (TableId, usize), declared: &Column, own: Vec<Term>) {
        let effective = self.meaning.of_column(ColumnId { table: at.0, column: at.1 }, None);
        let name = format!("{}.{}", of.value, declared.name.value);
        self.push(Kind::Column, name, version, declared.name.span, Own::of(Kind::Column, own), effective);
    }

    fn dimension(&mut self, dimension: &ast::Dimension, own: Own) {
        let Some(found) = self.parts.dimension(dimension.name.span) else { return };
        let effective = self.meaning.of_dimension(found);
        self.add(Head::new(Kind::Dimension, &dimension.name, &dimension.version), own, effective);
    }

    fn metric(&mut self, metric: &ast::Metric, own: Own) {
        let Some(id) = self.parts.metric(metric.name.span) else { return };
        let declared = &self.model.metrics[id.0];
        let effective = self.of_metric(id, declared);
        self.add(Head::new(Kind::Metric, &metric.name, &metric.version), own, effective);
        if let Some(last) = self.found.last_mut() {
            last.shown = Some((declared.grain.clone(), declared.by.clone()));
        }
    }

    fn of_metric(&self, id: MetricId, metric: &Metric) -> Term {
        let fill = match metric.fill {
            Fill::None => "none",
            Fill::Null => "null",
            Fill::Zero => "zero",
        };
        let grain = match metric.grain.last() {
            Some(Grain::Step(step)) => step_term(*step),
            Some(Grain::Total) | None => Term::name("total"),
        };
        let unit = self.unit(metric.ty.unit.as_ref());
        Term::form("metric", vec![self.meaning.of_metric(id), unit, Term::name(fill), grain])
    }

    /// A unit; one of the name of a table is the table, however that is called.
    fn unit(&self, unit: Option<&Unit>) -> Term {
        let Some(unit) = unit else { return Term::Null };
        let names: Vec<&str> = unit.names().collect();
        let known: FxHashMap<&str, TableId> =
            names.iter().filter_map(|name| Some((*name, self.model.table_named(name)?))).collect();
        let of = |name: &&str| match known.get(name) {
            Some(table) => self.meaning.of_table(*table),
            None => Term::name(*name),
        };
        let all = names
            .iter()
            .map(|name| Term::form("power", vec![of(name), Term::number(i128::from(unit.exponent(name)), 0)]));
        Term::form("unit", sorted(all.collect()))
    }

    fn block(&mut self, block: &Block, span: Span, own: Own) {
        match block.keyword.as_str() {
            "session" => {
                let found = self.parts.made(span, |origin| matches!(origin, Origin::Session(_))).next();
                if let Some(id) = found {
                    self.session(block, id, own);
                }
            }
            "calendar" => self.calendar(block, own),
            keyword => {
                let Some(keyword) = BEHAVIOURS.iter().find(|known| **known == keyword) else { return };
                // The tables that metrics add for what they aggregate over it belong to these metrics.
                let tables = self.parts.made(span, |origin| match origin {
                    Origin::Made(made) => !made.how.is_of_argument(),
                    _ => true,
                });
                let tables = sorted(tables.map(|id| self.meaning.of_table(id)).collect());
                let mut parts = vec![Term::form("tables", tables)];
                // Which metrics an experiment measures, its tables don't tell.
                parts.push(Term::form("measured", sorted(self.measured(block))));
                parts.extend(of_behaviour(block, false));
                let head = Head::new(Kind::Behaviour(keyword), &block.name, &block.version);
                self.add(head, own, Term::form("behaviour", parts));
            }
        }
    }

    fn measured(&self, block: &Block) -> Vec<Term> {
        let mut found = Vec::new();
        for item in block.items.iter().filter(|_| block.keyword.value == "experiment") {
            let ast::ItemKind::Keyed { key, values } = &item.kind else { continue };
            for value in values.iter().filter(|_| key.value == "metrics") {
                let ast::ValueKind::Expr { expr, .. } = &value.kind else { continue };
                let ast::ExprKind::Path { path, version } = &expr.kind else { continue };
                let version = version.as_ref().map(|version| version.value);
                let metric = self.model.metric_named(&path.to_string(), version);
                found.extend(metric.map(|metric| self.meaning.of_metric(metric)));
            }
        }
        found
    }

    fn session(&mut self, block: &Block, id: TableId, own: Own) {
        let head = Head::new(Kind::Session, &block.name, &block.version);
        let version = head.version;
        let effective = self.meaning.rows_of_table(id);
        self.add(head, own, effective);
        let kept = block.items.iter().filter_map(|item| match &item.kind {
            ast::ItemKind::Keyed { key, values } if key.value == "keep" => Some(values),
            _ => None,
        });
        let kept: Vec<&ast::Value> = kept.flatten().collect();
        let columns = self.model.table(id).columns.iter().enumerate().filter(|(_, column)| !column.internal);
        for ((place, declared), value) in columns.skip(tables::SESSION_COLUMNS).zip(kept) {
            let own = items::of_value(value, true).into_iter().collect();
            self.column(&block.name, version, (id, place), declared, own);
        }
    }

    /// A calendar is its days; its steps are columns of it, so that a new one is no change of the others.
    fn calendar(&mut self, block: &Block, own: Own) {
        let Some(calendar) = self.model.calendars.iter().find(|one| one.name.span == block.name.span) else { return };
        let Some(first) = calendar.steps.first() else { return };
        let (table, day) = (&first.source().table, &first.source().day);
        let days = Term::form("days", vec![Term::Text(table.clone()), Term::Text(day.clone())]);
        self.add(Head::new(Kind::Calendar, &block.name, &None), own, days);
        for step in &calendar.steps {
            let written = block.items.iter().find_map(|item| match &item.kind {
                ast::ItemKind::Step { name, rows, .. } if name.value == step.source().step => Some((name, rows)),
                _ => None,
            });
            let Some((name, of)) = written else { continue };
            let effective = step_term(crate::value::Step::Declared(*step));
            self.push(Kind::Column, step.name(), 1, name.span, Own::of(Kind::Column, vec![rows(of)]), effective);
        }
    }
}
