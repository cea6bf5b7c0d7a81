//! What the graph of a program says, against what plans read: two ways that share nothing but the model.

mod support;

#[path = "support/cases/mod.rs"]
mod cases;

use std::collections::BTreeSet;
use std::path::Path;

use metricc::compile::{Compiled, compile};
use metricc::lineage::{Graph, Kind, NodeId, Role, find};
use metricc::plan::{History, Keep, Lowering, Question, Table, stored_columns};
use metricc::project::{DiskFiles, MemoryFiles, load};
use metricc::types::MetricId;

fn library() -> Compiled {
    let (project, _) = load(&DiskFiles::new(Path::new(env!("CARGO_MANIFEST_DIR"))));
    compile(&project.expect("the project")).0
}

/// A program of one file, without errors.
fn program(text: &str) -> Compiled {
    let manifest = "name: a\ntimezone: UTC\nunits: [CNY]\npaths: [m]\n";
    let (project, told) = load(&MemoryFiles::new().with("metricc.yaml", manifest).with("m/a.metric", text));
    assert!(!told.has_errors(), "{told:?}");
    let (compiled, told) = compile(&project.expect("a project"));
    assert!(!told.has_errors(), "{told:?}");
    compiled
}

fn graph(compiled: &Compiled) -> Graph {
    Graph::of(&compiled.files, &compiled.model)
}

fn one(graph: &Graph, name: &str) -> NodeId {
    let found = find(graph, name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0]
}

/// The columns that a node is made of.
fn columns(graph: &Graph, node: NodeId) -> BTreeSet<String> {
    let trace = graph.upstream(node, true);
    let nodes = trace.nodes.iter().map(|id| graph.node(*id)).filter(|node| node.kind == Kind::Column);
    nodes.map(|node| node.name.clone()).collect()
}

/// The columns that tell which rows of a stored table count, and when.
fn clean(table: &Table) -> Vec<String> {
    let latest = match &table.clean.keep {
        Keep::Latest(by) => Some(by),
        Keep::Earliest => None,
    };
    let history: Vec<&String> = match &table.history {
        None => Vec::new(),
        Some(History::Valid { from, until }) => vec![from, until],
        Some(History::Snapshot { day }) => vec![day],
    };
    let columns = table.clean.key.iter().chain(latest).chain(&table.clean.time).chain(history);
    columns.map(|column| format!("{}.{column}", table.name)).collect()
}

/// Computed columns, which plans write out.
fn computed(compiled: &Compiled) -> BTreeSet<String> {
    let tables = compiled.model.tables.iter();
    let columns = tables.flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    let computed = columns.filter(|(_, column)| column.computed.is_some());
    computed.map(|(table, column)| format!("{}.{}", table.name.value, column.name.value)).collect()
}

/// For each metric, columns that the plan reads and the graph lacks, and the other way round.
fn differences(compiled: &Compiled) -> (Vec<String>, Vec<String>, usize) {
    let (graph, lowering) = (graph(compiled), Lowering::new(&compiled.model));
    let computed = computed(compiled);
    let days: Vec<String> = compiled.model.calendars.iter().map(|one| format!("{}.", one.name.value)).collect();
    let (mut missing, mut extra, mut seen) = (Vec::new(), Vec::new(), 0);
    for (place, metric) in compiled.model.metrics.iter().enumerate().filter(|(_, one)| !one.name.value.contains('.')) {
        let id = MetricId(place);
        let Ok(query) = lowering.lower(&Question { by: metric.by.clone(), ..Question::of(vec![id]) }) else { continue };
        let mut read: BTreeSet<String> = BTreeSet::new();
        let mut tables: BTreeSet<usize> = query.stored_tables().into_iter().collect();
        for (table, column) in stored_columns(&query.tables, &query.scans) {
            read.insert(format!("{}.{column}", query.tables[table].name));
            tables.insert(table);
        }
        let mut told = columns(&graph, graph.of_metric(id));
        told.retain(|column| !computed.contains(column));
        // What tells the clean rows of a table goes without saying in a plan; a day of a calendar is in its step.
        let clean: BTreeSet<String> = tables.iter().flat_map(|table| clean(&query.tables[*table])).collect();
        told.retain(|column| {
            read.contains(column) || !clean.contains(column) && !days.iter().any(|day| column.starts_with(day))
        });
        let name = &metric.name.value;
        // A plan joins what some other column of a table of behaviour needs; of such a table nothing but the key is read.
        let table = |column: &str| column.split('.').next().unwrap_or_default().to_owned();
        let told_tables: BTreeSet<String> = told.iter().map(|column| table(column)).collect();
        read.retain(|column| told.contains(column) || !clean.contains(column) || told_tables.contains(&table(column)));
        missing.extend(read.difference(&told).map(|column| format!("{name}: {column}")));
        extra.extend(told.difference(&read).map(|column| format!("{name}: {column}")));
        seen += 1;
    }
    (missing, extra, seen)
}

