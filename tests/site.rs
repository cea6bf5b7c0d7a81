//! `metricc docs`: that the site holds together, whatever the definitions say, and works in a browser.

mod support;

#[path = "support/cases/mod.rs"]
mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use metricc::compile::compile;
use metricc::lineage::Graph;
use metricc::project::{MemoryFiles, load};
use metricc::site;

use support::cli::Place;

/// A site on disk: its files by path.
struct Built {
    /// What keeps the folder.
    _place: Option<Place>,
    folder: PathBuf,
    files: BTreeMap<String, String>,
}

impl Built {
    /// The site of a project.
    fn of(place: Place, project: &Path) -> Built {
        let folder = place.path("out");
        let (project, out) = (project.to_string_lossy().into_owned(), folder.to_string_lossy().into_owned());
        place.run(&["docs", "--no-charts", "--project", &project, "--out", &out]).assert_code(0);
        let mut files = BTreeMap::new();
        let mut open = vec![folder.clone()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let name = path.strip_prefix(&folder).expect("below").to_string_lossy().into_owned();
                files.insert(name, fs::read_to_string(&path).expect("text"));
            }
        }
        Built { _place: Some(place), folder, files }
    }

    fn library() -> Built {
        Built::of(Place::empty(), Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    fn pages(&self) -> impl Iterator<Item = (&String, &String)> {
        self.files.iter().filter(|(path, _)| path.ends_with(".html"))
    }
}

/// The values of an attribute in a page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// A link without its entities and percents.
fn decoded(link: &str) -> String {
    let bytes = link.replace("&amp;", "&").into_bytes();
    let mut plain = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| std::str::from_utf8(&bytes[at + 1..at + 3]).expect("hex"));
        plain.push(hex.map_or(bytes[at], |hex| u8::from_str_radix(hex, 16).expect("hex")));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8(plain).expect("UTF-8")
}

