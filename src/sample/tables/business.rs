//! What the servers book: tasks, orders and the ledger of quota.

use super::super::World;
use super::super::clock::SECOND;
use super::super::dictionary::{COUPONS, FEATURES, PLATFORMS};
use super::super::numbers::{Numbers, key};
use super::super::people;
use super::super::rng::{Rng, Stream};
use super::super::session::{Order, Session, Task, What};
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::{CNY, QUOTA, col, instant, opt, put};

pub(super) const TASK: TableDef = TableDef {
    name: "task",
    file: "task",
    columns: &[
        col("task_id", Kind::Text),
        col("submitted_at", Kind::Timestamp),
        col("updated_at", Kind::Timestamp),
        opt("finished_at", Kind::Timestamp),
        col("user_id", Kind::Text),
        col("feature", Kind::Text),
        col("client", Kind::Text),
        col("status", Kind::Text),
        opt("error", Kind::Text),
        opt("queue", Kind::DurationMs),
        opt("infer", Kind::DurationMs),
        col("quota_cost", QUOTA),
    ],
    write: tasks,
};

/// The key of a task.
pub(super) fn task_id(task: &Task) -> String {
    key('t', 7, task.no)
}

/// The user of a session; those who submit and pay are logged in.
fn user_of(session: &Session) -> String {
    session.user.map(people::user_id).unwrap_or_default()
}

fn tasks(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    world.walk(&mut |session| {
        let user = user_of(session);
        for step in &session.steps {
            if let What::Task(task) = &step.what {
                write_task(world, sink, task, &user, PLATFORMS[session.platform])?;
            }
        }
        Ok(())
    })
}

/// Writes the versions of a task that the warehouse got: the last one, and of some an earlier one.
fn write_task(world: &World, sink: &mut dyn RowSink, task: &Task, user: &str, client: &str) -> Result<(), SampleError> {
    let mut rng = Rng::of(world.seed, Stream::Task, task.no, 0);
    let id = task_id(task);
    let updated = task.finished.unwrap_or(task.submitted + SECOND);
    let last = [
        Field::from(&id),
        Field::Instant(task.submitted),
        Field::Instant(updated),
        instant(task.finished),
        user.into(),
        FEATURES[task.feature].id.into(),
        client.into(),
        task.status.into(),
        task.error.into(),
        task.queue.into(),
        task.infer.into(),
        Field::Decimal(task.cost),
    ];
    let mut early = last;
    early[2] = Field::Instant(match rng.below(20) {
        0 => updated, // two versions of one instant: the smaller row counts, and null is not small
        _ => task.submitted,
    });
    early[3] = Field::Null;
    early[7] = (*rng.pick(&["queued", "running"])).into();
    early[8..=10].fill(Field::Null);
    early[11] = Field::Decimal(0);
    match rng.below(100) {
        0..=15 if task.finished.is_some() => {
            sink.row(&early)?;
            put(world, sink, &mut rng, &last)
        }
        16..=17 if task.finished.is_some() => {
            sink.row(&last)?;
            sink.row(&early)
        }
        _ => put(world, sink, &mut rng, &last),
    }
}

pub(super) const ORDER: TableDef = TableDef {
    name: "order",
    file: "order",
    columns: &[
        col("order_id", Kind::Text),
        col("created_at", Kind::Timestamp),
        opt("paid_at", Kind::Timestamp),
        opt("refunded_at", Kind::Timestamp),
        col("updated_at", Kind::Timestamp),
        col("user_id", Kind::Text),
        col("client", Kind::Text),
        col("product_type", Kind::Text),
        opt("coupon", Kind::Text),
        col("amount", CNY),
        col("pay_amount", CNY),
        opt("refund", CNY),
        col("status", Kind::Text),
    ],
    write: orders,
};

fn orders(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    world.walk(&mut |session| {
        let user = user_of(session);
        for step in &session.steps {
            if let What::Order(order) | What::Charged(order) = &step.what {
                write_order(world, sink, order, &user, PLATFORMS[session.platform])?;
            }
        }
        Ok(())
    })
}

