//! The columns between the scans and the formulas: measures, and counters that tell which metrics have a row.

use super::filter::{self, Filters};
use crate::plan::{Aggregate, Expr, MeasureId, MetricOutput, Present, Scan};

/// The columns between the scans and the formulas.
pub(super) struct Layout<'a> {
    /// The filters of each scan.
    pub filters: Vec<Filters<'a>>,
    /// Row counts by scan and filter: what tells whether a metric has a row.
    pub counters: Vec<Counter<'a>>,
    /// The counters of each metric, each with the buckets in which it counts; none where it has a row wherever there is one.
    pub present: Vec<Option<Vec<(usize, Option<&'a Expr>)>>>,
    /// Whether a metric is told to have a row by a counter even where each row is one of its.
    explicit: bool,
}

/// The number of rows of a scan that satisfy a filter.
pub(super) struct Counter<'a> {
    pub scan: usize,
    pub filter: Vec<&'a Expr>,
    /// Its column.
    pub name: String,
    /// Whether it is a measure anyway.
    pub shared: bool,
}

/// The column of a measure.
pub(super) fn measure_name(scans: &[Scan], id: MeasureId) -> String {
    let before: usize = scans.iter().take(id.scan).map(|scan| scan.measures.len()).sum();
    format!("_m{}", before + id.measure)
}

impl<'a> Layout<'a> {
    pub fn new(query: &'a crate::plan::Query, is_stored: impl Fn(usize) -> bool) -> Layout<'a> {
        // A state has its whole filter.
        let of = |(at, scan)| if is_stored(at) { filter::whole(scan) } else { filter::filters(scan) };
        let filters: Vec<Filters> = query.scans.iter().enumerate().map(of).collect();
        let explicit = query.metrics.iter().any(|metric| metric.fill.is_some());
        let mut layout = Layout { filters, counters: Vec::new(), present: Vec::new(), explicit };
        // Without keys there is exactly one row, and every metric has it; so it is with the groups that are asked for.
        let one_row = query.step.is_none() && query.dimensions.is_empty();
        let always = one_row || query.asked.as_ref().is_some_and(|asked| asked.all);
        for metric in &query.metrics {
            let present = if always { None } else { layout.counters_of(&query.scans, metric) };
            layout.present.push(present);
        }
        layout
    }

    fn counters_of(&mut self, scans: &[Scan], metric: &'a MetricOutput) -> Option<Vec<(usize, Option<&'a Expr>)>> {
        let mut counters = Vec::new();
        for Present { measure: id, when } in &metric.present {
            let filter = self.filters[id.scan].measures[id.measure].clone();
            if scans.len() == 1 && filter.is_empty() && when.is_none() && !self.explicit {
                return None;
            }
            let counter = (self.counter(scans, id.scan, filter), when.as_ref());
            if !counters.contains(&counter) {
                counters.push(counter);
            }
        }
        counters.sort_by_key(|(counter, _)| *counter);
        Some(counters)
    }

    fn counter(&mut self, scans: &[Scan], scan: usize, filter: Vec<&'a Expr>) -> usize {
        if let Some(found) = self.counters.iter().position(|known| known.scan == scan && known.filter == filter) {
            return found;
        }
        let measures = scans[scan].measures.iter().enumerate();
        let count = measures.filter(|(_, measure)| measure.aggregate == Aggregate::CountRows);
        let shared = count.map(|(at, _)| at).find(|at| self.filters[scan].measures[*at] == filter);
        let name = match shared {
            Some(measure) => measure_name(scans, MeasureId { scan, measure }),
            None => format!("_n{}", self.counters.iter().filter(|counter| !counter.shared).count()),
        };
        self.counters.push(Counter { scan, filter, name, shared: shared.is_some() });
        self.counters.len() - 1
    }
}
