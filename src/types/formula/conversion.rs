//! The columns of conversions as formulas: `visit_to_buy.rate`, `visit_to_buy.value(sum(paid from order))`.

use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::BinaryOp;
use crate::types::conversion::{Conversion, column};
use crate::types::rows::unit_of;
use crate::types::{Aggregation, Unit};

use super::super::model::{
    ColumnId, Formula, FormulaKind, Leaf, RowExpr, RowExprKind, RowSet, TableId, Type, ValueType,
};
use super::FormulaScope;
use super::cohort::Column;
use super::rebase::Rebase;

const COLUMNS: &[&str] = &["base", "converted", "rate", "users", "value"];

impl FormulaScope<'_> {
    /// A column of a conversion.
    pub(super) fn of_conversion(
        &self,
        conversion: &Conversion,
        asked: &Column<'_>,
        d: &mut Diagnostics,
    ) -> Option<Formula> {
        let of = &conversion.name;
        let [_, name] = asked.path.parts.as_slice() else {
            d.push(error!(E0684, asked.span, "`{}` is a conversion: a metric is a column of it", of.value;
                help: ("write `{}.rate`, or one of: {}", of.value, COLUMNS.join(", "))));
            return None;
        };
        let column = COLUMNS.iter().find(|known| **known == name.as_str());
        let takes = usize::from(name.value == "value");
        if column.is_none() || asked.path.at.is_some() || asked.at.is_some() || asked.arguments.len() != takes {
            let help = match near(name, COLUMNS.iter().copied()) {
                Some(near) if near != name.as_str() => format!("did you mean `{near}`?"),
                _ => format!("a conversion has: {}; `value` takes a formula", COLUMNS.join(", ")),
            };
            d.push(
                error!(E0684, asked.span, "`{}` has no column of this form", of.value; help: help)
                    .related(of.span, "the conversion"),
            );
            return None;
        }
        let span = asked.span;
        let own = |column: usize| {
            let ty = self.tables[conversion.base.0].columns[column].ty.clone();
            let kind = RowExprKind::Column(vec![ColumnId { table: conversion.base, column }]);
            RowExpr { kind, ty, span }
        };
        let leaf = |aggregation, input, filters, unit| {
            let rows = RowSet { base: conversion.base, filters, dated: None };
            let leaf = Leaf { aggregation, input, rows, at_last: None };
            let ty = ValueType { unit: Some(unit), ..ValueType::plain(Type::Int) };
            Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span }
        };
        let whose = Unit::named(of.as_str());
        let base = || leaf(Aggregation::Count, None, Vec::new(), whose.clone());
        let converted = || leaf(Aggregation::Count, None, vec![own(column::CONVERTED)], whose.clone());
        match name.as_str() {
            "base" => Some(base()),
            "converted" => Some(converted()),
            "users" => {
                let unit = unit_of(self.tables, conversion.entity);
                Some(leaf(Aggregation::Distinct, Some(own(0)), vec![own(column::CONVERTED)], unit))
            }
            "rate" => {
                let divide = Spanned::new(BinaryOp::Divide, span);
                let rate = self.ops().binary(divide, converted(), base(), span, d)?;
                Some(Formula { ty: ValueType { unit: Some(Unit::none()), ..rate.ty.clone() }, ..rate })
            }
            _ => {
                let filters = |_: TableId| Vec::new();
                let to =
                    Rebase { entity: conversion.entity, per: None, column: column::VALUE, filters: &filters, span };
                self.rebased(&asked.arguments[0], &to, d)
            }
        }
    }
}
