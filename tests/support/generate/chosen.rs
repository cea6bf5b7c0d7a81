//! Which rows of an answer are asked for.

use super::model::*;
use super::text;

impl Top {
    /// As it is written.
    pub fn text(&self) -> String {
        let other = if self.other { " other" } else { "" };
        format!("{} by {}{other}", self.count, self.metric)
    }
}

impl Question {
    /// Its limits as they are written.
    pub fn limits(&self, zone: chrono_tz::Tz) -> Option<(String, String)> {
        let days = self.range.map(|(from, to)| (text::day(from), text::day(to)));
        self.exact.map(|(from, to)| (text::wall(from, zone), text::wall(to, zone))).or(days)
    }

    /// How many columns of its answer stand before the metrics.
    pub fn keys(&self) -> usize {
        let other = self.top.as_ref().is_some_and(|top| top.other);
        usize::from(self.step.is_some()) + self.by.len() + usize::from(other)
    }

    /// Whether a metric can rank the groups: by numbers that are the same everywhere.
    pub fn ranks(&self, project: &Project, metric: &Metric) -> bool {
        let formula = &metric.formula;
        let exact = matches!(formula.ty, Ty::Int | Ty::Decimal(..)) && !formula.inexact;
        let stepless = self.exact.is_none() || !project.has_inner_steps(formula);
        exact && stepless && project.bears(formula, None, self.range.is_some())
    }

    /// Whether it can be asked for: what `--top` and `--cut` need is there.
    pub fn is_choosable(&self, project: &Project) -> bool {
        let dimensions = self.by.iter().filter(|by| by.dimension().is_some()).count();
        let metrics = || self.metrics.iter().filter_map(|name| project.metric(name));
        let cut = self.exact.is_none() || self.range.is_some() && self.step.is_some();
        let columns = |name: &String| self.metrics.contains(name);
        let top = self.top.as_ref().is_none_or(|top| {
            let ranks = columns(&top.metric) && project.metric(&top.metric).is_some_and(|one| self.ranks(project, one));
            let whole = self.filter.as_ref().is_none_or(|filter| !filter.is_of_buckets());
            let shares = metrics().any(|metric| project.has_shares(&metric.formula));
            let free = self.by.iter().all(|by| by.text() != "other") && !columns(&"other".to_owned());
            dimensions > 0 && ranks && whole && (!top.other || free && (dimensions == 1 || !shares))
        });
        let mut known = true;
        self.having.iter().for_each(|having| {
            having.walk(&mut |part| {
                known &= match &part.node {
                    Node::Metric(name) => columns(name),
                    Node::Dimension(name) => self.by.contains(&By::Dimension(name.clone())),
                    Node::Bucket(part) => self.step.is_some_and(|step| part.fits(step, project.week_starts_sunday)),
                    _ => true,
                };
            });
        });
        let free = self.by.iter().all(|by| by.text() != "partial") && !columns(&"partial".to_owned());
        cut && top && known && (self.exact.is_none() || free)
    }
}

impl Project {
    /// Whether some value is one per step of time.
    fn has_inner_steps(&self, formula: &Expr) -> bool {
        self.has(formula, &|part| matches!(&part.node, Node::Nested(nested) if nested.step().is_some()))
    }

    /// Whether some value leaves dimensions out.
    fn has_shares(&self, formula: &Expr) -> bool {
        self.has(formula, &|part| matches!(part.node, Node::Across(..)))
    }

    fn has(&self, formula: &Expr, test: &dyn Fn(&Expr) -> bool) -> bool {
        formula.any(&mut |part| match &part.node {
            Node::Metric(name) => self.metric(name).is_some_and(|metric| self.has(&metric.formula, test)),
            Node::Nested(nested) => test(part) || self.has(&nested.formula, test),
            _ => test(part),
        })
    }
}
