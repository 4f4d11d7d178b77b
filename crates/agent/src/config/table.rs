//! The table of all settings: the one place where a setting is declared, and which settings do not go together.
//!
//! File, variables, flags, `--print-config`, `docs/configuration.md` and `packaging/config.toml` follow from it.

use super::choices::{GuestAgentMode, WireProfile};
use super::error::ConfigError;
use super::field::{Apply, Field, FromValue, Kind, Secret};
use super::layers::Merged;
use super::reloaded::{Reloaded, Waiting};
use infiniservice_protocol::tags::Tags;
use std::collections::BTreeSet;
use std::path::PathBuf;

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $kind:expr, $apply:expr $(, $flag:literal)?;)+) => {
        /// Every setting, merged and validated.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings { $($(#[doc = $doc])+ pub $name: $type,)+ }

        /// Every setting's declaration, in the order of the documentation.
        pub const FIELDS: &[Field] = &[$(Field {
            name: stringify!($name),
            doc: concat!($($doc),+),
            kind: $kind,
            default: $default,
            apply: $apply,
            flag: { let flag: &[&str] = &[$($flag)?]; flag.first().copied() },
        },)+];

        impl Settings {
            /// Types the merged values; the name of a setting whose value has not the field's type.
            pub(super) fn from_merged(merged: &Merged) -> Result<Self, &'static str> {
                Ok(Self { $($name: merged.get(stringify!($name)).and_then(FromValue::from_value).ok_or(stringify!($name))?,)+ })
            }

            /// Takes over from `new` what may change at run time, but for what is `held` back; what became of each difference.
            pub(super) fn take_over(&mut self, new: &Self, held: &[Waiting]) -> Reloaded {
                let mut reloaded = Reloaded::default();
                $(if self.$name != new.$name && reloaded.note(stringify!($name), $apply, held) {
                    self.$name.clone_from(&new.$name);
                })+
                reloaded
            }
        }
    };
}

const LIVE: Apply = Apply::Live;
const PORT: Apply = Apply::Restart("the agent looks for its port when it starts");
const BULK_PORT: Apply = Apply::Restart("the agent looks for the bulk port when it starts");
const QGA_PORT: Apply = Apply::Restart("the agent looks for the QEMU guest agent's port when it starts");
const MEMORY: Apply =
    Apply::Restart("buffers are made for it when the agent starts, and other bounds follow from it");
const HOST: Apply =
    Apply::Restart("it decides what the agent sends and whose lines it accepts, from the first line on");
const SECRET: Apply = Apply::Restart("the agent decides when it starts where the secret comes from");
const KEYS: Apply =
    Apply::Restart("the agent decides when it starts whether lines are sealed, and to which key");
const SCRIPTS: Apply = Apply::Restart("the agent opens the directory of scripts when it starts");

const SWITCH: Kind = Kind::Bool;
const LEVELS: Kind = Kind::Choice(&["error", "warn", "info", "debug", "trace"]);
const QUEUED_MAX: u64 = 10_000;
const CONCURRENT_MAX: u64 = 256;
/// Commands in flight, whatever the settings are.
pub const IN_FLIGHT_MAX: usize = (QUEUED_MAX + CONCURRENT_MAX) as usize;
const DAY: u64 = 86_400;
const MIB: u64 = 1 << 20;

