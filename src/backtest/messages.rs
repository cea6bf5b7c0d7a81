//! How many messages people get of what fires: as Alertmanager gathers, hides and repeats them (AL5).

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::replay::{Firing, Kind, Replayed};
use crate::alerting::hides;
use crate::project::{Mute, Pace};
use crate::types::Severity;

/// Messages of one alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Where each group is told alone, and nothing hides anything.
    pub alone: u64,
    /// Gathered, and without what something more urgent hides and what nobody is told of: what people get.
    pub gathered: u64,
    /// Those that would be sent at times at which nobody is told.
    pub muted: u64,
}

impl std::ops::Add for Count {
    type Output = Count;

    fn add(self, other: Count) -> Count {
        Count {
            alone: self.alone + other.alone,
            gathered: self.gathered + other.gathered,
            muted: self.muted + other.muted,
        }
    }
}

/// How and when people are told.
#[derive(Clone, Debug)]
pub struct Telling<'a> {
    /// How often, by severity: P0, P1, P2.
    pub pace: [Pace; 3],
    /// When nobody is.
    pub mute: &'a [Mute],
    /// The zone of those times.
    pub zone: Tz,
}

impl Telling<'_> {
    /// As it is where nothing is said.
    pub const DEFAULT: Telling<'static> = Telling { pace: Pace::DEFAULT, mute: &[], zone: Tz::UTC };

    fn is_muted(&self, severity: Severity, at: i64) -> bool {
        self.mute.iter().any(|mute| mute.covers(severity.word(), at, self.zone))
    }
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

/// What must be the same for one alert to hide another: the metric, and its dimensions with their values, in the order of their names.
type Equal<'a> = (&'a str, Vec<(&'a str, Option<&'a str>)>);

/// An alert of a group, among all that are replayed.
struct Instance<'a> {
    severity: Severity,
    equal: Equal<'a>,
    firings: &'a [Firing],
}

/// The messages of each rule, in the order of the rules. Rules of one name and severity are told together; their messages are counted with the
/// first of them.
pub fn counts(rules: &[Replayed], telling: &Telling<'_>) -> Vec<Count> {
    let mut instances = Vec::new();
    // Those that may hide others: an absence does not.
    let mut hiding: BTreeMap<Equal<'_>, Vec<(Severity, &[Firing])>> = BTreeMap::new();
    let mut keys: BTreeMap<(&str, Severity), (usize, Vec<usize>)> = BTreeMap::new();
    let mut found = vec![Count::default(); rules.len()];
    let of = |severity: Severity| telling.pace[severity as usize];
    for (place, rule) in rules.iter().enumerate() {
        for line in rule.lines.iter().filter(|line| !line.firings.is_empty()) {
            let labels = line.labels.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            let mut labels: Vec<_> = labels.collect();
            labels.sort_unstable();
            let equal = (rule.about.name.as_str(), labels);
            if rule.kind != Kind::Absence {
                hiding.entry(equal.clone()).or_default().push((rule.severity, &line.firings));
            }
            let key = keys.entry((rule.name.as_str(), rule.severity)).or_insert((place, Vec::new()));
            key.1.push(instances.len());
            found[place].alone += messages(&[line.firings.as_slice()], of(rule.severity), &|_, _| false).len() as u64;
            instances.push(Instance { severity: rule.severity, equal, firings: &line.firings });
        }
    }
    for ((_, severity), (place, members)) in keys {
        let is_hidden = |member: usize, at: i64| {
            let own = &instances[members[member]];
            let others = hiding.get(&own.equal).into_iter().flatten();
            others.into_iter().any(|(other, firings)| hides(*other).contains(&own.severity) && fires(firings, at))
        };
        let firings: Vec<&[Firing]> = members.iter().map(|member| instances[*member].firings).collect();
        let sent = messages(&firings, of(severity), &is_hidden);
        let muted = sent.iter().filter(|one| telling.is_muted(severity, one.at)).count();
        found[place].muted = muted as u64;
        found[place].gathered = match muted {
            0 => sent.len(),
            // What still fires is told once people may be told again.
            _ => {
                messages(&firings, of(severity), &|member, at| telling.is_muted(severity, at) || is_hidden(member, at))
                    .len()
            }
        } as u64;
    }
    found
}

fn fires(firings: &[Firing], at: i64) -> bool {
    let before = firings.partition_point(|firing| firing.from <= at);
    before.checked_sub(1).is_some_and(|last| firings[last].to > at || firings[last].open)
}

