//! The columns of segments as formulas: `rfm.members`.

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::suggest::near;
use crate::types::rows::unit_of;
use crate::types::segment::Segment;
use crate::types::{Aggregation, Movement, ValueType};

use super::super::model::{Formula, FormulaKind, Leaf, RowSet, Type};
use super::FormulaScope;
use super::cohort::Column;
use super::moved::moved;

const COLUMNS: &[&str] = &["members"];

impl FormulaScope<'_> {
    /// A column of a segment.
    pub(super) fn of_segment(&self, of: &Segment, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let name = &of.name.value;
        let known = match asked.path.parts.as_slice() {
            [_, column] => COLUMNS.contains(&column.as_str()),
            _ => false,
        };
        if !known || asked.path.at.is_some() || asked.at.is_some() || !asked.arguments.is_empty() {
            let column = asked.path.parts.get(1).and_then(|column| near(column, COLUMNS.iter().copied()));
            let help = match column {
                Some(near) => format!("write `{name}.{near}`"),
                None => format!("write `{name}.members`, and show it by `{name}.class`"),
            };
            d.push(
                error!(E0684, asked.span, "the segment `{name}` has no column of this form"; help: help)
                    .related(of.name.span, "the segment"),
            );
            return None;
        }
        let rows = RowSet { base: of.all, filters: Vec::new(), dated: None };
        let leaf = Leaf { aggregation: Aggregation::Count, input: None, rows, at_last: None };
        let ty = ValueType { unit: Some(unit_of(self.tables, of.entity)), ..ValueType::plain(Type::Int) };
        let leaf = Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span: asked.span };
        Some(moved(leaf, Movement::FirstDay, asked.span))
    }
}