/// What is wrong with the links and the structure of a site.
fn problems(built: &Built) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, page) in built.pages() {
        let ids = attributes(page, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        if unique.len() != ids.len() {
            wrong.push(format!("{path} has an id twice: {ids:?}"));
        }
        for wanted in
            ["<html lang=\"en\">", "<main id=\"main\"", "<nav aria-label", "<header", "<footer>", "name=\"viewport\""]
        {
            if page.matches(wanted).count() != 1 {
                wrong.push(format!("{path} has not one `{wanted}`"));
            }
        }
        let head = page.split("</head>").next().unwrap_or_default();
        if page.matches("<h1>").count() != 1 || head.matches("<title>").count() != 1 {
            wrong.push(format!("{path} has not one heading and title"));
        }
        let labels = attributes(page, "aria-labelledby").into_iter().chain(attributes(page, "aria-controls"));
        wrong.extend(labels.filter(|id| !unique.contains(id)).map(|id| format!("{path}: no `#{id}`")));
        for link in attributes(page, "href").into_iter().chain(attributes(page, "src")) {
            if link.contains("//") || link.starts_with("javascript:") || link.starts_with("data:") {
                wrong.push(format!("{path} leads out: {link}"));
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { resolved(path, &decoded(file)) };
            match built.files.get(&target) {
                None => wrong.push(format!("{path}: `{link}` leads nowhere")),
                Some(text) if !anchor.is_empty() && !attributes(text, "id").contains(&decoded(anchor).as_str()) => {
                    wrong.push(format!("{path}: `{target}` has no `#{anchor}`"));
                }
                Some(_) => {}
            }
        }
    }
    wrong
}

/// A path relative to the folder of a page, from the top.
fn resolved(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn the_site_of_the_library_holds_together() {
    let built = Built::library();
    assert_eq!(problems(&built), [""; 0]);
    let told = Place::empty();
    let project = env!("CARGO_MANIFEST_DIR");
    let catalog = told.run(&["catalog", "--project", project, "--format", "json"]).assert_code(0).out;
    let catalog: serde_json::Value = serde_json::from_str(&catalog).expect("JSON");
    let metrics = catalog.as_array().expect("a list");
    assert!(metrics.len() >= 100);
    for metric in metrics {
        let name = metric["name"].as_str().expect("a name");
        let page = built.files.get(&format!("metrics/{name}.html")).unwrap_or_else(|| panic!("no page of {name}"));
        for key in ["title", "title_en", "owner"] {
            let told = metric[key].as_str().expect("told").replace('\'', "&#39;");
            assert!(page.contains(&told), "{name} has no {key}");
        }
        assert!(page.contains("<pre class=\"sql\"") && page.contains("SELECT"), "{name} has no SQL");
        assert!(built.files["index.html"].contains(&format!(">{name}</a>")), "{name} is not at the start");
    }
    let gmv = &built.files["metrics/gmv.html"];
    for wanted in [
        "<a href=\"../rows/paid_order.html\">paid_order</a>",
        "href=\"../tables/order.html#column-pay_amount\"",
        "<a href=\"../metrics/arpu.html\">arpu</a>",
        "<svg class=\"lineage\"",
        "sums of money are exact",
        "<code>refund_amount</code>",
    ] {
        assert!(gmv.contains(wanted), "{wanted}");
    }
    assert!(built.files["glossary.html"].contains("日活跃用户数"));
    let index = built.files["search.js"].strip_prefix("window.metricc = ").and_then(|rest| rest.strip_suffix(";\n"));
    let index: serde_json::Value = serde_json::from_str(index.expect("a list")).expect("JSON");
    let links = index.as_array().expect("a list").iter().map(|one| one["link"].as_str().expect("a link"));
    for link in links {
        assert!(built.files.contains_key(&decoded(link.split('#').next().unwrap_or_default())), "{link}");
    }
}

#[test]
fn the_same_definitions_give_the_same_bytes() {
    let (one, other) = (Built::library(), Built::library());
    assert!(one.files == other.files, "they differ");
}

/// Tables of behaviour, sessions, calendars, versions, odd names: whatever the cases declare.
#[test]
fn the_site_of_every_case_holds_together() {
    let mut seen = BTreeSet::new();
    for case in cases::all().iter().filter(|case| !case.is_wrong()) {
        let files = MemoryFiles::new().with("metricc.yaml", case.manifest.as_str());
        let files = case.files.iter().fold(files, |files, (path, text)| files.with(path, text.as_str()));
        let (project, _) = load(&files);
        let project = project.expect("a project");
        let (compiled, _) = compile(&project);
        let graph = Graph::of(&compiled.files, &compiled.model);
        let input = site::Input {
            name: &project.config.name,
            files: &compiled.files,
            model: &compiled.model,
            sources: &project.sources,
            graph: &graph,
            charts: &Default::default(),
        };
        let pages = site::pages(input, &|| ());
        let count = pages.len();
        let files: BTreeMap<String, String> = pages.into_iter().map(|page| (page.path, page.text)).collect();
        assert_eq!(files.len(), count, "{}: two pages have one path", case.name);
        seen.extend(files.keys().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder.to_owned()));
        let built = Built { _place: None, folder: PathBuf::new(), files };
        assert_eq!(problems(&built), [""; 0], "{}", case.name);
    }
    let all = ["behaviours", "dimensions", "hierarchies", "metrics", "rows", "tables"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

/// A project in which every text tries to get out of its place.
fn hostile() -> Place {
    let place = Place::with_shop();
    let text = r#"/// <script>alert(1)</script> `</code><b onmouseover="x">` & "q" 'a'
///
/// - <img src=x onerror=alert(2)>
metric evil = count(order where client = "</script><script>alert(3)</script>" or client = "ios") {
  title: "\"><script>alert(4)</script>"; title_en: "a' onclick='alert(5)"
  tier: kpi; owner: "<iframe src=javascript:alert(6)>"
  grain: 1d
}
/// A name that is no name of a file.
metric `../../up <b>"x"&` = count(order) { title: "t"; tier: kpi; owner: "o" }
metric Gmv = count(order) { title: "t"; tier: kpi; owner: "o" }
metric 活跃用户 = distinct(user_id from order) { title: "活跃\u{2028}用户"; tier: kpi; owner: "o" }
metric evil v2 = count(order) { title: "</title><script>alert(7)</script>"; tier: kpi; owner: "o" }
dimension `a" onx="1` = order.client { title: "<u>" }
test "<script>alert(8)</script>" of evil v2 {
  given order {
    | order_id | paid_at             | pay_amount |
    | o1       | 2026-11-02 10:00:00 | 30.00      |
  }
  expect {
    | evil |
    | 1    |
  }
}
"#;
    let text = text.replace("client = \"</script><script>alert(3)</script>\" or ", "");
    place.write("shop/metrics/evil.metric", text);
    place
}

#[test]
fn hostile_texts_stay_texts() {
    let place = hostile();
    let project = place.path("shop");
    let built = Built::of(place, &project);
    assert_eq!(problems(&built), [""; 0]);
    for (path, page) in built.pages() {
        // The two scripts of the site, and no other.
        assert_eq!(page.matches("<script").count(), 2, "{path}");
        for tag in ["<b", "<img", "<iframe", "<u>", "<script>"] {
            let found = page.matches(tag).count() - page.matches("<body").count() * usize::from(tag == "<b");
            let own = if tag == "<b" { page.matches("<button").count() + page.matches("<br>").count() } else { 0 };
            assert_eq!(found - own, 0, "{path} has {tag}");
        }
        // An attribute that a text made would stand outside of quotes.
        for attribute in [" onmouseover=\"", " onerror=", " onclick='", " onx=\""] {
            assert!(
                !page.contains(attribute) || attribute == " onerror=" && page.contains("&lt;img src=x onerror="),
                "{path} has{attribute}"
            );
        }
    }
    assert!(built.files.contains_key("metrics/evil.html") && built.files.contains_key("metrics/evil.v2.html"));
    assert!(built.files.contains_key("metrics/gmv.html") && built.files.contains_key("metrics/~47~mv.html"));
    let names: Vec<&String> = built.files.keys().filter(|path| path.contains("up")).collect();
    assert!(names.iter().any(|path| path.starts_with("metrics/~2e~~2e~~2f~")), "{names:?}");
    let search = &built.files["search.js"];
    assert!(!search.contains("</script") && !search.contains('\u{2028}'));
}

#[test]
fn a_folder_that_is_not_a_site_stays_as_it_is() {
    let place = Place::with_shop();
    let docs = |out: &str| place.run_in("shop", &["docs", "--no-charts", "--out", out]);
    fs::create_dir(place.path("mine")).expect("made");
    place.write("mine/notes.txt", "mine");
    let refused = docs("../mine").assert_code(2);
    assert!(refused.err.contains("E0034"), "{}", refused.err);
    assert_eq!(fs::read_dir(place.path("mine")).expect("readable").count(), 1);

    place.run_in("shop", &["build"]).assert_code(0);
    let refused = docs("build").assert_code(2);
    assert!(refused.err.contains("E0034") && refused.err.contains("holds a build"), "{}", refused.err);
    assert!(place.path("shop/build/clickhouse").is_dir());

    place.run_in("shop", &["docs", "--no-charts"]).assert_code(0);
    assert!(place.path("shop/site/index.html").is_file());
    let refused = place.run_in("shop", &["build", "--out", "site"]).assert_code(2);
    assert!(refused.err.contains("holds documents"), "{}", refused.err);

    // What is gone from the definitions is gone from the site, and what did not change is not written.
    let sales = fs::read_to_string(place.path("shop/metrics/sales.metric")).expect("text");
    let without = sales.split("/// What a buyer paid.").next().expect("metrics").to_owned();
    place.write("shop/metrics/sales.metric", without);
    let again = place.run_in("shop", &["docs", "--no-charts"]).assert_code(0);
    assert!(!place.path("shop/site/metrics/arppu.html").exists(), "{}", again.err);
    assert!(again.err.contains("1 removed"), "{}", again.err);
    let same = place.run_in("shop", &["docs", "--no-charts"]).assert_code(0);
    assert!(same.err.contains("(0 written"), "{}", same.err);
}

#[test]
fn a_project_without_metrics_has_a_site() {
    let place = Place::empty();
    fs::create_dir_all(place.path("p/metrics")).expect("made");
    place.write("p/metricc.yaml", "name: \"<none> & \\\"x\\\"\"\ntimezone: UTC\npaths: [metrics]\n");
    place.write("p/metrics/none.metric", "// nothing yet\n");
    let project = place.path("p");
    let built = Built::of(place, &project);
    assert_eq!(problems(&built), [""; 0]);
    assert!(built.files["index.html"].contains("There are no metrics."));
}

#[cfg(feature = "dry-run")]
#[test]
fn charts_show_the_samples() {
    let place = Place::with_shop();
    place.run_in("shop", &["docs"]).assert_code(0);
    let page = fs::read_to_string(place.path("shop/site/metrics/gmv.html")).expect("a page");
    assert!(page.contains("src=\"../charts/gmv.svg\""), "{page}");
    let chart = fs::read_to_string(place.path("shop/site/charts/gmv.svg")).expect("a chart");
    assert!(chart.starts_with("<svg") && chart.contains("class=\"line s0\""), "{chart}");
}

#[test]
fn a_browser_finds_searches_and_switches() {
    support::engine!("browser");
    let Some(browser) = support::browser::Browser::find() else {
        support::report::not_run(support::here!(), "no browser: install chromium, or name one with METRICC_BROWSER");
        return;
    };
    let built = Built::library();
    // The page does what a reader does, and then says what became of it.
    let steps = r#"<script>
addEventListener('load', function () {
  var told = {};
  var box = document.getElementById('search');
  box.value = '日活跃'; box.dispatchEvent(new Event('input'));
  told.first = document.querySelector('#results a').getAttribute('href');
  told.found = document.getElementById('found').textContent;
  document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  told.closed = document.getElementById('results').hidden;
  document.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }));
  told.focused = document.activeElement.id;
  var filter = document.getElementById('filter');
  filter.value = 'kpi growth'; filter.dispatchEvent(new Event('input'));
  told.rows = document.querySelectorAll('#catalog tbody tr:not([hidden])').length;
  var before = getComputedStyle(document.body).backgroundColor;
  document.getElementById('theme').click();
  told.switched = getComputedStyle(document.body).backgroundColor !== before;
  told.theme = document.documentElement.dataset.theme;
  told.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  told.errors = window.failed;
  document.title = JSON.stringify(told);
});
window.failed = 0; addEventListener('error', function () { window.failed += 1; });
</script></head>"#;
    let probe = built.files["index.html"].replace("</head>", steps);
    fs::write(built.folder.join("probe.html"), probe).expect("written");
    for width in [1280, 500] {
        let page = browser.dump(&built.folder.join("probe.html"), width);
        let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).expect("a title");
        let told: serde_json::Value = serde_json::from_str(title).unwrap_or_else(|error| panic!("{error}: {title}"));
        assert_eq!(told["first"], "metrics/dau.html", "{told}");
        assert!(told["found"].as_str().is_some_and(|found| found.ends_with(" found")), "{told}");
        assert!(told["closed"] == true && told["focused"] == "search", "{told}");
        assert!(told["rows"].as_u64().is_some_and(|rows| rows > 0 && rows < 20), "{told}");
        assert!(told["switched"] == true && told["theme"] != "", "{told}");
        assert!(told["wide"] == false && told["errors"] == 0, "at {width}: {told}");
    }
}
