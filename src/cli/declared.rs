//! Declarations by name.

use std::sync::Arc;

use crate::syntax::ast::{Declaration, DeclarationKind, File};

/// The name of a declaration; a test has none.
pub fn name(declaration: &Declaration) -> Option<&str> {
    let name = match &declaration.kind {
        DeclarationKind::Entity(table) | DeclarationKind::Source(table) => &table.name,
        DeclarationKind::Subset(subset) => &subset.name,
        DeclarationKind::Dimension(dimension) => &dimension.name,
        DeclarationKind::Hierarchy(hierarchy) => &hierarchy.name,
        DeclarationKind::Metric(metric) => &metric.name,
        DeclarationKind::Block(block) => &block.name,
        DeclarationKind::Test(_) | DeclarationKind::Change(_) => return None,
    };
    Some(name)
}

/// The version of a declaration; 1 where none is written.
fn version(declaration: &Declaration) -> u32 {
    let version = match &declaration.kind {
        DeclarationKind::Entity(table) | DeclarationKind::Source(table) => &table.version,
        DeclarationKind::Subset(subset) => &subset.version,
        DeclarationKind::Dimension(dimension) => &dimension.version,
        DeclarationKind::Metric(metric) => &metric.version,
        _ => return 1,
    };
    version.as_ref().map_or(1, |version| version.value)
}

/// All declarations of a name, in the order of files: other kinds and other versions too, unless one is asked for
/// (`dau@v1`, `dau v1`).
pub fn find<'a>(wanted: &str, files: &'a [Arc<File>]) -> Vec<&'a Declaration> {
    let all = || files.iter().flat_map(|file| &file.declarations);
    let found: Vec<&Declaration> = all().filter(|one| name(one) == Some(wanted)).collect();
    let versioned = wanted.rsplit_once([' ', '@']).and_then(|(name, version)| {
        let version: u32 = version.strip_prefix('v')?.parse().ok()?;
        Some((name.trim(), version))
    });
    match versioned {
        Some((wanted, of)) if found.is_empty() => {
            all().filter(|one| name(one) == Some(wanted) && version(one) == of).collect()
        }
        _ => found,
    }
}

/// The names of all declarations.
pub fn names(files: &[Arc<File>]) -> impl Iterator<Item = &str> {
    files.iter().flat_map(|file| &file.declarations).filter_map(name)
}
