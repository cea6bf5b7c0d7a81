//! Filters, taken apart: what all measures of a scan ask belongs into its WHERE.

use crate::plan::{Expr, Scan};
use crate::rollup::{conditions, conjuncts};

/// The filters of a scan, with what its measures have in common told apart.
pub struct Filters<'a> {
    /// What every row must satisfy.
    pub rows: Vec<&'a Expr>,
    /// What is left for each measure.
    pub measures: Vec<Vec<&'a Expr>>,
}

/// Takes the filters of a scan apart.
pub fn filters(scan: &Scan) -> Filters<'_> {
    let mut rows: Vec<&Expr> = scan.filter.iter().flat_map(conjuncts).collect();
    let mut measures: Vec<Vec<&Expr>> =
        scan.measures.iter().map(|measure| measure.filter.iter().flat_map(conjuncts).collect()).collect();
    if let Some((first, others)) = measures.split_first() {
        let common: Vec<&Expr> =
            first.iter().copied().filter(|part| others.iter().all(|other| other.contains(part))).collect();
        for measure in &mut measures {
            measure.retain(|part| !common.contains(part));
        }
        rows.extend(common);
    }
    let mut seen = Vec::with_capacity(rows.len());
    for part in rows {
        if !seen.contains(&part) {
            seen.push(part);
        }
    }
    for measure in &mut measures {
        measure.retain(|part| !seen.contains(part));
    }
    Filters { rows: seen, measures }
}

/// The filters of a scan that reads states: each has its whole filter.
pub fn whole(scan: &Scan) -> Filters<'_> {
    let measures = scan.measures.iter().map(|measure| conditions(scan, measure.filter.as_ref())).collect();
    Filters { rows: Vec::new(), measures }
}
