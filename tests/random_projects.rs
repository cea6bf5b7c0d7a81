//! Random projects: what the compiler, the dry run and the warehouse say of them must be what the language says.

#[path = "support/generate/mod.rs"]
mod generate;

use generate::make;

#[test]
fn a_seed_always_gives_the_same_project() {
    for seed in 0..50 {
        assert_eq!(make::project(seed), make::project(seed));
    }
}

#[test]
fn dump() {
    let p = make::project(std::env::var("S").ok().and_then(|s| s.parse().ok()).unwrap_or(7));
    println!("{}", p.case("x", &[]));
    for q in &p.questions {
        println!("{}", p.command(q));
        println!("{}", generate::oracle::Oracle::new(&p).answer(q).csv(p.zone));
    }
}

#[test]
fn all_answer() {
    let mut n = 0;
    let mut rows = 0;
    let mut empty = 0;
    for seed in 0..3000 {
        let p = make::project(seed);
        let o = generate::oracle::Oracle::new(&p);
        for q in &p.questions {
            let a = o.answer(q);
            n += 1;
            rows += a.rows.len();
            empty += usize::from(a.rows.is_empty());
        }
    }
    println!("{n} questions, {rows} rows, {empty} empty");
}
