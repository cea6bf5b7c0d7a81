//! Items that start with a word of their own, and columns.

use super::{Builder, expr::Place};
use crate::{
    diagnostic::{Span, Spanned},
    error,
    syntax::{
        ast::{Column, ItemKind, Name, Path, Pii, WidgetOption, WidgetSubject, WidgetValue},
        grammar::{Node, Rule},
    },
};

impl Builder<'_> {
    /// `column NAME: type …`
    pub fn column(&mut self, node: Node<'_>, doc: Option<Spanned<String>>, span: Span) -> Option<Column> {
        let mut name = None;
        let mut ty = None;
        let mut unit: Option<Name> = None;
        let mut pii = None;
        let mut computed = None;
        for inner in node.into_inner() {
            let inner_span = self.span(&inner);
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::typ => ty = Some(self.ty(inner)?),
                Rule::column_unit if unit.is_some() => return self.twice(inner_span, "unit"),
                Rule::pii if pii.is_some() => return self.twice(inner_span, "pii"),
                Rule::column_unit => unit = self.last_name(inner),
                Rule::pii => {
                    let label = self.last_name(inner).map_or(Pii::Plain, |name| Pii::Qualified(name.value));
                    pii = Some(Spanned::new(label, inner_span));
                }
                Rule::expr => computed = Some(self.expr(inner, Place::Row)?),
                _ => {}
            }
        }
        Some(Column { doc, name: name?, ty: ty?, unit, pii, computed, span: Spanned::new((), span) })
    }

    fn twice<T>(&mut self, span: Span, word: &str) -> Option<T> {
        self.tell(error!(E0125, span, "this column has a second `{word}`"; help: "keep one of them"))
    }

    fn last_name(&self, node: Node<'_>) -> Option<Name> {
        node.into_inner().find(|n| n.as_rule() == Rule::ident).map(|n| self.name(&n))
    }

    /// `step pay = paid_order by user_id optional`
    pub fn step_item(&mut self, node: Node<'_>) -> Option<ItemKind> {
        let mut name = None;
        let mut rows = None;
        let mut by = None;
        let mut optional = false;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::expr => rows = Some(self.rows(inner)?),
                Rule::path => by = Some(self.path(&inner)?),
                Rule::k_optional => optional = true,
                _ => {}
            }
        }
        Some(ItemKind::Step { name: name?, rows: rows?, by, optional })
    }

    /// `exclude cancel = R after pay before again drop`
    pub fn exclude_item(&mut self, node: Node<'_>) -> Option<ItemKind> {
        let mut names: Vec<Name> = Vec::new();
        let mut rows = None;
        let mut drop = false;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => names.push(self.name(&inner)),
                Rule::expr => rows = Some(self.rows(inner)?),
                Rule::k_drop => drop = true,
                _ => {}
            }
        }
        let (before, after, name) = (names.pop()?, names.pop()?, names.pop()?);
        Some(ItemKind::Exclude { name, rows: rows?, after, before, drop })
    }

    /// `class champion when r >= 4`
    pub fn class_item(&mut self, node: Node<'_>) -> Option<ItemKind> {
        let mut name = None;
        let mut when = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::expr => when = Some(self.expr(inner, Place::Formula)?),
                _ => {}
            }
        }
        Some(ItemKind::Class { name: name?, when })
    }

    /// `measure f = count(paid_order over 90d)`
    pub fn measure_item(&mut self, node: Node<'_>) -> Option<ItemKind> {
        let mut name = None;
        let mut value = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::since | Rule::expr => value = Some(self.measure(&inner)?),
                _ => {}
            }
        }
        Some(ItemKind::Measure { name: name?, value: value? })
    }

    /// `score 5`
    pub fn score_item(&mut self, node: Node<'_>) -> Option<ItemKind> {
        let count = node.into_inner().find(|n| n.as_rule() == Rule::integer)?;
        Some(ItemKind::Score(self.integer(&count)?))
    }

    /// The title of `row "KPI" { … }`.
    pub fn row_title(&self, node: Node<'_>) -> Option<Spanned<String>> {
        node.into_inner().find(|n| n.as_rule() == Rule::string).map(|n| self.string(&n))
    }

    /// `line dau by platform top 10 range 90d`
    pub fn widget(&mut self, node: Node<'_>) -> Option<ItemKind> {
        let mut form = None;
        let mut words = None;
        let mut metrics: Vec<Path> = Vec::new();
        let mut by: Vec<Path> = Vec::new();
        let mut top = None;
        let mut options = Vec::new();
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::word => form = Some(self.name(&inner)),
                Rule::string => words = Some(WidgetSubject::Text(self.string(&inner))),
                Rule::path => metrics.push(self.path(&inner)?),
                Rule::widget_by => {
                    for path in inner.into_inner().filter(|part| part.as_rule() == Rule::path) {
                        by.push(self.path(&path)?);
                    }
                }
                Rule::integer => top = Some(self.integer(&inner)?),
                Rule::widget_opt => options.push(self.widget_option(inner)?),
                _ => {}
            }
        }
        let subject = words.unwrap_or(WidgetSubject::Metrics(metrics));
        Some(ItemKind::Widget { form: form?, subject, by, top, options })
    }

    /// `range 90d`, `title "…"`
    fn widget_option(&mut self, node: Node<'_>) -> Option<WidgetOption> {
        let (mut name, mut value) = (None, None);
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::string => value = Some(WidgetValue::Text(self.string(&inner))),
                Rule::step => value = Some(WidgetValue::Step(self.step(inner)?)),
                _ => {}
            }
        }
        Some(WidgetOption { name: name?, value: value? })
    }
}
