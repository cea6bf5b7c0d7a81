//! Which declaration of one side is compared with which of the other.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::caliber::Fingerprint;
use crate::lineage::Kind;

use super::State;
use super::side::{Declared, Side};

/// A declaration of each side, or of one.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    /// As it was.
    pub base: Option<Declared<'a>>,
    /// As it is.
    pub head: Option<Declared<'a>>,
    /// What became of it, as far as both say.
    pub state: State,
    /// Whether its numbers may be others.
    pub moves: bool,
    /// The places of what it moves with.
    pub via: Vec<usize>,
}

impl<'a> Pair<'a> {
    fn of(base: Option<Declared<'a>>, head: Option<Declared<'a>>, state: State) -> Pair<'a> {
        Pair { base, head, state, moves: matches!(state, State::Changed | State::Moved), via: Vec::new() }
    }

    /// What is declared.
    pub fn kind(&self) -> Kind {
        self.head.or(self.base).map_or(Kind::Metric, |one| one.kind)
    }

    /// Whether it may move with something else: it is there on both sides.
    pub fn follows(&self) -> bool {
        self.base.is_some() && self.head.is_some() && self.state != State::Renamed
    }

    /// Both sides of a name that is there twice.
    fn both(base: Declared<'a>, head: Declared<'a>, all_moved: bool) -> Pair<'a> {
        let all_moved = all_moved && head.kind == Kind::Metric;
        let state = match (base.effective == head.effective, base.own == head.own) {
            (true, _) if all_moved => State::Moved,
            (true, _) => State::Reworded,
            // Another version of the same words: what they name is another one.
            (false, true) => State::Moved,
            (false, false) => State::Changed,
        };
        Pair::of(Some(base), Some(head), state)
    }
}

type Group<'a, 's> = &'s [Declared<'a>];

/// Pairs all names. With `all_moved` every metric moves, as time zone or weeks are others.
pub fn pairs<'a>(
    (base, before): (Side<'a>, &[Declared<'a>]),
    (head, after): (Side<'a>, &[Declared<'a>]),
    all_moved: bool,
) -> Vec<Pair<'a>> {
    let same = |a: &Declared<'_>, b: &Declared<'_>| (a.kind, a.name) == (b.kind, b.name);
    let mut left = before.chunk_by(same).peekable();
    let mut right = after.chunk_by(same).peekable();
    let mut found = Vec::new();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => (a[0].kind, a[0].name).cmp(&(b[0].kind, b[0].name)),
        };
        if order.is_eq() {
            if let (Some(a), Some(b)) = (left.next(), right.next()) {
                of_name((base, a), (head, b), all_moved, &mut found);
            }
        } else if order.is_lt() {
            let gone = left.next().into_iter().flatten();
            found.extend(gone.map(|one| Pair::of(Some(*one), None, State::Removed)));
        } else {
            let came = right.next().into_iter().flatten();
            found.extend(came.map(|one| Pair::of(None, Some(*one), State::New)));
        }
    }
    rename(&mut found);
    without_columns(found)
}

/// The versions of one name. What the bare name means is compared with what it meant, all others by their number, and one that is
/// new with the one before it.
fn of_name<'a>(
    (base, before): (Side<'a>, Group<'a, '_>),
    (head, after): (Side<'a>, Group<'a, '_>),
    all_moved: bool,
    found: &mut Vec<Pair<'a>>,
) {
    let (was, is) = (base.current(before), head.current(after));
    found.push(Pair::both(was, is, all_moved));
    for one in before {
        let same = after.iter().find(|other| other.version == one.version);
        match same {
            // It was compared above.
            Some(other) if one.version == was.version && other.version == is.version => {}
            Some(other) => {
                let pair = Pair::both(*one, *other, all_moved);
                if pair.state != State::Reworded {
                    found.push(pair);
                }
            }
            // Its name means the next version: it was not removed, but replaced.
            None if one.version == was.version => {}
            None => found.push(Pair::of(Some(*one), None, State::Removed)),
        }
    }
    let new = after.iter().filter(|one| !before.iter().any(|other| other.version == one.version));
    for one in new.filter(|one| one.version != is.version) {
        let earlier = before.iter().rev().find(|other| other.version < one.version);
        found.push(Pair::of(Some(earlier.copied().unwrap_or(was)), Some(*one), State::NewVersion));
    }
}

/// What is new and means what was removed has another name.
fn rename(all: &mut Vec<Pair<'_>>) {
    let mut gone: FxHashMap<(Kind, Fingerprint), Vec<usize>> = FxHashMap::default();
    for (place, pair) in all.iter().enumerate().rev() {
        if let (Some(base), None) = (&pair.base, &pair.head) {
            gone.entry((base.kind, base.effective)).or_default().push(place);
        }
    }
    if gone.is_empty() {
        return;
    }
    let mut taken = vec![false; all.len()];
    for place in 0..all.len() {
        let (None, Some(head)) = (all[place].base, all[place].head) else { continue };
        if let Some(from) = gone.get_mut(&(head.kind, head.effective)).and_then(Vec::pop) {
            all[place].base = all[from].base;
            all[place].state = State::Renamed;
            taken[from] = true;
        }
    }
    let mut place = 0;
    all.retain(|_| {
        place += 1;
        !taken[place - 1]
    });
}

/// Without columns that came, went or were renamed with their table.
fn without_columns(all: Vec<Pair<'_>>) -> Vec<Pair<'_>> {
    let whole = |pair: &&Pair<'_>| {
        matches!(pair.kind(), Kind::Source | Kind::Entity | Kind::Session | Kind::Calendar)
            && matches!(pair.state, State::New | State::Removed | State::Renamed)
    };
    let named = all.iter().filter(whole).flat_map(|pair| pair.base.into_iter().chain(pair.head));
    let names: FxHashSet<&str> = named.map(|one| one.name).collect();
    if names.is_empty() {
        return all;
    }
    let follows = |pair: &Pair<'_>| {
        let of_table = |one: &Declared<'_>| one.name.split_once('.').is_some_and(|(table, _)| names.contains(table));
        pair.kind() == Kind::Column
            && matches!(pair.state, State::New | State::Removed | State::Renamed)
            && pair.base.iter().chain(&pair.head).any(of_table)
    };
    all.iter().filter(|pair| !follows(pair)).cloned().collect()
}
