//! The settings of a target of the kind `clickhouse`.

use super::yaml::Reader;
use crate::diagnostic::Spanned;

/// A ClickHouse database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickhouseTarget {
    /// `database`: where rollups and views are made; `metrics` by default.
    pub database: String,
    /// `create_sources`: also emit the DDL of the source tables.
    pub create_sources: bool,
    /// `allow_approximate`: an exact distinct or quantile may become an approximate one, with its error stated.
    pub allow_approximate: bool,
    /// `rows_a_day`: about how many rows come into a source a day, by the source's name; samples do not tell.
    pub rows_a_day: Vec<(Spanned<String>, u64)>,
    /// `dictionaries`: entities are looked up in dictionaries.
    pub dictionaries: Option<Dictionaries>,
}

impl Default for ClickhouseTarget {
    fn default() -> ClickhouseTarget {
        ClickhouseTarget {
            database: "metrics".to_owned(),
            create_sources: false,
            allow_approximate: false,
            rows_a_day: Vec::new(),
            dictionaries: None,
        }
    }
}

impl ClickhouseTarget {
    /// Reads the settings; what is wrong is told and has its default.
    pub fn read(reader: &mut Reader<'_>) -> ClickhouseTarget {
        let default = ClickhouseTarget::default();
        ClickhouseTarget {
            database: reader.text("database").map_or(default.database, |name| name.value),
            create_sources: reader.flag("create_sources").unwrap_or(default.create_sources),
            allow_approximate: reader.flag("allow_approximate").unwrap_or(default.allow_approximate),
            rows_a_day: reader.counts("rows_a_day").unwrap_or_default(),
            dictionaries: reader.mapping("dictionaries", Dictionaries::read),
        }
    }
}

/// Dictionaries: copies of entities in memory, in which their attributes are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dictionaries {
    /// `entities`: which entities have one; all that can, where it is not said.
    pub entities: Option<Vec<Spanned<String>>>,
    /// `lifetime`: after how many milliseconds a copy is made anew; 5 minutes by default.
    pub lifetime: i64,
    /// `on_arrival`: streams look rows up as they arrive, so that attributes are as of ingestion.
    pub on_arrival: bool,
}

impl Dictionaries {
    fn read(reader: &mut Reader<'_>) -> Dictionaries {
        Dictionaries {
            entities: reader.texts("entities"),
            lifetime: reader.duration("lifetime").map_or(300_000, |length| length.value),
            on_arrival: reader.flag("on_arrival").unwrap_or(false),
        }
    }
}
