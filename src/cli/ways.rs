//! Two ways that a metric is served in: what each has come to by day, and how far they are apart.

use std::time::{Duration, Instant};

use super::Stop;
use super::answers::Fetcher;
use crate::change::verify::{Bucket, Calendar, Minimum, Rules, Series, compare};
use crate::emit;
use crate::plan::{AskedStep, Lowering, Question};
use crate::types::{MetricId, Way};
use crate::value::Step;

/// A metric in two of its ways.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// The metric.
    pub metric: MetricId,
    /// The ways; what they are apart is relative to the second one.
    pub ways: [Way; 2],
}

/// What came of a comparison.
pub enum Compared {
    /// The days that one of them has, and those between.
    Days(Vec<Bucket>),
    /// They can't be compared, and why.
    Not(String),
}

impl Ways {
    /// Compares the days of an interval (of all times where it has no ends), in so much time altogether, or as much as the server grants.
    pub fn compared(
        self,
        (from, to): (Option<i64>, Option<i64>),
        within: Option<Duration>,
        lowering: &Lowering<'_>,
        fetcher: &Fetcher<'_>,
    ) -> Result<Compared, Stop> {
        let (began, model) = (Instant::now(), lowering.model);
        let by = model.metrics[self.metric.0].by.clone();
        let question = Question { step: AskedStep::Step(Step::Day), by, from, to, ..Question::of(vec![self.metric]) };
        let query = lowering.lower(&question).map_err(|found| Stop::found(fetcher.project(), found))?;
        let mut series = Vec::with_capacity(2);
        for way in self.ways {
            let Some(answered) = fetcher.answered(&query, &emit::asked_by(model, self.metric, way))? else {
                return Ok(Compared::Not(match fetcher.is_server() {
                    true => "no target says which rollups there are: add `--target`".to_owned(),
                    false => "only a warehouse has results: add `--clickhouse`".to_owned(),
                }));
            };
            if let Some((_, why)) = answered.refused.first() {
                return Ok(Compared::Not(format!("it is not served by `{}`: {why}", way.word())));
            }
            if answered.from.is_empty() {
                return Ok(Compared::Not(format!("no rollup has what `{}` makes of it", way.word())));
            }
            let left = within.map(|within| within.saturating_sub(began.elapsed()).max(LEAST));
            let answer = fetcher.select(&answered.sql, &query, left)?;
            series.push(Series::of(&answer, way.word(), answer.keys, None));
        }
        let rules = Rules {
            tolerance: 0.0,
            expect: None,
            // Slices count in the sum of all differences; none is judged alone.
            minimum: Minimum::Share(1.0),
            weigh: false,
            closed_at: None,
            calendar: Calendar { zone: model.zone, week_start: model.week_start, step: Some(Step::Day) },
        };
        Ok(match compare(&series[1], &series[0], &rules) {
            Ok(compared) => Compared::Days(compared.buckets),
            Err(_) => Compared::Not("its rows are not one a day and slice".to_owned()),
        })
    }

    /// Whether the slower one has a row of a day: its batch has built that, and both can be compared.
    pub fn is_there(self, day: &Bucket) -> bool {
        let pace = |way: Way| match way {
            Way::Stream => 0,
            Way::Hourly => 1,
            Way::Daily => 2,
        };
        // The second one is the old side.
        let missing = if pace(self.ways[0]) > pace(self.ways[1]) { day.missing_new } else { day.missing_old };
        missing < day.slices
    }
}

/// The least time for a statement.
const LEAST: Duration = Duration::from_millis(100);

/// How far both are apart on a day: the differences of all slices, relative to the second one's; none where neither has a row.
pub fn apart(day: &Bucket) -> Option<f64> {
    (day.slices > 0).then_some(day.wape)
}
