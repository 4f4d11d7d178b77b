//! What the exporter of a fleet tells of itself: what it heard of the hubs, and what it could not use.

use std::sync::Arc;
use std::time::Duration;

/// Why a message was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its subject names no hub and no machine.
    Subject,
    /// Its hub is not in the engine's bucket of hubs.
    Stranger,
    /// It is longer than any message may be.
    TooLong,
    /// The line before it is not known here: the exporter began after it, or it was lost.
    Gap,
    /// It is no compressed line.
    Wrong,
    /// Its hub sends more than one may.
    Flood,
    /// There is no room for one more machine, or for a line so long.
    NoRoom,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Subject, Self::Stranger, Self::TooLong, Self::Gap, Self::Wrong, Self::Flood, Self::NoRoom];

    /// Its name in labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Stranger => "stranger",
            Self::TooLong => "too_long",
            Self::Gap => "gap",
            Self::Wrong => "wrong",
            Self::Flood => "flood",
            Self::NoRoom => "no_room",
        }
    }
}

/// Where a hub stands, as the exporter hears it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hearing {
    /// It tells figures, or would if it had any.
    #[default]
    Telling,
    /// It is there, and its settings say that it tells none.
    Off,
    /// It is there and is to tell figures, and none come.
    Mute,
    /// It is not there.
    Gone,
}

impl Hearing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Telling, Self::Off, Self::Mute, Self::Gone];

    /// Its name in labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Telling => "telling",
            Self::Off => "off",
            Self::Mute => "mute",
            Self::Gone => "gone",
        }
    }
}

/// A hub, as it is told of.
#[derive(Clone, Debug)]
pub struct OfHub {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands.
    pub hearing: Hearing,
    /// How long ago its last message came, where one did.
    pub message_age: Option<Duration>,
}

/// What an exporter tells of itself.
#[derive(Clone, Debug, Default)]
pub struct Exporter {
    /// Whether the engine is connected.
    pub connected: bool,
    /// Messages that came.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that were passed over, by [`Reason::ALL`].
    pub dropped: [u64; Reason::ALL.len()],
    /// Bytes of the lines that are kept, to read those after them.
    pub kept_bytes: u64,
    /// Machines that are told and whose agents speak, and those whose agents do not.
    pub machines: [u64; 2],
    /// Machines of one name at several hubs that all tell figures of it.
    pub claimed_twice: u64,
    /// The hubs, by name.
    pub hubs: Vec<OfHub>,
}

impl Exporter {
    /// A message was passed over.
    pub fn drop(&mut self, reason: Reason) {
        self.dropped[reason as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_apart_under_names_that_differ() {
        let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        let mut exporter = Exporter::default();
        for reason in Reason::ALL {
            exporter.drop(reason);
        }
        assert_eq!(exporter.dropped, [1; 7]);
    }
}
