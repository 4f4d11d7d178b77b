//! Who is at the other end of a socket, as the kernel says.

use infiniservice_hub_core::policy::Identity;
use infiniservice_platform::linux::accounts::{self, Account};
use rustix::net::sockopt::socket_peercred;
use std::fmt;
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;
use tokio::net::UnixStream;

/// A client of one of the hub's sockets.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// Who it is.
    pub(super) who: Rc<Identity>,
    /// Where it is: its process, or its address.
    place: String,
}

impl Actor {
    /// The one behind a connection.
    pub(super) fn of(stream: impl AsFd) -> Result<Self, String> {
        let peer = socket_peercred(stream).map_err(|error| format!("cannot tell who connects: {error}"))?;
        let (uid, own) = (peer.uid.as_raw(), rustix::process::geteuid().as_raw());
        let (user, groups) = names(uid, peer.gid.as_raw());
        let who = Identity {
            uid: Some(uid),
            user,
            groups,
            is_owner: [0, own].contains(&uid),
            ..Identity::default()
        };
        // It is 0 where it is another PID namespace's.
        Ok(Self { who: Rc::new(who), place: format!("pid {}", peer.pid.as_raw_pid()) })
    }

    /// The one with a certificate of these names.
    pub(super) fn certified(sans: Vec<String>, address: &str) -> Self {
        let who = Identity { sans, ..Identity::default() };
        Self { who: Rc::new(who), place: address.to_owned() }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.who, self.place)
    }
}

/// What a user is called, and the groups that it is in, by passwd(5) and group(5).
fn names(uid: u32, gid: u32) -> (Option<String>, Vec<String>) {
    let read = |path: &str| {
        accounts::read(Path::new(path)).unwrap_or_else(|error| {
            log::warn!("cannot read {path}, so that no rule for a user or a group counts: {error}");
            Vec::new()
        })
    };
    let (passwd, group) = (read("/etc/passwd"), read("/etc/group"));
    let user = accounts::name_of(&passwd, uid);
    let account = user.as_ref().and_then(|user| Account::find(&passwd, user));
    let mut ids = account.filter(|it| it.uid == uid).map(|it| it.groups(&group)).unwrap_or_default();
    if !ids.contains(&gid) {
        ids.push(gid);
    }
    let groups = ids.into_iter().filter_map(|id| accounts::name_of(&group, id)).collect();
    (user, groups)
}

/// Compares a socket's name with the one that QEMU's command line has, and tells where they differ. Under libvirt the other
/// end may be libvirtd, which has none.
pub(super) fn compare(name: &str, stream: &UnixStream) {
    let Ok(peer) = socket_peercred(stream) else { return };
    let (name, path) = (name.to_owned(), format!("/proc/{}/cmdline", peer.pid.as_raw_pid()));
    // The kernel may make a reader of it wait, where QEMU itself waits for a disk that hangs.
    tokio::task::spawn_blocking(move || {
        let Ok(line) = std::fs::read(path) else { return };
        if let Some(guest) = guest_name(&line).filter(|guest| *guest != name) {
            log::info!("{name}: QEMU names this machine {guest:?}");
        }
    });
}

/// The name in QEMU's `-name guest=NAME,…` or `-name NAME`.
fn guest_name(command_line: &[u8]) -> Option<String> {
    let mut words =
        command_line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    words.find(|word| word == "-name")?;
    let value = words.next()?;
    let mut options = value.split(',');
    let first = options.next().filter(|first| !first.contains('=')).map(str::to_owned);
    first.or_else(|| value.split(',').find_map(|option| option.strip_prefix("guest=")).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_its_name_and_its_groups() {
        let (own, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let actor = Actor::of(&own).unwrap();
        assert_eq!((actor.who.uid, actor.who.is_owner), (Some(rustix::process::geteuid().as_raw()), true));
        let (user, groups) = names(0, 0);
        assert_eq!((user.as_deref(), groups.iter().filter(|it| *it == "root").count()), (Some("root"), 1));
        assert_eq!(names(u32::MAX - 7, u32::MAX - 7), (None, vec![]));
    }

    #[test]
    fn qemus_name_is_read_in_both_spellings() {
        let name = |line: &str| guest_name(line.replace(' ', "\0").as_bytes());
        assert_eq!(name("qemu -name guest=web-017,debug-threads=on -S").as_deref(), Some("web-017"));
        assert_eq!(name("qemu -name web -m 512").as_deref(), Some("web"));
        assert_eq!(name("qemu -name web,process=x").as_deref(), Some("web"));
        assert_eq!(name("qemu -m 512"), None);
        assert_eq!(name("qemu -name"), None);
    }
}
