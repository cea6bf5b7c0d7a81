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

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(default)
}

#[test]
fn clickhouse_agrees_with_the_oracle() {
    let Ok(path) = std::env::var("CHDB") else { return };
    let mut chdb = generate::chdb::Chdb::open(&path);
    let (first, count) = (number("METRICC_SEED", 0), number("METRICC_PROJECTS", 300));
    let mut report = String::new();
    let mut failed = 0;
    let mut asked = 0;
    for seed in first..first + count {
        let project = make::project(seed);
        let mut run = |sql: &str| chdb.run(sql);
        let found = check(&project, "r", &mut run, &mut asked);
        if let Err(why) = found {
            failed += 1;
            if failed <= number("SHRINK", 0) {
                let head: String = why.chars().take(60).collect();
                let small = generate::shrink::shrink(&project, 3000, &mut |p: &generate::model::Project| check(p, "r", &mut run, &mut asked).is_err_and(|w| w.starts_with(&head[..3])));
                let why = check(&small, "r", &mut run, &mut asked).unwrap_err();
                let oracle = generate::oracle::Oracle::new(&small).answer(&small.questions[0]);
                report += &small.case(&why, &[generate::case::Opinion { of: "oracle", answer: Ok(&oracle) }]);
            } else {
                report += &format!("{seed}: {why}\n");
            }
        }
    }
    std::fs::write("/tmp/gen_ch.txt", &report).unwrap();
    assert!(failed == 0, "{failed} of {count} ({asked} questions)");
}

fn check(project: &generate::model::Project, database: &str, run: &mut dyn FnMut(&str) -> Result<String, String>, asked: &mut usize) -> Result<(), String> {
    use generate::{clickhouse, compare, oracle::Oracle};
    let front = front::front(project, database).map_err(|e| format!("COMPILE {e}"))?;
    run(&format!("DROP DATABASE IF EXISTS {database}"))?;
    clickhouse::load(project, database, 2, run).map_err(|e| format!("LOAD {e}"))?;
    let oracle = Oracle::new(project);
    for question in &project.questions {
        let expected = oracle.answer(question);
        let select = clickhouse::select(&front, project, question).map_err(|e| format!("SELECT {e}"))?;
        let tell = |e: String| format!("{e}\n{}\n\n{select}\n", project.command(question));
        let rows = clickhouse::rows(&select, run).map_err(|e| tell(format!("RUN {e}")))?;
        let found = compare::read(project, &expected.columns, &rows).map_err(|e| tell(format!("READ {e}")))?;
        *asked += 1;
        if let Some(difference) = compare::difference(&expected, &found) {
            return Err(tell(format!("DIFF {difference}")));
        }
    }
    Ok(())
}
