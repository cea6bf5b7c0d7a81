//! Who may read what: roles with grants, row policies, quotas and settings profiles, as files of their own for whoever manages
//! access (CH17).
//!
//! A policy of a source does not reach what a materialized view has made of it, so policies are on what is granted: the views
//! that readers see. These read what is behind them with the rights of the definer, and nobody else needs any there.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use sqlparser::ast::Expr as Sql;

use super::readers::Readers;
use super::{Build, check};
use crate::diagnostic::{Diagnostics, Spanned};
use crate::emit::{Artifact, MetricView};
use crate::error;
use crate::plan::{DataType, OutputColumn, Value};
use crate::project::{Access, Role, Scalar};
use crate::sql::{self, CLICKHOUSE, Calendar, Scalars, build};
use crate::suggest::near;
use crate::types::Tier;

/// With whose rights views read, as a clause.
pub fn security(build: &Build, is_filled: bool) -> String {
    match &build.settings.access {
        Some(access) => format!("DEFINER = {} SQL SECURITY DEFINER", CLICKHOUSE.identifier(&access.definer)),
        // What fills a table writes with the rights of who made it; what is read has those of the reader.
        None if is_filled => "DEFINER = CURRENT_USER SQL SECURITY DEFINER".to_owned(),
        None => "SQL SECURITY INVOKER".to_owned(),
    }
}

/// A role as it was made.
struct Made<'a> {
    role: &'a Role,
    /// What it may read, as SQL, each with the condition on its rows.
    views: Vec<(String, Option<String>)>,
    /// The metrics that lack a dimension which its rows are chosen by.
    refused: BTreeSet<&'a str>,
}

/// The files, and what the manifest tells of them.
pub fn artifacts(build: &Build, readers: &Readers, diagnostics: &mut Diagnostics) -> (Vec<Artifact>, Json) {
    let Some(access) = &build.settings.access else { return (Vec::new(), Json::Null) };
    let views: Vec<(String, &MetricView)> =
        readers.metrics(build).map(|(name, metric)| (build.name(&name).to_string(), metric)).collect();
    let made: Vec<Made> = access.roles.iter().map(|role| self::role(build, role, &views, diagnostics)).collect();
    let file = |name: &str, what: &str, template: &str, values: minijinja::Value, diagnostics: &mut Diagnostics| {
        let path = build.path(&format!("access/{name}"));
        let body = build.render(template, values);
        check(build, &path, &body, diagnostics);
        Artifact { path, text: build.header(what) + &body, origin: Vec::new() }
    };
    let files = vec![
        file("1_roles.sql", "Roles and what they may read", "clickhouse/roles.sql", roles(&made), diagnostics),
        file(
            "2_row_policies.sql",
            "Which rows roles may read (CH17)",
            "clickhouse/row_policies.sql",
            policies(&made),
            diagnostics,
        ),
        file("3_quotas.sql", "How much roles may ask", "clickhouse/quotas.sql", quotas(build, access), diagnostics),
        file(
            "4_settings_profiles.sql",
            "Settings that roles can't change",
            "clickhouse/settings_profiles.sql",
            profiles(build, access),
            diagnostics,
        ),
        file(
            "rollback.sql",
            "Takes back the other files of this folder",
            "clickhouse/rollback.sql",
            taken(build, access, &made),
            diagnostics,
        ),
    ];
    let told = made.iter().map(|made| {
        let views: Vec<&str> = made.views.iter().map(|(view, _)| view.as_str()).collect();
        json!({ "role": made.role.name.value, "views": views, "refused": made.refused })
    });
    let details = json!({
        "definer": access.definer,
        "files": files.iter().map(|file| &file.path).collect::<Vec<_>>(),
        "roles": told.collect::<Vec<_>>(),
    });
    (files, details)
}

