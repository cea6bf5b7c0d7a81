//! Small constructors over sqlparser's tree. Parentheses are set here, by precedence, and nowhere else.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, Cte, DataType, DictionaryField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, Join, JoinConstraint,
    JoinOperator, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, LimitClause, ObjectName, OneOrManyWithParens,
    OrderBy, OrderByExpr, OrderByKind, OrderByOptions, Query, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableAlias, TableFactor, TableFunctionArgs,
    TableWithJoins, UnaryOperator, Value, WildcardAdditionalOptions, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowSpec, WindowType, With,
};

/// A bare identifier of our own making; names of users go through `Dialect::identifier`.
pub fn ident(name: &str) -> Ident {
    Ident::new(name)
}

/// `alias.name`
pub fn column(alias: &str, name: Ident) -> Expr {
    Expr::CompoundIdentifier(vec![ident(alias), name])
}

/// A name alone: the variable of a lambda.
pub fn ident_expr(name: &str) -> Expr {
    Expr::Identifier(ident(name))
}

/// A number as written.
pub fn number(text: impl std::fmt::Display) -> Expr {
    Expr::Value(Value::Number(text.to_string(), false).into())
}

/// `'text'`; what must be escaped is the dialect's business.
pub fn text(content: impl Into<String>) -> Expr {
    Expr::Value(Value::SingleQuotedString(content.into()).into())
}

/// `NULL`
pub fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

/// `true` or `false`
pub fn boolean(value: bool) -> Expr {
    Expr::Value(Value::Boolean(value).into())
}

/// `name(arguments)`
pub fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Function(function(name, arguments))
}

/// `name(parameters)(arguments)`; without parameters a plain call.
pub fn parametric(name: &str, parameters: Vec<Expr>, arguments: Vec<Expr>) -> Expr {
    let mut made = function(name, arguments);
    if !parameters.is_empty() {
        made.parameters = list(parameters, Vec::new());
    }
    Expr::Function(made)
}

/// `name(arguments ORDER BY …) FILTER (WHERE …)`
pub fn aggregate(name: &str, arguments: Vec<Expr>, order: Vec<OrderByExpr>, filter: Option<Expr>) -> Expr {
    let mut made = function(name, Vec::new());
    let clauses = if order.is_empty() { Vec::new() } else { vec![FunctionArgumentClause::OrderBy(order)] };
    made.args = list(arguments, clauses);
    made.filter = filter.map(Box::new);
    Expr::Function(made)
}

/// `x -> body`
pub fn lambda(parameter: &str, body: Expr) -> Expr {
    let parameter = LambdaFunctionParameter { name: ident(parameter), data_type: None };
    let params = OneOrManyWithParens::One(parameter);
    Expr::Lambda(LambdaFunction { params, body: Box::new(body), syntax: LambdaSyntax::Arrow })
}

/// `(x, y) -> body`, or `x -> body`
pub fn lambda_of(parameters: &[&str], body: Expr) -> Expr {
    if let [one] = parameters {
        return lambda(one, body);
    }
    let named = parameters.iter().map(|name| LambdaFunctionParameter { name: ident(name), data_type: None });
    let params = OneOrManyWithParens::Many(named.collect());
    Expr::Lambda(LambdaFunction { params, body: Box::new(body), syntax: LambdaSyntax::Arrow })
}

/// An aggregate over all rows of a partition, beside each of them.
pub fn over(aggregate: Expr, partition_by: Vec<Expr>) -> Expr {
    match aggregate {
        Expr::Function(made) => windowed(made, partition_by, Vec::new(), None),
        other => other,
    }
}

/// `name() OVER (PARTITION BY … ORDER BY …)`
pub fn window(name: &str, partition_by: Vec<Expr>, order_by: Vec<OrderByExpr>) -> Expr {
    windowed(function(name, Vec::new()), partition_by, order_by, None)
}

/// `sum(value) OVER (PARTITION BY … ORDER BY …)`: up to the row and those that are equal to it in the order.
pub fn running_sum(value: Expr, partition_by: Vec<Expr>, order_by: Vec<OrderByExpr>) -> Expr {
    windowed(function("sum", vec![value]), partition_by, order_by, None)
}

/// Which row beside a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Neighbour {
    Before,
    After,
}

/// `name(value) OVER (PARTITION BY … ORDER BY … ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)`: an aggregate of the one row beside.
pub fn neighbour(
    name: &str,
    value: Expr,
    partition_by: Vec<Expr>,
    order_by: Vec<OrderByExpr>,
    which: Neighbour,
) -> Expr {
    let one = || Some(Box::new(number(1)));
    let bound = || match which {
        Neighbour::Before => WindowFrameBound::Preceding(one()),
        Neighbour::After => WindowFrameBound::Following(one()),
    };
    let frame = WindowFrame { units: WindowFrameUnits::Rows, start_bound: bound(), end_bound: Some(bound()) };
    windowed(function(name, vec![value]), partition_by, order_by, Some(frame))
}

