//! The files of a revision as git lists them, and where its links lead.

use std::collections::BTreeMap;

use super::super::FileError;

/// As many links are followed one after the other.
const LINKS: usize = 40;

#[derive(Clone, Debug)]
enum Node {
    Folder(BTreeMap<String, Node>),
    /// A file, by its object.
    File(String),
    /// A link, by its object, and where it leads once that was read.
    Link(String, Option<String>),
    Submodule,
    /// Its name is not UTF-8.
    Unnamed,
}

/// All files of a revision, or those below a folder of it.
#[derive(Clone, Debug)]
pub struct Tree {
    /// A folder.
    root: Node,
    links: Vec<String>,
}

/// What a walk comes by.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The objects of files by their paths below its start, and why some are none.
    pub files: BTreeMap<String, Result<String, FileError>>,
    /// Folders by their paths.
    pub folders: Vec<String>,
}

impl Tree {
    /// Reads what `git ls-tree -r -z` lists of the folder `prefix`, which ends with `/` or is empty.
    pub fn new(prefix: &str, listing: &[u8]) -> Tree {
        let mut tree = Tree { root: Node::Folder(BTreeMap::new()), links: Vec::new() };
        for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
            let head = String::from_utf8_lossy(&line[..tab]).into_owned();
            let mut words = head.split_ascii_whitespace();
            let (mode, _, object) = (words.next(), words.next(), words.next().unwrap_or_default());
            let path = String::from_utf8_lossy(&line[tab + 1..]);
            let node = match mode {
                _ if std::str::from_utf8(&line[tab + 1..]).is_err() => Node::Unnamed,
                Some("120000") => {
                    tree.links.push(object.to_owned());
                    Node::Link(object.to_owned(), None)
                }
                Some("160000") => Node::Submodule,
                _ => Node::File(object.to_owned()),
            };
            tree.add(&format!("{prefix}{path}"), node);
        }
        tree.links.sort_unstable();
        tree.links.dedup();
        tree
    }

    fn add(&mut self, path: &str, node: Node) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = &mut self.root;
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            // Git has no two things of one name.
            let Node::Folder(inner) = at else { return };
            at = inner.entry(part.to_owned()).or_insert_with(|| Node::Folder(BTreeMap::new()));
        }
        if let Node::Folder(inner) = at {
            inner.insert(name.to_owned(), node);
        }
    }

    /// Whether there are symbolic links.
    pub fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// The objects of all links.
    pub fn links(&self) -> Vec<String> {
        self.links.clone()
    }

    /// Says where the links of an object lead.
    pub fn leads(&mut self, object: &str, target: Option<&[u8]>) {
        fn set(node: &mut Node, object: &str, target: &str) {
            match node {
                Node::Folder(inner) => inner.values_mut().for_each(|node| set(node, object, target)),
                Node::Link(own, to) if own == object => *to = Some(target.to_owned()),
                _ => {}
            }
        }
        if let Some(target) = target.and_then(|target| std::str::from_utf8(target).ok()) {
            set(&mut self.root, object, target);
        }
    }

    /// All files below a folder. Links are followed, but none leads around.
    pub fn walk(&self, start: &str) -> Found {
        let start: Vec<String> = start.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut walk = Walk { tree: self, start: start.clone(), open: Vec::new(), found: Found::default() };
        walk.folder(&start, "");
        walk.found
    }

    /// The real path of something and what it is.
    fn resolve(&self, path: &[String], links: usize) -> Result<(Vec<String>, &Node), FileError> {
        let mut real: Vec<String> = Vec::new();
        let mut at = &self.root;
        for (place, part) in path.iter().enumerate() {
            let Node::Folder(folder) = at else { return Err(FileError::Missing) };
            let node = folder.get(part).ok_or(FileError::Missing)?;
            match node {
                Node::Link(_, target) => {
                    if links == 0 {
                        return Err(FileError::Unreadable("too many levels of symbolic links".to_owned()));
                    }
                    let target = target.as_deref().ok_or(FileError::Missing)?;
                    let next = [joined(&real, target)?, path[place + 1..].to_vec()].concat();
                    return self.resolve(&next, links - 1);
                }
                Node::Submodule => return Err(FileError::Submodule),
                Node::Folder(_) | Node::File(_) | Node::Unnamed => {
                    real.push(part.clone());
                    at = node;
                }
            }
        }
        Ok((real, at))
    }

    fn of(&self, real: &[String]) -> Option<&BTreeMap<String, Node>> {
        let mut at = &self.root;
        for part in real {
            let Node::Folder(inner) = at else { return None };
            at = inner.get(part)?;
        }
        if let Node::Folder(inner) = at { Some(inner) } else { None }
    }
}

