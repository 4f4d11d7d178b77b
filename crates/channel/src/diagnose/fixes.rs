//! What to do about each problem, in lines that can be copied.

/// For a machine that QEMU runs directly.
pub const QEMU_ARGUMENTS: &[&str] = &[
    "-device virtio-serial-pci",
    "-chardev socket,id=infinibay,path=/run/infinibay-agent.sock,server=on,wait=off",
    "-device virtserialport,chardev=infinibay,name=org.infinibay.agent",
];

/// For a machine of libvirt's.
pub const LIBVIRT_CHANNEL: &[&str] = &[
    "<channel type='unix'>",
    "  <source mode='bind'/>",
    "  <target type='virtio' name='org.infinibay.agent'/>",
    "</channel>",
];

/// Gives a group access to the port.
pub const UDEV_RULE: &str =
    r#"SUBSYSTEM=="virtio-ports", ATTR{name}=="org.infinibay.agent", GROUP="infiniservice", MODE="0660""#;

/// Lines that add the agent's channel to the machine.
pub fn add_channel() -> Vec<String> {
    let mut lines = vec![
        "libvirt, on the host, inside <devices> (`virsh edit MACHINE`), then restart the machine:".into(),
    ];
    lines.extend(LIBVIRT_CHANNEL.iter().map(|line| format!("  {line}")));
    lines.push("or to the running machine: put the same into channel.xml and".into());
    lines.push("  virsh attach-device MACHINE channel.xml --live --config".into());
    lines.push("QEMU without libvirt, on its command line:".into());
    lines.extend(QEMU_ARGUMENTS.iter().map(|line| format!("  {line}")));
    lines
}

/// Loads the driver now and at each start.
pub fn load_driver() -> Vec<String> {
    vec![
        "modprobe virtio_console".into(),
        "echo virtio_console > /etc/modules-load.d/virtio_console.conf".into(),
    ]
}

/// Gives access to a port.
pub fn give_access() -> Vec<String> {
    vec![
        "run as root, as the service does; or give a group access in \
         /etc/udev/rules.d/60-infiniservice.rules:"
            .into(),
        format!("  {UDEV_RULE}"),
        "then".into(),
        "  groupadd --force --system infiniservice && usermod -aG infiniservice USER".into(),
        "  udevadm control --reload && udevadm trigger --subsystem-match=virtio-ports".into(),
    ]
}

/// Access to a port on Windows, where one error has several causes.
pub fn access_denied() -> Vec<String> {
    vec![
        "run from an administrator's console, or as the service, which runs as SYSTEM".into(),
        "stop the program that holds the port: another agent, or one that has just stopped".into(),
    ]
}

/// Makes udev look at the ports again.
pub fn trigger_udev() -> Vec<String> {
    vec![
        "systemctl start systemd-udevd".into(),
        "udevadm trigger --subsystem-match=virtio-ports".into(),
        "udevadm settle".into(),
    ]
}

/// Frees a port from the process that holds it.
pub fn stop_holder(name: &str, pid: u32) -> Vec<String> {
    if name == "qemu-ga" {
        return vec![
            "leave it to qemu-ga, whose channel it is; or: systemctl disable --now qemu-guest-agent".into(),
        ];
    }
    vec![format!("see what it is: systemctl status {pid}"), format!("stop that unit, or: kill {pid}")]
}
