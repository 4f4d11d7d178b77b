//! Which ports may be used and in which order: a pure decision over what a scan of the machine saw.
//!
//! Order for the agent's own link: the configured device alone; a port named `org.infinibay.agent`; unnamed ports numbered 1;
//! other unnamed ports. Ports named `org.qemu.guest_agent.*` are looked for by another [`Search`]: libvirt takes an agent
//! for broken at the first byte that is none of `qemu-ga`'s protocol. Only where that protocol is turned off do they stand
//! in for the agent's own. The port named `org.infinibay.agent.bulk` is the only one of its own search, and of no other. Two rules keep the agent from taking what is not its own:
//!
//! - A port that carries another name (`com.redhat.spice.0`, `org.libguestfs.channel.0`, …) belongs to another program
//!   and is never opened by detection, only by configuration.
//! - Where a port named `org.infinibay.agent` exists, no other is tried: the host has said which one it listens on, and
//!   a second agent, or one restarted too early, must not take the channel of qemu-ga because its own is still held.
//!   A substitute in use is left as soon as a port of that name comes.

use super::outcome::{Outcome, Tried};
use super::role::{Role, Search};
use std::path::{Path, PathBuf};

/// The name of the agent's own port.
pub const AGENT_PORT: &str = "org.infinibay.agent";
/// The name of its second one, for bulk.
pub(crate) const BULK_PORT: &str = "org.infinibay.agent.bulk";
/// What the names of the QEMU guest agent's ports begin with.
pub(crate) const GUEST_AGENT_PREFIX: &str = "org.qemu.guest_agent.";

/// A virtio port as a scan saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The device node.
    pub node: PathBuf,
    /// The named link to it, where udev made one.
    pub link: Option<PathBuf>,
    /// The port's name: from sysfs, else from the link.
    pub name: Option<String>,
    /// Whether it has been there long enough for its name to have come.
    pub settled: bool,
}

/// A device to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The path to open.
    pub path: PathBuf,
    /// The port's name, where it has one.
    pub name: Option<String>,
    /// Why it is tried.
    pub role: Role,
}

/// The decision: what to try, in order, and what is passed over with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// To be tried in this order.
    pub candidates: Vec<Candidate>,
    /// Not touched.
    pub passed: Vec<Tried>,
}

/// What the port is to the agent.
pub fn role(port: &Seen) -> Role {
    match port.name.as_deref() {
        Some(AGENT_PORT) => Role::Agent,
        Some(BULK_PORT) => Role::Bulk,
        Some(name) if name.starts_with(GUEST_AGENT_PREFIX) => Role::GuestAgent,
        Some(_) => Role::Foreign,
        None if number(&port.node).is_some_and(|(_, port)| port == 1) => Role::First,
        None => Role::Unnamed,
    }
}

/// Decides over the ports seen; a configured path is the only candidate.
pub fn choose(configured: Option<&Path>, search: Search, seen: &[Seen]) -> Choice {
    if let Some(path) = configured {
        let only = Candidate { path: path.into(), name: None, role: Role::Configured };
        return Choice { candidates: vec![only], passed: Vec::new() };
    }
    let mut ports: Vec<(Role, &Seen)> = seen.iter().map(|port| (role(port), port)).collect();
    ports.sort_by_key(|(role, port)| (*role, port.name.clone(), number(&port.node)));
    ports.retain(|(role, _)| search.takes(*role));
    let own = ports.iter().any(|(role, _)| *role == Role::Agent);
    let mut choice = Choice::default();
    for (role, port) in ports {
        choice.sort_in(role, port, own);
    }
    choice
}

impl Choice {
    fn sort_in(&mut self, role: Role, port: &Seen, own: bool) {
        let unnamed = matches!(role, Role::First | Role::Unnamed);
        match (role, &port.name) {
            (Role::Foreign, Some(name)) => self.pass(port, role, Outcome::Foreign(name.clone())),
            _ if own && role != Role::Agent => {}
            _ if unnamed && !port.settled => self.pass(port, role, Outcome::Unsettled),
            _ => self.candidates.push(Candidate { path: path_of(port), name: port.name.clone(), role }),
        }
    }

    fn pass(&mut self, port: &Seen, role: Role, outcome: Outcome) {
        self.passed.push(Tried { path: port.node.clone(), name: None, role, outcome });
    }
}

/// The link where there is one, since it is what people know; else the node.
fn path_of(port: &Seen) -> PathBuf {
    port.link.clone().unwrap_or_else(|| port.node.clone())
}

