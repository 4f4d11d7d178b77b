//! The domain's XML, and what is read from that which libvirt tells.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::disk::{DATA, DISK, INITRD, KERNEL};

/// The console's log in the domain's directory.
pub(super) const CONSOLE: &str = "console.log";

/// The port of the tests' own way in, beside the one that libvirt itself speaks on.
pub const WAY_IN: &str = "org.qemu.guest_agent.1";

/// The host's end of the tests' own way in.
pub(super) fn way_in(domain: &str) -> PathBuf {
    Path::new(SOCKETS).join(format!("{domain}.{WAY_IN}.sock"))
}

/// The definition of the domain: kernel and initrd apart from the disk, as the lab boots, three channels, and a second disk.
pub(super) fn domain(name: &str, dir: &Path, channel: &str, kernel_arguments: &str) -> String {
    let file = |file: &str| dir.join(file).display().to_string();
    format!(
        "<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>768</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>root=/dev/vda rw console=ttyS0 loglevel=4 mitigations=off no_timer_check {kernel_arguments}</cmdline>
  </os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <pm><suspend-to-mem enabled='yes'/></pm>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe' discard='unmap'/>
      <source file='{data}'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='file'><source path='{console}'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='unix'><source mode='bind' path='{way_in}'/><target type='virtio' name='{WAY_IN}'/></channel>
    {channel}
    <memballoon model='none'/>
  </devices>
</domain>
",
        kernel = file(KERNEL),
        initrd = file(INITRD),
        disk = file(DISK),
        data = file(DATA),
        way_in = way_in(name).display(),
        console = file(CONSOLE),
    )
}

/// A socket that libvirt names itself.
const UNNAMED: &str = "<source mode='bind'/>";
/// Where QEMU may make one.
const SOCKETS: &str = "/var/lib/libvirt/qemu";

/// The channel of `packaging/libvirt-channel.xml` with a socket whose path is known before the domain runs; and that socket.
pub(super) fn own_channel(packaged: &str, domain: &str) -> Result<(String, PathBuf)> {
    let (before, after) = packaged.split_once(UNNAMED).context("the channel's source is another one")?;
    let own = Path::new(SOCKETS).join(format!("{domain}.org.infinibay.agent.sock"));
    Ok((format!("{before}<source mode='bind' path='{}'/>{after}", own.display()), own))
}

/// The state in the `<target type='virtio' name='…' state='…'/>` of a running domain's channel.
pub(super) fn channel_state(domain: &str, channel: &str) -> Option<String> {
    let name = format!("name='{channel}'");
    let target =
        domain.lines().find(|line| line.contains("<target type='virtio'") && line.contains(&name))?;
    let (_, state) = target.split_once("state='")?;
    state.split_once('\'').map(|(state, _)| state.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `virsh dumpxml` of libvirt 9.0.0 tells two channels.
    const DUMPED: &str = "
      <target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/>
      <target type='virtio' name='org.infinibay.agent' state='connected'/>
";

    #[test]
    fn each_channel_has_its_own_state() {
        let state = |name: &str| channel_state(DUMPED, name);
        assert_eq!(state("org.infinibay.agent").as_deref(), Some("connected"));
        assert_eq!(state("org.qemu.guest_agent.0").as_deref(), Some("disconnected"));
        assert_eq!(state("org.infinibay"), None);
    }

    #[test]
    fn the_packaged_channel_gets_a_socket_of_the_domains_own() {
        let packaged = include_str!("../../../../packaging/libvirt-channel.xml");
        let (xml, socket) = own_channel(packaged, "one").unwrap();
        assert_eq!(socket, Path::new("/var/lib/libvirt/qemu/one.org.infinibay.agent.sock"));
        assert!(xml.contains("path='/var/lib/libvirt/qemu/one.org.infinibay.agent.sock'/>"), "{xml}");
        assert!(xml.contains("<target type='virtio' name='org.infinibay.agent'/>"), "{xml}");
    }
}
