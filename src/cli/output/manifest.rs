//! `manifest.json`: what a build made.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Artifact;

/// The manifest's name in the output folder.
pub const MANIFEST: &str = "manifest.json";

/// What `format` says: raised when an old reader could misread the file.
const FORMAT: u64 = 1;

/// Makes `manifest.json` for artefacts: their paths, sizes and hashes in the given order, and `details` beside them.
pub fn manifest(artifacts: &[Artifact], details: &Map<String, Value>) -> Artifact {
    let files = artifacts.par_iter().map(|artifact| {
        json!({ "path": artifact.path, "bytes": artifact.text.len(), "sha256": sha256(artifact.text.as_bytes()) })
    });
    let files = Value::Array(files.collect());
    let (format, generator) = (json!(FORMAT), json!(concat!("metricc ", env!("CARGO_PKG_VERSION"))));
    let own = [("artifacts", &files), ("format", &format), ("generator", &generator)];
    let content: BTreeMap<&str, &Value> =
        own.into_iter().chain(details.iter().map(|(name, value)| (name.as_str(), value))).collect();
    let text = serde_json::to_string_pretty(&content).expect("names and values of JSON can be written");
    Artifact { path: MANIFEST.to_owned(), text: text + "\n" }
}

/// The SHA-256 of bytes in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a folder is for: a build never takes the place of documents, nor they of a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// What engines are given.
    #[default]
    Build,
    /// Pages for people.
    Documents,
}

/// The part of a manifest that the next build needs.
#[derive(Debug)]
pub struct Manifest {
    /// What it is of.
    pub holds: Holds,
    /// Paths and hashes; the manifest itself has none.
    files: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Content {
    format: u64,
    generator: String,
    #[serde(default)]
    holds: Holds,
    artifacts: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    path: String,
    sha256: String,
}

impl Manifest {
    /// Reads a manifest, if metricc made it.
    pub fn parse(text: &str) -> Option<Manifest> {
        let content: Content = serde_json::from_str(text).ok()?;
        if content.format != FORMAT || !content.generator.starts_with("metricc ") {
            return None;
        }
        let listed = content.artifacts.into_iter().map(|listed| (listed.path, Some(listed.sha256)));
        Some(Manifest { holds: content.holds, files: listed.chain([(MANIFEST.to_owned(), None)]).collect() })
    }

    /// The files of the build, the manifest among them.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Whether a file is of the build.
    pub fn lists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// The files that it hashes.
    pub fn hashes(&self) -> Vec<(&str, &str)> {
        self.files.iter().filter_map(|(path, hash)| Some((path.as_str(), hash.as_deref()?))).collect()
    }
}
