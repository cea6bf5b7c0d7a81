//! `metricc diff` on real repositories of git.

mod support;

use std::fs;

use serde_json::Value;

use support::cli::{Run, program};
use support::git::Repo;

const CONFIG: &str = "name: shop\ntimezone: Asia/Shanghai\nunits: [CNY]\npaths: [metrics]\n";

const SHOP: &str = r#"entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column is_abnormal: bool
}

source event {
  table: "dwd.event"
  key: id
  time: at
  column id: string
  column at: timestamp
  column user_id: user?
  column name: string
  column platform: string
}

subset effective_event = event where name in ("login", "pay")

dimension platform = event.platform

/// Who did something.
metric dau = distinct(user_id from effective_event) {
  title: "DAU"
  grain: 1d
  by: platform
  serve: daily
}

metric events = count(effective_event) { grain: 1d }
metric wau = dau over 7d { grain: 1d }
metric depth = events / dau { grain: 1d }
"#;

/// A repository with a project in its folder `shop`, committed once.
struct Shop(Repo);

impl Shop {
    fn new() -> Shop {
        let shop = Shop(Repo::new());
        shop.0.write("shop/metricc.yaml", CONFIG).write("shop/metrics/all.metric", SHOP);
        shop.0.write("shop/targets/clickhouse.yaml", "kind: clickhouse\n").write("README.md", "a shop\n");
        shop.0.commit("first");
        shop
    }

    /// Writes the definitions with some texts in other ones' places.
    fn edit(&self, edits: &[(&str, &str)]) -> &Shop {
        let mut text = SHOP.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        self.0.write("shop/metrics/all.metric", text);
        self
    }

    fn run(&self, args: &[&str]) -> Run {
        let done = program().arg("diff").args(args).current_dir(self.0.path("shop")).output();
        Run::from(done.expect("the program runs"))
    }

    fn json(&self, args: &[&str]) -> Value {
        let run = self.run(&[args, &["--format", "json"]].concat());
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err))
    }

    /// `class state kind title`, a line for each entry.
    fn entries(&self, args: &[&str]) -> Vec<String> {
        let told = self.json(args);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let one = |one: &Value| ["class", "state", "kind", "title"].map(|key| text(&one[key])).join(" ");
        told["entries"].as_array().expect("entries").iter().map(one).collect()
    }
}

const NARROWER: (&str, &str) = ("(\"login\", \"pay\")", "(\"login\")");

#[test]
fn revisions_folders_and_the_working_tree_are_compared() {
    let shop = Shop::new();
    assert_eq!(shop.run(&[]).assert_code(0).err, "no difference\n");
    let all = [
        "caliber changed subset effective_event",
        "caliber moved metric dau",
        "caliber moved metric depth",
        "caliber moved metric events",
        "caliber moved metric wau",
    ];
    shop.edit(&[NARROWER]);
    assert_eq!(shop.entries(&[]), all);
    assert_eq!(shop.entries(&["HEAD"]), all);
    shop.0.git(&["checkout", "--quiet", "-b", "feature"]);
    shop.0.commit("second");
    assert_eq!(shop.entries(&[]), [""; 0]);
    for sides in [&["main"][..], &["main", "feature"], &["HEAD~1", "HEAD"], &["main...feature"], &["main..."]] {
        assert_eq!(shop.entries(sides), all, "{sides:?}");
    }
    // What came on main since is not the branch's doing.
    shop.0.git(&["checkout", "--quiet", "main"]);
    shop.edit(&[("title: \"DAU\"", "title: \"Users\"")]).0.commit("third");
    assert_eq!(shop.entries(&["main...feature"]), all);
    assert_eq!(shop.entries(&["main", "feature"]).len(), 5);

    // A folder of the same name as a branch is meant where it is written as a path.
    shop.0.write("shop/feature/metricc.yaml", CONFIG).write("shop/feature/metrics/all.metric", SHOP);
    assert_eq!(shop.entries(&["feature", "./feature"]).len(), 5);
    assert_eq!(shop.entries(&["./feature"]), ["cosmetic edited metric dau"]);
    // Two folders need no project around them.
    let outside = |sides: [&str; 2]| {
        let done = program().arg("diff").args(sides).current_dir(shop.0.path("")).output();
        Run::from(done.expect("the program runs"))
    };
    let told = outside(["./shop/feature", "./shop"]).assert_code(0);
    assert!(told.out.contains("title") && told.out.contains("Users"), "{}", told.out);
    assert!(outside(["./shop/feature", "./none"]).assert_code(2).err.contains("E0001"));
    // Nothing of the repository was touched.
    assert_eq!(shop.0.git(&["status", "--porcelain"]), "?? shop/feature/");
    assert_eq!(shop.0.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "main");
}

