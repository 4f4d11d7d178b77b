//! The options that name a fleet of many hosts, and who asks.

use super::error::CliError;
use crate::fleet::{FleetError, connect};
use clap::Args;
use infiniservice_engine::Engine;
use infiniservice_fleet::name::is_vm;
use std::path::PathBuf;

/// The variables that stand in for the flags.
const URL: &str = "INFINICTL_FLEET";
const CREDENTIALS: &str = "INFINICTL_FLEET_CREDENTIALS";
const OPERATOR: &str = "INFINICTL_OPERATOR";
const OPERATOR_KEY: &str = "INFINICTL_OPERATOR_KEY";
/// The variables with the login name, on Unix and on Windows.
const LOGIN: [&str; 2] = ["USER", "USERNAME"];

/// Where a fleet is, and who asks.
#[derive(Args, Clone, Debug, Default)]
#[allow(clippy::doc_markdown, reason = "these are help texts, and a terminal shows no markdown")]
pub(super) struct FleetOptions {
    /// Address of the NATS server that the hubs of many hosts share, such as tls://nats.example:4222; several with commas
    /// between them are one cluster [env: INFINICTL_FLEET]
    #[arg(long = "fleet", global = true, value_name = "URL", conflicts_with_all = ["socket", "local", "vm", "libvirt_domain", "vsock", "hub"])]
    pub url: Option<String>,
    /// File with your user of the NATS server: the seed of an nkey (infinictl fleet user), a .creds file, or user and password in
    /// two lines [env: INFINICTL_FLEET_CREDENTIALS]
    #[arg(long = "fleet-credentials", global = true, value_name = "PATH")]
    pub credentials: Option<PathBuf>,
    /// Your name as the hubs know it ([[operator]] in their configuration) [env: INFINICTL_OPERATOR] [default: your login name]
    #[arg(long, global = true, value_name = "NAME", value_parser = name)]
    pub operator: Option<String>,
    /// File with the key that signs your jobs (infinictl operator-key) [env: INFINICTL_OPERATOR_KEY]
    #[arg(long, global = true, value_name = "PATH")]
    pub operator_key: Option<PathBuf>,
}

impl FleetOptions {
    /// The fleet's address, where one is given.
    pub(super) fn address(&self) -> Option<String> {
        self.url.clone().or_else(|| variable(URL))
    }

    /// The name of whoever asks.
    pub(super) fn operator(&self) -> Result<String, CliError> {
        let login = || LOGIN.into_iter().find_map(variable);
        let named = self.operator.clone().or_else(|| variable(OPERATOR)).or_else(login);
        let unnamed = || CliError::Usage(format!("who are you? Give --operator NAME (or {OPERATOR})"));
        let named = named.ok_or_else(unnamed)?;
        name(&named).map_err(|wrong| CliError::Usage(format!("the operator's name {wrong}")))
    }

    /// The file with the key that signs.
    pub(super) fn key(&self) -> Result<PathBuf, CliError> {
        let variable = variable(OPERATOR_KEY).map(PathBuf::from);
        self.operator_key.clone().or(variable).ok_or_else(|| {
            CliError::Usage(format!(
                "a job of a fleet is signed: give --operator-key FILE (or {OPERATOR_KEY}); `infinictl operator-key \
                 generate FILE` makes one"
            ))
        })
    }

    /// Connects to the fleet's engine.
    pub(super) async fn connect(&self, ca: Option<PathBuf>) -> Result<Engine, CliError> {
        let address = self.address().ok_or_else(|| {
            CliError::Usage(format!(
                "no fleet is given: use --fleet URL (or {URL}), the address of its NATS server"
            ))
        })?;
        let credentials = self.credentials.clone().or_else(|| variable(CREDENTIALS).map(PathBuf::from));
        let connected = connect(&address, credentials.as_deref(), ca.as_deref(), &self.operator()?).await;
        connected.map_err(|error| match error {
            FleetError::Engine(infiniservice_engine::Error::Settings(wrong)) => CliError::Usage(wrong),
            other => other.into(),
        })
    }
}

/// A variable of the environment that is not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether hubs may know somebody by this name.
fn name(text: &str) -> Result<String, String> {
    if !is_vm(text) || text.chars().any(char::is_control) {
        return Err("must have 1 to 256 bytes, and no control characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_hubs_can_know_somebody_by() {
        assert_eq!(name("alice").as_deref(), Ok("alice"));
        for wrong in ["", "a\nb", &"x".repeat(257)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_a_mistake_of_the_command_line() {
        let options = FleetOptions {
            url: Some("http://a".into()),
            operator: Some("alice".into()),
            ..FleetOptions::default()
        };
        let error = options.connect(None).await.unwrap_err();
        assert!(matches!(&error, CliError::Usage(text) if text.contains("nats://host:port")), "{error:?}");
        let missing = FleetOptions { credentials: Some("/nonexistent/user.nk".into()), ..options };
        let missing = FleetOptions { url: Some("nats://127.0.0.1:1".into()), ..missing };
        let error = missing.connect(None).await.unwrap_err().sentence();
        assert!(error.contains("/nonexistent/user.nk"), "{error}");
    }
}
