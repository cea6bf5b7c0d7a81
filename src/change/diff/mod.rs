//! The semantic difference of two sides: not of texts, but of what names mean and how they can be used.
//!
//! Each declaration is compared with the one that its bare name stood for on the other side. Whether numbers move the fingerprints
//! of the calibers tell; what moved them is told field by field where it is said, once, and by name (`via`) everywhere else.

mod direction;
mod field;
mod formula;
mod implies;
mod items;
mod pair;
mod shown;
mod side;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::caliber::{Meaning, Settings};
use crate::diagnostic::Span;
use crate::lineage::{Graph, Kind, NodeId};
use crate::types::{Metric, MetricId};

use direction::Proof;
use formula::{Look, Walk};
use pair::{Pair, pairs};
use side::{Declared, Nodes, Places};

pub use direction::Direction;
pub use field::{Aspect, Class, Field};
pub use side::{Program, Side, label};

/// What became of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum State {
    Removed,
    /// The same under another name.
    Renamed,
    /// Its own definition says something else.
    Changed,
    /// Something that it is made of does.
    Moved,
    New,
    /// A version that the name does not stand for yet.
    NewVersion,
    /// The same, written, titled or shown in another way.
    Reworded,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::Removed => "removed",
            State::Renamed => "renamed",
            State::Changed => "changed",
            State::Moved => "moved",
            State::New => "new",
            State::NewVersion => "new version",
            State::Reworded => "edited",
        }
    }
}

/// A declaration on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Where its name stands, in a program.
    pub span: Option<Span>,
    /// Its file and line.
    pub place: Option<(String, usize)>,
    /// The whole declaration as it is written; of a lock, what it says.
    pub text: String,
}

/// Something that is made of what changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Below {
    /// What it is.
    pub kind: Kind,
    /// Its name, with the version where there are several.
    pub label: String,
}

/// A declaration that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is declared.
    pub kind: Kind,
    /// Its name now; where it is gone, its name then.
    pub name: String,
    /// How much it weighs.
    pub class: Class,
    /// What became of it.
    pub state: State,
    /// As it was.
    pub base: Option<At>,
    /// As it is.
    pub head: Option<At>,
    /// Whether its numbers may be others.
    pub moves: bool,
    /// What is different in it.
    pub fields: Vec<Field>,
    /// What it moves with, by kind and name, with versions: `subset effective_event v1 → v2`.
    pub via: Vec<String>,
    /// Which way its value goes, where that is proved.
    pub direction: Option<Direction>,
    /// Everything that is made of it, where it changed itself.
    pub downstream: Vec<Below>,
}

impl Entry {
    /// What it is and what it is called: `metric dau v1 → v2`.
    pub fn label(&self) -> String {
        format!("{} {}", self.kind.word(), self.title())
    }

    /// What it is called: `dau`, `dau v1 → v2`, `old → new`.
    pub fn title(&self) -> String {
        match (&self.base, &self.head) {
            (Some(base), Some(head)) if base.name != head.name => {
                format!("{} → {}", label(&base.name, base.version), label(&head.name, head.version))
            }
            (Some(base), Some(head)) if base.version != head.version => {
                format!("{} v{} → v{}", head.name, base.version, head.version)
            }
            (_, Some(at)) | (Some(at), None) => label(&at.name, at.version),
            (None, None) => self.name.clone(),
        }
    }
}

/// All that is different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What the configuration says otherwise: every metric moves with it.
    pub project: Vec<Field>,
    /// Declarations: the heaviest first, what moves others before what is moved, then by kind and name.
    pub entries: Vec<Entry>,
    /// How many metrics there are in the end.
    pub metrics: usize,
}

impl Diff {
    /// The heaviest class of all; none where nothing is different.
    pub fn class(&self) -> Option<Class> {
        let project = self.project.iter().map(|field| field.class);
        self.entries.iter().map(|entry| entry.class).chain(project).max()
    }