const fn from_to(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

settings! {
    /// Path of the port. On Linux also `vsock:PORT`: the agent then listens on that vsock port for the host (see docs/devices.md). If unset, the agent looks for a port by name: `org.infinibay.agent` first.
    device_path: Option<PathBuf> = None, Kind::Path, PORT, "--device";
    /// Use the bulk port, a second one for streams, programs' output and large answers, where the machine has one and the host reads it.
    bulk: bool = Some("true"), SWITCH, BULK_PORT;
    /// Path of the bulk port, or on Linux `vsock:PORT`. If unset, the agent looks for it by name: `org.infinibay.agent.bulk`.
    bulk_port: Option<PathBuf> = None, Kind::Path, BULK_PORT;
    /// Exit with code 3 if the agent cannot open a port within `connection_timeout_secs` after its start. Otherwise it waits for one.
    require_virtio: bool = Some("false"), SWITCH, PORT, "--require-virtio";
    /// Open no port. The agent collects and logs metrics, but sends nothing.
    no_virtio: bool = Some("false"), SWITCH, PORT, "--no-virtio";
    /// First delay before the agent tries a failed port again; it doubles with each failure.
    min_backoff_secs: u64 = Some("5"), from_to(1, 3600), LIVE;
    /// Longest delay before the agent tries a failed port again.
    max_backoff_secs: u64 = Some("300"), from_to(1, DAY), LIVE;
    /// For development: retry after 2 to 30 seconds. It does not apply to `min_backoff_secs` or `max_backoff_secs` if the same source or a stronger one sets them.
    aggressive_retry: bool = Some("false"), SWITCH, LIVE, "--aggressive-retry";
    /// How long a write may make no progress while a host is connected, before it counts as a failure.
    connection_timeout_secs: u64 = Some("10"), from_to(1, 3600), LIVE;
    /// Has no effect. It exists only so that old configurations stay valid: every port reports data by an event, and no read waits.
    read_timeout_ms: u64 = Some("500"), from_to(10, 60_000), LIVE;
    /// Time between two heartbeats.
    keep_alive_interval_secs: u64 = Some("30"), from_to(1, 3600), LIVE;
    /// How long a heartbeat may stay unanswered before the agent reopens the port.
    keep_alive_timeout_secs: u64 = Some("60"), from_to(1, 7200), LIVE;
    /// Do not watch for devices that appear and disappear. The agent then finds a lost port only when the back-off tries again.
    disable_device_monitoring: bool = Some("false"), SWITCH, PORT;
    /// Also send a heartbeat at each health check, to test a connection that looks idle.
    validate_connection: bool = Some("false"), SWITCH, LIVE;
    /// Compress long lines for hosts that ask for it. Other hosts get plain lines.
    compression: bool = Some("true"), SWITCH, HOST;
    /// Consecutive failures that open the circuit breaker.
    circuit_breaker_failure_threshold: u32 = Some("15"), from_to(1, 10_000), LIVE;
    /// How long the open circuit breaker blocks all attempts.
    circuit_breaker_open_secs: u64 = Some("60"), from_to(1, DAY), LIVE;
    /// Attempts that the half-open circuit breaker allows.
    circuit_breaker_half_open_calls: u32 = Some("5"), from_to(1, 1000), LIVE;
    /// Successes that close the half-open circuit breaker.
    circuit_breaker_success_threshold: u32 = Some("2"), from_to(1, 1000), LIVE;
    /// Time between two metrics messages.
    collection_interval_secs: u64 = Some("30"), from_to(1, DAY), LIVE;
    /// Time between two metrics messages while the connection's quality is Poor or Critical.
    degraded_interval_secs: u64 = Some("120"), from_to(1, DAY), LIVE;
    /// Adapt the time between two metrics messages to how much changes. It begins with `collection_interval_secs`, is halved when a figure jumps or crosses a threshold, and grows by half after five calm messages. Leave it off if something, such as a Prometheus rule, needs samples at even intervals.
    adaptive_collection: bool = Some("false"), SWITCH, LIVE;
    /// Shortest time between two metrics messages with `adaptive_collection`. If a collection takes more than a hundredth of it, the time is longer, up to `adaptive_max_secs`.
    adaptive_min_secs: u64 = Some("5"), from_to(1, DAY), LIVE;
    /// Longest time between two metrics messages with `adaptive_collection`.
    adaptive_max_secs: u64 = Some("120"), from_to(1, DAY), LIVE;
    /// Maximum number of quick collections after the start, until the machine has an address. A change after that has no effect until the next start.
    initial_collection_tries: u32 = Some("5"), from_to(0, 100), LIVE;
    /// Time between two of the quick collections at start.
    initial_collection_interval_secs: u64 = Some("2"), from_to(1, 60), LIVE;
    /// Time between two assessments of the connection's quality.
    health_check_interval_secs: u64 = Some("60"), from_to(1, DAY), LIVE;
    /// How long the agent may take to stop, including commands in flight.
    shutdown_timeout_secs: u64 = Some("15"), from_to(1, 300), LIVE;
    /// Longest incoming line; a longer one is discarded and answered with `MESSAGE_TOO_LARGE`.
    max_line_bytes: usize = Some("1048576"), from_to(4096, 16 * MIB), MEMORY;
    /// Longest outgoing line; the agent truncates a longer message, and marks it as truncated.
    max_outgoing_line_bytes: usize = Some("4194304"), from_to(64 << 10, 64 * MIB), MEMORY;
    /// Memory for answers that wait for a host, and for answers kept for repeated ids.
    outbox_max_bytes: usize = Some("16777216"), from_to(MIB, 1024 * MIB), LIVE;
    /// How much output of one command is kept, for each of stdout and stderr.
    max_output_bytes: usize = Some("1048576"), from_to(1024, 16 * MIB), MEMORY;
    /// Longest timeout that a command may request; a longer one is reduced to it.
    max_command_timeout_secs: u64 = Some("3600"), from_to(1, DAY), LIVE;
    /// Commands that may wait in the queue; more are answered with `QUEUE_FULL`.
    max_queued_commands: usize = Some("64"), from_to(1, QUEUED_MAX), LIVE;
    /// Maximum number of concurrent commands.
    max_concurrent_commands: usize = Some("8"), from_to(1, CONCURRENT_MAX), LIVE;
    /// Maximum number of processes in one metrics message, the busiest first.
    max_processes: usize = Some("100"), from_to(0, 100_000), LIVE;
    /// Maximum number of sockets in one metrics message, listening ones first.
    max_ports: usize = Some("500"), from_to(0, 100_000), LIVE;
    /// Maximum number of network interfaces in one metrics message, the one with the default route first.
    max_interfaces: usize = Some("128"), from_to(1, 100_000), LIVE;
    /// Maximum number of file systems in one metrics message.
    max_file_systems: usize = Some("128"), from_to(1, 100_000), LIVE;
    /// Length at which a process's command line is truncated in a metrics message.
    max_cmd_line_bytes: usize = Some("4096"), from_to(0, MIB), LIVE;
    /// How long a collection waits for all network file systems together; those that hang are reported as failed.
    network_mount_timeout_ms: u64 = Some("500"), from_to(1, 60_000), LIVE;
    /// How long the agent remembers an answered id and repeats its answer instead of running the command again.
    replay_window_secs: u64 = Some("600"), from_to(0, DAY), LIVE;
    /// This machine's name, reported to the host in `hello`. `INFINIBAY_VM_ID` also sets it.
    vm_id: Option<String> = None, Kind::Text { min: 1, max: 128 }, LIVE, "--vm-id";
    /// Tags of this machine, such as `env=prod`, reported to the host in `hello`: with them people select machines (see docs/hub.md). The host can give a tag another value. `wire_profile = "infinibay"` does not report them.
    tags: Option<Tags> = None, Kind::Tags, LIVE;
    /// Secret shared with the host. If set, the host must sign its lines with it. Other users must not be able to read a file that contains it. A new secret takes effect at once. Setting the first secret, removing it, or moving it to another source needs a restart.
    shared_secret: Option<Secret> = None, Kind::Text { min: 16, max: 1024 }, LIVE;
    /// File whose only line is the shared secret; other users must not be able to read it.
    shared_secret_file: Option<PathBuf> = None, Kind::Path, SECRET;
    /// File with the public keys of the controllers that may seal lines to this machine, one line `NAME KEY` for each. Only root may be able to write it. If set, commands that change the machine must be sealed (see docs/protocol.md). A reload reads the file again.
    controller_keys: Option<PathBuf> = None, Kind::Path, KEYS;
    /// File with this machine's own key for sealed lines. If it is missing and `controller_keys` is set, the agent creates it. If unset, `/var/lib/infiniservice/sealed.key`, or on Windows `C:\ProgramData\InfiniService\sealed.key`. The credential `infiniservice.sealed_key` overrides it.
    sealed_key_file: Option<PathBuf> = None, Kind::Path, KEYS;
    /// With `controller_keys`: send metrics and streams in plain text to whoever reads the port. If false, the agent seals them to the last key with the word `monitor`, or to the key that requested them.
    plain_metrics: bool = Some("true"), SWITCH, KEYS;
    /// With `controller_keys`: also answer plain commands that only read, except those that reveal the results of sealed commands.
    plain_reads: bool = Some("true"), SWITCH, KEYS;
    /// Run `UnsafeCommand`: any shell command that the host sends, as root.
    allow_unsafe_commands: bool = Some("false"), SWITCH, LIVE, "--allow-unsafe-commands";
    /// Run scripts as root: those of `ScriptRun`, and those that Infinibay's host keeps for this machine. If you turn it off, scripts that are waiting will not run.
    allow_scripts: bool = Some("false"), SWITCH, LIVE;
    /// Directory for scripts that are waiting and for the results of earlier ones. Only the agent's own account may enter it. If unset, `/var/lib/infiniservice/scripts`, or on Windows `C:\ProgramData\InfiniService\scripts`.
    scripts_dir: Option<PathBuf> = None, Kind::Path, SCRIPTS;
    /// Directory with a file `NAME.toml` for each plugin. A plugin is a program that the agent runs at an interval to get figures; it must belong to root (see docs/plugins.md). If unset, `plugins.d` next to the default configuration file, unless `--config` or `INFINISERVICE_CONFIG` names another one.
    plugins_dir: Option<PathBuf> = None, Kind::Path, LIVE;
    /// Directory with `*.prom` files, in which other programs write figures in the Prometheus text format. The agent reads only files that belong to root or to the directory's owner.
    plugins_textfile_dir: Option<PathBuf> = None, Kind::Path, LIVE;
    /// Carry out `PrepareGoldenImage`, which makes a template of the machine: the machine loses its identity and its secret.
    allow_seal: bool = Some("false"), SWITCH, LIVE;
    /// Carry out `JoinDomain`, which makes the machine a member of a domain. The domain's administrators then control this machine, too.
    allow_domain_join: bool = Some("false"), SWITCH, LIVE;
    /// Carry out `ConfigReload`, with which a host makes the agent read its configuration again.
    allow_config_reload: bool = Some("false"), SWITCH, LIVE;
    /// Read the configuration again when one of these files changes, a second after the last change: the configuration file, the secret's file, the file of the controllers' keys, a plugin's description. If the new configuration is invalid, the old one stays in force.
    reload_on_change: bool = Some("false"), SWITCH, LIVE;
    /// The only actions that are allowed; by default all. Others are answered with `ACTION_BLOCKED`.
    allowed_actions: Option<Vec<String>> = None, Kind::Actions, LIVE;
    /// Actions that are refused, even if `allowed_actions` names them.
    blocked_actions: Option<Vec<String>> = None, Kind::Actions, LIVE;
    /// Serve the QEMU guest agent's protocol on its port: `auto` does so unless the program `qemu-ga` is installed, another program holds the port, or `shared_secret` or `controller_keys` is set. `true` waits for a port that is held. With `false` the agent uses that port for its own protocol if there is no other.
    qga: GuestAgentMode = Some("auto"), Kind::Choice(&["auto", "true", "false"]), QGA_PORT;
    /// Path of the QEMU guest agent's port. If unset, the agent looks for it by name: `org.qemu.guest_agent.*`.
    qga_port: Option<PathBuf> = None, Kind::Path, QGA_PORT, "--qga-port";
    /// Which commands of the QEMU guest agent's protocol are on. `safe` means all except those that run programs, read or write files, set passwords, or read or change SSH keys.
    qga_commands: String = Some("safe"), Kind::Choice(&["safe", "all"]), LIVE;
    /// Let hosts run programs with `guest-exec`, as root.
    qga_allow_exec: bool = Some("false"), SWITCH, LIVE;
    /// Let hosts read and write any file with `guest-file-open` and its companions.
    qga_allow_files: bool = Some("false"), SWITCH, LIVE;
    /// Let hosts set users' passwords with `guest-set-user-password`.
    qga_allow_passwords: bool = Some("false"), SWITCH, LIVE;
    /// Let hosts read and change users' SSH keys with `guest-ssh-add-authorized-keys` and its companions.
    qga_allow_ssh_keys: bool = Some("false"), SWITCH, LIVE;
    /// Commands of the QEMU guest agent's protocol that are off in any case.
    qga_block: Option<Vec<String>> = None, Kind::GuestCommands, LIVE;
    /// Program that the agent starts with the argument `freeze` before it freezes file systems, and with `thaw` after it has thawed them. It must belong to root.
    qga_fsfreeze_hook: Option<PathBuf> = None, Kind::Path, LIVE;
    /// Longest freeze. After that the agent thaws by itself, and the host's own thaw fails, so the host knows that its backup is not consistent. 0 means no limit.
    qga_freeze_max_secs: u64 = Some("600"), from_to(0, DAY), LIVE;
    /// Longest request on the QEMU guest agent's port.
    qga_max_request_bytes: usize = Some("8388608"), from_to(64 << 10, 64 * MIB), MEMORY;
    /// The kind of host on the port: `native`, or `infinibay` for Infinibay's host (see docs/infinibay.md).
    wire_profile: WireProfile = Some("native"), Kind::Choice(&["native", "infinibay"]), HOST;
    /// For tests only: with `wire_profile = "infinibay"` and without a secret, accept lines that nobody has signed.
    allow_unsigned: bool = Some("false"), SWITCH, HOST;
    /// Least important level that is logged. `RUST_LOG`, if set, overrides it for the modules that it names.
    log_level: log::LevelFilter = Some("info"), LEVELS, LIVE, "--log-level";
}

impl Settings {
    /// What may change at run time, but not for `new`: with what it goes with, it waits for a restart.
    pub(super) fn held_back(&self, new: &Self) -> Vec<Waiting> {
        let mut held = Vec::new();
        if new.outbox_max_bytes < self.max_outgoing_line_bytes {
            let reason =
                "max_outgoing_line_bytes waits, and one line of that length must fit into the outbox";
            held.push(Waiting { name: "outbox_max_bytes", reason });
        }
        let elsewhere = self.shared_secret_file != new.shared_secret_file;
        if elsewhere || self.shared_secret.is_some() != new.shared_secret.is_some() {
            let reason =
                "the agent decides when it starts whether lines are signed, and where the secret comes from";
            held.push(Waiting { name: "shared_secret", reason });
        }
        held
    }

    /// The bounds that `hello` reports.
    pub fn limits(&self) -> infiniservice_protocol::limits::Limits {
        infiniservice_protocol::limits::Limits {
            max_line_bytes: self.max_line_bytes,
            max_outgoing_line_bytes: self.max_outgoing_line_bytes,
            outbox_max_bytes: self.outbox_max_bytes,
            max_output_bytes: self.max_output_bytes,
            max_command_timeout_secs: self.max_command_timeout_secs,
            max_queued_commands: self.max_queued_commands,
            max_concurrent_commands: self.max_concurrent_commands,
            max_processes: self.max_processes,
            max_ports: self.max_ports,
            replay_window_secs: self.replay_window_secs,
        }
    }
}

/// A pair of numbers of which the first must not exceed the second, and why.
pub(super) const ORDERED: &[(&str, &str, &str)] = &[
    ("min_backoff_secs", "max_backoff_secs", "the delay grows from the first to the second"),
    (
        "keep_alive_interval_secs",
        "keep_alive_timeout_secs",
        "otherwise a heartbeat counts as lost before the next one is due, and an idle host is disconnected",
    ),
    (
        "collection_interval_secs",
        "degraded_interval_secs",
        "a poor connection must not get more than a good one",
    ),
    ("adaptive_min_secs", "adaptive_max_secs", "the time between two messages lies between them"),
    (
        "circuit_breaker_success_threshold",
        "circuit_breaker_half_open_calls",
        "otherwise the half-open circuit breaker can never close",
    ),
    ("max_outgoing_line_bytes", "outbox_max_bytes", "one line must fit into the outbox"),
];

/// Pairs that must not both be on or set, and why.
const EXCLUSIVE: &[(&str, &str, &str)] = &[
    ("require_virtio", "no_virtio", "a port cannot be both required and disabled"),
    ("device_path", "no_virtio", "the agent opens no port"),
    ("shared_secret", "shared_secret_file", "it is unclear which secret applies"),
];

/// Every pair that does not go together. Settings in `broken` have been reported already and are left out.
pub(super) fn conflicts(merged: &Merged, broken: &BTreeSet<&str>) -> Vec<ConfigError> {
    let ordered = ORDERED.iter().filter_map(|rule| order_broken(merged, rule).map(|text| (rule, text)));
    let exclusive = EXCLUSIVE.iter().filter_map(|rule| both_given(merged, rule).map(|text| (rule, text)));
    let fresh = ordered.chain(exclusive).filter(|((a, b, _), _)| !broken.contains(a) && !broken.contains(b));
    fresh.map(|(_, text)| ConfigError::Conflict(text)).collect()
}

fn order_broken(merged: &Merged, (low, high, why): &(&str, &str, &str)) -> Option<String> {
    let (low_value, high_value) = (merged.integer(low)?, merged.integer(high)?);
    (low_value > high_value).then(|| {
        let (low_origin, high_origin) = (merged.origin(low), merged.origin(high));
        format!(
            "{low} = {low_value} ({low_origin}) must not exceed {high} = {high_value} ({high_origin}): {why}"
        )
    })
}

fn both_given(merged: &Merged, (one, other, why): &(&str, &str, &str)) -> Option<String> {
    let given = |name: &str| merged.is_on(name) || (!is_switch(merged, name) && merged.is_set(name));
    (given(one) && given(other)).then(|| {
        let (one_origin, other_origin) = (merged.origin(one), merged.origin(other));
        format!("{one} ({one_origin}) and {other} ({other_origin}) exclude each other: {why}")
    })
}

fn is_switch(merged: &Merged, name: &str) -> bool {
    matches!(merged.get(name), Some(super::field::Value::Bool(_)))
}
