//! What is true of devices on Windows and can be told anywhere: error codes, device names, the order of candidates, the
//! host's state.

pub(crate) mod codes;
pub(crate) mod hardware;
pub(crate) mod paths;
pub(crate) mod virtio_state;
