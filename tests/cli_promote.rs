//! `metricc promote`: the stage of a change in its file, and the statements that move readers.

mod support;

use std::fs;

use serde_json::Value;

use support::cli::{Place, Run};
use support::script::statements;

/// With a byte order mark, an odd layout, comments and line ends of two kinds.
const DAU: &str = "\u{feff}source login {\n  table: \"dwd.login\"\n  time: at\n  column at: timestamp\n  column user: string\n  column bot: bool\n}\r\n\
metric dau      = distinct(user from login)               { grain: 1d; compare: 1d }\n\
metric dau v2   = distinct(user from login where not bot) { grain: 1d, 1w }\r\n\
metric logins   = count(login) { grain: 1d }\n\
metric per_user = logins / dau { grain: 1d }\n\
/// Bots go.\n\
change dau   v1->v2 {   // stage: live\n\treason:\"stage: double_run is what it is in\" ; stage  :   double_run   // not yet\n  expect: -3%..0% }\n";

struct Project(Place);

impl Project {
    fn new(text: &str) -> Project {
        let place = Place::empty();
        fs::create_dir_all(place.path("p/metrics")).expect("made");
        fs::create_dir_all(place.path("p/targets")).expect("made");
        place.write("p/metricc.yaml", "name: p\ntimezone: UTC\npaths: [metrics]\n");
        place.write("p/targets/ch.yaml", "kind: clickhouse\n");
        place.write("p/metrics/dau.metric", text);
        Project(place)
    }

    fn run(&self, args: &[&str]) -> Run {
        self.0.run_in("p", args)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.path("p/metrics/dau.metric")).expect("text")
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.path("p").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// The views that a script makes, with what each is over.
fn views(script: &str) -> Vec<String> {
    let one = |statement: &str| {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let at = words.windows(4).position(|four| four == ["CREATE", "OR", "REPLACE", "VIEW"]).expect("a view");
        let over = words.iter().rfind(|word| word.contains("__v")).expect("a view of a version");
        format!("{} {}", words[at + 4], over.rsplit_once("__").expect("a hash").0)
    };
    statements(script).into_iter().map(one).collect()
}

#[test]
fn a_change_goes_live_and_back_and_nothing_else_of_its_file_is_touched() {
    let project = Project::new(DAU);
    project.run(&["promote", "dau", "--force"]).assert_code(0);
    let live = DAU.replace("stage  :   double_run ", "stage  :   live ");
    assert_eq!(project.text(), live);
    let forth = views(&project.read("promote/ch/dau_v1_v2/cut_over.sql"));
    assert_eq!(
        forth,
        [
            "metrics.dau__1d metrics.dau__v2__1d",
            "metrics.dau__1w metrics.dau__v2__1w",
            "metrics.per_user__1d metrics.per_user__v1__1d",
        ]
    );
    let back = views(&project.read("promote/ch/dau_v1_v2/roll_back.sql"));
    let expected = [
        "metrics.dau__1d metrics.dau__v1__1d",
        "metrics.dau__growth_1d__1d metrics.dau__growth_1d__v1__1d",
        "metrics.per_user__1d metrics.per_user__v1__1d",
    ];
    assert_eq!(back, expected);
    // What is built afterwards points to the same views.
    project.run(&["build"]).assert_code(0);
    let readers = project.read("build/ch/90_readers.sql");
    for statement in statements(&project.read("promote/ch/dau_v1_v2/cut_over.sql")) {
        let plain: Vec<&str> = statement.lines().filter(|line| !line.starts_with("--") && !line.is_empty()).collect();
        assert!(readers.contains(&plain.join("\n")), "{statement}");
    }
    let said = project.run(&["promote", "dau", "--force"]).assert_code(2).err;
    assert!(said.contains("`dau v1 -> v2` is live already"), "{said}");

    project.run(&["promote", "dau v1->v2", "--back", "--out", "there"]).assert_code(0);
    assert_eq!(project.text(), DAU);
    assert_eq!(views(&project.read("there/ch/dau_v1_v2/roll_back.sql")), expected);
    let said = project.run(&["promote", "dau v1 -> v2", "--back"]).assert_code(2).err;
    assert!(said.contains("is in double run already"), "{said}");
}

#[test]
fn the_gate_is_shut_until_enough_good_days_are_recorded() {
    let project = Project::new(DAU);
    let said = project.run(&["promote", "dau", "--error-format", "plain"]).assert_code(1).err;
    assert!(
        said.contains(
            "error[E0663]: no verification of `dau v1 -> v2` is recorded for `dau`, and it takes 7 days in a row"
        ),
        "{said}"
    );
    assert_eq!(project.text(), DAU);
    assert!(!project.0.path("p/promote").exists());
}

#[test]
fn what_would_be_done_is_told_without_doing_it() {
    let project = Project::new(DAU);
    project.run(&["promote", "dau", "--check"]).assert_code(1);
    let told = project.run(&["promote", "dau", "--check", "--force", "--format", "json"]).assert_code(0).out;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["was"], &told["stage"], &told["written"]), (&"double_run".into(), &"live".into(), &false.into()));
    assert_eq!((&told["file"], &told["line"]), (&"metrics/dau.metric".into(), &14.into()));
    assert_eq!(told["targets"][0]["metrics"], serde_json::json!(["dau 1d", "dau 1w", "per_user 1d"]));
    assert_eq!(project.text(), DAU);
    assert!(!project.0.path("p/promote").exists());
}

