//! What a hub is asked and answers at once.

use super::command::check_names;
use super::order::{Wrong, wrong};
use crate::Signed;
use serde::{Deserialize, Serialize};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Ask {
    /// Which of your machines does this order mean?
    Resolve {
        /// The order.
        order: Signed,
    },
    /// Are you there?
    Ping,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Reply {
    /// These.
    Resolved(Resolved),
    /// The hub will not.
    Refused {
        /// The hub.
        hub: String,
        /// Why, in a sentence.
        why: String,
        /// Why, for programs.
        code: String,
    },
    /// It is there.
    Pong {
        /// The hub.
        hub: String,
    },
}

/// The machines that a hub has of those that an order means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The hub.
    pub hub: String,
    /// Its machines.
    pub vms: Vec<String>,
}

impl Reply {
    /// Reads one that came from this hub.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8], from: &str) -> Result<Self, Wrong> {
        let reply: Self = serde_json::from_slice(bytes).map_err(|error| wrong("type", error.to_string()))?;
        if let Self::Resolved(Resolved { vms, .. }) = &reply {
            check_names(vms)?;
        }
        let (Self::Resolved(Resolved { hub, .. }) | Self::Refused { hub, .. } | Self::Pong { hub }) = &reply;
        if hub != from {
            return Err(wrong("hub", format!("{hub:.80?} answers for {from:.80?}")));
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_the_hub_that_gives_it() {
        let text = r#"{"type":"Resolved","hub":"host-1","vms":["web"]}"#;
        let resolved = Resolved { hub: "host-1".into(), vms: vec!["web".into()] };
        assert_eq!(Reply::read(text.as_bytes(), "host-1"), Ok(Reply::Resolved(resolved.clone())));
        assert_eq!(crate::message::text(&Reply::Resolved(resolved)), text);
        assert_eq!(Reply::read(text.as_bytes(), "host-2").unwrap_err().field, "hub");
        let odd = r#"{"type":"Resolved","hub":"host-1","vms":[""]}"#;
        assert_eq!(Reply::read(odd.as_bytes(), "host-1").unwrap_err().field, "targets");
    }
}
