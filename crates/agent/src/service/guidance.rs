//! What is said of a port that is missing or not wanted. That one is waited for, the link says.

/// Said where `--require-virtio` forbids to wait for a port any longer.
pub const NO_DEVICE_REQUIRED: &str = "no virtio-serial port could be opened, and require_virtio is set: \
    giving up. \
`infiniservice --diagnose` shows what is there and what to do";

/// Said at start with `--no-virtio`.
pub const NO_VIRTIO: &str = "no_virtio is set: no port is opened, metrics go to the log only";