/// `name(value) OVER (PARTITION BY … ORDER BY … ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`: an aggregate of all rows before, or
/// of the row itself, too.
pub fn before(name: &str, value: Expr, partition_by: Vec<Expr>, order_by: Vec<OrderByExpr>, with_row: bool) -> Expr {
    let end =
        if with_row { WindowFrameBound::CurrentRow } else { WindowFrameBound::Preceding(Some(Box::new(number(1)))) };
    let start_bound = WindowFrameBound::Preceding(None);
    let frame = WindowFrame { units: WindowFrameUnits::Rows, start_bound, end_bound: Some(end) };
    windowed(function(name, vec![value]), partition_by, order_by, Some(frame))
}

/// `name(value) OVER (PARTITION BY … ORDER BY … ROWS BETWEEN from PRECEDING AND to PRECEDING)`: an aggregate of rows before.
pub fn rows_before(
    name: &str,
    value: Expr,
    partition_by: Vec<Expr>,
    order_by: Vec<OrderByExpr>,
    from: i64,
    to: i64,
) -> Expr {
    let bound = |rows: i64| WindowFrameBound::Preceding(Some(Box::new(number(rows))));
    let frame = WindowFrame { units: WindowFrameUnits::Rows, start_bound: bound(from), end_bound: Some(bound(to)) };
    windowed(function(name, vec![value]), partition_by, order_by, Some(frame))
}

fn windowed(
    mut function: Function,
    partition_by: Vec<Expr>,
    order_by: Vec<OrderByExpr>,
    window_frame: Option<WindowFrame>,
) -> Expr {
    function.over =
        Some(WindowType::WindowSpec(WindowSpec { window_name: None, partition_by, order_by, window_frame }));
    Expr::Function(function)
}

fn function(name: &str, arguments: Vec<Expr>) -> Function {
    Function {
        name: ObjectName::from(vec![ident(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: list(arguments, Vec::new()),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

fn list(arguments: Vec<Expr>, clauses: Vec<FunctionArgumentClause>) -> FunctionArguments {
    let args = arguments.into_iter().map(|a| FunctionArg::Unnamed(FunctionArgExpr::Expr(a))).collect();
    FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses })
}

/// How tightly the outermost operator of an expression binds.
fn binding(expr: &Expr) -> u8 {
    match expr {
        Expr::BinaryOp { op, .. } => operator_binding(op),
        Expr::UnaryOp { op: UnaryOperator::Not, .. } => 3,
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Like { .. }
        | Expr::Between { .. } => 4,
        Expr::UnaryOp { .. } => 7,
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if digits.starts_with('-') => 7,
            _ => 9,
        },
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Function(_)
        | Expr::Nested(_)
        | Expr::Cast { .. }
        | Expr::Case { .. }
        | Expr::Subquery(_)
        | Expr::Dictionary(_)
        | Expr::Tuple(_) => 9,
        _ => 0,
    }
}

fn operator_binding(op: &BinaryOperator) -> u8 {
    match op {
        BinaryOperator::Or => 1,
        BinaryOperator::And => 2,
        BinaryOperator::Plus | BinaryOperator::Minus => 5,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => 6,
        _ => 4,
    }
}

/// The expression, in parentheses unless it binds tighter than `than`.
fn above(expr: Expr, than: u8) -> Box<Expr> {
    if binding(&expr) > than { Box::new(expr) } else { Box::new(Expr::Nested(Box::new(expr))) }
}

/// The expression, in parentheses unless it is one word or call.
pub fn nested(expr: Expr) -> Expr {
    *above(expr, 8)
}

/// `left op right`
pub fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    let own = operator_binding(&op);
    // Comparisons do not chain; the other operators group to the left, and AND and OR do not care.
    let left = above(left, if own == 4 { own } else { own - 1 });
    let right = above(right, if own <= 2 { own - 1 } else { own });
    Expr::BinaryOp { left, op, right }
}

/// `left = right`
pub fn equal(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::Eq, right)
}

/// All parts, joined by `AND`; none for no parts.
pub fn all(parts: impl IntoIterator<Item = Expr>) -> Option<Expr> {
    parts.into_iter().reduce(|left, right| binary(left, BinaryOperator::And, right))
}

/// One of the parts, joined by `OR`; none for no parts.
pub fn any(parts: impl IntoIterator<Item = Expr>) -> Option<Expr> {
    parts.into_iter().reduce(|left, right| binary(left, BinaryOperator::Or, right))
}

/// `NOT operand`
pub fn not(operand: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: above(operand, 3) }
}

/// `-operand`
pub fn negate(operand: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Minus, expr: above(operand, 7) }
}