/// Controller and port number out of `vportNpM`; `None` for other names.
pub fn number(node: &Path) -> Option<(u32, u32)> {
    let (controller, port) = node.file_name()?.to_str()?.strip_prefix("vport")?.split_once('p')?;
    Some((controller.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(node: &str, name: Option<&str>) -> Seen {
        Seen { node: node.into(), link: None, name: name.map(str::to_owned), settled: true }
    }

    fn order(search: Search, ports: &[Seen]) -> Vec<String> {
        let choice = choose(None, search, ports);
        choice.candidates.iter().map(|c| c.path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_configured_device_is_the_only_candidate() {
        let choice =
            choose(Some(Path::new("/dev/ttyS1")), Search::Agent, &[seen("/dev/vport0p1", Some(AGENT_PORT))]);
        let paths: Vec<&Path> = choice.candidates.iter().map(|c| c.path.as_path()).collect();
        assert_eq!(paths, [Path::new("/dev/ttyS1")]);
    }

    #[test]
    fn guest_agent_ports_are_for_their_own_protocol_unless_that_is_off() {
        let ports = [
            seen("/dev/vport0p10", None),
            seen("/dev/vport0p2", None),
            seen("/dev/vport1p1", None),
            seen("/dev/vport0p1", None),
            seen("/dev/vport2p3", Some("org.qemu.guest_agent.1")),
            seen("/dev/vport2p4", Some("org.qemu.guest_agent.0")),
        ];
        let named = |names: &[&str]| names.iter().map(|name| format!("/dev/{name}")).collect::<Vec<_>>();
        let unnamed = named(&["vport0p1", "vport1p1", "vport0p2", "vport0p10"]);
        let guest_agents = named(&["vport2p4", "vport2p3"]);
        assert_eq!(order(Search::Agent, &ports), unnamed);
        assert_eq!(order(Search::GuestAgent, &ports), guest_agents);
        assert_eq!(order(Search::AgentOrGuestAgent, &ports), [guest_agents, unnamed].concat());
    }

    #[test]
    fn no_other_port_is_tried_where_the_agents_own_exists() {
        let ports = [
            seen("/dev/vport0p1", None),
            seen("/dev/vport0p2", Some("org.qemu.guest_agent.0")),
            seen("/dev/vport0p3", Some(AGENT_PORT)),
        ];
        assert_eq!(order(Search::AgentOrGuestAgent, &ports), ["/dev/vport0p3"]);
        assert_eq!(order(Search::GuestAgent, &ports), ["/dev/vport0p2"]);
    }

    #[test]
    fn the_bulk_port_is_found_by_its_name_alone_and_stands_in_for_nothing() {
        let ports = [
            seen("/dev/vport0p1", None),
            seen("/dev/vport0p2", Some("org.infinibay.agent.bulk")),
            seen("/dev/vport0p3", Some("com.redhat.spice.0")),
        ];
        assert_eq!(order(Search::Bulk, &ports), ["/dev/vport0p2"]);
        assert_eq!(order(Search::Bulk, &ports[..1]), [""; 0]);
        for search in [Search::Agent, Search::AgentOrGuestAgent] {
            assert_eq!(order(search, &ports), ["/dev/vport0p1"]);
        }
        assert_eq!(order(Search::GuestAgent, &ports), [""; 0]);
        assert!(choose(None, Search::Bulk, &ports).passed.is_empty());
    }

    #[test]
    fn another_products_channel_is_never_taken_and_is_named() {
        let ports = [seen("/dev/vport0p1", Some("com.redhat.spice.0")), seen("/dev/vport0p2", None)];
        let choice = choose(None, Search::Agent, &ports);
        assert_eq!(order(Search::Agent, &ports), ["/dev/vport0p2"]);
        assert_eq!(choice.passed[0].outcome, Outcome::Foreign("com.redhat.spice.0".into()));
        assert_eq!(choice.passed[0].path, Path::new("/dev/vport0p1"));
    }

    #[test]
    fn an_unnamed_port_waits_until_its_name_must_have_come() {
        let young = Seen { settled: false, ..seen("/dev/vport0p1", None) };
        let choice = choose(None, Search::Agent, std::slice::from_ref(&young));
        assert!(choice.candidates.is_empty());
        assert_eq!(choice.passed[0].outcome, Outcome::Unsettled);
        let named = Seen { name: Some(AGENT_PORT.into()), ..young };
        assert_eq!(order(Search::Agent, &[named]), ["/dev/vport0p1"]);
    }

    #[test]
    fn the_link_is_opened_rather_than_the_node() {
        let link = Some(PathBuf::from("/dev/virtio-ports/org.infinibay.agent"));
        let port = Seen { link, ..seen("/dev/vport0p1", Some(AGENT_PORT)) };
        assert_eq!(order(Search::Agent, &[port]), ["/dev/virtio-ports/org.infinibay.agent"]);
    }

    #[test]
    fn only_vport_names_have_numbers() {
        assert_eq!(number(Path::new("/dev/vport12p3")), Some((12, 3)));
        for other in ["/dev/vport", "/dev/vport0", "/dev/vportxp1", "/dev/vda1", "/"] {
            assert_eq!(number(Path::new(other)), None, "{other}");
        }
    }
}
