//! Reports: what is asked for one, what is made of the answers, and how it is written.
//!
//! [`plan`] makes questions; whoever can ask an engine answers them, and [`made`] does all arithmetic: differences, what carries
//! them, what is unusual. Everything that is written afterwards comes from [`Made`]. No value is put together out of answers but
//! where it is a sum: each number is one that an engine gave, or the difference or share of two such numbers.

mod asked;
mod made;
mod parts;
mod share;
mod usual;
pub mod write;

pub use asked::{Ask, FEWEST, Period, Plan, Season, plan, season};
pub use made::{Compared, Effect, Explained, Made, MadeMetric, Part, Shares, Structure, made};
pub use parts::Parts;
pub use share::{Contribution, Effects, Group, Pair, Slice, contributions, effects};
pub use usual::{Baseline, Chance, Judged, judge};
