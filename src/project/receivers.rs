//! `receivers:` and `mail:` of `metricc.yaml`: who can be written to, and by which server. They name where secrets are, and never
//! hold one.

use std::fmt;
use std::net::IpAddr;

use super::yaml::Reader;
use crate::diagnostic::Spanned;
use crate::error;

/// A way that a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Mail.
    Email,
    /// A robot in a group of DingTalk.
    Dingtalk,
    /// Short messages, by a gateway.
    Sms,
}

impl Channel {
    /// All, in the order in which they are written.
    pub const ALL: [Channel; 3] = [Channel::Email, Channel::Dingtalk, Channel::Sms];

    /// The word for it, in the language and in `metricc.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Dingtalk => "dingtalk",
            Channel::Sms => "sms",
        }
    }

    /// What a word stands for.
    pub fn of_word(word: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A receiver by one of its channels: `email("kpi")`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The way.
    pub channel: Channel,
    /// The name of the receiver.
    pub receiver: String,
}

/// Who can be written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receivers {
    /// `receivers`, in the order of the file.
    pub all: Vec<Receiver>,
    /// `mail`: the server that takes mail.
    pub mail: Option<Mail>,
}

impl Receivers {
    /// The receiver of a name.
    pub fn find(&self, name: &str) -> Option<&Receiver> {
        self.all.iter().find(|receiver| receiver.name.value == name)
    }
}

/// A receiver: people, or a group of them, by one or more channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name.
    pub name: Spanned<String>,
    /// `email`: mailboxes; each gets a mail of its own.
    pub email: Vec<Mailbox>,
    /// `dingtalk`: a robot.
    pub dingtalk: Option<Robot>,
    /// `sms`: a gateway for short messages.
    pub sms: Option<Gateway>,
}

impl Receiver {
    /// Whether it can be reached this way.
    pub fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => !self.email.is_empty(),
            Channel::Dingtalk => self.dingtalk.is_some(),
            Channel::Sms => self.sms.is_some(),
        }
    }
}

/// A mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name that is shown, in any script.
    pub name: Option<String>,
    /// `local@domain`, in ASCII.
    pub address: String,
}

/// A robot in a group of DingTalk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robot {
    /// `token_env`: the variable with the token (`access_token` of the robot's address).
    pub token_env: Spanned<String>,
    /// `secret_env`: the variable with the secret that messages are signed by.
    pub secret_env: Option<Spanned<String>>,
    /// `at`: telephone numbers of the members who are called.
    pub at: Vec<String>,
    /// `at_all`: whether all members are called.
    pub at_all: bool,
    /// `keyword`: a word without which the robot takes no message.
    pub keyword: Option<String>,
    /// `url`: where the service is, without a path.
    pub url: String,
}

/// The public service of DingTalk.
const DINGTALK: &str = "https://oapi.dingtalk.com";

/// A gateway for short messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// `url_env`: the variable with its address, which often holds a key.
    pub url_env: Spanned<String>,
    /// `token_env`: the variable with a token for `Authorization: Bearer`.
    pub token_env: Option<Spanned<String>>,
    /// `to`: telephone numbers.
    pub to: Vec<String>,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Begins in the clear and must be upgraded before anything is said.
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

/// A server that takes mail (SMTP).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// `host`
    pub host: Spanned<String>,
    /// `port`: 587, with `tls` 465, with `none` 25.
    pub port: u16,
    /// `tls`
    pub tls: MailTls,
    /// `from`
    pub from: Mailbox,
    /// `user_env`: the variable with the user.
    pub user_env: Option<Spanned<String>>,
    /// `password_env`: the variable with the password.
    pub password_env: Option<Spanned<String>>,
    /// `ca`: a file with the certificates (PEM) that are trusted, in place of the public ones.
    pub ca: Option<Spanned<String>>,
}

impl Receivers {
    pub(super) fn read(reader: &mut Reader<'_>) -> Receivers {
        let mail = reader.mapping("mail", Mail::read).flatten();
        let all = reader.mapping("receivers", |reader| {
            let keys = reader.keys();
            let one =
                |(key, span)| reader.mapping(key, |inner| Receiver::read(Spanned::new(key.to_owned(), span), inner));
            keys.into_iter().filter_map(one).collect()
        });
        Receivers { all: all.unwrap_or_default(), mail }
    }
}

