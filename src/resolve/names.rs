//! The tables of names, with duplicates and later kinds told.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, DeclarationKind};
use crate::types::TableKind;

/// A declaration with what stands around it.
#[derive(Debug)]
pub struct Declared<'a, T> {
    /// The declaration itself.
    pub syntax: &'a T,
    /// Its description.
    pub doc: Option<&'a str>,
    /// From the keyword to the end.
    pub span: Span,
}

impl<T> Clone for Declared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Declared<'_, T> {}

/// What the name of a row set stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowName {
    /// A source or an entity, by its place in [`Names::tables`].
    Table(usize),
    /// A subset, by its place in [`Names::subsets`].
    Subset(usize),
    /// A session, by its place in [`Names::sessions`].
    Session(usize),
}

/// The keywords of behaviour whose meaning is compiled.
pub const BEHAVIOURS: &[&str] =
    &["cohort", "lifecycle", "funnel", "conversion", "attribution", "path", "segment", "experiment"];

/// Whether declarations with a keyword and a block are compiled.
pub fn is_compiled(keyword: &str) -> bool {
    matches!(keyword, "session" | "calendar" | "quality" | "report" | "dashboard" | "alert" | "slo")
        || BEHAVIOURS.contains(&keyword)
}

type Versions = Vec<(u32, usize)>;

/// What names are unique in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// Sources, entities, subsets and sessions.
    Rows,
    /// Dimensions.
    Dimension,
    /// Metrics and tables of behaviour.
    Metric,
}

/// The versions that bare names mean, where that is not the newest: a change of the name is in double run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(Vec<(Space, String, u32)>);

impl Pins {
    /// Lets a name mean a version; of several the lowest counts.
    pub fn add(&mut self, space: Space, name: &str, version: u32) {
        match self.0.iter_mut().find(|(known, of, _)| *known == space && of == name) {
            Some((.., known)) => *known = version.min(*known),
            None => self.0.push((space, name.to_owned(), version)),
        }
    }

    /// The version that a name means; none where it is the newest.
    pub fn of(&self, space: Space, name: &str) -> Option<u32> {
        let found = self.0.iter().find(|(known, of, _)| *known == space && of == name);
        found.map(|(.., version)| *version)
    }
}

