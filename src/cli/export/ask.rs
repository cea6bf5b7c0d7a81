//! What a statement asks an engine, and what comes of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::cache::Found;
use crate::cli::Stop;
use crate::cli::answers::Fetcher;
use crate::cli::ways::{Compared, Ways, apart};
use crate::emit::alerts::Fresh;
use crate::emit::asked_together;
use crate::error;
use crate::exporter::{Asks, Bucket, Exports, Sample, Statement, newest, samples};
use crate::plan::{Lowering, Question};
use crate::rollup::Asked;
use crate::table::Answer;
use crate::types::Way;

/// The least time for a second statement.
const LEAST: Duration = Duration::from_millis(100);

/// Asks an engine.
pub struct Asking<'a> {
    exports: &'a Exports,
    lowering: &'a Lowering<'a>,
    fetcher: &'a Fetcher<'a>,
    /// The most groups of a series.
    most: u64,
    /// What was found far back of sources without a fresh row, and when, by the places of their statements.
    far: Mutex<BTreeMap<usize, (Instant, Option<i64>)>>,
}

impl<'a> Asking<'a> {
    /// Nothing is asked yet.
    pub fn new(exports: &'a Exports, lowering: &'a Lowering<'a>, fetcher: &'a Fetcher<'a>, most: u64) -> Asking<'a> {
        Asking { exports, lowering, fetcher, most, far: Mutex::default() }
    }

    /// What the statement at a place gives of a bucket, in so much time.
    pub fn ask(&self, place: usize, bucket: Bucket, within: Duration) -> Result<Found, Stop> {
        let statement = &self.exports.statements[place];
        match &statement.asks {
            Asks::Values => self.values(statement, bucket, within),
            Asks::Newest(of) => {
                let newest = self.newest(place, of, bucket, within)?;
                Ok(vec![Ok(vec![newest::sample(bucket, newest)])])
            }
            Asks::Apart(ways) => self.apart(statement, *ways, bucket, within),
        }
    }

    fn values(&self, statement: &Statement, bucket: Bucket, within: Duration) -> Result<Found, Stop> {
        let served = statement.metrics.iter().map(|id| self.exports.model.metrics[id.0].serve.as_slice());
        let answer = self.answer(&statement.question(bucket, self.most), &asked_together(served), within)?;
        Ok(samples(statement, &answer, self.most))
    }

    fn answer(&self, question: &Question, asked: &Asked, within: Duration) -> Result<Answer, Stop> {
        let told = |found| Stop::found(self.fetcher.project(), found);
        let query = self.lowering.lower(question).map_err(told)?;
        self.fetcher.answer_within(&query, asked, within)
    }

    /// The instant of the newest row. While none is fresh, what is far back is looked at now and then only.
    fn newest(&self, place: usize, of: &Fresh, bucket: Bucket, within: Duration) -> Result<Option<i64>, Stop> {
        let began = Instant::now();
        let asked = Asked { live: true, servings: Vec::new() };
        let look = |from, within| self.answer(&of.question(from), &asked, within).map(|found| newest::instant(&found));
        let (near, far) = newest::looks(of, bucket);
        let found = look(near, within)?;
        let Some(far) = far else { return Ok(found) };
        let mut known = self.far.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
        if newest::is_fresh(of, bucket, found) {
            return Ok(found);
        }
        if known.is_none_or(|(when, _)| when.elapsed() >= newest::FAR) {
            let left = within.saturating_sub(began.elapsed()).max(LEAST);
            known = Some((Instant::now(), look(far, left)?));
        }
        let newest = known.and_then(|(_, newest)| newest).max(found);
        // What is fresh by a row of long ago is not known for long.
        if !newest::is_fresh(of, bucket, newest) {
            let kept = known.map(|(when, _)| (when, newest));
            self.far.lock().unwrap_or_else(PoisonError::into_inner).extend(kept.map(|kept| (place, kept)));
        }
        Ok(newest)
    }

    /// How far two ways are apart on a day, once the slower one has built it.
    fn apart(&self, statement: &Statement, ways: [Way; 2], bucket: Bucket, within: Duration) -> Result<Found, Stop> {
        let Some(metric) = statement.metrics.first().copied() else { return Ok(Vec::new()) };
        let of = Ways { metric, ways };
        let range = (Some(bucket.start), Some(bucket.end));
        let days = match of.compared(range, Some(within), self.lowering, self.fetcher)? {
            Compared::Days(days) => days,
            Compared::Not(why) => {
                return Err(error!(E0846, None, "`{}` cannot be judged: {why}", statement.name;
                    help: "leave the rule out, or let the metric be served in both ways")
                .into());
            }
        };
        let day = days.iter().find(|day| day.start == Some(bucket.start)).filter(|day| of.is_there(day));
        let value = day.and_then(apart);
        Ok(value.map(|value| Ok(vec![Sample { labels: Vec::new(), value }])).into_iter().collect())
    }
}
