//! Makes a failing project small: whatever may go, goes, as long as the failure stays.

use std::collections::BTreeSet;

use super::derived::Origin;
use super::model::*;

/// A pass: the `n`-th thing it could do to a project. None where there is no such thing any more; the inner none where
/// it cannot be done.
type Pass = fn(&Project, usize) -> Option<Option<Project>>;

const PASSES: &[Pass] = &[
    one_question,
    fewer_asked,
    plainer_question,
    no_metric,
    plainer_metric,
    no_subset,
    no_derived,
    plainer_derived,
    no_dimension,
    fewer_bindings,
    fewer_rows,
    plainer_leaf,
    plainer_subset,
    plainer_expression,
    no_table,
    plainer_table,
    no_column,
    fewer_rows,
    plainer_cell,
];

/// The smallest project found that still `fails`, after at most `budget` tries.
pub fn shrink(project: &Project, budget: usize, fails: &mut dyn FnMut(&Project) -> bool) -> Project {
    let (mut current, mut tries) = (project.clone(), 0);
    loop {
        let before = current.clone();
        for pass in PASSES {
            let mut place = 0;
            while let Some(candidate) = pass(&current, place) {
                match candidate.filter(|candidate| *candidate != current && sound(candidate)) {
                    Some(candidate) if tries < budget => {
                        tries += 1;
                        if fails(&candidate) {
                            current = candidate;
                        } else {
                            place += 1;
                        }
                    }
                    Some(_) => return current,
                    None => place += 1,
                }
            }
        }
        if current == before {
            return current;
        }
    }
}

/// Whether every name that is used is there, and every dimension is bound where it is asked.
fn sound(project: &Project) -> bool {
    let known = |name: &String| project.dimension(name).is_some();
    let formulas = project.metrics.iter().all(|metric| {
        let common: BTreeSet<&str> =
            project.common_dimensions(&metric.formula).iter().map(|d| d.name.as_str()).collect();
        metric.by.iter().all(|name| common.contains(name.as_str())) && formula_is_sound(project, &metric.formula)
    });
    let questions = project.questions.iter().all(|question| {
        let metrics: Option<Vec<&Metric>> = question.metrics.iter().map(|name| project.metric(name)).collect();
        let Some(metrics) = metrics else { return false };
        let mut names: BTreeSet<String> = question.by.iter().filter_map(By::dimension).cloned().collect();
        names.extend(question.filter.iter().flat_map(dimensions_of));
        let bound = |metric: &&Metric| {
            let common: Vec<&Dimension> = project.common_dimensions(&metric.formula);
            names.iter().all(|name| common.iter().any(|dimension| dimension.name == *name))
        };
        let timed = metrics.iter().all(|metric| project.timed(&metric.formula));
        let ordered = question.order.iter().all(|(column, _)| {
            question.metrics.contains(column)
                || question.by.iter().any(|by| by.text() == *column)
                || question.step.is_some() && column == "time"
        });
        names.iter().all(known)
            && metrics.iter().all(bound)
            && ordered
            && (timed || question.step.is_none() && question.range.is_none())
            && metrics.iter().all(|metric| project.bears(&metric.formula, question.step, question.range.is_some()))
            && parts_fit(project, question)
            && question.is_choosable(project)
    });
    formulas && questions
}

/// Whether the parts of buckets that a question names are there at its step.
fn parts_fit(project: &Project, question: &Question) -> bool {
    let ranged = question.range.is_some();
    let filter = question.filter.as_ref().is_none_or(|filter| project.bears(filter, question.step, ranged));
    let fits = |part: &TimePart| question.step.is_some_and(|step| part.fits(step, project.week_starts_sunday));
    filter && question.by.iter().all(|by| !matches!(by, By::Part(part) if !fits(part)))
}

