//! Carries one message to one recipient, once.

use std::collections::BTreeMap;

use super::clock::{Clock, milliseconds};
use super::dingtalk;
use super::fault::{Fault, Sort};
use super::http::Poster;
use super::mail::{self, Envelope};
use super::message::Message;
use super::route::{self, Environment, GatewayKeys, RobotKeys, Route, Way};
use super::sms;
use super::smtp::Server;
use crate::diagnostic::Diagnostic;
use crate::project::{Channel, Gateway, Mail, Mailbox, Receivers, Robot};

/// Carries messages; tests have one of their own.
pub trait Carrier {
    /// One try to bring a message to the recipient of a route. `digest` is the name of the delivery.
    ///
    /// # Errors
    /// Why it was not taken, or is not known to have been.
    fn carry(&mut self, route: &Route, message: &Message, digest: &str) -> Result<(), Fault>;
}

/// The one that opens connections.
pub struct Post<'a> {
    mail: Option<(&'a Mail, Server)>,
    robots: BTreeMap<String, RobotKeys>,
    gateways: BTreeMap<String, GatewayKeys>,
    poster: Poster,
    clock: &'a dyn Clock,
}

impl<'a> Post<'a> {
    /// For routes, with all that they need from the environment. Nothing is sent yet.
    ///
    /// # Errors
    /// What is missing.
    pub fn new(
        receivers: &'a Receivers,
        routes: &[Route],
        environment: &Environment,
        clock: &'a dyn Clock,
    ) -> Result<Post<'a>, Box<Diagnostic>> {
        let mut post =
            Post { mail: None, robots: BTreeMap::new(), gateways: BTreeMap::new(), poster: Poster::default(), clock };
        if let (true, Some(mail)) =
            (routes.iter().any(|route| route.address.channel == Channel::Email), &receivers.mail)
        {
            post.mail = Some((mail, route::server(mail, environment)?));
        }
        for route in routes {
            match &route.way {
                Way::Mail(_) => {}
                Way::Robot(robot) => {
                    post.robots.insert(route.recipient.clone(), RobotKeys::of(robot, environment)?);
                }
                Way::Sms(gateway) => {
                    post.gateways.insert(route.recipient.clone(), GatewayKeys::of(gateway, environment)?);
                }
            }
        }
        Ok(post)
    }

    fn mail(&self, to: &Mailbox, message: &Message, digest: &str) -> Result<(), Fault> {
        let refused = |why: String| Fault::new(Sort::Refused, why);
        let Some((mail, server)) = &self.mail else {
            return Err(refused("`metricc.yaml` does not say `mail:`".to_owned()));
        };
        let envelope = Envelope { from: &mail.from, to, digest, date: self.clock.now() };
        let bytes = mail::compose(message, &envelope).map_err(refused)?;
        let (from, to) = (mail::address(&mail.from).map_err(refused)?, mail::address(to).map_err(refused)?);
        server.send(&from, &to, &bytes)
    }

    /// Sends a body to a robot.
    ///
    /// # Errors
    /// Why it was not taken, or is not known to have been.
    pub fn robot(&self, name: &str, robot: &Robot, body: &str) -> Result<(), Fault> {
        let Some(keys) = self.robots.get(name) else {
            return Err(Fault::new(Sort::Refused, format!("the keys of `{name}` are not known")));
        };
        let url = dingtalk::address(&robot.url, &keys.token, keys.secret.as_ref(), milliseconds(self.clock.now()));
        let clean = |fault: Fault| {
            let why = keys.token.out_of(&url.out_of(&fault.why));
            Fault { why: keys.secret.as_ref().map_or(why.clone(), |secret| secret.out_of(&why)), ..fault }
        };
        self.poster.post(&url, body, None).and_then(|answer| dingtalk::answer(&answer)).map_err(clean)
    }

    /// Sends a text by a gateway.
    ///
    /// # Errors
    /// Why it was not taken, or is not known to have been.
    pub fn sms(&self, name: &str, gateway: &Gateway, text: &str) -> Result<(), Fault> {
        let Some(keys) = self.gateways.get(name) else {
            return Err(Fault::new(Sort::Refused, format!("the keys of `{name}` are not known")));
        };
        self.poster.post(&keys.url, &sms::body(gateway, text), keys.token.as_ref()).map(drop)
    }
}

impl Carrier for Post<'_> {
    fn carry(&mut self, route: &Route, message: &Message, digest: &str) -> Result<(), Fault> {
        match &route.way {
            Way::Mail(to) => self.mail(to, message, digest),
            Way::Robot(robot) => self.robot(&route.recipient, robot, &of_report(robot, message).json),
            Way::Sms(gateway) => self.sms(&route.recipient, gateway, &message.subject_line()),
        }
    }
}

/// The body of a message for a robot, with what there is room for.
pub fn of_report(robot: &Robot, message: &Message) -> dingtalk::Body {
    let rest = |left: usize| format!("还有 {left} 项 · {left} more");
    dingtalk::body(robot, &message.subject_line(), &message.markdown, &rest)
}

/// What would be sent by a route, for people: a mail as it is, the body of what is posted.
///
/// # Errors
/// Why it can't be composed.
pub fn preview(
    route: &Route,
    message: &Message,
    receivers: &Receivers,
    digest: &str,
    date: std::time::SystemTime,
) -> Result<String, String> {
    match &route.way {
        Way::Mail(to) => {
            let mail = receivers.mail.as_ref().ok_or("`metricc.yaml` does not say `mail:`")?;
            let bytes = mail::compose(message, &Envelope { from: &mail.from, to, digest, date })?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        Way::Robot(robot) => Ok(of_report(robot, message).json),
        Way::Sms(gateway) => Ok(sms::body(gateway, &message.subject_line())),
    }
}
