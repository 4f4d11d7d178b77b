//! The kernel's command line.

use std::ffi::OsString;
use std::path::Path;

use crate::image::Image;

/// The kernel, which is an ordinary program.
pub(super) const KERNEL: &str = "linux.uml";
/// Has it run a program of the host's that ends at once.
pub(super) const TRIAL: [&str; 9] = [
    "mem=128M",
    "root=/dev/root",
    "rootfstype=hostfs",
    "rootflags=/",
    "ro",
    "init=/bin/true",
    "con=null",
    "con0=null,fd:1",
    "loglevel=4",
];
/// Memory in MiB, as the emulated machine has.
pub(super) const MEMORY_MIB: u64 = 768;
/// Names of files in a system's directory.
pub(super) const AGENT_SOCKET: &str = "agent.sock";
pub(super) const GUEST_AGENT_SOCKET: &str = "qga.sock";
pub(super) const CONSOLE_SOCKET: &str = "console.sock";
pub(super) const CONSOLE_LOG: &str = "console.log";
pub(super) const PAYLOAD_DISK: &str = "payload.img";
pub(super) const BOOT_SCRIPT: &str = "boot.sh";
/// What is written to the root disk: the image is only read.
const CHANGES: &str = "changes.cow";
/// Number of a console among virtio's devices.
const VIRTIO_CONSOLE: u32 = 3;

/// The arguments of the kernel of a system that keeps its files in `dir`.
pub(super) fn arguments(image: &Image, dir: &Path) -> Vec<OsString> {
    let path = |name: &str| dir.join(name).display().to_string();
    [
        format!("mem={MEMORY_MIB}M"),
        // `c`: the image is locked neither for nor against emulated machines that read it, too.
        format!("ubd0c={},{}", path(CHANGES), image.disk().display()),
        format!("ubd1r={}", path(PAYLOAD_DISK)),
        // The host's files, until the script has made the disk the root.
        "root=/dev/root rootfstype=hostfs rootflags=/ ro".to_owned(),
        format!("init={}", path(BOOT_SCRIPT)),
        format!("virtio_uml.device={}:{VIRTIO_CONSOLE}", path(CONSOLE_SOCKET)),
        "con=null con0=null,fd:1 ssl=null loglevel=4 pty.legacy_count=0".to_owned(),
        format!("uml_dir={}/ umid=kernel", dir.display()),
    ]
    .iter()
    .flat_map(|words| words.split(' ').map(OsString::from))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Vec<String> {
        let arguments = arguments(&Image::at(Path::new("/cache/image")), Path::new("/run/lab"));
        arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_image_is_read_and_what_is_written_goes_elsewhere() {
        assert!(
            line().contains(&"ubd0c=/run/lab/changes.cow,/cache/image/disk.img".to_owned()),
            "{:?}",
            line()
        );
        assert!(line().contains(&"ubd1r=/run/lab/payload.img".to_owned()), "{:?}", line());
    }

    #[test]
    fn its_console_device_is_the_labs() {
        assert!(line().contains(&"virtio_uml.device=/run/lab/console.sock:3".to_owned()), "{:?}", line());
    }
}