fn formula_is_sound(project: &Project, formula: &Expr) -> bool {
    let mut fine = true;
    formula.walk(&mut |expr| match &expr.node {
        Node::Metric(name) => fine &= project.metric(name).is_some(),
        Node::Leaf(leaf) => fine &= project.base(&leaf.rows).is_some(),
        Node::Where(operand, filter) => {
            let common = project.common_dimensions(operand);
            fine &= dimensions_of(filter).iter().all(|name| common.iter().any(|dimension| dimension.name == *name));
        }
        Node::Across(_, names) => fine &= names.iter().all(|name| project.dimension(name).is_some()),
        Node::Nested(nested) => {
            let common = project.common_dimensions(&nested.formula);
            let known = |key: &NestedKey| match key {
                NestedKey::Dimension(name) => common.iter().any(|dimension| dimension.name == *name),
                NestedKey::Entity(name) => project.table(name).is_some(),
                NestedKey::Column(_) | NestedKey::Step(_) => true,
            };
            fine &= nested.keys.iter().all(known);
        }
        Node::MetricPer(name, key) => {
            let metric = project.metric(name);
            let dimension = |dimension: &String| {
                let common = metric.map(|metric| project.common_dimensions(&metric.formula)).unwrap_or_default();
                common.iter().any(|one| one.name == *dimension)
            };
            fine &= metric.is_some();
            fine &= match key {
                NestedKey::Dimension(name) => dimension(name),
                NestedKey::Entity(name) => project.table(name).is_some(),
                NestedKey::Column(_) | NestedKey::Step(_) => true,
            };
        }
        _ => {}
    });
    fine
}

fn dimensions_of(expr: &Expr) -> Vec<String> {
    let mut names = Vec::new();
    expr.walk(&mut |e| {
        if let Node::Dimension(name) = &e.node {
            names.push(name.clone());
        }
    });
    names
}

/// Every expression of a project.
fn roots(project: &Project) -> Vec<&Expr> {
    let computed =
        project.tables.iter().flat_map(|table| table.columns.iter().filter_map(|column| column.computed.as_ref()));
    let bindings = project.dimensions.iter().flat_map(|dimension| dimension.bindings.iter().map(bound));
    computed
        .chain(project.subsets.iter().filter_map(|subset| subset.filter.as_ref()))
        .chain(bindings)
        .chain(project.metrics.iter().map(|metric| &metric.formula))
        .chain(project.questions.iter().filter_map(|question| question.filter.as_ref()))
        .collect()
}

fn roots_mut(project: &mut Project) -> Vec<&mut Expr> {
    let mut all: Vec<&mut Expr> = Vec::new();
    for table in &mut project.tables {
        all.extend(table.columns.iter_mut().filter_map(|column| column.computed.as_mut()));
    }
    all.extend(project.subsets.iter_mut().filter_map(|subset| subset.filter.as_mut()));
    for dimension in &mut project.dimensions {
        all.extend(dimension.bindings.iter_mut().filter_map(|binding| match binding {
            Binding::On(_, expr) => Some(expr),
            _ => None,
        }));
    }
    all.extend(project.metrics.iter_mut().map(|metric| &mut metric.formula));
    all.extend(project.questions.iter_mut().filter_map(|question| question.filter.as_mut()));
    all
}

fn bound(binding: &Binding) -> &Expr {
    match binding {
        Binding::Path(_, expr) | Binding::Attribute(_, expr) | Binding::On(_, expr) | Binding::Any(expr) => expr,
    }
}

fn with(project: &Project, change: impl FnOnce(&mut Project)) -> Option<Option<Project>> {
    let mut changed = project.clone();
    change(&mut changed);
    Some(changed.shape().then_some(changed))
}

fn one_question(project: &Project, n: usize) -> Option<Option<Project>> {
    let question = project.questions.get(n)?.clone();
    if project.questions.len() == 1 {
        return Some(None);
    }
    with(project, |p| p.questions = vec![question])
}

fn fewer_asked(project: &Project, n: usize) -> Option<Option<Project>> {
    let question = project.questions.first()?;
    let name = question.metrics.get(n)?.clone();
    if question.metrics.len() == 1 {
        return Some(None);
    }
    with(project, |p| {
        p.questions[0].metrics.retain(|metric| *metric != name);
        p.questions[0].order.retain(|(column, _)| *column != name);
    })
}

fn plainer_question(project: &Project, n: usize) -> Option<Option<Project>> {
    let question = project.questions.first()?;
    with(project, |p| {
        let q = &mut p.questions[0];
        match n {
            0 => q.filter = None,
            1 => (q.range, q.exact) = (None, None),
            2 => q.limit = None,
            3 => q.order.clear(),
            4 => {
                q.step = None;
                q.order.retain(|(column, _)| column != "time");
            }
            5 => q.fill = None,
            6 => q.exact = None,
            7 => q.having = None,
            8 => q.top = None,
            n if n - 9 < q.by.len() => {
                let gone = q.by.remove(n - 9);
                q.order.retain(|(column, _)| *column != gone.text());
            }
            _ => {}
        }
    })
    .filter(|_| n < 9 + question.by.len())
}

