//! The verdict on each bucket (DQ2).

use super::contributors::{Slice, over, ranked, volume};
use super::join::{KeyFault, Pair, Side, join};
use super::number::relative;
use super::{Cell, Minimum, Number, Rules, Series};

/// How many slices are told of a bucket, and of all.
const MOST_TOLD: usize = 10;

/// The most buckets between the first and the last.
const MOST_BUCKETS: usize = 100_000;

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// All buckets, in order.
    pub buckets: Vec<Bucket>,
    /// The slices that carry most of the difference in the buckets that were judged.
    pub contributors: Vec<Slice>,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Its start, where there are buckets.
    pub start: Option<i64>,
    /// Its end, likewise.
    pub end: Option<i64>,
    /// The old total; none where slices do not add up to one and none was asked for.
    pub old: Option<Cell>,
    /// The new one.
    pub new: Option<Cell>,
    /// The relative difference of the totals; of the slices together, where there are none.
    pub relative: f64,
    /// The weighted error of the slices.
    pub wape: f64,
    /// How many slices either side has.
    pub slices: usize,
    /// How many of them the old side lacks.
    pub missing_old: usize,
    /// How many the new side lacks.
    pub missing_new: usize,
    /// Of the slices that weigh enough, the one that differs most.
    pub worst: Option<Slice>,
    /// The slices that carry most of the difference.
    pub contributors: Vec<Slice>,
    /// The verdict.
    pub verdict: Verdict,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Both agree.
    Good,
    /// They do not.
    Bad(Vec<Reason>),
    /// Neither side has a row.
    Empty,
    /// It is too early, or too late, to say.
    NotJudged(Unjudged),
}

impl Verdict {
    /// `good`, `bad`, `empty` or `not judged`.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Bad(_) => "bad",
            Verdict::Empty => "empty",
            Verdict::NotJudged(_) => "not judged",
        }
    }
}

/// Why a bucket is bad.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// One side lacks it as a whole, between buckets that it has.
    Absent(Side),
    /// The total.
    Total {
        /// The relative difference.
        relative: f64,
        /// At least.
        low: f64,
        /// At most.
        high: f64,
    },
    /// The weighted error of the slices.
    Spread {
        /// It.
        wape: f64,
        /// At most.
        limit: f64,
    },
    /// A slice that weighs enough.
    Slice {
        /// Which.
        slice: Vec<Option<String>>,
        /// The relative difference.
        relative: f64,
        /// At least.
        low: f64,
        /// At most.
        high: f64,
    },
}

/// Why a bucket is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// It is not over.
    Open,
    /// The rows of one side have not all come in.
    Behind(Side),
    /// One side begins later.
    Before(Side),
    /// One side ends earlier.
    After(Side),
}

/// Compares two sides; everything that is wrong with their keys where they can't be joined.
pub fn compare(old: &Series, new: &Series, rules: &Rules) -> Result<Comparison, Vec<KeyFault>> {
    let joined = join(old, new, &rules.calendar)?;
    let none = Vec::new();
    let edges = Edges { old: Edge::of(old), new: Edge::of(new), marks: [old.watermark, new.watermark] };
    let weight = |pair: &Pair| if rules.weigh { volume(pair) } else { 1.0 };
    let mut buckets = Vec::new();
    let mut judged: Vec<(&[Pair], &dyn Fn(&Pair) -> f64)> = Vec::new();
    for start in starts(joined.keys().copied(), rules) {
        let pairs = joined.get(&start).unwrap_or(&none);
        let bucket = Judging { old, new, rules, pairs, weight: &weight }.bucket(start, &edges);
        if matches!(bucket.verdict, Verdict::Good | Verdict::Bad(_)) {
            judged.push((pairs, &weight));
        }
        buckets.push(bucket);
    }
    let contributors = over(judged.into_iter(), MOST_TOLD);
    Ok(Comparison { buckets, contributors })
}

