//! `connection:` of a target: how its server is reached. It names where secrets are, and never holds one.

use super::yaml::Reader;
use crate::diagnostic::Spanned;
use crate::error;

/// How a server is reached over HTTP. What is left out comes from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// `url`: `https://host:8443`.
    pub url: Option<Spanned<String>>,
    /// `user_env`: the environment variable with the user.
    pub user_env: Option<Spanned<String>>,
    /// `password_env`: the environment variable with the password.
    pub password_env: Option<Spanned<String>>,
    /// `password_file`: the file with the password, and maybe the user.
    pub password_file: Option<Spanned<String>>,
    /// `database`: the database of names without one; the target's where it is not said.
    pub database: Option<Spanned<String>>,
    /// `ca`: a file with the certificates (PEM) that are trusted, in place of the public ones.
    pub ca: Option<Spanned<String>>,
    /// `timeout`: how many milliseconds a statement may take, with all tries.
    pub timeout: Option<i64>,
}

impl Connection {
    pub(super) fn read(reader: &mut Reader<'_>) -> Connection {
        let url = reader.text("url");
        if let Some(url) = &url
            && let Some(fault) = url_fault(url)
        {
            // What may hold a password is not shown: the diagnostic names the place and no text.
            reader.tell(
                error!(E0023, url.span, "`url` {fault}"; help: "write `https://host:8443`; name secrets by `user_env` and `password_env`"),
            );
        }
        let (password_env, password_file) = (reader.text("password_env"), reader.text("password_file"));
        if let (Some(_), Some(file)) = (&password_env, &password_file) {
            reader.tell(error!(E0023, file.span, "`connection` says `password_env` and `password_file`";
                help: "keep one of the two"));
        }
        Connection {
            url: url.filter(|url| url_fault(url).is_none()),
            user_env: reader.text("user_env"),
            password_env,
            password_file,
            database: reader.text("database"),
            ca: reader.text("ca"),
            timeout: reader.duration("timeout").map(|length| length.value),
        }
    }
}

/// What is wrong with the address of a server.
pub fn url_fault(url: &str) -> Option<&'static str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else { return Some("does not begin with `https://` or `http://`") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some("holds a user or a password");
    }
    if rest.contains(['?', '#']) {
        return Some("has something behind the path");
    }
    if authority.is_empty() || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("names no host");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::url_fault;

    #[test]
    fn an_address_has_a_host_and_no_secret() {
        for right in
            ["http://localhost:8123", "https://ch.example.com", "https://gate.example.com/ch/", "http://[::1]:8123"]
        {
            assert_eq!(url_fault(right), None, "{right}");
        }
        for wrong in
            ["localhost:8123", "ftp://a", "https://", "https:///x", "http://u:p@h", "https://h/?user=a", "http://a b"]
        {
            assert!(url_fault(wrong).is_some(), "{wrong}");
        }
    }
}
