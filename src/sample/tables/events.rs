//! What the clients report: events and errors.

use super::super::World;
use super::super::campaigns::EXPERIMENT;
use super::super::clock::{HOUR, MINUTE, SECOND};
use super::super::dictionary::{
    AD_GROUPS, CREATIVES, FEATURES, NETWORKS, PLATFORMS, REFERRERS, UTM_CAMPAIGNS, UTM_MEDIUMS,
};
use super::super::numbers::{Numbers, key};
use super::super::people;
use super::super::rng::{Rng, Stream};
use super::super::session::{Session, What};
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::campaigns::shown;
use super::{col, opt, put};

pub(super) const EVENT: TableDef = TableDef {
    name: "event",
    file: "event",
    columns: &[
        col("event_id", Kind::Text),
        col("event_time", Kind::TimestampMs),
        col("received_at", Kind::TimestampMs),
        col("event_name", Kind::Text),
        col("event_version", Kind::Int),
        opt("user_id", Kind::Text),
        opt("device_id", Kind::Text),
        opt("session_id", Kind::Text),
        col("platform", Kind::Text),
        opt("app_version", Kind::Text),
        opt("geo_id", Kind::Text),
        opt("channel", Kind::Text),
        opt("campaign_id", Kind::Text),
        opt("utm_source", Kind::Text),
        opt("page_id", Kind::Text),
        opt("feature", Kind::Text),
        opt("stay", Kind::DurationMs),
        col("props", Kind::Map),
        col("ip_hash", Kind::Text),
    ],
    write: events,
};

/// What tells one event of a session from another.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub at: i64,
    name: &'a str,
    known: bool,
    pub brought: bool,
    page: Option<&'a str>,
    feature: Option<&'a str>,
    stay: Option<i64>,
}

fn events(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut numbers = Numbers::default();
    world.walk(&mut |session| {
        let sender = Sender::new(world, session);
        each_event(session, &mut |event| sender.send(sink, numbers.next(event.brought), event))
    })
}

/// The events of a session. Opening and leaving a page are two; so are an order and its payment, where that follows at once.
pub(super) fn each_event(
    session: &Session,
    each: &mut dyn FnMut(Event<'_>) -> Result<(), SampleError>,
) -> Result<(), SampleError> {
    let mut current = None;
    for step in &session.steps {
        let (at, known, brought) = (step.at, step.known, step.brought);
        let plain = Event { at, name: "", known, brought, page: current, feature: None, stay: None };
        match &step.what {
            What::View { page, stay, .. } => {
                current = Some(*page);
                each(Event { name: "page_view", page: current, ..plain })?;
                if let Some(stay) = stay {
                    let left =
                        Event { at: step.at + stay, name: "page_leave", page: current, stay: Some(*stay), ..plain };
                    each(left)?;
                }
            }
            What::Login => each(Event { name: "login", ..plain })?,
            What::SubmitRegister => each(Event { name: "submit_register", ..plain })?,
            What::Registered => each(Event { name: "register_success", ..plain })?,
            What::Invoke(feature) => {
                each(Event { name: "feature_invoke", feature: Some(FEATURES[*feature].id), ..plain })?;
            }
            What::Task(task) => each(Event { name: "submit_task", feature: Some(FEATURES[task.feature].id), ..plain })?,
            What::Order(order) => {
                each(Event { name: "place_order", ..plain })?;
                if let Some(paid) = order.paid.filter(|paid| paid - order.created < 4 * MINUTE) {
                    each(Event { at: paid, name: "pay_success", ..plain })?;
                }
            }
            What::Share(name) | What::Click(name) => each(Event { name, ..plain })?,
            What::JsError(_) | What::Ticket(_) | What::Survey(..) | What::Charged(_) => {}
        }
    }
    Ok(())
}

/// The key of an event.
pub(super) fn event_id(number: u64) -> String {
    key('e', 7, number)
}

/// Whether what a session sent at some time was lost: in the outage, but for what servers send by the API.
pub(super) fn lost(world: &World, session: &Session, at: i64) -> bool {
    let (from, to) = world.outage();
    (from..to).contains(&at) && PLATFORMS[session.platform] != "api"
}

/// What all events of a session have in common.
struct Sender<'a> {
    world: &'a World,
    session: &'a Session,
    user: Option<String>,
    id: String,
    ip_hash: String,
    network: &'static str,
    browser: Option<&'static str>,
}