/// All declarations of a program by name.
#[derive(Debug, Default)]
pub struct Names<'a> {
    /// Sources and entities.
    pub tables: Vec<(TableKind, Declared<'a, ast::Table>)>,
    /// Subsets.
    pub subsets: Vec<Declared<'a, ast::Subset>>,
    /// Sessions.
    pub sessions: Vec<Declared<'a, ast::Block>>,
    /// Calendars.
    pub calendars: Vec<Declared<'a, ast::Block>>,
    /// Tables of behaviour: cohorts and the like.
    pub behaviours: Vec<Declared<'a, ast::Block>>,
    /// Dimensions.
    pub dimensions: Vec<Declared<'a, ast::Dimension>>,
    /// Hierarchies.
    pub hierarchies: Vec<Declared<'a, ast::Hierarchy>>,
    /// Metrics.
    pub metrics: Vec<Declared<'a, ast::Metric>>,
    /// Tests.
    pub tests: Vec<Declared<'a, ast::Test>>,
    /// Reports.
    pub reports: Vec<Declared<'a, ast::Block>>,
    /// Dashboards.
    pub dashboards: Vec<Declared<'a, ast::Block>>,
    /// Alerts.
    pub alerts: Vec<Declared<'a, ast::Block>>,
    /// Objectives.
    pub slos: Vec<Declared<'a, ast::Block>>,
    /// Changes of calibers.
    pub changes: Vec<Declared<'a, ast::Change>>,
    /// Rules of quality.
    pub qualities: Vec<Declared<'a, ast::Block>>,
    /// What bare names mean.
    pub pins: Pins,
    rows: FxHashMap<&'a str, Vec<(u32, RowName)>>,
    dimension_names: FxHashMap<&'a str, Versions>,
    metric_names: FxHashMap<&'a str, Versions>,
    behaviour_names: FxHashMap<&'a str, Versions>,
    quality_names: FxHashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    /// The names of all `files`. Duplicates and declarations of later kinds are told.
    pub fn collect(files: &'a [Arc<ast::File>], diagnostics: &mut Diagnostics) -> Names<'a> {
        let mut names = Names::default();
        let mut seen = Seen::default();
        for declaration in files.iter().flat_map(|file| &file.declarations) {
            names.add(declaration, &mut seen, diagnostics);
        }
        names
    }

    fn add(&mut self, declaration: &'a ast::Declaration, seen: &mut Seen<'a>, diagnostics: &mut Diagnostics) {
        let doc = declaration.doc.as_ref().map(|doc| doc.value.as_str());
        let span = declaration.span;
        match &declaration.kind {
            DeclarationKind::Entity(table) | DeclarationKind::Source(table) => {
                let kind = match declaration.kind {
                    DeclarationKind::Entity(_) => TableKind::Entity,
                    _ => TableKind::Source,
                };
                if seen.first("row set", &table.name, table.version.as_ref(), diagnostics) {
                    let row = RowName::Table(self.tables.len());
                    self.rows.entry(table.name.as_str()).or_default().push((version(table.version.as_ref()), row));
                    self.tables.push((kind, Declared { syntax: table, doc, span }));
                }
            }
            DeclarationKind::Subset(subset) => {
                if seen.first("row set", &subset.name, subset.version.as_ref(), diagnostics) {
                    let row = RowName::Subset(self.subsets.len());
                    self.rows.entry(subset.name.as_str()).or_default().push((version(subset.version.as_ref()), row));
                    self.subsets.push(Declared { syntax: subset, doc, span });
                }
            }
            DeclarationKind::Dimension(dimension) => {
                if seen.first("dimension", &dimension.name, dimension.version.as_ref(), diagnostics) {
                    let versions = self.dimension_names.entry(dimension.name.as_str()).or_default();
                    versions.push((version(dimension.version.as_ref()), self.dimensions.len()));
                    self.dimensions.push(Declared { syntax: dimension, doc, span });
                }
            }
            DeclarationKind::Hierarchy(hierarchy) => {
                if seen.first("hierarchy", &hierarchy.name, None, diagnostics) {
                    self.hierarchies.push(Declared { syntax: hierarchy, doc, span });
                }
            }
            DeclarationKind::Metric(metric) => {
                if seen.first("metric", &metric.name, metric.version.as_ref(), diagnostics) {
                    let place = self.metrics.len();
                    let versions = self.metric_names.entry(metric.name.as_str()).or_default();
                    versions.push((version(metric.version.as_ref()), place));
                    self.metrics.push(Declared { syntax: metric, doc, span });
                }
            }
            DeclarationKind::Test(test) => self.tests.push(Declared { syntax: test, doc, span }),
            DeclarationKind::Change(change) => self.changes.push(Declared { syntax: change, doc, span }),
            DeclarationKind::Block(block) if block.keyword.value == "session" => {
                if seen.first("row set", &block.name, block.version.as_ref(), diagnostics) {
                    let row = RowName::Session(self.sessions.len());
                    self.rows.entry(block.name.as_str()).or_default().push((version(block.version.as_ref()), row));
                    self.sessions.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) if block.keyword.value == "calendar" => {
                if seen.first("calendar", &block.name, None, diagnostics) {
                    self.calendars.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) if block.keyword.value == "report" => {
                if seen.first("report", &block.name, None, diagnostics) {
                    self.reports.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) if BEHAVIOURS.contains(&block.keyword.as_str()) => {
                if seen.first("metric", &block.name, block.version.as_ref(), diagnostics) {
                    let versions = self.behaviour_names.entry(block.name.as_str()).or_default();
                    versions.push((version(block.version.as_ref()), self.behaviours.len()));
                    self.behaviours.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) if block.keyword.value == "quality" => {
                if seen.first("metric", &block.name, block.version.as_ref(), diagnostics) {
                    self.quality_names.insert(block.name.as_str(), self.qualities.len());
                    self.qualities.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) if block.keyword.value == "dashboard" => {
                if seen.first("dashboard", &block.name, None, diagnostics) {
                    self.dashboards.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) if block.keyword.value == "alert" => {
                if seen.first("alert", &block.name, None, diagnostics) {
                    self.alerts.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) if block.keyword.value == "slo" => {
                if seen.first("slo", &block.name, None, diagnostics) {
                    self.slos.push(Declared { syntax: block, doc, span });
                }
            }
            DeclarationKind::Block(block) => {
                diagnostics.push(later(block.keyword.as_str(), block.keyword.span.to(block.name.span)));
            }
        }
    }

    /// The row set of a name, with a version or the one that the name alone means.
    pub fn row_set(&self, name: &str, version: Option<u32>) -> Option<RowName> {
        self.meant(Space::Rows, name, self.rows.get(name)?, version)
    }

    /// The place of a dimension in the version that its name means.
    pub fn dimension(&self, name: &str) -> Option<usize> {
        self.meant(Space::Dimension, name, self.dimension_names.get(name)?, None)
    }

    /// The version asked for; else the one that the name means: that of before a change which is in double run, or the newest.
    fn meant<T: Copy>(&self, space: Space, name: &str, versions: &[(u32, T)], asked: Option<u32>) -> Option<T> {
        newest(versions, asked.or_else(|| self.pins.of(space, name)))
    }

    /// The declared versions of a name, sorted.
    pub fn versions(&self, space: Space, name: &str) -> Vec<u32> {
        fn of<T>(versions: Option<&Vec<(u32, T)>>) -> impl Iterator<Item = u32> + '_ {
            versions.into_iter().flatten().map(|(version, _)| *version)
        }
        let mut found: Vec<u32> = match space {
            Space::Rows => of(self.rows.get(name)).collect(),
            Space::Dimension => of(self.dimension_names.get(name)).collect(),
            Space::Metric => of(self.metric_names.get(name)).chain(of(self.behaviour_names.get(name))).collect(),
        };
        found.sort_unstable();
        found
    }

    /// The experiments that some formulas name, or all, each once.
    pub fn experiments_of<'f>(&self, formulas: impl Iterator<Item = &'f ast::Expr>, all: bool) -> Vec<usize> {
        let mut found = Vec::new();
        let is_experiment = |place: &usize| self.behaviours[*place].syntax.keyword.value == "experiment";
        if all {
            return (0..self.behaviours.len()).filter(is_experiment).collect();
        }
        for formula in formulas {
            formula.walk(&mut |part| {
                let (ast::ExprKind::Path { path, .. } | ast::ExprKind::Call { function: path, .. }) = &part.kind else {
                    return;
                };
                let named = path.parts.first().and_then(|name| self.behaviour(name, None)).filter(is_experiment);
                found.extend(named.filter(|place| !found.contains(place)));
            });
        }
        found
    }

    /// The place of a metric, with a version or the one that the name alone means.
    pub fn metric(&self, name: &str, version: Option<u32>) -> Option<usize> {
        self.meant(Space::Metric, name, self.metric_names.get(name)?, version)
    }

    /// Whether a metric of that name is declared, in any version.
    pub fn has_metric(&self, name: &str) -> bool {
        self.metric_names.contains_key(name)
    }

    /// The place of a table of behaviour, with a version or the one that the name alone means.
    pub fn behaviour(&self, name: &str, version: Option<u32>) -> Option<usize> {
        self.meant(Space::Metric, name, self.behaviour_names.get(name)?, version)
    }

    /// Whether a name is of a table of behaviour of a kind.
    pub fn is_of_kind(&self, name: &str, kind: &str) -> bool {
        self.behaviour(name, None).is_some_and(|place| self.behaviours[place].syntax.keyword.value == kind)
    }

    /// The place of rules of quality.
    pub fn quality(&self, name: &str) -> Option<usize> {
        self.quality_names.get(name).copied()
    }

    /// The names of all tables of behaviour, sorted.
    pub fn behaviour_names(&self) -> Vec<&'a str> {
        sorted(self.behaviour_names.keys())
    }

    /// The names of all row sets, sorted.
    pub fn row_set_names(&self) -> Vec<&'a str> {
        sorted(self.rows.keys())
    }

    /// The names of all dimensions, sorted.
    pub fn dimension_names(&self) -> Vec<&'a str> {
        sorted(self.dimension_names.keys())
    }

    /// The names of all metrics, sorted.
    pub fn metric_names(&self) -> Vec<&'a str> {
        sorted(self.metric_names.keys())
    }
}

/// The error for a declaration kind or construct whose meaning this version does not compile.
pub fn later(what: &str, span: Span) -> crate::diagnostic::Diagnostic {
    error!(E0801, span, "`{what}` is read and formatted, but not compiled yet";
        help: "leave it out, or write the metric with the constructs that `metricc targets` lists")
}

fn version(written: Option<&crate::diagnostic::Spanned<u32>>) -> u32 {
    written.map_or(1, |version| version.value)
}

fn newest<T: Copy>(versions: &[(u32, T)], asked: Option<u32>) -> Option<T> {
    match asked {
        Some(asked) => versions.iter().find(|(version, _)| *version == asked).map(|(_, found)| *found),
        None => versions.iter().max_by_key(|(version, _)| *version).map(|(_, found)| *found),
    }
}

fn sorted<'a, 'b>(names: impl Iterator<Item = &'b &'a str>) -> Vec<&'a str>
where
    'a: 'b,
{
    let mut all: Vec<&str> = names.copied().collect();
    all.sort_unstable();
    all
}

/// The first place of each name, by name space and version.
#[derive(Default)]
struct Seen<'a>(FxHashMap<(&'static str, &'a str, u32), Span>);

impl<'a> Seen<'a> {
    fn first(
        &mut self,
        space: &'static str,
        name: &'a ast::Name,
        written: Option<&crate::diagnostic::Spanned<u32>>,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        match self.0.entry((space, name.as_str(), version(written))) {
            std::collections::hash_map::Entry::Occupied(first) => {
                let found = error!(E0202, name.span, "the {space} `{}` is declared twice", name.value;
                    label: "declared again"; help: "rename one of them, or give the newer one a version such as `v2`");
                diagnostics.push(found.related(*first.get(), "first declared here"));
                false
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(name.span);
                true
            }
        }
    }
}
