//! Deliveries, for the verbs that make messages.

use super::Stop;
use crate::delivery::{Delivered, Delivery, Environment, How, Ledger, Message, Occasion, Plan, Post, Wall, routes};
use crate::diagnostic::Diagnostic;
use crate::project::{Address, Project};

/// Brings a message to all recipients of addresses, to each at most once for its occasion. What the environment lacks is told before
/// anything is sent.
pub fn deliver(
    project: &Project,
    occasion: &Occasion,
    message: &Message,
    to: &[Address],
    how: How,
) -> Result<Vec<Delivered>, Stop> {
    let told = |found: Box<Diagnostic>| Stop::found(project, [*found].into_iter().collect());
    let receivers = &project.config.receivers;
    let routes = routes(receivers, to);
    let ledger = Ledger::new(project.root.join(&project.config.deliveries));
    let clock = Wall;
    let delivery =
        Delivery { project: &project.config.name, occasion, ledger: &ledger, clock: &clock, plan: Plan::of_reports() };
    let variable = |name: &str| std::env::var(name).ok();
    let environment = Environment { variable: &variable, root: &project.root };
    // What is only planned needs no secrets.
    let needed = if how == How::Plan { &[] } else { routes.as_slice() };
    let mut post = Post::new(receivers, needed, &environment, &clock).map_err(told)?;
    delivery.run(message, &routes, &mut post, how).map_err(told)
}
