//! A ledger in a file.
//!
//! A line is written in one go and synced. Who is killed on the way leaves a last line without its end: it was never promised to
//! anybody, is told and passed over, and taken away by who writes next. Writers take turns by a lock on the file itself, which
//! ends with its owner.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::damaged;
use crate::change::verify::Entry;
use crate::cli::Stop;
use crate::error;
use crate::project::io_message;

/// All entries, and what is told of a last line that was cut. There are none where there is no file.
pub fn read(path: &Path) -> Result<(Vec<Entry>, Option<String>), Stop> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(failure) if failure.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
        Err(failure) => return Err(unreadable(path, &failure)),
    }
    let (whole, cut) = bytes.split_at(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    let whole = String::from_utf8_lossy(whole);
    let mut entries = Vec::new();
    for (place, line) in whole.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        entries.push(
            Entry::read(line)
                .map_err(|why| damaged(&format!("line {} of `{}`", place + 1, path.display()), &why, None))?,
        );
    }
    let note = (!cut.is_empty())
        .then(|| format!("the last line of `{}` was cut off while it was written, and does not count", path.display()));
    Ok((entries, note))
}

/// Adds lines. They are on the disk when this comes back.
pub fn append(path: &Path, entries: &[Entry]) -> Result<(), Stop> {
    let text: String = entries.iter().map(Entry::line).collect();
    write(path, text.as_bytes()).map_err(|failure| {
        error!(E0038, None, "`{}` can't be written: {}", path.display(), io_message(&failure);
            help: "nothing was recorded, or only a part: verify these days again")
        .into()
    })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_new = !path.exists();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    match file.lock() {
        // On a file system without locks nobody takes turns: lines still go in one by one.
        Err(failure) if failure.kind() == io::ErrorKind::Unsupported => {}
        other => other?,
    }
    let end = end_of_lines(&mut file)?;
    if end < file.metadata()?.len() {
        file.set_len(end)?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    if is_new && let Some(folder) = folder {
        // The name of a new file is a matter of its folder. Not every system can sync one.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Where the last whole line ends.
fn end_of_lines(file: &mut File) -> io::Result<u64> {
    const BLOCK: u64 = 64 << 10;
    let mut end = file.metadata()?.len();
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.take(end - start).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn unreadable(path: &Path, failure: &io::Error) -> Stop {
    error!(E0992, None, "the ledger `{}` can't be read: {}", path.display(), io_message(failure);
        help: "make it readable, or restore it")
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::verify::{FORM, Recorded};

    fn entry(day: u32, metric: &str) -> Entry {
        Entry {
            form: FORM,
            change: "dau".to_owned(),
            from: 1,
            to: 2,
            metric: metric.to_owned(),
            step: Some("1d".to_owned()),
            old: "aa".to_owned(),
            new: "bb".to_owned(),
            day: format!("2026-11-{day:02}"),
            days: 1,
            verdict: Recorded::Good,
            reasons: Vec::new(),
            old_value: None,
            new_value: None,
            difference: None,
            wape: None,
            missing: (0, 0),
            tolerance: 0.0,
            expect: None,
            data: "dry-run".to_owned(),
            program: "0".to_owned(),
            recorded_at: "2026-11-30T00:00:00.000Z".to_owned(),
        }
    }

    fn days(path: &Path) -> Vec<String> {
        read(path).expect("readable").0.into_iter().map(|entry| entry.day).collect()
    }

    #[test]
    fn a_cut_line_is_told_and_the_next_writer_takes_it_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("runs/ledger.jsonl");
        assert_eq!(days(&path), [""; 0]);
        append(&path, &[entry(1, "中")]).expect("written");
        let one = std::fs::read(&path).expect("bytes");
        append(&path, &[entry(2, "中")]).expect("written");
        let two = std::fs::read(&path).expect("bytes");
        assert!(two.starts_with(&one), "it is only added to");
        for length in one.len() + 1..two.len() {
            std::fs::write(&path, &two[..length]).expect("written");
            let (entries, note) = read(&path).expect("readable");
            assert!(entries.len() == 1 && note.is_some(), "{length}");
            append(&path, &[entry(3, "x")]).expect("written");
            assert_eq!(days(&path), ["2026-11-01", "2026-11-03"], "{length}");
            assert_eq!(read(&path).expect("readable").1, None);
        }
    }

    #[test]
    fn a_line_in_the_middle_that_is_none_is_an_error() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ledger.jsonl");
        let text = format!("{}{}\n{}", entry(1, "a").line(), "{\"form\":1", entry(2, "a").line());
        std::fs::write(&path, text).expect("written");
        let Err(Stop::Told(found)) = read(&path) else { panic!("it is taken") };
        assert!(found.code.0 == "E0992" && found.message.contains("line 2"), "{}", found.message);
    }

    #[test]
    fn writers_take_turns() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ledger.jsonl");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for day in 1..=20 {
                        append(path, &[entry(day, &format!("m{thread}")), entry(day, &"x".repeat(5_000))])
                            .expect("written");
                    }
                });
            }
        });
        let (entries, note) = read(&path).expect("readable");
        assert_eq!((entries.len(), note), (8 * 20 * 2, None));
        for thread in 0..8 {
            let own: Vec<_> =
                entries.iter().filter(|entry| entry.metric == format!("m{thread}")).map(|entry| &entry.day).collect();
            assert!(own.is_sorted() && own.len() == 20, "{own:?}");
        }
    }
}
