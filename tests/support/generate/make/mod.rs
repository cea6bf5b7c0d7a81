//! Makes a project out of a seed.

mod algebra;
mod buckets;
mod chosen;
mod columns;
mod derived;
pub mod exprs;
mod metrics;
mod names;
mod numbers;
mod questions;
mod row_sets;
mod rows;
mod tables;
mod times;

use super::model::*;
use super::rng::Rng;

/// A project being made.
pub struct Maker {
    pub rng: Rng,
    pub project: Project,
    /// The forms that may be used beside the plain ones.
    constructs: Vec<Construct>,
}

/// The random project of a seed: it compiles, and its answers are defined.
pub fn project(seed: u64) -> Project {
    with(seed, Construct::SUPPORTED)
}

/// The same, with other forms in it than those known to compile.
pub fn with(seed: u64, constructs: &[Construct]) -> Project {
    let mut rng = Rng::new(seed);
    let zone =
        *rng.pick(&[chrono_tz::Asia::Shanghai, chrono_tz::UTC, chrono_tz::Asia::Kolkata, chrono_tz::America::New_York]);
    let project = Project {
        seed,
        zone,
        week_starts_sunday: rng.chance(25),
        units: vec!["CNY".into(), "quota".into()],
        tables: Vec::new(),
        subsets: Vec::new(),
        derived: Vec::new(),
        dimensions: Vec::new(),
        metrics: Vec::new(),
        questions: Vec::new(),
    };
    let mut maker = Maker { rng, project, constructs: constructs.to_vec() };
    maker.tables();
    maker.rows();
    maker.computed_columns();
    maker.subsets();
    maker.dimensions();
    maker.derived();
    maker.metrics();
    maker.algebra();
    maker.questions();
    maker.project
}