    /// Those whose own definition means something else under the same version: they need a new version, and a `change` that says
    /// why.
    pub fn unversioned(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| {
            let same = |(base, head): (&At, &At)| base.version == head.version;
            entry.state == State::Changed
                && entry.moves
                && entry.base.as_ref().zip(entry.head.as_ref()).is_some_and(same)
        })
    }

    /// Those of a class.
    pub fn of(&self, class: Class) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.class == class)
    }
}

/// Compares two sides. Two locks, or a lock as the later side, are compared by what they say alone. What is made of what tells the
/// graph of the later program; of the earlier one, where the later side is a lock.
pub fn compare(base: Side<'_>, head: Side<'_>, graph: Option<&Graph>) -> Diff {
    let (before, after) = (base.declared(), head.declared());
    let project = settings(base.settings(), head.settings());
    let paired = pairs((base, &before), (head, &after), !project.is_empty());
    let places = rayon::join(|| base.program().map(Places::of), || head.program().map(Places::of));
    let mut comparing = Comparing {
        before: places.0,
        after: places.1,
        nodes: graph.map(Nodes::of),
        all_moved: !project.is_empty(),
        below: Vec::new(),
    };
    let mut paired = paired;
    comparing.follow(&mut paired);
    let mut entries = comparing.entries(&paired);
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| (std::cmp::Reverse(entry.class), entry.state, order(entry.kind));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name)).then_with(|| a.title().cmp(&b.title()))
    });
    let metrics = after.iter().filter(|one| one.kind == Kind::Metric).count();
    Diff { project, entries, metrics }
}

/// Metrics first: they are what people read.
fn order(kind: Kind) -> (u8, Kind) {
    let first = match kind {
        Kind::Metric => 0,
        Kind::Dimension => 1,
        Kind::Behaviour(_) => 2,
        _ => 3,
    };
    (first, kind)
}

fn settings(old: &Settings, new: &Settings) -> Vec<Field> {
    let mut found = Vec::new();
    let mut tell = |aspect, was: &String, is: &String| {
        if was != is {
            found.push(Field::caliber(aspect, "", Some(was.clone()), Some(is.clone())));
        }
    };
    tell(Aspect::TimeZone, &old.timezone, &new.timezone);
    tell(Aspect::WeekStart, &old.week_starts, &new.week_starts);
    found
}

struct Comparing<'a> {
    before: Option<Places<'a>>,
    after: Option<Places<'a>>,
    nodes: Option<Nodes<'a>>,
    all_moved: bool,
    /// What is made of each pair that answers for others, by its place.
    below: Vec<Vec<NodeId>>,
}

impl<'a> Comparing<'a> {
    fn node(&self, one: &Declared<'_>) -> Option<NodeId> {
        self.nodes.as_ref()?.node(one.kind, one.name, one.version)
    }