#[test]
fn a_hook_of_a_worktree_finds_the_project_in_its_folder() {
    let shop = Shop::new();
    shop.edit(&[NARROWER]);
    let run = |variables: &[(&str, &str)]| {
        let mut run = program();
        run.args(["diff", "HEAD", "--format", "json"]).envs(variables.iter().copied());
        let done = run.current_dir(shop.0.path("shop")).output();
        Run::from(done.expect("the program runs")).assert_code(0).out
    };
    // Git tells hooks where its repository is, and calls them at the top of it.
    let folder = shop.0.path(".git").display().to_string();
    assert_eq!(run(&[("GIT_DIR", &folder), ("GIT_PREFIX", "")]), run(&[]));
    assert_eq!(run(&[("GIT_DIR", ".git"), ("GIT_INDEX_FILE", ".git/index.lock")]), run(&[]));
}

#[test]
fn the_lock_is_a_side() {
    let shop = Shop::new();
    let told = shop.run(&["lock"]).assert_code(2);
    assert!(told.err.contains("E0043"), "{}", told.err);
    let locked = program().arg("lock").current_dir(shop.0.path("shop")).output();
    Run::from(locked.expect("runs")).assert_code(0);
    assert_eq!(shop.entries(&["lock"]), [""; 0]);
    shop.edit(&[NARROWER]);
    assert_eq!(shop.entries(&["lock"])[0], "caliber changed subset effective_event");
    // Also where it is the later one: against the commit that it was made of.
    assert_eq!(shop.entries(&["HEAD", "lock"]), [""; 0]);
    shop.run(&["lock", "lock"]).assert_code(2);
    shop.0.write("shop/metricc.lock", "<<<<<<< HEAD\n");
    assert!(shop.run(&["lock"]).assert_code(2).err.contains("E0042"));
}

#[test]
fn errors_of_a_side_are_told_with_its_name() {
    let shop = Shop::new();
    shop.edit(&[("distinct(user_id from effective_event)", "distinct(user_id from efective_event)")])
        .0
        .commit("broken");
    shop.edit(&[]);
    let told = shop.run(&["HEAD"]).assert_code(2);
    assert!(
        told.err.contains("HEAD can't be compared: 1 error") && told.err.contains("HEAD:metrics/all.metric"),
        "{}",
        told.err
    );
    assert_eq!(told.out, "");
    let told = shop.json(&["HEAD"]);
    assert_eq!(
        (&told["compared"], &told["refused"][0]["errors"][0]["code"]),
        (&Value::from(false), &Value::from("E0207"))
    );
    let told = shop.run(&["HEAD", "--format", "markdown"]).assert_code(2);
    assert!(told.out.contains("`HEAD:metrics/all.metric:24`"), "{}", told.out);
    // Neither a folder nor an option is a revision.
    for (arguments, code) in [(&["HEAD:shop"][..], "E0052"), (&["--", "-x"], "E0052"), (&["-x"], "unexpected argument")]
    {
        assert!(shop.run(arguments).assert_code(2).err.contains(code), "{arguments:?}");
    }
    // A variable that is not set must not pass: the files would be compared with themselves.
    for sides in [&[""][..], &["", "HEAD"], &["HEAD", " "], &["..."]] {
        let run = shop.run(sides).assert_code(2);
        assert!(run.err.contains("a side has no name"), "{sides:?} {}", run.err);
    }
    let near = shop.run(&["mian"]).assert_code(2).err;
    assert!(near.contains("did you mean `main`?"), "{near}");
}

#[test]
fn the_exit_code_follows_the_class() {
    let shop = Shop::new();
    let code = |edits: &[(&str, &str)], class: &str| {
        shop.edit(edits);
        shop.run(&["--fail-on", class, "--quiet"]).code
    };
    let cosmetic = [("title: \"DAU\"", "title: \"Users\"")];
    let compatible = [("grain: 1d\n", "grain: 1h, 1d\n")];
    let breaking = [("by: platform", "by: platform"), ("  by: platform\n", "")];
    let classes = ["cosmetic", "compatible", "caliber", "breaking", "none"];
    let codes = |edits: &[(&str, &str)]| classes.map(|class| code(edits, class));
    assert_eq!(codes(&[]), [0, 0, 0, 0, 0]);
    assert_eq!(codes(&cosmetic), [1, 0, 0, 0, 0]);
    assert_eq!(codes(&compatible), [1, 1, 0, 0, 0]);
    assert_eq!(codes(&[NARROWER]), [1, 1, 1, 0, 0]);
    assert_eq!(codes(&breaking), [1, 1, 1, 1, 0]);
}

#[test]
fn text_and_markdown_tell_fields_and_directions() {
    let shop = Shop::new();
    shop.edit(&[NARROWER, ("dau over 7d", "dau over 30d"), ("title: \"DAU\"", "title: \"D|A|U `x` <b> @all\"")]);
    let show = |name: &str, text: &str| {
        insta::with_settings!({
            snapshot_path => "../snapshots/cli",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(name, text) });
    };
    show("diff_text", &shop.run(&[]).assert_code(0).out);
    show("diff_markdown", &shop.run(&["--format", "markdown", "--artefacts"]).assert_code(0).out);
    assert!(shop.run(&["--color", "always"]).out.contains("\u{1b}[31m"));
    assert!(!shop.run(&[]).out.contains('\u{1b}'));
}

