//! What an edit of alerts does over the same history.

use super::replay::{Firing, Line, Replayed};

/// What became of the firings of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The alert.
    pub name: String,
    /// The firings of the earlier definition; none where there is none.
    pub before: Option<usize>,
    /// Those of the later one.
    pub after: Option<usize>,
    /// How many of the earlier ones overlap with a later one.
    pub kept: usize,
    /// The earlier ones that are gone, each with its group.
    pub gone: Vec<(String, Firing)>,
    /// The later ones that are new.
    pub new: Vec<(String, Firing)>,
}

/// The firings of both definitions, by name, those of the later one first.
pub fn compare(before: &[Replayed], after: &[Replayed]) -> Vec<Compared> {
    let mut names: Vec<&str> = Vec::new();
    for rule in after.iter().chain(before) {
        if !names.contains(&rule.name.as_str()) {
            names.push(&rule.name);
        }
    }
    names.into_iter().map(|name| one(name, before, after)).collect()
}

fn one(name: &str, before: &[Replayed], after: &[Replayed]) -> Compared {
    let lines = |rules: &[Replayed]| -> Option<Vec<Line>> {
        let mut of = rules.iter().filter(|rule| rule.name == name).peekable();
        of.peek()?;
        Some(of.flat_map(|rule| rule.lines.clone()).collect())
    };
    let (before, after) = (lines(before), lines(after));
    let count = |lines: &Option<Vec<Line>>| lines.as_ref().map(|all| all.iter().map(|line| line.firings.len()).sum());
    let (earlier, later) = (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
    let gone = alone(earlier, later);
    let all: usize = earlier.iter().map(|line| line.firings.len()).sum();
    Compared {
        name: name.to_owned(),
        before: count(&before),
        after: count(&after),
        kept: all - gone.len(),
        new: alone(later, earlier),
        gone,
    }
}

/// The firings of some lines that overlap with none of the same group of the others.
fn alone(of: &[Line], others: &[Line]) -> Vec<(String, Firing)> {
    let overlaps = |line: &Line, firing: &Firing| {
        let same = others.iter().filter(|other| other.labels == line.labels);
        same.flat_map(|other| &other.firings).any(|other| other.from < firing.to && other.to > firing.from)
    };
    let of_line = |line: &Line| {
        let group = group(&line.labels);
        let alone = line.firings.iter().filter(|firing| !overlaps(line, firing));
        alone.map(|firing| (group.clone(), *firing)).collect::<Vec<_>>()
    };
    of.iter().flat_map(of_line).collect()
}

/// A group as people read it: `feature=face_swap`.
pub fn group(labels: &[(String, Option<String>)]) -> String {
    let part = |(name, value): &(String, Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => format!("{name} is null"),
    };
    labels.iter().map(part).collect::<Vec<_>>().join(", ")
}
