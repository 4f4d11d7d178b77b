//! Who has the socket that does not serve us: the kernel names each end's other end (`unix_diag`), and `/proc` whose it is.

use super::clock;
use super::hub::Hub;
use super::unix_diag::{self, End, Socket};
use infiniservice_hub_core::State;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked up again.
const EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether a machine has become unserved.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Processes that are looked at.
const MAX_PROCESSES: usize = 100_000;

/// Looks it up for each machine that becomes unserved, and again each minute.
pub(super) async fn watch(hub: Rc<Hub>) {
    let mut looked_up = HashMap::new();
    loop {
        let now = clock::now().mono;
        let unserved = unserved(&hub);
        looked_up.retain(|name, at| unserved.contains_key(name) && now.saturating_sub(*at) < EVERY);
        let due: BTreeMap<_, _> =
            unserved.into_iter().filter(|(name, _)| !looked_up.contains_key(name)).collect();
        if !due.is_empty() {
            looked_up.extend(due.keys().map(|name| (Arc::clone(name), now)));
            // Whatever hangs in /proc must not hold up the guests.
            let found = tokio::task::spawn_blocking(move || holders(&due)).await.unwrap_or_default();
            for (name, text) in found {
                hub.is_held(&name, &text);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn unserved(hub: &Hub) -> BTreeMap<Arc<str>, End> {
    let state = hub.state.borrow();
    let is_unserved =
        |name: &str| state.fleet.get(name).is_some_and(|entry| entry.machine.state() == State::Unserved);
    let unserved = state.links.iter().filter(|(name, _)| is_unserved(name));
    unserved.map(|(name, link)| (Arc::clone(name), link.end.clone())).collect()
}

/// A sentence for each.
pub(super) fn holders(ends: &BTreeMap<Arc<str>, End>) -> Vec<(Arc<str>, String)> {
    let sockets = match unix_diag::connected() {
        Ok(sockets) => sockets,
        Err(error) => {
            let text =
                format!("who holds the socket cannot be told: the kernel says nothing of sockets: {error}");
            return ends.keys().map(|name| (Arc::clone(name), text.clone())).collect();
        }
    };
    let others: HashMap<_, _> = ends.iter().map(|(name, end)| (name, other_end(&sockets, end))).collect();
    let wanted: HashSet<u64> = others.values().filter_map(Other::held_by).collect();
    let owners = if wanted.is_empty() { HashMap::new() } else { owners(&wanted) };
    others.into_iter().map(|(name, other)| (Arc::clone(name), sentence(&other, &owners))).collect()
}

/// Who is at the other end of the guest's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Other {
    /// We are, and the guest says nothing.
    Us,
    /// The socket of this inode.
    Held(u64),
    /// Nobody: our connection waits all the same.
    Nobody,
}

impl Other {
    const fn held_by(&self) -> Option<u64> {
        match self {
            Self::Held(inode) => Some(*inode),
            Self::Us | Self::Nobody => None,
        }
    }
}

fn other_end(sockets: &[Socket], own: &End) -> Other {
    // A connection that was not accepted yet has no inode.
    if sockets.iter().any(|socket| socket.inode != 0 && socket.peer == own.inode) {
        return Other::Us;
    }
    let accepted = |socket: &&Socket| socket.inode != 0 && socket.peer != 0 && socket.name == own.bound_to;
    let held = sockets.iter().find(accepted).filter(|_| !own.bound_to.is_empty());
    held.map_or(Other::Nobody, |socket| Other::Held(socket.peer))
}

/// The processes that have these sockets, and their names.
fn owners(wanted: &HashSet<u64>) -> HashMap<u64, Owner> {
    let mut owners = HashMap::new();
    let Ok(processes) = Path::new("/proc").read_dir() else { return owners };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids.take(MAX_PROCESSES) {
        let Ok(descriptors) = Path::new("/proc").join(pid.to_string()).join("fd").read_dir() else {
            continue;
        };
        for target in descriptors.flatten().filter_map(|entry| entry.path().read_link().ok()) {
            let Some(inode) = inode(&target).filter(|inode| wanted.contains(inode)) else { continue };
            // systemd may keep a copy for the one whose it is.
            if pid != 1 || !owners.contains_key(&inode) {
                owners.insert(inode, Owner { pid, name: name(pid) });
            }
        }
    }
    owners
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    pid: u32,
    name: String,
}

/// The number in `socket:[NUMBER]`.
fn inode(target: &Path) -> Option<u64> {
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// A process's name is its own to choose.
fn name(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().chars().filter(|c| !c.is_control()).take(64).collect()
}

fn sentence(other: &Other, owners: &HashMap<u64, Owner>) -> String {
    match other {
        Other::Us => "the hub has the socket, but no agent speaks in the machine".to_owned(),
        Other::Nobody => "nobody takes connections to the socket, and no other program has it".to_owned(),
        Other::Held(inode) => match owners.get(inode) {
            Some(Owner { pid, name }) => format!("held by {name}, pid {pid}"),
            None => format!(
                "held by a program that this hub may not see (socket {inode}): it has no right to look at all processes, \
                 or the program is in another container"
            ),
        },
    }
}

impl Hub {
    fn is_held(&self, name: &Arc<str>, text: &str) {
        let events = |machine: &mut infiniservice_hub_core::Machine| machine.held(text).into_iter().collect();
        self.act(name, |machine, _| infiniservice_hub_core::machine::Reaction {
            events: events(machine),
            ..Default::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use tokio::net::UnixStream;

    #[tokio::test]
    async fn a_second_client_learns_who_the_first_one_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let first = UnixStream::connect(&path).await.unwrap();
        let (served, _) = listener.accept().unwrap();
        let second = UnixStream::connect(&path).await.unwrap();
        let ends = BTreeMap::from([("web".into(), End::of(&second))]);
        let own = std::process::id();
        assert_eq!(holders(&ends), [("web".into(), format!("held by {}, pid {own}", name(own)))]);
        drop((first, served));
        assert!(holders(&ends)[0].1.starts_with("nobody takes"), "{:?}", holders(&ends));
        let _accepted = listener.accept().unwrap();
        assert!(holders(&ends)[0].1.starts_with("the hub has"), "{:?}", holders(&ends));
        drop(second);
    }

    #[test]
    fn what_may_not_be_seen_is_said() {
        let text = sentence(&Other::Held(7), &HashMap::new());
        assert!(text.contains("may not see (socket 7)"), "{text}");
    }
}
