//! Which server, who asks, and where the secrets are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::error;
use crate::project::{Connection, io_message, url_fault};
use crate::secret::Secret;

/// The variables that say what a target's `connection` leaves out.
const URL: &str = "METRICC_CLICKHOUSE_URL";
const USER: &str = "METRICC_CLICKHOUSE_USER";
const PASSWORD: &str = "METRICC_CLICKHOUSE_PASSWORD";

/// How long a statement may take where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(120);

/// No password is longer.
const LONGEST_FILE: u64 = 64 << 10;

/// A server with who asks it. Printing it shows no secret.
#[derive(Clone)]
pub struct Server {
    /// Its address, without secrets.
    pub url: String,
    /// The user; the server's default one where there is none.
    pub user: Option<String>,
    password: Option<Secret>,
    /// The database of names without one.
    pub database: String,
    /// The certificates that are trusted, as PEM, in place of the public ones.
    pub ca: Option<Vec<u8>>,
    /// How long a statement may take, with all tries.
    pub timeout: Duration,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ca = self.ca.as_ref().map(Vec::len);
        f.debug_struct("Server")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("password", &self.password)
            .field("database", &self.database)
            .field("ca", &ca)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// What a connection is looked up in: variables, and the folder of the project.
pub struct Environment<'a> {
    /// The value of a variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Where relative paths begin.
    pub root: &'a Path,
}

impl Server {
    /// A server that is asked by its default user.
    pub fn plain(url: &str) -> Server {
        Server {
            url: url.to_owned(),
            user: None,
            password: None,
            database: "default".to_owned(),
            ca: None,
            timeout: TIMEOUT,
        }
    }

    /// The server of a target. What the target does not say is taken from the environment; warnings are told.
    ///
    /// # Errors
    /// What is missing or can't be read.
    pub fn of(
        target: &str,
        connection: Option<&Connection>,
        database: &str,
        environment: &Environment,
        warnings: &mut Diagnostics,
    ) -> Result<Server, Box<Diagnostic>> {
        let none = Connection::default();
        let connection = connection.unwrap_or(&none);
        let url = url(target, connection, environment)?;
        let mut credentials = Credentials::of(connection, environment, warnings)?;
        credentials.user = match &connection.user_env {
            Some(name) => Some(variable(&name.value, name.span, environment)?),
            None => credentials.user.or_else(|| (environment.variable)(USER)),
        };
        let ca = match &connection.ca {
            Some(path) => Some(read(&environment.root.join(&path.value), path.span)?),
            None => None,
        };
        let timeout = connection.timeout.and_then(|ms| u64::try_from(ms).ok()).map_or(TIMEOUT, Duration::from_millis);
        let database = connection.database.as_ref().map_or(database, |name| name.value.as_str()).to_owned();
        let server = Server { url, user: credentials.user, password: credentials.password, database, ca, timeout };
        if server.password.is_some() && server.url.starts_with("http://") && !server.is_local() {
            let span = connection.url.as_ref().map(|url| url.span);
            warnings.push(error!(W0851, span, "the password goes to `{}` without encryption", server.url;
                help: "write `https://`, or reach the server through a tunnel"));
        }
        Ok(server)
    }

    /// The same, where a statement may take so long.
    pub fn within(self, timeout: Duration) -> Server {
        Server { timeout, ..self }
    }

    /// The same, where only these certificates (PEM) are trusted.
    pub fn trusting(self, ca: Vec<u8>) -> Server {
        Server { ca: Some(ca), ..self }
    }

    /// Its address for messages.
    pub fn shown(&self) -> String {
        self.clean(&self.url)
    }

    /// A foreign text without the password.
    pub fn clean(&self, text: &str) -> String {
        self.password.as_ref().map_or_else(|| text.to_owned(), |password| password.out_of(text))
    }

    pub(super) fn redacted(&self) -> Option<Secret> {
        self.password.clone()
    }

    /// The password, for the header.
    pub(super) fn key(&self) -> Option<&str> {
        self.password.as_ref().map(Secret::reveal)
    }

