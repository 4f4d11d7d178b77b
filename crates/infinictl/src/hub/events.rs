//! Server-sent events of the hub.

use super::HubError;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

/// Longest server-sent event, in bytes: the table of all machines is one.
const MAX_EVENT_BYTES: usize = super::api::MAX_ANSWER_BYTES;

/// Server-sent events, one after the other.
pub struct Events {
    what: String,
    body: Incoming,
    text: Vec<u8>,
    /// So many bytes of the text are known to hold no end of an event.
    searched: usize,
}

impl Events {
    /// Those of a response's body.
    pub(super) fn new(what: String, body: Incoming) -> Self {
        Self { what, body, text: Vec::new(), searched: 0 }
    }

    /// The next one's id, where it has one, and its document. Dropping the future before it is done loses nothing.
    ///
    /// # Errors
    /// Where the hub ended the connection, or what it sends cannot be read.
    pub async fn next(&mut self) -> Result<(Option<String>, Value), HubError> {
        loop {
            while let Some(event) = self.taken() {
                if let Some(event) = read(&event) {
                    return Ok(event);
                }
            }
            if self.text.len() > MAX_EVENT_BYTES {
                return Err(self.unreadable("an event is too long"));
            }
            let Some(frame) = self.body.frame().await else {
                return Err(self.unreadable("the hub ended the connection"));
            };
            let frame = frame.map_err(|error| self.unreadable(&error.to_string()))?;
            self.text.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        }
    }

    /// The first event that is there whole.
    fn taken(&mut self) -> Option<Vec<u8>> {
        let fresh = self.text.get(self.searched..).unwrap_or_default();
        let Some(end) = fresh.windows(2).position(|pair| pair == b"\n\n") else {
            self.searched = self.text.len().saturating_sub(1);
            return None;
        };
        let event = self.text.drain(..self.searched + end + 2).collect();
        self.searched = 0;
        Some(event)
    }

    fn unreadable(&self, reason: &str) -> HubError {
        HubError::Unreadable { what: self.what.clone(), reason: reason.to_owned() }
    }
}

/// The id of an event, where it has one, and the document in its `data:` line.
fn read(event: &[u8]) -> Option<(Option<String>, Value)> {
    let text = std::str::from_utf8(event).ok()?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    Some((field("id: ").map(str::to_owned), serde_json::from_str(field("data: ")?).ok()?))
}
