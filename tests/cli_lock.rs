//! `metricc lock`, and what `check` and `build --locked` make of a lock.

mod support;

use std::fs;

use serde_json::Value;

use support::cli::{Place, Run};

/// One declaration of each kind that has a caliber.
const ALL_KINDS: &str = include_str!("caliber/all_kinds.metric");

struct Project(Place);

impl Project {
    fn new() -> Project {
        let place = Place::empty();
        fs::create_dir_all(place.path("p/metrics")).expect("made");
        fs::create_dir_all(place.path("p/targets")).expect("made");
        place.write("p/metricc.yaml", "name: p\ntimezone: Asia/Shanghai\nunits: [CNY]\npaths: [metrics]\n");
        place.write("p/targets/clickhouse.yaml", "kind: clickhouse\n");
        let project = Project(place);
        project.write(ALL_KINDS);
        project
    }

    /// The same, with its lock.
    fn locked() -> Project {
        let project = Project::new();
        project.run(&["lock"]).assert_code(0);
        project
    }

    fn write(&self, text: &str) {
        self.0.write("p/metrics/all.metric", text);
    }

    /// Writes the definitions with a text in another one's place.
    fn edit(&self, from: &str, to: &str) -> &Project {
        assert!(ALL_KINDS.contains(from), "{from}");
        self.write(&ALL_KINDS.replace(from, to));
        self
    }

    fn run(&self, args: &[&str]) -> Run {
        self.0.run_in("p", args)
    }

    fn check(&self) -> Run {
        self.run(&["check", "--error-format", "plain"])
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.0.path("p/metricc.lock")).expect("a lock")
    }

    /// What is different, as `state kind name`.
    fn changes(&self) -> Vec<String> {
        let told = self.run(&["lock", "--check", "--format", "json"]);
        let told: Value = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {}", told.err));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let one = |one: &Value| format!("{} {} {}", text(&one["state"]), text(&one["kind"]), text(&one["name"]));
        told["changes"].as_array().expect("changes").iter().map(one).collect()
    }
}

/// Fingerprints are kept in repositories for years. If this fails for another reason than an edit of the fixture, the normal form
/// has changed: then the number of the form in `src/caliber/lock.rs` must grow.
#[test]
fn fingerprints_stay_what_they_are() {
    let project = Project::locked();
    insta::with_settings!({
        snapshot_path => "../snapshots/cli",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("lock", project.lock()) });
}

#[test]
fn without_a_lock_nothing_is_told() {
    let project = Project::new();
    let said = project.check().assert_code(0);
    assert!(!said.err.contains("lock"), "{}", said.err);
    let said = project.run(&["build", "--locked"]).assert_code(2).err;
    assert!(said.contains("E0043"), "{said}");
    assert!(!project.0.path("p/build").exists());
    project.run(&["build"]).assert_code(0);
    // To ask whether it is up to date writes nothing.
    let said = project.run(&["lock", "--check"]).assert_code(1).err;
    assert!(said.contains("there is none"), "{said}");
    assert!(!project.0.path("p/metricc.lock").exists());
}

#[test]
fn a_lock_agrees_until_the_meaning_changes() {
    let project = Project::locked();
    project.check().assert_code(0);
    project.run(&["build", "--locked"]).assert_code(0);
    let before = project.lock();
    assert!(project.run(&["lock"]).assert_code(0).err.contains("up to date"));
    assert_eq!(project.lock(), before);

    // Written in another way, with another title, and called otherwise where nobody is left to see it.
    project.edit("platform in (\"ios\", \"web\")", "not (not (platform = \"web\" or \"ios\" = platform))");
    project.check().assert_code(0);
    project.run(&["build", "--locked"]).assert_code(0);
    assert_eq!(project.changes(), Vec::<String>::new());
    project.edit("title: \"DAU\"", "title: \"Daily users\"; owner: \"growth\"; by: device");
    assert_eq!(project.changes(), Vec::<String>::new());

    // A renamed subset: those that name it are written in another way, and mean the same.
    project.edit("active_event", "counted_event");
    let changes = project.changes();
    assert!(changes.contains(&"renamed subset counted_event".to_owned()), "{changes:?}");
    assert!(changes.contains(&"reworded metric dau".to_owned()), "{changes:?}");
    assert!(changes.iter().all(|one| one.starts_with("re")), "{changes:?}");
}