impl Receiver {
    fn read(name: Spanned<String>, reader: &mut Reader<'_>) -> Receiver {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(is_word) {
            reader.tell(error!(E0023, name.span, "`{}` can't be the name of a receiver", name.value;
                help: "a name has letters, digits, `_`, `-` and `.`: it is also a part of an address of `metricc notify`"));
        }
        let is_empty = !Channel::ALL.iter().any(|channel| reader.has(channel.word()));
        if is_empty {
            reader.tell(error!(E0024, name.span, "the receiver `{}` can't be reached in any way", name.value;
                help: "add `email: [ann@example.com]`, `dingtalk:` or `sms:`"));
        }
        let email = reader.texts("email").map(|texts| mailboxes(texts, reader)).unwrap_or_default();
        let dingtalk = reader.mapping("dingtalk", Robot::read).flatten();
        let sms = reader.mapping("sms", Gateway::read).flatten();
        Receiver { name, email, dingtalk, sms }
    }
}

impl Robot {
    fn read(reader: &mut Reader<'_>) -> Option<Robot> {
        let token_env = required_variable(reader, "token_env", "DINGTALK_TOKEN");
        let secret_env = variable(reader, "secret_env");
        let url = reader.text("url").and_then(|url| {
            let fault = super::url_fault(&url).or_else(|| {
                let is_clear = url.starts_with("http://") && !is_local(host_of(&url));
                is_clear.then_some("would take the token in the clear")
            });
            if let Some(fault) = fault {
                // It may hold the token.
                reader.tell(error!(E0023, url.span, "`url` {fault}"; help: ("write `{DINGTALK}`, or leave it out")));
            }
            fault.is_none().then(|| url.value.trim_end_matches('/').to_owned())
        });
        Some(Robot {
            at: reader.texts("at").map(|texts| telephones(texts, reader)).unwrap_or_default(),
            at_all: reader.flag("at_all").unwrap_or(false),
            keyword: reader.text("keyword").map(|word| word.value),
            url: url.unwrap_or_else(|| DINGTALK.to_owned()),
            token_env: token_env?,
            secret_env,
        })
    }
}

impl Gateway {
    fn read(reader: &mut Reader<'_>) -> Option<Gateway> {
        let url_env = required_variable(reader, "url_env", "SMS_URL");
        let token_env = variable(reader, "token_env");
        let to = reader.texts("to").map(|texts| telephones(texts, reader));
        if to.is_none() {
            let span = reader.place();
            reader.tell(error!(E0024, span, "`sms` does not say `to`"; help: "add `to: [\"+8613800000000\"]`"));
        }
        Some(Gateway { url_env: url_env?, token_env, to: to? })
    }
}

impl Mail {
    fn read(reader: &mut Reader<'_>) -> Option<Mail> {
        let host = reader.required_text("host", "smtp.example.com");
        let ways = [("starttls", MailTls::Starttls), ("tls", MailTls::Tls), ("none", MailTls::None)];
        let tls = reader.word("tls", &ways).map_or(MailTls::Starttls, |word| word.value);
        let usual = match tls {
            MailTls::Starttls => 587,
            MailTls::Tls => 465,
            MailTls::None => 25,
        };
        let port = reader.count("port").and_then(|port| {
            let fits = u16::try_from(port.value).ok();
            if fits.is_none() {
                reader.tell(error!(E0023, port.span, "`{}` is not a port", port.value; help: "ports go up to 65535"));
            }
            fits
        });
        let from = reader.required_text("from", "metrics@example.com");
        let from = from.and_then(|text| mailboxes(vec![text], reader).pop());
        let (user_env, password_env) = (variable(reader, "user_env"), variable(reader, "password_env"));
        let ca = reader.text("ca");
        if let (Some(password), MailTls::None, Some(host)) = (&password_env, tls, &host)
            && !is_local(host)
        {
            reader.tell(error!(E0874, password.span, "the password would go to `{}` in the clear", host.value;
                help: "write `tls: starttls` or `tls: tls`, or leave the password out"));
        }
        if let (Some(user), None) | (None, Some(user)) = (&user_env, &password_env) {
            reader.tell(error!(E0024, user.span, "`mail` says one of `user_env` and `password_env`";
                help: "a server that knows its users wants both: add the other one, or leave both out"));
        }
        Some(Mail { host: host?, port: port.unwrap_or(usual), tls, from: from?, user_env, password_env, ca })
    }
}

fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host of an address that has one.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// The name of an environment variable at a key.
fn variable<'a>(reader: &mut Reader<'a>, key: &'a str) -> Option<Spanned<String>> {
    let name = reader.text(key)?;
    if is_variable(&name) {
        return Some(name);
    }
    // What may be a secret is not repeated in the message.
    reader.tell(error!(E0872, name.span, "`{key}` does not name an environment variable";
        help: "secrets stay out of files: put it into a variable, and write the name of the variable here, such as `OPS_TOKEN`"));
    None
}

fn required_variable<'a>(reader: &mut Reader<'a>, key: &'a str, example: &str) -> Option<Spanned<String>> {
    if reader.has(key) { variable(reader, key) } else { reader.required_text(key, example) }
}

/// Whether a text can be the name of a variable, and does not look like a secret: tokens of DingTalk are 64 hexadecimal digits, its
/// secrets have `SEC` before them.
fn is_variable(name: &str) -> bool {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let digits = name.strip_prefix("SEC").unwrap_or(name);
    let is_secret = digits.len() >= 20 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    // A name has no digits and both cases all over: what has is a key.
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let mixed = name.len() >= 20
        && !name.contains('_')
        && digits >= 3
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && name.bytes().any(|byte| byte.is_ascii_uppercase());
    is_name && name.len() <= 64 && !is_secret && !mixed
}

/// The mailboxes among texts, each address once.
fn mailboxes(texts: Vec<Spanned<String>>, reader: &mut Reader<'_>) -> Vec<Mailbox> {
    let mut found: Vec<Mailbox> = Vec::new();
    for text in texts {
        let Some(mailbox) = Mailbox::read(&text) else {
            reader.tell(error!(E0873, text.span, "`{}` is not a mail address", text.value;
                help: "write `ann@example.com` or `Ann Lee <ann@example.com>`; the address itself is ASCII"));
            continue;
        };
        if found.iter().any(|other| other.address.eq_ignore_ascii_case(&mailbox.address)) {
            reader.tell(error!(E0873, text.span, "`{}` is listed twice", mailbox.address; help: "keep one of the two"));
            continue;
        }
        found.push(mailbox);
    }
    found
}

impl Mailbox {
    /// Of `ann@example.com` or `Ann <ann@example.com>`.
    pub fn read(text: &str) -> Option<Mailbox> {
        let text = text.trim();
        let (name, address) = match text.split_once('<') {
            None => (None, text),
            Some((name, rest)) => {
                let name = name.trim().trim_matches('"').trim();
                (Some(name).filter(|name| !name.is_empty()), rest.strip_suffix('>')?.trim())
            }
        };
        if name.is_some_and(|name| name.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '"'))) {
            return None;
        }
        let (local, domain) = address.split_once('@')?;
        let is_dotted = |text: &str, more: &str| {
            text.split('.').all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || more.as_bytes().contains(&b))
            })
        };
        let is_right = is_dotted(local, "!#$%&'*+-/=?^_`{|}~")
            && is_dotted(domain, "-")
            && domain.split('.').all(|part| !part.starts_with('-') && !part.ends_with('-'))
            && local.len() <= 64
            && domain.len() <= 253;
        is_right.then(|| Mailbox { name: name.map(str::to_owned), address: address.to_owned() })
    }
}

