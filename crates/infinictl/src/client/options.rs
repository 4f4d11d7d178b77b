//! How a client speaks to a guest.

use super::bulk::Bulk;
use infiniservice_protocol::sealed::HostEnd;
use std::fmt;

/// How to speak to a guest.
#[derive(Default)]
pub struct Options {
    /// The guest's `shared_secret`: what is sent is signed with it.
    pub secret: Option<String>,
    /// The keys by which lines are sealed, of a guest that has `controller_keys`; then nothing is signed.
    pub seal: Option<Box<HostEnd>>,
    /// Ask for compressed lines, which the client then reads as if they had come as they are. An agent that knows nothing of them
    /// goes on with plain ones.
    pub compress: bool,
    /// The guest's bulk port, of an endpoint that is a channel, a vsock port or a pseudo-terminal.
    pub bulk: Option<Bulk>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("compress", &self.compress)
            .field("bulk", &self.bulk)
            .finish_non_exhaustive()
    }
}