    /// Tells of what moved what it moved with. Where that is nothing, it has to answer for itself.
    fn follow(&mut self, paired: &mut [Pair<'a>]) {
        let side = |pair: &Pair<'a>| if self.after.is_some() { pair.head } else { pair.base };
        let answers = |pair: &Pair<'a>| matches!(pair.state, State::Changed | State::New | State::NewVersion);
        let Some(Nodes { graph, .. }) = &self.nodes else { return };
        let nodes: Vec<Option<NodeId>> =
            paired.par_iter().map(|pair| side(pair).as_ref().and_then(|one| self.node(one))).collect();
        let mut moved: FxHashMap<NodeId, Vec<usize>> = FxHashMap::default();
        for (place, node) in nodes.iter().enumerate() {
            node.iter().for_each(|node| moved.entry(*node).or_default().push(place));
        }
        let below = |(pair, node): (&Pair<'a>, &Option<NodeId>)| {
            node.filter(|_| answers(pair)).map_or_else(Vec::new, |node| graph.below(node))
        };
        let below: Vec<Vec<NodeId>> = paired.par_iter().zip(&nodes).map(below).collect();
        self.below = below;
        for place in 0..paired.len() {
            for follower in self.below[place].iter().filter_map(|node| moved.get(node)).flatten() {
                let follows = *follower != place && paired[*follower].follows();
                if follows {
                    paired[*follower].via.push(place);
                }
            }
        }
        for pair in paired.iter_mut().filter(|pair| pair.state == State::Moved && pair.via.is_empty()) {
            // By a dimension that nobody says anything of, or because all of the project moves: it says nothing itself.
            if !self.all_moved {
                pair.state = State::Changed;
            }
        }
    }

    fn entries(&self, paired: &[Pair<'a>]) -> Vec<Entry> {
        let dimensions = paired.iter().any(|pair| pair.kind() == Kind::Dimension && pair.state != State::Reworded);
        let of_some = |(chunk, pairs): (usize, &[Pair<'a>])| {
            let meaning = |places: &Option<Places<'a>>| Some(Meaning::new(places.as_ref()?.program().model));
            let meanings = (meaning(&self.before), meaning(&self.after));
            let making = Making { all: self, paired, meanings: (meanings.0.as_ref(), meanings.1.as_ref()), dimensions };
            let places = chunk * TOGETHER..;
            places.zip(pairs).filter_map(|(place, pair)| making.entry(place, pair)).collect::<Vec<Entry>>()
        };
        paired.par_chunks(TOGETHER).enumerate().flat_map_iter(of_some).collect()
    }
}

/// So many pairs share what they find out of the meaning of parts.
const TOGETHER: usize = 1_024;

struct Making<'a, 'b> {
    all: &'b Comparing<'a>,
    paired: &'b [Pair<'a>],
    meanings: (Option<&'b Meaning<'a>>, Option<&'b Meaning<'a>>),
    /// Whether some dimension means something else.
    dimensions: bool,
}

impl<'a> Making<'a, '_> {
    fn entry(&self, place: usize, pair: &Pair<'a>) -> Option<Entry> {
        let (mut state, mut moves) = (pair.state, pair.moves);
        let mut fields = self.fields(pair);
        let mut via: Vec<String> = pair.via.iter().map(|cause| self.cause(*cause)).collect();
        if state == State::Reworded && !moves && self.dimensions && self.sliced_otherwise(pair) {
            // Its total stays, its slices don't.
            (state, moves) = (State::Moved, true);
            let of_dimension = |cause: &&usize| self.paired[**cause].kind() == Kind::Dimension;
            via = pair.via.iter().filter(of_dimension).map(|cause| self.cause(*cause)).collect();
        } else if state == State::Reworded && !moves {
            via.clear();
            let own = pair.base.zip(pair.head).is_some_and(|(base, head)| base.form != head.form);
            if fields.is_empty() && !own {
                return None;
            }
        }
        via.sort();
        via.dedup();
        let own = match state {
            State::Removed | State::Renamed if is_public(pair.kind()) => Class::Breaking,
            State::Removed | State::Renamed | State::Reworded => Class::Cosmetic,
            State::New | State::NewVersion => Class::Compatible,
            State::Changed | State::Moved => Class::Caliber,
        };
        let only_added = pair.kind() == Kind::Dimension
            && state == State::Changed
            && !fields.is_empty()
            && fields.iter().all(|field| field.class <= Class::Compatible);
        let own = if only_added { Class::Compatible } else { own };
        // A version that nobody reads yet breaks nobody.
        let of_fields = fields.iter().map(|field| field.class).max().filter(|_| state != State::NewVersion);
        let class = of_fields.map_or(own, |class| class.max(own));
        if matches!(state, State::Reworded) {
            fields.sort_by_key(|field| std::cmp::Reverse(field.class));
        }
        let direction = if moves && !self.all.all_moved { self.direction(pair) } else { None };
        Some(Entry {
            kind: pair.kind(),
            name: pair.head.or(pair.base)?.name.to_owned(),
            class,
            state,
            base: pair.base.map(|one| at(&one, self.all.before.as_ref())),
            head: pair.head.map(|one| at(&one, self.all.after.as_ref())),
            moves,
            fields,
            via,
            direction,
            downstream: self.downstream(place, pair),
        })
    }

    /// What a pair is called where another one moves with it.
    fn cause(&self, place: usize) -> String {
        let pair = &self.paired[place];
        let title = match (pair.base, pair.head) {
            (Some(base), Some(head)) if base.version != head.version => {
                format!("{} v{} → v{}", head.name, base.version, head.version)
            }
            (_, Some(one)) | (Some(one), None) => one.label(),
            (None, None) => String::new(),
        };
        format!("{} {title}", pair.kind().word())
    }

    /// Whether a metric by its dimensions is another one, though in total it is the same.
    fn sliced_otherwise(&self, pair: &Pair<'a>) -> bool {
        let Some((old, new)) = self.metrics(pair) else { return false };
        let (Some(before), Some(after)) = self.meanings else { return false };
        let shown = |meaning: &Meaning<'_>, id: MetricId| -> FxHashMap<String, String> {
            let metric = &meaning.model.metrics[id.0];
            let names = metric.by.iter().filter(|by| by.dimension().is_some());
            let names = names.map(|by| by.name(&meaning.model.dimensions));
            names.zip(meaning.of_shown(id)).map(|(name, term)| (name, term.fingerprint().to_string())).collect()
        };
        let (old, new) = (shown(before, old), shown(after, new));
        old.iter().any(|(name, term)| new.get(name).is_some_and(|other| other != term))
    }