/// Where a link in a folder leads to, from the top of the repository.
fn joined(folder: &[String], target: &str) -> Result<Vec<String>, FileError> {
    let outside = || FileError::Outside(target.to_owned());
    if target.starts_with('/') {
        return Err(outside());
    }
    let mut path = folder.to_vec();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = path.pop().ok_or_else(outside)?,
            part => path.push(part.to_owned()),
        }
    }
    Ok(path)
}

struct Walk<'a> {
    tree: &'a Tree,
    start: Vec<String>,
    /// The folders that the walk is in.
    open: Vec<Vec<String>>,
    found: Found,
}

impl Walk<'_> {
    fn folder(&mut self, real: &[String], shown: &str) {
        let Some(inner) = self.tree.of(real) else { return };
        if !shown.is_empty() {
            self.found.folders.push(shown.to_owned());
        }
        self.open.push(real.to_vec());
        for (name, node) in inner {
            let path = if shown.is_empty() { name.clone() } else { format!("{shown}/{name}") };
            let here = [real, std::slice::from_ref(name)].concat();
            match node {
                Node::Folder(_) => self.folder(&here, &path),
                Node::File(file) => _ = self.found.files.insert(path, Ok(file.clone())),
                Node::Submodule => _ = self.found.files.insert(path, Err(FileError::Submodule)),
                Node::Unnamed => _ = self.found.files.insert(path, Err(FileError::Name)),
                Node::Link(..) => self.link(&here, path),
            }
        }
        self.open.pop();
    }

    fn link(&mut self, here: &[String], path: String) {
        match self.tree.resolve(here, LINKS) {
            Ok((real, Node::Folder(_))) => {
                if self.open.contains(&real) || self.start.starts_with(&real) {
                    let below = real.strip_prefix(self.start.as_slice()).map(|below| below.join("/"));
                    let to = below.filter(|below| !below.is_empty()).unwrap_or_else(|| ".".to_owned());
                    self.found.files.insert(path, Err(FileError::Loop(to)));
                } else {
                    self.folder(&real, &path);
                }
            }
            Ok((_, Node::File(file))) => _ = self.found.files.insert(path, Ok(file.clone())),
            Ok(_) => _ = self.found.files.insert(path, Err(FileError::Name)),
            Err(reason) => _ = self.found.files.insert(path, Err(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(lines: &[(&str, &str, &str)]) -> Vec<u8> {
        let line = |(mode, object, path): &(&str, &str, &str)| format!("{mode} blob {object}\t{path}\0");
        lines.iter().map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn links_are_followed_within_the_repository_and_never_around() {
        let mut tree = Tree::new(
            "",
            &listed(&[
                ("100644", "a", "shop/metrics/a.metric"),
                ("100644", "b", "shared/b.metric"),
                ("120000", "l1", "shop/metrics/shared"),
                ("120000", "l2", "shop/metrics/up"),
                ("120000", "l3", "shop/metrics/c.metric"),
                ("120000", "l4", "shop/metrics/out.metric"),
                ("120000", "l5", "shop/metrics/self.metric"),
                ("160000", "s", "shop/vendor"),
            ]),
        );
        let targets = [
            ("l1", "../../shared"),
            ("l2", ".."),
            ("l3", "shared/b.metric"),
            ("l4", "../../../etc/x"),
            ("l5", "self.metric"),
        ];
        for (object, target) in targets {
            tree.leads(object, Some(target.as_bytes()));
        }
        let Found { files, folders } = tree.walk("shop/");
        let told: Vec<String> = files
            .iter()
            .map(|(path, file)| match file {
                Ok(object) => format!("{path} = {object}"),
                Err(reason) => format!("{path}: {reason}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                "metrics/a.metric = a",
                "metrics/c.metric = b",
                "metrics/out.metric: the link leads out of the repository, to `../../../etc/x`",
                "metrics/self.metric: too many levels of symbolic links",
                "metrics/shared/b.metric = b",
                "metrics/up: the link leads back to `.`",
                "vendor: it is a submodule",
            ]
        );
        assert_eq!(folders, ["metrics", "metrics/shared"]);
    }

    #[test]
    fn what_git_lists_below_a_folder_has_its_prefix() {
        let tree = Tree::new("shop/", &listed(&[("100644", "a", "metricc.yaml")]));
        assert_eq!(tree.walk("shop/").files.keys().collect::<Vec<_>>(), ["metricc.yaml"]);
        assert!(!tree.has_links());
    }
}
