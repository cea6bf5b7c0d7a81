//! What only asks of metrics: tests, reports, rules of quality, alerts, objectives and dashboards.

use crate::syntax::ast::DeclarationKind;
use crate::types::{ColumnId, DimensionId};

use super::expand::{Program, Reads};
use super::{Item, NodeId, Role};

impl Program<'_> {
    /// What a report tells of, and what it explains that by.
    pub fn of_report(&self, node: NodeId, reads: &mut Reads) {
        let span = self.nodes.all[node.0].span;
        for report in self.model.reports.iter().filter(|report| report.span == span) {
            for metric in report.metrics.iter().copied() {
                reads.push((Item::Formula(metric), Role::Told));
                for dimension in report.explained_by(self.model, metric) {
                    self.bound_to(dimension, metric, Role::Group, reads);
                }
            }
            for (metric, dimension) in report.structure.iter().copied() {
                reads.push((Item::Formula(metric), Role::Told));
                self.bound_to(dimension, metric, Role::Group, reads);
            }
        }
    }

    /// What rules of quality look at.
    pub fn of_quality(&self, node: NodeId, reads: &mut Reads) {
        let span = self.nodes.all[node.0].span;
        for quality in self.model.qualities.iter().filter(|quality| quality.span == span) {
            let metrics = quality.rules.iter().map(|rule| rule.kind.metric()).chain([quality.rows]);
            reads.extend(metrics.map(|metric| (Item::Formula(metric), Role::Checked)));
        }
    }

    pub fn of_test(&self, node: NodeId, reads: &mut Reads) {
        let Some(DeclarationKind::Test(test)) = self.nodes.declared[node.0].map(|declaration| &declaration.kind) else {
            return;
        };
        for (path, version) in &test.metrics {
            let name = path.to_string();
            let version = version.as_ref().map(|version| version.value);
            let Some(metric) = self.model.metric_named(&name, version) else { continue };
            reads.push((Item::Formula(metric), Role::Asked));
            for column in &test.expect.header {
                let name = column.value.split('@').next().unwrap_or_default();
                let shown = self.model.dimensions.iter().position(|dimension| dimension.name.value == name);
                shown.into_iter().for_each(|shown| {
                    self.bound_to(DimensionId(shown), metric, Role::Group, reads);
                });
            }
        }
        for given in &test.given {
            let name = given.table.to_string();
            let Some(table) = self.model.table_named(&name) else { continue };
            reads.push((Item::Table(table), Role::Given));
            for column in &given.data.header {
                let columns = self.model.table(table).columns.iter();
                let column = columns.clone().position(|own| own.name.value == column.value && !own.internal);
                let id = column.map(|column| ColumnId { table, column });
                reads.extend(id.map(|id| (Item::Column(id), Role::Given)));
            }
        }
    }

    /// What an alert watches, and what must be there for it.
    pub fn of_alert(&self, node: NodeId, reads: &mut Reads) {
        let span = self.nodes.all[node.0].span;
        for alert in self.model.alerts.iter().filter(|alert| alert.span == span) {
            let volume = alert.volume.as_ref().map(|volume| (volume.metric, Role::Filter));
            for (metric, role) in [(alert.metric, Role::Watched)].into_iter().chain(volume) {
                reads.push((Item::Formula(metric), role));
                alert.by.iter().for_each(|dimension| self.bound_to(*dimension, metric, Role::Group, reads));
            }
            self.of_step(alert.every, reads);
        }
    }

    /// What an objective is of.
    pub fn of_slo(&self, node: NodeId, reads: &mut Reads) {
        let span = self.nodes.all[node.0].span;
        let own = self.model.slos.iter().filter(|slo| slo.span == span);
        reads.extend(own.map(|slo| (Item::Formula(slo.metric), Role::Watched)));
    }

    /// What a dashboard shows, by what, and what it can be filtered by.
    pub fn of_dashboard(&self, node: NodeId, reads: &mut Reads) {
        let span = self.nodes.all[node.0].span;
        let own = self.model.dashboards.iter().filter(|dashboard| dashboard.span == span);
        for (dashboard, shown) in own.flat_map(|dashboard| dashboard.shown().map(move |shown| (dashboard, shown))) {
            for metric in shown.metrics.iter().copied() {
                reads.push((Item::Formula(metric), Role::Shown));
                shown.by.iter().for_each(|dimension| self.bound_to(*dimension, metric, Role::Group, reads));
                let filter = dashboard.filtered(self.model, shown);
                filter.for_each(|dimension| self.bound_to(dimension, metric, Role::Filter, reads));
            }
            self.of_step(shown.step, reads);
        }
    }
}
