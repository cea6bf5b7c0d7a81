//! How many messages people get of what fires: as Alertmanager gathers, hides and repeats them (AL5).

use std::collections::BTreeMap;

use super::replay::{Firing, Kind, Replayed};
use crate::alerting::hides;
use crate::project::Pace;
use crate::types::Severity;

/// Messages of one alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Where each group is told alone, and nothing hides anything.
    pub alone: u64,
    /// Gathered, and without what something more urgent hides.
    pub gathered: u64,
}

/// A message, and of how many groups it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// When it is sent, in milliseconds since 1970 UTC.
    pub at: i64,
    /// How many groups fire.
    pub firing: usize,
    /// How many are over.
    pub resolved: usize,
}

/// An alert of a group, among all that are replayed.
struct Instance<'a> {
    severity: Severity,
    /// What must be the same for one to hide the other.
    equal: (&'a str, Vec<(&'a str, Option<&'a str>)>),
    /// Whether it hides others: an absence does not.
    hides: bool,
    firings: &'a [Firing],
}

/// The messages of each rule, in the order of the rules. Rules of one name and severity are told together; their messages are counted with the
/// first of them.
pub fn counts(rules: &[Replayed], pace: &[Pace; 3]) -> Vec<Count> {
    let mut instances = Vec::new();
    let mut keys: BTreeMap<(&str, Severity), (usize, Vec<usize>)> = BTreeMap::new();
    let mut alone = vec![0; rules.len()];
    for (place, rule) in rules.iter().enumerate() {
        for line in &rule.lines {
            let labels = line.labels.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            let instance = Instance {
                severity: rule.severity,
                equal: (rule.about.name.as_str(), labels.collect()),
                hides: rule.kind != Kind::Absence,
                firings: &line.firings,
            };
            let key = keys.entry((rule.name.as_str(), rule.severity)).or_insert((place, Vec::new()));
            key.1.push(instances.len());
            alone[place] +=
                messages(&[line.firings.as_slice()], pace[rule.severity as usize], &|_, _| false).len() as u64;
            instances.push(instance);
        }
    }
    let mut found: Vec<Count> = alone.into_iter().map(|alone| Count { alone, gathered: 0 }).collect();
    for ((_, severity), (place, members)) in keys {
        let hidden = |member: usize, at: i64| is_hidden(&instances, members[member], at);
        let firings: Vec<&[Firing]> = members.iter().map(|member| instances[*member].firings).collect();
        found[place].gathered = messages(&firings, pace[severity as usize], &hidden).len() as u64;
    }
    found
}

/// Whether something more urgent of the same metric and group fires.
fn is_hidden(instances: &[Instance], place: usize, at: i64) -> bool {
    let own = &instances[place];
    instances.iter().any(|other| {
        other.hides
            && other.equal == own.equal
            && hides(other.severity).contains(&own.severity)
            && fires(other.firings, at)
    })
}

fn fires(firings: &[Firing], at: i64) -> bool {
    let before = firings.partition_point(|firing| firing.from <= at);
    before.checked_sub(1).is_some_and(|last| firings[last].to > at || firings[last].open)
}

/// What was last told of a message's alerts.
#[derive(Default)]
struct Told {
    firing: Vec<usize>,
    resolved: Vec<usize>,
    at: i64,
}

