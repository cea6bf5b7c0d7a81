//! Projects in revisions of git: what is read of them, and what is told where that can't be done.

mod support;

use metricc::project::{GitFiles, Project, Repository, load};

use support::git::Repo;

const CONFIG: &str = "name: shop\ntimezone: UTC\n";

fn at(repo: &Repo, folder: &str, revision: &str) -> Result<GitFiles, String> {
    let told = |wrong: Box<metricc::diagnostic::Diagnostic>| {
        format!("{} {} ({})", wrong.code, wrong.message, wrong.help.unwrap_or_default())
    };
    Repository::of(&repo.path(folder)).map_err(told)?.files(revision).map_err(told)
}

fn wrong(repo: &Repo, folder: &str, revision: &str) -> String {
    at(repo, folder, revision).expect_err("it can't be read")
}

fn read(repo: &Repo, folder: &str, revision: &str) -> (Option<Project>, Vec<String>) {
    let files = at(repo, folder, revision).expect("a project");
    let (project, found) = load(&files);
    (project, found.iter().map(|one| format!("{} {}", one.code, one.message)).collect())
}

fn texts(project: &Project) -> Vec<(String, String)> {
    let of = |file: &metricc::diagnostic::FileId| {
        let file = project.sources.file(*file);
        (file.path.clone(), file.text.clone())
    };
    project.files.iter().map(of).collect()
}

#[test]
fn a_revision_is_read_while_the_files_are_others() {
    let repo = Repo::new();
    repo.write("shop/metricc.yaml", CONFIG).write("shop/metrics/指标.metric", "metric a = 1\n");
    repo.write("shop/metrics/.hidden/x.metric", "broken").write("shop/targets/ch.yaml", "kind: clickhouse\n");
    repo.write("other/metricc.yaml", "broken: [").commit("first");
    repo.git(&["tag", "v1"]);
    repo.write("shop/metrics/指标.metric", "metric a = 2\n").commit("second");
    repo.write("shop/metrics/指标.metric", "metric a = 3\n");

    let (project, told) = read(&repo, "shop", "v1");
    assert_eq!(told, [""; 0]);
    let project = project.expect("a project");
    assert_eq!(texts(&project), [("metrics/指标.metric".to_owned(), "metric a = 1\n".to_owned())]);
    assert!(project.target("ch").is_some());
    let (project, _) = read(&repo, "shop", "HEAD");
    assert_eq!(texts(&project.expect("a project"))[0].1, "metric a = 2\n");
    // Also from a folder inside of another one, with all ways to name a revision.
    for revision in ["HEAD~1", "main^", "v1^{}", &repo.git(&["rev-parse", "--short", "v1"])] {
        assert!(at(&repo, "shop", revision).is_ok(), "{revision}");
    }
    assert!(repo.git(&["status", "--porcelain"]).starts_with("M "), "the edit is still there, and nothing else is");
}

#[test]
fn what_a_revision_can_not_hold_is_told() {
    let repo = Repo::new();
    repo.write("metricc.yaml", "name: shop\ntimezone: UTC\npaths: [metrics, vendor]\n");
    repo.write("metrics/a.metric", "metric a = 1\n").write("shared/b.metric", "metric b = 1\n");
    repo.write("metrics/large.metric", vec![b' '; 17 << 20]);
    for (link, target) in
        [("metrics/shared", "../shared"), ("metrics/out.metric", "/etc/hostname"), ("metrics/up", "..")]
    {
        std::os::unix::fs::symlink(target, repo.path(link)).expect("a link");
    }
    let first = repo.commit("first");
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},vendor/defs")]);
    repo.git(&["commit", "--quiet", "--message", "a submodule"]);

    let (project, told) = read(&repo, "", "HEAD");
    assert_eq!(
        told,
        [
            "E0003 `metrics/large.metric` is too large to be read: 17 MB, more than 16 MB",
            "E0057 the link `metrics/out.metric` leads out of the repository, to `/etc/hostname`: a revision has no such file",
            "E0006 the link `metrics/up` leads back to `.`, which holds it",
            "E0056 `vendor/defs` is a submodule: git keeps its files elsewhere",
        ]
    );
    let project = project.expect("a project");
    let read: Vec<String> = texts(&project).into_iter().map(|(path, _)| path).collect();
    assert_eq!(read, ["metrics/a.metric", "metrics/shared/b.metric"]);
}

