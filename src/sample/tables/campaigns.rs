//! Campaigns, who is in which arm of them, and who was shown the experiment.

use super::super::World;
use super::super::campaigns::{EXPERIMENT, FESTIVAL, IDLE_EXPERIMENT, RECALL, WAVES};
use super::super::clock::{DAY, SECOND, START, midnight};
use super::super::dictionary::PLATFORMS;
use super::super::numbers::{Numbers, key};
use super::super::people;
use super::super::rng::{Rng, Stream};
use super::super::session::{Reason, Session};
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::{col, instant, opt, put};

pub(super) const CAMPAIGN: TableDef = TableDef {
    name: "campaign",
    file: "dim_campaign",
    columns: &[
        col("campaign_id", Kind::Text),
        col("name", Kind::Text),
        col("kind", Kind::Text),
        opt("channel", Kind::Text),
        col("starts_at", Kind::Timestamp),
        opt("ends_at", Kind::Timestamp),
    ],
    write: campaigns,
};

fn campaigns(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut put = |id: &str, name: &str, kind: &str, channel: Option<&str>, starts: i64, ends: Option<i64>| {
        sink.row(&[
            Field::Text(id),
            Field::Text(name),
            kind.into(),
            channel.into(),
            Field::Instant(starts),
            instant(ends),
        ])
    };
    put("cmp_feed_01", "信息流 · 抠图", "ads", Some("ads_feed"), START - 90 * DAY, None)?;
    put("cmp_search_01", "搜索, \"brand words\"", "ads", Some("ads_search"), START - 30 * DAY, None)?;
    put(FESTIVAL, "变装季", "festival", Some("fall_campaign"), START, Some(world.end()))?;
    let recalled = midnight(world.recall_day(0));
    put(RECALL, "老用户召回", "recall", None, recalled, Some(midnight(world.recall_day(WAVES - 1) + 1)))
}

pub(super) const CAMPAIGN_USER: TableDef = TableDef {
    name: "campaign_user",
    file: "campaign_user",
    columns: &[
        col("assignment_id", Kind::Text),
        col("assigned_at", Kind::Timestamp),
        col("updated_at", Kind::Timestamp),
        col("user_id", Kind::Text),
        col("campaign_id", Kind::Text),
        col("arm", Kind::Text),
        opt("joined_at", Kind::Timestamp),
    ],
    write: assignments,
};

fn assignments(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    for user in 0..world.users() {
        let habit = world.habit(user);
        let recalls = (0..WAVES).filter_map(|wave| Some((1 + u64::from(wave), world.recall(user, &habit, wave)?)));
        for (place, assignment) in world.festival(user, &habit).map(|it| (0, it)).into_iter().chain(recalls) {
            let mut rng = Rng::of(world.seed, Stream::Festival, user, 1 + place);
            let id = format!("g{user:06}-{place}");
            let owner = people::user_id(user);
            let assigned = [
                Field::from(&id),
                Field::Instant(assignment.at),
                Field::Instant(assignment.at),
                Field::from(&owner),
                if place == 0 { FESTIVAL } else { RECALL }.into(),
                if assignment.treated { "treatment" } else { "control" }.into(),
                Field::Null,
            ];
            let Some(joined) = assignment.joined else {
                put(world, sink, &mut rng, &assigned)?;
                continue;
            };
            if rng.chance(5_000) {
                sink.row(&assigned)?;
            }
            let mut row = assigned;
            row[2] = Field::Instant(joined);
            row[6] = Field::Instant(joined);
            put(world, sink, &mut rng, &row)?;
        }
    }
    Ok(())
}

pub(super) const EXPERIMENT_EXPOSURE: TableDef = TableDef {
    name: "experiment_exposure",
    file: "experiment_exposure",
    columns: &[
        col("exposure_id", Kind::Text),
        col("exposed_at", Kind::TimestampMs),
        col("user_id", Kind::Text),
        col("experiment", Kind::Text),
        col("variant", Kind::Text),
        col("client", Kind::Text),
    ],
    write: exposures,
};

/// The variant that a session shows: whoever comes back in the days of the experiment, and never the recall, which looks
/// at other users.
pub(super) fn shown(world: &World, session: &Session) -> Option<&'static str> {
    let Reason::Return(user, _) = session.reason else { return None };
    let days = world.experiment_days();
    if !(midnight(days.start)..midnight(days.end)).contains(&session.start) {
        return None;
    }
    let drawn = world.variant(user)?;
    let anew = session.device == people::device_of_user(user, true) && world.split_by_device(user);
    Some(if drawn != anew { "b" } else { "a" })
}

fn exposures(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut numbers = Numbers::default();
    world.walk(&mut |session| {
        let Some(user) = session.user.map(people::user_id) else { return Ok(()) };
        let mut show = |number: u64, experiment: &str, variant: &str| {
            let mut rng = Rng::of(world.seed, Stream::Experiment, number, u64::MAX);
            let id = key('h', 6, number);
            let row = [
                Field::from(&id),
                Field::Instant(session.start + rng.range(SECOND, 15 * SECOND)),
                Field::from(&user),
                experiment.into(),
                variant.into(),
                PLATFORMS[session.platform].into(),
            ];
            put(world, sink, &mut rng, &row)
        };
        if let Some(variant) = shown(world, session) {
            show(numbers.next(false), EXPERIMENT, variant)?;
        }
        match (session.reason, session.no % 16) {
            (Reason::Return(user, _), 3) => show(numbers.next(false), IDLE_EXPERIMENT, ["a", "b"][(user % 2) as usize]),
            _ => Ok(()),
        }
    })
}
