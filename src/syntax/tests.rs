//! What the tree of each form is.

use super::{ast::*, parse};
use crate::diagnostic::FileId;

fn file(text: &str) -> File {
    let (file, found) = parse(FileId(0), text);
    assert!(found.is_empty(), "{text}: {found:?}");
    file
}

fn declaration(text: &str) -> DeclarationKind {
    file(text).declarations.into_iter().next().expect("a declaration").kind
}

/// An expression with all of its parentheses: those of the text as `[…]`, those of the tree as `(…)`.
fn show(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Literal(literal) => show_literal(literal),
        ExprKind::Path { path, version } => {
            version.as_ref().map_or(path.to_string(), |v| format!("{path} v{}", v.value))
        }
        ExprKind::Parenthesised(e) => format!("[{}]", show(e)),
        ExprKind::Unary { op, operand } => {
            format!("({} {})", if op.value == UnaryOp::Not { "not" } else { "-" }, show(operand))
        }
        ExprKind::Binary { op, left, right } => format!("({} {} {})", show(left), op.symbol(), show(right)),
        ExprKind::In { operand, list, negated } => {
            let list: Vec<String> = list.iter().map(show).collect();
            format!("({}{} in {})", show(operand), not(*negated), list.join(" "))
        }
        ExprKind::InCall { operand, call, negated } => {
            format!("({}{} in {})", show(operand), not(*negated), show(call))
        }
        ExprKind::Between { operand, low, high, negated } => {
            format!("({}{} between {} and {})", show(operand), not(*negated), show(low), show(high))
        }
        ExprKind::Like { operand, pattern, negated } => {
            format!("({}{} like {})", show(operand), not(*negated), show(pattern))
        }
        ExprKind::IsNull { operand, negated } => format!("({} is{} null)", show(operand), not(*negated)),
        ExprKind::Outside { operand, model } => format!("({} outside {})", show(operand), show(model)),
        ExprKind::Case { branches, otherwise } => {
            let branches: Vec<String> = branches.iter().map(|(c, v)| format!("{}: {}", show(c), show(v))).collect();
            format!("case {} else {}", branches.join(", "), otherwise.as_ref().map_or("-".to_owned(), |e| show(e)))
        }
        ExprKind::Cast { operand, ty } => format!("cast({} as {})", show(operand), ty.name.value),
        ExprKind::Json { operand, path, ty } => {
            format!("json({} {} {}{})", show(operand), path.value, ty.name.value, if ty.nullable { "?" } else { "" })
        }
        ExprKind::Sql { variants, ty } => format!("sql({} as {})", variants.len(), ty.name.value),
        ExprKind::Call { function, arguments } => {
            let arguments: Vec<String> = arguments
                .iter()
                .map(|a| {
                    let name = a.name.as_ref().map_or(String::new(), |n| format!("{}: ", n.value));
                    match &a.value {
                        ArgumentValue::Expr(e) => name + &show(e),
                        ArgumentValue::Step(s) => name + "step " + &show_step(&s.value),
                    }
                })
                .collect();
            format!("{function}({})", arguments.join(", "))
        }
        ExprKind::Index { operand, index } => format!("{}[{}]", show(operand), show(index)),
        ExprKind::Aggregate(aggregate) => show_aggregate(aggregate),
        ExprKind::MetricPer { metric, version, key } => {
            format!("<{metric}{} per {key}>", version.as_ref().map_or(String::new(), |v| format!(" v{}", v.value)))
        }
        ExprKind::Postfix { operand, postfix } => format!("({} {})", show(operand), show_postfix(postfix)),
    }
}

fn not(negated: bool) -> &'static str {
    if negated { " not" } else { "" }
}

fn show_literal(literal: &Literal) -> String {
    match literal {
        Literal::Number(n) => n.clone(),
        Literal::Percent(n) => format!("{n}%"),
        Literal::String(s) => format!("{s:?}"),
        Literal::Bool(b) => b.to_string(),
        Literal::Null => "null".to_owned(),
        Literal::Duration(d) => format!("{}{:?}", d.count, d.unit),
        Literal::Date(s) => format!("date {s}"),
        Literal::Timestamp(s) => format!("timestamp {s}"),
    }
}

fn show_step(step: &Step) -> String {
    match step {
        Step::Duration(d) => format!("{}{:?}", d.count, d.unit),
        Step::Calendar(s) => s.word().to_owned(),
        Step::Declared(path) => path.to_string(),
    }
}

fn show_window(window: &Window) -> String {
    match window {
        Window::All => "all".to_owned(),
        Window::Step(s) => show_step(s),
        Window::ToDate(s) => format!("{} to date", show_step(s)),
    }
}

fn show_keys(keys: &[Key]) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|k| match k {
            Key::Path(path) => path.to_string(),
            Key::Step(step) => format!("step {}", show_step(&step.value)),
        })
        .collect();
    keys.join(", ")
}

