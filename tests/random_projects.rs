//! Random projects: what the compiler, the dry run and the warehouse say of them must be what the language says.
//!
//! `METRICC_PROJECTS=5000` asks more of them, `METRICC_SEED=17` starts at another one. A failing project is made small and
//! printed as a case file.

mod support;

#[path = "support/generate/mod.rs"]
mod generate;

use std::fmt::Write as _;

use generate::judge::{Engines, judge, smallest_case};
use generate::make;

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
