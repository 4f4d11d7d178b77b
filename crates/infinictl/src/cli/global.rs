//! The options that every subcommand has, and the endpoint that they name.

use super::error::CliError;
use super::fleet_options::FleetOptions;
use super::{complete, key_files, libvirt};
use crate::client::{AgentLog, Bulk, Client, ClientError, Endpoint, LocalAgent, Options};
use crate::hub::{self, Api, Files, Https};
use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use infiniservice_engine::Engine;
use infiniservice_protocol::sealed::HostEnd;
use std::path::PathBuf;
use std::time::Duration;

/// The variable that stands in for `--socket`.
const SOCKET_VARIABLE: &str = "INFINICTL_SOCKET";
/// A day: nobody waits longer, and it cannot overflow a clock.
const MAX_TIMEOUT_SECS: f64 = 86_400.0;

/// What holds for every subcommand; before or after its name.
#[derive(Args, Clone, Debug, Default)]
#[allow(clippy::doc_markdown, reason = "these are help texts, and a terminal shows no markdown")]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Unix socket of QEMU's or libvirt's channel, on Windows a named pipe [env: INFINICTL_SOCKET]
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "local")]
    pub socket: Option<PathBuf>,
    /// Name of a machine of this host's infinihub (see infinictl list)
    #[arg(long, global = true, value_name = "NAME", conflicts_with_all = ["socket", "local"], add = ArgValueCompleter::new(complete::machines))]
    pub vm: Option<String>,
    /// Name of a domain of this host's libvirt; uses the domain's channel directly, without infinihub
    #[arg(long = "domain", global = true, value_name = "NAME", conflicts_with_all = ["socket", "local", "vm"])]
    pub libvirt_domain: Option<String>,
    /// Directory of infinihub's sockets, or the address https://HOST:PORT of one elsewhere [env: INFINICTL_HUB]
    /// [default: /run/infinihub]
    #[arg(long, global = true, value_name = "PATH|URL")]
    pub hub: Option<PathBuf>,
    /// PEM file with your certificate, for a hub elsewhere [env: INFINICTL_CERTIFICATE]
    #[arg(long, global = true, value_name = "PATH")]
    pub certificate: Option<PathBuf>,
    /// PEM file with the certificate's private key [env: INFINICTL_KEY]
    #[arg(long, global = true, value_name = "PATH")]
    pub key: Option<PathBuf>,
    /// PEM file with the authority of the hub's certificate, or of the fleet's NATS server [env: INFINICTL_CA]
    #[arg(long, global = true, value_name = "PATH")]
    pub ca: Option<PathBuf>,
    /// A fleet of many hosts.
    #[command(flatten)]
    pub fleet: FleetOptions,
    /// The machine's vsock number (CID) and the port of its agent (device_path = "vsock:PORT"); on Linux only
    #[arg(long, global = true, value_name = "CID:PORT", conflicts_with_all = ["local", "socket", "vm", "libvirt_domain"], value_parser = vsock)]
    pub vsock: Option<(u32, u32)>,
    /// Unix socket of the guest's bulk port, on Windows a named pipe [default: SOCKET.bulk, where there is one]
    #[arg(long, global = true, value_name = "PATH", conflicts_with_all = ["local", "vm"])]
    pub bulk: Option<PathBuf>,
    /// Use this machine itself: start an agent on a pseudo-terminal for this call
    #[arg(long, global = true)]
    pub local: bool,
    /// The agent's program for --local [default: infiniservice in infinictl's directory]
    #[arg(long, global = true, value_name = "PATH")]
    pub agent: Option<PathBuf>,
    /// The agent's configuration for --local [default: an empty one]
    #[arg(long, global = true, value_name = "PATH")]
    pub agent_config: Option<PathBuf>,
    /// Destination of the agent's log for --local; `-` is standard error [default: none]
    #[arg(long, global = true, value_name = "PATH")]
    pub agent_log: Option<PathBuf>,
    /// File with the guest's shared secret; infinictl then signs its lines
    #[arg(long, global = true, value_name = "PATH")]
    pub secret_file: Option<PathBuf>,
    /// File with your own key, from `infinictl keys generate`; infinictl then seals its lines
    #[arg(long, global = true, value_name = "PATH", requires = "guest_key", conflicts_with = "secret_file")]
    pub seal_key: Option<PathBuf>,
    /// File with the guest's public key, from `infinictl keys pin`; infinictl believes only answers sealed with it
    #[arg(long, global = true, value_name = "PATH", requires = "seal_key")]
    pub guest_key: Option<PathBuf>,
    /// Show where the guest spent its time, as part of the trace in TRACEPARENT or of a new one
    #[arg(long, global = true)]
    pub trace: bool,
    /// Ask the guest to compress long lines; the output stays the same
    #[arg(long, global = true, conflicts_with = "seal_key")]
    pub compress: bool,
    /// Print JSON, one document per line, instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// How long infinictl waits for an answer. If a package change outlives its timeout in the guest, infinictl follows
    /// it for this long [default: as long as the guest may take]
    #[arg(long, global = true, value_name = "SECS", value_parser = seconds)]
    pub wait: Option<Duration>,
    /// How long the command may run before the guest ends it. A package change gets at least 10 minutes, and the guest
    /// never ends it: after the timeout it answers that the change is still running [default: the command's own]
    #[arg(long, global = true, value_name = "SECS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Use no colours, as with NO_COLOR or if the output is not a terminal
    #[arg(long, global = true)]
    pub no_color: bool,
}

