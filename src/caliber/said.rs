//! What declarations say themselves. Only their text decides it, so that files which are shared have it made once.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::lineage::Kind;
use crate::resolve::BEHAVIOURS;
use crate::stack;
use crate::syntax::ast::{self, Block, Declaration, DeclarationKind};

use super::items::{of_behaviour, of_keys};
use super::normal::sorted;
use super::term::{Fingerprint, Term};
use super::written::{expr, named, rows, type_name, words};

/// What something says itself.
#[derive(Clone, Debug)]
pub struct Own {
    pub fingerprint: Fingerprint,
    /// To be read.
    pub form: Arc<[String]>,
}

impl Own {
    /// Of its parts.
    pub fn of(kind: Kind, parts: Vec<Term>) -> Own {
        let form = parts.iter().map(ToString::to_string).collect();
        Own { fingerprint: Term::form(kind.word(), parts).fingerprint(), form }
    }
}

/// What all declarations of a program say themselves: of each file, in the order of its declarations.
#[derive(Clone, Debug)]
pub struct Said(pub(super) Vec<Arc<[Option<Own>]>>);

impl Said {
    /// Of the files of a program.
    pub fn of(files: &[Arc<ast::File>]) -> Said {
        Said(all(files.iter().collect()))
    }

    /// Of the files of two programs, of which some are shared.
    pub fn of_both(one: &[Arc<ast::File>], other: &[Arc<ast::File>]) -> (Said, Said) {
        let mut files: Vec<&Arc<ast::File>> = one.iter().collect();
        let mut places: FxHashMap<*const ast::File, usize> = FxHashMap::default();
        places.extend(files.iter().enumerate().map(|(place, file)| (Arc::as_ptr(file), place)));
        let of_other = other.iter().map(|file| {
            *places.entry(Arc::as_ptr(file)).or_insert_with(|| {
                files.push(file);
                files.len() - 1
            })
        });
        let of_other: Vec<usize> = of_other.collect();
        let mut said = all(files);
        let other = of_other.into_iter().map(|place| said[place].clone()).collect();
        said.truncate(one.len());
        (Said(said), Said(other))
    }
}

fn all(files: Vec<&Arc<ast::File>>) -> Vec<Arc<[Option<Own>]>> {
    files.into_par_iter().map(|file| stack::enough(|| file.declarations.iter().map(of).collect())).collect()
}

/// Of a declaration; none where it gives no number: a hierarchy orders dimensions, a test asks, a change tells of others.
fn of(declaration: &Declaration) -> Option<Own> {
    let table = |table: &ast::Table| of_keys(&table.items, &["table", "key", "time", "valid", "snapshot"]);
    let (kind, parts) = match &declaration.kind {
        DeclarationKind::Entity(entity) => (Kind::Entity, table(entity)),
        DeclarationKind::Source(source) => (Kind::Source, table(source)),
        DeclarationKind::Subset(subset) => (Kind::Subset, vec![rows(&subset.rows)]),
        DeclarationKind::Dimension(dimension) => (Kind::Dimension, of_dimension(dimension)),
        DeclarationKind::Metric(metric) => {
            let mut parts = vec![expr(&metric.formula)];
            parts.extend(of_keys(&metric.items, &["unit", "fill", "grain"]));
            (Kind::Metric, parts)
        }
        DeclarationKind::Block(block) => of_block(block)?,
        DeclarationKind::Hierarchy(_) | DeclarationKind::Test(_) | DeclarationKind::Change(_) => return None,
    };
    Some(Own::of(kind, parts))
}

fn of_dimension(dimension: &ast::Dimension) -> Vec<Term> {
    let mut parts = Vec::new();
    parts.extend(dimension.ty.iter().map(type_name));
    parts.extend(dimension.on.iter().map(|on| words([Term::name("on"), named(on, &None)])));
    parts.extend(sorted(dimension.bindings.iter().map(expr).collect()));
    parts.extend(dimension.otherwise.iter().map(|value| words([Term::name("else"), expr(value)])));
    parts
}

fn of_block(block: &Block) -> Option<(Kind, Vec<Term>)> {
    Some(match block.keyword.as_str() {
        "session" => {
            let of = words(block.of.iter().flat_map(|(of, _)| [Term::name("of"), named(of, &None)]));
            (Kind::Session, std::iter::once(of).chain(of_keys(&block.items, &["events", "gap"])).collect())
        }
        "calendar" => (Kind::Calendar, of_keys(&block.items, &["table", "day"])),
        keyword => {
            let keyword = BEHAVIOURS.iter().find(|known| **known == keyword)?;
            (Kind::Behaviour(keyword), of_behaviour(block, true))
        }
    })
}
