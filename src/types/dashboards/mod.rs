//! `dashboard` declarations: which metrics are shown together, in which form, by what, and over which time.

mod check;
mod panel;

use crate::diagnostic::Span;
use crate::syntax::ast;
use crate::value::{Span as Length, Step};

use super::{DimensionId, Language, MetricId, Model};

pub use check::check_dashboards;

/// Panels that are looked at together.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// Its name.
    pub name: ast::Name,
    /// Its description.
    pub doc: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `title_en`
    pub title_en: Option<String>,
    /// `owner`
    pub owner: Option<String>,
    /// In which language titles are taken.
    pub language: Language,
    /// How much time is shown where nobody chooses another one.
    pub range: Length,
    /// How often it is read anew, in milliseconds; never by itself where it is not said.
    pub refresh: Option<i64>,
    /// The dimensions of which values can be chosen: texts, each once. A panel without such a dimension shows all.
    pub filter: Vec<DimensionId>,
    /// Its rows, from the top; each has a panel.
    pub rows: Vec<PanelRow>,
    /// The declaration.
    pub span: Span,
}

impl Dashboard {
    /// All panels, in order.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }

    /// The dimensions by which a panel can be filtered: those that all its metrics have.
    pub fn filtered<'a>(&'a self, model: &'a Model, shown: &'a Shown) -> impl Iterator<Item = DimensionId> + 'a {
        self.filter.iter().copied().filter(move |id| shown.has_dimension(model, *id))
    }

    /// What its panels show of metrics, in order.
    pub fn shown(&self) -> impl Iterator<Item = &Shown> {
        self.panels().filter_map(|panel| match &panel.content {
            Content::Metrics(shown) => Some(shown),
            Content::Words(_) => None,
        })
    }
}

/// Panels beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelRow {
    /// What stands above them.
    pub title: String,
    /// They, from the left.
    pub panels: Vec<Panel>,
}

/// Something that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What.
    pub content: Content,
    /// Where it stands.
    pub span: Span,
}

/// What a panel shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Words, as Markdown.
    Words(String),
    /// Metrics.
    Metrics(Shown),
}

/// Metrics in a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The form.
    pub form: Form,
    /// The metrics, in order, each once.
    pub metrics: Vec<MetricId>,
    /// By which dimensions, in order, each once.
    pub by: Vec<DimensionId>,
    /// Of how many groups: those with the greatest values of the first metric in the last complete bucket.
    pub top: Option<u64>,
    /// The length of the buckets.
    pub step: Step,
    /// How much time, where it is not that of the dashboard.
    pub range: Option<Length>,
    /// What is shown beside it: the value so long before. It moves buckets to buckets.
    pub compare: Option<Length>,
    /// What stands above it, where that is not the titles of the metrics.
    pub title: Option<String>,
}

/// The form of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The value of the last complete bucket, large.
    Card,
    /// A line over time, for each group.
    Line,
    /// The same with the area below it.
    Area,
    /// Areas upon each other, one for each group.
    Stacked,
    /// Bars: over time, or with groups one for each of them in the last complete bucket.
    Bar,
    /// The groups of the last complete bucket as parts of a whole.
    Share,
    /// The groups of the last complete bucket as rows; without groups a row a bucket.
    Table,
}

impl Form {
    /// All of them, as they are written.
    pub const WORDS: [(&'static str, Form); 7] = [
        ("card", Form::Card),
        ("line", Form::Line),
        ("area", Form::Area),
        ("stacked", Form::Stacked),
        ("bar", Form::Bar),
        ("share", Form::Share),
        ("table", Form::Table),
    ];

    /// As it is written.
    pub fn word(self) -> &'static str {
        let of = |(word, form): &(&'static str, Form)| (*form == self).then_some(*word);
        Form::WORDS.iter().find_map(of).unwrap_or_default()
    }
}

impl Shown {
    /// Whether all rows of all its metrics have a dimension.
    pub fn has_dimension(&self, model: &Model, dimension: DimensionId) -> bool {
        let mut read = self.metrics.iter().flat_map(|metric| &model.facts[metric.0].reads);
        read.all(|table| model.bind(dimension, *table).is_ok())
    }

    /// Whether it has the last complete bucket alone.
    pub fn is_last(&self) -> bool {
        match self.form {
            Form::Share => true,
            Form::Bar | Form::Table => !self.by.is_empty(),
            Form::Card | Form::Line | Form::Area | Form::Stacked => false,
        }
    }
}