fn no_metric(project: &Project, n: usize) -> Option<Option<Project>> {
    let name = project.metrics.get(n)?.name.clone();
    with(project, |p| p.metrics.retain(|metric| metric.name != name))
}

fn plainer_metric(project: &Project, n: usize) -> Option<Option<Project>> {
    project.metrics.get(n)?;
    with(project, |p| {
        p.metrics[n].grain = None;
        p.metrics[n].fill = Fill::None;
        p.metrics[n].by.clear();
    })
}

fn no_subset(project: &Project, n: usize) -> Option<Option<Project>> {
    let subset = project.subsets.get(n)?.clone();
    // Whoever used it takes its base.
    with(project, |p| {
        p.subsets.remove(n);
        for other in p.subsets.iter_mut().filter(|other| other.base == subset.name) {
            other.base.clone_from(&subset.base);
        }
        for rows in p.derived.iter_mut().flat_map(|derived| derived.origin.reads_mut()) {
            if *rows == subset.name {
                rows.clone_from(&subset.base);
            }
        }
        for metric in &mut p.metrics {
            change_leaves(&mut metric.formula, &mut |leaf| {
                if leaf.rows == subset.name {
                    leaf.rows.clone_from(&subset.base);
                }
            });
        }
    })
}

fn no_derived(project: &Project, n: usize) -> Option<Option<Project>> {
    let derived = project.derived.get(n)?;
    let name = &derived.table.name;
    let [rows, ..] = derived.origin.reads()[..] else { return Some(None) };
    // Whoever used it takes what it is made of.
    with(project, |p| {
        let others = p.derived.iter_mut().flat_map(|other| other.origin.reads_mut());
        for other in others.chain(p.subsets.iter_mut().map(|subset| &mut subset.base)).filter(|other| *other == name) {
            other.clone_from(rows);
        }
        for metric in &mut p.metrics {
            change_leaves(&mut metric.formula, &mut |leaf| {
                if leaf.rows == *name {
                    leaf.rows.clone_from(rows);
                }
            });
        }
        p.derived.remove(n);
    })
}

fn plainer_derived(project: &Project, n: usize) -> Option<Option<Project>> {
    project.derived.get(n)?;
    with(project, |p| match &mut p.derived[n].origin {
        Origin::FirstOf { keys, .. } => keys.truncate(1),
        Origin::Session { keep, .. } => drop(keep.pop()),
        Origin::Union(members) if members.len() > 2 => drop(members.pop()),
        Origin::Raw(_) | Origin::Union(_) => {}
    })
}

fn change_leaves(expr: &mut Expr, change: &mut dyn FnMut(&mut Leaf)) {
    if let Node::Leaf(leaf) = &mut expr.node {
        change(leaf);
    }
    for child in expr.children_mut() {
        change_leaves(child, change);
    }
}

fn no_dimension(project: &Project, n: usize) -> Option<Option<Project>> {
    project.dimensions.get(n)?;
    with(project, |p| {
        p.dimensions.remove(n);
    })
}

fn fewer_bindings(project: &Project, n: usize) -> Option<Option<Project>> {
    let mut places =
        project.dimensions.iter().enumerate().flat_map(|(i, d)| (0..d.bindings.len()).map(move |j| (i, j)));
    let (dimension, binding) = places.nth(n)?;
    if project.dimensions[dimension].bindings.len() == 1 {
        return Some(None);
    }
    with(project, |p| {
        p.dimensions[dimension].bindings.remove(binding);
    })
}

/// Takes out ever smaller runs of rows.
fn fewer_rows(project: &Project, n: usize) -> Option<Option<Project>> {
    let mut left = n;
    for (place, table) in project.tables.iter().enumerate() {
        let mut size = table.rows.len();
        while size > 0 {
            let runs = table.rows.len().div_ceil(size);
            if left < runs {
                let (from, to) = (left * size, ((left + 1) * size).min(table.rows.len()));
                return with(project, |p| {
                    p.tables[place].rows.drain(from..to);
                });
            }
            left -= runs;
            size /= 2;
        }
    }
    None
}