/// The telephone numbers among texts.
fn telephones(texts: Vec<Spanned<String>>, reader: &mut Reader<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for text in texts {
        let digits = text.strip_prefix('+').unwrap_or(&text);
        let is_right = (5..=20).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
            && digits.starts_with(|c: char| c.is_ascii_digit());
        if is_right {
            found.push(text.value);
        } else {
            reader.tell(error!(E0873, text.span, "`{}` is not a telephone number", text.value;
                help: "write digits, maybe with a `+` before them, in quotes"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::project::{Config, SourceMap};

    fn read(text: &str) -> (Receivers, Vec<String>) {
        let mut sources = SourceMap::new();
        let file = sources.add("metricc.yaml", format!("name: a\ntimezone: UTC\n{text}"));
        let mut d = Diagnostics::new();
        let config = Config::read(file, &sources, &mut d);
        let told = d.iter().map(|one| {
            let marked = one.span.map_or("", |span| sources.text(span));
            format!("{} [{marked}] {}", one.code, one.message)
        });
        (config.receivers, told.collect())
    }

    const WHOLE: &str = "\
receivers:
  kpi: { email: [kpi@example.com, \"财务 <cfo@example.com>\"] }
  ops: { dingtalk: { token_env: OPS_TOKEN, secret_env: OPS_SECRET, at: [\"13800000000\"], keyword: 监控 } }
  oncall: { sms: { url_env: SMS_URL, token_env: SMS_TOKEN, to: [\"+8613800000000\"] } }
mail: { host: smtp.example.com, from: \"指标 <m@example.com>\", user_env: U, password_env: P }
";

    #[test]
    fn receivers_and_the_server_are_read() {
        let (read, told) = read(WHOLE);
        assert_eq!(told, [""; 0]);
        let kpi = read.find("kpi").expect("a receiver");
        assert_eq!(kpi.email[1], Mailbox { name: Some("财务".to_owned()), address: "cfo@example.com".to_owned() });
        assert!(kpi.has(Channel::Email) && !kpi.has(Channel::Sms));
        let robot = read.find("ops").and_then(|ops| ops.dingtalk.clone()).expect("a robot");
        assert_eq!((robot.token_env.as_str(), robot.url.as_str(), robot.at_all), ("OPS_TOKEN", DINGTALK, false));
        assert_eq!(read.find("oncall").and_then(|one| one.sms.clone()).expect("a gateway").to, ["+8613800000000"]);
        let mail = read.mail.expect("a server");
        assert_eq!((mail.port, mail.tls), (587, MailTls::Starttls));
        for (tls, port) in [("tls", 465), ("none", 25)] {
            let mail = super::tests::read(&format!("mail: {{ host: localhost, from: a@b, tls: {tls} }}\n")).0.mail;
            assert_eq!(mail.expect("a server").port, port);
        }
    }

    #[test]
    fn mistakes_are_told_at_their_place() {
        let token = "4f1c9e0b7d2a".repeat(6);
        let (_, told) = read(&format!(
            "receivers:\n  a b: {{ email: [x@example.com] }}\n  none: {{ }}\n  kpi: {{ email: [ann at example, a@b, A@B] }}\n  \
             ops: {{ dingtalk: {{ token_env: {token}, secret_env: SEC{token}, url: \"http://robot.example.com\" }} }}\n  \
             sms: {{ sms: {{ url_env: \"https://x?key=1\" }} }}\n\
             mail: {{ host: h, from: a@b, tls: none, user_env: U, password_env: P, port: 70000 }}\n"
        ));
        let short: Vec<String> = told.iter().map(|one| one.replace(&token, "T")).collect();
        assert_eq!(
            short,
            [
                "E0023 [70000] `70000` is not a port",
                "E0874 [P] the password would go to `h` in the clear",
                "E0023 [a b] `a b` can't be the name of a receiver",
                "E0024 [none] the receiver `none` can't be reached in any way",
                "E0873 [ann at example] `ann at example` is not a mail address",
                "E0873 [A@B] `A@B` is listed twice",
                "E0872 [T] `token_env` does not name an environment variable",
                "E0872 [SECT] `secret_env` does not name an environment variable",
                "E0023 [\"http://robot.example.com\"] `url` would take the token in the clear",
                "E0872 [\"https://x?key=1\"] `url_env` does not name an environment variable",
                "E0024 [{ url_env] `sms` does not say `to`",
            ]
        );
        assert!(told.iter().all(|one| !one.split_once("] ").is_some_and(|(_, message)| message.contains(&token))));
    }

    #[test]
    fn variables_are_told_from_secrets() {
        for name in ["OPS_TOKEN", "token", "_T1", "SECRET", "SECURITY_TOKEN_2", "Deadbeef"] {
            assert!(is_variable(name), "{name}");
        }
        for name in
            ["", "1A", "A-B", "a b", "SECdeadbeefdeadbeefdead", "deadbeefdeadbeefdeadbeef", "xoX9b1Q3zR7tUvWxYz012"]
        {
            assert!(!is_variable(name), "{name}");
        }
    }

    #[test]
    fn mailboxes_are_told_from_other_texts() {
        for text in ["a@b", " Ann <a.b@example.com> ", "\"Lee, Ann\" <a@b>", "<a@b>"] {
            assert!(Mailbox::read(text).is_some(), "{text}");
        }
        for text in
            ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b..c", "李@b", "a@-b", "Ann <a@b", "a\r\nb <a@b>", "x <y <a@b>"]
        {
            assert!(Mailbox::read(text).is_none(), "{text}");
        }
    }
}
