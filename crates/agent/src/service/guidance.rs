//! What to do when there is no device, said once.

/// Lines for the log when no candidate exists.
pub const NO_DEVICE: &str = "no virtio-serial port found; waiting for one. The machine needs a channel named org.infinibay.agent \
(libvirt: <channel type='unix'><target type='virtio' name='org.infinibay.agent'/></channel>); `infiniservice --diagnose` tells what is there";

/// The same where `--require-virtio` forbids to wait.
pub const NO_DEVICE_REQUIRED: &str = "no virtio-serial port could be opened and require_virtio is set: giving up. \
`infiniservice --diagnose` tells what is there and what to do";

/// Said at start with `--no-virtio`.
pub const NO_VIRTIO: &str = "no_virtio is set: no port is opened, metrics go to the log only";