#[test]
fn the_library_reads_what_its_plans_read() {
    let (missing, extra, seen) = differences(&library());
    assert!(seen >= 100, "{seen}");
    assert_eq!((missing, extra), (Vec::new(), Vec::new()));
}

/// Where a plan reads other columns than are meant. The first two count a column without a null, which says nothing; the others
/// read what a table of behaviour holds for other questions, and all columns of rows that several members of a union have.
const OTHERS: &[&str] = &[
    "rows/lists_and_maps has with_tags: event.tags",
    "rows/lists_and_maps has with_props: event.props",
    "behaviour/per_types lacks of_seen: event.shop_id",
    "behaviour/per_types lacks of_took: event.shop_id",
    "behaviour/per_types lacks of_price: event.shop_id",
    "behaviour/per_types lacks of_ok: event.shop_id",
    "behaviour/per_types lacks of_day: event.shop_id",
    "behaviour/per_types lacks of_clock: event.shop_id",
    "behaviour/per_types lacks of_tag: event.shop_id",
    "behaviour/per_types lacks walks: event.shop_id",
    "behaviour/segments_elsewhere lacks all_rows: sale.user_id",
    "behaviour/segments_elsewhere lacks all_rows: visit.user_id",
];

#[test]
fn cases_read_what_their_plans_read() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for case in cases::all().iter().filter(|case| !case.is_wrong()) {
        let files = MemoryFiles::new().with("metricc.yaml", case.manifest.as_str());
        let files = case.files.iter().fold(files, |files, (path, text)| files.with(path, text.as_str()));
        let (project, _) = load(&files);
        let (compiled, _) = compile(&project.expect("a project"));
        let (missing, extra, of_case) = differences(&compiled);
        wrong.extend(missing.into_iter().map(|one| format!("{} lacks {one}", case.name)));
        wrong.extend(extra.into_iter().map(|one| format!("{} has {one}", case.name)));
        seen += of_case;
    }
    wrong.retain(|one| !OTHERS.contains(&one.as_str()));
    assert!(seen > 300, "{seen}");
    assert!(wrong.is_empty(), "{} of {seen}\n{}", wrong.len(), wrong.join("\n"));
}

const SHOP: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column province: string?
}
source event {
  table: "dwd.event"
  key: id
  time: at
  column id: string
  column at: timestamp
  column user_id: user
  column platform: string
  column page: string?
}
source order {
  table: "dwd.order"
  key: id latest by changed
  time: at
  column id: string
  column at: timestamp
  column changed: timestamp
  column paid_at: timestamp?
  column user_id: user
  column client: string
  column list: decimal(18,2) unit CNY
  column off: decimal(18,2) unit CNY
  column pay: decimal(19,2) unit CNY = list - off
}
subset paid = order where paid_at is not null dated paid_at
subset paid_ios = paid where client = "ios"
dimension platform = event.platform | order.client
dimension province = user.province else "?"
dimension page = event.page else "?"
metric gmv  = sum(pay from paid) { grain: 1d; by: platform, province; unit: CNY }
metric ios  = sum(pay from paid_ios) { grain: 1d }
metric dau  = distinct(user_id from event) { grain: 1d; by: platform, page }
metric arpu = gmv / dau { grain: 1d; by: platform }
metric half = arpu / 2 { grain: 1d }
funnel buy of user { step come = event; step pay = paid; within: 1d }
metric bought = buy.rate(come, pay) { grain: 1d }
test "one" of ios {
  given order {
    | id | client | list |
    | 1  | ios    | 1    |
  }
  expect {
    | time       | ios |
    | 2026-11-01 | 1   |
  }
}
"#;

fn names(graph: &Graph, nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(|node| graph.node(*node).label.clone()).collect()
}

