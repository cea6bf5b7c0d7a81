//! What targets are given: every metric's plan, and what samples tell.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::ready::Ready;
use crate::diagnostic::Diagnostics;
use crate::emit::{self, Input};
use crate::project::Project;
use crate::table::statistics;

/// What the targets of a project are given.
pub fn input(ready: &Ready) -> (Input, Diagnostics) {
    let (mut input, found) = emit::input(&ready.compiled.model);
    input.statistics = statistics::of_samples(&input.tables, &samples(&ready.project));
    (input, found)
}

/// The same, with the other program of each change of a caliber.
pub fn with_changes(ready: &Ready) -> (Input, Diagnostics) {
    let (mut input, found) = emit::with_changes(&ready.project, &ready.compiled);
    input.statistics = statistics::of_samples(&input.tables, &samples(&ready.project));
    for beside in &mut input.changes {
        // It has the same tables.
        beside.input.statistics = input.statistics.clone();
    }
    (input, found)
}

/// The folder of a project's samples.
fn samples(project: &Project) -> PathBuf {
    project.root.join(&project.config.samples)
}

/// A hash of all that [`input`] may read of the samples.
pub fn samples_hash(project: &Project) -> String {
    let mut files = Vec::new();
    gather(&samples(project), 0, &mut files);
    files.sort();
    let hashes: Vec<_> = files.par_iter().map(|path| prefix_hash(path)).collect();
    let mut hash = Sha256::new();
    for (path, one) in files.iter().zip(hashes) {
        let path = path.strip_prefix(&project.root).unwrap_or(path).to_string_lossy();
        hash.update((path.len() as u64).to_le_bytes());
        hash.update(path.as_bytes());
        hash.update(one);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a folder of samples, and the parts of those that are folders.
fn gather(folder: &Path, depth: u8, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.metadata() {
            Ok(kind) if kind.is_file() => files.push(path),
            Ok(kind) if kind.is_dir() && depth == 0 => gather(&path, 1, files),
            _ => {}
        }
    }
}

fn prefix_hash(path: &Path) -> [u8; 32] {
    let mut hash = Sha256::new();
    if let Ok(file) = File::open(path) {
        hash.update(file.metadata().map_or(0, |kind| kind.len()).to_le_bytes());
        let (mut input, mut buffer) = (file.take(statistics::PREFIX), vec![0; 1 << 16]);
        while let Ok(count @ 1..) = input.read(&mut buffer) {
            hash.update(&buffer[..count]);
        }
    }
    hash.finalize().into()
}