fn show_postfix(postfix: &Postfix) -> String {
    match postfix {
        Postfix::Where(e) => format!("where {}", show(e)),
        Postfix::Over(w) => format!("over {}", show_window(w)),
        Postfix::Ago(s) => format!("ago {}", show_step(s)),
        Postfix::Across(keys) => format!("across {}", show_keys(keys)),
        Postfix::AtStartOf(s) => format!("at start of {}", show_step(s)),
        Postfix::At { age, onwards } => format!("at {}{}", show_step(age), if *onwards { ".." } else { "" }),
    }
}

fn show_rows(rows: &RowSet) -> String {
    match &rows.kind {
        RowSetKind::Named { name, version } => {
            version.as_ref().map_or(name.to_string(), |v| format!("{name} v{}", v.value))
        }
        RowSetKind::Raw(path) => format!("raw {path}"),
        RowSetKind::Parenthesised(rows) => format!("[{}]", show_rows(rows)),
        RowSetKind::Where { rows, predicate } => format!("({} where {})", show_rows(rows), show(predicate)),
        RowSetKind::Dated { rows, column } => format!("({} dated {column})", show_rows(rows)),
        RowSetKind::FirstOf { rows, keys } => format!("(first of {} per {})", show_rows(rows), show_keys(keys)),
        RowSetKind::Union(members) => members.iter().map(show_rows).collect::<Vec<_>>().join(" | "),
    }
}

fn show_aggregate(aggregate: &Aggregate) -> String {
    let mut out = match &aggregate.input {
        AggregateInput::Rows(rows) => format!("{} rows {}", aggregate.function.value, show_rows(rows)),
        AggregateInput::ExprFrom { expr, rows } => {
            format!("{} {} from {}", aggregate.function.value, show(expr), show_rows(rows))
        }
        AggregateInput::Formula(expr) => format!("{} formula {}", aggregate.function.value, show(expr)),
    };
    if let Some(column) = &aggregate.dated {
        out += &format!(" dated {column}");
    }
    if let Some(filter) = &aggregate.filter {
        out += &format!(" where {}", show(filter));
    }
    if let Some(window) = &aggregate.over {
        out += &format!(" over {}", show_window(window));
    }
    if let Some(step) = &aggregate.at_last {
        out += &format!(" at last {}", show_step(step));
    }
    if !aggregate.per.is_empty() {
        out += &format!(" per {}", show_keys(&aggregate.per));
    }
    if let Some(filter) = &aggregate.per_filter {
        out += &format!(" where {}", show(filter));
    }
    for argument in &aggregate.arguments {
        out += &format!(", {}", show_literal(argument));
    }
    format!("{{{out}}}")
}

fn check(formula: &str, expect: &str) {
    let DeclarationKind::Metric(metric) = declaration(&format!("metric m = {formula}\n")) else { panic!("a metric") };
    assert_eq!(show(&metric.formula), expect, "{formula}");
}

fn check_row(condition: &str, expect: &str) {
    let DeclarationKind::Subset(subset) = declaration(&format!("subset s = t where {condition}\n")) else {
        panic!("a subset")
    };
    let RowSetKind::Where { predicate, .. } = &subset.rows.kind else { panic!("a condition") };
    assert_eq!(show(predicate), expect, "{condition}");
}

fn check_rows(rows: &str, expect: &str) {
    let DeclarationKind::Subset(subset) = declaration(&format!("subset s = {rows}\n")) else { panic!("a subset") };
    assert_eq!(show_rows(&subset.rows), expect, "{rows}");
}

#[test]
fn operators_bind_as_they_should() {
    check("a + b * c - d", "((a + (b * c)) - d)");
    check("a / b / c", "((a / b) / c)");
    check("-a * b", "((- a) * b)");
    check("a - -1", "(a - (- 1))");
    check_row("a or b and not c = d", "(a or (b and (not (c = d))))");
    check_row("x ?? 0 > 3", "((x ?? 0) > 3)");
    check_row("a + b ?? c + d", "((a + b) ?? (c + d))");
    check_row("a between 1 and 2 and b", "((a between 1 and 2) and b)");
    check_row("a not between 1 + 1 and 2 or b", "((a not between (1 + 1) and 2) or b)");
    check_row("a not in (1, -2) and b is not null", "((a not in 1 (- 2)) and (b is not null))");
    check_row("a + 1 is null", "((a + 1) is null)");
    check_row("not event_name like \"x%\"", "(not (event_name like \"x%\"))");
    check_row("event_version % 2 = 1", "((event_version % 2) = 1)");
    check_row("(a or b) and c", "([(a or b)] and c)");
    check_row("case when a then 1 when b then 2 else 3 end > 0", "(case a: 1, b: 2 else 3 > 0)");
    check_row("props[\"a\"][0] = 1", "(props[\"a\"][0] = 1)");
}

