//! The gate before a cut-over: so many good days in a row must be recorded (DQ3).

use crate::diagnostic::Diagnostic;
use crate::error;
use crate::types::CaliberChange;

/// What is recorded of a double run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing at all of a metric that moves.
    Nothing {
        /// Which.
        metric: String,
    },
    /// How many good days in a row there are up to the last one.
    GoodDays {
        /// Of the metric that has fewest.
        days: u32,
        /// That metric.
        metric: String,
    },
    /// No metric moves, so that every day is as good as can be.
    NothingMoves,
}

/// Whether a change may go live; what is lacking is told.
pub fn check(change: &CaliberChange, recorded: &Recorded) -> Result<(), Box<Diagnostic>> {
    let (wanted, label) = (change.double_run_days, change.label());
    let days = |count: u32| if count == 1 { "1 day".to_owned() } else { format!("{count} days") };
    let told = match recorded {
        Recorded::NothingMoves => return Ok(()),
        Recorded::GoodDays { days: good, .. } if *good >= wanted => return Ok(()),
        Recorded::Nothing { metric } => {
            error!(E0663, change.span, "no verification of `{label}` is recorded for `{metric}`, and it takes {} in a row", days(wanted);
                help: "compare both versions day by day with `metricc verify --record`, or go live without with `--force`")
        }
        Recorded::GoodDays { days: good, metric } => {
            error!(E0663, change.span, "{good} of {wanted} good days in a row are recorded for `{label}`: `{metric}` has fewest";
                help: "wait for more good days, or go live without with `--force`; a bad day starts again")
        }
    };
    Err(Box::new(told))
}
