//! What is true of devices on Windows and can be told anywhere: error codes, device names, the order of candidates, the
//! host's state.

pub mod codes;
pub mod hardware;
pub mod info;
pub mod paths;
mod patience;
pub mod virtio_state;