#[test]
fn subsets_stand_between_a_metric_and_its_source() {
    let compiled = program(SHOP);
    let graph = graph(&compiled);
    let trace = graph.upstream(one(&graph, "ios"), false);
    assert_eq!(names(&graph, &trace.nodes), ["order", "paid", "paid_ios", "ios"]);
    let used = |name: &str| {
        let edges: Vec<_> = trace.used_by(one(&graph, name)).collect();
        edges.iter().map(|edge| graph.node(edge.used).label.clone()).collect::<Vec<_>>()
    };
    assert_eq!(used("paid_ios"), ["order", "paid"]);
    assert_eq!(used("paid"), ["order"]);
    let whole = graph.upstream(one(&graph, "ios"), true);
    let filter = whole.used_by(one(&graph, "paid_ios")).find(|edge| edge.used == one(&graph, "order.client"));
    assert_eq!(filter.expect("read").roles, [Role::Filter]);
    let dated = whole.used_by(one(&graph, "paid")).find(|edge| edge.used == one(&graph, "order.paid_at"));
    assert_eq!(dated.expect("read").roles, [Role::Filter, Role::Time]);
}

#[test]
fn a_dimension_counts_for_the_rows_of_a_metric_alone() {
    let compiled = program(SHOP);
    let graph = graph(&compiled);
    let of =
        |name: &str| names(&graph, &graph.impact(one(&graph, name)).iter().map(|one| one.node).collect::<Vec<_>>());
    // `dau` is by platform, too, but over events; what is of `dau` is not by page.
    assert_eq!(of("order.client"), ["paid_ios", "platform", "gmv", "ios", "arpu", "half", "one"]);
    assert_eq!(of("event.platform"), ["platform", "dau", "arpu", "half"]);
    assert_eq!(of("event.page"), ["page", "dau"]);
    assert_eq!(of("user.province"), ["province", "gmv"]);
    assert_eq!(of("order.off"), ["order.pay", "gmv", "ios", "arpu", "half", "one"]);
}

#[test]
fn the_way_to_what_is_touched_is_told() {
    let compiled = program(SHOP);
    let graph = graph(&compiled);
    let impact = graph.impact(one(&graph, "order.paid_at"));
    let of = |name: &str| {
        let node = graph.all().find(|(_, node)| node.name == name).expect("a node").0;
        let touched = impact.iter().find(|one| one.node == node).unwrap_or_else(|| panic!("{name} is not touched"));
        (names(&graph, &touched.path), touched.roles.clone())
    };
    assert_eq!(of("paid"), (vec!["order.paid_at".into(), "paid".into()], vec![Role::Filter, Role::Time]));
    // When a step is reached, the funnel takes from the rows.
    assert_eq!(of("buy"), (vec!["order.paid_at".into(), "buy".into()], vec![Role::Time]));
    assert_eq!(of("bought").0, ["order.paid_at", "buy", "bought"]);
    assert_eq!(of("one").0, ["order.paid_at", "paid", "paid_ios", "ios", "one"]);
    assert_eq!(of("half").0, ["order.paid_at", "paid", "gmv", "arpu", "half"]);
    let key = graph.impact(one(&graph, "order.changed"));
    assert!(key.iter().any(|one| names(&graph, &one.path) == ["order.changed", "order", "paid"]), "{key:?}");
}

#[test]
fn what_uses_something_is_found_from_either_end() {
    let compiled = library();
    let graph = graph(&compiled);
    let declared: Vec<NodeId> = graph.all().filter(|(_, node)| node.kind != Kind::Column).map(|(id, _)| id).collect();
    let up: Vec<BTreeSet<NodeId>> =
        declared.iter().map(|node| graph.upstream(*node, true).nodes.into_iter().collect()).collect();
    let mut seen = 0;
    for (column, _) in graph.all().filter(|(_, node)| node.kind == Kind::Column) {
        let down: BTreeSet<NodeId> = graph.impact(column).into_iter().map(|touched| touched.node).collect();
        for (node, up) in declared.iter().zip(&up).filter(|(node, _)| !graph.node(**node).kind.is_table()) {
            let (up, down, kind) = (up.contains(&column), down.contains(node), graph.node(*node).kind);
            // A dimension is touched by what leads a source to it, but not made of every such source.
            let led = matches!(kind, Kind::Dimension | Kind::Hierarchy) && down;
            // First rows hand all columns on, and are not made of them.
            let handed = kind == Kind::Subset && down;
            assert!(up == down || led || handed, "{} {}", graph.node(column).name, graph.node(*node).name);
            seen += usize::from(down);
        }
    }
    assert!(seen > 500, "{seen}");
    for node in &declared {
        let below = graph.downstream(*node, true);
        let own: Vec<NodeId> =
            std::iter::once(*node).chain(graph.columns_of(*node).map(|(column, _)| column)).collect();
        let edges = below.edges.iter().filter(|edge| own.contains(&edge.used) && !own.contains(&edge.user));
        let mut wanted: BTreeSet<(NodeId, Role)> = BTreeSet::new();
        edges.for_each(|edge| wanted.extend(edge.roles.iter().map(|role| (edge.user, *role))));
        let users = graph.direct_users(*node);
        let users: BTreeSet<(NodeId, Role)> =
            users.iter().flat_map(|edge| edge.roles.iter().map(|role| (edge.user, *role))).collect();
        assert_eq!(users, wanted, "{}", graph.node(*node).name);
    }
}

