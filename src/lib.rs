//! metricc compiles metric definitions.
//!
//! The library is pure: text in, artefacts and diagnostics out. Files, clocks, processes and terminals live in
//! the command line. The pipeline is a chain of types, one folder a stage; see `docs/architecture.md`.

pub mod alerting;
pub mod ask;
pub mod backtest;
pub mod caliber;
pub mod catalog;
pub mod change;
pub mod cli;
pub mod clickhouse;
pub mod compile;
pub mod delivery;
pub mod diagnostic;
#[cfg(feature = "dry-run")]
pub mod dry_run;
pub mod emit;
pub mod exporter;
mod exposition;
pub mod format;
mod http;
pub mod lineage;
pub mod plan;
pub mod power;
pub mod project;
pub mod quality;
pub mod report;
pub mod resolve;
pub mod rollup;
pub mod sample;
mod secret;
pub mod site;
pub mod sql;
pub mod stack;
pub mod suggest;
pub mod syntax;
pub mod table;
mod template;
#[cfg(feature = "dry-run")]
pub mod testing;
pub mod types;
pub mod value;
