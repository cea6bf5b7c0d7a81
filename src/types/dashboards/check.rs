//! Checking `dashboard` declarations: the items of the whole, and its rows.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{Declared, Names};
use crate::syntax::ast::{self, ItemKind};
use crate::value::{DataType, Span as Length, Step};

use super::super::items::{Items, output_step};
use super::super::told::Told;
use super::super::{DimensionId, Language, Model};
use super::{Content, Dashboard, Panel, PanelRow};

const ITEMS: &[&str] = &["title", "title_en", "owner", "language", "range", "refresh", "step", "filter"];
const DEFAULT_RANGE: Length = Length::Days(30);
/// The shortest time after which it may be read anew, in milliseconds: more often no batch and hardly a stream has something new.
const SHORTEST_REFRESH: i64 = 5_000;

/// All dashboards of a program whose other declarations are typed, without those that show nothing.
pub fn check_dashboards(names: &Names<'_>, model: &Model, d: &mut Diagnostics) -> Vec<Dashboard> {
    let told = Told { names, model, kind: "dashboard" };
    names
        .dashboards
        .iter()
        .filter_map(|declared| Checker { told, block: declared.syntax }.dashboard(*declared, d))
        .collect()
}

/// A dashboard that is looked at.
pub(super) struct Checker<'a> {
    pub told: Told<'a>,
    block: &'a ast::Block,
}

/// What panels have where they say nothing themselves.
pub(super) struct Defaults {
    pub step: Option<Step>,
    pub range: Length,
}