impl Global {
    /// Where the guest is.
    pub(super) fn endpoint(&self) -> Result<Endpoint, CliError> {
        if self.local {
            return Ok(Endpoint::Local(self.local_agent()));
        }
        if let Some(vm) = &self.vm {
            return Ok(match self.hub()? {
                Hub::Here(directory) => Endpoint::Hub { socket: directory.join("wire.sock"), vm: vm.clone() },
                Hub::Elsewhere(hub) => Endpoint::Https { hub, vm: vm.clone() },
            });
        }
        if let Some(domain) = &self.libvirt_domain {
            return libvirt::socket(domain).map(Endpoint::Channel);
        }
        if let Some((cid, port)) = self.vsock {
            return Ok(Endpoint::Vsock { cid, port });
        }
        self.socket().map(Endpoint::Channel).ok_or_else(|| {
            CliError::Usage(format!(
                "no guest is given: use --vm NAME for a machine of infinihub's (infinictl list), --domain NAME \
                 for one of libvirt's, --socket PATH (or {SOCKET_VARIABLE}) for a machine's channel, \
                 --vsock CID:PORT for its vsock port, or --local for an agent on this machine"
            ))
        })
    }

    fn socket(&self) -> Option<PathBuf> {
        given(self.socket.as_ref(), SOCKET_VARIABLE)
    }

    /// Whether a guest is given, in whatever way.
    pub(super) fn names_a_guest(&self) -> bool {
        let by_flag =
            self.local || self.vm.is_some() || self.libvirt_domain.is_some() || self.vsock.is_some();
        by_flag || self.socket().is_some()
    }

    /// Where infinihub is.
    fn hub(&self) -> Result<Hub, CliError> {
        let place = hub::place(self.hub.clone());
        match place.to_str().filter(|text| text.starts_with("https:")) {
            Some(address) => Https::new(address, &self.files()?).map(Hub::Elsewhere).map_err(CliError::Usage),
            None => Ok(Hub::Here(place)),
        }
    }

    fn files(&self) -> Result<Files, CliError> {
        let file = |flag: Option<&PathBuf>, name: &str, variable: &str| {
            let missing =
                || format!("a hub elsewhere wants to know who you are: give --{name} (or {variable})");
            given(flag, variable).ok_or_else(|| CliError::Usage(missing()))
        };
        Ok(Files {
            certificate: file(self.certificate.as_ref(), "certificate", "INFINICTL_CERTIFICATE")?,
            key: file(self.key.as_ref(), "key", "INFINICTL_KEY")?,
            ca: file(self.ca.as_ref(), "ca", "INFINICTL_CA")?,
        })
    }

    /// The hub's API, where the flags say.
    pub(super) fn api(&self) -> Result<Api, CliError> {
        Ok(match self.hub()? {
            Hub::Here(directory) => Api::new(&directory.join("api.sock")),
            Hub::Elsewhere(hub) => Api::https(hub),
        })
    }

    /// Whether jobs are a fleet's: one is given, and no hub in its place.
    pub(super) fn names_a_fleet(&self) -> bool {
        self.hub.is_none() && self.fleet.address().is_some()
    }

    /// Connects to the fleet's engine.
    pub(super) async fn engine(&self) -> Result<Engine, CliError> {
        self.fleet.connect(given(self.ca.as_ref(), "INFINICTL_CA")).await
    }

    /// Our end of sealed lines, where the flags name the keys.
    fn host_end(&self) -> Result<Option<HostEnd>, CliError> {
        let (Some(own), Some(guest)) = (&self.seal_key, &self.guest_key) else { return Ok(None) };
        key_files::host_end(own, guest).map(Some)
    }

    /// Connects; with the secret or the keys, where the flags name them.
    pub(super) async fn connect(&self) -> Result<Client, CliError> {
        let endpoint = self.endpoint()?;
        let seal = self.host_end()?.map(Box::new);
        let bulk = self.bulk_port(&endpoint);
        let options = Options { secret: self.secret()?, seal, compress: self.compress, bulk };
        Ok(Client::connect_as(endpoint, options).await?)
    }