/// Whether one is over since an instant, up to another one.
fn is_over(firings: &[Firing], since: i64, at: i64) -> bool {
    let first = firings.partition_point(|firing| firing.to <= since);
    firings.get(first).is_some_and(|firing| firing.to <= at && !firing.open)
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
        let next = |firings: &&[Firing]| {
            firings.get(firings.partition_point(|firing| firing.from <= after)).map(|firing| firing.from)
        };
        members.iter().filter_map(next).min()
    };
    let mut found = Vec::new();
    let mut told: Option<Told> = None;
    let mut start = next_start(i64::MIN);
    while let Some(first) = start {
        // A new message waits for others; then it is looked at again and again until nothing fires.
        let (mut at, mut before) = (first.saturating_add(pace.group_wait), first - 1);
        loop {
            let firing: Vec<usize> = (0..members.len()).filter(|member| fires(members[*member], at)).collect();
            let over = |member: &usize| firing.binary_search(member).is_err() && is_over(members[*member], before, at);
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
            (before, at) = (at, at.saturating_add(pace.group_interval));
        }
        start = next_start(at);
    }
    found
}

/// Whether a message is sent: what fires is new, all of it is over, something is over, or it is time to tell it again.
fn is_news(told: Option<&Told>, firing: &[usize], resolved: &[usize], at: i64, repeat: i64) -> bool {
    let Some(told) = told else { return !firing.is_empty() };
    let among = |all: &[usize], member: &usize| all.binary_search(member).is_ok();
    if firing.iter().any(|member| !among(&told.firing, member)) {
        return true;
    }
    if firing.is_empty() {
        return !told.firing.is_empty();
    }
    resolved.iter().any(|member| !among(&told.resolved, member)) || told.at.saturating_add(repeat) < at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::replay::tests::replayed;

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
    fn who_is_told_once_in_all_times_is_told_once() {
        let never = Pace { group_wait: i64::MAX, group_interval: i64::MAX, repeat_interval: i64::MAX };
        assert_eq!(messages(&[&[firing(0, 90)]], never, &|_, _| false), []);
        let once = Pace { group_wait: 1, ..never };
        assert_eq!(messages(&[&[firing(0, 90), firing(100, 110)]], once, &|_, _| false).len(), 2);
    }

    #[test]
    fn a_time_that_is_open_fires_to_the_end() {
        let open = Firing { from: 0, to: 5 * MINUTE, open: true };
        assert_eq!(of(&[&[open]], Severity::P0), [(10, 1, 0)]);
    }

    /// The metric `m`, of the groups of two dimensions in this order.
    fn rule(name: &str, severity: Severity, labels: [(&str, &str); 2], firings: Vec<Firing>) -> Replayed {
        let mut rule = replayed(name, Kind::Condition, firings);
        rule.severity = severity;
        rule.lines[0].labels = labels.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).to_vec();
        rule
    }

    #[test]
    fn a_group_is_hidden_however_its_dimensions_are_ordered() {
        let urgent = rule("urgent", Severity::P0, [("a", "x"), ("b", "y")], vec![firing(0, 30)]);
        let same = rule("same", Severity::P1, [("b", "y"), ("a", "x")], vec![firing(0, 29)]);
        let other = rule("other", Severity::P1, [("b", "x"), ("a", "y")], vec![firing(0, 29)]);
        let found = counts(&[urgent, same, other], &Telling::DEFAULT);
        assert_eq!(found.iter().map(|one| (one.alone, one.gathered)).collect::<Vec<_>>(), [(2, 2), (2, 0), (2, 2)]);
    }

    #[test]
    fn what_fires_at_night_is_told_in_the_morning_if_it_still_does() {
        let name = crate::diagnostic::Spanned::new(
            "nights".to_owned(),
            crate::diagnostic::Span::new(crate::diagnostic::FileId(0), 0, 0),
        );
        // Up to 08:00 UTC.
        let mute = [Mute { name, severities: vec!["P2".to_owned()], minutes: (0, 8 * 60), days: Vec::new() }];
        let telling = Telling { mute: &mute, ..Telling::DEFAULT };
        let of = |severity, from, to| {
            let mut rule = replayed("a", Kind::Condition, vec![firing(from, to)]);
            rule.severity = severity;
            let found = counts(&[rule], &telling)[0];
            (found.alone, found.gathered, found.muted)
        };
        // From 01:00 to 02:00: that it fires and that it is over would both be told at night.
        assert_eq!(of(Severity::P2, 60, 120), (2, 0, 2));
        // To 09:00: it is told when the night is over, and then that it is over, too.
        assert_eq!(of(Severity::P2, 60, 540), (2, 2, 1));
        assert_eq!(of(Severity::P1, 60, 120), (2, 2, 0));
        // From 10:00 to 11:00, by day.
        assert_eq!(of(Severity::P2, 600, 660), (2, 2, 0));
    }
}
