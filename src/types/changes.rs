//! `change` declarations: from one version of something to the next, with its reason and its stage.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{Declared, Names, RowName, Space};
use crate::suggest::near;
use crate::syntax::ast::{self, ExprKind, ValueKind};
use crate::value::Value;
use crate::value::time::DAY_MS;

use super::TableKind;
use super::check::Settings;
use super::items::Items;
use super::literal::literal;

/// A change from one version of something to another.
#[derive(Clone, Debug, PartialEq)]
pub struct CaliberChange {
    /// What changes.
    pub name: String,
    /// What it is.
    pub kind: Changed,
    /// The version before.
    pub from: u32,
    /// The version after.
    pub to: u32,
    /// Why.
    pub reason: String,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// How many good days in a row it takes before it may go live.
    pub double_run_days: u32,
    /// By how much two values may differ and are still the same: 0.005 for `0.5%`.
    pub tolerance: f64,
    /// Between which differences the new values are expected, relative to the old ones: -0.03 and 0 for `-3%..0%`.
    pub expect: Option<(f64, f64)>,
    /// How far it is.
    pub stage: Stage,
    /// The day from which on the old version is not needed any more.
    pub retire: Option<chrono::NaiveDate>,
    /// Whether both versions can be built beside each other: the name means one of them, and the other one is declared.
    pub beside: bool,
    /// The name, where it stands.
    pub span: Span,
    /// The value of `stage:`, where it stands; the whole declaration where it is missing.
    pub stage_span: Span,
}

impl CaliberChange {
    /// `dau v1 -> v2`
    pub fn label(&self) -> String {
        format!("{} v{} -> v{}", self.name, self.from, self.to)
    }

    /// The version that the name alone means.
    pub fn current(&self) -> u32 {
        match self.stage {
            Stage::DoubleRun => self.from,
            Stage::Live => self.to,
        }
    }

    /// The version that it means in the other stage: what is built beside the current one.
    pub fn other(&self) -> u32 {
        match self.stage {
            Stage::DoubleRun => self.to,
            Stage::Live => self.from,
        }
    }

    /// This change in its other stage, for [`super::Settings::applied`].
    pub fn applied(&self) -> Applied {
        Applied { name: self.name.clone(), space: self.kind.space(), from: self.from, to: self.to }
    }
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Both versions are built, and the name means the old one.
    DoubleRun,
    /// The name means the new one.
    Live,
}

impl Stage {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Stage::DoubleRun => "double_run",
            Stage::Live => "live",
        }
    }
}

/// A change that is taken in its other stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What changes.
    pub name: String,
    /// What names it is one of.
    pub space: Space,
    /// The version before.
    pub from: u32,
    /// The version after.
    pub to: u32,
}

/// What it is that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Changed {
    Source,
    Entity,
    Subset,
    Session,
    Dimension,
    Metric,
    /// A table of behaviour, by its keyword.
    Behaviour(&'static str),
}

impl Changed {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Changed::Source => "source",
            Changed::Entity => "entity",
            Changed::Subset => "subset",
            Changed::Session => "session",
            Changed::Dimension => "dimension",
            Changed::Metric => "metric",
            Changed::Behaviour(keyword) => keyword,
        }
    }

    /// What names its name is one of.
    pub fn space(self) -> Space {
        match self {
            Changed::Source | Changed::Entity | Changed::Subset | Changed::Session => Space::Rows,
            Changed::Dimension => Space::Dimension,
            Changed::Metric | Changed::Behaviour(_) => Space::Metric,
        }
    }
}

const ITEMS: &[&str] = &["reason", "ticket", "double_run", "tolerance", "expect", "stage", "retire"];
const DEFAULT_DAYS: u32 = 7;
const DEFAULT_TOLERANCE: f64 = 0.005;

