//! The rule that follows from a hierarchy: a value of a level has one parent.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, AggregateInput, BinaryOp, ExprKind, Key, Literal, Postfix, ValueKind};

use super::super::bind::bind;
use super::super::formula::FormulaScope;
use super::super::model::TableId;
use super::Bound;
use super::declare::{Reader, Ruled, RuledBy, What, comparison};
use super::rate::Of;

/// Two neighbouring levels of a hierarchy.
#[derive(Clone, Debug)]
pub struct Levels {
    /// The wider one.
    pub parent: ast::Name,
    /// The narrower one.
    pub child: ast::Name,
}

impl Reader<'_> {
    /// `geo`, or `geo > 99.9%`: a rule for each two neighbouring levels.
    pub(super) fn hierarchy<'a>(&mut self, value: &'a ast::Value) -> Vec<RuledBy<'a>> {
        self.levels(value).unwrap_or_default()
    }

    fn levels<'a>(&mut self, value: &'a ast::Value) -> Option<Vec<RuledBy<'a>>> {
        const EXAMPLE: &str = "name a hierarchy: `hierarchy: geo`, or `hierarchy: geo > 99.9%`";
        let (named, bound) = match (comparison(value), &value.kind) {
            (Some((op, left, right)), _) => (left, self.bound(op, right, true)?),
            (None, ValueKind::Expr { expr, clauses }) if clauses.is_empty() => (expr, Bound::all()),
            _ => return self.refuse(value.span, "hierarchy", EXAMPLE),
        };
        let name = match &named.kind {
            ExprKind::Path { path, version: None } => path.single(),
            _ => None,
        };
        let Some(name) = name else { return self.refuse(named.span, "hierarchy", EXAMPLE) };
        let declared = || self.names.hierarchies.iter().map(|declared| declared.syntax);
        let Some(hierarchy) = declared().find(|hierarchy| hierarchy.name == *name) else {
            let help = match near(name, declared().map(|hierarchy| hierarchy.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it: `hierarchy {} = country > province > city`", name.value),
            };
            self.d.push(error!(E0819, named.span, "no hierarchy named `{}`", name.value; help: help));
            return None;
        };
        let pairs = hierarchy.levels.windows(2).filter_map(|pair| {
            let (parent, child) = (pair[0].single()?.clone(), pair[1].single()?.clone());
            let what = What::OneParent(Levels { parent, child });
            Some(RuledBy { what, bound: Some(bound.clone()), span: value.span })
        });
        Some(pairs.collect())
    }
}

/// The hierarchies of a declaration of which its rows have no two neighbouring levels are told. Says of a place whether the levels of a
/// rule there are looked at.
pub(super) fn unbound(scope: &FormulaScope<'_>, ruled: &Ruled<'_>, d: &mut Diagnostics) -> bool {
    let mut told: Vec<Span> = Vec::new();
    for rule in &ruled.rules {
        let What::OneParent(_) = &rule.what else { continue };
        let mut same = ruled.rules.iter().filter(|other| other.span == rule.span);
        if told.contains(&rule.span) || same.any(|other| is_bound(scope, ruled.table, &other.what)) {
            continue;
        }
        told.push(rule.span);
        let name = &scope.tables[ruled.table.0].name.value;
        d.push(
            error!(E0819, rule.span, "the rows of `{name}` have no two levels of it that stand side by side";
                help: ("bind both dimensions to `{name}`, or leave the hierarchy out here"))
            .related(scope.tables[ruled.table.0].name.span, "the rows"),
        );
    }
    !told.is_empty()
}

/// Whether a table has both levels of a rule; of other rules there is nothing to ask. A level that is broken itself is told elsewhere.
pub(super) fn is_bound(scope: &FormulaScope<'_>, table: TableId, what: &What<'_>) -> bool {
    let What::OneParent(Levels { parent, child }) = what else { return true };
    [parent, child].iter().all(|level| match scope.names.dimension(level).map(|place| scope.dimension_ids[place]) {
        Some(Some(id)) => bind(scope.tables, &scope.dimensions[id.0], table).is_ok(),
        Some(None) | None => true,
    })
}

impl Of<'_, '_> {
    /// In how many rows a value has the parent that it has most often, and how many rows have both: those of `else` have none.
    pub(super) fn parents(&self, Levels { parent, child }: &Levels) -> Option<(ast::Expr, ast::Expr)> {
        let key =
            |level: &ast::Name| vec![Key::Path(ast::Path { parts: vec![level.clone()], at: None, span: self.span })];
        let all = self.count(&self.clean(), None);
        let most = self.aggregate("max", AggregateInput::Formula(all.clone()), None, key(parent));
        let most = self.aggregate("sum", AggregateInput::Formula(most), None, key(child));
        let known = [parent, child].into_iter().map(|level| self.level_known(level)).collect::<Option<Vec<_>>>()?;
        let known = known.into_iter().flatten().reduce(|all, one| self.binary(BinaryOp::And, all, one));
        let among = |operand: ast::Expr| match &known {
            Some(known) => {
                let postfix = Box::new(Postfix::Where(known.clone()));
                self.expr(ExprKind::Postfix { operand: Box::new(operand), postfix })
            }
            None => operand,
        };
        Some((among(most), among(all)))
    }

    /// That a level has a value which is not its `else`; none inside where it always has.
    fn level_known(&self, level: &ast::Name) -> Option<Option<ast::Expr>> {
        let place = self.scope.names.dimension(level)?;
        let declared = &self.scope.dimensions[self.scope.dimension_ids[place]?.0];
        let path = ast::Path { parts: vec![level.clone()], at: None, span: self.span };
        let path = self.expr(ExprKind::Path { path, version: None });
        let otherwise = self.scope.names.dimensions[place].syntax.otherwise.as_ref();
        let null = |expr: &ast::Expr| matches!(expr.kind, ExprKind::Literal(Literal::Null));
        Some(match otherwise.filter(|otherwise| !null(otherwise)) {
            Some(otherwise) => {
                Some(self.binary(BinaryOp::NotEqual, path, ast::Expr { span: self.span, ..otherwise.clone() }))
            }
            None if declared.ty.nullable => {
                Some(self.expr(ExprKind::IsNull { operand: Box::new(path), negated: true }))
            }
            None => None,
        })
    }
}