/// All buckets between the first and the last, with those that neither side has.
fn starts(known: impl Iterator<Item = Option<i64>>, rules: &Rules) -> Vec<Option<i64>> {
    let known: Vec<Option<i64>> = known.collect();
    let (Some(step), Some(Some(first)), Some(Some(last))) = (rules.calendar.step, known.first(), known.last()) else {
        return known;
    };
    let mut found = Vec::new();
    let mut at = *first;
    while at <= *last && found.len() < MOST_BUCKETS {
        found.push(Some(at));
        let next = step.next(at, rules.calendar.zone, rules.calendar.week_start);
        if next <= at {
            break;
        }
        at = next;
    }
    // A calendar with days that belong to no bucket, or more buckets than anybody reads: those that there are.
    if known.iter().all(|start| found.binary_search(start).is_ok()) { found } else { known }
}

/// The first and the last bucket of a side.
#[derive(Clone, Copy)]
struct Edge(Option<(i64, i64)>);

impl Edge {
    fn of(series: &Series) -> Edge {
        let starts = || series.points.iter().filter_map(|point| point.bucket);
        Edge(starts().min().zip(starts().max()))
    }
}

struct Edges {
    old: Edge,
    new: Edge,
    marks: [Option<i64>; 2],
}

impl Edges {
    /// Why a bucket is not judged, where one side lacks it at its beginning or end.
    fn lacking(&self, side: Side, start: Option<i64>) -> Option<Unjudged> {
        let edge = match side {
            Side::Old => self.old,
            Side::New => self.new,
        };
        match (edge.0, start) {
            (Some((first, _)), Some(start)) if start < first => Some(Unjudged::Before(side)),
            (Some((_, last)), Some(start)) if start > last => Some(Unjudged::After(side)),
            (None, Some(_)) => Some(Unjudged::Before(side)),
            _ => None,
        }
    }

    fn behind(&self, end: i64) -> Option<Side> {
        let behind = |mark: &Option<i64>| mark.is_some_and(|mark| mark < end);
        [Side::Old, Side::New].into_iter().zip(&self.marks).find(|(_, mark)| behind(mark)).map(|(side, _)| side)
    }
}

struct Judging<'a> {
    old: &'a Series,
    new: &'a Series,
    rules: &'a Rules,
    pairs: &'a [Pair],
    weight: &'a dyn Fn(&Pair) -> f64,
}

