//! How a machine is to be, and the QEMU command line that makes it so.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::image::Image;

/// Environment variable that chooses QEMU's accelerator. Without it instructions are translated (`tcg`), which
/// works everywhere; `kvm` is not taken by itself because nested KVM is known to hang.
pub const ACCEL_VARIABLE: &str = "INFINISERVICE_LAB_ACCEL";

/// Guards against attacks on real processors cost an emulated one a third of its boot and half of each system call.
/// `no_timer_check`: where other programs hold QEMU up, no tick comes within the kernel's test of its timer, and it panics.
const KERNEL_COMMAND_LINE: &str = "root=/dev/vda rw console=ttyS0 loglevel=4 mitigations=off no_timer_check";

/// Name of the agent's port.
pub const AGENT_PORT: &str = "org.infinibay.agent";
/// Names of files in a machine's directory.
pub(super) const AGENT_SOCKET: &str = "agent.sock";
pub(super) const GUEST_AGENT_SOCKET: &str = "qga.sock";
pub(super) const MONITOR_SOCKET: &str = "qmp.sock";
pub(super) const CONSOLE_SOCKET: &str = "console.sock";
pub(super) const CONSOLE_LOG: &str = "console.log";
pub(super) const PAYLOAD_DISK: &str = "payload.img";
pub(super) const PID_FILE: &str = "qemu.pid";

/// QEMU's names of the agent's port, its bus and its character device.
pub(super) const AGENT_DEVICE: &str = "agent0";
const SERIAL_BUS: &str = "serial0.0";
const AGENT_CHARDEV: &str = "agentchar";

/// The guest's way to the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// An address by DHCP, a gateway, and nothing behind it: tests depend on nobody.
    Isolated,
    /// User-mode networking through the host.
    Open,
}

/// How a machine is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootOptions {
    /// Number of virtual processors.
    pub cpus: u8,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Directory that the guest gets to see, read-only, at [`crate::payload::MOUNT_POINT`].
    pub payload: Option<PathBuf>,
    /// What the guest can reach.
    pub network: Network,
    /// How long the guest may take until its services are up.
    pub boot_timeout: Duration,
    /// More arguments for QEMU.
    pub extra_arguments: Vec<String>,
}

impl Default for BootOptions {
    /// Two processors, which boot faster than one even on two cores, and 768 MiB.
    fn default() -> Self {
        Self {
            cpus: 2,
            memory_mib: 768,
            payload: None,
            network: Network::Isolated,
            boot_timeout: Duration::from_mins(5),
            extra_arguments: Vec::new(),
        }
    }
}

/// The arguments of QEMU for a machine that keeps its files in `dir`.
pub(super) fn arguments(options: &BootOptions, image: &Image, dir: &Path) -> Vec<OsString> {
    let accelerator = env::var(ACCEL_VARIABLE).unwrap_or_else(|_| "tcg".to_owned());
    let mut args = Arguments::default();
    args.text("-nodefaults -no-user-config -display none -machine pc");
    args.pair("-accel", &accelerator_argument(&accelerator));
    args.pair("-smp", &options.cpus.to_string());
    args.pair("-m", &options.memory_mib.to_string());
    args.path("-kernel", "", &image.kernel(), "");
    args.path("-initrd", "", &image.initrd(), "");
    args.pair("-append", KERNEL_COMMAND_LINE);
    args.path("-drive", "format=raw,if=virtio,snapshot=on,file=", &image.disk(), "");
    args.path("-drive", "format=raw,if=virtio,read-only=on,file=", &dir.join(PAYLOAD_DISK), "");
    let restrict = if options.network == Network::Isolated { ",restrict=on" } else { "" };
    args.pair("-netdev", &format!("user,id=net0{restrict}"));
    args.pair("-device", "virtio-net-pci,netdev=net0,romfile=");
    args.pair("-device", "virtio-serial-pci,id=serial0");
    args.path("-chardev", "socket,server=on,wait=off,id=agentchar,path=", &dir.join(AGENT_SOCKET), "");
    args.pair(
        "-device",
        &format!(
            "virtserialport,bus={SERIAL_BUS},chardev={AGENT_CHARDEV},name={AGENT_PORT},id={AGENT_DEVICE}"
        ),
    );
    args.path("-chardev", "socket,server=on,wait=off,id=qgachar,path=", &dir.join(GUEST_AGENT_SOCKET), "");
    args.pair(
        "-device",
        &format!("virtserialport,bus={SERIAL_BUS},chardev=qgachar,name=org.qemu.guest_agent.0"),
    );
    let log = format!(",logfile={}", escaped(&dir.join(CONSOLE_LOG)));
    args.path("-chardev", "socket,server=on,wait=off,id=console,path=", &dir.join(CONSOLE_SOCKET), &log);
    args.pair("-serial", "chardev:console");
    args.path("-qmp", "unix:", &dir.join(MONITOR_SOCKET), ",server=on,wait=off");
    args.path("-pidfile", "", &dir.join(PID_FILE), "");
    args.0.extend(options.extra_arguments.iter().map(OsString::from));
    args.0
}

