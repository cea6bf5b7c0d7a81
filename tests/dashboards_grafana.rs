//! Dashboards for Grafana: as values of Grafana's own types, and each query as Grafana would send it, value by value beside a plan
//! of its own over the sources, which is cut, ranked and filtered here.

mod support;
mod warehouse;

use std::collections::BTreeSet;

use metricc::emit::{self, Emitted, Input};
use metricc::plan::time::parse_timestamp;
use metricc::plan::{AskedStep, Lowering, Question};
use metricc::project::{MemoryFiles, load};
use metricc::sql::{self, CLICKHOUSE};
use metricc::types::dashboards::{Content, Form, Shown};
use metricc::types::{By, DimFilter, DimensionId, Subject};
use metricc::value::{Function, Value};
use serde_json::Value as Json;
use support::grafana::{Chosen, expand, type_errors};
use support::panels::{Row, expected, same};
use warehouse::Warehouse;

const SHANGHAI: &str = "Asia/Shanghai";

const SHOP: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column city: string?
}
source order {
  table: "dwd.order"
  key: id
  time: at
  column id: int
  column at: timestamp
  column user_id: user
  column client: enum("web", "ios", "api")
  column amount: decimal(18,2) unit CNY
  column wait: duration(ms)
}
source visit {
  table: "dwd.visit"
  time: at
  column at: timestamp
  column page: string
}
dimension client = order.client
dimension city   = user.city else null
dimension page   = visit.page
subset big = order where amount >= 50 and (user_id.city is null or user_id.city != "[[city]]" and user_id.city != "$client")
/// What was ordered. `$city` is no variable.
metric gmv     = sum(amount from order) { title: "成交额"; title_en: "GMV"; owner: "sales"; grain: 1d, month; unit: CNY; better: up; by: client; serve: stream(1h) }
metric orders  = count(order) { grain: 1h, 1d; better: up; serve: stream(1h) }
metric buyers  = distinct(user_id from order) { grain: 1d; title: "Buyers $client" }
metric big_one = count(big) / count(order) { unit: ratio; grain: 1d; better: down }
metric waited  = p90(wait from order) { grain: 1d; better: down }
metric visits  = count(visit) { grain: 1d }
alert many_big on big_one { every: 1h; when: value > 60% for 1h; severity: P2; runbook: "runbooks/big one.md" }
alert few_big  on big_one { every: 1d; when: value < 5%; severity: P2; runbook: "https://wiki.example.com/few" }
alert slow     on waited  { every: 1d; when: value > 10s; severity: P2 }
alert hourly   on orders  { every: 1h; when: value < 7; severity: P2 }

/// All of it.
dashboard whole {
  title: "总览"; title_en: "Overview"; owner: "data"; range: 30d; refresh: 5m; filter: client, city
  row "KPI" {
    card gmv compare 1w; card orders; card big_one; card waited range 7d; card gmv step month range 1year compare 1year
    text "What **counts**: `$client`"
  }
  row "Trend" {
    line gmv compare 2d
    line orders, gmv, waited
    line buyers by city top 3
    line gmv by client, city top 4
    area orders step 1h range 3d
    stacked gmv by client
    bar buyers; bar buyers by city top 2; bar gmv by client, city
    share gmv by client
    table gmv, buyers, big_one by client, city top 5; table orders, gmv
    line visits; bar visits by page
  }
}
dashboard plain { language: zh; row "a" { card gmv } }
"#;

const GRAFANA: &str = "kind: grafana\nfolder: shop\ndocs_url: \"https://docs.example.com/m/\"\nrunbooks: \"https://wiki.example.com/\"\ntags: [demo]\n";

/// Texts that would break out of something, or look like something of ours.
const CITIES: &[&str] = &[
    "上海",
    "it's",
    "back\\",
    "\\' OR 1 = 1 --",
    "' OR ''='",
    "$client",
    "${client:raw}",
    "[[client]]",
    "all",
    "n",
    "v61",
    "{a,b}",
    "a,b",
    "%27",
    "new\nline",
    "\"",
];