/// The messages of alerts that are told together. `hidden` says whether one of them is left out at an instant.
pub fn messages(members: &[&[Firing]], pace: Pace, hidden: &dyn Fn(usize, i64) -> bool) -> Vec<Message> {
    let end = members.iter().flat_map(|firings| firings.iter().map(|firing| firing.to)).max().unwrap_or_default();
    let next_start = |after: i64| {
        members.iter().filter_map(|firings| firings.iter().map(|firing| firing.from).find(|from| *from > after)).min()
    };
    let mut found = Vec::new();
    let mut told: Option<Told> = None;
    let mut start = next_start(i64::MIN);
    while let Some(first) = start {
        // A new message waits for others; then it is looked at again and again until nothing fires.
        let (mut at, mut before) = (first + pace.group_wait, first - 1);
        loop {
            let firing: Vec<usize> = (0..members.len()).filter(|member| fires(members[*member], at)).collect();
            let over = |member: &usize| {
                !firing.contains(member)
                    && members[*member].iter().any(|one| one.to > before && one.to <= at && !one.open)
            };
            let resolved: Vec<usize> = (0..members.len()).filter(over).collect();
            let shown =
                |all: &[usize]| -> Vec<usize> { all.iter().copied().filter(|member| !hidden(*member, at)).collect() };
            let (shown_firing, shown_resolved) = (shown(&firing), shown(&resolved));
            let nothing = shown_firing.is_empty() && shown_resolved.is_empty();
            if !nothing && is_news(told.as_ref(), &shown_firing, &shown_resolved, at, pace.repeat_interval) {
                found.push(Message { at, firing: shown_firing.len(), resolved: shown_resolved.len() });
                told = Some(Told { firing: shown_firing, resolved: shown_resolved, at });
            }
            // What still fires when the history ends is not told again.
            if firing.is_empty() || at >= end {
                break;
            }
            (before, at) = (at, at + pace.group_interval);
        }
        start = next_start(at);
    }
    found
}

/// Whether a message is sent: what fires is new, all of it is over, something is over, or it is time to tell it again.
fn is_news(told: Option<&Told>, firing: &[usize], resolved: &[usize], at: i64, repeat: i64) -> bool {
    let Some(told) = told else { return !firing.is_empty() };
    if firing.iter().any(|member| !told.firing.contains(member)) {
        return true;
    }
    if firing.is_empty() {
        return !told.firing.is_empty();
    }
    resolved.iter().any(|member| !told.resolved.contains(member)) || told.at + repeat < at
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn firing(from: i64, to: i64) -> Firing {
        Firing { from: from * MINUTE, to: to * MINUTE, open: false }
    }

    fn of(members: &[&[Firing]], severity: Severity) -> Vec<(i64, usize, usize)> {
        let all = messages(members, Pace::DEFAULT[severity as usize], &|_, _| false);
        all.into_iter().map(|one| (one.at / 1_000, one.firing, one.resolved)).collect()
    }

    #[test]
    fn one_alert_is_told_when_it_fires_again_after_a_while_and_when_it_is_over() {
        // P0: 10s, then each minute; again after more than an hour.
        let told = of(&[&[firing(0, 90)]], Severity::P0);
        assert_eq!(told, [(10, 1, 0), (10 + 61 * 60, 1, 0), (10 + 90 * 60, 0, 1)]);
    }

    #[test]
    fn what_fires_together_is_one_message() {
        let told = of(&[&[firing(0, 10)], &[firing(0, 10)], &[firing(3, 10)]], Severity::P1);
        // 30s after the first; the third is news five minutes later; then all are over.
        assert_eq!(told, [(30, 2, 0), (330, 3, 0), (630, 0, 3)]);
    }

    #[test]
    fn what_came_and_went_between_two_looks_is_not_told() {
        assert_eq!(of(&[&[firing(0, 2)]], Severity::P2), []);
        assert_eq!(
            of(&[&[firing(0, 60)], &[firing(6, 10)]], Severity::P2),
            [(300, 1, 0), (300 + 900, 1, 1), (300 + 3_600, 0, 1)]
        );
    }

    #[test]
    fn what_is_hidden_is_not_told() {
        let fires = [firing(0, 30)];
        let hidden = |_: usize, at: i64| at < 20 * MINUTE;
        let told = messages(&[&fires], Pace::DEFAULT[0], &hidden);
        assert_eq!(told.iter().map(|one| one.at / 1_000).collect::<Vec<_>>(), [10 + 20 * 60, 10 + 30 * 60]);
    }

    #[test]
    fn a_time_that_is_open_fires_to_the_end() {
        let open = Firing { from: 0, to: 5 * MINUTE, open: true };
        assert_eq!(of(&[&[open]], Severity::P0), [(10, 1, 0)]);
    }
}
