//! The columns of paths as formulas: `user_path.edges`, `user_path.shortest`.

use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::BinaryOp;
use crate::types::paths::{Paths, column};
use crate::types::rows::unit_of;
use crate::types::{Aggregation, Unit};
use crate::value::{Function, Value};

use super::super::model::{
    ColumnId, Formula, FormulaKind, Leaf, RowExpr, RowExprKind, RowSet, TableId, Type, ValueType,
};
use super::FormulaScope;
use super::cohort::Column;

const COLUMNS: &[&str] = &["sessions", "users", "nodes", "edges", "dropoff", "completed", "rate", "shortest"];
/// Those of paths that have a goal.
const OF_GOAL: &[&str] = &["completed", "rate", "shortest"];

impl FormulaScope<'_> {
    /// A column of paths.
    pub(super) fn of_paths(&self, paths: &Paths, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let of = &paths.name;
        let [_, name] = asked.path.parts.as_slice() else {
            d.push(error!(E0684, asked.span, "`{}` is a path: a metric is a column of it", of.value;
                help: ("write `{}.edges`, or one of: {}", of.value, COLUMNS.join(", "))));
            return None;
        };
        let known = COLUMNS.contains(&name.as_str());
        if !known || asked.path.at.is_some() || asked.at.is_some() || !asked.arguments.is_empty() {
            let help = match near(name, COLUMNS.iter().copied()) {
                Some(near) if near != name.as_str() => format!("did you mean `{near}`?"),
                _ => format!("a path has: {}", COLUMNS.join(", ")),
            };
            d.push(
                error!(E0684, asked.span, "`{}` has no column of this form", of.value; help: help)
                    .related(of.span, "the path"),
            );
            return None;
        }
        if OF_GOAL.contains(&name.as_str()) && !paths.has_goal {
            d.push(
                error!(E0684, asked.span, "`{}` is of paths that reach a goal, and `{}` has none", name.value, of.value;
                    help: "add `goal: \"paid\"` to the path")
                .related(of.span, "the path"),
            );
            return None;
        }
        let asked = Of { scope: self, paths, span: asked.span };
        let count = |table: TableId, filters: Vec<RowExpr>| asked.leaf(table, Aggregation::Count, None, filters);
        match name.as_str() {
            "sessions" => Some(count(paths.paths, Vec::new())),
            "users" => {
                let whose = Some(asked.own(paths.paths, 0));
                let users = asked.leaf(paths.paths, Aggregation::Distinct, whose, Vec::new());
                let unit = Some(unit_of(self.tables, paths.entity));
                Some(Formula { ty: ValueType { unit, ..users.ty.clone() }, ..users })
            }
            "nodes" => Some(count(paths.nodes, Vec::new())),
            "edges" => Some(count(paths.edges, Vec::new())),
            "dropoff" => Some(count(paths.nodes, vec![asked.own(paths.nodes, column::DROPOFF)])),
            "completed" => Some(count(paths.paths, vec![asked.reaches_goal()])),
            "rate" => {
                let (completed, all) = (count(paths.paths, vec![asked.reaches_goal()]), count(paths.paths, Vec::new()));
                let divide = Spanned::new(BinaryOp::Divide, asked.span);
                let rate = self.ops().binary(divide, completed, all, asked.span, d)?;
                Some(Formula { ty: ValueType { unit: Some(Unit::none()), ..rate.ty.clone() }, ..rate })
            }
            _ => {
                let steps = Some(asked.own(paths.paths, column::STEPS));
                let least = asked.leaf(paths.paths, Aggregation::Min, steps, vec![asked.reaches_goal()]);
                let ty = ValueType { nullable: true, ..ValueType::plain(Type::Int) };
                Some(Formula { ty, ..least })
            }
        }
    }
}

/// Paths whose columns are asked for.
struct Of<'s, 'a> {
    scope: &'s FormulaScope<'a>,
    paths: &'s Paths,
    span: crate::diagnostic::Span,
}

impl Of<'_, '_> {
    fn own(&self, table: TableId, column: usize) -> RowExpr {
        let ty = self.scope.tables[table.0].columns[column].ty.clone();
        RowExpr { kind: RowExprKind::Column(vec![ColumnId { table, column }]), ty, span: self.span }
    }

    /// Which paths end at their goal.
    fn reaches_goal(&self) -> RowExpr {
        let outcome = self.own(self.paths.paths, column::OUTCOME);
        let goal = RowExpr {
            kind: RowExprKind::Literal(Value::String("goal".to_owned())),
            ty: outcome.ty.clone(),
            span: self.span,
        };
        let kind = RowExprKind::Call(Function::Equal, vec![outcome, goal]);
        RowExpr { kind, ty: ValueType::plain(Type::Bool), span: self.span }
    }

    /// An aggregate that counts paths.
    fn leaf(&self, base: TableId, aggregation: Aggregation, input: Option<RowExpr>, filters: Vec<RowExpr>) -> Formula {
        let leaf = Leaf { aggregation, input, rows: RowSet { base, filters, dated: None }, at_last: None };
        let unit = Some(Unit::named(self.paths.name.as_str()));
        let ty = ValueType { unit, ..ValueType::plain(Type::Int) };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span: self.span }
    }
}