/// `operand IS NULL`
pub fn is_null(operand: Expr) -> Expr {
    Expr::IsNull(above(operand, 4))
}

/// `operand IS NOT NULL`
pub fn is_not_null(operand: Expr) -> Expr {
    Expr::IsNotNull(above(operand, 4))
}

/// `operand IN (list)`
pub fn in_list(operand: Expr, list: Vec<Expr>) -> Expr {
    Expr::InList { expr: above(operand, 4), list, negated: false }
}

/// `operand IN (query)`
pub fn in_query(operand: Expr, query: Query) -> Expr {
    Expr::InSubquery { expr: above(operand, 4), subquery: Box::new(query), negated: false }
}

/// `operand NOT IN (query)`
pub fn not_in_query(operand: Expr, query: Query) -> Expr {
    Expr::InSubquery { expr: above(operand, 4), subquery: Box::new(query), negated: true }
}

/// `(a, b, …)`; one value stays as it is.
pub fn tuple(mut values: Vec<Expr>) -> Expr {
    if values.len() == 1 { values.swap_remove(0) } else { Expr::Tuple(values) }
}

/// `{name: type}`, a parameter of a ClickHouse query.
pub fn parameter(name: &str, ty: Expr) -> Expr {
    Expr::Dictionary(vec![DictionaryField { key: ident(name), value: Box::new(ty) }])
}

/// `operand LIKE pattern`
pub fn like(operand: Expr, pattern: Expr) -> Expr {
    Expr::Like { negated: false, any: false, expr: above(operand, 4), pattern: above(pattern, 4), escape_char: None }
}

/// `CAST(operand AS data_type)`
pub fn cast(operand: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(operand), data_type, array: false, format: None }
}

/// `CASE WHEN condition THEN value END`
pub fn when(condition: Expr, value: Expr) -> Expr {
    case(vec![(condition, value)], None)
}

/// `CASE WHEN condition THEN result … ELSE otherwise END`
pub fn case(branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: branches.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect(),
        else_result: otherwise.map(Box::new),
    }
}

/// `(query)` as a value
pub fn scalar(query: Query) -> Expr {
    Expr::Subquery(Box::new(query))
}

/// `expr AS alias`
pub fn item(expr: Expr, alias: Ident) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias }
}

/// `alias.*`
pub fn all_of(alias: &str) -> SelectItem {
    let of = SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![ident(alias)]));
    SelectItem::QualifiedWildcard(of, WildcardAdditionalOptions::default())
}

/// `expr [DESC] [NULLS LAST]`; the last only where nulls may occur, since its default depends on the engine.
pub fn sort(expr: Expr, descending: bool, nullable: bool) -> OrderByExpr {
    let options = OrderByOptions { asc: descending.then_some(false), nulls_first: nullable.then_some(false) };
    OrderByExpr { expr, options, with_fill: None }
}

/// `expr NULLS FIRST`
pub fn nulls_first(expr: Expr) -> OrderByExpr {
    let options = OrderByOptions { asc: None, nulls_first: Some(true) };
    OrderByExpr { expr, options, with_fill: None }
}

/// `name AS alias` in FROM
pub fn table(name: ObjectName, alias: &str) -> TableFactor {
    TableFactor::Table {
        name,
        alias: Some(table_alias(alias)),
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

/// `name(arguments) AS alias` in FROM
pub fn table_function(name: &str, arguments: Vec<Expr>, alias: &str) -> TableFactor {
    let args = arguments.into_iter().map(|a| FunctionArg::Unnamed(FunctionArgExpr::Expr(a))).collect();
    match table(ObjectName::from(vec![ident(name)]), alias) {
        TableFactor::Table {
            name,
            alias,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
            ..
        } => {
            let args = Some(TableFunctionArgs { args, settings: None });
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            }
        }
        other => other,
    }
}

/// `(query) AS alias` in FROM
pub fn derived(query: Query, alias: &str) -> TableFactor {
    TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(table_alias(alias)), sample: None }
}

fn table_alias(name: &str) -> TableAlias {
    TableAlias { explicit: true, name: ident(name), columns: Vec::new(), at: None }
}

/// `LEFT JOIN relation ON condition`
pub fn left_join(relation: TableFactor, condition: Expr) -> Join {
    Join { relation, global: false, join_operator: JoinOperator::Left(JoinConstraint::On(condition)) }
}

/// `JOIN relation ON condition`
pub fn inner_join(relation: TableFactor, condition: Expr) -> Join {
    Join { relation, global: false, join_operator: JoinOperator::Join(JoinConstraint::On(condition)) }
}

/// `CROSS JOIN relation`
pub fn cross_join(relation: TableFactor) -> Join {
    Join { relation, global: false, join_operator: JoinOperator::CrossJoin(JoinConstraint::None) }
}

