//! Rows that are computed again, and compared with what the warehouse has: `replay: 1% from raw_event, mismatch < 0.5%`.

use crate::diagnostic::Span;
use crate::error;
use crate::resolve::RowName;
use crate::suggest::near;
use crate::syntax::ast::{self, Clause, ExprKind, ValueKind};
use crate::value::{Function, Value};

use super::super::dimensions::same_type;
use super::super::formula::FormulaScope;
use super::super::model::{
    Aggregation, Column, ColumnId, Formula, FormulaKind, Leaf, RowExpr, RowExprKind, RowSet, Table, TableId, TableKind,
    Type, ValueType,
};
use super::super::ops::Ops;
use super::super::type_name::{show_type, with_article};
use super::Bound;
use super::declare::{Reader, Ruled, RuledBy, What, comparison};

/// Which rows are compared with which.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The source of the rows that were computed again.
    pub from: TableId,
    /// The share of keys that are looked at, above 0 and up to 1.
    pub share: f64,
    /// The columns that are compared: that of what the warehouse has, and that of what was computed again.
    pub columns: Vec<(usize, usize)>,
    /// Where it stands: the table of what the warehouse has is known by it.
    pub span: Span,
}

impl Reader<'_> {
    /// `1% from raw_event, mismatch < 0.5%`
    pub(super) fn replay<'a>(&mut self, span: Span, values: &'a [ast::Value]) -> Option<RuledBy<'a>> {
        const EXAMPLE: &str = "write `replay: 1% from raw_event, mismatch < 0.5%`";
        let (mut sample, mut bound) = (None, Bound::none());
        for (place, value) in values.iter().enumerate() {
            match (&value.kind, comparison(value)) {
                (_, Some((op, left, right))) => {
                    if !matches!(&left.kind, ExprKind::Path { path, version: None } if path.to_string() == "mismatch") {
                        return self.refuse(left.span, "replay", EXAMPLE);
                    }
                    bound = self.bound(op, right, false)?;
                }
                (ValueKind::Expr { expr, clauses }, None) if place == 0 => {
                    let ExprKind::Literal(literal) = &expr.kind else {
                        return self.refuse(expr.span, "replay", EXAMPLE);
                    };
                    let share = self.share(literal, expr.span)?;
                    if share <= 0.0 {
                        return self.refuse(expr.span, "replay", "name a share of the keys above 0: `1%`");
                    }
                    sample = Some((share, clauses.as_slice(), value.span));
                }
                _ => return self.refuse(value.span, "replay", EXAMPLE),
            }
        }
        let Some((share, clauses, at)) = sample else { return self.refuse(span, "replay", EXAMPLE) };
        let from = match clauses {
            [Clause::From(path)] => self.replayed(path)?,
            [] => {
                let own = &self.table.name.value;
                self.d.push(
                    error!(E0809, at, "`replay` does not say which rows of `{own}` were computed again";
                        help: ("declare them as a source with the key of `{own}`, and name it: `1% from raw_{own}`"))
                    .related(self.table.name.span, "the rows that it is compared with"),
                );
                return None;
            }
            _ => return self.refuse(at, "replay", EXAMPLE),
        };
        let columns = self.compared(from, at)?;
        Some(RuledBy { what: What::Mismatch(Replay { from, share, columns, span: at }), bound: Some(bound), span })
    }

    /// The source behind `from`, whose rows are found again by their key.
    fn replayed(&mut self, path: &ast::Path) -> Option<TableId> {
        let found = path.single().and_then(|name| self.names.row_set(name, None));
        let Some(found) = found else {
            let names = self.tables.iter().filter(|table| table.kind == TableKind::Source);
            let help = match near(&path.to_string(), names.map(|table| table.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name the source whose rows were computed again".to_owned(),
            };
            self.d.push(error!(E0207, path.span, "no source named `{path}`"; help: help));
            return None;
        };
        let (own, name) = (self.table, &self.table.name.value);
        let other = match found {
            RowName::Table(place) => &self.tables[place],
            RowName::Subset(_) | RowName::Session(_) => {
                self.d.push(
                    error!(E0810, path.span, "`{path}` is made of other rows, and what was computed again is stored";
                    help: "name the source that holds it"),
                );
                return None;
            }
        };
        let types = Ops::new(self.tables, self.zone);
        let keys = |table: &Table| -> Vec<Type> {
            table.key.iter().map(|key| types.key_type(&table.columns[*key].ty.ty)).collect()
        };
        let refused = match (keys(own).as_slice(), keys(other).as_slice()) {
            _ if own.kind != TableKind::Source || other.kind != TableKind::Source => {
                error!(E0810, path.span, "what is played back are rows of a source, and `{}` is an entity",
                    if own.kind == TableKind::Source { other } else { own }.name.value;
                    help: "declare it as a `source`, or leave `replay` out")
            }
            _ if std::ptr::eq(own, other) => {
                error!(E0810, path.span, "`{name}` is compared with itself";
                    help: "name the source whose rows were computed again")
            }
            ([a], [b]) if same_type(a, b) => return self.id_of(other),
            ([a], [b]) => {
                let (a, b) = (show_type(a, self.tables), show_type(b, self.tables));
                error!(E0810, path.span, "the key of `{name}` is {}, and that of `{path}` {}", with_article(&a), with_article(&b);
                    help: "a row is found again by its key: declare both alike")
            }
            _ => {
                error!(E0810, path.span, "a row of `{path}` is found again in `{name}` by a key of one column";
                    help: "declare `key:` of both, of one column: `column both: string = concat(a, \":\", b)`")
            }
        };
        self.d.push(
            refused
                .related(own.name.span, "what the warehouse has")
                .related(other.name.span, "what was computed again"),
        );
        None
    }

    fn id_of(&self, table: &Table) -> Option<TableId> {
        self.tables.iter().position(|one| std::ptr::eq(one, table)).map(TableId)
    }

    /// The times of both, however they are called, and the columns that both have, in the order of the table's own. What has one name has
    /// one type.
    fn compared(&mut self, from: TableId, span: Span) -> Option<Vec<(usize, usize)>> {
        let (own, other) = (self.table, &self.tables[from.0]);
        let types = Ops::new(self.tables, self.zone);
        let told = self.d.len();
        let mut found: Vec<(usize, usize)> = own.time.zip(other.time).into_iter().collect();
        let columns = own.columns.iter().enumerate().filter(|(place, column)| {
            // When a row came is not what it says.
            !column.internal && ![own.arrived, own.time].contains(&Some(*place)) && !own.key.contains(place)
        });
        for (place, column) in columns {
            let same = |other: &Column| !other.internal && other.name == column.name;
            let Some(at) = other.columns.iter().position(same).filter(|at| other.arrived != Some(*at)) else {
                continue;
            };
            let [a, b] = [column, &other.columns[at]].map(|column| types.key_type(&column.ty.ty));
            match (&a, &b) {
                (Type::Null, _) | (_, Type::Null) => {}
                (Type::Array(_) | Type::Map(_), Type::Array(_) | Type::Map(_)) => {}
                _ if same_type(&a, &b) => found.push((place, at)),
                _ => {
                    let [a, b] = [a, b].map(|ty| with_article(&show_type(&ty, self.tables)));
                    let (name, to) = (&column.name.value, &other.name.value);
                    self.d.push(
                        error!(E0810, span, "`{name}` is {a} in `{}` and {b} in `{to}`", own.name.value;
                            help: "declare it alike in both, or call one of them otherwise: a column that only one has is not compared")
                        .related(column.name.span, "here")
                        .related(other.columns[at].name.span, "and here"),
                    );
                }
            }
        }
        (self.d.len() == told).then_some(found)
    }
}