#[test]
fn one_edit_of_a_shared_subset_is_one_error() {
    let project = Project::locked();
    let edit = ("platform in (\"ios\", \"web\")", "platform in (\"ios\", \"android\")");
    project.edit(edit.0, edit.1);
    let said = project.check().assert_code(1).err;
    assert_eq!(said.matches("error[").count(), 1, "{said}");
    assert!(said.contains("error[E0661]: the subset `active_event`") && said.contains("`dau`"), "{said}");

    let said = project.run(&["build", "--locked", "--error-format", "plain"]).assert_code(1).err;
    assert!(said.contains("E0661") && said.contains("E0662"), "{said}");
    let before = project.lock();
    let told = project.run(&["lock"]).assert_code(1);
    assert!(told.out.contains("moved        metric dau v1 via active_event v1"), "{}", told.out);
    assert!(told.out.contains("- event where (platform in (\"ios\", \"web\"))"), "{}", told.out);
    assert_eq!(project.lock(), before, "nothing is written");

    // A new version answers for all of them.
    let all = ALL_KINDS.replace(edit.0, edit.1).replace("subset active_event =", "subset active_event v2 =");
    project.write(&all);
    let said = project.check().assert_code(0).err;
    assert_eq!((said.matches("error[").count(), said.matches("warning[").count()), (0, 1), "{said}");
    project.run(&["build", "--locked"]).assert_code(1);
    project.run(&["lock"]).assert_code(0);
    project.run(&["build", "--locked"]).assert_code(0);
    assert!(!project.check().assert_code(0).err.contains("W0602"));
    assert!(project.lock().contains("subset active_event v2") && !project.lock().contains("subset active_event v1"));
}

#[test]
fn a_number_that_nobody_used_may_be_corrected() {
    let project = Project::locked();
    project.edit("sum(amount from order)", "sum(amount from order where amount > 0)");
    assert_eq!(project.changes(), ["moved experiment trial", "moved metric arpu", "changed metric gmv"]);
    let said = project.run(&["lock", "--accept", "gmw"]).assert_code(2).err;
    assert!(said.contains("did you mean `gmv`?"), "{said}");
    project.run(&["lock", "--accept", "gmv"]).assert_code(0);
    project.check().assert_code(0);
    // What did not change is no slip of the pen that may pass.
    project.run(&["lock", "--accept", "gmv"]).assert_code(2);
}

#[test]
fn every_kind_answers_for_its_own_edit() {
    let edits = [
        ("key:   order_id latest by updated_at", "key:   order_id", "source order"),
        ("amount * 2", "amount * 3", "column order.twice"),
        ("column order_id: string", "column order_id: int", "column order.order_id"),
        ("column name: string", "column name: string?", ""),
        ("gap: 30m", "gap: 45m", "session visit"),
        ("first(platform) as entry", "last(platform) as entry", "column visit.entry"),
        ("until:  7d", "until:  8d", "cohort signup"),
        ("start:  event where platform = \"web\"", "start:  event where platform = \"ios\"", "cohort signup"),
        ("silent: 7d", "silent: 8d", "lifecycle life"),
        ("within: 2h", "within: 3h", "funnel pay"),
        ("credit: last", "credit: first", "conversion to_order"),
        ("model: first, last", "model: last, linear", "attribution credit"),
        ("depth: 4", "depth: 5", "path way"),
        ("when r >= 4 and", "when r >= 3 and", "segment rfm"),
        ("alpha: 5%", "alpha: 1%", "experiment trial"),
        ("event.platform else \"none\"", "event.platform else \"unknown\"", "dimension device"),
        ("step week = fiscal_week", "step week = iso_week", "column fiscal.week"),
        ("over 7d", "over 8d", "metric wau"),
        ("fill: zero", "fill: null", "metric filled"),
        ("grain: month", "grain: year", "metric mau"),
        ("timezone: Asia/Shanghai", "timezone: UTC", ""),
    ];
    for (from, to, wanted) in edits {
        let project = Project::locked();
        if from.starts_with("timezone") {
            project.0.write("p/metricc.yaml", "name: p\ntimezone: UTC\nunits: [CNY]\npaths: [metrics]\n");
            let said = project.check().assert_code(1).err;
            assert!(said.contains("time zone `UTC`"), "{said}");
            project.run(&["lock"]).assert_code(1);
            project.run(&["lock", "--accept", "project"]).assert_code(0);
            project.check().assert_code(0);
            continue;
        }
        project.edit(from, to);
        let changed: Vec<String> =
            project.changes().into_iter().filter_map(|one| one.strip_prefix("changed ").map(str::to_owned)).collect();
        let wanted: Vec<&str> = Some(wanted).filter(|one| !one.is_empty()).into_iter().collect();
        assert_eq!(changed, wanted, "{from} -> {to}: {:?}", project.changes());
    }
}