#[test]
fn html_is_one_page_and_escapes_what_people_wrote() {
    let shop = Shop::new();
    shop.edit(&[NARROWER, ("title: \"DAU\"", "title: \"<script>alert(1)</script>\"")]);
    let told = shop.run(&["--format", "html", "--output", "changes.html"]).assert_code(0);
    assert_eq!(told.out, "");
    let page = fs::read_to_string(shop.0.path("shop/changes.html")).expect("a page");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "nothing runs in it");
    assert!(!page.contains("http") && !page.contains("src=") && !page.contains("<link"), "it needs no other file");
    assert!(page.contains("can only <strong>fall</strong>") && page.contains("id=\"caliber\""), "{page}");
    // Nothing is left of a file that can't be written.
    shop.run(&["--output", "no/such/folder.txt"]).assert_code(2);
}

#[test]
fn annotations_and_sarif_stand_at_the_new_definitions() {
    let shop = Shop::new();
    shop.edit(&[NARROWER, ("  by: platform\n", "")]);
    let told = shop.run(&["--format", "github"]).assert_code(0).out;
    assert!(told.contains("::error file=shop/metrics/all.metric,line=24") && told.contains("title=E0668"), "{told}");
    assert!(told.contains("::warning file=shop/metrics/all.metric,line=19") && told.contains("title=W0668"), "{told}");
    let told: Value = serde_json::from_str(&shop.run(&["--format", "sarif"]).assert_code(0).out).expect("JSON");
    let results = told["runs"][0]["results"].as_array().expect("results");
    let of = |result: &Value| result["ruleId"].as_str().expect("a rule").to_owned();
    assert!(results.iter().map(of).any(|rule| rule == "W0668"), "{told}");
}

#[test]
fn targets_are_compared_where_that_is_asked_for() {
    let shop = Shop::new();
    shop.edit(&[
        NARROWER,
        ("metric events =", "metric clicks = count(event) { grain: 1d; serve: daily }\nmetric events ="),
    ]);
    assert_eq!(shop.json(&[])["built"], Value::Null);
    let told = shop.json(&["--artefacts"]);
    let built = told["built"].as_array().expect("what is built");
    let lines: Vec<String> = built
        .iter()
        .map(|one| ["state", "kind", "name", "todo"].map(|key| one[key].as_str().unwrap_or_default()).join(" "))
        .collect();
    assert!(
        lines.iter().any(|line| line.starts_with("new rollup") && line.contains("backfill its days (daily batch)")),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.starts_with("gone rollup")), "{lines:#?}");
    assert!(lines.contains(&"changed view metrics.dau__1d is replaced".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"new view metrics.clicks__1d ".to_owned()), "{lines:#?}");
}

/// Hundreds of metrics of which all are edited: what does not fit is counted, and said.
#[test]
fn what_does_not_fit_is_said() {
    let shop = Shop::new();
    let many = |filter: &str, count: usize| {
        let one = |number: usize| {
            format!(
                "/// 店{number}\nmetric m{number} = count(event where name = \"{filter}{number}\") {{ title: \"指标{number}\"; grain: 1d }}\n"
            )
        };
        SHOP.to_owned() + &(0..count).map(one).collect::<String>()
    };
    shop.0.write("shop/metrics/all.metric", many("a", 900)).commit("many");
    shop.0.write("shop/metrics/all.metric", many("b", 900));
    let comment = shop.run(&["--format", "markdown"]).assert_code(0).out;
    let length = comment.encode_utf16().count();
    assert!(length <= 65_536 && length > 60_000, "{length}");
    let shown = comment.matches("\n### caliber: metric").count();
    let left = format!("**{} declarations are left out** ({} caliber)", 900 - shown, 900 - shown);
    assert!(
        comment.contains(&left) && comment.contains("| caliber | 900 | 0 |"),
        "{left}\n{}",
        &comment[comment.len() - 400..]
    );
    assert!(!comment.contains("<details>"), "definitions go first");

    let told = shop.run(&["--format", "github"]).assert_code(0).out;
    assert_eq!(told.matches("::warning").count(), 10);
    assert!(told.contains("890 more are listed above"), "{}", told.lines().last().unwrap_or_default());

    shop.0.write("shop/metrics/all.metric", many("a", 90)).commit("fewer");
    shop.0.write("shop/metrics/all.metric", many("b", 90));
    let comment = shop.run(&["--format", "markdown"]).assert_code(0).out;
    assert!(comment.encode_utf16().count() <= 65_536 && comment.contains("<details>") && !comment.contains("left out"));
}

#[test]
fn another_time_zone_is_told_of_the_project() {
    let shop = Shop::new();
    shop.0.write("shop/metricc.yaml", CONFIG.replace("Asia/Shanghai", "UTC"));
    let told = shop.json(&[]);
    assert_eq!(told["project"][0]["name"], "time zone");
    assert_eq!(told["counts"]["caliber"]["metrics"], 4);
    for format in ["text", "markdown", "html", "github"] {
        let told = shop.run(&["--format", format]).assert_code(0).out;
        assert!(
            told.contains("Asia/Shanghai") && told.to_lowercase().contains("every metric moves") || format == "text",
            "{told}"
        );
    }
}