    /// Whether it runs on this machine.
    pub fn is_local(&self) -> bool {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

fn url(target: &str, connection: &Connection, environment: &Environment) -> Result<String, Box<Diagnostic>> {
    if let Some(url) = &connection.url {
        return Ok(url.value.clone());
    }
    let Some(url) = (environment.variable)(URL).filter(|url| !url.is_empty()) else {
        return Err(Box::new(error!(E0850, None, "the target `{target}` does not say where its server is";
            help: ("add `connection:` with `url: https://host:8443` to `targets/{target}.yaml`, or set `{URL}`"))));
    };
    match url_fault(&url) {
        Some(fault) => Err(Box::new(error!(E0850, None, "the address in `{URL}` {fault}";
            help: ("write `https://host:8443`; the user goes into `{USER}`, the password into `{PASSWORD}`")))),
        None => Ok(url),
    }
}

/// A user and a password, as far as they are known.
struct Credentials {
    user: Option<String>,
    password: Option<Secret>,
}

impl Credentials {
    fn of(
        connection: &Connection,
        environment: &Environment,
        warnings: &mut Diagnostics,
    ) -> Result<Credentials, Box<Diagnostic>> {
        if let Some(name) = &connection.password_env {
            let password = Secret::new(variable(&name.value, name.span, environment)?);
            return Ok(Credentials { user: None, password: Some(password) });
        }
        if let Some(file) = &connection.password_file {
            let path = environment.root.join(&file.value);
            let bytes = read(&path, file.span)?;
            warn_of_readers(&path, file.span, warnings);
            return of_file(&file.value, &bytes)
                .map_err(|reason| Box::new(error!(E0854, file.span, "`{}` {reason}", file.value; help: FORM)));
        }
        Ok(Credentials { user: None, password: (environment.variable)(PASSWORD).map(Secret::new) })
    }
}

const FORM: &str = "write the password alone, or in a `.yaml` or `.json` file `password: …` and maybe `user: …`";

/// The password alone; in YAML or JSON a mapping.
fn of_file(path: &str, bytes: &[u8]) -> Result<Credentials, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    let ending = PathBuf::from(path).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if !matches!(ending.as_deref(), Some("yaml" | "yml" | "json")) {
        let password = text.strip_suffix('\n').unwrap_or(text);
        let password = password.strip_suffix('\r').unwrap_or(password);
        if password.is_empty() || password.contains(['\n', '\r']) {
            return Err("does not hold one line with a password");
        }
        return Ok(Credentials { user: None, password: Some(Secret::new(password)) });
    }
    // What the YAML library says of a text may quote it.
    let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|_| "can't be read as YAML or JSON")?;
    let member = |key: &str| match value.get(key) {
        None => Ok(None),
        Some(serde_yaml::Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err("has a user or a password that is no text"),
    };
    let password = member("password")?.ok_or("does not say `password`")?;
    Ok(Credentials { user: member("user")?, password: Some(Secret::new(password)) })
}

fn variable(name: &str, span: Span, environment: &Environment) -> Result<String, Box<Diagnostic>> {
    (environment.variable)(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        Box::new(error!(E0854, span, "the environment variable `{name}` is not set"; help: "set it where metricc runs"))
    })
}

fn read(path: &Path, span: Span) -> Result<Vec<u8>, Box<Diagnostic>> {
    let unreadable = |reason: &str| {
        Box::new(error!(E0854, span, "`{}` can't be read: {reason}", path.display();
        help: "a path is relative to the folder of `metricc.yaml`, or absolute"))
    };
    match std::fs::metadata(path) {
        Ok(kind) if kind.len() > LONGEST_FILE && kind.is_file() => return Err(unreadable("it is too large")),
        Ok(_) => {}
        Err(failure) => return Err(unreadable(&io_message(&failure))),
    }
    std::fs::read(path).map_err(|failure| unreadable(&io_message(&failure)))
}

/// Tells a file of secrets that others can read.
#[cfg(unix)]
fn warn_of_readers(path: &Path, span: Span, warnings: &mut Diagnostics) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_or(0o600, |kind| kind.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        warnings.push(error!(W0850, span, "`{}` can be read by other users (mode {mode:o})", path.display();
            help: ("run `chmod 600 {}`", path.display())));
    }
}