impl Checker<'_> {
    fn dashboard(&self, declared: Declared<'_, ast::Block>, d: &mut Diagnostics) -> Option<Dashboard> {
        self.check_head(d);
        let is_keyed = |item: &&ast::Item| matches!(item.kind, ItemKind::Keyed { .. });
        let keyed: Vec<ast::Item> = self.block.items.iter().filter(is_keyed).cloned().collect();
        let items = Items::read("dashboard", &keyed, ITEMS, &[], d);
        let text = |key: &str, d: &mut Diagnostics| items.get(key).and_then(|_| items.string(key, d));
        let (title, title_en, owner) = (text("title", d), text("title_en", d), text("owner", d));
        let language = items.get("language").and_then(|_| items.word("language", &Language::WORDS, d));
        let range = items.get("range").and_then(|_| self.range(&items, d)).unwrap_or(DEFAULT_RANGE);
        let refresh = items.get("refresh").and_then(|_| refresh(&items, d));
        let step = items.get("step").and_then(|_| step(&items, d));
        let filter = self.filter(&items, d);
        let told = d.len();
        let rows = self.rows(&Defaults { step, range }, d);
        if rows.is_empty() {
            if told == d.len() {
                d.push(error!(E0820, self.block.name.span, "the dashboard `{}` shows nothing", self.block.name.value;
                    help: "write `row \"KPI\" {{ card dau; card gmv }}`"));
            }
            return None;
        }
        let found = Dashboard {
            name: self.block.name.clone(),
            doc: declared.doc.map(str::to_owned),
            title,
            title_en,
            owner,
            language: language.unwrap_or_default(),
            range,
            refresh,
            filter: Vec::new(),
            rows,
            span: declared.span,
        };
        let filter = self.effective(filter, &found, d);
        Some(Dashboard { filter, ..found })
    }

    fn check_head(&self, d: &mut Diagnostics) {
        let block = self.block;
        let stray = block.version.as_ref().map(|version| version.span);
        let stray = stray.or(block.of.as_ref().map(|(path, _)| path.span));
        if let Some(span) = stray.or(block.on.as_ref().map(|path| path.span)) {
            d.push(error!(E0820, span, "a dashboard is of nothing, and has no versions";
                help: ("write `dashboard {}` and its rows, nothing in between", block.name.value)));
        }
    }

    fn range(&self, items: &Items<'_>, d: &mut Diagnostics) -> Option<Length> {
        let ms = items.duration("range", d)?;
        let span = items.get("range").map(|(span, _)| span);
        if ms < 60_000 || ms % 60_000 != 0 {
            d.push(error!(E0823, span, "a dashboard shows whole minutes at least"; help: "write `range: 30d`"));
            return None;
        }
        Some(Length::of_milliseconds(ms))
    }

    /// The dimensions of `filter`, with their places.
    fn filter(&self, items: &Items<'_>, d: &mut Diagnostics) -> Vec<(DimensionId, Span)> {
        let mut found: Vec<(DimensionId, Span)> = Vec::new();
        for (name, _) in items.names("filter", d) {
            let path = ast::Path { parts: vec![name.clone()], at: None, span: name.span };
            let Some(id) = self.told.dimension(&path, d) else { continue };
            let dimension = &self.told.model.dimensions[id.0];
            if found.iter().any(|(known, _)| *known == id) {
                d.push(
                    error!(E0204, name.span, "the dimension `{}` stands twice", name.value; help: "keep one of them"),
                );
            } else if self.told.model.data_type(&dimension.ty.ty) != DataType::String {
                d.push(
                    error!(E0825, name.span, "the values of `{}` are no texts, so nobody can choose among them", name.value;
                        help: "filter by a dimension of texts, or make one of it with `bucket` or `case`")
                    .related(dimension.name.span, "the dimension"),
                );
            } else {
                found.push((id, name.span));
            }
        }
        found
    }

    /// Those of them that some panel has; the others are told, if all panels are known.
    fn effective(&self, filter: Vec<(DimensionId, Span)>, of: &Dashboard, d: &mut Diagnostics) -> Vec<DimensionId> {
        let model = self.told.model;
        for (id, span) in &filter {
            if !of.shown().any(|shown| shown.has_dimension(model, *id)) {
                let name = &model.dimensions[id.0].name;
                d.push(
                    error!(E0825, *span, "no panel of this dashboard has the dimension `{}`", name.value;
                        help: "filter by a dimension of what the metrics count")
                    .related(name.span, "the dimension"),
                );
            }
        }
        filter.into_iter().map(|(id, _)| id).collect()
    }

    fn rows(&self, defaults: &Defaults, d: &mut Diagnostics) -> Vec<PanelRow> {
        let mut rows = Vec::new();
        for item in &self.block.items {
            match &item.kind {
                ItemKind::Keyed { .. } => {}
                ItemKind::Row { title, items } => {
                    let panels: Vec<Panel> = items.iter().filter_map(|item| self.item(item, defaults, d)).collect();
                    if items.is_empty() {
                        d.push(error!(E0820, title.span, "this row shows nothing"; help: "write `row \"KPI\" {{ card dau }}`"));
                    }
                    if !panels.is_empty() {
                        rows.push(PanelRow { title: title.value.clone(), panels });
                    }
                }
                _ => d.push(error!(E0820, item.span, "panels of a dashboard stand in rows";
                    help: "write `row \"KPI\" {{ card dau; card gmv }}`")),
            }
        }
        rows
    }

    fn item(&self, item: &ast::Item, defaults: &Defaults, d: &mut Diagnostics) -> Option<Panel> {
        let ItemKind::Widget { form, subject, by, top, options } = &item.kind else {
            d.push(error!(E0820, item.span, "a row of a dashboard has panels alone";
                help: "write `card dau; line gmv by channel`; what holds for all panels stands before the rows"));
            return None;
        };
        let content: Content = self.panel(form, subject, by, top.as_ref(), options, defaults, d)?;
        Some(Panel { content, span: item.span })
    }
}

fn refresh(items: &Items<'_>, d: &mut Diagnostics) -> Option<i64> {
    let ms = items.duration("refresh", d)?;
    let span = items.get("refresh").map(|(span, _)| span);
    if ms < SHORTEST_REFRESH || ms % 1_000 != 0 {
        d.push(error!(E0823, span, "a dashboard is read anew after whole seconds, 5 at least"; help: "write `refresh: 5m`"));
        return None;
    }
    Some(ms)
}

fn step(items: &Items<'_>, d: &mut Diagnostics) -> Option<Step> {
    let value = items.one("step", d)?;
    let found = match &value.kind {
        ast::ValueKind::Step(step) => output_step(step),
        _ => None,
    };
    if found.is_none() {
        d.push(no_step(value.span));
    }
    found
}

pub(super) fn no_step(span: Span) -> crate::diagnostic::Diagnostic {
    error!(E0823, span, "this is not an output step of a panel";
        help: "use a divisor of a day (1m, 5m, 1h …), 1d, 1w, month, quarter or year")
}
