//! `hello`: who the agent is, and what it offers.

use crate::batch;
use crate::compression::{Codec, MIN_LINE_BYTES};
use crate::limits::Limits;
use crate::stream;
use crate::tags::Tags;
use serde::{Deserialize, Serialize};

/// One action or optional feature, and whether it may be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Capability {
    /// The action's or feature's name.
    pub name: String,
    /// Whether it may be used here and now.
    pub enabled: bool,
    /// Why it may not be used: the setting or the missing tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hello {
    /// The package's version.
    pub agent_version: String,
    /// 1.
    pub protocol_version: u32,
    /// `linux` or `windows`.
    pub platform: String,
    /// Name and version for people.
    pub os: String,
    /// As configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_id: Option<String>,
    /// As configured. Names are 1 to 64 letters, digits, `_`, `.` and `-`, a letter first; values have no control characters.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// One for each action and each optional feature.
    pub capabilities: Vec<Capability>,
    /// The bounds in force.
    pub limits: Limits,
    /// What is wrong with the configuration file, while the last valid configuration is in force instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_error: Option<String>,
    /// 32 random hexadecimal digits, new at each start of the agent. With it a host can tell a restart from a reconnection.
    #[serde(default)]
    pub instance: String,
    /// When the agent started, by the guest's clock at that moment, RFC 3339.
    #[serde(default)]
    pub started_at: String,
    /// Optional parts that a host may use, with their limits; absent members are not offered.
    #[serde(default)]
    pub features: Features,
    /// The ports over which this agent speaks.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// Optional parts of the protocol, each with its bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Features {
    /// Streams of chosen metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<StreamLimits>,
    /// Several commands in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchLimits>,
    /// Plugins that run, or `*.prom` files that are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<PluginLimits>,
    /// Compressed lines, for hosts whose `Hello` accepts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<CompressionLimits>,
    /// Lines that are sealed to this machine's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedLines>,
}

/// The keys for sealed lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct SealedLines {
    /// This machine's public key, in base64.
    pub public_key: String,
    /// Names of the controllers' keys.
    pub kids: Vec<String>,
    /// Whether metrics are sent in plain text.
    pub plain_metrics: bool,
    /// Whether plain commands that only read are answered.
    pub plain_reads: bool,
}

/// The offered compressions, and which lines are compressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct CompressionLimits {
    /// What the agent can compress with.
    pub codecs: Vec<Codec>,
    /// Shorter lines are not compressed.
    pub min_line_bytes: usize,
}

impl Default for CompressionLimits {
    fn default() -> Self {
        Self { codecs: Codec::ALL.to_vec(), min_line_bytes: MIN_LINE_BYTES }
    }
}

/// The plugins of this machine, and their limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PluginLimits {
    /// Names of the plugins that run.
    pub names: Vec<String>,
    /// Whether `*.prom` files are read.
    pub textfiles: bool,
    /// Plugins at one time, and files.
    pub max_plugins: usize,
}

/// The bounds of streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct StreamLimits {
    /// Subscriptions at one time.
    pub max_subscriptions: usize,
    /// Shortest time between two samples.
    pub min_interval_ms: u64,
    /// Longest lease.
    pub max_lease_secs: u64,
    /// Share of one core that all streams together may take.
    pub max_cpu_percent: u32,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            max_subscriptions: stream::MAX_SUBSCRIPTIONS,
            min_interval_ms: stream::MIN_INTERVAL_MS,
            max_lease_secs: stream::MAX_LEASE_SECS,
            max_cpu_percent: stream::MAX_CPU_PERCENT,
        }
    }
}

/// The bounds of batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct BatchLimits {
    /// Most commands in one batch, never more than may wait in the agent.
    pub max_commands: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { max_commands: batch::MAX_COMMANDS }
    }
}

/// One port of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Channel {
    /// What it is for.
    pub role: ChannelRole,
    /// Its path in the guest.
    pub port: String,
}

/// What a port is for. A host ignores those that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChannelRole {
    /// It carries every message.
    Control,
    /// Streams, output and large answers stand on it while a host reads it. It only brings: the guest takes nothing from it.
    Bulk,
    /// A role of a later version.
    #[serde(other)]
    Unknown,
}

/// `channel`: what each connection of a port beside the first one begins with. By it a host knows which agent it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelStart {
    /// What the port is for.
    pub role: ChannelRole,
    /// That of the agent's `hello`.
    pub instance: String,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}
