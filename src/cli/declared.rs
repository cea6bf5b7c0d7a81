//! Declarations by name.

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

/// All declarations of a name, in the order of files: other kinds and other versions too.
pub fn find<'a>(wanted: &str, files: &'a [File]) -> Vec<&'a Declaration> {
    files.iter().flat_map(|file| &file.declarations).filter(|one| name(one) == Some(wanted)).collect()
}

/// The names of all declarations.
pub fn names(files: &[File]) -> impl Iterator<Item = &str> {
    files.iter().flat_map(|file| &file.declarations).filter_map(name)
}
