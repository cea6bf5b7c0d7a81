//! What was delivered, in a file with a line of JSON an event, only ever added to.
//!
//! Before something is sent, that it will be is written and synced; afterwards, how it ended. Who is killed in between leaves the first
//! line alone: the message may have come or not, and is not sent again unless a person says so. Runs at the same time take turns by a
//! lock on the file, so that one of them alone writes the first line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::error;
use crate::project::io_message;

/// The form of a line.
const FORM: u32 = 1;

/// What happened to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It will be sent.
    Sending,
    /// It was taken.
    Sent,
    /// It was surely not taken.
    Failed,
    /// It was sent, and nobody knows whether it was taken.
    Unknown,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The form of the line.
    pub form: u32,
    /// When it was written (UTC).
    pub at: String,
    /// The name of the delivery: of report, period and recipient.
    pub delivery: String,
    /// The report.
    pub report: String,
    /// The period.
    pub period: String,
    /// The channel.
    pub channel: String,
    /// The receiver that stands in the report.
    pub receiver: String,
    /// Who gets it: a mail address, or the name of the receiver whose robot it is.
    pub recipient: String,
    /// What happened.
    pub event: Event,
    /// Why, where it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What is known of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It may be sent: it never was, or surely was not taken.
    Open,
    /// It was taken.
    Sent,
    /// It may have been taken, or is being sent right now.
    Unknown,
}

/// The ledger of a project.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// A file. Nothing is read or made yet.
    pub fn new(path: impl Into<PathBuf>) -> Ledger {
        Ledger { path: path.into() }
    }

    /// What is known of a delivery.
    ///
    /// # Errors
    /// Why the file can't be read.
    pub fn known(&self, delivery: &str) -> Result<Known, Box<Diagnostic>> {
        let mut bytes = Vec::new();
        match File::open(&self.path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(failure) if failure.kind() == io::ErrorKind::NotFound => return Ok(Known::Open),
            Err(failure) => return Err(self.failed("read", &failure)),
        }
        let entries = self.entries(&bytes)?;
        Ok(known(&entries, delivery))
    }

    /// Writes down that a delivery will be sent, unless it was sent or may have been; what may have been, `again` sends all the same. Gives
    /// what was known before: with [`Known::Open`], or [`Known::Unknown`] and `again`, it is now the caller's to send and to
    /// [`Ledger::record`].
    ///
    /// # Errors
    /// Why the file can't be read or written. Then nothing may be sent.
    pub fn claim(&self, entry: &Entry, again: bool) -> Result<Known, Box<Diagnostic>> {
        let mut file = self.locked().map_err(|failure| self.failed("written", &failure))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|failure| self.failed("read", &failure))?;
        let entries = self.entries(&bytes)?;
        let known = known(&entries, &entry.delivery);
        if known == Known::Open || (known == Known::Unknown && again) {
            append(&mut file, &bytes, entry).map_err(|failure| self.failed("written", &failure))?;
        }
        Ok(known)
    }

    /// Writes down how a delivery ended.
    ///
    /// # Errors
    /// Why it could not be. The delivery then counts as unknown.
    pub fn record(&self, entry: &Entry) -> Result<(), Box<Diagnostic>> {
        let write = || {
            let mut file = self.locked()?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            append(&mut file, &bytes, entry)
        };
        write().map_err(|failure| self.failed("written", &failure))
    }

    /// The file, opened and locked. The system lets go of the lock even if the process is killed.
    fn locked(&self) -> io::Result<File> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        let is_new = !self.path.exists();
        let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        // Without locks two runs could both find that nothing was sent: a file system that has none is refused.
        file.lock()?;
        if let (true, Some(folder)) = (is_new, folder) {
            // The name of a new file is a matter of its folder. Not every system can sync one.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(file)
    }

    fn entries(&self, bytes: &[u8]) -> Result<Vec<Entry>, Box<Diagnostic>> {
        let whole = String::from_utf8_lossy(&bytes[..end_of_lines(bytes)]);
        let lines = whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let read = |(place, line): (usize, &str)| {
            let entry: Result<Entry, _> = serde_json::from_str(line);
            let why = match entry {
                Ok(entry) if entry.form == FORM => return Ok(entry),
                Ok(entry) => format!("its form {} is of another version of metricc", entry.form),
                Err(failure) => failure.to_string(),
            };
            let path = self.path.display();
            Err(Box::new(error!(E0876, None, "line {} of `{path}` can't be read: {why}", place + 1;
                help: "restore the file: without the line somebody might be written to twice")))
        };
        lines.map(read).collect()
    }

    fn failed(&self, what: &str, failure: &io::Error) -> Box<Diagnostic> {
        let path = self.path.display();
        Box::new(error!(E0876, None, "the record of deliveries `{path}` can't be {what}: {}", io_message(failure);
            help: "nothing is sent that can't be recorded: name a file on a disk that lasts, by `deliveries:` in `metricc.yaml`"))
    }
}

impl Entry {
    /// With how it ended, and when.
    pub fn ended(&self, event: Event, why: Option<String>, at: String) -> Entry {
        Entry { at, event, why, ..self.clone() }
    }

