//! Random projects: what the compiler, the dry run and the warehouse say of them must be what the language says.
//!
//! `METRICC_PROJECTS=5000` asks more of them, `METRICC_SEED=17` starts at another one. A failing project is made small and
//! printed as a case file, which can be dropped into `tests/cases`.

mod support;

#[path = "support/cases/mod.rs"]
mod cases;
#[path = "support/generate/mod.rs"]
mod generate;

use std::fmt::Write as _;

use cases::Case;
use generate::case::{ORACLE, Opinion};
use generate::judge::{Engines, judge, smallest_case};
use generate::make;
use generate::oracle::Oracle;

/// How many failing projects are made small; the others are named.
const SHOWN: usize = 3;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number")),
        Err(_) => default,
    }
}

#[test]
fn a_seed_always_gives_the_same_project() {
    for seed in 0..50 {
        assert_eq!(make::project(seed), make::project(seed));
    }
}

/// What is printed of a failing project can be dropped into `tests/cases`: the runner of the cases reads it and, where nothing is
/// wrong, agrees with the oracle.
#[test]
fn a_printed_project_is_a_case() {
    let mut wrong = String::new();
    for seed in 1..=6 {
        let mut project = make::project(seed);
        project.questions.truncate(1);
        let answer = Oracle::new(&project).answer(&project.questions[0]);
        let text = project.case("Nothing is wrong with it.", &[Opinion { of: ORACLE, answer: Ok(&answer) }]);
        let case = Case::read("random", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(case.questions[0].answer.is_some() && !case.samples.is_empty(), "{text}");
        for one in cases::judge::judged(&case) {
            let _ = writeln!(wrong, "{seed}: {one}\n{text}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn all_engines_agree_on_random_projects() {
    let clickhouse = support::engines::wanted("clickhouse", support::here!());
    let engines = Engines { clickhouse, dry_run: cfg!(feature = "dry-run") };
    let (first, count) = (setting("METRICC_SEED", 1), setting("METRICC_PROJECTS", 40));
    let (mut questions, mut failed, mut report) = (0, 0, String::new());
    for seed in first..first + count {
        let project = make::project(seed);
        match judge(&project, engines) {
            Ok(asked) => questions += asked,
            Err(failure) => {
                failed += 1;
                let line = failure.why.lines().next().unwrap_or_default().to_owned();
                let _ = writeln!(report, "METRICC_SEED={seed}: {line}");
                if failed <= SHOWN {
                    report.push_str(&smallest_case(&project, engines, failure));
                }
            }
        }
    }
    assert!(failed == 0, "{failed} of {count} projects failed\n{report}");
    assert!(questions as u64 >= count * 2, "{questions} questions are too few for {count} projects");
}
