//! One message that waits, of each kind.

use super::breaker::Change;
use infiniservice_protocol::encode::Body;

/// One message that waits.
#[derive(Debug)]
pub enum Item {
    /// A response or an error.
    Answer {
        /// The message, encoded.
        body: Body,
        /// Whether it refuses input, rather than answering an accepted command.
        refusal: bool,
    },
    /// A change of the breaker's state.
    Report(Change),
    /// The answer to the host's ping of this number.
    Pong(u64),
    /// A heartbeat; it gets its number when it is written.
    Heartbeat,
    /// The agent's description.
    Hello(Body),
    /// What a connection begins with, by the dialect.
    Greeting(Body),
    /// A line that only the dialect has.
    Said {
        /// The line, encoded.
        body: Body,
        /// See [`super::dialect::Said::receipt`].
        receipt: Option<u64>,
    },
    /// Metrics, with the id of the request that they answer.
    Metrics {
        /// The message, encoded.
        body: Body,
        /// The request's id.
        request_id: Option<String>,
    },
    /// What may be lost, with its line.
    Extra(Body),
}