/// Elsewhere there are no such modes.
#[cfg(not(unix))]
fn warn_of_readers(_: &Path, _: Span, _: &mut Diagnostics) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{FileId, Spanned};

    fn at(text: &str) -> Option<Spanned<String>> {
        Some(Spanned::new(text.to_owned(), Span::new(FileId(0), 0, 1)))
    }

    fn server(
        connection: &Connection,
        variables: &[(&str, &str)],
        root: &Path,
    ) -> (Result<Server, Box<Diagnostic>>, Diagnostics) {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let mut warnings = Diagnostics::new();
        let made =
            Server::of("wh", Some(connection), "metrics", &Environment { variable: &variable, root }, &mut warnings);
        (made, warnings)
    }

    #[test]
    fn the_target_says_what_counts_and_the_environment_the_rest() {
        let own =
            Connection { url: at("https://a:8443"), user_env: at("U"), password_env: at("P"), ..Connection::default() };
        let variables = [("U", "ann"), ("P", "s3cret"), (URL, "https://b"), (USER, "bob"), (PASSWORD, "other")];
        let (made, warnings) = server(&own, &variables, Path::new("."));
        let made = made.expect("a server");
        assert_eq!(
            (made.url.as_str(), made.user.as_deref(), made.key()),
            ("https://a:8443", Some("ann"), Some("s3cret"))
        );
        assert!(warnings.is_empty() && made.database == "metrics");
        let (made, _) = server(&Connection::default(), &variables, Path::new("."));
        let made = made.expect("a server");
        assert_eq!((made.url.as_str(), made.user.as_deref(), made.key()), ("https://b", Some("bob"), Some("other")));
        assert!(!format!("{made:?} {made:#?}").contains("other"));
        let code = |connection: &Connection, variables: &[(&str, &str)]| {
            server(connection, variables, Path::new(".")).0.map(|_| ()).map_err(|found| found.code.0)
        };
        assert_eq!(code(&Connection::default(), &[]), Err("E0850"));
        assert_eq!(code(&Connection::default(), &[(URL, "http://u:p@h")]), Err("E0850"));
        assert_eq!(code(&own, &[("U", "ann")]), Err("E0854"));
    }

    #[test]
    fn a_password_in_the_clear_is_warned_of_but_at_home() {
        for (url, warned) in [
            ("http://ch.example.com", true),
            ("https://ch.example.com", false),
            ("http://localhost:8123", false),
            ("http://127.0.0.2", false),
            ("http://[::1]:8123/x", false),
            ("http://localhost.example.com", true),
        ] {
            let connection = Connection { url: at(url), ..Connection::default() };
            let (_, warnings) = server(&connection, &[(PASSWORD, "s3cret")], Path::new("."));
            assert_eq!(
                warnings.iter().map(|found| found.code.0).collect::<Vec<_>>(),
                if warned { vec!["W0851"] } else { vec![] },
                "{url}"
            );
            assert!(server(&connection, &[], Path::new(".")).1.is_empty());
        }
    }

    #[test]
    fn a_file_holds_a_password_and_maybe_a_user() {
        let dir = tempfile::tempdir().expect("a folder");
        let of = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).expect("written");
            let connection = Connection { url: at("https://a"), password_file: at(name), ..Connection::default() };
            let (made, _) = server(&connection, &[], dir.path());
            made.map(|made| (made.user.clone(), made.key().map(str::to_owned))).map_err(|found| found.message)
        };
        let key = |text: &str| Some(text.to_owned());
        assert_eq!(of("a.key", "s3 cret\r\n"), Ok((None, key("s3 cret"))));
        assert_eq!(of("a.json", r#"{"user": "ann", "password": "s3cret"}"#), Ok((key("ann"), key("s3cret"))));
        assert_eq!(of("a.yaml", "password: s3cret\n"), Ok((None, key("s3cret"))));
        for (name, text) in [
            ("b.key", "s3cret\ns3cret\n"),
            ("b.key", ""),
            ("b.yaml", "user: s3cret"),
            ("b.json", "{s3cret"),
            ("b.yaml", "password: [s3cret]"),
        ] {
            let told = of(name, text).expect_err("refused");
            assert!(!told.contains("s3cret"), "{told}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_warned_of() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.key");
        std::fs::write(&path, "s3cret").expect("written");
        let connection = Connection { url: at("https://a"), password_file: at("a.key"), ..Connection::default() };
        for (mode, wanted) in [(0o644, vec!["W0850"]), (0o640, vec!["W0850"]), (0o600, vec![]), (0o400, vec![])] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
            let (_, warnings) = server(&connection, &[], dir.path());
            assert_eq!(warnings.iter().map(|found| found.code.0).collect::<Vec<_>>(), wanted, "{mode:o}");
        }
    }
}