/// The parts of a SELECT that we use.
#[derive(Default)]
pub struct Parts {
    /// Its columns.
    pub projection: Vec<SelectItem>,
    /// What it reads, with joins.
    pub from: Option<TableFactor>,
    /// See `from`.
    pub joins: Vec<Join>,
    /// `WHERE`
    pub filter: Option<Expr>,
    /// `GROUP BY`
    pub group_by: Vec<Expr>,
}

impl Parts {
    /// As a query of its own.
    pub fn query(self) -> Query {
        query(SetExpr::Select(Box::new(self.select())))
    }

    /// As a member of a union.
    pub fn select(mut self) -> Select {
        // Rows that are only counted need no column, but a SELECT does.
        if self.projection.is_empty() {
            self.projection.push(SelectItem::UnnamedExpr(number(1)));
        }
        let joins = self.joins;
        let from = self.from.map(|relation| TableWithJoins { relation, joins });
        Select {
            select_token: AttachedToken::empty(),
            optimizer_hints: Vec::new(),
            distinct: None,
            select_modifiers: None,
            top: None,
            top_before_distinct: false,
            projection: self.projection,
            exclude: None,
            into: None,
            from: from.into_iter().collect(),
            lateral_views: Vec::new(),
            prewhere: None,
            selection: self.filter,
            connect_by: Vec::new(),
            group_by: GroupByExpr::Expressions(self.group_by, Vec::new()),
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            sort_by: Vec::new(),
            having: None,
            named_window: Vec::new(),
            qualify: None,
            window_before_qualify: false,
            value_table_mode: None,
            flavor: SelectFlavor::Standard,
        }
    }
}

/// A query of a body alone.
pub fn query(body: SetExpr) -> Query {
    Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// SELECTs without those that stand there already, in their order.
pub fn each_once(selects: impl IntoIterator<Item = Select>) -> Vec<Select> {
    let mut once: Vec<Select> = Vec::new();
    for select in selects {
        if !once.contains(&select) {
            once.push(select);
        }
    }
    once
}

/// `a UNION ALL b …`; none for no members.
pub fn union_all(members: impl IntoIterator<Item = Select>) -> Option<Query> {
    let members = members.into_iter().map(|select| SetExpr::Select(Box::new(select)));
    let body = members.reduce(|left, right| SetExpr::SetOperation {
        left: Box::new(left),
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        right: Box::new(right),
    })?;
    Some(query(body))
}

/// The query, ordered.
pub fn ordered(mut query: Query, by: Vec<OrderByExpr>) -> Query {
    if !by.is_empty() {
        query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(by), interpolate: None });
    }
    query
}

/// The query, cut: `LIMIT rows`, or `LIMIT rows BY keys`.
pub fn limited(mut query: Query, rows: u64, by: Vec<Expr>) -> Query {
    let limit = Some(number(rows));
    query.limit_clause = Some(LimitClause::LimitOffset { limit, offset: None, limit_by: by });
    query
}

/// `WITH name AS (query) …` before the query.
pub fn with(mut query: Query, tables: Vec<(Ident, Query)>) -> Query {
    if tables.is_empty() {
        return query;
    }
    let cte_tables = tables
        .into_iter()
        .map(|(name, body)| Cte {
            alias: TableAlias { explicit: false, name, columns: Vec::new(), at: None },
            query: Box::new(body),
            from: None,
            materialized: None,
            closing_paren_token: AttachedToken::empty(),
        })
        .collect();
    query.with = Some(With { with_token: AttachedToken::empty(), recursive: false, cte_tables });
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Expr {
        column("b", ident("x"))
    }

    #[track_caller]
    fn check(expr: Expr, expected: &str) {
        assert_eq!(expr.to_string(), expected);
    }

    #[test]
    fn parentheses_are_set_where_needed_and_only_there() {
        let sum = || binary(x(), BinaryOperator::Plus, number(1));
        check(binary(sum(), BinaryOperator::Multiply, sum()), "(b.x + 1) * (b.x + 1)");
        check(binary(sum(), BinaryOperator::Minus, sum()), "b.x + 1 - (b.x + 1)");
        let either = || any([equal(x(), number(1)), is_null(x())]).unwrap();
        check(all([either(), either()]).unwrap(), "(b.x = 1 OR b.x IS NULL) AND (b.x = 1 OR b.x IS NULL)");
        check(not(either()), "NOT (b.x = 1 OR b.x IS NULL)");
        check(is_null(equal(x(), number(1))), "(b.x = 1) IS NULL");
        check(equal(equal(x(), number(1)), boolean(true)), "(b.x = 1) = true");
    }

    #[test]
    fn two_minus_signs_never_make_a_comment() {
        check(negate(number(-5)), "-(-5)");
        check(negate(negate(x())), "-(-b.x)");
        check(binary(x(), BinaryOperator::Minus, number(-5)), "b.x - -5");
    }
}
