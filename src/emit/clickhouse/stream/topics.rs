//! What a warehouse fetches of topics: results of windows that an engine leaves there, read into the inlets.
//!
//! A result that cannot be read stops the reading and is no row that is lost: nobody but the engine writes to these topics.

use super::super::{Build, File, Object, access, check, read_back};
use super::key_type;
use crate::diagnostic::Diagnostics;
use crate::emit::streaming::Arrival;
use crate::project::StreamingTarget;
use crate::sql::{self, CLICKHOUSE, Calendar, inlet};

/// The tables and views over topics; none where nothing waits in one.
pub fn file(build: &Build, stream: &StreamingTarget, of: &[Arrival], diagnostics: &mut Diagnostics) -> Option<File> {
    // That there are no brokers was told.
    let brokers = stream.intake.brokers.as_ref()?;
    if of.is_empty() {
        return None;
    }
    let mut file = File::new("20_kafka.sql", "What brings results of windows from Kafka to the inlets", Vec::new());
    for one in of {
        let plain = &one.inlet.table.1;
        let (into, table, view) =
            (build.name(plain), build.name(&format!("{plain}__topic")), build.name(&format!("{plain}__topic__mv")));
        let Some(step) = one.rollup.steps.first() else { continue };
        let columns = inlet::columns(one.rollup, one.inlet.state, key_type(*step));
        let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
        let select = Ok(inlet::arrived(&columns, &table, calendar));
        let what = format!("what comes to `{plain}`");
        let select = read_back(build, &what, select, diagnostics);
        let members: Vec<_> =
            inlet::members(&columns).into_iter().map(|(name, ty)| minijinja::context! { name, type => ty }).collect();
        let quoted = |text: &str| sql::quoted(text, &CLICKHOUSE);
        let values = minijinja::context! {
            table => table.to_string(), view => view.to_string(), inlet => into.to_string(), members, select,
            brokers => quoted(brokers), topic => quoted(&one.topic),
            group => quoted(&format!("{}_{plain}", stream.intake.group)), security => access::security(build, true),
            comment => build.comment("results of windows from Kafka"),
        };
        let text = build.render("streaming/topic.sql", values);
        check(build, &what, &text, diagnostics);
        let objects = vec![Object { kind: "TABLE", name: table }, Object { kind: "VIEW", name: view }];
        file.add(text, objects);
    }
    Some(file)
}
