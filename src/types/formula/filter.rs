//! Typing conditions on dimensions: `platform = "ios" and (city is null or not hour in (1, 2))`.

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::error;
use crate::resolve::Names;
use crate::suggest::near;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Literal, UnaryOp};
use crate::value::time::midnight;
use crate::value::{Function, Step, Value};

use super::super::listed::some_of;
use super::super::literal::{example_of, literal_as};
use super::super::model::{
    ColumnId, DimFilter, Dimension, DimensionId, Model, NestedKey, RowExpr, RowExprKind, Subject, Table, TableId, Type,
    ValueType,
};
use super::super::ops::Typed;
use super::super::part::{BucketPart, By};
use super::super::predicate;
use super::super::type_name::{show_type, with_article};
use super::per::PerPath;
use super::{FormulaScope, KeyScope, RowMetrics};

impl DimFilter {
    /// Calls `visit` for every dimension that a value is tested of or looked up by.
    pub fn walk(&self, visit: &mut impl FnMut(DimensionId, Span)) {
        match self {
            DimFilter::And(parts) | DimFilter::Or(parts) => parts.iter().for_each(|part| part.walk(visit)),
            DimFilter::Not(inner) => inner.walk(visit),
            DimFilter::Test { subject, span, .. } => match subject {
                Subject::Dimension(id) | Subject::Within(id, _) => visit(*id, *span),
                Subject::Part(_) => {}
                Subject::Per(per, _) => {
                    if let NestedKey::Dimension(id) = per.key {
                        visit(id, *span);
                    }
                }
            },
        }
    }
}

/// How many conditions on the bucket may stand within others: each doubles the values to choose from.
const MAX_MIXED: usize = 4;

impl DimFilter {
    /// Whether it is on the output bucket alone.
    pub fn is_of_bucket(&self) -> bool {
        match self {
            DimFilter::And(parts) | DimFilter::Or(parts) => parts.iter().all(DimFilter::is_of_bucket),
            DimFilter::Not(inner) => inner.is_of_bucket(),
            DimFilter::Test { subject, .. } => matches!(subject, Subject::Part(_)),
        }
    }

    /// How many conditions on the bucket stand within others, where `and` does not join them to the whole.
    fn mixed(&self) -> usize {
        match self {
            DimFilter::And(parts) => parts.iter().map(DimFilter::mixed).sum(),
            other if other.is_of_bucket() => 0,
            other => other.bucket_conditions(),
        }
    }

    fn bucket_conditions(&self) -> usize {
        match self {
            other if other.is_of_bucket() => 1,
            DimFilter::And(parts) | DimFilter::Or(parts) => parts.iter().map(DimFilter::bucket_conditions).sum(),
            DimFilter::Not(inner) => inner.bucket_conditions(),
            DimFilter::Test { .. } => 0,
        }
    }

    /// Calls `visit` for every part of the output bucket that is tested.
    pub fn parts(&self, visit: &mut impl FnMut(BucketPart)) {
        match self {
            DimFilter::And(parts) | DimFilter::Or(parts) => parts.iter().for_each(|part| part.parts(visit)),
            DimFilter::Not(inner) => inner.parts(visit),
            DimFilter::Test { subject: Subject::Part(part), .. } => visit(*part),
            DimFilter::Test { .. } => {}
        }
    }
}

/// How dimensions are found by name.
pub trait DimensionNames {
    /// The dimension of a name; `Some(None)` for one that is declared but broken.
    fn find(&self, name: &str) -> Option<Option<DimensionId>>;
    /// All names, for near misses.
    fn all(&self) -> Vec<&str>;
}

impl DimensionNames for Model {
    fn find(&self, name: &str) -> Option<Option<DimensionId>> {
        let found = self.dimensions.iter().position(|dimension| dimension.name.value == name);
        found.map(|place| Some(DimensionId(place)))
    }

    fn all(&self) -> Vec<&str> {
        self.dimensions.iter().map(|dimension| dimension.name.as_str()).collect()
    }
}

/// The declared dimensions, while a model is made.
pub struct Declared<'a> {
    /// The names of the program.
    pub names: &'a Names<'a>,
    /// Where a declared dimension stands among the typed ones; none for a broken one.
    pub ids: &'a [Option<DimensionId>],
}

