//! Tables of behaviour as they are typed.

use super::attribution::Attribution;
use super::cohort::Cohort;
use super::conversion::Conversion;
use super::experiment::Experiment;
use super::funnel::Funnel;
use super::lifecycle::Lifecycle;
use super::model::{DimensionId, TableId};
use super::paths::Paths;
use super::segment::Segment;

/// A table of behaviour.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Behaviour {
    Cohort(Cohort),
    Lifecycle(Lifecycle),
    Funnel(Funnel),
    Conversion(Conversion),
    Attribution(Attribution),
    Paths(Paths),
    Segment(Segment),
    Experiment(Box<Experiment>),
}

impl Behaviour {
    /// By what the metrics over one of its tables are shown; none where it is no table of its own, or there is no choice.
    pub fn shown_by(&self, table: TableId) -> Option<&[DimensionId]> {
        let (tables, by) = match self {
            Behaviour::Cohort(cohort) => (vec![cohort.units, cohort.cells, cohort.active], &cohort.by),
            Behaviour::Funnel(funnel) => (funnel.tables.clone(), &funnel.by),
            Behaviour::Conversion(conversion) => (vec![conversion.base], &conversion.by),
            Behaviour::Attribution(attribution) => (vec![attribution.credits], &attribution.by),
            Behaviour::Paths(paths) => (vec![paths.paths, paths.nodes, paths.edges], &paths.by),
            Behaviour::Segment(segment) => (vec![segment.all], &segment.by),
            Behaviour::Experiment(experiment) => (experiment.units.into_iter().collect(), &experiment.by),
            Behaviour::Lifecycle(_) => return None,
        };
        tables.contains(&table).then_some(by.as_slice())
    }

    /// The table whose dimensions it can be shown by, and what it is shown by.
    pub fn by_mut(&mut self) -> Option<(TableId, &mut Vec<DimensionId>)> {
        match self {
            Behaviour::Cohort(cohort) => Some((cohort.units, &mut cohort.by)),
            Behaviour::Funnel(funnel) => Some((*funnel.tables.first()?, &mut funnel.by)),
            Behaviour::Conversion(conversion) => Some((conversion.base, &mut conversion.by)),
            Behaviour::Attribution(attribution) => Some((attribution.credits, &mut attribution.by)),
            Behaviour::Paths(paths) => Some((paths.paths, &mut paths.by)),
            Behaviour::Segment(segment) => Some((segment.all, &mut segment.by)),
            Behaviour::Experiment(experiment) => Some((experiment.exposed, &mut experiment.by)),
            Behaviour::Lifecycle(_) => None,
        }
    }
}
