//! The scripts of `docs/reviews.md` do what the page says: they are taken out of it and run in a repository, with a stand-in for the
//! platform's program that notes what it is asked for.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;

use support::git::{Repo, command};

/// The blocks of the page that name a file, by that.
fn files() -> BTreeMap<String, String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reviews.md")).expect("the page");
    let mut found = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take().filter(|(name, _)| !name.is_empty())),
            (Some((_, text)), _) => *text += &format!("{line}\n"),
            (None, Some(info)) => {
                open = Some((info.split_once(' ').map_or("", |info| info.1).to_owned(), String::new()))
            }
            (None, None) => {}
        }
    }
    found
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&files()[name]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The steps of the workflow that run something, by name.
fn steps() -> BTreeMap<String, String> {
    let workflow = yaml(".github/workflows/metrics.yml");
    let steps = workflow["jobs"]["review"]["steps"].as_sequence().expect("steps").clone();
    let named =
        steps.iter().filter_map(|step| Some((step["name"].as_str()?.to_owned(), step["run"].as_str()?.to_owned())));
    named.collect()
}

/// A repository with a branch that changes a caliber, and a folder of programs for it.
struct Place {
    repo: Repo,
    programs: tempfile::TempDir,
}

const ORDERS: &str = "source order { table: \"dwd.order\"; key: id; time: at
  column id: string
  column at: timestamp
  column client: string
}
metric orders = count(order) { title: \"Orders\"; tier: kpi; owner: \"sales\"; grain: 1d }
";

impl Place {
    fn new() -> Place {
        let repo = Repo::new();
        repo.write("metricc.yaml", "name: shop\ntimezone: UTC\n")
            .write("metrics/orders.metric", ORDERS)
            .commit("first");
        repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        repo.git(&["checkout", "--quiet", "-b", "feature"]);
        repo.write("metrics/orders.metric", ORDERS.replace("count(order)", "count(order where client = \"web\")"));
        repo.commit("second");
        let place = Place { repo, programs: tempfile::tempdir().expect("a folder") };
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_metricc"), place.programs.path().join("metricc"))
            .expect("a link");
        place
    }

    /// A program that notes its arguments and what it is to send, and answers with a text.
    fn program(&self, name: &str, answer: &str) {
        let log = self.log().display().to_string();
        let text = format!(
            "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\" >> '{log}'; done\ncat <<'END'\n{answer}\nEND\n"
        );
        let path = self.programs.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
    }

    fn log(&self) -> PathBuf {
        self.programs.path().join("log")
    }

    /// What the program was asked for since the last time.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        fs::write(self.log(), "").expect("written");
        text.lines().map(str::to_owned).collect()
    }

    /// Runs a script as the platform does, and gives its exit code and what it prints.
    fn bash(&self, script: &str, env: &[(&str, &str)]) -> (i32, String) {
        let path = format!("{}:{}", self.programs.path().display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("bash");
        shell.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(self.repo.path(""));
        shell.env("PATH", path).env_remove("GITHUB_WORKSPACE").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let done = shell.envs(env.iter().copied()).output().expect("bash runs");
        let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        (done.status.code().unwrap_or(-1), text)
    }
}

/// Every script of the page.
fn scripts() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = steps().into_iter().collect();
    let gitlab = yaml(".gitlab-ci.yml");
    let lines = gitlab["metric-changes"]["script"].as_sequence().expect("lines").clone();
    all.extend(lines.iter().map(|line| ("gitlab".to_owned(), line.as_str().expect("a text").to_owned())));
    all.push(("hook".to_owned(), files()[".git/hooks/pre-push"].clone()));
    all
}

