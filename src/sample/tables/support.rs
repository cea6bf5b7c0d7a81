//! What advertising brought, and what people tell us: tickets and surveys.

use super::super::World;
use super::super::campaigns::{RECALL, WAVES};
use super::super::clock::{DAY, HOUR, MINUTE, midnight};
use super::super::dictionary::{CAMPAIGNS, COMMENTS, PUSH, TOPICS};
use super::super::numbers::key;
use super::super::people;
use super::super::rng::{Rng, Stream};
use super::super::session::What;
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::{CNY, col, instant, opt, put};

pub(super) const MARKETING: TableDef = TableDef {
    name: "marketing",
    file: "marketing",
    columns: &[
        col("row_id", Kind::Text),
        col("reported_at", Kind::Timestamp),
        col("campaign_id", Kind::Text),
        col("channel", Kind::Text),
        col("cost", CNY),
        col("impressions", Kind::Int),
        col("clicks", Kind::Int),
        col("installs", Kind::Int),
        col("registrations", Kind::Int),
        col("payments", Kind::Int),
        col("revenue", CNY),
    ],
    write: marketing,
};

fn marketing(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    for day in 0..world.days() {
        let visitors = world.visitors(day);
        let people = (visitors.end - visitors.start) as i64;
        for (place, (campaign, channel, cost)) in CAMPAIGNS.iter().enumerate() {
            let mut rng = Rng::of(world.seed, Stream::Marketing, u64::from(day), place as u64);
            let installs = people * rng.range(0, 45) / 100;
            let clicks = installs * rng.range(6, 14) + rng.range(0, 9);
            let impressions = clicks * rng.range(25, 60) + rng.range(50, 400);
            let cost = installs * cost * rng.range(80, 120) / 100 + rng.range(0, 300);
            let id = format!("m{}-{}", day + 1, place + 1);
            // what the platform takes the credit for
            let mut claimed = Rng::of(world.seed, Stream::Credited, u64::from(day), place as u64);
            let registrations = installs * claimed.range(30, 70) / 100;
            let payments = registrations * claimed.range(0, 40) / 100;
            let revenue = payments * claimed.range(190, 4_000);
            let row = [
                Field::from(&id),
                Field::Instant(midnight(day) + 12 * HOUR),
                (*campaign).into(),
                (*channel).into(),
                Field::Decimal(cost),
                Field::Int(impressions),
                Field::Int(clicks),
                Field::Int(installs),
                Field::Int(registrations),
                Field::Int(payments),
                Field::Decimal(revenue),
            ];
            put(world, sink, &mut rng, &row)?;
        }
    }
    (0..WAVES).try_for_each(|wave| recall(world, sink, wave))
}

/// What a wave of the recall cost: each message has its price, and nobody installs anything.
fn recall(world: &World, sink: &mut dyn RowSink, wave: u32) -> Result<(), SampleError> {
    let day = world.recall_day(wave);
    let (mut messages, mut opened) = (0, 0);
    for user in 0..world.users() {
        if let Some(recall) = world.recall(user, &world.habit(user), wave).filter(|recall| recall.treated) {
            messages += 1;
            opened += i64::from(recall.joined.is_some());
        }
    }
    let id = format!("m{}-{}", day + 1, CAMPAIGNS.len() + 1);
    sink.row(&[
        Field::from(&id),
        Field::Instant(midnight(day) + 12 * HOUR),
        RECALL.into(),
        PUSH.into(),
        Field::Decimal(messages * 35),
        Field::Int(messages),
        Field::Int(opened),
        Field::Int(0),
        Field::Int(0),
        Field::Int(0),
        Field::Decimal(0),
    ])
}

pub(super) const TICKET: TableDef = TableDef {
    name: "ticket",
    file: "ticket",
    columns: &[
        col("ticket_id", Kind::Text),
        col("opened_at", Kind::Timestamp),
        opt("first_reply_at", Kind::Timestamp),
        opt("resolved_at", Kind::Timestamp),
        col("updated_at", Kind::Timestamp),
        opt("user_id", Kind::Text),
        opt("topic", Kind::Text),
        col("contacts", Kind::Int),
    ],
    write: tickets,
};

fn tickets(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    world.walk(&mut |session| {
        for step in &session.steps {
            let What::Ticket(no) = step.what else { continue };
            let mut rng = Rng::of(world.seed, Stream::Ticket, no, 0);
            let id = key('k', 5, no);
            let user = session.user.filter(|_| !rng.chance(1_000)).map(people::user_id);
            let reply = (!rng.chance(800)).then(|| step.at + rng.tailed(14 * MINUTE));
            let resolved = reply.filter(|_| !rng.chance(1_200)).map(|at| at + rng.range(10 * MINUTE, 2 * DAY));
            let (reply, resolved) = (reply.filter(|at| *at < world.end()), resolved.filter(|at| *at < world.end()));
            let topic = (!rng.chance(1_000)).then(|| *rng.pick(&TOPICS));
            let opened = [
                Field::from(&id),
                Field::Instant(step.at),
                Field::Null,
                Field::Null,
                Field::Instant(step.at),
                user.as_deref().into(),
                topic.into(),
                Field::Int(1),
            ];
            let Some(replied) = reply else {
                put(world, sink, &mut rng, &opened)?;
                continue;
            };
            if rng.chance(4_000) {
                sink.row(&opened)?;
            }
            let mut last = opened;
            last[2] = Field::Instant(replied);
            last[3] = instant(resolved);
            last[4] = Field::Instant(resolved.unwrap_or(replied));
            last[7] = Field::Int(1 + rng.range(0, 3).min(rng.range(0, 3)));
            put(world, sink, &mut rng, &last)?;
        }
        Ok(())
    })
}

pub(super) const SURVEY: TableDef = TableDef {
    name: "survey",
    file: "survey",
    columns: &[
        col("survey_id", Kind::Text),
        col("answered_at", Kind::Timestamp),
        col("kind", Kind::Text),
        col("score", Kind::Int),
        opt("user_id", Kind::Text),
        opt("comment", Kind::Text),
    ],
    write: surveys,
};

fn surveys(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    world.walk(&mut |session| {
        for step in &session.steps {
            let What::Survey(no, unhappy) = step.what else { continue };
            let mut rng = Rng::of(world.seed, Stream::Survey, no, 0);
            let id = key('v', 5, no);
            let user = session.user.filter(|_| !rng.chance(2_000)).map(people::user_id);
            let off = if unhappy { 3 } else { 0 };
            let (kind, score) = if rng.chance(6_000) {
                ("csat", (rng.weighted(&[3, 5, 12, 38, 42]) as i64 + 1 - off).max(1))
            } else {
                ("nps", (rng.weighted(&[1, 0, 1, 2, 2, 6, 6, 16, 22, 20, 24]) as i64 - off).max(0))
            };
            // a client that sends what the scale does not have
            let score = if rng.chance(150) { 99 } else { score };
            let comment = rng.chance(3_500).then(|| *rng.pick(&COMMENTS));
            let row = [
                Field::from(&id),
                Field::Instant(step.at),
                kind.into(),
                Field::Int(score),
                user.as_deref().into(),
                comment.into(),
            ];
            put(world, sink, &mut rng, &row)?;
        }
        Ok(())
    })
}
