//! Who is at the other end of a socket, as the kernel says.

use rustix::net::sockopt::socket_peercred;
use std::os::fd::AsFd;
use tokio::net::UnixStream;

/// A client of one of the hub's sockets.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// Its user.
    pub(super) uid: u32,
    /// Its process; 0 where it is another PID namespace's.
    pub(super) pid: i32,
    /// Whether it may change something: root, and the hub's own user.
    pub(super) may_change: bool,
}

impl Actor {
    /// The one behind a connection.
    pub(super) fn of(stream: impl AsFd) -> Result<Self, String> {
        let peer = socket_peercred(stream).map_err(|error| format!("cannot tell who connects: {error}"))?;
        let uid = peer.uid.as_raw();
        let own = rustix::process::geteuid().as_raw();
        Ok(Self { uid, pid: peer.pid.as_raw_pid(), may_change: [0, own].contains(&uid) })
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "uid {} (pid {})", self.uid, self.pid)
    }
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
    fn qemus_name_is_read_in_both_spellings() {
        let name = |line: &str| guest_name(line.replace(' ', "\0").as_bytes());
        assert_eq!(name("qemu -name guest=web-017,debug-threads=on -S").as_deref(), Some("web-017"));
        assert_eq!(name("qemu -name web -m 512").as_deref(), Some("web"));
        assert_eq!(name("qemu -name web,process=x").as_deref(), Some("web"));
        assert_eq!(name("qemu -m 512"), None);
        assert_eq!(name("qemu -name"), None);
    }
}
