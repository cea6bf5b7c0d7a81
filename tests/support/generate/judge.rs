//! Puts the questions of a project to every engine and compares the answers with the oracle's.

use std::panic::AssertUnwindSafe;

use super::case::{ORACLE, Opinion};
use super::clickhouse::{self, Blocks};
use super::compare::{difference, read};
#[cfg(feature = "dry-run")]
use super::dry_run;
use super::front::{front, is_refusal};
use super::model::*;
use super::oracle::{Answer, Oracle};
use super::shrink::shrink;
use crate::support::clickhouse::Session;

/// Who is asked beside the oracle.
#[derive(Clone, Copy, Debug)]
pub struct Engines {
    pub clickhouse: bool,
    #[cfg_attr(not(feature = "dry-run"), allow(dead_code))]
    pub dry_run: bool,
}

/// What came of a project's questions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// Answered alike by everybody.
    pub answered: usize,
    /// Not compiled yet.
    pub refused: usize,
}

/// What went wrong with a project.
pub struct Failure {
    /// Where and how, in few words: a smaller project must fail in the same way.
    pub kind: String,
    /// In full.
    pub why: String,
    /// What everybody answered, where there are answers.
    answers: Vec<(&'static str, Result<Vec<Vec<Value>>, String>)>,
}

impl Failure {
    fn new(engine: &str, why: String) -> Failure {
        // A code of the compiler or of the engine tells failures apart.
        let code: String = why.chars().take_while(|c| *c != '.' && *c != '`' && *c != '\n').take(40).collect();
        Failure { kind: format!("{engine}: {code}"), why: format!("{engine}: {why}"), answers: Vec::new() }
    }
}

/// Judges projects one after another, with engines that are started once.
pub struct Judge {
    session: Option<Session>,
    #[cfg(feature = "dry-run")]
    dry: Option<dry_run::DryRuns>,
}

impl Judge {
    /// Starts the engines.
    pub fn new(engines: Engines) -> Judge {
        Judge {
            session: engines.clickhouse.then(Session::new),
            #[cfg(feature = "dry-run")]
            dry: engines.dry_run.then(dry_run::DryRuns::default),
        }
    }

    /// Asks all questions of a project.
    pub fn judge(&mut self, project: &Project) -> Result<Asked, Failure> {
        std::panic::catch_unwind(AssertUnwindSafe(|| self.answers(project))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(Failure::new("panic", text.unwrap_or_default()))
        })
    }

    fn answers(&mut self, project: &Project) -> Result<Asked, Failure> {
        let database = self.session.as_ref().map_or("dwd", Session::database);
        let oracle = Oracle::new(project);
        let front = match front(project, database) {
            Ok(front) => front,
            Err(errors) if is_refusal(&errors) => {
                // What cannot be asked yet has an answer all the same.
                project.questions.iter().for_each(|question| drop(oracle.answer(question)));
                return Ok(Asked { answered: 0, refused: project.questions.len() });
            }
            Err(errors) => return Err(Failure::new("compiler", errors)),
        };
        self.load(project).map_err(|error| Failure::new("ClickHouse cannot load", error))?;
        #[cfg(feature = "dry-run")]
        let dry = match &mut self.dry {
            Some(all) => Some(all.load(project, &front).map_err(|error| Failure::new("dry run cannot load", error))?),
            None => None,
        };
        let mut asked = Asked::default();
        for question in &project.questions {
            let right = oracle.answer(question);
            match front.plan(project, question) {
                Ok(_) => asked.answered += 1,
                Err(errors) if is_refusal(&errors) => {
                    asked.refused += 1;
                    continue;
                }
                Err(errors) => return Err(Failure::new("plan", errors)),
            }
            let mut answers: Vec<(&'static str, Result<Vec<Vec<Value>>, String>)> = Vec::new();
            let mut text = String::new();
            #[cfg(feature = "dry-run")]
            if let Some(dry) = dry {
                answers.push(("dry run", dry_run::rows(dry, &front, project, question)));
            }
            if let Some(session) = &self.session {
                let select = clickhouse::select(&front, project, question);
                text.clone_from(select.as_ref().unwrap_or(&String::new()));
                let rows = select.and_then(|select| clickhouse::rows(&select, session));
                answers.push(("ClickHouse", rows.and_then(|rows| read(project, &right.columns, &rows))));
            }
            for (engine, answer) in &answers {
                let wrong = match answer {
                    Ok(rows) => difference(&right, rows),
                    Err(error) => Some(error.clone()),
                };
                if let Some(wrong) = wrong {
                    let failure = Failure::new(engine, wrong);
                    let why = format!("{}\n\n`{}`\n\n```sql\n{text}\n```", failure.why, project.command(question));
                    return Err(Failure { why, answers, ..failure });
                }
            }
        }
        Ok(asked)
    }

    /// Puts the project's tables in place of those of the last one.
    fn load(&self, project: &Project) -> Result<(), String> {
        let Some(session) = &self.session else { return Ok(()) };
        session.clear();
        clickhouse::load(project, session, Blocks::of(project.seed))
    }

    /// The case file of a failing project, made as small as it gets.
    pub fn smallest_case(&mut self, project: &Project, failure: Failure) -> String {
        let kind = failure.kind.clone();
        let mut same = |candidate: &Project| self.judge(candidate).is_err_and(|found| found.kind == kind);
        let small = shrink(project, 3_000, &mut same);
        let failure = self.judge(&small).err().unwrap_or(failure);
        let right: Option<Answer> = match &small.questions[..] {
            [question] if !failure.answers.is_empty() => Some(Oracle::new(&small).answer(question)),
            _ => None,
        };
        let answers: Vec<(&str, Result<Answer, &str>)> = (failure.answers.iter())
            .filter_map(|(engine, rows)| {
                let shaped = |rows: &Vec<Vec<Value>>| Some(Answer { rows: rows.clone(), ..right.clone()? });
                Some((
                    *engine,
                    match rows {
                        Ok(rows) => Ok(shaped(rows)?),
                        Err(error) => Err(error.as_str()),
                    },
                ))
            })
            .collect();
        let right = right.iter().map(|answer| Opinion { of: ORACLE, answer: Ok(answer) });
        let others = answers.iter().map(|(of, answer)| Opinion { of, answer: answer.as_ref().map_err(|error| *error) });
        small.case(&failure.why, &right.chain(others).collect::<Vec<_>>())
    }
}
