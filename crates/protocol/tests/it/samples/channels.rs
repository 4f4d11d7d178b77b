//! The ports of an agent, and what a connection of the second one begins with.

use infiniservice_protocol::guest::{Channel, ChannelRole, ChannelStart};

/// Of the agent that the samples are of.
pub const INSTANCE: &str = "3f8a61c0d2b94e7796a5f1c08b7d2e44";

/// As `hello` tells them.
pub fn both() -> Vec<Channel> {
    let port = |role, name| Channel { role, port: format!("/dev/virtio-ports/{name}") };
    vec![
        port(ChannelRole::Control, "org.infinibay.agent"),
        port(ChannelRole::Bulk, "org.infinibay.agent.bulk"),
    ]
}

/// The first line.
pub fn start() -> ChannelStart {
    ChannelStart { role: ChannelRole::Bulk, instance: INSTANCE.into(), timestamp: None }
}
