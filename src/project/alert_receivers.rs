//! Who alerts tell: receivers of a target of the kind `alerts`, and those of `metricc.yaml`, to whom `metricc notify` brings them.

use super::alerts::{AlertsTarget, Smtp};
use super::connection::url_fault;
use super::receivers::{Channel, MailTls, Receiver, Receivers};
use super::target::{Target, TargetSettings};
use super::yaml::Reader;
use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;

const MOST_ALERTS: u64 = 20;

/// Where `metricc notify` listens if nothing else is said.
const RELAY: &str = "http://127.0.0.1:9098";

/// Somebody who can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertReceiver {
    /// What alerts call it.
    pub name: Spanned<String>,
    /// By a request to an address.
    pub webhook: Option<Webhook>,
    /// By mail to these mailboxes.
    pub email: Vec<String>,
    /// Whether it is a receiver of `metricc.yaml`, and nobody is told who does not name it.
    pub of_project: bool,
}

/// A request to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// How many alerts a message has at most.
    pub most: u64,
    /// The file with the token that goes with it, on the machine of Alertmanager.
    pub token_file: Option<String>,
}

/// `metricc notify`, as Alertmanager reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// `url`: its address, without a path.
    pub url: String,
    /// `token_file`: the file with its token, on the machine of Alertmanager.
    pub token_file: Option<String>,
}

impl Relay {
    /// Reads `relay`: an address, or one with a token.
    pub(super) fn read(reader: &mut Reader<'_>) -> Relay {
        let (url, token_file) = match reader.is_mapping("relay") {
            true => {
                let read = |reader: &mut Reader<'_>| (reader.required_text("url", RELAY), reader.text("token_file"));
                reader.mapping("relay", read).unwrap_or_default()
            }
            false => (reader.text("relay"), None),
        };
        if let Some(url) = &url
            && let Some(fault) = url_fault(url)
        {
            // What may hold a token is not shown.
            reader.tell(error!(E0023, url.span, "`relay` {fault}"; help: ("write `relay: \"{RELAY}\"`, where `metricc notify` listens")));
        }
        let url = url.map_or_else(|| RELAY.to_owned(), |url| url.value.trim_end_matches('/').to_owned());
        Relay { url, token_file: token_file.map(|file| file.value) }
    }

    /// What brings alerts to a receiver. A name in any script is a part of the address.
    fn webhook(&self, receiver: &str) -> Webhook {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let path: String = receiver
            .bytes()
            .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect();
        let url = format!("{}/alertmanager/{path}", self.url);
        Webhook { url, most: MOST_ALERTS, token_file: self.token_file.clone() }
    }
}

impl AlertReceiver {
    pub(super) fn read(name: Spanned<String>, reader: &mut Reader<'_>) -> Option<AlertReceiver> {
        let webhook = reader.text("webhook");
        let most = reader.count("max_alerts").map_or(MOST_ALERTS, |count| count.value);
        let email = reader.texts("email");
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if name.value.is_empty() || !name.value.chars().all(is_plain) {
            reader.tell(error!(E0023, name.span, "`{}` is no name of a receiver", name.value; help: "take letters, digits, `_` and `-`"));
            return None;
        }
        let (webhook, email) = match (webhook, email) {
            (Some(url), None) => {
                if let Some(fault) = url_fault(&url) {
                    // What may hold a token is not shown.
                    reader.tell(error!(E0023, url.span, "`webhook` {fault}";
                        help: "name an address without secrets, such as a gateway on this machine: `http://127.0.0.1:9098/alertmanager/dingtalk`"));
                    return None;
                }
                (Some(Webhook { url: url.value, most, token_file: None }), Vec::new())
            }
            (None, Some(to)) if !to.is_empty() => (None, to.into_iter().map(|one| one.value).collect()),
            _ => {
                let place = reader.place();
                reader.tell(
                    error!(E0024, place, "the receiver `{}` does not say one way in which it is told", name.value;
                    help: "add `webhook: \"http://127.0.0.1:9098/alertmanager/dingtalk\"` or `email: [ops@example.com]`"),
                );
                return None;
            }
        };
        Some(AlertReceiver { name, webhook, email, of_project: false })
    }
}

/// Lets targets tell the receivers of `metricc.yaml`, too, and send mail by its server. A receiver of the target's own hides one of the same name.
pub(super) fn tie(targets: &mut [Target], receivers: &Receivers, diagnostics: &mut Diagnostics) {
    for target in targets {
        let TargetSettings::Alerts(settings) = &mut target.settings else { continue };
        if settings.smtp.is_none() && !settings.said_smtp {
            settings.smtp = of_mail(receivers);
            let mail = settings.receivers.iter().find(|one| !one.email.is_empty());
            if let (None, Some(mail)) = (&settings.smtp, mail) {
                diagnostics.push(
                    error!(E0024, mail.name.span, "`{}` is told by mail, and the target has no `smtp`", mail.name.value;
                    help: "add `smtp:` with `host: \"smtp.example.com:587\"` and `from: \"alerts@example.com\"`"),
                );
            }
        }
        let own = |settings: &AlertsTarget, one: &Receiver| settings.receiver(&one.name.value).is_some();
        let more: Vec<AlertReceiver> = receivers
            .all
            .iter()
            .filter(|one| !own(settings, one))
            .map(|one| of_project(one, &settings.relay))
            .collect();
        settings.receivers.extend(more);
    }
}

fn of_project(receiver: &Receiver, relay: &Relay) -> AlertReceiver {
    let is_brought = receiver.has(Channel::Dingtalk) || receiver.has(Channel::Sms);
    AlertReceiver {
        name: receiver.name.clone(),
        webhook: is_brought.then(|| relay.webhook(&receiver.name.value)),
        email: receiver.email.iter().map(|mailbox| mailbox.address.clone()).collect(),
        of_project: true,
    }
}

/// The server of `mail`, where it takes mail from everybody and is trusted by everybody: Alertmanager reads a password out of a file, and not
/// of the environment.
fn of_mail(receivers: &Receivers) -> Option<Smtp> {
    let mail = receivers.mail.as_ref().filter(|mail| mail.user_env.is_none() && mail.ca.is_none())?;
    Some(Smtp {
        host: format!("{}:{}", mail.host.value, mail.port),
        from: mail.from.address.clone(),
        user: None,
        password_file: None,
        tls: mail.tls != MailTls::None,
    })
}