fn plainer_leaf(project: &Project, n: usize) -> Option<Option<Project>> {
    let mut count = 0;
    let mut changed = project.clone();
    for metric in &mut changed.metrics {
        change_leaves(&mut metric.formula, &mut |leaf| {
            match n.checked_sub(count) {
                Some(0) => leaf.filter = None,
                Some(1) => leaf.dated = None,
                Some(2) => leaf.over = None,
                Some(3) => leaf.at_last = None,
                _ => {}
            }
            count += 4;
        });
    }
    (n < count).then_some(Some(changed))
}

fn plainer_subset(project: &Project, n: usize) -> Option<Option<Project>> {
    project.subsets.get(n / 2)?;
    with(project, |p| {
        let subset = &mut p.subsets[n / 2];
        if n.is_multiple_of(2) { subset.filter = None } else { subset.dated = None }
    })
}

/// Puts a part in place of a whole: a child of the same type, or a plain literal.
fn plainer_expression(project: &Project, n: usize) -> Option<Option<Project>> {
    const TRIES: usize = 4;
    let (place, way) = (n / TRIES, n % TRIES);
    let total: usize = roots(project).iter().map(|root| size(root)).sum();
    if place >= total {
        return None;
    }
    let mut changed = project.clone();
    let mut left = place;
    for root in roots_mut(&mut changed) {
        if let Some(node) = node_at(root, &mut left) {
            let Some(plain) = plainer(node, way) else { return Some(None) };
            *node = plain;
            return Some(Some(changed));
        }
    }
    Some(None)
}

fn size(expr: &Expr) -> usize {
    1 + expr.children().into_iter().map(size).sum::<usize>()
}

fn node_at<'a>(expr: &'a mut Expr, left: &mut usize) -> Option<&'a mut Expr> {
    if *left == 0 {
        return Some(expr);
    }
    *left -= 1;
    expr.children_mut().into_iter().find_map(|child| node_at(child, left))
}

fn plainer(expr: &Expr, way: usize) -> Option<Expr> {
    if matches!(expr.node, Node::Leaf(_)) {
        return None;
    }
    if let Some(child) = expr.children().into_iter().filter(|child| child.ty == expr.ty).nth(way) {
        return Some(child.clone());
    }
    let literal = |value: Value| Expr { node: Node::Literal(value), ..expr.clone() };
    match (&expr.node, &expr.ty) {
        (Node::Literal(_) | Node::Column(_) | Node::Time | Node::Metric(_) | Node::Dimension(_), _) => None,
        _ if way + 1 < 4 => None,
        (_, Ty::Int) => Some(literal(Value::Int(1))),
        (_, Ty::Str) => Some(literal(Value::Str("a".into()))),
        (_, Ty::Float) => Some(literal(Value::Float(1.0))),
        _ => None,
    }
}

fn no_table(project: &Project, n: usize) -> Option<Option<Project>> {
    let name = project.tables.get(n)?.name.clone();
    let linked = project.tables.iter().any(|table| table.name != name && !table.links_to(&name).is_empty());
    let based = project.subsets.iter().any(|subset| subset.base == name)
        || project.derived.iter().any(|derived| derived.origin.reads().contains(&&name));
    let bound = project.dimensions.iter().flat_map(|dimension| &dimension.bindings).any(|binding| match binding {
        Binding::Path(table, _) | Binding::Attribute(table, _) | Binding::On(table, _) => *table == name,
        Binding::Any(_) => false,
    });
    if linked || based || bound {
        return Some(None);
    }
    with(project, |p| p.tables.retain(|table| table.name != name))
}

fn plainer_table(project: &Project, n: usize) -> Option<Option<Project>> {
    let table = project.tables.get(n / 2)?;
    if n % 2 == 1 && (table.entity || table.key.is_empty()) {
        return Some(None);
    }
    with(project, |p| {
        let table = &mut p.tables[n / 2];
        table.latest_by = None;
        if n % 2 == 1 {
            table.key.clear();
        }
    })
}