    fn metrics(&self, pair: &Pair<'a>) -> Option<(MetricId, MetricId)> {
        let (base, head) = (pair.base?, pair.head?);
        if pair.kind() != Kind::Metric {
            return None;
        }
        let (before, after) = (self.all.before.as_ref()?.parts(), self.all.after.as_ref()?.parts());
        Some((before.metric(base.span?)?, after.metric(head.span?)?))
    }

    fn direction(&self, pair: &Pair<'a>) -> Option<Direction> {
        let (old, new) = self.metrics(pair)?;
        let (before, after) = (self.meanings.0?, self.meanings.1?);
        let (a, b) = (&before.model.metrics[old.0], &after.model.metrics[new.0]);
        let unit = |metric: &Metric| metric.ty.unit.as_ref().map(ToString::to_string);
        let alike = a.fill == b.fill && a.grain.last() == b.grain.last() && unit(a) == unit(b);
        // A claim is of each group, too.
        let grouped_alike = !self.dimensions || !self.sliced_otherwise(pair);
        if alike && grouped_alike { Proof::new(before, after).of_metrics(old, new) } else { None }
    }

    fn fields(&self, pair: &Pair<'a>) -> Vec<Field> {
        let Some((base, head)) = pair.base.zip(pair.head) else { return Vec::new() };
        let (Some(old), Some(new)) = (&self.all.before, &self.all.after) else {
            let own = base.form != head.form && matches!(pair.state, State::Changed | State::NewVersion);
            return if own { items::compare(pair.kind(), base.form, head.form) } else { Vec::new() };
        };
        let own = matches!(pair.state, State::Changed | State::NewVersion);
        let mut found = Vec::new();
        match pair.kind() {
            Kind::Metric => {
                let Some((x, y)) = self.metrics(pair) else { return found };
                let models = (old.program().model, new.program().model);
                let (a, b) = (&models.0.metrics[x.0], &models.1.metrics[y.0]);
                if own && let Some(mut walk) = self.walk(pair) {
                    walk.formula(&a.formula, &b.formula, "");
                    found.extend(walk.found);
                }
                found.extend(shown::of_metric((a, models.0), (b, models.1), own));
            }
            Kind::Subset if own => {
                let subset = |places: &Places<'a>, span: Option<Span>| places.parts().subset(span?);
                if let (Some(a), Some(b), Some(mut walk)) =
                    (subset(old, base.span), subset(new, head.span), self.walk(pair))
                {
                    walk.rows(&a.rows, &b.rows, "");
                    found.extend(walk.found);
                }
            }
            Kind::Dimension => {
                let dimension = |places: &Places<'a>, span: Option<Span>| {
                    Some((places.parts().dimension(span?)?, places.program().model))
                };
                if own {
                    let mut bindings = items::compare(Kind::Dimension, base.form, head.form);
                    // A binding to rows that had none changes no number.
                    for field in
                        bindings.iter_mut().filter(|field| field.old.is_none() && field.name().starts_with("binding"))
                    {
                        field.class = Class::Compatible;
                    }
                    found.extend(bindings);
                }
                if let (Some(a), Some(b)) = (dimension(old, base.span), dimension(new, head.span)) {
                    found.extend(shown::of_dimension(a, b));
                }
            }
            kind if own => found.extend(items::compare(kind, base.form, head.form)),
            _ => {}
        }
        if own && found.is_empty() && base.form != head.form {
            found.extend(items::compare(pair.kind(), base.form, head.form));
        }
        found
    }

    /// What walks through both definitions, and leaves out what those tell that this one moves with.
    fn walk(&self, pair: &Pair<'a>) -> Option<Walk<'_>> {
        let (old, new) = (self.all.before.as_ref()?, self.all.after.as_ref()?);
        let before = Look { meaning: self.meanings.0?, sources: old.program().sources };
        let after = Look { meaning: self.meanings.1?, sources: new.program().sources };
        let mut elsewhere = Vec::new();
        for cause in pair.via.iter().map(|cause| &self.paired[*cause]) {
            // What is new tells nothing of its own.
            if cause.state == State::New {
                continue;
            }
            let span =
                |places: &Places<'a>, one: Option<Declared<'_>>| places.declaration(one?.span?).map(|one| one.span);
            elsewhere.push((span(old, cause.base), span(new, cause.head)));
        }
        let (gone, came): (Vec<_>, Vec<_>) = elsewhere.into_iter().unzip();
        Some(Walk::new(before, after, gone.into_iter().flatten().collect(), came.into_iter().flatten().collect()))
    }

    fn downstream(&self, place: usize, pair: &Pair<'a>) -> Vec<Below> {
        if !pair.moves && pair.state != State::NewVersion {
            return Vec::new();
        }
        let Some(Nodes { graph, .. }) = &self.all.nodes else { return Vec::new() };
        let below = self.all.below.get(place).map_or(&[][..], Vec::as_slice);
        let shown = |node: &&NodeId| !matches!(graph.node(**node).kind, Kind::Column);
        let found: BTreeSet<Below> = (below.iter().filter(shown))
            .map(|node| graph.node(*node))
            .map(|node| Below { kind: node.kind, label: node.label.clone() })
            .collect();
        found.into_iter().collect()
    }
}

/// Whether others may name it: whoever reads views, asks or builds reports.
fn is_public(kind: Kind) -> bool {
    matches!(kind, Kind::Metric | Kind::Dimension | Kind::Behaviour(_))
}

fn at(one: &Declared<'_>, places: Option<&Places<'_>>) -> At {
    let sources = places.map(|places| places.program().sources);
    let place = sources.zip(one.span).map(|(sources, span)| {
        let file = sources.file(span.file);
        (file.path.clone(), file.position(span.start).0)
    });
    let declaration = places.zip(one.span).and_then(|(places, span)| places.declaration(span));
    let text = match (declaration, sources) {
        (Some(declaration), Some(sources)) => sources.text(declaration.span).trim_end().to_owned(),
        _ => one.form.join("\n"),
    };
    At { name: one.name.to_owned(), version: one.version, span: one.span, place, text }
}
