//! What the executor hands to the main loop, in the order in which the host is to have it.

use infiniservice_protocol::Response;
use infiniservice_protocol::batch::BatchResult;

/// One answer.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are responses")]
pub enum Reply {
    /// To a command.
    Response(Response),
    /// To a batch, after the responses to all its commands.
    Batch(BatchResult),
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

impl From<BatchResult> for Reply {
    fn from(result: BatchResult) -> Self {
        Self::Batch(result)
    }
}