impl Ruled<'_> {
    /// What is played back, and the name that the rows which the warehouse has of it are wanted under. Their table has to be made, and is
    /// found by the place of the rule.
    pub fn replay(&self) -> Option<(&Replay, String)> {
        self.rules.iter().find_map(|rule| match &rule.what {
            What::Mismatch(replay) => Some((replay, format!("{}_replayed", self.declared.syntax.name.value))),
            _ => None,
        })
    }
}

impl Replay {
    /// Whether a row's key is in the sample; none where all are. The hash of a key is the same on every engine.
    pub fn sampled(&self, key: RowExpr) -> Option<RowExpr> {
        if self.share >= 1.0 {
            return None;
        }
        let span = self.span;
        let call = |function, arguments, ty| RowExpr {
            kind: RowExprKind::Call(function, arguments),
            ty: ValueType::plain(ty),
            span,
        };
        // Hashes are spread evenly over all ints; 2⁶⁴ of them.
        let limit = (self.share * 2_f64.powi(64)) as i128 + i128::from(i64::MIN);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let limit = RowExpr { kind: RowExprKind::Literal(Value::Int(limit)), ty: ValueType::plain(Type::Int), span };
        Some(call(Function::Less, vec![call(Function::Hash, vec![key], Type::Int), limit], Type::Bool))
    }

