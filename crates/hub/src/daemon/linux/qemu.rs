//! What QEMU's command line says of the machine behind a socket, where the kernel names QEMU as the socket's other end.

use super::hub::Hub;
use crate::pattern;
use infiniservice_hub_core::fleet::Qemu;
use rustix::net::sockopt::socket_peercred;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;

/// Longest command line that is read: libvirt's have some thousand bytes.
const MAX_BYTES: u64 = 1 << 20;

/// How long the name is waited for, before the path's is taken.
const WITHIN: Duration = Duration::from_secs(2);

/// The process that listens on a guest's socket: QEMU, or a libvirt that hands its own socket over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(Option<(i32, u32)>);

impl Peer {
    /// Who listens, as the kernel says.
    pub(super) fn of(stream: &UnixStream) -> Self {
        Self(socket_peercred(stream).ok().map(|peer| (peer.pid.as_raw_pid(), peer.uid.as_raw())))
    }

    /// The whole name of a machine whose name in the socket's path may be cut; `None` where it cannot be known.
    pub(super) async fn whole_name(self, short: &str) -> Option<String> {
        let qemu = tokio::time::timeout(WITHIN, self.look()).await.ok().flatten();
        whole(qemu.as_ref(), short).map(str::to_owned)
    }

    /// Puts what is known of the machine's QEMU into the table.
    pub(super) async fn tell(self, hub: &Hub, vm: &str) {
        let qemu = self.look().await;
        if let Some(other) = qemu.as_ref().and_then(|qemu| qemu.name.as_ref()).filter(|other| *other != vm) {
            log::info!("{vm}: QEMU names this machine {other:?}");
        }
        hub.state.borrow_mut().fleet.runs_in(vm, qemu);
    }

    async fn look(self) -> Option<Qemu> {
        let (pid, uid) = self.0?;
        // The kernel may make a reader of it wait, where QEMU itself waits for a disk that hangs.
        tokio::task::spawn_blocking(move || of_process(pid, uid)).await.ok().flatten()
    }
}

fn of_process(pid: i32, uid: u32) -> Option<Qemu> {
    use std::io::Read as _;
    let directory = Path::new("/proc").join(pid.to_string());
    // The number may be another process's by now, which must not name a machine of somebody else.
    let owner = directory.metadata().ok()?.uid();
    if owner != uid && owner != 0 {
        return None;
    }
    let mut line = Vec::new();
    std::fs::File::open(directory.join("cmdline")).ok()?.take(MAX_BYTES).read_to_end(&mut line).ok()?;
    read(pid, &line)
}

/// `-name guest=NAME,…` or `-name NAME`, and `-uuid`.
fn read(pid: i32, command_line: &[u8]) -> Option<Qemu> {
    let words: Vec<_> = command_line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let after = |option: &str| {
        let at = words.iter().position(|word| word.strip_prefix('-') == Some(option))?;
        words.get(at + 1).map(AsRef::as_ref)
    };
    let name = after("name").and_then(name).and_then(|name| pattern::vm(&name));
    let uuid = after("uuid").filter(|uuid| uuid.len() == 36 && uuid.is_ascii()).map(str::to_owned);
    (name.is_some() || uuid.is_some()).then_some(Qemu { pid, name, uuid })
}

/// A comma in a name is written twice.
fn name(value: &str) -> Option<String> {
    let value = value.replace(",,", "\0");
    let mut options = value.split(',').enumerate();
    let found = options.find_map(|(n, option)| match option.strip_prefix("guest=") {
        Some(name) => Some(name),
        None => (n == 0 && !option.contains('=')).then_some(option),
    });
    found.map(|name| name.replace('\0', ","))
}

/// The whole name of a machine whose name in the socket's path libvirt may have cut; `None` where it is not known.
fn whole<'a>(qemu: Option<&'a Qemu>, short: &str) -> Option<&'a str> {
    qemu?.name.as_deref().filter(|name| name.starts_with(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<Qemu> {
        read(7, line.replace(' ', "\0").as_bytes())
    }

    #[test]
    fn qemus_name_is_read_in_both_spellings() {
        let name = |line: &str| of(line).and_then(|qemu| qemu.name);
        assert_eq!(name("qemu -name guest=web-017,debug-threads=on -S").as_deref(), Some("web-017"));
        assert_eq!(name("qemu -name debug-threads=on,guest=web").as_deref(), Some("web"));
        assert_eq!(name("qemu -name web -m 512").as_deref(), Some("web"));
        assert_eq!(name("qemu -name web,process=x").as_deref(), Some("web"));
        assert_eq!(name("qemu -name guest=a,,b,process=x").as_deref(), Some("a,b"));
        assert_eq!(of("qemu -m 512"), None);
        assert_eq!(of("qemu -name"), None);
        assert_eq!(of("qemu -name guest=../x"), None, "it must be a name as one of a path is");
    }

    #[test]
    fn its_uuid_is_read() {
        let uuid = "5f8c1d5e-51a4-4b30-bd0f-6b1f5ca0a6c4";
        let qemu = of(&format!("qemu -name guest=web -uuid {uuid}")).unwrap();
        assert_eq!((qemu.uuid.as_deref(), qemu.pid), (Some(uuid), 7));
    }

    #[test]
    fn a_name_that_does_not_begin_as_the_paths_is_not_taken() {
        let qemu = |name: &str| Some(Qemu { pid: 1, name: Some(name.to_owned()), uuid: None });
        assert_eq!(
            whole(qemu("web-in-the-north-0123").as_ref(), "web-in-the-north-012"),
            Some("web-in-the-north-0123")
        );
        assert_eq!(whole(qemu("db").as_ref(), "web-in-the-north-012"), None);
        assert_eq!(whole(None, "web-in-the-north-012"), None);
    }
}