fn no_column(project: &Project, n: usize) -> Option<Option<Project>> {
    let mut places = project.tables.iter().enumerate().flat_map(|(i, t)| (0..t.columns.len()).map(move |j| (i, j)));
    let (table, column) = places.nth(n)?;
    let name = project.tables[table].columns[column].name.clone();
    let mut used: BTreeSet<&String> = BTreeSet::new();
    for table in &project.tables {
        used.extend(table.key.iter().chain(&table.latest_by).chain(&table.time));
        used.extend(table.history.iter().flat_map(History::columns));
    }
    used.extend(project.subsets.iter().filter_map(|subset| subset.dated.as_ref()));
    for derived in &project.derived {
        match &derived.origin {
            Origin::FirstOf { keys, .. } => used.extend(keys),
            Origin::Session { keep, .. } => used.extend(keep.iter().map(|kept| &kept.column)),
            Origin::Raw(_) | Origin::Union(_) => {}
        }
    }
    for root in roots(project) {
        root.walk(&mut |expr| match &expr.node {
            Node::Column(path) => used.extend(path),
            Node::Leaf(leaf) => used.extend(leaf.dated.iter().chain(leaf.at_last.iter().flat_map(|at| &at.per))),
            Node::Nested(nested) => used.extend(nested.keys.iter().filter_map(|key| match key {
                NestedKey::Column(name) => Some(name),
                _ => None,
            })),
            Node::MetricPer(_, NestedKey::Column(column)) => used.extend([column]),
            _ => {}
        });
    }
    if used.contains(&name) {
        return Some(None);
    }
    // An entity's attribute goes through its columns without naming them.
    let by_type = matches!(&project.tables[table].columns[column].ty, Ty::Entity(_))
        && (project.dimensions.iter().any(|d| d.bindings.iter().any(|b| matches!(b, Binding::Attribute(..))))
            || project.constructs().contains(&Construct::NestedColumn));
    if by_type {
        return Some(None);
    }
    with(project, |p| {
        let table = &mut p.tables[table];
        if let Some(place) = table.place(&name) {
            table.rows.iter_mut().for_each(|row| {
                row.remove(place);
            });
        }
        table.columns.remove(column);
    })
}

fn plainer_cell(project: &Project, n: usize) -> Option<Option<Project>> {
    let mut left = n;
    for (place, table) in project.tables.iter().enumerate() {
        let width = table.stored().count();
        let cells = table.rows.len() * width;
        if left >= cells {
            left -= cells;
            continue;
        }
        let (row, column) = (left / width, left % width);
        let plain = match &table.rows[row][column] {
            Value::Int(_) => Value::Int(1),
            Value::Float(_) => Value::Float(1.0),
            Value::Decimal(_, scale) => Value::Decimal(10i128.pow(u32::from(*scale)), *scale),
            Value::Str(text) if !matches!(table.stored().nth(column)?.ty, Ty::Enum(_)) && text.len() > 1 => {
                Value::Str("a".into())
            }
            Value::Map(_) => Value::Map(Default::default()),
            Value::Duration(_) => Value::Duration(1_000),
            _ => return Some(None),
        };
        return with(project, |p| p.tables[place].rows[row][column] = plain);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::make;
    use super::super::oracle::Oracle;
    use super::*;

    #[test]
    fn a_failure_shrinks_to_what_makes_it() {
        // "Fails" where an average below zero is answered.
        let averages = |project: &Project, name: &String| {
            let average = |e: &Expr| matches!(&e.node, Node::Leaf(leaf) if leaf.aggregate == Aggregate::Avg);
            project.metric(name).is_some_and(|metric| metric.formula.any(&mut |e| average(e)))
        };
        let fails = |project: &Project| {
            project.questions.iter().any(|question| {
                let answer = Oracle::new(project).answer(question);
                let keys = question.keys();
                let below = |value: &Value| matches!(value, Value::Float(f) if *f < 0.0);
                (question.metrics.iter().enumerate())
                    .any(|(n, name)| averages(project, name) && answer.rows.iter().any(|row| below(&row[keys + n])))
            })
        };
        let project = (0..).map(make::project).find(|project| fails(project)).expect("some project");
        let small = shrink(&project, 5_000, &mut { fails });
        assert!(fails(&small));
        let rows: usize = small.tables.iter().map(|table| table.rows.len()).sum();
        assert!(
            rows <= 2 && small.questions.len() == 1 && small.metrics.len() <= 2,
            "{}",
            small.case("too large", &[])
        );
    }
}