#[test]
fn what_tells_of_a_metric_moves_with_it() {
    let more = r#"
metric share = ios / gmv { grain: 1d }
alert few on gmv { every: 1d; when: value < 10; volume: dau >= 5; by: platform; severity: P2 }
alert odd on arpu { every: 1d; when: growth(value, 1w) < -20%; severity: P1 }
slo most on share { objective: 99% over 30d }
report daily { at: "08:30"; every: 1d; metrics: ios }
quality whole on event { complete: page }
dashboard board { filter: platform; row "a" { line dau by page; card half; text "x" } }
"#;
    let compiled = program(&format!("{SHOP}{more}"));
    let graph = graph(&compiled);
    let touched = |name: &str| {
        let impact = graph.impact(one(&graph, name)).into_iter().filter(|one| graph.node(one.node).kind.only_tells());
        impact.map(|one| (names(&graph, &one.path), one.roles)).collect::<Vec<_>>()
    };
    let way =
        |names: &[&str], role: Role| (names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), vec![role]);
    assert_eq!(
        touched("gmv"),
        [
            way(&["gmv", "few"], Role::Watched),
            way(&["gmv", "arpu", "odd"], Role::Value),
            way(&["gmv", "share", "most"], Role::Value),
            way(&["gmv", "arpu", "half", "board"], Role::Value),
        ]
    );
    // By way of its volume, and not by that of a dimension that it is not shown by.
    assert_eq!(touched("dau")[0], way(&["dau", "few"], Role::Filter));
    assert_eq!(touched("half"), [way(&["half", "board"], Role::Shown)]);
    assert_eq!(touched("ios"), [way(&["ios", "share", "most"], Role::Value), way(&["ios", "daily"], Role::Told)]);
    let far = |name: &str| touched(name).into_iter().map(|(path, _)| path[path.len() - 1].clone()).collect::<Vec<_>>();
    assert_eq!(far("order.client"), ["few", "most", "daily", "board"]);
    assert_eq!((far("event.page"), far("province").len()), (vec!["board".to_owned()], 0));
    assert_eq!(far("order"), ["few", "odd", "most", "daily", "board"]);
    assert_eq!(
        names(&graph, &graph.upstream(one(&graph, "few"), false).nodes),
        ["event", "order", "paid", "platform", "gmv", "dau", "few"]
    );
}

#[test]
fn a_cohort_is_made_of_the_subsets_that_it_names() {
    let more = "cohort back of user { start: paid; active: event; until: 1d; by: platform }\nmetric kept = back.retained at 1d { grain: 1d }\n";
    let compiled = program(&format!("{SHOP}{more}"));
    let graph = graph(&compiled);
    let trace = graph.upstream(one(&graph, "back"), false);
    let used: Vec<NodeId> = trace.used_by(one(&graph, "back")).map(|edge| edge.used).collect();
    assert!(used.contains(&one(&graph, "paid")) && used.contains(&find(&graph, "platform")[0]), "{used:?}");
    let impact = graph.impact(one(&graph, "order.client"));
    let kept =
        impact.iter().find(|touched| touched.node == one(&graph, "kept")).expect("touched by way of its dimension");
    assert_eq!(names(&graph, &kept.path), ["order.client", "platform", "kept"]);
    // Nothing is made of itself by way of others.
    for edge in &trace.edges {
        assert!(!graph.upstream(edge.used, true).nodes.contains(&edge.user), "{edge:?}");
    }
}
