//! Puts the questions of a project to every engine and compares the answers with the oracle's.

use super::case::{ORACLE, Opinion};
use super::clickhouse::{self, Blocks};
use super::compare::{difference, read};
#[cfg(feature = "dry-run")]
use super::dry_run;
use super::front::front;
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

/// Asks all questions of a project; gives their number.
pub fn judge(project: &Project, engines: Engines) -> Result<usize, Failure> {
    let session = engines.clickhouse.then(Session::new);
    let database = session.as_ref().map_or("dwd", Session::database);
    let front = front(project, database).map_err(|error| Failure::new("compiler", error))?;
    if let Some(session) = &session {
        clickhouse::load(project, session, Blocks::of(project.seed))
            .map_err(|error| Failure::new("ClickHouse cannot load", error))?;
    }
    #[cfg(feature = "dry-run")]
    let dry = match engines.dry_run {
        true => Some(dry_run::load(project, &front).map_err(|error| Failure::new("dry run cannot load", error))?),
        false => None,
    };
    let oracle = Oracle::new(project);
    for question in &project.questions {
        let right = oracle.answer(question);
        let mut answers: Vec<(&'static str, Result<Vec<Vec<Value>>, String>)> = Vec::new();
        let mut text = String::new();
        #[cfg(feature = "dry-run")]
        if let Some(dry) = &dry {
            answers.push(("dry run", dry_run::rows(dry, &front, project, question)));
        }
        if let Some(session) = &session {
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
    Ok(project.questions.len())
}

/// The case file of a failing project, made as small as it gets.
pub fn smallest_case(project: &Project, engines: Engines, failure: Failure) -> String {
    let same = |candidate: &Project| judge(candidate, engines).is_err_and(|found| found.kind == failure.kind);
    let small = shrink(project, 3_000, &mut { same });
    let failure = judge(&small, engines).err().unwrap_or(failure);
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