#[test]
fn literals_are_read() {
    check("1_000 + 0.5", "(1000 + 0.5)");
    check("0.5% * a - 10%-3%", "(((0.5% * a) - 10%) - 3%)");
    check("5 % 2 + 5%2 + 5 %(a)", "(((5 % 2) + (5 % 2)) + (5 % [a]))");
    check_row("a = \"\\\"\\\\\\n\\t\\u{4f60}\"", "(a = \"\\\"\\\\\\n\\t你\")");
    check_row("t > date(\"2026-11-01\") and u = timestamp(\"x\")", "((t > date 2026-11-01) and (u = timestamp x))");
    check_row("date(t) = 500ms or a = 1month", "((date(t) = 500Millisecond) or (a = 1Month))");
    check_row("a = true or b = null", "((a = true) or (b = null))");
}

#[test]
fn postfix_clauses_bind_tighter_than_arithmetic() {
    check("gmv / gmv ago 1w - 1", "((gmv / (gmv ago 1Week)) - 1)");
    check("gmv over 30d where platform = \"ios\" / gmv", "(((gmv over 30Day) where (platform = \"ios\")) / gmv)");
    check("a across (b, day) / c", "((a across b, step day) / c)");
    check(
        "-gmv where (a not in (\"x\") and b != 1 or c = 2)",
        "(- (gmv where [(((a not in \"x\") and (b != 1)) or (c = 2))]))",
    );
    check(
        "m where d is null / m where d between 1 and -2",
        "((m where (d is null)) / (m where (d between 1 and (- 2))))",
    );
    check("m where not d = 1 over all", "((m where (not (d = 1))) over all)");
    check("gmv over quarter to date ago 1year", "((gmv over quarter to date) ago 1Year)");
    check("m at start of fiscal.year", "(m at start of fiscal.year)");
    check("signup.retained at 7d.. / x at month", "((signup.retained at 7Day..) / (x at month))");
    check("dau v1 / dau", "(dau v1 / dau)");
    check(
        "signup.ltv(gmv, discount: 1%, step: month) at 90d",
        "(signup.ltv(gmv, discount: 1%, step: step month) at 90Day)",
    );
}

#[test]
fn aggregates_are_leaves_or_nested() {
    check("count(event)", "{count rows event}");
    check("count(raw event)", "{count rows raw event}");
    check("count(paid v2 where a = 1 and b over 7d)", "{count rows paid v2 where ((a = 1) and b) over 7Day}");
    check("sum(a - b from t dated c)", "{sum (a - b) from t dated c}");
    check("sum(x from t at last 1d per k)", "{sum x from t at last 1Day per k}");
    check("count((t where a and b))", "{count rows [(t where (a and b))]}");
    check("sum(p from (a | b where c) over all)", "{sum p from [a | (b where c)] over all}");
    check("avg(count(t) per user_id)", "{avg formula {count rows t} per user_id}");
    check("max(api_calls per 1s)", "{max formula api_calls per step 1Second}");
    check(
        "avg(dau over 7d where p = \"x\" per day) over month",
        "({avg formula ((dau over 7Day) where (p = \"x\")) per step day} over month)",
    );
    check("count(count(t) per (a, b) where value >= 3)", "{count formula {count rows t} per a, b where (value >= 3)}");
    check("quantile(x from t, 0.9)", "{quantile x from t, 0.9}");
    check("p50(f.time(a, b))", "{p50 formula f.time(a, b)}");
    check(
        "sum(from from from dated over where at = 1 and where = 2)",
        "{sum from from from dated over where ((at = 1) and (where = 2))}",
    );
    check("summ(a from t)", "{summ a from t}");
    check("count + sum", "(count + sum)");
}

#[test]
fn row_sets_are_read() {
    check_rows("a where b = 1 where c dated d", "(((a where (b = 1)) where c) dated d)");
    check_rows("a | b where c | raw d", "a | (b where c) | raw d");
    check_rows("first of a per k where b", "((first of a per k) where b)");
    check_rows("first of (a where b) per (k, hour)", "(first of [(a where b)] per k, step hour)");
    check_rows("a v2 where (m v3 per k.l) > 1", "(a v2 where (<m v3 per k.l> > 1))");
    check_rows("first where raw > 1", "(first where (raw > 1))");
}

#[test]
fn calls_with_types_are_read() {
    check_row("cast(a as decimal(18,2)) > 0", "(cast(a as decimal) > 0)");
    check_row("json(a, \"$.b\", string?) = \"c\"", "(json(a $.b string?) = \"c\")");
    check_row("sql(\"clickhouse\": \"x\", \"datafusion\": \"y\") as bool", "sql(2 as bool)");
    check_row("truncate(t, 1h) = t and contains(a, month)", "((truncate(t, 1Hour) = t) and contains(a, month))");
}