fn role<'a>(
    build: &Build,
    role: &'a Role,
    views: &[(String, &'a MetricView)],
    diagnostics: &mut Diagnostics,
) -> Made<'a> {
    unknown(role, views, diagnostics);
    let mut made = Made { role, views: Vec::new(), refused: BTreeSet::new() };
    for (view, metric) in views.iter().filter(|(_, metric)| is_of(role, metric)) {
        let conditions: Option<Vec<Sql>> =
            role.rows.iter().map(|(name, values)| condition(build, metric, name, values)).collect();
        match conditions {
            Some(conditions) => made.views.push((view.clone(), build::all(conditions).map(|all| all.to_string()))),
            None => drop(made.refused.insert(metric.name.as_str())),
        }
    }
    made
}

/// The metric that a growth belongs to.
fn family(metric: &MetricView) -> &str {
    metric.name.split('.').next().unwrap_or(&metric.name)
}

fn is_of(role: &Role, metric: &MetricView) -> bool {
    let of_tier = |name: &Spanned<String>| metric.tier.is_some_and(|tier| word(tier) == name.value);
    let everything = role.tiers.is_empty() && role.metrics.is_empty();
    everything || role.tiers.iter().any(of_tier) || role.metrics.iter().any(|name| name.value == family(metric))
}

fn word(tier: Tier) -> &'static str {
    match tier {
        Tier::Kpi => "kpi",
        Tier::Ksi => "ksi",
        Tier::Diagnostic => "diagnostic",
    }
}

/// Tells names of a role that stand for nothing, and values that no row can have.
fn unknown(role: &Role, views: &[(String, &MetricView)], diagnostics: &mut Diagnostics) {
    let metrics: Vec<&str> = views.iter().map(|(_, metric)| family(metric)).collect();
    let columns: Vec<&OutputColumn> = views.iter().flat_map(|(_, metric)| &metric.query.dimensions).collect();
    let dimensions: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let of_metrics = role.metrics.iter().map(|name| (name, "metric", metrics.as_slice()));
    let of_tiers = role.tiers.iter().map(|name| (name, "tier", ["kpi", "ksi", "diagnostic"].as_slice()));
    let of_rows = role.rows.iter().map(|(name, _)| (name, "dimension", dimensions.as_slice()));
    for (name, what, known) in of_metrics.chain(of_tiers).chain(of_rows) {
        if !known.contains(&name.as_str()) {
            let help = match near(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write the name of a declared {what}"),
            };
            diagnostics.push(error!(E0818, name.span, "the role `{}` names `{}`, which is no {what}", role.name.value, name.value; help: help));
        }
    }
    for (name, values) in &role.rows {
        let Some(column) = columns.iter().find(|column| column.name == name.value) else { continue };
        for one in values.iter().filter(|one| literal(one, &column.ty).is_none()) {
            diagnostics.push(error!(E0817, one.span, "the dimension `{}` has no such value: its type is {}", name.value, type_word(&column.ty);
                help: "write values of its type; dimensions of text, whole numbers and bools choose rows"));
        }
    }
}

fn type_word(ty: &DataType) -> &'static str {
    match ty {
        DataType::String => "string",
        DataType::Int => "int",
        DataType::Bool => "bool",
        _ => "neither string, int nor bool",
    }
}

fn literal(value: &Scalar, ty: &DataType) -> Option<Value> {
    match (value, ty) {
        (Scalar::Text(text), DataType::String) => Some(Value::String(text.clone())),
        (Scalar::Number(number), DataType::Int) => Some(Value::Int(*number)),
        (Scalar::Flag(flag), DataType::Bool) => Some(Value::Bool(*flag)),
        _ => None,
    }
}

/// The condition on a metric's rows; none where it lacks the dimension.
fn condition(build: &Build, metric: &MetricView, name: &Spanned<String>, values: &[Spanned<Scalar>]) -> Option<Sql> {
    let column = metric.query.dimensions.iter().find(|column| column.name == name.value)?;
    let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
    let known = values.iter().filter_map(|value| literal(value, &column.ty));
    let values: Vec<Sql> = known.map(|value| CLICKHOUSE.literal(&value, &column.ty, calendar)).collect();
    let own = Sql::Identifier(CLICKHOUSE.identifier(&column.name));
    // No value lets no row through.
    Some(if values.is_empty() { build::boolean(false) } else { build::in_list(own, values) })
}

