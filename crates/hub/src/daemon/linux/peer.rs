//! Who is at the other end of a socket, as the kernel says.

use infiniservice_hub_core::policy::Identity;
use infiniservice_platform::linux::accounts::{self, Account};
use rustix::net::sockopt::socket_peercred;
use std::fmt;
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;

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

    /// The one whose key signed an order, and over whom it came.
    pub(super) fn operator(name: &str, place: String) -> Self {
        let who = Identity { operator: Some(name.to_owned()), ..Identity::default() };
        Self { who: Rc::new(who), place }
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
}
