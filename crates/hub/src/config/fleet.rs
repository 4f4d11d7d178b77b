//! The part `[fleet]`: the engine that connects this host with others, and the operators whose orders count.

use infiniservice_fleet::Keys;
use infiniservice_fleet::name::is_hub;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where the kernel tells the host's name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";
/// Servers of a cluster that may keep a message.
const REPLICAS: std::ops::RangeInclusive<u32> = 1..=5;

/// The fleet that this hub is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Address of the NATS server, `nats://host:port` or `tls://host:port`; those of a cluster with commas between them.
    pub url: String,
    /// This hub's name in the fleet; empty for the host's name.
    #[serde(default)]
    pub hub: String,
    /// File with the credentials that the server wants, mode 0600; empty for none.
    #[serde(default)]
    pub credentials: PathBuf,
    /// PEM file with the authorities of the server's certificate, beside those of the system; empty for none.
    #[serde(default)]
    pub ca: PathBuf,
    /// Whether this hub may be the fleet's coordinator.
    #[serde(default = "yes")]
    pub coordinator: bool,
    /// Whether the figures of all machines go over the engine as they come.
    #[serde(default)]
    pub live: bool,
    /// On how many servers of a cluster streams are kept that this hub makes.
    #[serde(default = "one")]
    pub replicas: u32,
}

/// Whose orders count. Two parts of one name are two keys of one operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The name, which rules mean by `operator:NAME`.
    pub name: String,
    /// The public key, in base64.
    pub key: String,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

impl Fleet {
    /// This hub's name in the fleet.
    ///
    /// # Errors
    /// Where it has none that will do.
    pub fn hub(&self) -> Result<String, String> {
        let name = if self.hub.is_empty() {
            std::fs::read_to_string(HOST_NAME).unwrap_or_default().trim().to_owned()
        } else {
            self.hub.clone()
        };
        if is_hub(&name) {
            return Ok(name);
        }
        Err(format!(
            "`fleet.hub` must be letters, digits, `-`, `_` and `.`, a letter or digit first, not {name:.80?}"
        ))
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        if !cfg!(feature = "nats") {
            return Err("`fleet` needs an infinihub that is built with the feature `nats`".to_owned());
        }
        self.hub()?;
        if !self.url.split(',').all(|address| is_address(address.trim())) {
            // It may have a secret in it, which is then not repeated.
            return Err(
                "`fleet.url` must be an address such as nats://host:4222 or tls://host:4222, without a user"
                    .into(),
            );
        }
        if !REPLICAS.contains(&self.replicas) {
            return Err(format!("`fleet.replicas` must be a number from 1 to 5, not {}", self.replicas));
        }
        for (name, path) in [("credentials", &self.credentials), ("ca", &self.ca)] {
            if !(path.as_os_str().is_empty() || path.is_absolute()) {
                return Err(format!("`fleet.{name}` must be an absolute path, not {:?}", path.display()));
            }
        }
        Ok(())
    }

    /// A file, where one is named.
    pub fn file(path: &Path) -> Option<PathBuf> {
        (!path.as_os_str().is_empty()).then(|| path.to_owned())
    }
}

fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("nats://").or_else(|| text.strip_prefix("tls://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"@/?#".contains(&byte);
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain))
}

/// The keys of all operators, read.
pub(super) fn keys(operators: &[Operator]) -> Result<Keys, String> {
    let pairs = operators.iter().map(|it| (it.name.as_str(), it.key.as_str()));
    if let Some((name, _)) = pairs.clone().find(|(name, _)| !infiniservice_fleet::name::is_vm(name)) {
        return Err(format!("`operator.name` must have 1 to 256 bytes, not {}", name.len()));
    }
    Keys::new(pairs).map_err(|error| format!("`operator`: {error}"))
}
