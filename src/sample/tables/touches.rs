//! What the attribution service reports: exposures, clicks and installs, by the device.
//!
//! Behind a click stands the visit that it led to; before it, others may have been shown and clicked in the weeks before, in
//! other channels. Most who see an advertisement do nothing.

use super::super::World;
use super::super::clock::{DAY, HOUR, MINUTE, SECOND, START};
use super::super::dictionary::{AD_GROUPS, CAMPAIGNS, CHANNELS, CREATIVES};
use super::super::numbers::{Numbers, key};
use super::super::people::{self, Visit};
use super::super::rng::{Rng, Stream};
use super::super::session::{Reason, Session};
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::{col, opt, put};

pub(super) const CHANNEL_TOUCH: TableDef = TableDef {
    name: "channel_touch",
    file: "channel_touch",
    columns: &[
        col("touch_id", Kind::Text),
        col("touched_at", Kind::TimestampMs),
        col("updated_at", Kind::TimestampMs),
        col("kind", Kind::Text),
        opt("device_id", Kind::Text),
        opt("user_id", Kind::Text),
        opt("channel", Kind::Text),
        opt("campaign_id", Kind::Text),
        opt("ad_group", Kind::Text),
        opt("creative", Kind::Text),
    ],
    write: touches,
};

/// A touch before a session.
struct Touch {
    at: i64,
    kind: &'static str,
    visit: Visit,
}

fn touches(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut writer = Writer { world, numbers: Numbers::default() };
    world.walk(&mut |session| {
        let mut rng = Rng::of(world.seed, Stream::Touch, session.no, u64::MAX);
        for touch in before(&mut rng, session) {
            writer.write(sink, session, &session.device, &touch)?;
        }
        // somebody who saw it and never came
        if let (Reason::Visitor(visitor), true) = (session.reason, rng.chance(6_000)) {
            let visit = advertised(&mut rng);
            let touch = Touch { at: session.start - rng.range(0, DAY), kind: "exposure", visit };
            writer.write(sink, session, &format!("y{visitor:06}"), &touch)?;
        }
        Ok(())
    })
}

/// The touches that led to a session, in their order.
fn before(rng: &mut Rng, session: &Session) -> Vec<Touch> {
    let joins = matches!(session.reason, Reason::Join(_));
    let chance = match session.reason {
        Reason::Visitor(_) => 4_000,
        Reason::Join(_) => 9_000,
        Reason::Return(..) => 1_600,
        // the recall writes by itself, and the store too
        Reason::Recall(..) | Reason::Charge(_) => 0,
    };
    let mut found = Vec::new();
    if !rng.chance(chance) {
        return found;
    }
    // what was seen in the days before, in whatever channel; some of it was clicked
    let earlier = if joins { rng.range(0, 3) } else { rng.range(0, 2).min(rng.range(0, 2)) };
    for _ in 0..earlier {
        let (at, visit) = (session.start - rng.range(HOUR, 12 * DAY), advertised(rng));
        found.push(Touch { at, kind: "exposure", visit });
        if rng.chance(4_000) {
            found.push(Touch { at: at + rng.range(SECOND, MINUTE), kind: "click", visit });
        }
    }
    if let Some(visit) = paid_for(session.visit) {
        let click = session.start - rng.range(SECOND, 30 * SECOND);
        found.push(Touch { at: click - rng.range(SECOND, 4 * MINUTE), kind: "exposure", visit });
        found.push(Touch { at: click, kind: "click", visit });
        if joins && session.platform != 0 {
            found.push(Touch { at: click + rng.range(100, SECOND - 1), kind: "install", visit });
        }
    }
    found.sort_by_key(|touch| touch.at);
    found
}

/// Of a visit that an advertisement led to.
fn paid_for(visit: Visit) -> Option<Visit> {
    visit.channel.filter(|channel| *channel != CHANNELS[0].0).map(|_| visit)
}

/// A channel that is paid for; now and then the service does not tell which, or tells a campaign that nobody knows.
fn advertised(rng: &mut Rng) -> Visit {
    let mut weights = CHANNELS.map(|channel| channel.3);
    weights[0] = 0;
    let channel = CHANNELS[rng.weighted(&weights)].0;
    match rng.below(1_000) {
        0..=14 => return Visit { channel: None, campaign: None },
        15..=17 => return Visit { channel: Some(channel), campaign: Some("cmp_404") },
        _ => {}
    }
    Visit { channel: Some(channel), campaign: CAMPAIGNS.iter().find(|c| c.1 == channel).map(|c| c.0) }
}

struct Writer<'a> {
    world: &'a World,
    numbers: Numbers,
}

impl Writer<'_> {
    /// Writes a touch, and it once more when somebody registered on the device after it.
    fn write(
        &mut self,
        sink: &mut dyn RowSink,
        session: &Session,
        device: &str,
        touch: &Touch,
    ) -> Result<(), SampleError> {
        let number = self.numbers.next(false);
        let mut rng = Rng::of(self.world.seed, Stream::Touch, number, 0);
        let id = key('c', 7, number);
        let at = touch.at.max(START + number as i64 % (10 * SECOND));
        let user = session.user.filter(|_| !matches!(session.reason, Reason::Visitor(_))).map(people::user_id);
        let device = (!rng.chance(100)).then_some(device);
        let detail = touch.visit.campaign.filter(|_| !rng.chance(300)).is_some();
        let (group, creative) = (*rng.pick(&AD_GROUPS), *rng.pick(&CREATIVES));
        let mut row = [
            Field::from(&id),
            Field::Instant(at),
            Field::Instant(at),
            touch.kind.into(),
            device.into(),
            Field::Null,
            touch.visit.channel.into(),
            touch.visit.campaign.into(),
            detail.then_some(group).into(),
            detail.then_some(creative).into(),
        ];
        let registered = match session.reason {
            Reason::Join(user) => Some(self.world.habit(user).registered_at),
            _ => None,
        };
        if let Some(registered) = registered {
            if rng.chance(3_000) {
                sink.row(&row)?;
            }
            row[2] = Field::Instant(registered.max(at));
        }
        row[5] = user.as_deref().into();
        put(self.world, sink, &mut rng, &row)
    }
}
