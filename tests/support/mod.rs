//! What the integration tests share: real engines, found or installed on first use.
//!
//! A test that needs one begins with the guard, which leaves the test when the engine is switched off:
//!
//! ```ignore
//! mod support;
//!
//! #[test]
//! fn sums_are_exact() {
//!     support::engine!("clickhouse");
//!     let session = support::clickhouse::Session::new();
//!     …
//! }
//! ```

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code, unused_imports, unused_macros)]

pub mod airflow;
pub mod answers;
pub mod apart;
pub mod batches;
pub mod browser;
pub mod calls;
pub mod cli;
pub mod clickhouse;
pub mod duckdb;
pub mod engines;
pub mod front;
pub mod git;
pub mod grafana;
pub mod kafka;
pub mod listener;
pub mod messages;
pub mod panels;
pub mod pglast;
pub mod post;
pub mod prometheus;
pub mod provision;
pub mod python;
pub mod report;
pub mod rolled;
pub mod script;
pub mod spark;
pub mod table;

/// Leaves the test, counted and with its reason, when the engine is switched off by `METRICC_ENGINES`.
macro_rules! engine {
    ($name:literal) => {
        if !$crate::support::engines::wanted($name, $crate::support::here!()) {
            return;
        }
    };
}
pub(crate) use engine;

/// The path of the function that it stands in, such as `engine_smoke::sums_are_exact`.
macro_rules! here {
    () => {{
        fn inner() {}
        let name = std::any::type_name_of_val(&inner);
        name.strip_suffix("::inner").unwrap_or(name)
    }};
}
pub(crate) use here;