impl<'a> Sender<'a> {
    fn new(world: &'a World, session: &'a Session) -> Sender<'a> {
        let mut rng = Rng::of(world.seed, Stream::Event, session.no, u64::MAX);
        let user = match session.user {
            Some(user) if session.ghost => Some(format!("ghost-{user}")),
            user => user.map(people::user_id),
        };
        let network = rng.pick(&NETWORKS);
        // as the dictionary of devices has it
        let (number, kind) = match session.user {
            Some(user) => (user, if session.device == people::device_of_user(user, true) { 2 } else { 1 }),
            None => (session.visitor(), 3),
        };
        let (brand, _) = world.device_model(number, kind, session.platform);
        let browser = brand.filter(|_| PLATFORMS[session.platform] == "web");
        let ip_hash = format!("{:016x}", rng.bits());
        Sender { world, session, user, id: key('s', 7, session.no), ip_hash, network, browser }
    }

    /// Writes an event as it reached us: late, twice, or not at all.
    fn send(&self, sink: &mut dyn RowSink, number: u64, event: Event<'_>) -> Result<(), SampleError> {
        let mut rng = Rng::of(self.world.seed, Stream::Event, number, 0);
        let platform = PLATFORMS[self.session.platform];
        if lost(self.world, self.session, event.at) {
            return Ok(());
        }
        let delay = match rng.below(1000) {
            0..=3 => rng.range(6 * HOUR, 30 * HOUR),
            4..=33 => rng.range(MINUTE, 50 * MINUTE),
            // a clock that runs ahead
            34..=35 => -rng.range(SECOND, 20 * SECOND),
            _ => rng.range(60, 2_500),
        };
        let id = event_id(number);
        let props = self.props(&mut rng, number, event.name);
        let device = (!rng.chance(80)).then_some(self.session.device.as_str());
        let mut row = [
            Field::from(&id),
            Field::Instant(event.at),
            Field::Instant(event.at + delay),
            event.name.into(),
            Field::Int(if self.session.version < Some("6") { 1 } else { 2 }),
            self.user.as_deref().filter(|_| event.known).into(),
            device.into(),
            (platform != "api").then_some(self.id.as_str()).into(),
            platform.into(),
            self.session.version.into(),
            self.session.geo.into(),
            self.session.visit.channel.into(),
            self.session.visit.campaign.into(),
            self.session.utm_source.into(),
            event.page.into(),
            event.feature.into(),
            event.stay.into(),
            Field::from(&props),
            Field::from(&self.ip_hash),
        ];
        if !rng.chance(self.world.copies()) {
            return sink.row(&row);
        }
        // A retransmission: received later, of some clients with a later event time, and not always behind the first.
        let first = row;
        let again = if rng.chance(5_000) { rng.range(SECOND, 90 * SECOND) } else { 0 };
        row[1] = Field::Instant(event.at + again);
        row[2] = Field::Instant(event.at + delay.max(0) + rng.range(MINUTE, 20 * MINUTE));
        let swapped = rng.chance(3_000);
        sink.row(if swapped { &row } else { &first })?;
        sink.row(if swapped { &first } else { &row })
    }

    /// The properties, as JSON text.
    fn props(&self, rng: &mut Rng, number: u64, name: &str) -> String {
        let mut text = format!(r#"{{"network":"{}""#, self.network);
        match (name, rng.below(100)) {
            (_, 0..=2) => return "{}".to_owned(),
            (_, 3) => text.push_str(r#","note":"say \"hi\", 世界\n""#),
            ("click_banner" | "click_upgrade" | "click_template", n) => {
                text.push_str(r#","slot":""#);
                text.push_str(["0", "1", "2"][(n % 3) as usize]);
                text.push('"');
            }
            _ => {}
        }
        add(&mut text, "browser", self.browser);
        let mut more = Rng::of(self.world.seed, Stream::Props, number, 0);
        match name {
            "page_view" | "register_success" => self.came_from(&mut more, &mut text),
            "feature_invoke" => {
                let bucket = shown(self.world, self.session).map(|variant| format!("{EXPERIMENT}:{variant}"));
                add(&mut text, "ab_bucket", bucket.as_deref());
            }
            "submit_task" | "place_order" if !more.chance(500) => {
                add(&mut text, "request_id", Some(&format!("{:08x}", more.below(1 << 32))));
                add(&mut text, "trace_id", Some(&format!("{:016x}", more.bits())));
            }
            _ => {}
        }
        text.push('}');
        text
    }

    /// How the visit came to us, as far as the client knows.
    fn came_from(&self, rng: &mut Rng, text: &mut String) {
        add(text, "referrer", rng.chance(2_500).then(|| *rng.pick(&REFERRERS)));
        if self.session.utm_source.is_some() {
            add(text, "utm_medium", Some(*rng.pick(&UTM_MEDIUMS)));
            add(text, "utm_campaign", rng.chance(6_000).then(|| *rng.pick(&UTM_CAMPAIGNS)));
            add(text, "utm_content", rng.chance(2_000).then_some("banner-a"));
            add(text, "utm_term", rng.chance(2_000).then_some("抠图 免费"));
        }
        if self.session.visit.campaign.is_some() {
            // the same ones in all events of a session
            let mut rng = Rng::of(self.world.seed, Stream::Props, self.session.no, 1);
            add(text, "ad_group", Some(*rng.pick(&AD_GROUPS)));
            add(text, "creative", Some(*rng.pick(&CREATIVES)));
        }
    }
}

/// Adds a property. Its value needs no escapes in JSON.
fn add(text: &mut String, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    for part in [",\"", name, "\":\"", value, "\""] {
        text.push_str(part);
    }
}

pub(super) const ERROR_EVENT: TableDef = TableDef {
    name: "error_event",
    file: "error_event",
    columns: &[
        col("event_id", Kind::Text),
        col("event_time", Kind::TimestampMs),
        col("kind", Kind::Text),
        opt("page_id", Kind::Text),
        opt("app_version", Kind::Text),
        opt("error", Kind::Text),
    ],
    write: errors,
};

fn errors(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut numbers = Numbers::default();
    world.walk(&mut |session| {
        for step in &session.steps {
            let mut send = |at: i64, kind: &str, page: Option<&str>, error: Option<&str>| {
                let number = numbers.next(step.brought);
                let mut rng = Rng::of(world.seed, Stream::Error, number, 0);
                let id = key('x', 6, number);
                let row = [
                    Field::from(&id),
                    Field::Instant(at),
                    kind.into(),
                    page.into(),
                    session.version.into(),
                    error.into(),
                ];
                put(world, sink, &mut rng, &row)
            };
            match &step.what {
                What::JsError(page) => send(step.at + 300, "js_error", Some(page), None)?,
                What::Task(task) if task.status == "failed" => {
                    let ended = task.finished.unwrap_or(task.submitted);
                    send(ended, "task_fail", None, task.error)?;
                    if task.error == Some("T504") {
                        send(ended, "api_error", Some("editor"), task.error)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })
}
