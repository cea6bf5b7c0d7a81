//! What is never one number: credits of one conversion by several models of an attribution, and the differences of several variants
//! of an experiment from its control.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error;
use crate::plan::{Function, How, question::Question};
use crate::types::{
    DimFilter, DimensionId, Formula, FormulaKind, Metric, Model, NestedKey, Origin, Subject, Table, TableId, Type,
};

use super::Lowering;

impl Lowering<'_> {
    /// Tells which metrics would add up the credits of several models, or compare several variants at once.
    pub(super) fn check_models(&self, question: &Question, d: &mut Diagnostics) {
        let mut shown: Vec<DimensionId> = question.by.iter().filter_map(|by| by.dimension()).collect();
        let mut fixed = Vec::new();
        question.filter.iter().for_each(|filter| fixes(filter, &mut fixed));
        shown.sort_unstable();
        for id in &question.metrics {
            let metric = &self.model.metrics[id.0];
            let kept_apart =
                |table: &TableId| several(self.model, *table).is_some() || is_of_units(self.model.table(*table));
            if !self.tables_of(*id).iter().any(kept_apart) {
                continue;
            }
            if let Some(mixed) = mixed(self.model, &metric.formula, &shown, &fixed) {
                d.push(self.told_apart(metric, mixed));
            }
        }
    }

    fn told_apart(&self, metric: &Metric, mixed: Mixed) -> Diagnostic {
        let (Mixed::Models(id) | Mixed::Variants(id)) = mixed;
        let dimension = &self.model.dimensions[id.0];
        let name = &dimension.name.value;
        let found = match mixed {
            Mixed::Models(_) => {
                let one = match &dimension.ty.ty {
                    Type::Enum(models) => models.last().map_or("last", String::as_str),
                    _ => "last",
                };
                error!(E0980, None, "`{}` would add up what several models of an attribution credit", metric.name.value;
                    help: ("ask by `{name}`, or for one of them: `--where '{name} = \"{one}\"'`"))
            }
            Mixed::Variants(_) => {
                error!(E0981, None, "`{}` compares a variant with the control, and is asked for all variants at once", metric.name.value;
                    help: ("ask by `{name}`, or for one of them: `--where '{name} = …'`"))
            }
        };
        found.related(metric.name.span, "the metric")
    }
}

/// What would be one number of several: the dimension by which it must be shown.
enum Mixed {
    /// The models of an attribution.
    Models(DimensionId),
    /// The variants of an experiment.
    Variants(DimensionId),
}

/// Whether a table is of the units of an experiment.
fn is_of_units(table: &Table) -> bool {
    matches!(&table.origin, Origin::Made(made) if matches!(made.how, How::Experiment(_)))
}

/// The dimension of the variants that a formula compares: it looks one of them up across them.
fn compared(model: &Model, operand: &Formula, across: &[DimensionId]) -> Option<DimensionId> {
    let FormulaKind::Where { filter, .. } = &operand.kind else { return None };
    let mut fixed = Vec::new();
    fixes(filter, &mut fixed);
    let tells_variants = |id: &DimensionId| {
        let name = &model.dimensions[id.0].name.value;
        let tables = model.tables.iter().filter(|table| is_of_units(table));
        across.contains(id) && tables.flat_map(|table| &table.dimensions).any(|(known, _)| known == name)
    };
    fixed.into_iter().find(tells_variants)
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

/// What some aggregate of a formula adds up, or compares at once: neither shown nor one alone.
fn mixed(model: &Model, formula: &Formula, shown: &[DimensionId], fixed: &[DimensionId]) -> Option<Mixed> {
    let below = |formula: &Formula| mixed(model, formula, shown, fixed);
    let open = |id: &DimensionId| !shown.contains(id) && !fixed.contains(id);
    match &formula.kind {
        FormulaKind::Leaf(leaf) => several(model, leaf.rows.base).filter(open).map(Mixed::Models),
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
            mixed(model, operand, shown, &more)
        }
        FormulaKind::Nested(nested) => {
            let keys = nested.keys.iter().filter_map(|key| match key {
                NestedKey::Dimension(id) => Some(*id),
                NestedKey::Column { .. } | NestedKey::Step(_) => None,
            });
            let more: Vec<DimensionId> = shown.iter().copied().chain(keys).collect();
            mixed(model, &nested.formula, &more, fixed)
        }
        FormulaKind::Moved { operand, .. } | FormulaKind::Rate { operand, .. } => below(operand),
        FormulaKind::Across { operand, dimensions } => {
            if let Some(variants) = compared(model, operand, dimensions).filter(open) {
                return Some(Mixed::Variants(variants));
            }
            let left: Vec<DimensionId> = shown.iter().copied().filter(|id| !dimensions.contains(id)).collect();
            mixed(model, operand, &left, fixed)
        }
    }
}