/// The same without a server.
fn alone() -> Emitted {
    target_of(&warehouse::compiled(SHANGHAI, SHOP, "", None).input)
}

fn emitted(shop: &Warehouse) -> Emitted {
    target_of(&shop.input)
}

fn target_of(input: &Input) -> Emitted {
    let files = warehouse::files(SHANGHAI, SHOP, "", None);
    let (project, told) = load(&files.with("targets/grafana.yaml", GRAFANA));
    let project = project.unwrap_or_else(|| panic!("{}", warehouse::text(&told)));
    assert!(!told.has_errors(), "{}", warehouse::text(&told));
    let (emitted, found) = emit::emit(input, project.target("grafana").expect("a target"));
    assert!(!found.has_errors(), "{}", warehouse::text(&found));
    emitted
}

fn dashboard(emitted: &Emitted, name: &str) -> Json {
    let path = format!("grafana/dashboards/{name}.json");
    let artifact = emitted.artifacts.iter().find(|artifact| artifact.path == path).expect("a dashboard");
    serde_json::from_str(&artifact.text).expect("JSON")
}

/// A number that follows from another one: a plain generator, the same everywhere.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn fill(shop: &Warehouse) {
    let mut users = Vec::new();
    for (place, city) in CITIES.iter().enumerate() {
        users.push(vec![Some(format!("u{place}")), Some((*city).to_owned())]);
    }
    users.push(vec![Some("nowhere".to_owned()), None]);
    shop.insert_rows("user", users);
    let mut state = 7;
    let (mut orders, mut visits) = (String::new(), String::new());
    for id in 0..900 {
        let day = 1 + next(&mut state) % 24;
        let (hour, minute) = (next(&mut state) % 24, next(&mut state) % 60);
        let user = match next(&mut state) % 18 {
            17 => "nowhere".to_owned(),
            place => format!("u{}", place % 16),
        };
        let client = ["web", "ios", "api"][usize::try_from(next(&mut state) % 3).expect("small")];
        let (whole, cents, wait) = (next(&mut state) % 90, next(&mut state) % 100, next(&mut state) % 20_000);
        orders += &format!(
            "{id} | 2021-11-{day:02} {hour:02}:{minute:02}:00 | {user} | {client} | {whole}.{cents:02} | {wait}\n"
        );
        visits += &format!("2021-11-{day:02} {hour:02}:{minute:02}:00 | /p{}\n", next(&mut state) % 5);
    }
    // The year before, for what is compared with it.
    orders +=
        "9001 | 2020-10-05 10:00:00 | u1 | web | 11.50 | 10\n9002 | 2021-10-05 10:00:00 | u1 | web | 70.25 | 10\n";
    shop.insert("order", &orders);
    shop.insert("visit", &visits);
    shop.refresh();
}

fn instant(text: &str) -> i64 {
    parse_timestamp(text, chrono_tz::Asia::Shanghai).unwrap_or_else(|| panic!("{text} is no time"))
}

fn number(cell: &Option<String>) -> Option<f64> {
    cell.as_ref().map(|text| text.parse().unwrap_or_else(|_| panic!("{text} is no number")))
}