/// All changes, and what bare names mean while they are in double run.
pub fn check_changes(names: &mut Names<'_>, settings: &Settings, d: &mut Diagnostics) -> Vec<CaliberChange> {
    let mut found: Vec<CaliberChange> = Vec::new();
    for declared in &names.changes {
        let Some(change) = (Checker { names, settings }).change(*declared, d) else { continue };
        if fits(&change, &found, d) {
            found.push(change);
        }
    }
    for change in &found {
        let flipped = settings.applied.contains(&change.applied());
        if (change.stage == Stage::DoubleRun) != flipped {
            names.pins.add(change.kind.space(), &change.name, change.from);
        }
    }
    let current = |names: &Names<'_>, of: &CaliberChange| {
        let newest = || names.versions(of.kind.space(), &of.name).last().copied();
        names.pins.of(of.kind.space(), &of.name).or_else(newest)
    };
    for change in &mut found {
        let both = names.versions(change.kind.space(), &change.name).contains(&change.from);
        let now = current(names, change);
        change.beside = both && (now == Some(change.from) || now == Some(change.to));
    }
    found
}

/// Whether a change goes with those before it.
fn fits(change: &CaliberChange, before: &[CaliberChange], d: &mut Diagnostics) -> bool {
    let of_name = || before.iter().filter(|other| other.name == change.name && other.kind == change.kind);
    if let Some(other) = of_name().find(|other| other.to == change.to) {
        d.push(
            error!(E0213, change.span, "two changes lead to v{} of `{}`", change.to, change.name;
                help: "keep one of them: each version is introduced by one change")
            .related(other.span, "the other one"),
        );
        return false;
    }
    let runs = |change: &CaliberChange| change.stage == Stage::DoubleRun;
    if let Some(other) = of_name().find(|other| runs(other) && runs(change)) {
        d.push(
            error!(E0213, change.span, "two changes of `{}` are in double run at once", change.name;
                help: "promote the first one to `stage: live` before the next one starts")
            .related(other.span, "the other one"),
        );
        return false;
    }
    true
}

struct Checker<'a> {
    names: &'a Names<'a>,
    settings: &'a Settings,
}

