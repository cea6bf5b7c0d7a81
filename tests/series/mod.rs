//! Random series with gaps, nulls and flat lines, and alerts over them, for tests that hold an engine against `src/alerting`.
#![allow(dead_code)]

use std::fmt::Write as _;

use metricc::value::Step;
use metricc::value::time::{WeekStart, parse_timestamp};

const SOURCE: &str = "
source m {
  table: \"dwd.m\"
  sample: \"m.csv\"
  key: id
  time: at
  column id: int
  column at: timestamp
  column g: string?
  column x: float?
  column w: float?
}
dimension place = m.g else null
metric level = avg(x from m) { grain: 1h; by: place }
metric much  = avg(w from m) { grain: 1h; by: place }
";

/// `~` stands for the unit of the step.
const CONDITIONS: &[&str] = &[
    "value < 60 for 3~",
    "value > 140",
    "value between 90 and 104 for 2~",
    "value not between 60 and 140 for 1~",
    "growth(value, 7~) < -20% for 1~",
    "growth(value, 1~) > 30%",
    "value outside ewma(alpha: 0.3, sigma: 3) for 2~",
    "value < ewma(alpha: 0.7, sigma: 1, floor: 1%)",
    "value > ewma(alpha: 0.2, sigma: 2, floor: 10%) for 1~",
    "value > seasonal(period: 10~, cycles: 4, sigma: 3)",
    "value outside seasonal(period: 7~, cycles: 5, sigma: 1, floor: 20%) for 1~",
    "value < seasonal(period: 3~, cycles: 2, sigma: 0.5, floor: 3%)",
    "value outside seasonal(period: 4~, cycles: 3, sigma: 1, except: \"2026-11-01, 2026-10-05..2026-10-08\")",
    "value > 110 and growth(value, 3~) > 10%",
    "value < 60 or growth(value, 4~) < -30% for 2~",
    "(value outside ewma(alpha: 0.5) or growth(value, 5~) > 50%) and value < 180 for 1~",
];

/// A sequence that looks random, the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// What a bucket has.
#[derive(Clone, Copy)]
pub enum Cell {
    /// No row.
    Gap,
    /// A row without a value.
    Null,
    Value(f64),
}

impl Cell {
    pub fn value(self) -> Option<f64> {
        match self {
            Cell::Value(value) => Some(value),
            Cell::Gap | Cell::Null => None,
        }
    }
}

/// Values about a level that now and then jump, stay, are zero, no number, null or missing; or a flat line.
pub fn course(dice: &mut Dice, length: usize) -> Vec<Cell> {
    let flat = dice.roll(4) == 0;
    let mut level = 100;
    (0..length)
        .map(|_| {
            match dice.roll(12) {
                0 if !flat => level = 20 + dice.roll(200),
                1 => level = 100,
                2 if flat && dice.roll(4) == 0 => return Cell::Value(107.0),
                3 if dice.roll(6) == 0 => return Cell::Value(0.0),
                _ => {}
            }
            match dice.roll(16) {
                0 => Cell::Gap,
                1 => Cell::Null,
                2 if dice.roll(3) == 0 => Cell::Value(f64::NAN),
                _ if flat => Cell::Value(level as f64),
                _ => Cell::Value((level + dice.roll(5)) as f64 + 0.25),
            }
        })
        .collect()
}

/// Where buckets begin, one after the other.
pub fn starts(step: Step, first: &str, zone: chrono_tz::Tz, length: usize) -> Vec<i64> {
    let mut at = parse_timestamp(first, zone).expect("a time");
    (0..length)
        .map(|_| {
            let start = at;
            at = step.next(start, zone, WeekStart(chrono::Weekday::Mon));
            start
        })
        .collect()
}

pub fn declarations(unit: &str) -> String {
    let mut text = SOURCE.to_owned();
    const GROUPS: [&str; 3] = ["volume: much >= 50", "by: place", "by: place; volume: much > 90"];
    for (place, condition) in CONDITIONS.iter().enumerate() {
        let (when, rest) = (condition.replace('~', unit), GROUPS[place % GROUPS.len()]);
        writeln!(text, "alert a{place} on level {{ every: 1{unit}; when: {when}; severity: P2; {rest} }}")
            .expect("text");
    }
    text
}

/// The groups of an alert, each with its values and its volume.
pub type Groups = Vec<Group>;

/// Its name, its values and its volume.
pub type Group = (Option<&'static str>, Vec<Cell>, Vec<Cell>);

/// Two groups, of which one has no name and begins later, and the volume of a third one, which has no values.
pub fn groups(dice: &mut Dice, length: usize) -> Groups {
    let mut groups: Groups = vec![
        (Some("north"), course(dice, length), course(dice, length)),
        (None, course(dice, length), course(dice, length)),
    ];
    groups[1].1[..length / 3].fill(Cell::Gap);
    groups[1].2[..length / 3].fill(Cell::Gap);
    groups[1].1[length - 9..].fill(Cell::Gap);
    groups[1].2[length - 9..].fill(Cell::Gap);
    // The time of all is told by the first group.
    groups[0].1[0] = Cell::Value(101.0);
    groups[0].1[length - 1] = Cell::Value(99.0);
    groups
}

/// Both groups together, as `avg` puts them: what is no number makes the mean none.
pub fn together(groups: &Groups, pick: for<'a> fn(&'a Group) -> &'a Vec<Cell>) -> Vec<Option<f64>> {
    let length = pick(&groups[0]).len();
    let of = |at: usize| {
        let known: Vec<f64> = groups.iter().filter_map(|group| pick(group)[at].value()).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    (0..length).map(of).collect()
}