    /// A delivery that will be sent.
    pub fn sending(at: String, delivery: String) -> Entry {
        Entry {
            form: FORM,
            at,
            delivery,
            report: String::new(),
            period: String::new(),
            channel: String::new(),
            receiver: String::new(),
            recipient: String::new(),
            event: Event::Sending,
            why: None,
        }
    }
}

/// What the lines say of a delivery: the last one counts, but who was sent it once was sent it.
fn known(entries: &[Entry], delivery: &str) -> Known {
    let own = entries.iter().filter(|entry| entry.delivery == delivery);
    own.fold(Known::Open, |known, entry| match (known, entry.event) {
        (Known::Sent, _) | (_, Event::Sent) => Known::Sent,
        (_, Event::Failed) => Known::Open,
        (_, Event::Sending | Event::Unknown) => Known::Unknown,
    })
}

/// Adds a line, and takes away before it a last one that was cut off while it was written: nothing was sent upon it.
fn append(file: &mut File, bytes: &[u8], entry: &Entry) -> io::Result<()> {
    let end = end_of_lines(bytes);
    if end < bytes.len() {
        file.set_len(end as u64)?;
    }
    let mut line = serde_json::to_string(entry).map_err(io::Error::other)?;
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Where the last whole line ends.
fn end_of_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(delivery: &str) -> Entry {
        Entry::sending("2026-11-29T00:30:00.000Z".to_owned(), delivery.to_owned())
    }

    fn ended(delivery: &str, event: Event) -> Entry {
        entry(delivery).ended(event, None, "2026-11-29T00:30:01.000Z".to_owned())
    }

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::new(dir.path().join("runs/deliveries.jsonl"));
        (dir, ledger)
    }

    #[test]
    fn a_delivery_is_claimed_once_until_it_surely_failed() {
        let (_dir, ledger) = ledger();
        assert_eq!(ledger.known("a").expect("readable"), Known::Open);
        assert_eq!(ledger.claim(&entry("a"), false).expect("written"), Known::Open);
        // As after a crash: the intent alone.
        assert_eq!(ledger.known("a").expect("readable"), Known::Unknown);
        assert_eq!(ledger.claim(&entry("a"), false).expect("written"), Known::Unknown);
        assert_eq!(ledger.claim(&entry("b"), false).expect("written"), Known::Open);
        ledger.record(&ended("a", Event::Failed)).expect("written");
        assert_eq!(ledger.claim(&entry("a"), false).expect("written"), Known::Open);
        ledger.record(&ended("a", Event::Sent)).expect("written");
        assert_eq!(ledger.claim(&entry("a"), false).expect("written"), Known::Sent);
        assert_eq!(ledger.claim(&entry("a"), true).expect("written"), Known::Sent);
        // One that was sent twice after all, and failed the second time, was sent.
        ledger.record(&ended("a", Event::Failed)).expect("written");
        assert_eq!(ledger.known("a").expect("readable"), Known::Sent);
        assert_eq!(ledger.claim(&entry("b"), true).expect("written"), Known::Unknown);
        ledger.record(&ended("b", Event::Sent)).expect("written");
        assert_eq!(ledger.known("b").expect("readable"), Known::Sent);
    }

    #[test]
    fn a_line_that_was_cut_off_counts_for_nothing() {
        let (dir, ledger) = ledger();
        ledger.claim(&entry("a"), false).expect("written");
        let path = dir.path().join("runs/deliveries.jsonl");
        let one = fs::read(&path).expect("bytes").len();
        ledger.record(&ended("a", Event::Sent)).expect("written");
        let two = fs::read(&path).expect("bytes");
        for length in one + 1..two.len() {
            fs::write(&path, &two[..length]).expect("written");
            assert_eq!(ledger.known("a").expect("readable"), Known::Unknown, "{length}");
            ledger.claim(&entry("b"), false).expect("written");
            assert_eq!(ledger.known("b").expect("readable"), Known::Unknown);
        }
    }

    #[test]
    fn a_line_in_the_middle_that_is_none_stops_everything() {
        let (dir, ledger) = ledger();
        ledger.claim(&entry("a"), false).expect("written");
        let path = dir.path().join("runs/deliveries.jsonl");
        let line = fs::read_to_string(&path).expect("a text");
        for bad in ["{\"form\":1\n", "x\n", &line.replace("\"form\":1", "\"form\":9")] {
            fs::write(&path, format!("{line}{bad}{line}")).expect("written");
            let told = ledger.claim(&entry("b"), true).expect_err("refused");
            assert!(told.code.0 == "E0876" && told.message.contains("line 2"), "{}", told.message);
            assert_eq!(fs::read_to_string(&path).expect("a text"), format!("{line}{bad}{line}"));
        }
    }

    #[test]
    fn of_many_at_once_one_gets_it() {
        let (_dir, ledger) = ledger();
        let won: usize = std::thread::scope(|scope| {
            let claim = |_| scope.spawn(|| ledger.claim(&entry("a"), false).expect("written") == Known::Open);
            let threads: Vec<_> = (0..8).map(claim).collect();
            threads.into_iter().map(|thread| usize::from(thread.join().expect("no panic"))).sum()
        });
        assert_eq!(won, 1);
    }
}
