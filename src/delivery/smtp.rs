//! Hands a mail to a server (SMTP).
//!
//! The library speaks the protocol; each step is a call of its own here, because what went wrong before the last step is certain: the
//! mail was not taken.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::fault::{Fault, Sort};
use super::message::one_line;
use crate::project::MailTls;
use crate::secret::Secret;

/// How long a step may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much of what a server says is kept.
const MOST_OF_REASON: usize = 300;

/// A server, and who asks it. Printing it shows no secret.
pub struct Server {
    host: String,
    port: u16,
    tls: MailTls,
    parameters: Option<TlsParameters>,
    credentials: Option<(Secret, Secret)>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Server {
    /// Of its settings; `ca` are the certificates (PEM) that are trusted, in place of the public ones. Nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the certificates, in words.
    pub fn new(
        host: &str,
        port: u16,
        tls: MailTls,
        ca: Option<&[u8]>,
        credentials: Option<(Secret, Secret)>,
    ) -> Result<Server, String> {
        let parameters = match tls {
            MailTls::None => None,
            MailTls::Starttls | MailTls::Tls => Some(parameters(host, ca)?),
        };
        Ok(Server { host: host.to_owned(), port, tls, parameters, credentials })
    }

    /// Hands over a mail.
    ///
    /// # Errors
    /// Why it was not taken, or is not known to have been.
    pub fn send(&self, from: &Address, to: &Address, mail: &[u8]) -> Result<(), Fault> {
        let mut connection = self.connect(from)?;
        let before = |failure: Error| self.fault(&failure, true);
        connection.command(Mail::new(Some(from.clone()), Vec::new())).map_err(before)?;
        connection.command(Rcpt::new(to.clone(), Vec::new())).map_err(before)?;
        connection.command(Data).map_err(before)?;
        // From here on the server may have all of it, and only its answer tells.
        connection.message(mail).map_err(|failure| self.fault(&failure, false))?;
        // It was taken; how the parting ends changes nothing.
        let _ = connection.quit();
        Ok(())
    }

    /// A connection that is encrypted as it must be, to a server that knows who asks.
    fn connect(&self, from: &Address) -> Result<SmtpConnection, Fault> {
        let before = |failure: Error| self.fault(&failure, true);
        let hello = ClientId::Domain(from.domain().to_owned());
        let at_once = self.parameters.as_ref().filter(|_| self.tls == MailTls::Tls);
        let address = (self.host.as_str(), self.port);
        let mut connection = SmtpConnection::connect(address, Some(TIMEOUT), &hello, at_once, None).map_err(before)?;
        if let (MailTls::Starttls, Some(parameters)) = (self.tls, &self.parameters) {
            if !connection.can_starttls() {
                connection.abort();
                return Err(self.of(Sort::Refused, "it offers no encryption (STARTTLS)"));
            }
            connection.starttls(parameters, &hello).map_err(before)?;
        }
        if let Some((user, password)) = &self.credentials {
            let credentials = Credentials::new(user.reveal().to_owned(), password.reveal().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).map_err(before)?;
        }
        Ok(connection)
    }

    /// What a failure means. `before`: the mail itself had not been sent yet.
    fn fault(&self, failure: &Error, before: bool) -> Fault {
        let source = failure.source();
        let said = source.map(ToString::to_string).unwrap_or_default();
        if let Some(code) = failure.status() {
            let sort = if failure.is_permanent() { Sort::Refused } else { Sort::Passing(None) };
            return self.of(sort, &format!("it says {code}: {said}"));
        }
        let io = source.and_then(|source| source.downcast_ref::<io::Error>());
        let is_tls = failure.is_tls() || io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData);
        if before && is_tls {
            return self.of(Sort::Refused, &format!("it can't be trusted: {said}"));
        }
        let words = if failure.is_timeout() { "no answer in time" } else { said.as_str() };
        let sort = match (before, failure.is_client()) {
            (true, true) => Sort::Refused,
            (true, false) => Sort::Passing(None),
            (false, _) => Sort::Unknown,
        };
        self.of(sort, words)
    }

    fn of(&self, sort: Sort, words: &str) -> Fault {
        let mut words = one_line(words);
        if let Some((user, password)) = &self.credentials {
            words = password.out_of(&user.out_of(&words));
        }
        let words: String = words.chars().take(MOST_OF_REASON).collect();
        Fault::new(sort, format!("the mail server {}:{}: {words}", self.host, self.port))
    }
}

fn parameters(host: &str, ca: Option<&[u8]>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = ca {
        let unreadable = |failure: Error| format!("`ca` can't be read: {failure}");
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(pem).map_err(unreadable)?);
    }
    builder.build().map_err(|failure| format!("the certificates can't be used: {failure}"))
}
