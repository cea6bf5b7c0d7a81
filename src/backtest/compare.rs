//! What an edit of alerts does over the same history.

use super::replay::{Firing, Kind, Line, Replayed};

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
    let (before, after) = (lines(name, before), lines(name, after));
    let count =
        |lines: &Option<Vec<Told<'_>>>| lines.as_ref().map(|all| all.iter().map(|(_, line)| line.firings.len()).sum());
    let (earlier, later) = (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
    let gone = alone(earlier, later);
    let all: usize = earlier.iter().map(|(_, line)| line.firings.len()).sum();
    Compared {
        name: name.to_owned(),
        before: count(&before),
        after: count(&after),
        kept: all - gone.len(),
        new: alone(later, earlier),
        gone,
    }
}

/// A line, and what made it fire: the windows of an objective are compared each with its own.
type Told<'a> = (Kind, &'a Line);

/// The lines of the rules of a name; none where there is no such rule.
fn lines<'a>(name: &str, rules: &'a [Replayed]) -> Option<Vec<Told<'a>>> {
    let mut of = rules.iter().filter(|rule| rule.name == name).peekable();
    of.peek()?;
    Some(of.flat_map(|rule| rule.lines.iter().map(|line| (rule.kind, line))).collect())
}

/// The firings of some lines that overlap with none of the same group of the others.
fn alone(of: &[Told<'_>], others: &[Told<'_>]) -> Vec<(String, Firing)> {
    // What begins when the history ends lasts no time in it.
    let meets = |a: &Firing, b: &Firing| a.from == b.from || (a.from < b.to && a.to > b.from);
    let overlaps = |(kind, line): &Told<'_>, firing: &Firing| {
        let same = others.iter().filter(|(other, of)| other == kind && of.labels == line.labels);
        same.flat_map(|(_, other)| &other.firings).any(|other| meets(other, firing))
    };
    let of_line = |told: &Told<'_>| {
        let (_, line) = told;
        let group = group(&line.labels);
        let alone = line.firings.iter().filter(|firing| !overlaps(told, firing));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::replay::tests::replayed;

    fn firing(from: i64, to: i64, open: bool) -> Firing {
        Firing { from, to, open }
    }

    #[test]
    fn what_begins_at_the_end_of_the_history_is_the_same_in_both() {
        let one = || replayed("a", Kind::Condition, vec![firing(0, 2, false), firing(9, 9, true)]);
        let found = compare(&[one()], &[one()]);
        assert_eq!((found[0].kept, found[0].gone.len(), found[0].new.len()), (2, 0, 0), "{found:?}");
    }

    #[test]
    fn windows_of_an_objective_are_compared_each_with_its_own() {
        let of = |long, from| replayed("a", Kind::Burn(long, 1), vec![firing(from, 9, false)]);
        let found = compare(&[of(10, 1), of(20, 2)], &[of(20, 3)]);
        assert_eq!((found[0].before, found[0].after, found[0].kept), (Some(2), Some(1), 1), "{found:?}");
        assert_eq!(found[0].gone, [(String::new(), firing(1, 9, false))]);
    }
}
