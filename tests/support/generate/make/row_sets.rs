//! Subsets and dimensions.

use super::super::model::*;
use super::Maker;
use super::exprs::{call, literal, time_of_row};

impl Maker {
    /// Named row sets, some nested, some dated.
    pub fn subsets(&mut self) {
        for number in 0..self.rng.below(4) {
            // Versions are no things: they cannot be counted.
            let things = self.project.tables.iter().filter(|table| table.history.is_none());
            let bases: Vec<String> = (things.map(|table| table.name.clone()))
                .chain(self.project.subsets.iter().map(|subset| subset.name.clone()))
                .collect();
            let base = self.rng.pick(&bases).clone();
            let table = self.project.base(&base).expect("a declared row set").name.clone();
            let dated = self.another_date(&base, 20);
            // Once a row set is dated anew, its rows' time is another one: filters below it must not speak of it.
            let timed = self.project.dated(&base).is_some() && dated.is_none();
            let filter = if dated.is_none() || self.rng.chance(60) { self.condition(&table, 2, timed) } else { None };
            if filter.is_none() && dated.is_none() {
                continue;
            }
            self.project.subsets.push(Subset { name: format!("s{}", number + 1), base, filter, dated });
        }
    }

    /// Another timestamp column to date a row set by, where it has none yet and no filter speaks of the time.
    pub fn another_date(&mut self, rows: &str, percent: u64) -> Option<String> {
        let table = self.project.base(rows)?;
        let (mut chain, mut at) = (Vec::new(), rows);
        while let Some(subset) = self.project.subset(at) {
            chain.push(subset);
            at = &subset.base;
        }
        let speaks = |expr: &Expr| expr.any(&mut |e| matches!(e.node, Node::Time | Node::MetricPer(..)));
        if chain.iter().any(|subset| subset.dated.is_some() || subset.filter.as_ref().is_some_and(speaks)) {
            return None;
        }
        let time = table.time.clone()?;
        let fine = |column: &&Column| column.ty == Ty::Timestamp && column.name != time && column.computed.is_none();
        let columns: Vec<String> = table.columns.iter().filter(fine).map(|column| column.name.clone()).collect();
        if self.rng.chance(percent) { self.rng.maybe(&columns).cloned() } else { None }
    }

    /// Dimensions of every form.
    pub fn dimensions(&mut self) {
        for _ in 0..2 + self.rng.below(5) {
            let made = match self.rng.below(10) {
                0 => Some(self.of_time()),
                1..=3 => self.attribute(),
                4 | 5 => self.computed(),
                _ => self.path(),
            };
            if let Some(dimension) = made {
                self.project.dimensions.push(dimension);
            }
        }
    }

    fn of_time(&mut self) -> Dimension {
        let (name, op) = self.rng.pick(&[("hour", Op::Hour), ("weekday", Op::DayOfWeek), ("month", Op::Month)]).clone();
        let expr = call(op, vec![time_of_row()], Ty::Int);
        let name = self.dimension_name(name);
        Dimension { name, ty: Ty::Int, typed: false, bindings: vec![Binding::Any(expr)], otherwise: Otherwise::None }
    }

    fn attribute(&mut self) -> Option<Dimension> {
        let entities: Vec<String> = self.project.tables.iter().filter(|t| t.entity).map(|t| t.name.clone()).collect();
        let entity = self.rng.maybe(&entities)?.clone();
        let all = self.reachable(&entity, 0);
        let all: Vec<Expr> = all.into_iter().filter(|expr| self.may_group(&entity, expr)).collect();
        let expr = self.rng.maybe(&all)?.clone();
        let name = self.dimension_name(last(&expr));
        // Whoever looks it up may not find it.
        let otherwise = self.otherwise(&expr.ty, true);
        Some(Dimension {
            name,
            ty: expr.ty.clone(),
            typed: false,
            bindings: vec![Binding::Attribute(entity, expr)],
            otherwise,
        })
    }

