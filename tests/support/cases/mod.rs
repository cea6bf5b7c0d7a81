//! Case files: one Markdown file of `tests/cases` is one small project with what must come of it.
//!
//! Fences of a case, in any order; prose stands between them:
//!
//! - ```` ```metric ````: declarations, a file of their own; ```` ```metric dimensions/a.metric ```` names it. `// error: [E0201]` behind
//!   the text of a line says that this line has this error or warning, and no other; several codes are separated by commas, and
//!   text behind the bracket must be part of the message. `// error below: [E0201]` on a line of its own speaks of the next line.
//! - ```` ```yaml ````: `metricc.yaml`; without it the project is in `Asia/Shanghai` and has the units `CNY` and `quota`.
//! - ```` ```csv TABLE ````: the sample of a table.
//! - ```` ```sh ````: a question, as `metricc dry-run …`; a ```` ```csv ```` after it is the answer.
//! - ```` ```text ````, ```` ```sql ````: for people.
//!
//! `<!-- without clickhouse: REASON -->` in the prose leaves an engine out, which is counted; `<!-- with warnings -->` lets warnings
//! go unmarked.

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code)]

pub mod judge;
#[cfg(feature = "dry-run")]
mod rows;
#[cfg(feature = "dry-run")]
mod run;

use std::fs;
use std::path::{Path, PathBuf};

/// A case, read.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Its path below `tests/cases`, without the ending.
    pub name: String,
    /// The text of `metricc.yaml`.
    pub manifest: String,
    /// Path and text of each file of declarations.
    pub files: Vec<(String, String)>,
    /// What must be wrong.
    pub marks: Vec<Mark>,
    /// Table and text of each sample.
    pub samples: Vec<(String, String)>,
    /// The questions.
    pub questions: Vec<Asking>,
    /// Whether warnings need no marks.
    pub with_warnings: bool,
    /// Engines that are left out, and why.
    pub without: Vec<(String, String)>,
}

/// An error or warning that must be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The file.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// The code.
    pub code: String,
    /// A part of the message.
    pub message: String,
}

/// A question in the words of the command line.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// The words behind `metricc dry-run`.
    pub words: Vec<String>,
    /// The right answer, where the case has one.
    pub answer: Option<String>,
}

const MANIFEST: &str = "\
name: case
timezone: Asia/Shanghai
units: [CNY, quota]
receivers:
  kpi: { email: [kpi@example.com] }
  board: { email: [board@example.com] }
  ops: { dingtalk: { token_env: OPS_TOKEN } }
mail: { host: smtp.example.com, from: metrics@example.com }
";

/// Where the cases are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// All files below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// All cases, in the order of their names. `METRICC_CASE=word` takes those with the word in their name.
pub fn all() -> Vec<Case> {
    let wanted = std::env::var("METRICC_CASE").unwrap_or_default();
    let files = files_below(&folder()).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let read = |path: PathBuf| {
        let name = path.strip_prefix(folder()).expect("below the folder").with_extension("");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Case::read(&name.to_string_lossy(), &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.map(read).filter(|case| case.name.contains(&wanted)).collect()
}

impl Case {
    /// Reads a case; says what is wrong with its form.
    pub fn read(name: &str, text: &str) -> Result<Case, String> {
        let mut case = Case { name: name.to_owned(), manifest: MANIFEST.to_owned(), ..Case::default() };
        let mut lines = text.lines().enumerate();
        if !text.starts_with("# ") {
            return Err("it does not begin with a title".to_owned());
        }
        while let Some((number, line)) = lines.next() {
            if let Some(excuse) = line.strip_prefix("<!-- without ").and_then(|rest| rest.strip_suffix(" -->")) {
                let (engine, why) = excuse.split_once(": ").ok_or("`<!-- without ENGINE: REASON -->` has no reason")?;
                case.without.push((engine.to_owned(), why.to_owned()));
            }
            case.with_warnings |= line == "<!-- with warnings -->";
            let Some(info) = line.strip_prefix("```") else { continue };
            let mut body = String::new();
            loop {
                match lines.next() {
                    Some((_, "```")) => break,
                    Some((_, line)) => body = body + line + "\n",
                    None => return Err(format!("the fence of line {} is not closed", number + 1)),
                }
            }
            case.fence(info, body).map_err(|error| format!("line {}: {error}", number + 1))?;
        }
        if case.marks.is_empty() && case.questions.is_empty() && !case.files.iter().any(|(_, text)| has_test(text)) {
            return Err("it shows nothing: no test, no question, no mark of an error".to_owned());
        }
        Ok(case)
    }

    fn fence(&mut self, info: &str, body: String) -> Result<(), String> {
        let (kind, of) = info.split_once(' ').unwrap_or((info, ""));
        match (kind, of) {
            ("metric", path) => {
                let path = match path {
                    "" => format!("metrics/{}.metric", self.files.len() + 1),
                    path => path.to_owned(),
                };
                self.marks.extend(marks(&path, &body)?);
                self.files.push((path, body));
            }
            ("yaml", "") => self.manifest = body,
            ("csv", "") => match self.questions.last_mut() {
                Some(question @ Asking { answer: None, .. }) => question.answer = Some(body),
                _ => return Err("an answer stands behind the question that it answers".to_owned()),
            },
            ("csv", table) => self.samples.push((table.to_owned(), body)),
            ("sh", "") => {
                for line in body.lines() {
                    let mut words = shell_words(line)?;
                    if words.len() < 3 || words[0] != "metricc" || words[1] != "dry-run" {
                        return Err(format!("`{line}` is not `metricc dry-run METRIC…`"));
                    }
                    self.questions.push(Asking { words: words.split_off(2), answer: None });
                }
            }
            ("text" | "sql", "") => {}
            _ => return Err(format!("there are no fences of `{info}`")),
        }
        Ok(())
    }

    /// Whether errors are expected, so that nothing can be computed.
    pub fn is_wrong(&self) -> bool {
        self.marks.iter().any(|mark| mark.code.starts_with('E'))
    }

    /// Why an engine is left out, where it is.
    pub fn excuse(&self, engine: &str) -> Option<&str> {
        self.without.iter().find(|(left_out, _)| left_out == engine).map(|(_, why)| why.as_str())
    }
}

fn has_test(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("test "))
}

/// The marks of a file.
fn marks(path: &str, text: &str) -> Result<Vec<Mark>, String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((before, mark)) = line.split_once("// error") else { continue };
        let (below, mark) = match mark.strip_prefix(" below: [") {
            Some(mark) => (true, mark),
            None => (false, mark.strip_prefix(": [").ok_or(format!("`{line}` has no `[CODE]`"))?),
        };
        if below && !before.trim().is_empty() {
            return Err(format!("`{line}`: a mark of the line below stands on a line of its own"));
        }
        let (codes, message) = mark.split_once(']').ok_or(format!("`{line}` does not close its bracket"))?;
        for code in codes.split(',') {
            found.push(Mark {
                path: path.to_owned(),
                line: number + 1 + usize::from(below),
                code: code.trim().to_owned(),
                message: message.trim().to_owned(),
            });
        }
    }
    Ok(found)
}

/// The words of a line, with quotes and backslashes as a shell has them.
pub fn shell_words(line: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => words.extend(word.take()),
            quote @ ('\'' | '"') => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some(letter) if letter == quote => break,
                        Some('\\') if quote == '"' => word.extend(letters.next()),
                        Some(letter) => word.push(letter),
                        None => return Err(format!("`{line}` does not close a quote")),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}
