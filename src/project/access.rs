//! Who may read what of a target: roles with the metrics that they see, the rows, limits and settings.

use super::yaml::{Reader, Scalar};
use crate::diagnostic::Spanned;
use crate::error;

/// `access:` of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `definer`: the user with whose rights views read what is behind them.
    pub definer: String,
    /// `roles`: those who read.
    pub roles: Vec<Role>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: Spanned<String>,
    /// `tiers`: the metrics of these tiers.
    pub tiers: Vec<Spanned<String>>,
    /// `metrics`: these metrics. Without either, all of them.
    pub metrics: Vec<Spanned<String>>,
    /// `where`: only rows with these values, by dimension.
    pub rows: Vec<(Spanned<String>, Vec<Spanned<Scalar>>)>,
    /// `quota`: how much it may ask in a span of time.
    pub quota: Option<Quota>,
    /// `settings`: settings of the server that it can't change.
    pub settings: Vec<(Spanned<String>, Scalar)>,
}

/// How much may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// `every`: the span, in milliseconds.
    pub every: i64,
    /// What is limited, and to how much.
    pub limits: Vec<(&'static str, u64)>,
}

/// What a quota can limit.
const LIMITS: &[&str] =
    &["queries", "errors", "read_rows", "read_bytes", "result_rows", "result_bytes", "execution_time"];

impl Access {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Access> {
        let definer = reader.required_text("definer", "metricc");
        let roles = reader.mapping("roles", |reader| {
            let keys = reader.keys();
            let role = |(key, span)| reader.mapping(key, |inner| Role::read(Spanned::new(key.to_owned(), span), inner));
            keys.into_iter().filter_map(role).collect()
        });
        Some(Access { definer: definer?.value, roles: roles.unwrap_or_default() })
    }
}

impl Role {
    fn read(name: Spanned<String>, reader: &mut Reader<'_>) -> Role {
        Role {
            name,
            tiers: reader.texts("tiers").unwrap_or_default(),
            metrics: reader.texts("metrics").unwrap_or_default(),
            rows: reader.mapping("where", rows).unwrap_or_default(),
            quota: reader.mapping("quota", Quota::read).flatten(),
            settings: reader.mapping("settings", settings).unwrap_or_default(),
        }
    }
}

fn rows(reader: &mut Reader<'_>) -> Vec<(Spanned<String>, Vec<Spanned<Scalar>>)> {
    let keys = reader.keys();
    let of = |(key, span): (_, _)| Some((Spanned::new(str::to_owned(key), span), reader.scalars(key)?));
    keys.into_iter().filter_map(of).collect()
}

fn settings(reader: &mut Reader<'_>) -> Vec<(Spanned<String>, Scalar)> {
    let mut found = Vec::new();
    for (key, span) in reader.keys() {
        let value = reader.scalar(key);
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            reader.tell(error!(E0023, span, "`{key}` is no name of a setting";
                help: "write it as the server does, such as `max_memory_usage`"));
            continue;
        }
        found.extend(value.map(|value| (Spanned::new(key.to_owned(), span), value.value)));
    }
    found
}

impl Quota {
    fn read(reader: &mut Reader<'_>) -> Option<Quota> {
        let every = match reader.duration("every") {
            Some(every) if every.value % 1000 == 0 => Some(every.value),
            Some(every) => {
                reader.tell(error!(E0023, every.span, "`every` is no number of whole seconds"; help: "write `1h`"));
                None
            }
            None => {
                // Its absence, unless it is wrong, which was told.
                reader.required_text("every", "1h");
                None
            }
        };
        let limits: Vec<_> = LIMITS.iter().filter_map(|limit| Some((*limit, reader.count(limit)?.value))).collect();
        if limits.is_empty() {
            let span = reader.place();
            reader.tell(error!(E0024, span, "`quota` limits nothing"; help: "add `queries: 1000`"));
            return None;
        }
        Some(Quota { every: every?, limits })
    }
}
