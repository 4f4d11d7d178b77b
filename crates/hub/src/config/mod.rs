//! The settings: defaults, and a TOML file over them.

mod exporter;
mod fleet;
mod otlp;
pub mod table;
#[cfg(test)]
mod tests;

use crate::pattern::Pattern;
pub use exporter::load_for_exporter;
pub use fleet::{Fleet, Operator};
use infiniservice_fleet::Keys;
use infiniservice_hub_core::Policy;
use infiniservice_hub_core::policy::Written;
use infiniservice_hub_core::tags::{self, Assigned};
pub use otlp::{Endpoint, Otlp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the file is unless the command line says.
pub const DEFAULT_PATH: &str = "/etc/infinihub/config.toml";
/// Longest file.
const MAX_BYTES: u64 = 1 << 20;
/// Sources at most.
const MAX_SOURCES: usize = 64;

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Patterns of the guests' sockets: `*` is any part of a name, `{vm}` the machine's name, `{domain}` a directory that
    /// libvirt names `domain-ID-NAME`.
    pub sources: Vec<String>,
    /// Unix socket of the HTTP API.
    pub api_socket: PathBuf,
    /// Unix socket of the guests' wire, for clients that first send an `Attach` line.
    pub wire_socket: PathBuf,
    /// Group that may read over both sockets; empty for root only.
    pub group: String,
    /// Address for `/metrics`, `/healthz` and the page, all read only; empty for none.
    pub listen: String,
    /// Directory with the shared secrets of guests that have one, each in a file of its machine's name.
    pub secrets_dir: PathBuf,
    /// Directory for the ledger of jobs.
    pub state_dir: PathBuf,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
    /// Where metrics, logs and spans are sent.
    pub otlp: Otlp,
    /// The API on TCP for clients with certificates, where there is such a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Tcp>,
    /// The fleet that this hub is of, where there is such a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fleet: Option<Fleet>,
    /// Whose orders count in it.
    #[serde(rename = "operator", skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<Operator>,
    /// Tags of machines, by their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<tags::Written>,
    /// Who may change what.
    #[serde(rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Written>,
}

/// The API on TCP, with mutual TLS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// Address with a port.
    pub listen: String,
    /// PEM file with the hub's certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// PEM file with the certificate's private key, mode 0600.
    pub key: PathBuf,
    /// PEM file with the authorities whose certificates clients have.
    pub client_ca: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sources: [
                "/run/libvirt/qemu/channel/{domain}/org.infinibay.agent*",
                "/var/lib/libvirt/qemu/channel/target/{domain}/org.infinibay.agent*",
                "/var/lib/libvirt/qemu/{vm}.org.infinibay.agent.sock",
                "/run/infiniservice-{vm}.sock",
                "/opt/infinibay/sockets/{vm}.socket",
                "/run/infinihub/guests/{vm}.sock",
            ]
            .map(str::to_owned)
            .to_vec(),
            api_socket: "/run/infinihub/api.sock".into(),
            wire_socket: "/run/infinihub/wire.sock".into(),
            group: String::new(),
            listen: "127.0.0.1:9756".to_owned(),
            secrets_dir: "/etc/infinihub/secrets".into(),
            state_dir: "/var/lib/infinihub".into(),
            log_level: "info".to_owned(),
            otlp: Otlp::default(),
            tcp: None,
            fleet: None,
            operators: Vec::new(),
            tags: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// Reads the settings. Without a path the default file counts where it exists.
///
/// # Errors
/// What is wrong, where, and what is allowed.
pub fn load(path: Option<&Path>) -> Result<Config, String> {
    let text = match path {
        Some(path) => read(path)?,
        None if Path::new(DEFAULT_PATH).exists() => read(Path::new(DEFAULT_PATH))?,
        None => String::new(),
    };
    let name = path.unwrap_or_else(|| Path::new(DEFAULT_PATH)).display();
    let config: Config =
        toml::from_str(&text).map_err(|error| format!("{name}: {}", error.to_string().trim_end()))?;
    config.check().map_err(|error| format!("{name}: {error}"))?;
    Ok(config)
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > MAX_BYTES {
        return Err(format!("{} is {length} bytes long; at most {MAX_BYTES} are allowed", path.display()));
    }
    std::fs::read_to_string(path).map_err(failed)
}