impl DimensionNames for Declared<'_> {
    fn find(&self, name: &str) -> Option<Option<DimensionId>> {
        self.names.dimension(name).map(|place| self.ids[place])
    }

    fn all(&self) -> Vec<&str> {
        self.names.dimension_names()
    }
}

impl DimensionNames for FormulaScope<'_> {
    fn find(&self, name: &str) -> Option<Option<DimensionId>> {
        // What is wrong with a table of behaviour was told; it would have dimensions of its own.
        let broken = || {
            let place = self.names.behaviour(name.split_once('.')?.0, None)?;
            self.rows.behaviours[place].is_none().then_some(None)
        };
        Declared { names: self.names, ids: self.dimension_ids }.find(name).or_else(broken)
    }

    fn all(&self) -> Vec<&str> {
        self.names.dimension_names()
    }
}

/// The same where some tables are read: what a table of behaviour has beside dimensions wins there, by its own name (`age`).
pub struct InContext<'a> {
    /// All other names.
    pub names: &'a dyn DimensionNames,
    /// The typed dimensions.
    pub dimensions: &'a [Dimension],
    /// All tables.
    pub tables: &'a [Table],
    /// Those that are read.
    pub reads: &'a [TableId],
}

impl DimensionNames for InContext<'_> {
    fn find(&self, name: &str) -> Option<Option<DimensionId>> {
        // Tables have few of these, and projects have many dimensions.
        let of_tables = self.reads.iter().flat_map(|read| &self.tables[read.0].dimensions).map(|(full, _)| full);
        let short = of_tables.filter(|full| full.rsplit_once('.').is_some_and(|(_, short)| short == name));
        let place = |full: &String| self.dimensions.iter().position(|dimension| dimension.name.value == *full);
        let own = short.filter_map(place).min();
        own.map(|place| Some(DimensionId(place))).or_else(|| self.names.find(name))
    }

    fn all(&self) -> Vec<&str> {
        self.names.all()
    }
}

/// What conditions on dimensions are typed with.
#[derive(Clone, Copy)]
pub struct FilterScope<'a> {
    /// Dimensions, tables, zone.
    pub keys: KeyScope<'a>,
    /// How `(M per PATH)` is typed over the rows of some tables; none where it has no place.
    pub metrics: Option<(&'a dyn RowMetrics, &'a [TableId])>,
}

/// Types a condition whose leaves are `DIM op literal`, or `(M per PATH) op literal`.
pub fn check_filter(scope: &FilterScope<'_>, expr: &ast::Expr, d: &mut Diagnostics) -> Option<DimFilter> {
    let filter = Checker { scope: *scope }.check(expr, d)?;
    if filter.mixed() > MAX_MIXED {
        d.push(error!(E0658, expr.span, "more than {MAX_MIXED} conditions on `time` stand within others on dimensions here";
            help: "join them with `and`, or declare a dimension of the row's time such as `day_of_week(time)`"));
        return None;
    }
    predicate::inspect_condition(&as_rows_see_it(&filter, scope.keys.dimensions, expr.span), d);
    Some(filter)
}

