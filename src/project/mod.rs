//! Loading a project: `metricc.yaml`, `*.metric` files and `targets/*.yaml`, through one [`Files`] trait.

mod access;
mod airflow;
mod alert_receivers;
mod alerts;
mod clickhouse;
mod clock;
mod config;
mod connection;
mod files;
mod grafana;
mod load;
mod quality;
mod receivers;
mod source_map;
mod streaming;
mod target;
mod text;
mod warehouse;
mod yaml;

pub use access::{Access, Quota, Role};
pub use airflow::{AirflowTarget, Wait, WaitFor};
pub use alert_receivers::{AlertReceiver, Relay, Webhook};
pub use alerts::{AlertsTarget, Mute, Pace, Smtp};
pub use clickhouse::{ClickhouseTarget, Cluster, Dictionaries, Intake, Reading, Storage};
pub use clock::Clock;
pub use config::{CONFIG_FILE, CaliberPolicy, Config, LEDGER_FILE, LedgerPlace, Policy};
pub use connection::{Connection, url_fault};
pub use files::{DiskFiles, FileError, Files, GitFiles, Listing, MemoryFiles, Repository, SIZE_LIMIT, io_message};
pub use grafana::GrafanaTarget;
pub use load::{Project, load};
pub use quality::{QualityEngine, QualityTarget, QualityTool};
pub use receivers::{Address, Channel, Gateway, Mail, MailTls, Mailbox, Receiver, Receivers, Robot};
pub use source_map::{SourceFile, SourceMap};
pub use streaming::{Engine, Otherwise, SameBy, StreamingTarget};
pub use target::{Target, TargetSettings};
pub use yaml::Scalar;
