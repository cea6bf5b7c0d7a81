//! `metricc lineage`, `impact` and `catalog`: what people and programs are told.

mod support;

use serde_json::Value;

use support::cli::Place;

/// Compares with `snapshots/cli/NAME.snap`.
fn check_snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots/cli",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn texts<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().map(|one| one[key].as_str().expect("a text")).collect()
}

#[test]
fn lineage_goes_both_ways_in_every_form() {
    let place = Place::with_shop();
    let lineage = |args: &[&str]| place.run_in("shop", &[&["lineage"], args].concat()).assert_code(0).out;
    check_snapshot("lineage", &lineage(&["gmv"]));
    check_snapshot("lineage_columns", &lineage(&["gmv", "--columns"]));
    check_snapshot("lineage_dot", &lineage(&["arppu", "--format", "dot", "--columns"]));
    check_snapshot("lineage_mermaid", &lineage(&["buyers", "--format", "mermaid"]));

    let told = json(&lineage(&["paid_order", "--format", "json"]));
    let names = texts(&told["nodes"], "name");
    for name in ["order", "paid_order", "gmv", "arppu", "a buyer of two orders is one buyer"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let id = |name: &str| {
        told["nodes"].as_array().and_then(|all| all.iter().find(|one| one["name"] == name)).map(|one| one["id"].clone())
    };
    assert_eq!(Some(&told["of"][0]), id("paid_order").as_ref());
    let edges = told["edges"].as_array().expect("edges");
    let reads = |user: &str, used: &str| {
        edges.iter().any(|edge| Some(&edge["user"]) == id(user).as_ref() && Some(&edge["used"]) == id(used).as_ref())
    };
    assert!(reads("gmv", "paid_order") && reads("paid_order", "order") && !reads("paid_order", "gmv"));
    // Each end of an edge is a node.
    let ids: Vec<&Value> = told["nodes"].as_array().expect("nodes").iter().map(|one| &one["id"]).collect();
    assert!(edges.iter().all(|edge| ids.contains(&&edge["user"]) && ids.contains(&&edge["used"])));

    // A column, and a table with nothing above it.
    assert!(lineage(&["order.pay_amount"]).contains("gmv"));
    assert!(lineage(&["order"]).contains("made of: nothing"));
}

#[test]
fn unknown_names_are_told_with_what_is_near() {
    let place = Place::with_shop();
    let err = |args: &[&str]| place.run_in("shop", args).assert_code(2).err;
    let said = err(&["lineage", "gmw"]);
    assert!(said.contains("E0039") && said.contains("did you mean `gmv`?"), "{said}");
    assert!(err(&["lineage", "order.pay_amont"]).contains("did you mean `order.pay_amount`?"));
    let said = err(&["impact", "order.pay_amont"]);
    assert!(said.contains("`order` has no column `pay_amont`") && said.contains("`order.pay_amount`?"), "{said}");
    let said = err(&["impact", "odrer.paid_at"]);
    assert!(said.contains("as `odrer`") && said.contains("did you mean `order.paid_at`?"), "{said}");
    assert!(err(&["impact", "gmw"]).contains("did you mean `gmv`?"));
    assert!(err(&["impact", "zzzzzz.a"]).contains("name a column with its source or entity"));
    assert!(err(&["lineage"]).contains("<NAME>"));
}

#[test]
fn impact_tells_the_way_and_what_targets_make() {
    let place = Place::with_shop();
    let impact = |args: &[&str]| place.run_in("shop", &[&["impact"], args].concat()).assert_code(0).out;
    check_snapshot("impact", &impact(&["order.paid_at"]));
    let told = json(&impact(&["user.province", "--format", "json"]));
    assert_eq!(texts(&told["touches"], "name"), ["province", "gmv", "paid_orders", "buyers", "arppu"]);
    let gmv = &told["touches"][1];
    assert_eq!((&gmv["direct"], &gmv["for"]), (&Value::Bool(false), &serde_json::json!(["value"])));
    assert_eq!(texts(&gmv["path"], "name"), ["user.province", "province", "gmv"]);
    let built = told["built"].as_array().expect("a list");
    assert!(built.iter().any(|one| one["kind"] == "view" && one["for"][0] == "gmv 1d"), "{built:?}");
    assert!(impact(&["user.registered_at"]).contains("nothing that is declared reads it"));
}

#[test]
fn impact_and_catalog_name_what_tells_of_a_metric() {
    let place = Place::with_shop();
    let more = "/// Few orders.\nalert gmv_low on gmv { every: 1d; when: value < 100; severity: P2 }\n\
        report daily { at: \"08:30\"; every: 1d; metrics: arppu }\n";
    place.write("shop/metrics/told.metric", more);
    let run = |args: &[&str]| place.run_in("shop", args).assert_code(0).out;
    check_snapshot("impact_metric", &run(&["impact", "gmv"]));
    let told = json(&run(&["impact", "gmv", "--format", "json"]));
    let names = texts(&told["touches"], "name");
    assert_eq!((names[0], &names[3..]), ("arppu", &["gmv_low", "daily"][..]), "after two tests");
    assert_eq!((&told["of"][0]["name"], told.get("column")), (&serde_json::json!("gmv"), None));
    assert_eq!(texts(&told["touches"][4]["path"], "name"), ["gmv", "arppu", "daily"]);
    // The views of what moves, and no others.
    let views = told["built"].as_array().expect("a list").iter().filter(|one| one["kind"] == "view");
    let of: Vec<&str> = views.filter_map(|one| one["for"][0].as_str()).collect();
    assert!(of.contains(&"gmv 1d") && of.contains(&"arppu 1d"), "{of:?}");
    assert!(!of.iter().any(|one| one.starts_with("paid_orders")), "{of:?}");
    let listed = json(&run(&["catalog", "--format", "json"]));
    let gmv = listed.as_array().expect("a list").iter().find(|one| one["name"] == "gmv").expect("gmv");
    assert_eq!((&gmv["alerts"], &gmv["reports"]), (&serde_json::json!(["gmv_low"]), &serde_json::json!([])));
    // Its page tells of them, too.
    let out = place.path("site").to_string_lossy().into_owned();
    run(&["docs", "--no-charts", "--out", &out]);
    let page = std::fs::read_to_string(place.path("site/metrics/gmv.html")).expect("a page");
    let section = page.split("id=\"told\"").nth(1).expect("a section");
    assert!(
        section.contains("gmv_low") && section.contains("Few orders.") && section.contains("told.metric"),
        "{section}"
    );
    assert!(!section.split("</section>").next().expect("its text").contains("daily"));
}

#[test]
fn the_catalog_lists_and_filters() {
    let place = Place::with_shop();
    let catalog = |args: &[&str]| place.run_in("shop", &[&["catalog"], args].concat()).assert_code(0);
    check_snapshot("catalog", &catalog(&[]).out);
    check_snapshot("catalog_markdown", &catalog(&["--format", "markdown"]).out);
    check_snapshot("catalog_csv", &catalog(&["--format", "csv", "--tier", "kpi,ksi"]).out);
    let names = |args: &[&str]| {
        let told = json(&catalog(&[args, &["--format", "json"]].concat()).out);
        texts(&told, "name").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["arppu", "buyers", "gmv", "paid_orders"]);
    assert_eq!(names(&["--tier", "ksi"]), ["paid_orders"]);
    assert_eq!(names(&["--uses", "gmv"]), ["arppu"]);
    assert_eq!(names(&["--uses", "order.pay_amount"]), ["arppu", "gmv"]);
    assert_eq!(names(&["--folder", "metrics/", "--owner", "sales"]).len(), 4);
    assert_eq!(names(&["--folder", "metrics/sales"]), [""; 0]);
    assert_eq!(names(&["--folder", "metrics/sales.metric", "MERCHANDISE", "distinct("]), ["buyers", "gmv"]);
    let gmv = json(&catalog(&["gross", "--format", "json"]).out)[0].clone();
    assert_eq!((&gmv["unit"], &gmv["line"], &gmv["title_en"]), (&"CNY".into(), &2.into(), &Value::Null));
    assert!(catalog(&["zzzz"]).out.contains("no metric fits") && catalog(&["gross"]).err.contains("1 of 4 metrics"));

    let err = |args: &[&str]| place.run_in("shop", args).assert_code(2).err;
    assert!(err(&["catalog", "--owner", "sals"]).contains("did you mean `sales`?"));
    assert!(err(&["catalog", "--uses", "gmw"]).contains("did you mean `gmv`?"));
    assert!(err(&["catalog", "--tier", "top"]).contains("[possible values: kpi, ksi, diagnostic]"));
}

#[test]
fn cells_of_a_catalog_stay_in_their_cells() {
    let place = Place::with_shop();
    let more = "/// A | bar.\nmetric odd = count(order where client in (\"ios\", \"web\") or client = \"android\") {\n  title: \"a \\\"b\\\", <c>|d\\\\\"; tier: kpi; owner: \"x\"\n}\n";
    place.write("shop/metrics/odd.metric", more);
    let out = |format: &str| place.run_in("shop", &["catalog", "odd", "--format", format]).assert_code(0).out;
    let csv = out("csv");
    assert!(csv.contains("odd,\"a \"\"b\"\", <c>|d\\\",") && csv.lines().count() == 2, "{csv}");
    let markdown = out("markdown");
    assert!(markdown.contains("| a \"b\", &lt;c>\\|d\\\\ |"), "{markdown}");
}
