//! The bytes of objects, by one process of git.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::{FileError, SIZE_LIMIT, io_message};
use super::{Wrong, command, not_started, refused};

/// The bytes of an object, or why there are none.
pub type Bytes = Result<Arc<[u8]>, FileError>;

/// One process that gives the bytes of objects. What was read is kept.
pub struct Objects {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    known: FxHashMap<String, Bytes>,
}

impl Objects {
    /// Starts the process in a folder of the repository.
    pub fn start(folder: &Path) -> Result<Objects, Wrong> {
        let started = command(folder)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = started.map_err(|failure| not_started(&failure))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(questions), Some(answers)) => {
                let answers = BufReader::with_capacity(1 << 16, answers);
                Ok(Objects { child, questions, answers, known: FxHashMap::default() })
            }
            _ => Err(Box::new(refused("its streams are closed"))),
        }
    }

    /// Reads objects by their names, each once.
    pub fn read(&mut self, mut names: Vec<String>) -> Result<(), Wrong> {
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !self.known.contains_key(name));
        let Objects { questions, answers, known, .. } = self;
        // Git answers while it is asked: neither waits for the other.
        std::thread::scope(|scope| {
            let asked = &names;
            let asking = scope.spawn(move || {
                for name in asked {
                    questions.write_all(format!("{name}\n").as_bytes())?;
                }
                questions.flush()
            });
            for name in &names {
                let answer = answer(answers)
                    .map_err(|failure| Box::new(refused(&format!("cat-file: {}", io_message(&failure)))))?;
                known.insert(name.clone(), answer);
            }
            // Whatever went wrong with the question, the answer told.
            drop(asking.join());
            Ok(())
        })
    }

    /// An object that was read.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.known.get(name)
    }
}

const NO_OBJECT: &str = "git has no object of it";

/// Reads one answer.
fn answer(from: &mut impl BufRead) -> std::io::Result<Bytes> {
    let mut head = String::new();
    if from.read_line(&mut head)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<u64>().ok());
    let Some(size) = size else { return Ok(Err(FileError::Unreadable(NO_OBJECT.to_owned()))) };
    // A line feed follows the bytes.
    if size > SIZE_LIMIT {
        let skipped = std::io::copy(&mut from.take(size + 1), &mut std::io::sink())?;
        let is_whole = skipped == size + 1;
        return if is_whole {
            Ok(Err(FileError::TooLarge(size)))
        } else {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        };
    }
    let mut bytes = vec![0; size as usize + 1];
    from.read_exact(&mut bytes)?;
    bytes.pop();
    Ok(Ok(bytes.into()))
}

impl Drop for Objects {
    fn drop(&mut self) {
        // Nothing more is asked of it, whether it has ended or not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_too_large_is_passed_over() {
        let large = SIZE_LIMIT + 1;
        let mut told = format!("a blob 2\nhi\nb missing\nc blob {large}\n").into_bytes();
        told.resize(told.len() + large as usize, b'x');
        told.extend_from_slice(b"\nd blob 0\n\ne blob 3\nab");
        let mut from = told.as_slice();
        assert_eq!(answer(&mut from).unwrap().unwrap().as_ref(), b"hi");
        assert!(matches!(answer(&mut from).unwrap(), Err(FileError::Unreadable(_))));
        assert_eq!(answer(&mut from).unwrap(), Err(FileError::TooLarge(large)));
        assert_eq!(answer(&mut from).unwrap().unwrap().as_ref(), b"");
        assert!(answer(&mut from).is_err(), "it ends in the middle of an object");
    }
}
