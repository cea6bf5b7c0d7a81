//! The settings of a target of the kind `grafana`: dashboards over what a warehouse serves.

use std::sync::Arc;

use super::clickhouse::ClickhouseTarget;
use super::connection::url_fault;
use super::target::{Target, TargetSettings};
use super::warehouse;
use super::yaml::Reader;
use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;

const MOST_SERIES: u64 = 100;

/// Dashboards of Grafana and the files that it is provisioned with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrafanaTarget {
    /// `warehouse`: the ClickHouse target; may be left out where there is one alone.
    pub warehouse: Option<Spanned<String>>,
    /// That target, by its name, once all are read.
    pub of: Option<(String, Arc<ClickhouseTarget>)>,
    /// `folder`: the folder of Grafana; the project's name where it is not said.
    pub folder: String,
    /// `datasource`: the uid of the data source.
    pub datasource: Spanned<String>,
    /// `path`: where the dashboards lie on Grafana's machine.
    pub path: String,
    /// `environment`: what the environment variables with the server, user and password begin with.
    pub environment: Spanned<String>,
    /// `docs_url`: where the pages of `metricc docs` are.
    pub docs_url: Option<String>,
    /// `runbooks`: the address that runbooks which are files stand below.
    pub runbooks: Option<String>,
    /// `tags`: more tags of all dashboards.
    pub tags: Vec<String>,
    /// `max_series`: how many groups a panel may have without `top`.
    pub max_series: u64,
}

impl GrafanaTarget {
    /// Reads the settings; what is wrong is told and has its default.
    pub(super) fn read(reader: &mut Reader<'_>) -> GrafanaTarget {
        let place = reader.place();
        let text = |text: Option<Spanned<String>>, default: &str| {
            text.unwrap_or_else(|| Spanned::new(default.to_owned(), place))
        };
        let warehouse = reader.text("warehouse");
        let folder = reader.text("folder").map(|text| text.value).unwrap_or_default();
        let datasource = text(reader.text("datasource"), "metricc-clickhouse");
        let is_uid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if datasource.is_empty() || datasource.len() > 40 || !datasource.chars().all(is_uid) {
            reader.tell(error!(E0023, datasource.span, "`{}` is no uid of Grafana", datasource.value;
                help: "take up to 40 letters, digits, `_` and `-`"));
        }
        let environment = text(reader.text("environment"), "CLICKHOUSE");
        let is_variable = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !environment.starts_with(|c: char| c.is_ascii_alphabetic()) || !environment.chars().all(is_variable) {
            reader.tell(
                error!(E0023, environment.span, "`{}` begins no name of an environment variable", environment.value;
                help: "take letters, digits and `_`: `CLICKHOUSE` for `CLICKHOUSE_HOST` and the others"),
            );
        }
        let path = reader.text("path").map_or_else(|| "/var/lib/grafana/dashboards".to_owned(), |path| path.value);
        GrafanaTarget {
            warehouse,
            of: None,
            folder,
            datasource,
            path,
            environment,
            docs_url: address(reader, "docs_url"),
            runbooks: address(reader, "runbooks"),
            tags: reader.texts("tags").unwrap_or_default().into_iter().map(|tag| tag.value).collect(),
            max_series: reader.count("max_series").map_or(MOST_SERIES, |count| count.value),
        }
    }
}

fn address<'a>(reader: &mut Reader<'a>, key: &'a str) -> Option<String> {
    let url = reader.text(key)?;
    if let Some(fault) = url_fault(&url) {
        reader.tell(error!(E0023, url.span, "`{key}` {fault}"; help: ("write `{key}: \"https://wiki.example.com/\"`")));
        return None;
    }
    Some(url.value)
}

/// Ties each of them to its warehouse, and names its folder after the project; what does not fit is told.
pub fn tie(targets: &mut [Target], project: &str, diagnostics: &mut Diagnostics) {
    let warehouses = warehouse::all(targets);
    for target in targets.iter_mut() {
        let name = target.name.clone();
        let TargetSettings::Grafana(settings) = &mut target.settings else { continue };
        if settings.folder.is_empty() {
            settings.folder = project.to_owned();
        }
        match warehouse::named(&name, settings.warehouse.as_ref(), &warehouses, "that its dashboards could read") {
            Ok(of) => settings.of = Some(of),
            Err(no) => diagnostics.push(error!(E0827, no.span, "{}", no.what; help: ("{}", no.help))),
        }
    }
}