    /// Columns of sources, one name bound to each source that has it.
    fn path(&mut self) -> Option<Dimension> {
        let sources: Vec<String> = self.project.tables.iter().map(|t| t.name.clone()).collect();
        let first = self.rng.pick(&sources).clone();
        let hops = self.rng.below(3);
        let all = self.reachable(&first, hops);
        let all: Vec<Expr> = all.into_iter().filter(|expr| self.may_group(&first, expr)).collect();
        let expr = self.rng.maybe(&all)?.clone();
        let entity = self.project.table(&first)?.entity;
        if entity && !matches!(&expr.node, Node::Column(path) if path.len() > 1) {
            // `user.province` is an attribute.
            return None;
        }
        let mut bindings = vec![Binding::Path(first.clone(), expr.clone())];
        let mut nullable = expr.nullable;
        for source in sources.iter().filter(|source| **source != first) {
            if self.project.table(source)?.entity || self.rng.chance(30) {
                continue;
            }
            let same = |e: &Expr| e.ty == expr.ty && e.unit == expr.unit && self.may_group(source, e);
            let fitting: Vec<Expr> = self.reachable(source, 1).into_iter().filter(same).collect();
            if let Some(other) = self.rng.maybe(&fitting) {
                nullable |= other.nullable;
                bindings.push(Binding::Path(source.clone(), other.clone()));
            }
        }
        let name = self.dimension_name(last(&expr));
        let otherwise = self.otherwise(&expr.ty, nullable);
        Some(Dimension { name, ty: expr.ty.clone(), typed: false, bindings, otherwise })
    }

    /// `dimension d on event = case …`
    fn computed(&mut self) -> Option<Dimension> {
        let sources: Vec<String> = self.project.tables.iter().filter(|t| !t.entity).map(|t| t.name.clone()).collect();
        let source = self.rng.pick(&sources).clone();
        let (expr, typed) = if self.rng.chance(50) {
            let values: Vec<String> = ["new", "老", "un'known"].iter().map(|v| (*v).to_owned()).collect();
            let ty = Ty::Enum(values.clone());
            let branches = (values[..2].iter())
                .map(|v| Some((self.condition(&source, 1, true)?, literal(Value::Str(v.clone()), &ty, &Unit::new()))))
                .collect::<Option<Vec<_>>>()?;
            let otherwise = Some(Box::new(literal(Value::Str(values[2].clone()), &ty, &Unit::new())));
            (
                Expr { node: Node::Case(branches, otherwise), ty, nullable: false, unit: Unit::new(), inexact: false },
                true,
            )
        } else {
            let ty = [Ty::Str, Ty::Int, Ty::Bool, Ty::Date, Ty::Timestamp][self.rng.below(5)].clone();
            (self.row_expr(&source, &ty, 2, true)?, false)
        };
        if expr.inexact || !expr.unit.is_empty() || self.shows_personal(&source, &expr) {
            return None;
        }
        let name = self.dimension_name("grp");
        let otherwise = self.otherwise(&expr.ty, expr.nullable);
        Some(Dimension { name, ty: expr.ty.clone(), typed, bindings: vec![Binding::On(source, expr)], otherwise })
    }

    pub fn personal(&self, table: &str, path: &[String]) -> bool {
        self.target(table, path).is_some_and(|(_, column)| column.pii)
    }

    /// Whether personal data is left in an expression: a mask takes it away.
    fn shows_personal(&self, table: &str, expr: &Expr) -> bool {
        match &expr.node {
            Node::Call(Op::Mask, _) => false,
            Node::Column(path) => self.personal(table, path),
            _ => expr.children().into_iter().any(|part| self.shows_personal(table, part)),
        }
    }

    fn may_group(&self, table: &str, expr: &Expr) -> bool {
        let Node::Column(path) = &expr.node else { return false };
        let fine = matches!(
            expr.ty,
            Ty::Bool | Ty::Int | Ty::Str | Ty::Enum(_) | Ty::Date | Ty::Decimal(18, 2) | Ty::Entity(_)
        );
        fine && !expr.inexact && !self.personal(table, path)
    }

    fn otherwise(&mut self, ty: &Ty, nullable: bool) -> Otherwise {
        if !nullable {
            return Otherwise::None;
        }
        if self.rng.chance(35) {
            return Otherwise::Null;
        }
        match ty {
            Ty::Entity(entity) => Otherwise::Value(self.entity_key(entity)),
            Ty::Str => Otherwise::Value(Value::Str((*self.rng.pick(&["unknown", "", "无"])).to_owned())),
            ty => Otherwise::Value(self.some_value(ty)),
        }
    }
}

/// The last name of a path.
fn last(expr: &Expr) -> &str {
    match &expr.node {
        Node::Column(path) => &path[path.len() - 1],
        _ => "grp",
    }
}