#[test]
fn revisions_that_are_not_there_are_told() {
    let repo = Repo::new();
    repo.write("metricc.yaml", CONFIG);
    assert!(wrong(&repo, "", "HEAD").starts_with("E0052 git knows no revision `HEAD` (there is no commit yet"));
    repo.commit("first");
    repo.git(&["branch", "release"]);
    assert!(wrong(&repo, "", "relaese").ends_with("(did you mean `release`?)"));
    for name in ["--help", "-x", "", "a\nb"] {
        assert!(wrong(&repo, "", name).starts_with("E0052 `"), "{name}");
    }
    // What names a file or several commits is no revision.
    for name in ["HEAD:metricc.yaml", "HEAD~1..HEAD", "^release", "0000000000"] {
        assert!(wrong(&repo, "", name).starts_with("E0052 git knows no revision"), "{name}");
    }
    assert!(wrong(&repo, "", "release..HEAD").contains("write `release HEAD`, or `release...HEAD` alone"));
    repo.write("new/metricc.yaml", CONFIG);
    assert!(wrong(&repo, "new", "HEAD").starts_with("E0053 there is no project in `new/` in `HEAD`"));
}

#[test]
fn a_shallow_clone_and_a_plain_folder_say_what_to_do() {
    let repo = Repo::new();
    repo.write("metricc.yaml", CONFIG);
    let first = repo.commit("first");
    repo.write("metrics/a.metric", "metric a = 1\n").commit("second");
    let clone = repo.shallow();
    let told = wrong(&clone, "", &first);
    assert!(told.starts_with("E0055") && told.contains("fetch-depth: 0"), "{told}");
    assert!(at(&clone, "", "HEAD").is_ok());

    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = Repository::of(folder.path()).expect_err("no repository");
    assert_eq!(told.code, metricc::diagnostic::codes::E0051);
    let told = Repository::of(&repo.path(".git")).expect_err("no working tree");
    assert_eq!(told.code, metricc::diagnostic::codes::E0051);
}

#[test]
fn the_newest_common_commit_is_found_or_its_absence_told() {
    let repo = Repo::new();
    repo.write("metricc.yaml", CONFIG);
    let first = repo.commit("first");
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    repo.commit("on a branch");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("on main");
    let git = Repository::of(&repo.path("")).expect("a repository");
    assert_eq!(git.merge_base("main", "feature").expect("a commit"), first);
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.commit("from nothing");
    assert_eq!(git.merge_base("main", "other").expect_err("none").code, metricc::diagnostic::codes::E0058);
}

#[test]
fn two_revisions_are_read_together_as_each_alone() {
    let repo = Repo::new();
    repo.write("metricc.yaml", CONFIG).write("metrics/a.metric", "metric a = 1\n");
    repo.write("metrics/b.metric", "metric b = 1\n").write("copy.csv", "metric a = 1\n").commit("first");
    repo.write("metrics/b.metric", "metric b = 2\n").write("metrics/c.metric", "metric a = 1\n").commit("second");
    let git = Repository::of(&repo.path("")).expect("a repository");
    let told = |files: GitFiles| texts(&load(&files).0.expect("a project"));
    let alone = |revision: &str| told(git.files(revision).expect("a project"));
    let (one, other) = git.files_of_both("HEAD~1", "HEAD");
    assert_eq!((told(one.unwrap()), told(other.unwrap())), (alone("HEAD~1"), alone("HEAD")));
    assert_eq!(alone("HEAD~1")[1].1, "metric b = 1\n");
    assert_eq!(alone("HEAD").len(), 3);
    // One that is not there does not hide the other.
    let (one, other) = git.files_of_both("HEAD~9", "HEAD");
    assert_eq!(one.expect_err("no such revision").code.to_string(), "E0052");
    assert_eq!(told(other.unwrap()), alone("HEAD"));
}
