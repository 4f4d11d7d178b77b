//! Who an agent is: with everything but tags, as hosts have known it, and with them.

use super::channels;
use infiniservice_protocol::Limits;
use infiniservice_protocol::guest::{Capability, Features, Hello};
use infiniservice_protocol::hello::{
    BatchLimits, CompressionLimits, PluginLimits, SealedLines, StreamLimits,
};
use infiniservice_protocol::tags::Tags;

/// Without tags.
pub fn plain() -> Hello {
    let capability = |name: &str, reason: Option<&str>| Capability {
        name: name.into(),
        enabled: reason.is_none(),
        reason: reason.map(str::to_owned),
    };
    Hello {
        agent_version: "0.1.0".into(),
        protocol_version: 1,
        platform: "linux".into(),
        os: "Debian GNU/Linux 12 (bookworm)".into(),
        vm_id: Some("vm-17".into()),
        tags: Tags::default(),
        capabilities: vec![
            capability("ServiceList", None),
            capability("UnsafeCommand", Some("allow_unsafe_commands is false")),
        ],
        limits: Limits::default(),
        configuration_error: None,
        instance: channels::INSTANCE.into(),
        started_at: "2026-11-22T06:29:41.208Z".into(),
        features: Features {
            streams: Some(StreamLimits::default()),
            batch: Some(BatchLimits::default()),
            plugins: Some(PluginLimits { names: vec!["raid".into()], textfiles: true, max_plugins: 64 }),
            compression: Some(CompressionLimits::default()),
            sealed: Some(SealedLines {
                public_key: "PR1CzlcMeICAzAXTD/RvIGPuzdoV76jJGMnz+uz6tUs=".into(),
                kids: vec!["ops-2".into()],
                plain_metrics: true,
                plain_reads: false,
            }),
        },
        channels: channels::both(),
        timestamp: None,
    }
}

/// With tags.
pub fn tagged() -> Hello {
    let tags = Tags::parse(["env=prod", "tier=web", "owner=caf\u{e9}, 2nd floor"]).unwrap();
    Hello { tags, ..plain() }
}
