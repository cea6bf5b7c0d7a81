//! Random projects whose questions are served from rollups: as rows arrive, day by day, hour by hour, and in layers of these.
//!
//! Every question of a project becomes a view, for the whole span of the data, that is to be served in some way. What it
//! gives must be what the oracle says. `METRICC_PROJECTS` and `METRICC_SEED` are as for the random projects.

mod support;

// The random projects use all of it.
#[allow(dead_code)]
#[path = "support/generate/mod.rs"]
mod generate;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use generate::clickhouse::{self, Blocks};
use generate::compare::{difference, read};
use generate::front::{Front, errors, front};
use generate::make;
use generate::model::{Construct, Project, Question, Step};
use generate::oracle::Oracle;
use metricc::diagnostic::{FileId, Span, Spanned};
use metricc::emit::{self, Emitted, Input, MetricView};
use metricc::project::{ClickhouseTarget, Target, TargetSettings};
use metricc::types::Serve;
use metricc::value::Step as PlanStep;
use support::batches::Batches;
use support::clickhouse::Session;
use support::rolled;

const MINUTE: i64 = 60_000;

/// The ways to serve, each in turn.
const WAYS: &[&[Serve]] = &[
    &[Serve::Daily],
    &[Serve::Stream(PlanStep::Subday(60 * MINUTE))],
    &[Serve::Daily, Serve::Live],
    &[Serve::Hourly],
    &[Serve::Stream(PlanStep::Subday(MINUTE)), Serve::Daily],
    &[Serve::Live, Serve::Hourly, Serve::Daily],
    &[Serve::Hourly, Serve::Stream(PlanStep::Subday(15 * MINUTE)), Serve::Daily],
];

/// How many failing projects are printed.
const SHOWN: usize = 1;

/// How a question is served.
fn way(seed: u64, at: usize) -> &'static [Serve] {
    WAYS[(seed as usize + at) % WAYS.len()]
}

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number")),
        Err(_) => default,
    }
}

/// The questions of a project without what a view does not have.
fn questions(project: &Project) -> Vec<Question> {
    let whole = |question: &Question| Question {
        range: None,
        exact: None,
        as_of: None,
        marks: false,
        top: None,
        having: None,
        limit: None,
        order: Vec::new(),
        ..question.clone()
    };
    let bears = |question: &Question| {
        let mut metrics = question.metrics.iter().filter_map(|name| project.metric(name));
        metrics.all(|metric| {
            // Each of the many buckets of all of the data would have a value.
            let dense = matches!(question.step, Some(Step::Subday(_))) && project.is_moved(&metric.formula);
            !dense && project.bears(&metric.formula, question.step, false)
        })
    };
    project.questions.iter().map(whole).filter(bears).collect()
}

/// What a project becomes: the views of its questions.
struct Built {
    project: Project,
    front: Front,
    questions: Vec<Question>,
    input: Input,
    target: Target,
    emitted: Emitted,
}

impl Built {
    fn new(seed: u64, database: &str) -> Result<Built, String> {
        let project = make::with(seed, Construct::SUPPORTED);
        let front = front(&project, database)?;
        let questions = questions(&project);
        let (mut input, _) = emit::input(&front.compiled.model);
        let views = questions.iter().enumerate();
        let views = views.map(|(at, question)| view(&project, &front, question, at, way(seed, at)));
        input.metrics = views.collect::<Result<_, String>>()?;
        let settings = TargetSettings::Clickhouse(ClickhouseTarget::default());
        let nowhere = Span::new(FileId(0), 0, 0);
        let target = Target { file: FileId(0), name: Spanned::new("ch".to_owned(), nowhere), settings };
        let (emitted, told) = emit::emit(&input, &target);
        if told.has_errors() {
            return Err(errors(&told));
        }
        Ok(Built { project, front, questions, input, target, emitted })
    }

    /// How a view is served, for people.
    fn served(&self, at: usize) -> String {
        let told = &self.emitted.details["metrics"][at];
        format!("from {} ({})", told["rollups"], told["not_served"])
    }

    fn is_rolled(&self, at: usize) -> bool {
        self.emitted.details["metrics"][at]["rollups"].as_array().is_some_and(|rollups| !rollups.is_empty())
    }