fn identifier(name: &str) -> String {
    CLICKHOUSE.identifier(name).to_string()
}

/// What the names of a role's objects begin with: other targets may have roles of the same names.
fn named(build: &Build, role: &Role) -> String {
    identifier(&format!("{}_{}", build.settings.database, role.name.value))
}

fn roles(made: &[Made]) -> minijinja::Value {
    let mut roles = Vec::with_capacity(made.len());
    for one in made {
        let views: Vec<String> = one.views.iter().map(|(view, _)| view.clone()).collect();
        roles.push(minijinja::context! { name => identifier(&one.role.name), views });
    }
    minijinja::context! { roles }
}

/// The views that have a policy for some role.
fn restricted<'a>(made: &'a [Made<'_>]) -> BTreeSet<&'a str> {
    let views = made.iter().flat_map(|made| &made.views);
    views.filter(|(_, rows)| rows.is_some()).map(|(view, _)| view.as_str()).collect()
}

/// A policy for each role and view that has one for some role: who has none there reads all or nothing, as the server is set up.
fn policies(made: &[Made]) -> minijinja::Value {
    let restricted = restricted(made);
    let of = |made: &Made| {
        let role = identifier(&made.role.name);
        let views = made.views.iter().filter(|(view, _)| restricted.contains(view.as_str()));
        let policy = |(view, rows): &(String, Option<String>)| {
            minijinja::context! { view, role => role.as_str(), rows => rows.as_deref().unwrap_or("true") }
        };
        views.map(policy).collect::<Vec<_>>()
    };
    minijinja::context! { policies => made.iter().flat_map(of).collect::<Vec<_>>() }
}

fn quotas(build: &Build, access: &Access) -> minijinja::Value {
    let of = |role: &Role| {
        let quota = role.quota.as_ref()?;
        let limits: Vec<String> = quota.limits.iter().map(|(name, limit)| format!("{name} = {limit}")).collect();
        Some(minijinja::context! {
            name => named(build, role), role => identifier(&role.name), seconds => quota.every / 1000, limits => limits.join(", "),
        })
    };
    minijinja::context! { quotas => access.roles.iter().filter_map(of).collect::<Vec<_>>() }
}

fn profiles(build: &Build, access: &Access) -> minijinja::Value {
    let value = |value: &Scalar| match value {
        Scalar::Text(text) => sql::quoted(text, &CLICKHOUSE),
        Scalar::Number(number) => number.to_string(),
        Scalar::Flag(flag) => u8::from(*flag).to_string(),
    };
    let of = |role: &Role| {
        let settings: Vec<String> =
            role.settings.iter().map(|(name, of)| format!("{} = {} CONST", name.value, value(of))).collect();
        (!settings.is_empty()).then(|| {
            minijinja::context! { name => named(build, role), role => identifier(&role.name), settings => settings.join(", ") }
        })
    };
    minijinja::context! { profiles => access.roles.iter().filter_map(of).collect::<Vec<_>>() }
}

fn taken(build: &Build, access: &Access, made: &[Made]) -> minijinja::Value {
    let mut drop: Vec<String> = Vec::new();
    for role in &access.roles {
        if !role.settings.is_empty() {
            drop.push(format!("SETTINGS PROFILE IF EXISTS {}", named(build, role)));
        }
        if role.quota.is_some() {
            drop.push(format!("QUOTA IF EXISTS {}", named(build, role)));
        }
    }
    let restricted = restricted(made);
    for made in made {
        let views = made.views.iter().filter(|(view, _)| restricted.contains(view.as_str()));
        drop.extend(views.map(|(view, _)| format!("ROW POLICY IF EXISTS {} ON {view}", identifier(&made.role.name))));
    }
    drop.extend(access.roles.iter().map(|role| format!("ROLE IF EXISTS {}", identifier(&role.name))));
    minijinja::context! { drop, forget => false, sync => "" }
}
