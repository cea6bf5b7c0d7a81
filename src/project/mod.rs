//! Loading a project: `metricc.yaml`, `*.metric` files and `targets/*.yaml`, through one [`Files`] trait.

mod source_map;

pub use source_map::{SourceFile, SourceMap};