#[test]
fn columns_come_without_a_version() {
    let project = Project::locked();
    project.edit("column platform: string", "column platform: string\n  column late: bool");
    assert_eq!(project.changes(), ["new column event.late"]);
    let said = project.check().assert_code(0).err;
    assert_eq!(said.matches("W0602").count(), 1, "{said}");
    project.run(&["check", "--deny", "warnings"]).assert_code(1);
    // A whole table is told once.
    project.write(&format!("{ALL_KINDS}\nsource log {{ table: \"dwd.log\"; time: at\n  column at: timestamp\n  column x: int\n}}\nmetric logs = count(log)\n"));
    let said = project.check().assert_code(0).err;
    assert_eq!(said.matches("W0602").count(), 2, "the table and the metric: {said}");
}

#[test]
fn what_means_the_same_is_told() {
    let project = Project::new();
    let twice = "metric one = count(event where platform = \"web\")\nmetric two = count(event where not (\"web\" != platform))\n";
    project
        .write(&format!("{ALL_KINDS}\n{twice}metric other = count(event where platform = \"web\") {{ grain: 1d }}\n"));
    let said = project.check().assert_code(0).err;
    assert_eq!(said.matches("L0604").count(), 1, "{said}");
    assert!(said.contains("the metric `two` means the same as `one`"), "{said}");
}

#[test]
fn a_broken_lock_is_told_with_its_place() {
    let project = Project::locked();
    let lock = project.lock();
    let broken = [
        (lock.replacen("  own ", "<<<<<<< HEAD\n  own ", 1), "is it a conflict of a merge?"),
        (lock.replacen("effective ", "effective x", 1), "16 digits"),
        (lock.replacen("metric dau v1", "metric dau", 1), "KIND NAME vN"),
        (lock.replacen("metric dau v1", "report dau v1", 1), "no such kind"),
        (lock[..lock.rfind("  effective").expect("a block")].to_owned(), "lacks its fingerprints"),
        (String::new(), "cut off"),
    ];
    for (text, wanted) in broken {
        project.0.write("p/metricc.lock", &text);
        let said = project.check().assert_code(1).err;
        let told = said.lines().find(|line| line.contains("error[E0042]")).unwrap_or_else(|| panic!("{said}"));
        assert!(told.starts_with("metricc.lock:"), "{told}");
        let shown = project.run(&["check"]).err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(wanted), "{wanted}: {told}");
        project.run(&["lock"]).assert_code(1);
        assert_eq!(project.lock(), text, "it is left as it is");
    }
    // Of another normal form nothing can be said.
    project.0.write("p/metricc.lock", lock.replacen("form 2", "form 0", 1));
    let said = project.check().assert_code(0).err;
    assert!(said.contains("W0602") && said.contains("compared otherwise"), "{said}");
    project.run(&["build", "--locked"]).assert_code(1);
    project.run(&["lock"]).assert_code(0);
    assert_eq!(project.lock(), lock);
}

