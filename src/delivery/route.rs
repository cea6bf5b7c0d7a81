//! The ways to the recipients of an address, with what they need from the environment.

use std::path::Path;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::error;
use crate::project::{Address, Channel, Gateway, Mail, Mailbox, Receiver, Receivers, Robot, io_message};
use crate::secret::Secret;

use super::smtp::Server;

/// No certificates are longer.
const LONGEST_FILE: u64 = 1 << 20;

/// What settings are looked up in: variables, and the folder of the project.
pub struct Environment<'a> {
    /// The value of a variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Where relative paths begin.
    pub root: &'a Path,
}

/// A recipient, and how one gets there.
#[derive(Debug)]
pub struct Route {
    /// The address that leads there.
    pub address: Address,
    /// The recipient's name: a mail address, or the name of a receiver. It holds no secret.
    pub recipient: String,
    /// How.
    pub way: Way,
}

/// How one gets to a recipient.
#[derive(Debug)]
pub enum Way {
    /// By mail.
    Mail(Mailbox),
    /// By a robot.
    Robot(Robot),
    /// By short messages.
    Sms(Gateway),
}

/// The secrets of a robot.
#[derive(Debug)]
pub struct RobotKeys {
    /// Its token.
    pub token: Secret,
    /// What signs its messages.
    pub secret: Option<Secret>,
}

/// The secrets of a gateway.
#[derive(Debug)]
pub struct GatewayKeys {
    /// Its address.
    pub url: Secret,
    /// Its token.
    pub token: Option<Secret>,
}

/// The routes to addresses; who is named twice has one. Addresses that the project does not have lead nowhere: the check of the
/// definitions has told them.
pub fn routes(receivers: &Receivers, addresses: &[Address]) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for address in addresses {
        let Some(receiver) = receivers.find(&address.receiver) else { continue };
        for way in ways(receiver, address.channel) {
            let recipient = match &way {
                Way::Mail(mailbox) => mailbox.address.to_ascii_lowercase(),
                Way::Robot(_) | Way::Sms(_) => receiver.name.value.clone(),
            };
            let is_known = |one: &Route| one.address.channel == address.channel && one.recipient == recipient;
            if !routes.iter().any(is_known) {
                routes.push(Route { address: address.clone(), recipient, way });
            }
        }
    }
    routes
}

fn ways(receiver: &Receiver, channel: Channel) -> Vec<Way> {
    match channel {
        Channel::Email => receiver.email.iter().cloned().map(Way::Mail).collect(),
        Channel::Dingtalk => receiver.dingtalk.iter().cloned().map(Way::Robot).collect(),
        Channel::Sms => receiver.sms.iter().cloned().map(Way::Sms).collect(),
    }
}

impl Route {
    /// The recipient with the channel, which tells it from all others.
    pub fn key(&self) -> String {
        format!("{}:{}", self.address.channel, self.recipient)
    }
}

impl RobotKeys {
    /// Of the environment.
    ///
    /// # Errors
    /// The variable that is not set.
    pub fn of(robot: &Robot, environment: &Environment) -> Result<RobotKeys, Box<Diagnostic>> {
        let token = variable(&robot.token_env, environment)?;
        let secret = robot.secret_env.as_ref().map(|name| variable(name, environment)).transpose()?;
        Ok(RobotKeys { token, secret })
    }
}

impl GatewayKeys {
    /// Of the environment.
    ///
    /// # Errors
    /// The variable that is not set, or holds no address.
    pub fn of(gateway: &Gateway, environment: &Environment) -> Result<GatewayKeys, Box<Diagnostic>> {
        let url = variable(&gateway.url_env, environment)?;
        let is_url = url.reveal().starts_with("https://") || url.reveal().starts_with("http://");
        if !is_url {
            let name = &gateway.url_env;
            return Err(Box::new(
                error!(E0875, name.span, "the environment variable `{}` holds no address", name.value;
                help: "it begins with `https://`"),
            ));
        }
        let token = gateway.token_env.as_ref().map(|name| variable(name, environment)).transpose()?;
        Ok(GatewayKeys { url, token })
    }
}

/// The server that takes the project's mail.
///
/// # Errors
/// What is missing in the environment, or can't be read.
pub fn server(mail: &Mail, environment: &Environment) -> Result<Server, Box<Diagnostic>> {
    let credentials = match (&mail.user_env, &mail.password_env) {
        (Some(user), Some(password)) => Some((variable(user, environment)?, variable(password, environment)?)),
        _ => None,
    };
    let unreadable = |path: &Spanned<String>, why: &str| {
        Box::new(error!(E0875, path.span, "`{}` can't be read: {why}", path.value;
            help: "name a file with certificates as PEM; its path is relative to the folder of `metricc.yaml`"))
    };
    let ca = match &mail.ca {
        None => None,
        Some(path) => {
            let place = environment.root.join(&path.value);
            let bytes = match std::fs::metadata(&place) {
                Ok(kind) if kind.len() > LONGEST_FILE || !kind.is_file() => {
                    return Err(unreadable(path, "it is no file of certificates"));
                }
                Ok(_) => std::fs::read(&place),
                Err(failure) => Err(failure),
            };
            Some(bytes.map_err(|failure| unreadable(path, &io_message(&failure)))?)
        }
    };
    Server::new(&mail.host, mail.port, mail.tls, ca.as_deref(), credentials).map_err(|why| {
        let span = mail.ca.as_ref().map_or(mail.host.span, |path| path.span);
        Box::new(error!(E0875, span, "{why}"; help: "name a file with certificates as PEM by `ca`"))
    })
}

fn variable(name: &Spanned<String>, environment: &Environment) -> Result<Secret, Box<Diagnostic>> {
    let value = (environment.variable)(&name.value).map(|value| value.trim().to_owned());
    value.filter(|value| !value.is_empty()).map(Secret::new).ok_or_else(|| {
        Box::new(error!(E0875, name.span, "the environment variable `{}` is not set", name.value;
            help: "set it where metricc runs"))
    })
}