    /// What is wrong with the views, once all batches have built all days.
    fn wrong(&self, session: &Session) -> Result<(), String> {
        let batches = Batches { emitted: &self.emitted, session };
        clickhouse::create(&self.project, session)?;
        batches.apply("ch/apply.sql")?;
        clickhouse::insert(&self.project, session, Blocks::of(self.project.seed))?;
        for rollup in self.emitted.details["rollups"].as_array().expect("a list") {
            if rollup["filled"] == "rebuilt" {
                let view = rollup["view"].as_str().expect("a name");
                for verb in ["WAIT", "REFRESH", "WAIT"] {
                    session.execute(&format!("SYSTEM {verb} VIEW {view}"))?;
                }
            }
        }
        // First no batch has run: what comes from the source or a stream is all there. Then some days are built, then all.
        for last in [None, Some("2026-06-01"), Some("2030-01-01")] {
            for name in batches.names() {
                let Some(last) = last else { continue };
                let last = if name.ends_with("daily") { last.to_owned() } else { format!("{last} 00:00:00") };
                batches.run(&name, "history", &last)?;
            }
            let complete = |at: usize| {
                let serve = way(self.project.seed, at);
                let batched = |serve: &Serve| matches!(serve, Serve::Daily | Serve::Hourly);
                last == Some("2030-01-01") || !serve.iter().all(batched) || !self.is_rolled(at)
            };
            for (at, question) in self.questions.iter().enumerate().filter(|(at, _)| complete(*at)) {
                if let Some(wrong) = self.difference(at, question, session) {
                    let select = self.emitted.artifacts.iter().find(|one| one.path.ends_with("apply.sql"));
                    let text = select.map_or("", |one| one.text.as_str());
                    let served = self.served(at);
                    return Err(format!(
                        "q{at} {served}, built to {last:?}: {wrong}\n`{}`\n{text}",
                        self.project.command(question)
                    ));
                }
            }
        }
        if self.input.metrics.is_empty() {
            return Ok(());
        }
        let (wrong, _) = rolled::differences(session, &self.input, &self.emitted);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }

    /// What is wrong with the answers of the project's own questions, with their ranges, conditions and orders, out of the
    /// rollups that were planned for the views; and how many are read from some.
    fn asked(&self, session: &Session) -> Result<usize, String> {
        let mut routed = 0;
        for (at, question) in self.project.questions.iter().enumerate() {
            let query = self.front.plan(&self.project, question)?;
            let asked = emit::asked(way(self.project.seed, at));
            let answered = emit::answer(&self.input, &self.target, &query, &asked).map_err(|told| errors(&told))?;
            routed += usize::from(!answered.from.is_empty());
            let right = Oracle::new(&self.project).answer(question);
            let found = clickhouse::rows(&answered.sql, session);
            let wrong = match found.and_then(|rows| read(&self.project, &right.columns, &rows)) {
                Ok(rows) => difference(&right, &rows),
                Err(error) => Some(error),
            };
            if let Some(wrong) = wrong {
                let command = self.project.command(question);
                return Err(format!("{wrong}\n`{command}`\nfrom {:?}\n{}", answered.from, answered.sql));
            }
        }
        Ok(routed)
    }

    fn difference(&self, at: usize, question: &Question, session: &Session) -> Option<String> {
        let right = Oracle::new(&self.project).answer(question);
        let grain = question.step.map_or("total".to_owned(), Step::text);
        let keys: Vec<String> =
            (1..=usize::from(question.step.is_some()) + question.by.len()).map(|at| at.to_string()).collect();
        let order = if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) };
        let found = clickhouse::rows(&format!("SELECT * FROM metrics.`q{at}__{grain}`{order}"), session);
        let found = found.and_then(|rows| read(&self.project, &right.columns, &rows));
        match found {
            Ok(rows) => difference(&right, &rows),
            Err(error) => Some(error),
        }
    }
}

fn view(
    project: &Project,
    front: &Front,
    question: &Question,
    at: usize,
    serve: &[Serve],
) -> Result<MetricView, String> {
    let query = front.plan(project, question)?;
    Ok(MetricView {
        name: format!("q{at}"),
        version: 1,
        current: true,
        title: None,
        step: query.step,
        query,
        serve: serve.to_vec(),
        tier: None,
        about: metricc::emit::About::default(),
        fingerprint: None,
        span: None,
    })
}

/// The project as a case, so that what fails can be looked at.
fn printed(built: &Built, why: &str) -> String {
    built.project.case(why, &[])
}

#[test]
fn every_rollup_gives_what_its_source_gives() {
    support::engine!("clickhouse");
    let (first, count) = (setting("METRICC_SEED", 1), setting("METRICC_PROJECTS", 40));
    let session = Session::exclusive();
    let mut failed: BTreeMap<u64, String> = BTreeMap::new();
    let (mut rolled, mut all, mut routed, mut asked) = (0, 0, 0, 0);
    for seed in first..first + count {
        session.clear();
        session.execute("DROP DATABASE IF EXISTS metrics").expect("a statement");
        let built = match Built::new(seed, session.database()) {
            Ok(built) => built,
            Err(error) => {
                failed.insert(seed, error);
                continue;
            }
        };
        all += built.questions.len();
        rolled += (0..built.questions.len()).filter(|at| built.is_rolled(*at)).count();
        let outcome = built.wrong(&session).and_then(|()| built.asked(&session));
        asked += built.project.questions.len();
        routed += outcome.as_ref().map_or(0, |count| *count);
        if let Err(wrong) = outcome {
            let text = if failed.len() < SHOWN {
                printed(&built, &wrong)
            } else {
                wrong.lines().next().unwrap_or_default().to_owned()
            };
            failed.insert(seed, text);
        }
    }
    let mut report = String::new();
    for (seed, why) in &failed {
        let _ = writeln!(report, "METRICC_SEED={seed}: {why}");
    }
    assert!(failed.is_empty(), "{} of {count} projects failed\n{report}", failed.len());
    println!("{rolled} of {all} views are served from rollups, and {routed} of {asked} questions are read from some");
    assert!(routed * 3 > asked, "only {routed} of {asked} questions are read from rollups");
    assert!(rolled * 2 > all, "only {rolled} of {all} questions are served from rollups");
}
