//! Which paths an artefact may have: below the folder, on every system, each once.

use std::collections::BTreeMap;

use super::{Artifact, MANIFEST, Manifest, OutputError};

/// Refuses the first artefact whose path is not fit, and a manifest that doesn't list the others.
pub fn check(artifacts: &[&Artifact]) -> Result<(), OutputError> {
    let mut taken = BTreeMap::new();
    for artifact in artifacts {
        let path = artifact.path.as_str();
        if let Some(why) = unfit(path) {
            return Err(OutputError::bad_path(path, why));
        }
        // Some systems don't tell upper from lower case.
        if taken.insert(path.to_lowercase(), path).is_some() {
            return Err(OutputError::bad_path(path, "another one has the same path"));
        }
    }
    for (lower, path) in &taken {
        let mut folders = lower.match_indices('/').map(|(end, _)| &lower[..end]);
        if folders.any(|folder| taken.contains_key(folder)) {
            return Err(OutputError::bad_path(path, "a folder of it is a file"));
        }
    }
    let manifest = artifacts.iter().find(|artifact| artifact.path == MANIFEST);
    let listed = manifest.and_then(|artifact| Manifest::parse(&artifact.text));
    match artifacts.iter().find(|artifact| !listed.as_ref().is_some_and(|manifest| manifest.lists(&artifact.path))) {
        Some(unlisted) => Err(OutputError::bad_path(&unlisted.path, "the manifest doesn't list it")),
        None => Ok(()),
    }
}

/// Why a path may not be written.
fn unfit(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/');
    if path.starts_with('/') {
        Some("it is absolute")
    } else if parts.clone().any(|part| part == "..") {
        Some("it leads out of the folder")
    } else if path.contains(['\\', ':', '\0']) {
        Some("it holds `\\`, `:` or a zero byte")
    } else if parts.any(|part| part.is_empty() || part == "." || part.len() > 255) {
        Some("a part of it is empty, `.` or longer than 255 bytes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{super::manifest, *};

    fn check_paths(paths: &[&str]) -> Result<(), OutputError> {
        let mut artifacts: Vec<Artifact> =
            paths.iter().map(|path| Artifact { path: (*path).to_owned(), text: String::new() }).collect();
        artifacts.push(manifest(&artifacts, &serde_json::Map::new()));
        check(&artifacts.iter().collect::<Vec<_>>())
    }

    #[test]
    fn only_paths_below_the_folder_pass() {
        assert_eq!(check_paths(&["a/b.sql", "a/c.sql", "a.sql", "a b/活.sql"]), Ok(()));
        for bad in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", "a\\b", "c:a", "a/"] {
            assert!(check_paths(&[bad]).is_err(), "{bad:?}");
        }
        assert!(check_paths(&[&"x".repeat(300)]).is_err());
    }

    #[test]
    fn no_two_artefacts_share_a_place() {
        for bad in [["a", "a"], ["a", "A"], ["a/b", "a"], ["a", "a-b"]] {
            assert_eq!(check_paths(&bad).is_err(), bad[1] != "a-b", "{bad:?}");
        }
        // `a-b` sorts between `a` and `a/b`.
        assert!(check_paths(&["a", "a-b", "a/b"]).is_err());
    }

    #[test]
    fn a_manifest_that_forgets_a_file_is_refused() {
        let file = Artifact { path: "a.sql".to_owned(), text: String::new() };
        let empty = manifest(&[], &serde_json::Map::new());
        let told = check(&[&file, &empty]).expect_err("unlisted");
        assert!(told.to_string().contains("the manifest doesn't list it"), "{told}");
    }
}
