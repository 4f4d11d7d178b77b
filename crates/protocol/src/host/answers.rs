//! By which ids a message of the host is answered, and how often.

use super::{BatchCommand, HostMessage};

impl HostMessage {
    /// How many answers it is owed whose room is to be kept: `response`, and of a batch `batch_result` beside that of each of its
    /// commands.
    pub fn answers_owed(&self) -> usize {
        match self.untraced() {
            Self::SafeCommand(_)
            | Self::UnsafeCommand(_)
            | Self::Cancel { .. }
            | Self::Subscribe(_)
            | Self::Unsubscribe(_) => 1,
            Self::Batch(batch) => batch.commands.len() + 1,
            Self::Metrics { .. }
            | Self::KeepAliveResponse { .. }
            | Self::KeepAliveRequest { .. }
            | Self::Traced(_)
            | Self::ZReset
            | Self::Hello { .. } => 0,
        }
    }

    /// The id of the message itself: what its last answer repeats.
    pub fn id(&self) -> Option<&str> {
        match self.untraced() {
            Self::Metrics { id } | Self::Hello { id, .. } => id.as_deref(),
            Self::SafeCommand(command) => Some(&command.id),
            Self::UnsafeCommand(command) => Some(&command.id),
            Self::Cancel { id, .. } => Some(id),
            Self::Batch(batch) => Some(&batch.id),
            Self::Subscribe(request) => Some(&request.id),
            Self::Unsubscribe(request) => Some(&request.id),
            Self::Traced(_)
            | Self::ZReset
            | Self::KeepAliveResponse { .. }
            | Self::KeepAliveRequest { .. } => None,
        }
    }

    /// The ids by which it is answered: its own first, then those of a batch's commands. None for a `Hello`, which is answered
    /// in its turn.
    pub fn answered_ids(&self) -> Vec<&str> {
        match self.untraced() {
            Self::Hello { .. } => Vec::new(),
            Self::Batch(batch) => {
                let of_commands = batch.commands.iter().map(BatchCommand::id);
                std::iter::once(batch.id.as_str()).chain(of_commands).collect()
            }
            other => other.id().into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::parse_host_line;

    fn ids(line: &str) -> (Option<String>, Vec<String>) {
        let message = parse_host_line(line).unwrap();
        (message.id().map(str::to_owned), message.answered_ids().into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn a_batch_is_answered_by_its_own_id_first_and_a_hello_by_none() {
        let command = r#"{"type":"UnsafeCommand","id":"c","raw_command":"id"}"#;
        let batch = format!(r#"{{"type":"Batch","id":"b","commands":[{command}]}}"#);
        assert_eq!(ids(&batch), (Some("b".into()), vec!["b".into(), "c".into()]));
        assert_eq!(ids(command), (Some("c".into()), vec!["c".into()]));
        assert_eq!(ids(r#"{"type":"Hello","id":"h"}"#), (Some("h".into()), vec![]));
        assert_eq!(ids(r#"{"type":"keep_alive_request","sequence_number":1}"#), (None, vec![]));
    }
}
