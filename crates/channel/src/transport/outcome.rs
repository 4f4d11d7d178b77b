//! What came of each device that was looked at, and the one failure that the link is told.

use super::role::{Role, Search};
use infiniservice_link::OpenFailure;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Why a device was not opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing is there.
    Absent,
    /// Somebody else holds it: a virtio port takes one opener (`EBUSY`).
    Busy,
    /// No access: who owns it (`user:group`), its mode bits, and the user id of this process.
    Denied {
        /// `user:group`.
        owner: String,
        /// Permission bits.
        mode: u32,
        /// Effective user id of this process.
        uid: u32,
    },
    /// `ERROR_ACCESS_DENIED`: Windows says this of a port that somebody else holds, of one that was let go a moment ago,
    /// and of one that this account may not open.
    AccessDenied,
    /// The kernel uses the port as a console (`ENXIO`, and the port is there).
    Console,
    /// It was it has just been unplugged (`ENXIO`, and the port is gone); its node is about to go as well.
    Going,
    /// A terminal whose other end is closed (`EIO`).
    PeerClosed,
    /// Carries the name of another product's channel; never opened unless it is configured.
    Foreign(String),
    /// Appeared a moment ago without a name; the name may still come, so it is not touched yet.
    Unsettled,
    /// Not a device that can carry the link; the text says what it is.
    Refused(String),
    /// The system's own error.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Busy => f.write_str("busy, another program holds it open"),
            Self::Denied { owner, mode, uid } => {
                write!(f, "permission denied (owner {owner}, mode {mode:04o}, running as user id {uid})")
            }
            Self::AccessDenied => f.write_str(
                "access is denied: another program holds it or has just closed it, or this account may \
                 not open it (SYSTEM and Administrators may)",
            ),
            Self::Console => f.write_str("the kernel uses it as a console"),
            Self::Going => f.write_str("it has just been unplugged"),
            Self::PeerClosed => f.write_str("its other end is closed"),
            Self::Foreign(name) => write!(f, "not opened, because it is the channel {name}"),
            Self::Unsettled => f.write_str("it has just appeared and has no name yet"),
            Self::Refused(what) => write!(f, "refused: {what}"),
            Self::Failed(error) => f.write_str(error),
        }
    }
}

/// One device that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its path.
    pub path: PathBuf,
    /// The port's name, where it has one and it is not the path's own last part.
    pub name: Option<String>,
    /// What it is to the agent.
    pub role: Role,
    /// What came of it.
    pub outcome: Outcome,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match &self.name {
            Some(name) if !self.path.ends_with(name) => write!(f, " ({name}): ")?,
            _ => f.write_str(": ")?,
        }
        self.outcome.fmt(f)
    }
}

/// All of them in one line, in the order in which they were tried.
pub fn describe(tried: &[Tried]) -> String {
    let parts: Vec<String> = tried.iter().map(Tried::to_string).collect();
    parts.join("; ")
}

/// The failure for the link: the kind comes from the most preferred device that is there, the text names them all.
/// A substitute that another program holds is no fault, as it is that program's: what was looked for is absent.
pub fn failure(tried: &[Tried], search: Search) -> OpenFailure {
    let text = || describe(tried);
    for one in tried {
        match one.outcome {
            Outcome::Busy | Outcome::AccessDenied if search.wants(one.role) => {
                return OpenFailure::Busy(text());
            }
            Outcome::Denied { .. } => return OpenFailure::Denied(text()),
            Outcome::Refused(_) | Outcome::Failed(_) => return OpenFailure::Other(text()),
            Outcome::Absent
            | Outcome::Busy
            | Outcome::AccessDenied
            | Outcome::PeerClosed
            | Outcome::Console
            | Outcome::Going
            | Outcome::Foreign(_)
            | Outcome::Unsettled => {}
        }
    }
    OpenFailure::Absent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(path: &str, outcome: Outcome) -> Tried {
        Tried { path: path.into(), name: None, role: Role::Agent, outcome }
    }

    #[test]
    fn nothing_there_is_absent() {
        assert_eq!(failure(&[], Search::Agent), OpenFailure::Absent);
        let foreign = Outcome::Foreign("com.redhat.spice.0".into());
        let all = [tried("/dev/a", Outcome::Absent), tried("/dev/vport0p2", foreign)];
        assert_eq!(failure(&all, Search::Agent), OpenFailure::Absent);
    }

    #[test]
    fn the_kind_is_that_of_the_most_preferred_device_and_the_text_names_all() {
        let denied = Outcome::Denied { owner: "root:root".into(), mode: 0o600, uid: 1000 };
        let all = [
            tried("/dev/virtio-ports/x", Outcome::Absent),
            tried("/dev/vport0p1", Outcome::Busy),
            tried("/dev/vport0p2", denied),
        ];
        let OpenFailure::Busy(text) = failure(&all, Search::Agent) else {
            panic!("not busy: {:?}", failure(&all, Search::Agent))
        };
        assert_eq!(
            text,
            "/dev/virtio-ports/x: absent; /dev/vport0p1: busy, another program holds it open; \
             /dev/vport0p2: permission denied (owner root:root, mode 0600, running as user id 1000)"
        );
    }

    #[test]
    fn a_substitute_that_is_held_leaves_the_agents_own_device_absent() {
        let mut held = tried("/dev/virtio-ports/org.qemu.guest_agent.0", Outcome::Busy);
        held.role = Role::GuestAgent;
        assert_eq!(failure(&[held], Search::Agent), OpenFailure::Absent);
    }

    #[test]
    fn a_name_is_shown_unless_the_path_ends_with_it() {
        let mut one = tried("/dev/vport0p1", Outcome::Busy);
        one.name = Some("org.qemu.guest_agent.0".into());
        assert!(one.to_string().starts_with("/dev/vport0p1 (org.qemu.guest_agent.0): busy"));
        one.path = "/dev/virtio-ports/org.qemu.guest_agent.0".into();
        assert!(one.to_string().starts_with("/dev/virtio-ports/org.qemu.guest_agent.0: busy"));
    }
}
