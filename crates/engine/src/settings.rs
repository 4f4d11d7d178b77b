//! Where an engine is, and who asks.

use crate::error::Error;
use std::path::{Path, PathBuf};

/// Longest file with credentials, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// Where the server is, and who connects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `nats://host:port` or `tls://host:port`; several with commas between them are one cluster.
    pub url: String,
    /// What the server calls this connection.
    pub name: String,
    /// Below which subject this client's answers come: nobody else need be allowed to read there.
    pub inbox: String,
    /// File with the credentials, where the server wants any.
    pub credentials: Option<PathBuf>,
    /// PEM file with the authorities of the server's certificate, beside those of the system.
    pub ca: Option<PathBuf>,
}

/// Who connects.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular.
    None,
    /// A `.creds` file: a token that names the user, and the seed of its key.
    Creds(String),
    /// The seed of an nkey.
    Seed(String),
    /// A user and a password.
    Password(String, String),
}

impl Settings {
    /// The addresses of the servers.
    ///
    /// # Errors
    /// Where there is none, or one is not one.
    pub fn addresses(&self) -> Result<Vec<String>, Error> {
        let all: Vec<_> = self.url.split(',').map(str::trim).map(str::to_owned).collect();
        match all.iter().find(|address| !is_address(address)) {
            Some(_) => Err(Error::Settings(
                "the engine's address must be nats://host:port or tls://host:port, without a user".to_owned(),
            )),
            None => Ok(all),
        }
    }

    /// Whether TLS is demanded.
    pub fn is_tls(&self) -> bool {
        self.url.split(',').any(|address| address.trim().starts_with("tls://"))
    }

    /// The credentials, read.
    ///
    /// # Errors
    /// Where the file cannot be read or has none.
    pub fn read_credentials(&self) -> Result<Credentials, Error> {
        let Some(path) = &self.credentials else { return Ok(Credentials::None) };
        let failed = |error| Error::Settings(format!("cannot read {}: {error}", path.display()));
        let length = std::fs::metadata(path).map_err(failed)?.len();
        if length > MAX_BYTES {
            return Err(no_credentials(path));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        credentials(&text).ok_or_else(|| no_credentials(path))
    }
}

fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("nats://").or_else(|| text.strip_prefix("tls://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@')
    })
}

fn no_credentials(path: &Path) -> Error {
    Error::Settings(format!(
        "{} has no credentials: a .creds file, the seed of an nkey, or a user and a password in two lines",
        path.display()
    ))
}

/// What a file has: its content says which of the three it is.
fn credentials(text: &str) -> Option<Credentials> {
    if text.contains("BEGIN NATS USER JWT") {
        return Some(Credentials::Creds(text.to_owned()));
    }
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [seed] if seed.starts_with("SU") => Some(Credentials::Seed((*seed).to_owned())),
        [user, password] => Some(Credentials::Password((*user).to_owned(), (*password).to_owned())),
        _ => None,
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Creds(_) => "a .creds file",
            Self::Seed(_) => "the seed of an nkey",
            Self::Password(..) => "a user and a password",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Settings {
        Settings { url: url.to_owned(), ..Settings::default() }
    }

    #[test]
    fn an_address_has_a_scheme_and_no_user() {
        assert_eq!(at("nats://a:4222, tls://b").addresses().unwrap(), ["nats://a:4222", "tls://b"]);
        assert!(at("nats://a,tls://b").is_tls() && !at("nats://a").is_tls());
        for wrong in ["", "a:4222", "http://a", "nats://", "nats://u:p@a", "nats://a,"] {
            assert!(at(wrong).addresses().is_err(), "{wrong}");
        }
        assert!(!at("nats://user:secret@a").addresses().unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn a_file_says_by_itself_which_credentials_it_has() {
        assert_eq!(credentials("SUAM\n"), Some(Credentials::Seed("SUAM".into())));
        assert_eq!(credentials("hub\npass\n"), Some(Credentials::Password("hub".into(), "pass".into())));
        let creds = "-----BEGIN NATS USER JWT-----\nx\n";
        assert_eq!(credentials(creds), Some(Credentials::Creds(creds.into())));
        for wrong in ["", "one", "a\nb\nc"] {
            assert_eq!(credentials(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{:?}", Credentials::Seed("SUAM".into())), "the seed of an nkey");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let settings = Settings { credentials: Some("/nonexistent/hub.creds".into()), ..at("nats://a") };
        assert!(settings.read_credentials().unwrap_err().to_string().contains("/nonexistent/hub.creds"));
    }
}
