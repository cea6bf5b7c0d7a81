//! Random projects: what the compiler, the dry run and the warehouse say of them must be what the language says.
//!
//! `METRICC_PROJECTS=5000` asks more of them, `METRICC_SEED=17` starts at another one, `METRICC_FORMS=OverDays,Across` puts forms
//! into them that are not known to compile. A failing project is made small and printed as a case file, which can be dropped
//! into `tests/cases`; of three of them, or as many as `METRICC_SHOWN` tells.

mod support;

#[path = "support/cases/mod.rs"]
mod cases;
#[path = "support/generate/mod.rs"]
mod generate;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use cases::Case;
use generate::case::{ORACLE, Opinion};
use generate::features::{OPERATORS, WANTED, features};
use generate::judge::{Asked, Engines, Judge};
use generate::make;
use generate::model::Construct;
use generate::oracle::Oracle;

/// How many failing projects are made small, unless `METRICC_SHOWN` tells; the others are named.
const SHOWN: u64 = 3;

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
fn the_first_projects_have_everything_in_them() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 1..=300 {
        for name in features(&make::project(seed)) {
            *counts.entry(name).or_default() += 1;
        }
    }
    let times = |name: &&str| counts.get(*name).copied().unwrap_or(0);
    let rare: Vec<String> = (WANTED.iter().chain(OPERATORS).filter(|name| times(name) < 2))
        .map(|name| format!("{name}: in {} projects", times(name)))
        .collect();
    for (n, c) in &counts {
        println!("{n}: {c}");
    }
    assert!(rare.is_empty(), "hardly generated:\n{}", rare.join("\n"));
}

#[test]
fn all_engines_agree_on_random_projects() {
    let clickhouse = support::engines::wanted("clickhouse", support::here!());
    let engines = Engines { clickhouse, dry_run: cfg!(feature = "dry-run") };
    let (first, count) = (setting("METRICC_SEED", 1), setting("METRICC_PROJECTS", 300));
    let forms = forms();
    let outcome = judge_all(first..first + count, engines, &forms);
    assert!(outcome.failed.is_empty(), "{} of {count} projects failed\n{}", outcome.failed.len(), outcome.report());
    let answered = outcome.asked.answered;
    println!("{answered} questions answered, {} refused", outcome.asked.refused);
    let supported = forms.iter().all(|form| Construct::SUPPORTED.contains(form));
    assert!(!supported || outcome.asked.refused == 0, "{} questions are refused", outcome.asked.refused);
    assert!(!supported || answered as u64 >= count * 2, "{answered} questions are too few for {count} projects");
}

/// The forms to generate: those known to compile, or the ones that `METRICC_FORMS` names (`all`, or `OverDays,Across`).
fn forms() -> Vec<Construct> {
    match std::env::var("METRICC_FORMS") {
        Ok(names) if names == "all" => Construct::ALL.to_vec(),
        Ok(names) => (names.split(',').filter(|name| !name.is_empty()))
            .map(|name| Construct::named(name).unwrap_or_else(|| panic!("no form is named `{name}`")))
            .collect(),
        Err(_) => Construct::SUPPORTED.to_vec(),
    }
}

#[test]
fn forms_that_do_not_compile_yet_are_refused_and_nothing_else() {
    let outcome = judge_all(1..201, Engines { clickhouse: false, dry_run: false }, &Construct::ALL);
    assert!(outcome.failed.is_empty(), "{} projects failed\n{}", outcome.failed.len(), outcome.report());
    let all_compile = Construct::ALL.iter().all(|form| Construct::SUPPORTED.contains(form));
    assert_eq!(outcome.asked.refused == 0, all_compile, "{:?}", outcome.asked);
}

#[test]
fn every_form_is_asked_for() {
    let mut counts: BTreeMap<Construct, usize> = BTreeMap::new();
    for seed in 1..=200 {
        let project = make::with(seed, &Construct::ALL);
        for question in &project.questions {
            let asked = question.metrics.iter().filter_map(|name| project.metric(name));
            let asked = asked.flat_map(|metric| project.metric_constructs(metric));
            let used: BTreeSet<Construct> = asked.chain(question.constructs()).collect();
            used.into_iter().for_each(|form| *counts.entry(form).or_default() += 1);
        }
    }
    for form in Construct::ALL {
        let times = counts.get(&form).copied().unwrap_or(0);
        assert!(times >= 10, "{form:?} is asked for {times} times: {counts:?}");
    }
}

/// What came of some projects.
#[derive(Default)]
struct Outcome {
    asked: Asked,
    /// Seeds and what is wrong: a line, or a case file.
    failed: BTreeMap<u64, String>,
}

impl Outcome {
    fn report(&self) -> String {
        let mut text = String::new();
        for (seed, why) in &self.failed {
            let _ = writeln!(text, "METRICC_SEED={seed}: {why}");
        }
        text
    }
}

/// Judges projects on all cores: while one waits for an engine, another one is worked on.
fn judge_all(seeds: Range<u64>, engines: Engines, forms: &[Construct]) -> Outcome {
    let (next, outcome) = (AtomicU64::new(seeds.start), Mutex::new(Outcome::default()));
    let work = || {
        let mut judge = Judge::new(engines);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let project = make::with(seed, forms);
            let verdict = judge.judge(&project);
            let mut found = outcome.lock().expect("no thread panics");
            match verdict {
                Ok(asked) => {
                    found.asked.answered += asked.answered;
                    found.asked.refused += asked.refused;
                }
                Err(failure) => {
                    let line = failure.why.lines().next().unwrap_or_default().to_owned();
                    found.failed.insert(seed, line.clone());
                    if found.failed.len() as u64 <= setting("METRICC_SHOWN", SHOWN) {
                        drop(found);
                        let case = judge.smallest_case(&project, failure);
                        outcome.lock().expect("no thread panics").failed.insert(seed, format!("{line}\n{case}"));
                    }
                }
            }
        }
    };
    let name = support::report::current_test();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8) {
            std::thread::Builder::new().name(name.clone()).spawn_scoped(scope, work).expect("a thread");
        }
    });
    outcome.into_inner().expect("no thread panics")
}