/// The condition as one over rows that have the dimensions as their columns, for the checks that both share.
fn as_rows_see_it(filter: &DimFilter, dimensions: &[Dimension], place: Span) -> RowExpr {
    let call = |function, arguments: Vec<RowExpr>, span| RowExpr {
        kind: RowExprKind::Call(function, arguments),
        ty: ValueType::plain(Type::Bool),
        span,
    };
    let all =
        |parts: &[DimFilter]| parts.iter().map(|part| as_rows_see_it(part, dimensions, place)).collect::<Vec<_>>();
    let whole = |parts: &[RowExpr]| parts.iter().map(|part| part.span).reduce(Span::to).unwrap_or(place);
    match filter {
        DimFilter::And(parts) | DimFilter::Or(parts) => {
            let function = if matches!(filter, DimFilter::And(_)) { Function::And } else { Function::Or };
            let parts = all(parts);
            let span = whole(&parts);
            call(function, parts, span)
        }
        DimFilter::Not(inner) => {
            let inner = as_rows_see_it(inner, dimensions, place);
            let span = inner.span;
            call(Function::Not, vec![inner], span)
        }
        DimFilter::Test { subject, function, literals, span } => {
            let (ty, kind) = match subject {
                Subject::Dimension(id) => {
                    // No table has this place: the dimension alone tells the columns apart.
                    let column = ColumnId { table: TableId(usize::MAX), column: id.0 };
                    (dimensions[id.0].ty.clone(), RowExprKind::Column(vec![column]))
                }
                Subject::Within(id, step) => {
                    let column = ColumnId { table: TableId(usize::MAX - 1 - step.place()), column: id.0 };
                    (dimensions[id.0].ty.clone(), RowExprKind::Column(vec![column]))
                }
                Subject::Part(part) => (ValueType::plain(part.ty()), RowExprKind::Column(vec![part_column(*part)])),
                Subject::Per(per, ty) => {
                    let at = RowExpr { kind: RowExprKind::Time, ty: ValueType::plain(Type::Timestamp), span: *span };
                    (ty.clone(), RowExprKind::Per { per: per.clone(), at: Box::new(at) })
                }
            };
            let subject = RowExpr { kind, ty: ty.clone(), span: *span };
            let known = ValueType { nullable: false, ..ty };
            let literals = literals.iter().map(|value| RowExpr {
                kind: RowExprKind::Literal(value.clone()),
                ty: known.clone(),
                span: *span,
            });
            call(*function, std::iter::once(subject).chain(literals).collect(), *span)
        }
    }
}

struct Checker<'a> {
    scope: FilterScope<'a>,
}

/// What a test is about, as far as literals must know it.
struct Tested<'a> {
    subject: Subject,
    /// As it is written.
    name: String,
    /// The type of its values: of an entity, that of its key.
    ty: Type,
    /// The type as it is shown.
    shown: Type,
    /// The dimension, where it is one.
    dimension: Option<&'a Dimension>,
}