#[test]
fn every_script_is_one() {
    let all = scripts();
    assert!(all.len() >= 10, "{all:?}");
    for (name, script) in all {
        let done = Command::new("bash").args(["-n", "-c", &script]).output().expect("bash runs");
        assert!(done.status.success(), "{name}: {}\n{script}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn the_workflow_of_github_comments_once_and_renews_it() {
    let (place, steps) = (Place::new(), steps());
    let base = ("BASE", "origin/main");
    place.bash(&steps["Check"], &[base]);
    let (code, told) = place.bash(&steps["Compare"], &[base]);
    assert_eq!(code, 0, "{told}");
    let comment = fs::read_to_string(place.repo.path("metric-changes.md")).expect("a comment");
    assert!(comment.starts_with("<!-- metricc diff -->\n") && comment.contains("can only **fall**"), "{comment}");
    assert!(fs::read_to_string(place.repo.path("metric-changes.html")).expect("a page").contains("</html>"));

    let env = [base, ("GITHUB_REPOSITORY", "acme/shop"), ("PULL_REQUEST", "7"), ("GH_TOKEN", "secret")];
    place.program("gh", "");
    assert_eq!(place.bash(&steps["Comment"], &env).0, 0);
    let asked = place.asked();
    assert!(asked.contains(&"POST".to_owned()) && asked.contains(&"body=@metric-changes.md".to_owned()), "{asked:?}");
    assert!(asked.contains(&"repos/acme/shop/issues/7/comments".to_owned()), "{asked:?}");

    // Two are there, as an earlier run was not renewed: the first one is.
    place.program("gh", "41\n42");
    assert_eq!(place.bash(&steps["Comment"], &env).0, 0);
    let asked = place.asked();
    assert!(asked.contains(&"PATCH".to_owned()) && !asked.contains(&"POST".to_owned()), "{asked:?}");
    assert!(asked.contains(&"repos/acme/shop/issues/comments/41".to_owned()), "{asked:?}");

    let (code, told) = place.bash(&steps["Gate"], &[base]);
    assert_eq!(code, 0, "nothing is broken: {told}");
    assert!(told.contains("::warning file=metrics/orders.metric,line=6"), "{told}");
    place.repo.write("metrics/orders.metric", ORDERS.replace("metric orders", "metric all_orders")).commit("a rename");
    let (code, told) = place.bash(&steps["Gate"], &[base]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("::error") && told.contains("orders → all_orders"), "{told}");
}

#[test]
fn a_comment_is_written_where_a_side_has_errors_too() {
    let (place, steps) = (Place::new(), steps());
    place.repo.write("metrics/orders.metric", ORDERS.replace("count(order)", "count(oder)")).commit("a slip");
    let (code, _) = place.bash(&steps["Compare"], &[("BASE", "origin/main")]);
    assert_eq!(code, 2);
    let comment = fs::read_to_string(place.repo.path("metric-changes.md")).expect("a comment");
    assert!(comment.contains("`HEAD` can't be compared: 1 error") && comment.contains("E0207"), "{comment}");
}

#[test]
fn the_job_of_gitlab_writes_one_note() {
    let place = Place::new();
    let base = place.repo.git(&["rev-parse", "origin/main"]);
    let env = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.as_str()),
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
        ("CI_PROJECT_ID", "3"),
        ("CI_MERGE_REQUEST_IID", "5"),
        ("METRICS_TOKEN", "secret"),
    ];
    let script: Vec<String> =
        scripts().into_iter().filter(|(name, _)| name == "gitlab").map(|(_, line)| line).collect();
    let script = script.join("\n");
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    for (notes, found, wanted) in [
        ("[]", "", "POST"),
        (r#"[{"id": 1, "body": "hi"}, {"id": 9, "body": "<!-- metricc diff -->\nx"}]"#, "9", "PUT"),
    ] {
        place.program("curl", notes);
        if !has_jq {
            place.program("jq", found);
        }
        let (code, told) = place.bash(&script, &env);
        assert_eq!(code, 0, "{told}");
        let asked = place.asked();
        assert!(asked.contains(&wanted.to_owned()), "{asked:?}");
        let end = if found.is_empty() { "notes".to_owned() } else { format!("notes/{found}") };
        assert!(
            asked.iter().any(|word| word.ends_with(&end) && word.contains("/projects/3/merge_requests/5/")),
            "{asked:?}"
        );
        assert!(asked.contains(&"body@metric-changes.md".to_owned()), "{asked:?}");
    }
}

#[test]
fn the_hook_lets_pass_what_breaks_nobody() {
    let place = Place::new();
    let hook = &files()[".git/hooks/pre-push"];
    assert_eq!(place.bash(hook, &[]).0, 0);
    let gone = ORDERS.split("metric orders").next().expect("a text");
    place.repo.write("metrics/orders.metric", format!("{gone}metric others = count(order where client = \"x\")\n"));
    place.repo.commit("a metric is gone");
    assert_eq!(place.bash(hook, &[]).0, 1);
    assert!(command(&place.repo.path("")).args(["status", "--porcelain"]).output().expect("git").stdout.is_empty());
}