/// The arguments of `device_add` that put the agent's port back, under this name.
pub(super) fn agent_device(name: &str) -> serde_json::Value {
    serde_json::json!({
        "driver": "virtserialport",
        "id": AGENT_DEVICE,
        "bus": SERIAL_BUS,
        "chardev": AGENT_CHARDEV,
        "name": name,
    })
}

fn accelerator_argument(accelerator: &str) -> String {
    if accelerator == "tcg" { "tcg,thread=multi".to_owned() } else { accelerator.to_owned() }
}

/// A path inside an option: QEMU takes a doubled comma for a comma.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn text(&mut self, words: &str) {
        self.0.extend(words.split_whitespace().map(OsString::from));
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.0.extend([name.into(), value.into()]);
    }

    /// An argument with a path in it, escaped where it is one of several options.
    fn path(&mut self, name: &str, before: &str, path: &Path, after: &str) {
        let plain = before.is_empty() && after.is_empty();
        let path = if plain { path.to_string_lossy().into_owned() } else { escaped(path) };
        self.pair(name, &format!("{before}{path}{after}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(options: &BootOptions) -> String {
        let args = arguments(options, &Image::at(Path::new("/cache/a,b")), Path::new("/run/lab"));
        let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        args.join(" ")
    }

    #[test]
    fn both_ports_stand_on_one_bus_with_their_sockets() {
        let line = joined(&BootOptions::default());
        for part in [
            "-device virtio-serial-pci,id=serial0",
            "path=/run/lab/agent.sock -device virtserialport,bus=serial0.0,chardev=agentchar,name=org.infinibay.agent,id=agent0",
            "path=/run/lab/qga.sock -device virtserialport,bus=serial0.0,chardev=qgachar,name=org.qemu.guest_agent.0",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }

    #[test]
    fn the_image_is_never_written_to() {
        let line = joined(&BootOptions::default());
        assert!(line.contains("snapshot=on,file=/cache/a,,b/disk.img"), "{line}");
        assert!(line.contains("read-only=on,file=/run/lab/payload.img"), "{line}");
        assert!(
            line.contains("-kernel /cache/a,b/vmlinuz"),
            "a path that is no option is not escaped: {line}"
        );
    }

    #[test]
    fn the_guest_is_cut_off_unless_asked_for() {
        assert!(joined(&BootOptions::default()).contains("-netdev user,id=net0,restrict=on"));
        let open = joined(&BootOptions { network: Network::Open, ..BootOptions::default() });
        assert!(open.contains("-netdev user,id=net0 "), "{open}");
    }

    #[test]
    fn options_reach_the_command_line() {
        let options = BootOptions {
            cpus: 1,
            memory_mib: 512,
            extra_arguments: vec!["-snapshot".to_owned()],
            ..BootOptions::default()
        };
        let line = joined(&options);
        assert!(line.contains("-smp 1 -m 512") && line.ends_with("-snapshot"), "{line}");
    }

    #[test]
    fn a_replugged_port_is_the_one_that_was_there() {
        let device = agent_device(AGENT_PORT);
        let line = joined(&BootOptions::default());
        for key in ["bus", "chardev", "name", "id"] {
            let part = format!("{key}={}", device[key].as_str().unwrap());
            assert!(line.contains(&part), "{part} in {line}");
        }
    }
}
