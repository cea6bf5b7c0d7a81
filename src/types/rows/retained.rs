//! How far back behaviour looks, and how long rows are kept.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::types::model::RowSet;
use crate::value::time::DAY_MS;
use crate::value::{Ages, Step, Within};

use super::RowSets;

impl Within {
    /// The least length of the window, in milliseconds.
    fn length(self) -> i64 {
        match self {
            Within::Elapsed(ms) => ms,
            Within::Same(step) => shortest(step),
        }
    }
}

impl RowSets<'_> {
    /// Tells where a window is longer than some of its rows are kept: what began it is gone before it is over.
    pub(super) fn check_window<'r>(
        &self,
        rows: impl IntoIterator<Item = &'r RowSet>,
        within: Within,
        span: Span,
        d: &mut Diagnostics,
    ) {
        self.check_kept(rows, within.length(), span, d);
    }

    /// Tells where the last age lies farther from the start than rows are kept.
    pub(super) fn check_ages<'r>(
        &self,
        rows: impl IntoIterator<Item = &'r RowSet>,
        ages: &Ages,
        span: Span,
        d: &mut Diagnostics,
    ) {
        let length = ages.rolling.unwrap_or_else(|| shortest(ages.every));
        self.check_kept(rows, length.saturating_mul(i64::from(ages.until)), span, d);
    }

    /// Tells where rows are not kept for so many milliseconds.
    pub(super) fn check_kept<'r>(
        &self,
        rows: impl IntoIterator<Item = &'r RowSet>,
        length: i64,
        span: Span,
        d: &mut Diagnostics,
    ) {
        let stored = rows.into_iter().flat_map(|rows| rows.base.stored(&self.tables));
        let kept = stored.filter_map(|table| Some((self.tables[table.0].retain?, table))).min();
        let Some((retain, table)) = kept.filter(|(retain, _)| *retain < length) else { return };
        let table = &self.tables[table.0];
        d.push(
            error!(E0699, span, "rows of `{}` are kept for {} days, and this reaches over {}", table.name.value,
                retain / DAY_MS, (length + DAY_MS - 1) / DAY_MS;
                help: ("shorten it, or raise `retain` of `{}`", table.name.value))
            .related(table.name.span, "declared here"),
        );
    }
}

/// The least length of a bucket.
fn shortest(step: Step) -> i64 {
    match step {
        Step::Subday(ms) => ms,
        Step::Day => DAY_MS,
        Step::Week => 7 * DAY_MS,
        Step::Quarter => 90 * DAY_MS,
        Step::Year => 365 * DAY_MS,
        _ => 28 * DAY_MS,
    }
}
