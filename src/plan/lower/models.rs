//! Attributions by several models: credits of one conversion by two models are not added up.

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::{Function, How, question::Question};
use crate::types::{DimFilter, DimensionId, Formula, FormulaKind, Model, NestedKey, Origin, Subject, TableId, Type};

use super::Lowering;

impl Lowering<'_> {
    /// Tells which metrics would add up the credits of several models.
    pub(super) fn check_models(&self, question: &Question, d: &mut Diagnostics) {
        let mut shown: Vec<DimensionId> = question.by.iter().filter_map(|by| by.dimension()).collect();
        let mut fixed = Vec::new();
        question.filter.iter().for_each(|filter| fixes(filter, &mut fixed));
        shown.sort_unstable();
        for id in &question.metrics {
            let metric = &self.model.metrics[id.0];
            if !self.tables_of(*id).iter().any(|table| several(self.model, *table).is_some()) {
                continue;
            }
            if let Some(model) = added_up(self.model, &metric.formula, &shown, &fixed) {
                let dimension = &self.model.dimensions[model.0];
                let one = match &dimension.ty.ty {
                    Type::Enum(models) => models.last().map_or("last", String::as_str),
                    _ => "last",
                };
                let dimension = &dimension.name.value;
                d.push(
                    error!(E0980, None, "`{}` would add up what several models of an attribution credit", metric.name.value;
                        help: ("ask by `{dimension}`, or for one of them: `--where '{dimension} = \"{one}\"'`"))
                    .related(metric.name.span, "the metric"),
                );
            }
        }
    }
}

/// The dimension that tells the models of a table apart, where there are several.
fn several(model: &Model, table: TableId) -> Option<DimensionId> {
    let table = model.table(table);
    let Origin::Made(made) = &table.origin else { return None };
    let How::Attribution(attribution) = &made.how else { return None };
    let (name, _) = table.dimensions.first().filter(|_| attribution.models.len() > 1)?;
    model.dimensions.iter().position(|dimension| dimension.name.value == *name).map(DimensionId)
}

/// The dimensions of which a condition leaves one value.
fn fixes(filter: &DimFilter, fixed: &mut Vec<DimensionId>) {
    match filter {
        DimFilter::And(parts) => parts.iter().for_each(|part| fixes(part, fixed)),
        DimFilter::Test {
            subject: Subject::Dimension(id), function: Function::Equal | Function::In, literals, ..
        } if literals.len() == 1 => {
            fixed.push(*id);
        }
        _ => {}
    }
}

/// The models that some aggregate of a formula adds up: neither shown nor one alone.
fn added_up(model: &Model, formula: &Formula, shown: &[DimensionId], fixed: &[DimensionId]) -> Option<DimensionId> {
    let below = |formula: &Formula| added_up(model, formula, shown, fixed);
    match &formula.kind {
        FormulaKind::Leaf(leaf) => {
            several(model, leaf.rows.base).filter(|id| !shown.contains(id) && !fixed.contains(id))
        }
        FormulaKind::Metric(id) => below(&model.metrics[id.0].formula),
        FormulaKind::Literal(_) => None,
        FormulaKind::Call(_, arguments) => arguments.iter().find_map(below),
        FormulaKind::Case { branches, otherwise } => branches
            .iter()
            .flat_map(|(condition, value)| [condition, value])
            .chain(otherwise.iter().map(|value| &**value))
            .find_map(below),
        FormulaKind::Where { operand, filter } => {
            let mut more = fixed.to_vec();
            fixes(filter, &mut more);
            added_up(model, operand, shown, &more)
        }
        FormulaKind::Nested(nested) => {
            let keys = nested.keys.iter().filter_map(|key| match key {
                NestedKey::Dimension(id) => Some(*id),
                NestedKey::Column { .. } | NestedKey::Step(_) => None,
            });
            let more: Vec<DimensionId> = shown.iter().copied().chain(keys).collect();
            added_up(model, &nested.formula, &more, fixed)
        }
        FormulaKind::Moved { operand, .. } | FormulaKind::Rate { operand, .. } => below(operand),
        FormulaKind::Across { operand, dimensions } => {
            let left: Vec<DimensionId> = shown.iter().copied().filter(|id| !dimensions.contains(id)).collect();
            added_up(model, operand, &left, fixed)
        }
    }
}