#[test]
fn values_are_read_by_their_key() {
    let DeclarationKind::Block(block) = declaration(
        "cohort c of user per k { start: every a where b; active: x, at least 3; every: month; until: 90d; by: month, d from pay }\n",
    ) else {
        panic!("a block")
    };
    assert_eq!(block.keyword.value, "cohort");
    assert!(matches!(&block.of, Some((path, keys)) if path.to_string() == "user" && keys.len() == 1));
    let values: Vec<&ValueKind> = block
        .items
        .iter()
        .flat_map(|item| match &item.kind {
            ItemKind::Keyed { values, .. } => values.iter().map(|v| &v.kind).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(matches!(values[0], ValueKind::Rows { every: true, rows } if show_rows(rows) == "(a where b)"));
    assert!(matches!(values[1], ValueKind::Rows { every: false, .. }));
    assert!(matches!(values[2], ValueKind::AtLeast(n) if n.value == 3));
    assert!(matches!(values[3], ValueKind::Step(Step::Calendar(CalendarStep::Month))));
    assert!(matches!(values[4], ValueKind::Step(Step::Duration(d)) if d.count == 90));
    assert!(matches!(values[5], ValueKind::Expr { expr, .. } if show(expr) == "month"));
    assert!(matches!(values[6], ValueKind::Expr { clauses, .. } if matches!(&clauses[..], [Clause::From(_)])));
}

#[test]
fn descriptions_belong_to_what_follows() {
    let file = file(
        "/// One.\n// not this\n///  Two.\nsource s {\n  /// A column.\n  column a: int\n  /// The key.\n  key: a\n}\n",
    );
    let [declaration] = file.declarations.as_slice() else { panic!("one") };
    assert_eq!(declaration.doc.as_ref().map(|d| d.as_str()), Some("One.\n Two."));
    let DeclarationKind::Source(table) = &declaration.kind else { panic!("a source") };
    assert_eq!(table.columns[0].doc.as_ref().map(|d| d.as_str()), Some("A column."));
    assert_eq!(table.items[0].doc.as_ref().map(|d| d.as_str()), Some("The key."));
}

#[test]
fn cells_are_empty_text_or_quoted() {
    let DeclarationKind::Test(test) = declaration(
        "test \"t\" of m v2, n {\n  given e {\n    | a | b |\n    | x y |  |\n    | \"\" | \"a|\\n\" | // c | d\n    | \\| \\\\ \\d | http://x |\n  }\n  expect {\n    | m |\n  }\n}\n",
    ) else {
        panic!("a test")
    };
    let cells: Vec<&Cell> = test.given[0].data.rows.iter().flatten().map(|c| &c.value).collect();
    let text = |t: &str| Cell::Text(t.to_owned());
    let quoted = |t: &str| Cell::Quoted(t.to_owned());
    assert_eq!(cells, [&text("x y"), &Cell::Empty, &quoted(""), &quoted("a|\n"), &text("| \\ \\d"), &text("http://x")]);
    assert_eq!(test.metrics.len(), 2);
    assert!(test.expect.rows.is_empty());
}

#[test]
fn spans_mark_the_text() {
    let text = "metric m = sum(a.b from t) / n over 7d // c\n";
    let parsed = file(text);
    let DeclarationKind::Metric(metric) = &parsed.declarations[0].kind else { panic!("a metric") };
    let marked = |span: crate::diagnostic::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(marked(parsed.declarations[0].span), text.split(" //").next().unwrap());
    assert_eq!(marked(metric.formula.span), "sum(a.b from t) / n over 7d");
    let ExprKind::Binary { op, left, right } = &metric.formula.kind else { panic!("a quotient") };
    assert_eq!((marked(op.span), marked(left.span), marked(right.span)), ("/", "sum(a.b from t)", "n over 7d"));
}

#[test]
fn names_of_what_is_left_out_or_incomplete_are_kept() {
    let (file, _) =
        parse(FileId(0), "metric a = \nmetric b = x { title \"B\" }\nsource c {\n  column d int\n}\nmetric e = x\n");
    let broken: Vec<&str> = file.broken.iter().map(|n| n.as_str()).collect();
    assert_eq!(broken, ["a", "b", "d"], "a source is a source without one of its columns");
    assert_eq!(file.declarations.len(), 3);
    // Not without one that an item names, or that has no name.
    for table in ["key: d\n  column d int", "key: k latest by d\n  column d int", "column 5: int", "colum d: int"] {
        let (file, _) = parse(FileId(0), &format!("source c {{\n  {table}\n}}\n"));
        assert_eq!((file.broken[0].as_str(), file.declarations.len()), ("c", 0), "{table}");
    }
}