/// A second version of a subset on which metrics stand.
const SECOND: &str = "subset active_event v2 = event where platform in (\"ios\", \"android\")\n";

fn changing(stage: &str) -> String {
    format!(
        "{ALL_KINDS}\n{SECOND}change active_event v1 -> v2 {{ reason: \"the web is another product\"; stage: {stage} }}\n"
    )
}

#[test]
fn in_a_double_run_names_keep_their_meaning_and_move_once_it_is_live() {
    let project = Project::locked();
    project.write(&changing("double_run"));
    // Nothing that names the subset moves; what is new is the version, and that there is a change.
    assert_eq!(project.changes(), ["new_version subset active_event"]);
    let said = project.check().assert_code(0).err;
    assert!(
        !said.contains("error[") && said.contains("the change `active_event v1 -> v2` is not in `metricc.lock`"),
        "{said}"
    );
    project.run(&["build", "--locked"]).assert_code(1);
    project.run(&["lock"]).assert_code(0);
    assert!(project.lock().contains("change active_event v1 -> v2\n  stage double_run\n"), "{}", project.lock());
    project.run(&["build", "--locked"]).assert_code(0);

    // Live, everything moves via the version that the name means now, and nothing needs a version of its own.
    project.write(&changing("live"));
    let said = project.check().assert_code(0).err;
    assert!(
        !said.contains("error[") && said.contains("is at `live`, in `metricc.lock` it is at `double_run`"),
        "{said}"
    );
    assert!(said.contains("others move with it"), "{said}");
    project.run(&["build", "--locked"]).assert_code(1);
    let told = project.run(&["lock"]).assert_code(0);
    assert!(told.out.contains("stage        change active_event v1 -> v2: double_run -> live"), "{}", told.out);
    assert!(told.out.contains("moved        metric dau v1 via active_event v2"), "{}", told.out);
    project.run(&["build", "--locked"]).assert_code(0);

    // An edit beside it answers for itself.
    project.write(&changing("double_run").replace("sum(amount from", "sum(amount * 2 from"));
    let said = project.check().assert_code(1).err;
    assert!(said.contains("error[E0661]: the metric `gmv`"), "{said}");
    // And back: everything moves via the old version.
    project.write(&changing("double_run"));
    let told = project.run(&["lock"]).assert_code(0);
    assert!(told.out.contains("moved        metric dau v1 via active_event v1"), "{}", told.out);
    // Without its change the name means the newest.
    project.write(&format!("{ALL_KINDS}\n{SECOND}"));
    let told = project.run(&["lock"]).assert_code(0);
    assert!(told.out.contains("change active_event v1 -> v2: double_run -> none"), "{}", told.out);
    assert!(told.out.contains("moved        metric dau v1 via active_event v2"), "{}", told.out);
    assert!(!project.lock().contains("change "));
}