impl<'a> Checker<'a> {
    fn check(&self, expr: &ast::Expr, d: &mut Diagnostics) -> Option<DimFilter> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.check(inner, d),
            ExprKind::Unary { op, operand } if op.value == UnaryOp::Not => {
                self.check(operand, d).map(|inner| DimFilter::Not(Box::new(inner)))
            }
            ExprKind::Binary { op, left, right } if matches!(op.value, BinaryOp::And | BinaryOp::Or) => {
                let (left, right) = (self.check(left, d), self.check(right, d));
                let parts = vec![left?, right?];
                Some(if op.value == BinaryOp::And { DimFilter::And(parts) } else { DimFilter::Or(parts) })
            }
            ExprKind::Binary { op, left, right } => {
                let function = match op.value {
                    BinaryOp::Equal => Function::Equal,
                    BinaryOp::NotEqual => Function::NotEqual,
                    BinaryOp::Less => Function::Less,
                    BinaryOp::LessEqual => Function::LessEqual,
                    BinaryOp::Greater => Function::Greater,
                    BinaryOp::GreaterEqual => Function::GreaterEqual,
                    _ => return self.not_a_test(expr.span, d),
                };
                self.test(left, function, std::slice::from_ref(right.as_ref()), expr.span, d)
            }
            ExprKind::In { operand, list, negated } => {
                let test = self.test(operand, Function::In, list, expr.span, d)?;
                Some(if *negated { DimFilter::Not(Box::new(test)) } else { test })
            }
            ExprKind::Between { operand, low, high, negated } => {
                let from =
                    self.test(operand, Function::GreaterEqual, std::slice::from_ref(low.as_ref()), expr.span, d)?;
                let to = self.test(operand, Function::LessEqual, std::slice::from_ref(high.as_ref()), expr.span, d)?;
                let both = DimFilter::And(vec![from, to]);
                Some(if *negated { DimFilter::Not(Box::new(both)) } else { both })
            }
            ExprKind::Like { operand, pattern, negated } => {
                let test = self.test(operand, Function::Like, std::slice::from_ref(pattern.as_ref()), expr.span, d)?;
                Some(if *negated { DimFilter::Not(Box::new(test)) } else { test })
            }
            ExprKind::IsNull { operand, negated } => {
                let function = if *negated { Function::IsNotNull } else { Function::IsNull };
                self.test(operand, function, &[], expr.span, d)
            }
            ExprKind::InCall { call, .. } => {
                d.push(crate::resolve::later("attribute(…)", call.span));
                None
            }
            _ => self.not_a_test(expr.span, d),
        }
    }

    fn not_a_test<T>(&self, span: Span, d: &mut Diagnostics) -> Option<T> {
        d.push(error!(E0123, span, "a filter on a metric compares dimensions with literals";
            help: "write `where platform = \"ios\"`; a condition on columns goes into the aggregate: `count(order where …)`"));
        None
    }

    fn test(
        &self,
        operand: &ast::Expr,
        function: Function,
        literals: &[ast::Expr],
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<DimFilter> {
        let tested = self.tested(operand, d)?;
        if function == Function::Like {
            let pattern = self.pattern(&tested, &literals[0], d)?;
            return Some(DimFilter::Test { subject: tested.subject, function, literals: vec![pattern], span });
        }
        self.ordered(&tested, function, operand.span, d)?;
        let mut values = Vec::new();
        for literal in literals {
            values.push(self.literal(&tested, literal, d)?);
        }
        Some(DimFilter::Test { subject: tested.subject, function, literals: values, span })
    }

    /// What stands before the operator.
    fn tested(&self, operand: &ast::Expr, d: &mut Diagnostics) -> Option<Tested<'a>> {
        match &operand.kind {
            ExprKind::Path { path, version: None } => self.dimension(path, d),
            ExprKind::MetricPer { metric, version, key } => {
                let Some((metrics, rows)) = self.scope.metrics else { return self.not_a_test(operand.span, d) };
                let version = version.as_ref().map(|version| version.value);
                let asked = PerPath { metric, version, key, span: operand.span };
                let (per, ty) = metrics.per(&asked, rows, d)?;
                let name = format!("({metric} per {key})");
                let own = ty.ty.clone();
                let subject = Subject::Per(Box::new(per), ty);
                Some(Tested { subject, name, ty: own.clone(), shown: own, dimension: None })
            }
            _ => self.not_a_test(operand.span, d),
        }
    }

    fn dimension(&self, path: &ast::Path, d: &mut Diagnostics) -> Option<Tested<'a>> {
        let KeyScope { names, dimensions, .. } = self.scope.keys;
        let text = path.to_string();
        let step = path.at.as_ref().and_then(|at| Step::parse(at.value.word()));
        let name = text.split('@').next().unwrap_or_default();
        let (subject, id) = match BucketPart::parse(name, step, Some(path.span), d) {
            Some(part) => {
                let ty = part?.ty();
                let subject = Subject::Part(part?);
                return Some(Tested { subject, name: text, ty: ty.clone(), shown: ty, dimension: None });
            }
            None => match By::parse(&text, names, dimensions, Some(path.span), d)? {
                By::Within(id, step) => (Subject::Within(id, step), id),
                By::Dimension(id) => (Subject::Dimension(id), id),
                By::Part(_) => return None,
            },
        };
        let dimension = &dimensions[id.0];
        Some(Tested {
            subject,
            name: text,
            ty: self.stored_type(dimension),
            shown: dimension.ty.ty.clone(),
            dimension: Some(dimension),
        })
    }

    /// The pattern of a `like`: a text, whatever the domain.
    fn pattern(&self, tested: &Tested<'_>, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Value> {
        match (&expr.kind, &tested.ty) {
            (ExprKind::Literal(Literal::String(text)), Type::String | Type::Enum(_)) => {
                Some(Value::String(text.clone()))
            }
            (_, Type::String | Type::Enum(_)) => {
                d.push(error!(E0609, expr.span, "the pattern of a `like` is a text in quotes";
                    help: "write `like \"%a%\"`"));
                None
            }
            (_, ty) => {
                let found = error!(E0609, expr.span, "`{}` is {}, and `like` compares texts", tested.name,
                    self.show(ty); help: "use `=`, `in` or `between`");
                d.push(tested.declared(found));
                None
            }
        }
    }

    /// Values of an enum have no order.
    fn ordered(&self, tested: &Tested<'_>, function: Function, span: Span, d: &mut Diagnostics) -> Option<()> {
        let orders =
            matches!(function, Function::Less | Function::LessEqual | Function::Greater | Function::GreaterEqual);
        if orders && matches!(tested.ty, Type::Enum(_)) {
            d.push(error!(E0332, span, "the values of `{}` can't be ordered", tested.name;
                help: "use `=` or `in`"));
            return None;
        }
        Some(())
    }

    fn show(&self, ty: &Type) -> String {
        with_article(&show_type(ty, self.scope.keys.tables))
    }

    /// The type of a dimension's values: of an entity, that of its key.
    fn stored_type(&self, dimension: &Dimension) -> Type {
        match &dimension.ty.ty {
            Type::Entity(table) => {
                let table = &self.scope.keys.tables[table.0];
                table.key.first().map_or(Type::String, |key| table.columns[*key].ty.ty.clone())
            }
            ty => ty.clone(),
        }
    }

    /// A literal of the tested type.
    fn literal(&self, tested: &Tested<'_>, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Value> {
        let value = self.typed_literal(tested, expr, d)?;
        let Some(dimension) = tested.dimension else { return Some(value) };
        let listed = dimension.listed();
        let otherwise = dimension.otherwise.as_ref().and_then(RowExpr::as_literal);
        if listed.is_empty() || listed.iter().any(|one| one.value == value) || otherwise == Some(&value) {
            return Some(value);
        }
        let texts = listed.iter().filter_map(|one| match &one.value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        });
        match &value {
            Value::String(text) => never(tested, &format!("`{text}`"), texts.collect(), expr.span, d),
            _ => never(tested, "this value", Vec::new(), expr.span, d),
        }
    }

    fn typed_literal(&self, tested: &Tested<'_>, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Value> {
        match (&expr.kind, &tested.ty) {
            (ExprKind::Literal(Literal::String(text)), Type::Enum(domain)) => {
                if !domain.contains(text) {
                    let all = domain.iter().map(String::as_str).collect();
                    return never(tested, &format!("`{text}`"), all, expr.span, d);
                }
                Some(Value::String(text.clone()))
            }
            (ExprKind::Literal(Literal::Null), _) => {
                d.push(
                    error!(E0608, expr.span, "nothing is ever equal to null"; help: "write `is null` or `is not null`"),
                );
                None
            }
            // A day of the output is its first instant.
            (ExprKind::Literal(literal @ Literal::Date(_)), Type::Timestamp) => {
                let day = ast::Expr { kind: ExprKind::Literal(literal.clone()), span: expr.span };
                match literal_as(&day, &Type::Date, self.scope.keys.zone) {
                    Some(Value::Date(days)) => {
                        let day = chrono::NaiveDate::default() + chrono::Duration::days(i64::from(days));
                        Some(Value::Timestamp(midnight(day, self.scope.keys.zone)))
                    }
                    _ => self.wrong(tested, expr.span, d),
                }
            }
            (_, ty) => literal_as(expr, ty, self.scope.keys.zone).or_else(|| self.wrong(tested, expr.span, d)),
        }
    }

    fn wrong<T>(&self, tested: &Tested<'_>, span: Span, d: &mut Diagnostics) -> Option<T> {
        let found = error!(E0609, span, "`{}` is {}, and this is no literal of that type", tested.name,
            self.show(&tested.shown); help: ("write {}", example_of(&tested.shown)));
        d.push(tested.declared(found));
        None
    }
}

/// A place that only this part has: no table has it.
fn part_column(part: BucketPart) -> ColumnId {
    let (kind, place) = match part {
        BucketPart::Start => (0, 0),
        BucketPart::Number(function) => (1, function as usize),
        BucketPart::Within(step) => (2, step.place()),
    };
    ColumnId { table: TableId(usize::MAX / 2 - kind), column: place }
}

impl Tested<'_> {
    /// A diagnostic that shows where it is declared.
    fn declared(&self, found: Diagnostic) -> Diagnostic {
        match self.dimension {
            Some(dimension) => found.related(dimension.name.span, "declared here"),
            None => found,
        }
    }
}

fn never<T>(tested: &Tested<'_>, text: &str, all: Vec<&str>, span: Span, d: &mut Diagnostics) -> Option<T> {
    let help = match near(text.trim_matches('`'), all.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if all.is_empty() => "its `values:` say what it can be".to_owned(),
        None => format!("its values are {}", some_of(all)),
    };
    d.push(error!(E0607, span, "`{}` is never {text}", tested.name; help: help));
    None
}
