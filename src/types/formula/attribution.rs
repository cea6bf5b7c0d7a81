//! The columns of attributions as formulas: `source.value where model = "last"`.

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::suggest::near;
use crate::types::attribution::{Attribution, column};
use crate::types::{Aggregation, Unit};

use super::super::model::{ColumnId, Formula, FormulaKind, Leaf, RowExpr, RowExprKind, RowSet, ValueType};
use super::FormulaScope;
use super::cohort::Column;
use super::leaf::sum_type;

impl FormulaScope<'_> {
    /// A column of an attribution.
    pub(super) fn of_attribution(&self, of: &Attribution, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let columns: &[&str] = if of.valued { &["value", "conversions"] } else { &["conversions"] };
        let name = &of.name.value;
        let [_, column] = asked.path.parts.as_slice() else {
            d.push(error!(E0684, asked.span, "`{name}` is an attribution: a metric is a column of it";
                help: ("write `{name}.{} where model = \"{}\"`", columns[0], of.models[0].name())));
            return None;
        };
        let known = columns.contains(&column.as_str());
        if !known || asked.path.at.is_some() || asked.at.is_some() || !asked.arguments.is_empty() {
            let help = match near(column, columns.iter().copied()) {
                Some(near) if near != column.as_str() => format!("did you mean `{near}`?"),
                _ if column.value == "value" => "add `value: pay_amount`: what a conversion is worth".to_owned(),
                _ => format!("it has: {}", columns.join(", ")),
            };
            d.push(
                error!(E0684, asked.span, "`{name}` has no column of this form"; help: help)
                    .related(of.name.span, "the attribution"),
            );
            return None;
        }
        let place = if column.value == "value" { column::VALUE } else { column::SHARE };
        let input = {
            let ty = self.tables[of.credits.0].columns[place].ty.clone();
            let kind = RowExprKind::Column(vec![ColumnId { table: of.credits, column: place }]);
            RowExpr { kind, ty, span: asked.span }
        };
        let unit = match place {
            column::VALUE => input.ty.unit.clone(),
            _ => Some(Unit::named(name)),
        };
        let ty = ValueType { unit, nullable: false, ty: sum_type(&input.ty.ty), ..input.ty.clone() };
        let rows = RowSet { base: of.credits, filters: Vec::new(), dated: None };
        let leaf = Leaf { aggregation: Aggregation::Sum, input: Some(input), rows, at_last: None };
        Some(Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span: asked.span })
    }
}
