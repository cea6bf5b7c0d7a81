//! What the last build of a folder was made from, so that the next one need not do again what comes out the same.
//!
//! The record lies beside the output folder. It is only a help: without it, or with one that does not fit, a build is made
//! from nothing. It must never make a difference, so it counts only
//! - for the very build of the compiler that wrote it,
//! - where every input is the same to the byte and every output still has its hash (else only the statements of equal plans
//!   are taken from it),
//! - and where it was written: it holds the number of its own file, so that one that came with a check-out, an archive or a
//!   copy says nothing about the files beside it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Artifact, Folder, MANIFEST, Manifest, OutputError, manifest::sha256};
use crate::{cli::planned, project::Project, sql::memo::Memo};

/// This build of the compiler.
const COMPILER: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("METRICC_SOURCE_HASH"));

/// A record that was read.
#[derive(Debug)]
pub struct Record {
    head: Head,
    rest: BufReader<File>,
}

/// The first line of the file; the memo follows.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    compiler: String,
    /// The number of the file itself.
    inode: u64,
    inputs: String,
    note: String,
    /// The hash of the manifest, which has those of all other files.
    manifest: String,
}

/// The hash of all that a build is made from: every file of the project, what samples tell, and what was asked for.
pub fn inputs(project: &Project, targets: &[String]) -> String {
    let mut hash = Sha256::new();
    let mut feed = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    feed(&planned::samples_hash(project));
    feed(&targets.len().to_string());
    targets.iter().for_each(|target| feed(target));
    for (_, file) in project.sources.iter() {
        feed(&file.path);
        feed(&file.text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Record {
    /// The record beside an output folder, if it may be used.
    pub fn read(out: &Path) -> Option<Record> {
        let mut rest = BufReader::new(File::open(path(out)?).ok()?);
        let mut line = Vec::new();
        rest.read_until(b'\n', &mut line).ok()?;
        let head: Head = serde_json::from_slice(&line).ok()?;
        let inode = inode(rest.get_ref())?;
        (head.compiler == COMPILER && head.inode == inode).then_some(Record { head, rest })
    }

    /// What is told of a build that changes nothing, and of how many files, if a build of these inputs would be one: the last
    /// was made of the same, and all that it made is as it left it.
    pub fn if_unchanged(&self, out: &Path, inputs: &str) -> Result<Option<(&str, usize)>, OutputError> {
        if self.head.inputs != inputs || !out.exists() {
            return Ok(None);
        }
        let folder = Folder::open(out)?;
        let mut files = folder.previous.as_ref().map_or_else(Vec::new, Manifest::hashes);
        files.push((MANIFEST, &self.head.manifest));
        let same = |(path, hash): &(&str, &str)| {
            let path = folder.out.join(path);
            path.symlink_metadata().is_ok_and(|file| file.is_file())
                && fs::read(&path).is_ok_and(|bytes| sha256(&bytes) == *hash)
        };
        Ok(files.par_iter().all(same).then_some((self.head.note.as_str(), files.len())))
    }

    /// The statements of the last build.
    pub fn memo(mut self) -> Option<Memo> {
        let mut bytes = Vec::new();
        self.rest.read_to_end(&mut bytes).ok()?;
        Memo::from_bytes(&bytes)
    }
}

/// The record of a build that was just made.
pub struct Fresh {
    head: Head,
    memo: Vec<u8>,
}

impl Fresh {
    /// Of these inputs; `note` says for what it is.
    pub fn new(inputs: String, note: &str, manifest: &Artifact, memo: &Memo) -> Fresh {
        let manifest = sha256(manifest.text.as_bytes());
        let head = Head { compiler: COMPILER.to_owned(), inode: 0, inputs, note: note.to_owned(), manifest };
        Fresh { head, memo: memo.to_bytes() }
    }

    /// Puts it beside the output folder, which is written. What goes wrong is not told: the next build takes longer, and that
    /// is all.
    pub fn write(self, out: &Path) {
        // Nothing to tell.
        let _ = self.try_write(out);
    }

    fn try_write(mut self, out: &Path) -> Option<()> {
        let path = path(out)?;
        // Named such that the ignore file of a project covers it, if the process is killed here.
        let mut aside = tempfile::Builder::new().prefix(path.file_name()?).tempfile_in(path.parent()?).ok()?;
        self.head.inode = inode(aside.as_file())?;
        let mut head = serde_json::to_vec(&self.head).ok()?;
        head.push(b'\n');
        aside.write_all(&head).and_then(|()| aside.write_all(&self.memo)).ok()?;
        aside.persist(path).ok().map(|_| ())
    }
}

/// Where the record of an output folder is.
fn path(out: &Path) -> Option<PathBuf> {
    let out = out.canonicalize().ok()?;
    let mut name = OsString::from(".");
    name.push(out.file_name()?);
    name.push(".metricc-record");
    Some(out.with_file_name(name))
}

#[cfg(unix)]
fn inode(file: &File) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().ok().map(|file| file.ino())
}

/// Elsewhere there are no records.
#[cfg(not(unix))]
fn inode(_: &File) -> Option<u64> {
    None
}
