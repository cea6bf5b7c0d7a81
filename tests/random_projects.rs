//! Random projects: what the compiler, the dry run and the warehouse say of them must be what the language says.

#[path = "support/generate/mod.rs"]
mod generate;

use generate::{front, make};

#[test]
fn a_seed_always_gives_the_same_project() {
    for seed in 0..50 {
        assert_eq!(make::project(seed), make::project(seed));
    }
}

#[test]
fn every_project_compiles() {
    let mut bad = 0;
    let mut all = String::new();
    for seed in 0..std::env::var("N").ok().and_then(|s| s.parse().ok()).unwrap_or(300) {
        let project = make::project(seed);
        match front::front(&project, "dwd") {
            Ok(front) => {
                for question in &project.questions {
                    if let Err(e) = front.plan(&project, question) {
                        all += &format!("{seed}: Q {e}    {}\n", project.command(question));
                    }
                }
            }
            Err(errors) => {
                bad += 1;
                all += &format!("{seed}: {errors}");
            }
        }
    }
    std::fs::write("/tmp/gen_errors.txt", &all).unwrap();
    assert!(all.is_empty(), "{bad} of 300");
}