impl Checker<'_> {
    /// A change; none where it is not known what changes, and how.
    fn change(&self, declared: Declared<'_, ast::Change>, d: &mut Diagnostics) -> Option<CaliberChange> {
        let syntax = declared.syntax;
        let items = Items::read("change", &syntax.items, ITEMS, &[], d);
        let reason = self.reason(&items, syntax, d);
        let ticket = items.string("ticket", d);
        let double_run_days = self.days(&items, d);
        let tolerance = self.tolerance(&items, d);
        let expect = self.expect(&items, d);
        let stages = [("double_run", Stage::DoubleRun), ("live", Stage::Live)];
        if items.get("stage").is_none() && !items.broken {
            d.push(error!(E0206, syntax.name.span, "the change of `{}` has no `stage`", syntax.name;
                help: "write `stage: double_run`, and `stage: live` once both versions have been compared"));
        }
        let stage = items.word("stage", &stages, d);
        let retire = self.retire(&items, stage, d);
        let kind = self.kind(syntax, d)?;
        let name = syntax.name.to_string();
        let stage = stage?;
        self.check_versions(syntax, kind, stage, d)?;
        Some(CaliberChange {
            name,
            kind,
            from: syntax.from.value,
            to: syntax.to.value,
            reason,
            ticket,
            double_run_days,
            tolerance,
            expect,
            stage,
            retire,
            beside: false,
            span: syntax.name.span,
            stage_span: items.get("stage").and_then(|(_, values)| values.first()).map_or(declared.span, |one| one.span),
        })
    }

    fn reason(&self, items: &Items<'_>, syntax: &ast::Change, d: &mut Diagnostics) -> String {
        let Some((span, _)) = items.get("reason") else {
            if !items.broken {
                d.push(error!(E0206, syntax.name.span, "the change of `{}` has no `reason`", syntax.name;
                    help: "write `reason: \"…\"`: it is what people read when the numbers move"));
            }
            return String::new();
        };
        let told = d.len();
        let reason = items.string("reason", d).unwrap_or_default();
        if reason.trim().is_empty() && d.len() == told {
            d.push(error!(E0205, span, "the reason is empty";
                help: "say why the numbers move: `reason: \"abnormal accounts no longer count\"`"));
        }
        reason
    }

    fn days(&self, items: &Items<'_>, d: &mut Diagnostics) -> u32 {
        let Some(ms) = items.get("double_run").and_then(|_| items.duration("double_run", d)) else {
            return DEFAULT_DAYS;
        };
        let span = items.get("double_run").and_then(|(_, values)| values.first()).map(|value| value.span);
        match u32::try_from(ms / DAY_MS) {
            Ok(days) if days > 0 && ms % DAY_MS == 0 => days,
            _ => {
                d.push(error!(E0205, span, "a double run takes whole days, at least one";
                    help: "write `double_run: 7d`"));
                DEFAULT_DAYS
            }
        }
    }

    fn tolerance(&self, items: &Items<'_>, d: &mut Diagnostics) -> f64 {
        let Some(value) = items.get("tolerance").and_then(|_| items.one("tolerance", d)) else {
            return DEFAULT_TOLERANCE;
        };
        let written = match &value.kind {
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
                ExprKind::Literal(written) => share(written),
                _ => None,
            },
            _ => None,
        };
        match written {
            Some(share) if share > 0.0 => share,
            _ => {
                d.push(error!(E0205, value.span, "`tolerance` takes a share above 0";
                    help: "write `tolerance: 0.5%`"));
                DEFAULT_TOLERANCE
            }
        }
    }

    fn expect(&self, items: &Items<'_>, d: &mut Diagnostics) -> Option<(f64, f64)> {
        items.get("expect")?;
        let value = items.one("expect", d)?;
        let range = match &value.kind {
            ValueKind::Range { low, high, low_negative, high_negative } => {
                let signed = |share: f64, negative: bool| if negative { -share } else { share };
                let low = share(&low.value).map(|share| signed(share, *low_negative));
                low.zip(share(&high.value).map(|share| signed(share, *high_negative)))
            }
            _ => None,
        };
        let Some((low, high)) = range else {
            d.push(error!(E0205, value.span, "`expect` takes a range of differences";
                help: "write `expect: -3%..0%`: by how much the new values may be below and above the old ones"));
            return None;
        };
        if low > high {
            d.push(error!(E0205, value.span, "the range of `expect` ends before it begins";
                help: "write the smaller difference first: `expect: -3%..0%`"));
            return None;
        }
        // -0 and 0 are the same difference.
        Some((low + 0.0, high + 0.0))
    }

    fn retire(&self, items: &Items<'_>, stage: Option<Stage>, d: &mut Diagnostics) -> Option<chrono::NaiveDate> {
        let (span, _) = items.get("retire")?;
        if stage == Some(Stage::DoubleRun) {
            d.push(error!(E0205, span, "what is in double run is not retired yet";
                help: "leave `retire` out until the change is at `stage: live`"));
        }
        let value = items.one("retire", d)?;
        let written = match &value.kind {
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
                ExprKind::Literal(written @ ast::Literal::Date(_)) => Some(written),
                _ => None,
            },
            _ => None,
        };
        let Some(written) = written else {
            d.push(error!(E0205, value.span, "`retire` takes a day"; help: "write `retire: date(\"2026-12-01\")`"));
            return None;
        };
        match literal(written, value.span, self.settings.zone, d)?.0 {
            Value::Date(days) => {
                chrono::NaiveDate::default().checked_add_signed(chrono::Duration::days(i64::from(days)))
            }
            _ => None,
        }
    }

    /// What it is that has the name. Of several kinds the one that has the new version.
    fn kind(&self, syntax: &ast::Change, d: &mut Diagnostics) -> Option<Changed> {
        let name = syntax.name.single().map(|name| name.value.as_str()).unwrap_or_default();
        let declared = |space: &Space| !self.names.versions(*space, name).is_empty();
        let spaces: Vec<Space> = [Space::Metric, Space::Rows, Space::Dimension].into_iter().filter(declared).collect();
        let has = |space: &&Space| self.names.versions(**space, name).contains(&syntax.to.value);
        let having: Vec<Space> = spaces.iter().filter(has).copied().collect();
        let space = match (having.as_slice(), spaces.as_slice()) {
            ([only], _) => *only,
            ([], [first, ..]) => *first,
            ([first, second, ..], _) => {
                let word = |space: Space| self.kind_in(space, name, None).map_or("", Changed::word);
                d.push(error!(E0213, syntax.name.span, "both a {} and a {} are named `{name}` and have a v{}",
                        word(*first), word(*second), syntax.to.value;
                    help: "rename one of them: a change is of one thing"));
                return None;
            }
            ([], []) => {
                let text = syntax.name.to_string();
                let known = self.names.metric_names().into_iter();
                let known = known.chain(self.names.behaviour_names()).chain(self.names.row_set_names());
                let help = match near(&text, known.chain(self.names.dimension_names())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a metric, a row set, a dimension or a table of behaviour".to_owned(),
                };
                d.push(error!(E0212, syntax.name.span, "nothing that has versions is named `{text}`"; help: help));
                return None;
            }
        };
        self.kind_in(space, name, None)
    }

    fn kind_in(&self, space: Space, name: &str, version: Option<u32>) -> Option<Changed> {
        Some(match space {
            Space::Dimension => Changed::Dimension,
            Space::Metric => match self.names.behaviour(name, version) {
                Some(place) => {
                    let keyword = self.names.behaviours[place].syntax.keyword.as_str();
                    Changed::Behaviour(crate::resolve::BEHAVIOURS.iter().find(|known| **known == keyword)?)
                }
                None => Changed::Metric,
            },
            Space::Rows => match self.names.row_set(name, version)? {
                RowName::Table(place) if self.names.tables[place].0 == TableKind::Entity => Changed::Entity,
                RowName::Table(_) => Changed::Source,
                RowName::Subset(_) => Changed::Subset,
                RowName::Session(_) => Changed::Session,
            },
        })
    }

    fn check_versions(&self, syntax: &ast::Change, kind: Changed, stage: Stage, d: &mut Diagnostics) -> Option<()> {
        let ast::Change { name, from, to, .. } = syntax;
        let known = self.names.versions(kind.space(), &name.to_string());
        if from.value >= to.value {
            let newer = if from.value == to.value { from.value.saturating_add(1) } else { from.value };
            d.push(error!(E0213, from.span.to(to.span), "a change goes to a newer version, not from v{} to v{}", from.value, to.value;
                help: ("write `change {name} v{} -> v{newer}`", to.value)));
            return None;
        }
        let told = d.len();
        let missing = |version: &crate::diagnostic::Spanned<u32>| {
            let list: Vec<String> = known.iter().map(|version| format!("v{version}")).collect();
            error!(E0210, version.span, "the {} `{name}` has no version {}", kind.word(), version.value;
                help: ("it is declared as {}; declare `{name} v{}`, or name another version", list.join(", "), version.value))
        };
        if !known.contains(&to.value) {
            d.push(missing(to));
        }
        // What is live may have lost its old version.
        if stage == Stage::DoubleRun && !known.contains(&from.value) {
            d.push(missing(from));
        }
        if let Some(newest) = known.last().filter(|newest| stage == Stage::DoubleRun && **newest > to.value) {
            d.push(
                error!(E0213, to.span, "`{name} v{newest}` is declared, and this change leads to v{} only", to.value;
                help: ("let the change lead to v{newest}, or declare it once this one is at `stage: live`")),
            );
        }
        (d.len() == told).then_some(())
    }
}

/// A number or percent as a share: 0.005 for `0.5%`.
fn share(written: &ast::Literal) -> Option<f64> {
    match written {
        ast::Literal::Percent(text) => Some(text.parse::<f64>().ok()? / 100.0),
        ast::Literal::Number(text) => text.parse().ok(),
        _ => None,
    }
}