    /// The one that is named, or else the one beside the channel's socket.
    fn bulk_port(&self, endpoint: &Endpoint) -> Option<Bulk> {
        let named = self.bulk.clone().map(|path| Bulk { path, required: true });
        named.or_else(|| match endpoint {
            Endpoint::Channel(socket) => Some(Bulk::beside(socket)),
            _ => None,
        })
    }

    /// The same for a view that tells why it has no connection, and tries again.
    pub(super) async fn connect_again(&self) -> Result<Client, ClientError> {
        self.connect().await.map_err(|error| match error {
            CliError::Client(error) => error,
            other => ClientError::NoConnection { endpoint: String::new(), reason: other.sentence() },
        })
    }

    /// The secret's text, without the white space at its end that editors leave.
    pub(super) fn secret(&self) -> Result<Option<String>, CliError> {
        let Some(path) = &self.secret_file else { return Ok(None) };
        let failed =
            |error| CliError::Usage(format!("cannot read the secret in {}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(failed)?;
        match text.trim_end() {
            "" => Err(CliError::Usage(format!("the secret in {} is empty", path.display()))),
            secret => Ok(Some(secret.to_owned())),
        }
    }

    fn local_agent(&self) -> LocalAgent {
        let log = match &self.agent_log {
            None => AgentLog::Tail,
            Some(path) if path.as_os_str() == "-" => AgentLog::Inherit,
            Some(path) => AgentLog::File(path.clone()),
        };
        LocalAgent {
            agent: self.agent.clone(),
            config: self.agent_config.clone(),
            log,
            ..LocalAgent::default()
        }
    }
}

/// Where infinihub is.
enum Hub {
    /// On this host: the directory of its sockets.
    Here(PathBuf),
    Elsewhere(Https),
}

/// A flag's value, or that of the variable that stands in for it.
fn given(flag: Option<&PathBuf>, variable: &str) -> Option<PathBuf> {
    let variable = || std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    flag.cloned().or_else(variable)
}

/// A machine's number and its port, such as `3:1024`.
fn vsock(text: &str) -> Result<(u32, u32), String> {
    let number = |text: &str| text.parse().ok().filter(|number| (1..u32::MAX).contains(number));
    let parsed = text.split_once(':').and_then(|(cid, port)| Some((number(cid)?, number(port)?)));
    parsed.ok_or_else(|| "must be two numbers from 1, such as 3:1024".to_owned())
}

/// Seconds, with a fraction if need be: more than 0, at most a day.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("must be a number of seconds greater than 0 and at most {MAX_TIMEOUT_SECS}");
    let seconds: f64 = text.parse().map_err(|_not_a_number| wrong())?;
    if !(seconds > 0.0 && seconds <= MAX_TIMEOUT_SECS) {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_out_of_range| wrong())
}

/// Seconds as a number, or a time with its unit, such as `500ms`.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let time = match text.strip_suffix("ms") {
        Some(number) => number.parse().map(|ms: f64| (ms / 1000.0).to_string()).unwrap_or_default(),
        None => text.strip_suffix('s').unwrap_or(text).to_owned(),
    };
    seconds(&time).map_err(|_wrong| "must be a time such as 500ms or 2s, at most a day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_positive_finite_and_at_most_a_day() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("86400"), Ok(Duration::from_hours(24)));
        for wrong in ["0", "-1", "NaN", "inf", "86401", "ten", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_interval_has_a_unit_or_is_of_seconds() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(
            (interval("2s"), interval("0.5")),
            (Ok(Duration::from_secs(2)), Ok(Duration::from_millis(500)))
        );
        for wrong in ["", "ms", "0ms", "-5ms", "5m", "s", "xms"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_vsock_port_is_two_numbers() {
        assert_eq!(vsock("3:1024"), Ok((3, 1024)));
        for wrong in ["", "3", "3:", ":1024", "0:1024", "3:0", "3:4294967295", "x:y", "3:1024:5"] {
            assert!(vsock(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hub_elsewhere_wants_to_know_who_one_is_and_one_here_does_not() {
        let of = |hub: &str| Global { hub: Some(hub.into()), ..Global::default() }.api().map(drop);
        assert!(of("/run/infinihub").is_ok());
        let error = of("https://host7.example").unwrap_err().sentence();
        assert!(error.contains("--certificate") && error.contains("INFINICTL_CERTIFICATE"), "{error}");
    }

    #[test]
    fn local_wins_over_nothing_and_names_its_log() {
        let global = Global { local: true, agent_log: Some("-".into()), ..Global::default() };
        let Ok(Endpoint::Local(agent)) = global.endpoint() else { panic!("not local") };
        assert_eq!(agent.log, AgentLog::Inherit);
    }
}
