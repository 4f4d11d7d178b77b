//! The part `[otlp]`: where metrics, logs and spans are sent, by OTLP over HTTP.

use infiniservice_hub_core::delivery::Signal;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Seconds from one round of metrics to the next.
const INTERVAL_SECS: RangeInclusive<u64> = 1..=3600;
/// Seconds that a request may take.
const TIMEOUT_SECS: RangeInclusive<u64> = 1..=300;
/// Bytes that wait for the receiver.
const QUEUE_BYTES: RangeInclusive<u64> = (1 << 20)..=(1 << 30);
/// Where `/v1/metrics` is on a receiver without a path of its own.
const EXAMPLE: &str = "http://127.0.0.1:4318";

/// Where to, how often, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Otlp {
    /// Address of the receiver, to which `/v1/metrics`, `/v1/logs` and `/v1/traces` are added; empty for none.
    pub endpoint: String,
    /// File with a header in each line, `name: value`, mode 0600; empty for none.
    pub headers_file: PathBuf,
    /// PEM file with the authorities of the receiver's certificate; empty for those of the system.
    pub ca_file: PathBuf,
    /// `metrics`, `logs`, `traces`.
    pub signals: Vec<String>,
    /// How often the figures of all machines are sent, in seconds.
    pub interval_secs: u64,
    /// How long a request may take, in seconds.
    pub timeout_secs: u64,
    /// `gzip` or `none`.
    pub compression: String,
    /// What may wait for the receiver, in bytes; beyond that the oldest is lost.
    pub queue_max_bytes: u64,
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            headers_file: PathBuf::new(),
            ca_file: PathBuf::new(),
            signals: Signal::ALL.map(|signal| signal.name().to_owned()).to_vec(),
            interval_secs: 30,
            timeout_secs: 10,
            compression: "gzip".to_owned(),
            queue_max_bytes: 16 << 20,
        }
    }
}

/// A receiver's address, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What stands before `/v1/metrics`, without a `/` at its end.
    pub path: String,
}

impl Otlp {
    /// Whether anything is sent.
    pub const fn is_on(&self) -> bool {
        !self.endpoint.is_empty()
    }

    /// Whether a signal is sent.
    pub fn sends(&self, signal: Signal) -> bool {
        self.is_on() && self.signals.iter().any(|name| name == signal.name())
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.is_on() {
            self.address()?;
        }
        let known = |name: &String| Signal::ALL.iter().any(|signal| signal.name() == name);
        if let Some(name) = self.signals.iter().find(|name| !known(name)) {
            return Err(format!("`otlp.signals` may have metrics, logs and traces, not {name:?}"));
        }
        within("interval_secs", self.interval_secs, INTERVAL_SECS)?;
        within("timeout_secs", self.timeout_secs, TIMEOUT_SECS)?;
        within("queue_max_bytes", self.queue_max_bytes, QUEUE_BYTES)?;
        if !["gzip", "none"].contains(&&*self.compression) {
            return Err(format!("`otlp.compression` must be gzip or none, not {:?}", self.compression));
        }
        for (name, path) in [("headers_file", &self.headers_file), ("ca_file", &self.ca_file)] {
            if path.is_relative() && !path.as_os_str().is_empty() {
                return Err(format!(
                    "`otlp.{name}` must be an absolute path or empty, not {:?}",
                    path.display()
                ));
            }
        }
        Ok(())
    }

    /// The receiver's address.
    ///
    /// # Errors
    /// Why it is none.
    pub fn address(&self) -> Result<Endpoint, String> {
        read(&self.endpoint).ok_or_else(|| {
            // It may have a secret in it, which is then not repeated.
            format!("`otlp.endpoint` must be an address such as {EXAMPLE} or https://host:4318/path, without a user or a query")
        })
    }
}

fn read(endpoint: &str) -> Option<Endpoint> {
    let (tls, rest) = match endpoint.split_once("://")? {
        ("http", rest) => (false, rest),
        ("https", rest) => (true, rest),
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, if tls { 443 } else { 80 }),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\\\"<>".contains(&byte));
    let is_host = !bare.is_empty() && is_plain(bare) && (host != bare || !bare.contains(':'));
    (is_host && is_plain(path)).then(|| Endpoint {
        tls,
        host: bare.to_owned(),
        port,
        path: path.trim_end_matches('/').to_owned(),
    })
}

fn within(name: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), String> {
    let (least, most) = (range.start(), range.end());
    let wrong = || format!("`otlp.{name}` must be a number from {least} to {most}, not {value}");
    range.contains(&value).then_some(()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(bool, String, u16, String)> {
        read(text).map(|it| (it.tls, it.host, it.port, it.path))
    }

    #[test]
    fn an_address_has_a_host_and_perhaps_a_port_and_a_path() {
        let plain = |tls, host: &str, port, path: &str| Some((tls, host.to_owned(), port, path.to_owned()));
        assert_eq!(parts("http://127.0.0.1:4318"), plain(false, "127.0.0.1", 4318, ""));
        assert_eq!(parts("https://otlp.example/otlp/"), plain(true, "otlp.example", 443, "/otlp"));
        assert_eq!(parts("http://[::1]:4318/"), plain(false, "::1", 4318, ""));
        assert_eq!(parts("http://[::1]"), plain(false, "::1", 80, ""));
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_secret_in_it_is_not_repeated() {
        for wrong in [
            "127.0.0.1:4318",
            "ftp://x",
            "http://",
            "http://u:p@x",
            "http://x?key=1",
            "http://::1:80",
            "http://x:x",
        ] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
        let otlp = Otlp { endpoint: "http://user:secret@x".to_owned(), ..Otlp::default() };
        assert!(!otlp.check().unwrap_err().contains("secret"));
    }
}