/// Writes all versions of an order: created, then paid or closed, then refunded. Of most, the first one is skipped.
fn write_order(
    world: &World,
    sink: &mut dyn RowSink,
    order: &Order,
    user: &str,
    client: &str,
) -> Result<(), SampleError> {
    let mut rng = Rng::of(world.seed, Stream::Order, order.no, 0);
    let id = key('o', 6, order.no);
    let coupon = (order.pay_amount < order.amount).then(|| *rng.pick(&COUPONS));
    let created = [
        Field::from(&id),
        Field::Instant(order.created),
        Field::Null,
        Field::Null,
        Field::Instant(order.created),
        user.into(),
        client.into(),
        order.product.into(),
        coupon.into(),
        Field::Decimal(order.amount),
        Field::Decimal(order.pay_amount),
        Field::Null,
        "created".into(),
    ];
    let ends = order.paid.is_some() || order.closed.is_some();
    if !ends || rng.chance(3_000) {
        put(world, sink, &mut rng, &created)?;
    }
    if let Some(closed) = order.closed {
        let mut row = created;
        row[4] = Field::Instant(closed);
        row[12] = "closed".into();
        return put(world, sink, &mut rng, &row);
    }
    let Some(paid) = order.paid else { return Ok(()) };
    let mut row = created;
    row[2] = Field::Instant(paid);
    row[4] = Field::Instant(paid);
    row[12] = "paid".into();
    put(world, sink, &mut rng, &row)?;
    if let Some((at, amount)) = order.refunded {
        row[3] = Field::Instant(at);
        row[4] = Field::Instant(at);
        row[11] = Field::Decimal(amount);
        row[12] = if amount == order.pay_amount { "refunded" } else { "part_refunded" }.into();
        put(world, sink, &mut rng, &row)?;
    }
    Ok(())
}

pub(super) const QUOTA_LEDGER: TableDef = TableDef {
    name: "quota_ledger",
    file: "quota_ledger",
    columns: &[
        col("entry_id", Kind::Text),
        col("booked_at", Kind::Timestamp),
        col("user_id", Kind::Text),
        col("delta", QUOTA),
        col("reason", Kind::Text),
        opt("task_id", Kind::Text),
    ],
    write: ledger,
};

fn ledger(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut numbers = Numbers::default();
    world.walk(&mut |session| {
        let user = user_of(session);
        let mut book = |brought: bool, at: i64, delta: i64, reason: &str, task: Option<&str>| {
            let number = numbers.next(brought);
            let id = key('q', 7, number);
            let mut rng = Rng::of(world.seed, Stream::Ledger, number, 0);
            let row = [
                Field::from(&id),
                Field::Instant(at),
                Field::from(&user),
                Field::Decimal(delta),
                reason.into(),
                task.into(),
            ];
            put(world, sink, &mut rng, &row)
        };
        for step in &session.steps {
            match &step.what {
                What::Registered => book(step.brought, step.at, 200_000, "gift", None)?,
                What::Task(task) => {
                    let id = task_id(task);
                    let cost = FEATURES[task.feature].cost;
                    match (task.finished, task.status) {
                        (Some(at), "success") => book(step.brought, at, -task.cost, "consume", Some(&id))?,
                        // charged when the model started, given back when it failed
                        (Some(at), "failed") if task.infer.is_some() => {
                            book(step.brought, task.submitted, -cost, "consume", Some(&id))?;
                            book(step.brought, at, cost, "refund", Some(&id))?;
                        }
                        _ => {}
                    }
                }
                What::Order(order) => {
                    if let (Some(paid), "quota") = (order.paid, order.product) {
                        let topup = if order.amount > 1_000 { 6_000_000 } else { 1_000_000 };
                        book(step.brought, paid, topup, "topup", None)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })
}