impl Judging<'_> {
    fn bucket(&self, start: Option<i64>, edges: &Edges) -> Bucket {
        let calendar = &self.rules.calendar;
        let end = start.zip(calendar.step).map(|(start, step)| step.next(start, calendar.zone, calendar.week_start));
        let whole: f64 = self.pairs.iter().map(|pair| pair.old.weight() * (self.weight)(pair)).sum();
        let slices: Vec<Slice> = self.pairs.iter().map(|pair| Slice::of(pair, (self.weight)(pair), whole)).collect();
        let moved = |pair: &Pair| Cell::difference(&pair.old, &pair.new).as_f64() * (self.weight)(pair);
        let wape = relative(self.pairs.iter().map(|pair| moved(pair).abs()).sum(), whole);
        let (old, new) = (self.total(Side::Old, start), self.total(Side::New, start));
        let relative = match (&old, &new) {
            (Some(old), Some(new)) => relative(Cell::difference(old, new).as_f64(), old.weight()),
            _ => relative(self.pairs.iter().map(moved).sum(), whole),
        };
        let missing = |of: fn(&Pair) -> &Cell| self.pairs.iter().filter(|pair| *of(pair) == Cell::Missing).count();
        let mut bucket = Bucket {
            start,
            end,
            old,
            new,
            relative,
            wape,
            slices: self.pairs.len(),
            missing_old: missing(|pair| &pair.old),
            missing_new: missing(|pair| &pair.new),
            worst: self.worst(&slices),
            contributors: ranked(slices, MOST_TOLD),
            verdict: Verdict::Empty,
        };
        bucket.verdict = self.verdict(&bucket, edges);
        bucket
    }

    /// The total of a side: as asked for, or the sum of its slices where they add up.
    fn total(&self, side: Side, start: Option<i64>) -> Option<Cell> {
        let series = match side {
            Side::Old => self.old,
            Side::New => self.new,
        };
        if let Some(totals) = &series.totals {
            return Some(
                totals.iter().find(|(bucket, _)| *bucket == start).map_or(Cell::Missing, |(_, cell)| cell.clone()),
            );
        }
        let cells = self.pairs.iter().map(|pair| match side {
            Side::Old => &pair.old,
            Side::New => &pair.new,
        });
        if let ([pair], true) = (self.pairs, series.dimensions.is_empty()) {
            return Some(if side == Side::Old { pair.old.clone() } else { pair.new.clone() });
        }
        if !series.additive {
            return None;
        }
        let numbers: Vec<Number> = cells.filter_map(Cell::number).collect();
        Some(numbers.into_iter().reduce(Number::plus).map_or(Cell::Missing, Cell::Number))
    }

    /// Of the slices that weigh enough, the one that is farthest from what is allowed; of those that are within, the one that
    /// differs most.
    fn worst(&self, slices: &[Slice]) -> Option<Slice> {
        let whole: f64 = slices.iter().map(|slice| slice.volume).sum();
        let least = match self.rules.minimum {
            Minimum::Share(share) => whole * share,
            Minimum::Volume(volume) => volume,
        };
        let (low, high) = self.rules.of_slice();
        let beyond = |slice: &Slice| (low - slice.relative).max(slice.relative - high).max(0.0);
        let heavy = slices.iter().filter(|slice| slice.volume >= least && !slice.difference.is_zero());
        heavy
            .min_by(|a, b| {
                let by_rule = beyond(b).total_cmp(&beyond(a));
                let by_size = b.relative.abs().total_cmp(&a.relative.abs());
                by_rule.then(by_size).then_with(|| b.volume.total_cmp(&a.volume)).then_with(|| a.slice.cmp(&b.slice))
            })
            .cloned()
    }

    fn verdict(&self, bucket: &Bucket, edges: &Edges) -> Verdict {
        let closed = |end: i64| self.rules.closed_at.is_none_or(|at| end <= at);
        if let Some(end) = bucket.end {
            if !closed(end) {
                return Verdict::NotJudged(Unjudged::Open);
            }
            if let Some(side) = edges.behind(end) {
                return Verdict::NotJudged(Unjudged::Behind(side));
            }
        }
        if self.pairs.is_empty() {
            return Verdict::Empty;
        }
        let absent = [(Side::Old, bucket.missing_old), (Side::New, bucket.missing_new)];
        let absent = absent.into_iter().find(|(_, missing)| *missing == bucket.slices).map(|(side, _)| side);
        if let Some(side) = absent {
            return match edges.lacking(side, bucket.start) {
                Some(why) => Verdict::NotJudged(why),
                None => Verdict::Bad(vec![Reason::Absent(side)]),
            };
        }
        let reasons = self.reasons(bucket);
        if reasons.is_empty() { Verdict::Good } else { Verdict::Bad(reasons) }
    }

    fn reasons(&self, bucket: &Bucket) -> Vec<Reason> {
        let mut found = Vec::new();
        let (low, high) = self.rules.of_total();
        if !within(bucket.relative, low, high) {
            found.push(Reason::Total { relative: bucket.relative, low, high });
        }
        let limit = self.rules.of_spread();
        if !within(bucket.wape, 0.0, limit) {
            found.push(Reason::Spread { wape: bucket.wape, limit });
        }
        let (low, high) = self.rules.of_slice();
        if let Some(worst) = bucket.worst.as_ref().filter(|worst| !within(worst.relative, low, high)) {
            found.push(Reason::Slice { slice: worst.slice.clone(), relative: worst.relative, low, high });
        }
        found
    }
}

/// Whether a share lies in a range, whose ends belong to it; a share that is computed may miss its end by a rounding.
fn within(value: f64, low: f64, high: f64) -> bool {
    const ROUNDING: f64 = 1e-12;
    value >= low - ROUNDING && value <= high + ROUNDING
}