impl Config {
    fn check(&self) -> Result<(), String> {
        if self.sources.len() > MAX_SOURCES {
            return Err(format!(
                "`sources` has {} patterns; at most {MAX_SOURCES} are allowed",
                self.sources.len()
            ));
        }
        self.patterns()?;
        self.listen_address()?;
        self.level()?;
        self.otlp.check()?;
        let policy = self.policy()?;
        self.keys()?;
        self.assigned_tags()?;
        self.fleet.as_ref().map_or(Ok(()), Fleet::check)?;
        self.tcp_address()?;
        if self.tcp.is_some() && !policy.has_certificates() {
            return Err(
                "`tcp` is for nobody: a rule must name a certificate in `who`, such as san:ops.example"
                    .into(),
            );
        }
        let files = self.tcp.iter().flat_map(|tcp| {
            [("tcp.certificate", &tcp.certificate), ("tcp.key", &tcp.key), ("tcp.client_ca", &tcp.client_ca)]
        });
        let own = [
            ("api_socket", &self.api_socket),
            ("wire_socket", &self.wire_socket),
            ("state_dir", &self.state_dir),
        ];
        for (name, path) in own.into_iter().chain(files) {
            if !path.is_absolute() {
                return Err(format!("`{name}` must be an absolute path, not {:?}", path.display()));
            }
        }
        Ok(())
    }

    /// The sources, read.
    ///
    /// # Errors
    /// Which pattern is wrong, and why.
    pub fn patterns(&self) -> Result<Vec<Pattern>, String> {
        let read = |source: &String| {
            Pattern::parse(source).map_err(|error| format!("`sources`: {source:?}: {error}"))
        };
        self.sources.iter().map(read).collect()
    }

    /// Where `/metrics` is served.
    ///
    /// # Errors
    /// Where it is no address with a port.
    pub fn listen_address(&self) -> Result<Option<SocketAddr>, String> {
        if self.listen.is_empty() {
            return Ok(None);
        }
        address("listen", &self.listen, "127.0.0.1:9756, or empty").map(Some)
    }

    /// Where the API is served to clients with certificates.
    ///
    /// # Errors
    /// Where it is no address with a port.
    pub fn tcp_address(&self) -> Result<Option<SocketAddr>, String> {
        let of = |tcp: &Tcp| address("tcp.listen", &tcp.listen, "0.0.0.0:9757");
        self.tcp.as_ref().map(of).transpose()
    }

    /// The rules, read.
    ///
    /// # Errors
    /// Which one is wrong, why, and what is allowed.
    pub fn policy(&self) -> Result<Policy, String> {
        Policy::new(&self.rules)
    }

    /// The machines' tags, read.
    ///
    /// # Errors
    /// Which part is wrong, why, and what is allowed.
    pub fn assigned_tags(&self) -> Result<Assigned, String> {
        Assigned::new(&self.tags).map_err(|wrong| wrong.to_string())
    }

    /// The operators' keys, read.
    ///
    /// # Errors
    /// Which of them is wrong, and why.
    pub fn keys(&self) -> Result<Keys, String> {
        fleet::keys(&self.operators)
    }

    /// The log's level.
    ///
    /// # Errors
    /// Where it is none.
    pub fn level(&self) -> Result<log::LevelFilter, String> {
        let level = self.log_level.parse::<log::Level>();
        level.map(|level| level.to_level_filter()).map_err(|_| {
            format!("`log_level` must be error, warn, info, debug or trace, not {:?}", self.log_level)
        })
    }

    /// As a file would have them.
    pub fn to_toml(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut tables = String::new();
        let mut text = String::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            match value {
                Value::Object(table) => push_table(&mut tables, &format!("[{name}]"), table),
                Value::Array(all) if all.iter().any(Value::is_object) => {
                    let all = all.iter().filter_map(Value::as_object);
                    all.for_each(|table| push_table(&mut tables, &format!("[[{name}]]"), table));
                }
                value => push(&mut text, name, value),
            }
        }
        text + &tables
    }
}

fn push_table(text: &mut String, head: &str, table: &Map<String, Value>) {
    text.extend(["\n", head, "\n"]);
    table.iter().for_each(|(name, value)| push(text, name, value));
}

fn push(text: &mut String, name: &str, value: &Value) {
    text.extend([name, " = ", &toml(value), "\n"]);
}

/// A JSON text, list or number of these settings is a TOML one, too.
fn toml(value: &Value) -> String {
    let Value::Object(table) = value else { return value.to_string() };
    let pairs: Vec<_> =
        table.iter().map(|(name, value)| format!("{} = {}", json!(name), toml(value))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn address(name: &str, text: &str, such_as: &str) -> Result<SocketAddr, String> {
    let wrong = |_| format!("`{name}` must be an IP address with a port, such as {such_as}, not {text:?}");
    text.parse().map_err(wrong)
}
