//! Makes metric libraries of any size, as they grow in companies: a source per 20 metrics with 15 columns and 10
//! dimensions; of the metrics half are simple with a filter, a quarter are ratios, 15 % are derived from those, and 10 %
//! are counted over rolling windows.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// Metrics of one source.
pub const GROUP: usize = 20;

const MANIFEST: &str =
    "name: bench\ntimezone: Asia/Shanghai\nweek_starts: monday\nunits: [CNY]\npaths: [metrics, dimensions]\n";
const TARGET: &str = "kind: clickhouse\ndatabase: metrics\n";

/// A library of `metrics` metrics below `root`. Gives the number of files.
pub fn write(root: &Path, metrics: usize) -> io::Result<usize> {
    for folder in ["metrics", "dimensions", "targets"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::write(root.join("metricc.yaml"), MANIFEST)?;
    fs::write(root.join("targets/clickhouse.yaml"), TARGET)?;
    fs::write(root.join("metrics/entities.metric"), ENTITIES)?;
    let groups = metrics.div_ceil(GROUP);
    for group in 0..groups {
        fs::write(root.join(file(group)), source_file(group, GROUP.min(metrics - group * GROUP), 100))?;
        fs::write(root.join(format!("dimensions/d{group:05}.metric")), dimensions(group))?;
    }
    fs::write(root.join("dimensions/shared.metric"), shared(groups))?;
    Ok(groups * 2 + 4)
}

/// Changes the filters of one file; to others each `round`.
pub fn edit(root: &Path, metrics: usize, round: usize) -> io::Result<()> {
    let middle = metrics.div_ceil(GROUP) / 2;
    edit_files(root, metrics, round, |group| group == middle)
}

/// Changes the filters of some files.
pub fn edit_files(root: &Path, metrics: usize, round: usize, wanted: impl Fn(usize) -> bool) -> io::Result<()> {
    for group in (0..metrics.div_ceil(GROUP)).filter(|group| wanted(*group)) {
        fs::write(root.join(file(group)), source_file(group, GROUP.min(metrics - group * GROUP), 101 + round))?;
    }
    Ok(())
}

fn file(group: usize) -> String {
    format!("metrics/g{group:05}.metric")
}

const ENTITIES: &str = r#"/// A registered account.
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column registered_at: timestamp
  column province: string?
  column level: string?
}

/// A way by which users come.
entity channel {
  table: "dim.channel"
  key: channel_id
  column channel_id: string
  column kind: enum("organic", "store", "ads")
}
"#;

fn source_file(group: usize, metrics: usize, threshold: usize) -> String {
    let mut out = format!(
        r#"/// Cleaned rows of service {group}.
source source_{group} {{
  table: "dwd.source_{group}"
  key: row_id
  time: created_at
  retain: 180d
  column row_id: string
  column created_at: timestamp
  column received_at: timestamp
  column user_id: user?
  column channel: channel?
  column platform: enum("web", "ios", "android", "api")
  column feature: string?
  column version: string?
  column country: string?
  column status: enum("queued", "running", "success", "failed")
  column amount: decimal(18, 2)? unit CNY
  column items: int
  column latency: duration(ms)?
  column score: float?
  column is_test: bool
}}

"#
    );
    for number in 0..metrics {
        metric(&mut out, group, number, threshold);
    }
    out
}

fn metric(out: &mut String, group: usize, number: usize, threshold: usize) {
    let g = format!("g{group}");
    // Counts and sums take turns over the first ten; whatever follows stands on them.
    let (name, formula) = match number {
        0..=9 => {
            let filter = format!("status = \"success\" and not is_test and items < {}", threshold + number);
            let source = format!("source_{group}");
            match number % 5 {
                0 => (format!("{g}_users_{number}"), format!("distinct(user_id from {source} where {filter})")),
                1 => (format!("{g}_count_{number}"), format!("count({source} where {filter})")),
                2 => (format!("{g}_amount_{number}"), format!("sum(amount from {source} where {filter})")),
                3 => (format!("{g}_p95_{number}"), format!("p95(latency from {source} where {filter})")),
                _ => (format!("{g}_score_{number}"), format!("avg(score from {source} where {filter})")),
            }
        }
        10 => (format!("{g}_rate_10"), format!("{g}_count_1 / {g}_count_6")),
        11 => (format!("{g}_rate_11"), format!("{g}_users_0 / {g}_users_5")),
        12 => (format!("{g}_per_user_12"), format!("{g}_amount_2 / {g}_users_0")),
        13 => (format!("{g}_per_row_13"), format!("{g}_amount_7 / {g}_count_6")),
        14 => (format!("{g}_rate_14"), format!("{g}_count_6 / {g}_count_1")),
        15 => (format!("{g}_gap_15"), format!("{g}_amount_2 - {g}_amount_7")),
        16 => (format!("{g}_safe_16"), format!("coalesce({g}_rate_10, 0)")),
        17 => (format!("{g}_best_17"), format!("greatest({g}_count_1, {g}_count_6)")),
        18 => (format!("{g}_week_18"), format!("{g}_count_1 over 7d")),
        _ => (format!("{g}_active_19"), format!("{g}_users_0 over 28d")),
    };
    let _ = writeln!(
        out,
        "/// Number {number} of service {group}.\nmetric {name} = {formula} {{\n  title: \"Metric {number} of {group}\"\n  tier: diagnostic\n  owner: \"team {}\"\n  grain: 1d\n  by: platform, feature_{group}\n}}",
        group % 7
    );
}

/// The dimension that all sources share.
fn shared(groups: usize) -> String {
    let bindings: Vec<String> = (0..groups).map(|group| format!("source_{group}.platform")).collect();
    format!("dimension platform = {} {{ title: \"Platform\" }}\n", bindings.join(" |\n  "))
}

/// The nine dimensions of a source alone.
fn dimensions(group: usize) -> String {
    let mut out = String::new();
    let source = format!("source_{group}");
    for (name, value) in [
        ("feature", format!("{source}.feature else \"none\"")),
        ("version", format!("{source}.version else \"none\"")),
        ("country", format!("{source}.country else \"none\"")),
        ("status", format!("{source}.status")),
        ("test", format!("{source}.is_test")),
        ("province", format!("{source}.user_id.province else \"unknown\"")),
        ("level", format!("{source}.user_id.level else \"none\"")),
        ("kind", format!("{source}.channel.kind else null")),
    ] {
        let _ = writeln!(out, "dimension {name}_{group} = {value} {{ title: \"{name} of {group}\" }}");
    }
    let _ = writeln!(
        out,
        "dimension size_{group}: enum(\"small\", \"large\") on {source} = case when items > 10 then \"large\" else \"small\" end {{ title: \"size of {group}\" }}"
    );
    out
}