#[test]
fn what_would_not_compile_is_refused_and_the_file_stays() {
    // What is to be retired can't go back to its double run.
    let retired = DAU.replace("double_run   // not yet", "live; retire: date(\"2026-12-01\")");
    let project = Project::new(&retired);
    let said = project.run(&["promote", "dau", "--back", "--error-format", "plain"]).assert_code(1).err;
    assert!(said.contains("error[E0205]: what is in double run is not retired yet"), "{said}");
    assert!(said.contains("`metrics/dau.metric` is as it was"), "{said}");
    assert_eq!(project.text(), retired);
    assert!(!project.0.path("p/promote").exists());
    // There is no old version to go back to.
    let gone: String =
        DAU.lines().filter(|line| !line.starts_with("metric dau  ")).map(|line| format!("{line}\n")).collect();
    let project = Project::new(&gone.replace("double_run   // not yet", "live"));
    let said = project.run(&["promote", "dau", "--back"]).assert_code(2).err;
    assert!(said.contains("`dau v1` is not there to go back to"), "{said}");
    // Another change has followed.
    let live = DAU.replace("double_run   // not yet", "live");
    let third = "metric dau v3 = count(login) { grain: 1d }\nchange dau v2 -> v3 { reason: \"all\"; stage: live }\n";
    let project = Project::new(&format!("{live}{third}"));
    let said = project.run(&["promote", "dau v1->v2", "--back", "--error-format", "plain"]).assert_code(2).err;
    let told =
        "`dau v2 -> v3` has followed it (help: take that one back first: `metricc promote \"dau v2 -> v3\" --back`)";
    assert!(said.contains(told), "{said}");
}

#[test]
fn names_are_looked_for_and_files_that_can_not_be_written_stay() {
    let project = Project::new(DAU);
    let said = project.run(&["promote", "dua", "--force"]).assert_code(2).err;
    assert!(said.contains("there is no change of `dua`") && said.contains("did you mean `dau`?"), "{said}");
    let file = project.0.path("p/metrics/dau.metric");
    let mut permissions = fs::metadata(&file).expect("a file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).expect("set");
    let said = project.run(&["promote", "dau", "--force"]).assert_code(2).err;
    assert!(said.contains("E0038"), "{said}");
    assert_eq!(project.text(), DAU);
    let none = Project::new(
        "source login {\n  table: \"dwd.login\"\n  time: at\n  column at: timestamp\n}\nmetric m = count(login)\n",
    );
    assert!(none.run(&["promote", "m"]).assert_code(2).err.contains("declare one"));
}

#[test]
fn explain_tells_the_change_of_a_name() {
    let project = Project::new(DAU);
    let told = project.run(&["explain", "dau"]).assert_code(0).out;
    for line in [
        "change    dau v1 -> v2",
        "stage     in double run: `dau` is v1, v2 is built beside it",
        "reason    stage: double_run is what it is in",
        "takes     7 good days in a row, within 0.5%, expected -3% to 0%",
        "moves     dau, per_user",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(!project.run(&["explain", "logins"]).assert_code(0).out.contains("change "));
    project.run(&["promote", "dau", "--force"]).assert_code(0);
    let told = project.run(&["explain", "dau@v2"]).assert_code(0).out;
    assert!(told.contains("live: `dau` is v2, v1 is built beside it"), "{told}");
}

#[test]
fn what_could_not_go_live_is_told_before() {
    let project = Project::new(&DAU.replace("distinct(user from login where not bot)", "dau * 1"));
    let said = project.run(&["check", "--error-format", "plain"]).assert_code(1).err;
    assert!(said.contains("error[E0214]: with `dau v2` as what its name means the project has"), "{said}");
    assert!(said.contains("error[E0211]: the metric `dau` is defined by itself"), "{said}");
    project.run(&["build"]).assert_code(1);
    project.run(&["promote", "dau", "--force"]).assert_code(1);
    let project = Project::new(&DAU.replace("distinct(user from login where not bot)", "dau v1 * 1"));
    project.run(&["check"]).assert_code(0);
}
