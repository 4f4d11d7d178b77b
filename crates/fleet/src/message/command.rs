//! What a coordinator sends to a hub.

use super::order::{Wrong, wrong};
use crate::name::{escape, is_vm};
use crate::{MAX_NAMES_BYTES, Signed};
use infiniservice_hub_core::job;
use serde::{Deserialize, Serialize};

/// What a hub is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Command {
    /// These machines may begin now.
    Run {
        /// The operator's order, which the hub checks itself.
        order: Signed,
        /// Of which wave they are.
        wave: u32,
        /// The command's number at its coordinator.
        batch: u32,
        /// The machines.
        targets: Vec<String>,
        /// Those that have not begun do not begin any more; how do they stand?
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        close: bool,
        /// Who sends it: another run of the same hub is another coordinator.
        coordinator: String,
    },
    /// None of its machines begins any more, and what runs is ended where it can be.
    Cancel {
        /// The order's id.
        job: String,
        /// The operator's word.
        control: Signed,
        /// The command's number at its coordinator.
        batch: u32,
        /// Who sends it.
        coordinator: String,
    },
}

impl Command {
    /// Reads one that came over the engine.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        let command: Self =
            serde_json::from_slice(bytes).map_err(|error| wrong("type", error.to_string()))?;
        if let Self::Run { targets, .. } = &command {
            check_names(targets)?;
        }
        Ok(command)
    }

    /// Its id, by which the engine stores it once. Another coordinator's are others, and so are those of the next try.
    pub fn id(&self, job: &str, hub: &str) -> String {
        let (Self::Run { batch, coordinator, .. } | Self::Cancel { batch, coordinator, .. }) = self;
        format!("{}/{}/{}/{batch}", escape(job), escape(hub), escape(coordinator))
    }
}

/// Whether a hub can have these machines in one command.
pub(super) fn check_names(names: &[String]) -> Result<(), Wrong> {
    if names.len() > job::MAX_TARGETS {
        let error = format!("{} machines; at most {} are allowed", names.len(), job::MAX_TARGETS);
        return Err(wrong("targets", error));
    }
    if names.iter().map(String::len).sum::<usize>() > MAX_NAMES_BYTES {
        let error = format!("the names of machines have more than {MAX_NAMES_BYTES} bytes");
        return Err(wrong("targets", error));
    }
    match names.iter().find(|name| !is_vm(name)) {
        Some(name) => Err(wrong("targets", format!("no machine is called {name:.80?}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(targets: Vec<String>) -> Command {
        let order = Signed { key: "k".into(), body: "{}".into(), signature: "s".into() };
        let close = false;
        Command::Run { order, wave: 0, batch: 7, targets, close, coordinator: "host-1/a".into() }
    }

    #[test]
    fn a_command_comes_back_from_its_text_and_has_an_id_of_its_own() {
        let command = run(vec!["web".into()]);
        let text = crate::message::text(&command);
        assert!(text.starts_with(r#"{"type":"Run","order":{"key":"k""#), "{text}");
        assert_eq!(Command::read(text.as_bytes()), Ok(command.clone()));
        assert_eq!(command.id("j_1", "host-2"), "j_5F1/host-2/host-1_2Fa/7");
    }

    #[test]
    fn a_command_with_too_much_is_refused() {
        for targets in [
            vec![String::new()],
            vec!["x".repeat(257)],
            vec!["x".to_owned(); job::MAX_TARGETS + 1],
            vec!["x".repeat(256); MAX_NAMES_BYTES / 256 + 1],
        ] {
            let text = crate::message::text(&run(targets));
            assert_eq!(Command::read(text.as_bytes()).unwrap_err().field, "targets");
        }
        assert!(Command::read(b"{}").is_err());
    }
}
