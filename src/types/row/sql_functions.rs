//! Functions that a text of `sql(…)` must not call: what they give depends on more than the row's columns.

/// Aggregates by their names; those of ClickHouse also with the endings below.
const AGGREGATES: [&str; 92] = [
    "any",
    "any_value",
    "anyheavy",
    "anylast",
    "argmax",
    "argmin",
    "array_agg",
    "avg",
    "avgweighted",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "boundingratio",
    "collect_list",
    "collect_set",
    "contingency",
    "corr",
    "corrmatrix",
    "corrstable",
    "count",
    "covar",
    "covarpop",
    "covarpopstable",
    "covarsamp",
    "covarsampstable",
    "cramersv",
    "deltasum",
    "deltasumtimestamp",
    "entropy",
    "every",
    "exponentialmovingaverage",
    "first",
    "first_value",
    "flamegraph",
    "grouping",
    "histogram",
    "intervallengthsum",
    "kolmogorovsmirnovtest",
    "kurtosis",
    "kurtpop",
    "kurtsamp",
    "largesttrianglethreebuckets",
    "last",
    "last_value",
    "listagg",
    "lttb",
    "mannwhitneyutest",
    "max",
    "max_by",
    "maxintersections",
    "maxintersectionsposition",
    "maxmap",
    "mean",
    "meanztest",
    "min",
    "min_by",
    "minmap",
    "mode",
    "percentile",
    "percentile_approx",
    "percentile_cont",
    "percentile_disc",
    "rankcorr",
    "retention",
    "sequencecount",
    "sequencematch",
    "sequencenextnode",
    "simplelinearregression",
    "singlevalueornull",
    "skewness",
    "skewpop",
    "skewsamp",
    "some",
    "sparkbar",
    "string_agg",
    "studentttest",
    "sum",
    "sumcount",
    "sumkahan",
    "summap",
    "summapfiltered",
    "summapfilteredwithoverflow",
    "summapwithoverflow",
    "sumwithoverflow",
    "theilsu",
    "topk",
    "topkweighted",
    "try_avg",
    "welchttest",
    "windowfunnel",
];

/// How the names of other aggregates begin.
const AGGREGATE_BEGINNINGS: [&str; 17] = [
    "approx_",
    "covar_",
    "grouparray",
    "groupbit",
    "groupconcat",
    "groupuniq",
    "hll_",
    "median",
    "quantile",
    "regr_",
    "stddev",
    "stochastic",
    "theta_",
    "uniq",
    "var_",
    "varpop",
    "varsamp",
];

/// What an aggregate of ClickHouse can end with, again and again.
const ENDINGS: [&str; 12] = [
    "argmax",
    "argmin",
    "array",
    "distinct",
    "foreach",
    "if",
    "map",
    "merge",
    "ordefault",
    "ornull",
    "resample",
    "state",
];

/// Functions that see the rows around, or make several rows of one.
const OF_OTHER_ROWS: [&str; 31] = [
    "arrayjoin",
    "blocknumber",
    "blocksize",
    "cume_dist",
    "dense_rank",
    "explode",
    "explode_outer",
    "inline",
    "inline_outer",
    "json_tuple",
    "lag",
    "laginframe",
    "lead",
    "leadinframe",
    "monotonically_increasing_id",
    "neighbor",
    "nonnegativederivative",
    "nth_value",
    "ntile",
    "percent_rank",
    "posexplode",
    "posexplode_outer",
    "rank",
    "row_number",
    "rownumberinallblocks",
    "rownumberinblock",
    "runningaccumulate",
    "runningconcurrency",
    "runningdifference",
    "stack",
    "unnest",
];

/// Functions that read other tables, the server or the session.
const OF_ELSEWHERE: [&str; 36] = [
    "buildid",
    "catboostevaluate",
    "columns",
    "connection_id",
    "connectionid",
    "current_catalog",
    "current_database",
    "current_role",
    "current_schema",
    "current_user",
    "currentdatabase",
    "currentprofiles",
    "currentroles",
    "currentschemas",
    "currentuser",
    "database",
    "evalmlmethod",
    "file",
    "fqdn",
    "getmacro",
    "getserverport",
    "getserversetting",
    "getsetting",
    "hascolumnintable",
    "hostname",
    "initialqueryid",
    "input_file_name",
    "queryid",
    "schema",
    "servertimezone",
    "serveruuid",
    "session_user",
    "spark_partition_id",
    "timezone",
    "uptime",
    "version",
];

/// Functions that give something else at each call.
const CLOCKS: [&str; 26] = [
    "clock_timestamp",
    "curdate",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_timezone",
    "curtime",
    "fuzzbits",
    "fuzzjson",
    "gen_random_uuid",
    "generateserialid",
    "getdate",
    "localtime",
    "localtimestamp",
    "now",
    "now64",
    "nowinblock",
    "nowinblock64",
    "shuffle",
    "sleep",
    "sleepeachrow",
    "statement_timestamp",
    "sysdate",
    "today",
    "transaction_timestamp",
    "yesterday",
];

/// How the names of others begin.
const CLOCK_BEGINNINGS: [&str; 6] =
    ["generatesnowflake", "generateulid", "generateuuid", "rand", "utc_timestamp", "utctimestamp"];

/// How the names of functions that look into other tables begin.
const TABLE_BEGINNINGS: [&str; 2] = ["dictget", "joinget"];

/// Why a function has no place in an expression over one row, and what to write instead; none where it has.
pub(super) fn refused(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let begins = |all: &[&str]| all.iter().any(|beginning| name.starts_with(beginning));
    let is = |all: &[&str]| all.contains(&name.as_str());
    if is(&CLOCKS) || begins(&CLOCK_BEGINNINGS) || name == "uuid" {
        return Some("a past number must not change: use the row's `time`");
    }
    if is(&OF_ELSEWHERE) || begins(&TABLE_BEGINNINGS) || name == "dicthas" || name.starts_with("dictis") {
        return Some("only the row's columns count: reach other tables by entity-typed columns");
    }
    if is(&OF_OTHER_ROWS) {
        return Some("it is of one row: write `first of`, a session or a metric for what rows have in common");
    }
    is_aggregate(&name).then_some("aggregate in a metric")
}

fn is_aggregate(name: &str) -> bool {
    let known = |name: &str| {
        AGGREGATES.contains(&name) || AGGREGATE_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    known(name) || ENDINGS.iter().any(|ending| name.strip_suffix(ending).is_some_and(is_aggregate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_are_known_with_their_endings() {
        for name in
            ["max", "sumIf", "uniqExactIf", "argMaxIf", "countDistinct", "quantilesTimingState", "any", "sumMapIf"]
        {
            assert_eq!(refused(name), Some("aggregate in a metric"), "{name}");
        }
        for name in
            ["multiIf", "arrayDistinct", "arrayMax", "mapAdd", "bitAnd", "greatest", "length", "if", "array", "domain"]
        {
            assert_eq!(refused(name), None, "{name}");
        }
    }

    #[test]
    fn what_depends_on_more_than_the_row_is_known() {
        for name in ["arrayJoin", "dictGetOrDefault", "hostName", "rand64", "rowNumberInAllBlocks", "UNNEST", "Today"] {
            assert!(refused(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_lists_are_in_order() {
        for list in [&AGGREGATES[..], &OF_OTHER_ROWS, &OF_ELSEWHERE, &CLOCKS] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }
}