#[test]
fn a_project_may_want_a_change_for_each_new_version() {
    let project = Project::locked();
    let config = "name: p\ntimezone: Asia/Shanghai\nunits: [CNY]\npaths: [metrics]\n";
    project.0.write("p/metricc.yaml", format!("{config}policy: {{ caliber_change: change }}\n"));
    project.check().assert_code(0);
    project.write(&format!("{ALL_KINDS}\n{SECOND}"));
    let before = project.lock();
    let said = project.check().assert_code(1).err;
    let line = "change active_event v1 -> v2 { reason: \"…\"; stage: double_run }";
    assert!(
        said.contains("error[E0664]: the subset `active_event v2` is a new version") && said.contains(line),
        "{said}"
    );
    project.run(&["lock"]).assert_code(1);
    project.run(&["lock", "--check"]).assert_code(1);
    assert_eq!(project.lock(), before, "nothing is written");
    let said = project.run(&["build", "--locked", "--error-format", "plain"]).assert_code(1).err;
    assert!(said.contains("E0664") && said.contains("E0662"), "{said}");

    // In place of the old version, too.
    project
        .write(&ALL_KINDS.replace("subset active_event =", "subset active_event v2 =").replace("\"web\")", "\"tv\")"));
    assert!(project.check().assert_code(1).err.contains("E0664"));

    project.write(&changing("double_run"));
    project.check().assert_code(0);
    project.run(&["lock"]).assert_code(0);
    project.run(&["build", "--locked"]).assert_code(0);
    // What is new altogether needs none.
    project.write(&format!("{}metric fresh = count(active_event v2)\n", changing("double_run")));
    project.check().assert_code(0);
    // Without the policy a version is enough.
    project.0.write("p/metricc.yaml", format!("{config}policy: {{ caliber_change: version }}\n"));
    project.write(&format!("{ALL_KINDS}\n{SECOND}subset active_event v3 = event where platform = \"ios\"\n"));
    project.check().assert_code(0);
    project.0.write("p/metricc.yaml", format!("{config}policy: {{ caliber_change: chnage }}\n"));
    let said = project.check().assert_code(1).err;
    assert!(said.contains("metricc.yaml:5:") && said.contains("did you mean `change`?"), "{said}");
}

#[test]
fn a_promoted_change_is_locked_again() {
    let project = Project::locked();
    project.write(&changing("double_run"));
    project.run(&["lock"]).assert_code(0);
    let told = project.run(&["promote", "active_event", "--force"]).assert_code(0).out;
    assert!(told.contains("metricc lock"), "{told}");
    project.run(&["build", "--locked"]).assert_code(1);
    project.run(&["lock"]).assert_code(0);
    project.run(&["build", "--locked"]).assert_code(0);
    assert!(project.lock().contains("  stage live\n"));
    let cut = project.lock().replacen("  stage live\n", "", 1);
    project.0.write("p/metricc.lock", &cut);
    assert!(project.check().assert_code(1).err.contains("lacks the stage of the change"));
}

/// What a metric aggregates over a cohort or a conversion makes a table of its own, which belongs to the metric.
#[test]
fn a_table_of_behaviour_is_not_changed_by_who_asks_it() {
    const SECOND: &str = "cohort signup v2 of user {\n  start: event where platform = \"web\"\n  active: event\n  every: 1d\n  until: 7d\n}\n";
    let asks =
        "metric worth = signup.ltv(gmv) at 7d { grain: 1d }\nmetric led_gmv = to_order.value(gmv) { grain: 1d }\n";
    let project = Project::locked();
    project.write(&format!("{ALL_KINDS}\n{asks}"));
    assert_eq!(project.changes(), ["new metric led_gmv", "new metric worth"]);
    project.run(&["lock"]).assert_code(0);

    // Nor where its name means another version.
    let text = |stage: &str| {
        format!("{ALL_KINDS}\n{asks}\n{SECOND}change signup v1 -> v2 {{ reason: \"all events\"; stage: {stage} }}\n")
    };
    for (stage, changes) in [
        ("double_run", &["new_version cohort signup"][..]),
        ("live", &["moved metric retained", "moved metric worth"]),
        ("double_run", &["moved metric retained", "moved metric worth"]),
    ] {
        project.write(&text(stage));
        assert_eq!(project.changes(), changes, "{stage}");
        project.run(&["lock"]).assert_code(0);
    }
}

/// A dimension that touches are credited to is its value over the touches.
#[test]
fn a_binding_to_other_rows_moves_no_attribution() {
    let project = Project::locked();
    project
        .edit("dimension device   = event.platform else", "dimension device   = event.platform | exposure.bucket else");
    let changes = project.changes();
    assert!(changes.iter().all(|change| change.ends_with("dimension device")), "{changes:?}");
    project.edit(
        "dimension device   = event.platform else \"none\"",
        "dimension device   = upper(event.platform) else \"none\"",
    );
    assert!(project.changes().contains(&"moved attribution credit".to_owned()), "{:?}", project.changes());
}