/// The answers to the question of a panel, over all time and straight from the sources; `before` adds what lay so long before.
fn answer(shop: &Warehouse, shown: &Shown, filter: &[(DimensionId, Vec<Option<String>>)]) -> Vec<Row> {
    let tests = filter.iter().map(|(dimension, values)| {
        let test = |function, literals| DimFilter::Test {
            subject: Subject::Dimension(*dimension),
            function,
            literals,
            span: shop.model.dimensions[dimension.0].span,
        };
        let known = values.iter().flatten().cloned().map(Value::String).collect();
        let missing = values.contains(&None).then(|| test(Function::IsNull, Vec::new()));
        DimFilter::Or(missing.into_iter().chain([test(Function::In, known)]).collect())
    });
    let tests: Vec<DimFilter> = tests.collect();
    let question = Question {
        step: AskedStep::Step(shown.step),
        by: shown.by.iter().copied().map(By::Dimension).collect(),
        filter: (!tests.is_empty()).then_some(DimFilter::And(tests)),
        ..Question::of(shown.metrics.clone())
    };
    let query = Lowering::new(&shop.model).lower(&question).unwrap_or_else(|why| panic!("{}", warehouse::text(&why)));
    let select = sql::select(&query, &CLICKHOUSE, &sql::Options::default()).expect("expressed");
    let text = sql::to_text(&select, &CLICKHOUSE);
    let table = shop.session.query(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let by = shown.by.len();
    let row = |cells: Vec<Option<String>>| Row {
        at: instant(cells[0].as_deref().expect("a time")),
        groups: cells[1..=by].iter().map(|cell| cell.clone().unwrap_or_else(|| "(null)".to_owned())).collect(),
        values: cells[1 + by..].iter().map(number).collect(),
    };
    table.rows.into_iter().map(row).collect()
}

/// What a panel shows, by its query.
fn shown_by(shop: &Warehouse, shown: &Shown, sql: &str) -> Vec<Row> {
    let table = shop.session.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let timed = !shown.is_last();
    let groups = match shown.by.len() {
        // Several dimensions are one text where there is room for one.
        2.. if shown.is_last() && shown.form != Form::Table => 1,
        count => count,
    };
    let row = |cells: Vec<Option<String>>| {
        let rest = if timed { &cells[1..] } else { &cells[..] };
        Row {
            at: if timed { instant(cells[0].as_deref().expect("a time")) } else { 0 },
            groups: rest[..groups].iter().map(|cell| cell.clone().expect("a text")).collect(),
            values: rest[groups..].iter().map(number).collect(),
        }
    };
    table.rows.into_iter().map(row).collect()
}

fn id_of(value: Option<&str>) -> String {
    value.map_or_else(
        || "n".to_owned(),
        |text| format!("v{}", text.bytes().map(|byte| format!("{byte:02X}")).collect::<String>()),
    )
}

fn query_of(panel: &Json) -> &str {
    panel["targets"][0]["rawSql"].as_str().expect("a query")
}

#[test]
fn each_query_gives_the_values_of_its_question() {
    support::engine!("clickhouse");
    let shop = Warehouse::of(SHANGHAI, SHOP, "");
    fill(&shop);
    let emitted = emitted(&shop);
    let whole = dashboard(&emitted, "whole");
    let panels: Vec<&Json> =
        whole["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row").collect();
    let declared: Vec<_> = shop.model.dashboards[0].panels().collect();
    assert_eq!(panels.len(), declared.len());
    let named =
        |name: &str| DimensionId(shop.model.dimensions.iter().position(|one| one.name.value == name).expect("one"));
    let (client, city) = (named("client"), named("city"));
    let some = |texts: &[&str]| texts.iter().map(|text| Some((*text).to_owned())).collect::<Vec<_>>();
    // What is chosen, and of it the values; none for all.
    let every_city: Vec<Vec<Option<String>>> = CITIES
        .iter()
        .map(|city| some(&[*city]))
        .chain([vec![None], some(&["it's", "$client", "{a,b}"]), some(CITIES)])
        .collect();
    let mut choices: Vec<[Option<Vec<Option<String>>>; 2]> = vec![
        [None, None],
        [Some(some(&["ios"])), None],
        [Some(some(&["ios", "api"])), Some(vec![None, Some("上海".to_owned())])],
        [Some(some(&["web"])), Some(some(&["nobody"]))],
    ];
    choices.extend(every_city.into_iter().map(|city| [None, Some(city)]));
    let times = [
        ("2021-11-01 00:00:00", "2021-11-30 00:00:00"),
        // Cut through buckets, and by hours.
        ("2021-11-03 11:30:00", "2021-11-17 09:15:00"),
        ("2021-10-02 00:00:00", "2022-01-15 00:00:00"),
        ("2019-01-01 00:00:00", "2019-01-02 00:00:00"),
    ];
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for [clients, cities] in &choices {
        let chosen = |values: &Option<Vec<Option<String>>>| match values.as_deref() {
            None => Chosen::All,
            Some([one]) => Chosen::One(id_of(one.as_deref())),
            Some(values) => Chosen::Several(values.iter().map(|value| id_of(value.as_deref())).collect()),
        };
        let variables = [("client".to_owned(), chosen(clients)), ("city".to_owned(), chosen(cities))];
        let filter: Vec<(DimensionId, Vec<Option<String>>)> = [(client, clients), (city, cities)]
            .into_iter()
            .filter_map(|(id, values)| Some((id, values.clone()?)))
            .collect();
        // Whatever a text is, it is put into every query in the same way.
        let few = cities.as_ref().is_some_and(|_| clients.is_none());
        for (panel, declared) in panels.iter().zip(&declared) {
            let Content::Metrics(shown) = &declared.content else { continue };
            if few && shown.form != Form::Card && shown.top != Some(3) {
                continue;
            }
            let own: Vec<_> = filter.iter().filter(|(id, _)| shown.has_dimension(&shop.model, *id)).cloned().collect();
            let rows = answer(&shop, shown, &own);
            for (from, to) in times.into_iter().take(if few { 2 } else { 4 }) {
                let (from, to) = (instant(from), instant(to));
                let text = expand(query_of(panel), from / 1_000, to / 1_000, &variables, "all");
                let found = shown_by(&shop, shown, &text);
                let right = expected(rows.clone(), shown, &shop.model, from, to);
                compared += found.len();
                if !same(&found, &right, shown) {
                    wrong.push(format!("{} {clients:?} {cities:?}\n{found:?}\nis not\n{right:?}", panel["title"]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong, such as\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn what_can_be_chosen_is_what_there_is() {
    support::engine!("clickhouse");
    let shop = Warehouse::of(SHANGHAI, SHOP, "");
    fill(&shop);
    let whole = dashboard(&emitted(&shop), "whole");
    let city = &whole["templating"]["list"][1];
    assert_eq!(
        (&city["name"], &city["multi"], &city["includeAll"], &city["allValue"]),
        (&"city".into(), &true.into(), &true.into(), &"all".into())
    );
    let ask = |from: &str, to: &str| {
        let text =
            expand(city["query"].as_str().expect("a query"), instant(from) / 1_000, instant(to) / 1_000, &[], "all");
        shop.session.query(&text).unwrap_or_else(|error| panic!("{error}\n{text}")).rows
    };
    let found = ask("2021-11-01 00:00:00", "2021-11-30 00:00:00");
    let mut right: Vec<Vec<Option<String>>> = CITIES
        .iter()
        .map(|city| vec![Some(id_of(Some(city))), Some((*city).to_owned())])
        .chain([vec![Some("n".to_owned()), Some("(null)".to_owned())]])
        .collect();
    right.sort_by(|a, b| a[1].cmp(&b[1]));
    assert_eq!(found, right);
    assert!(ask("2019-01-01 00:00:00", "2019-02-01 00:00:00").is_empty());
    // Whatever somebody writes into an address stays a value that nothing has.
    let sql = query_of(&whole["panels"][2]);
    for hostile in ["' OR 1 = 1 --", "\\", "v61' OR '1'='1", "all' --", "${city:raw}", "{v61,v62}'"] {
        let variables = [("client".to_owned(), Chosen::All), ("city".to_owned(), Chosen::One(hostile.to_owned()))];
        let text = expand(
            sql,
            instant("2021-11-01 00:00:00") / 1_000,
            instant("2021-11-30 00:00:00") / 1_000,
            &variables,
            "all",
        );
        let rows = shop.session.query(&text).unwrap_or_else(|error| panic!("{hostile}: {error}")).rows;
        assert!(rows.is_empty(), "{hostile}: {rows:?}");
    }
}

#[test]
fn dashboards_have_the_types_of_grafana() {
    support::engine!("grafana");
    let shop = alone();
    let (whole, plain) = (dashboard(&shop, "whole"), dashboard(&shop, "plain"));
    assert_eq!(type_errors(&[&whole, &plain]), [""; 0]);
    // The compiler sees what is wrong: at the top, in a panel, in the options of its plugin.
    let of = |kind: &str| {
        let panels = whole["panels"].as_array().expect("panels");
        panels.iter().position(|panel| panel["type"] == kind).expect("a panel")
    };
    let (stat, line) = (of("stat"), of("timeseries"));
    let mut edits: Vec<(&str, Json)> = Vec::new();
    let mut edit = |what, change: &dyn Fn(&mut Json)| {
        let mut wrong = whole.clone();
        change(&mut wrong);
        edits.push((what, wrong));
    };
    edit("a version that is a text", &|all| all["schemaVersion"] = "39".into());
    edit("a key that there is not", &|all| all["uuid"] = "x".into());
    edit("a panel without a type", &|all| all["panels"][stat]["gridPos"]["h"] = "4".into());
    edit("an option that is not known", &|all| all["panels"][stat]["options"]["graphMode"] = "areas".into());
    edit("a style that is not known", &|all| {
        all["panels"][line]["fieldConfig"]["defaults"]["custom"]["drawStyle"] = "dots".into();
    });
    edit("a variable without a name", &|all| {
        all["templating"]["list"][0].as_object_mut().expect("a variable").remove("name");
    });
    for (what, wrong) in edits {
        assert!(!type_errors(&[&wrong]).is_empty(), "{what} was not seen");
    }
}

#[test]
fn units_thresholds_links_and_places_follow_from_the_metrics() {
    let built = alone();
    let (whole, plain) = (dashboard(&built, "whole"), dashboard(&built, "plain"));
    assert_eq!(
        (&whole["title"], &whole["timezone"], &whole["refresh"]),
        (&"Overview".into(), &SHANGHAI.into(), &"5m".into())
    );
    assert_eq!(
        (&whole["time"]["from"], &whole["tags"]),
        (&"now-30d".into(), &serde_json::json!(["metricc", "data", "demo"]))
    );
    assert_ne!(whole["uid"], plain["uid"]);
    assert_eq!(plain["panels"][1]["title"], "成交额");
    let panels = whole["panels"].as_array().expect("panels");
    let titled = |title: &str| panels.iter().find(|panel| panel["title"] == title).unwrap_or_else(|| panic!("{title}"));
    let field = |panel: &Json, key: &str| panel["fieldConfig"]["defaults"][key].clone();
    let gmv = titled("GMV");
    assert_eq!((field(gmv, "unit"), field(gmv, "decimals")), ("currencyCNY".into(), 2.into()));
    assert_eq!(
        (&gmv["options"]["percentChangeColorMode"], &gmv["options"]["showPercentChange"]),
        (&"standard".into(), &true.into())
    );
    let description = gmv["description"].as_str().expect("a text");
    assert!(
        description.contains("What was ordered.") && description.contains("= `sum(amount from order)`"),
        "{description}"
    );
    let links = |panel: &Json| -> Vec<String> {
        panel["links"]
            .as_array()
            .expect("links")
            .iter()
            .map(|link| link["url"].as_str().expect("a url").to_owned())
            .collect()
    };
    let big = titled("big_one");
    assert_eq!(
        links(big),
        [
            "https://docs.example.com/m/metrics/big_one.html",
            "https://wiki.example.com/runbooks/big%20one.md",
            "https://wiki.example.com/few"
        ]
    );
    // An alert of a ratio counts at any step, one of a number at its own.
    let steps = |panel: &Json| -> Vec<(String, Option<f64>)> {
        let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().expect("steps").iter();
        steps.map(|step| (step["color"].as_str().expect("a colour").to_owned(), step["value"].as_f64())).collect()
    };
    let colour = |colour: &str, value: Option<f64>| (colour.to_owned(), value);
    assert_eq!(steps(big), [colour("red", None), colour("green", Some(0.05)), colour("red", Some(0.6))]);
    assert_eq!(
        (field(big, "unit"), steps(titled("waited"))),
        ("percentunit".into(), vec![colour("green", None), colour("red", Some(10_000.0))])
    );
    assert_eq!(titled("waited")["timeFrom"], "1w");
    let orders: Vec<&Json> = panels.iter().filter(|panel| panel["title"] == "orders").collect();
    // By the hour as finest grain, so the alert by the hour shows.
    assert_eq!(steps(orders[0]), [colour("red", None), colour("green", Some(7.0))]);
    assert!(titled("visits")["description"].as_str().expect("a text").contains("`client` has no effect"));
    // Nothing lies upon another panel, and rows are full.
    let place = |panel: &Json| ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a number"));
    for (at, one) in panels.iter().enumerate() {
        let [x, y, w, h] = place(one);
        assert!(x + w <= 24 && w > 0 && h > 0, "{one}");
        for other in &panels[at + 1..] {
            let [a, b, c, d] = place(other);
            assert!(x + w <= a || a + c <= x || y + h <= b || b + d <= y, "{one} lies on {other}");
        }
    }
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids.len(), panels.len());
}

#[test]
fn provisioning_has_no_secret_in_it() {
    let built = alone();
    let read = |path: &str| {
        let artifact = built.artifacts.iter().find(|artifact| artifact.path == path).expect("a file");
        serde_yaml::from_str::<Json>(&artifact.text).expect("YAML")
    };
    let source = &read("grafana/provisioning/datasources/metricc.yaml")["datasources"][0];
    assert_eq!(
        (&source["type"], &source["uid"]),
        (&"grafana-clickhouse-datasource".into(), &"metricc-clickhouse".into())
    );
    assert_eq!(
        (&source["secureJsonData"]["password"], &source["jsonData"]["host"]),
        (&"${CLICKHOUSE_PASSWORD}".into(), &"${CLICKHOUSE_HOST}".into())
    );
    let provider = &read("grafana/provisioning/dashboards/metricc.yaml")["providers"][0];
    assert_eq!(
        (&provider["folder"], &provider["options"]["path"]),
        (&"shop".into(), &"/var/lib/grafana/dashboards".into())
    );
    assert_eq!(built.details["dashboards"][0]["name"], "whole");
}

#[test]
fn what_grafana_cannot_show_is_told() {
    let codes = |declarations: &str, target: &str| {
        let files: MemoryFiles = warehouse::files(SHANGHAI, declarations, "", None);
        let (project, told) = load(&files.with("targets/grafana.yaml", target));
        let mut codes: Vec<String> = told.iter().map(|one| one.code.to_string()).collect();
        if let Some(project) = project.filter(|_| !told.has_errors()) {
            let (compiled, found) = metricc::compile::compile(&project);
            assert!(!found.has_errors(), "{}", warehouse::text(&found));
            let (input, _) = emit::with_changes(&project, &compiled);
            let (_, found) = emit::emit(&input, project.target("grafana").expect("a target"));
            codes.extend(found.iter().map(|one| one.code.to_string()));
        }
        codes
    };
    assert_eq!(codes(SHOP, "kind: grafana\nwarehouse: warehose\n"), ["E0827"]);
    assert_eq!(
        codes(SHOP, "kind: grafana\ndatasource: \"a b\"\nenvironment: \"1-x\"\ndocs_url: docs\n"),
        ["E0023", "E0023", "E0023"]
    );
    assert_eq!(codes(SHOP, "kind: grafana\nmax_series: 2\n"), ["E0826", "E0826"]);
    let odd = SHOP
        .replace("dimension page   = visit.page", "dimension page   = visit.page\ndimension `$page` = visit.page")
        .replace("bar visits by page", "bar visits by `$page`");
    assert_eq!(codes(&odd, GRAFANA), ["E0828"]);
}