    /// How many of the sampled rows the warehouse does not have as they are, and how many there are.
    pub(super) fn counts(&self, scope: &FormulaScope<'_>) -> Option<(Formula, Formula)> {
        let from = &scope.tables[self.from.0];
        let column = |column: usize| ColumnId { table: self.from, column };
        let leading = from.columns.iter().position(|column| column.internal && column.name.span == self.span)?;
        let Type::Entity(stored) = from.columns[leading].ty.ty else { return None };
        let value = |path: Vec<ColumnId>, nullable: bool| {
            let of = path.last().map(|id| &scope.tables[id.table.0].columns[id.column].ty).cloned()?;
            let ty = ValueType { nullable: of.nullable || nullable, ..of };
            Some(RowExpr { kind: RowExprKind::Column(path), ty, span: self.span })
        };
        let found = |place: usize| value(vec![column(leading), ColumnId { table: stored, column: place }], true);
        let mut different = vec![self.call(Function::IsNull, vec![found(0)?], false)];
        for (place, (_, own)) in self.columns.iter().enumerate() {
            different.push(self.differs(value(vec![column(*own)], false)?, found(place + 1)?));
        }
        let different = self.call(Function::Or, different, false);
        let sampled: Vec<RowExpr> = self.sampled(value(vec![column(*from.key.first()?)], false)?).into_iter().collect();
        let count = |filters: Vec<RowExpr>| {
            let rows = RowSet { base: self.from, filters, dated: None };
            let leaf = Leaf { aggregation: Aggregation::Count, input: None, rows, at_last: None };
            Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty: ValueType::plain(Type::Int), span: self.span }
        };
        let all = count(sampled.clone());
        Some((count(sampled.into_iter().chain([different]).collect()), all))
    }

    /// Whether two values are not the same; null is the same as null.
    fn differs(&self, a: RowExpr, b: RowExpr) -> RowExpr {
        let null = |x: &RowExpr| self.call(Function::IsNull, vec![x.clone()], false);
        let both = self.call(Function::And, vec![null(&a), null(&b)], false);
        let one = self.call(Function::Not, vec![both], false);
        let differ = self.call(Function::NotEqual, vec![a, b], true);
        self.call(Function::Coalesce, vec![differ, one], false)
    }

    fn call(&self, function: Function, arguments: Vec<RowExpr>, nullable: bool) -> RowExpr {
        let ty = ValueType { nullable, ..ValueType::plain(Type::Bool) };
        RowExpr { kind: RowExprKind::Call(function, arguments), ty, span: self.span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;

    /// The part of all hashes below the limit is the share that is written.
    #[test]
    fn a_limit_cuts_the_share_off_all_hashes() {
        let span = Span::new(FileId(0), 0, 1);
        let key = RowExpr { kind: RowExprKind::Time, ty: ValueType::plain(Type::Int), span };
        for share in [1e-9, 0.001, 0.01, 0.5, 0.999_999] {
            let replay = Replay { from: TableId(0), share, columns: Vec::new(), span };
            let Some(RowExpr { kind: RowExprKind::Call(Function::Less, sides), .. }) = replay.sampled(key.clone())
            else {
                panic!("a condition");
            };
            let RowExprKind::Literal(Value::Int(limit)) = sides[1].kind else { panic!("a limit") };
            let below = (i128::from(limit) - i128::from(i64::MIN)) as f64 / 2_f64.powi(64);
            assert!((below / share - 1.0).abs() < 1e-9, "{share}: {limit}");
        }
        let all = Replay { from: TableId(0), share: 1.0, columns: Vec::new(), span };
        assert!(all.sampled(key).is_none());
    }
}
