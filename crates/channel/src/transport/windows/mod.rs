//! Devices on Windows: virtio ports, COM ports and named pipes, by overlapped I/O.

mod open;
mod port;
mod system;
mod virtio;

pub use infiniservice_platform::win32::devices_unsafe::{announced_ports, devices};
pub use open::{open, probe};
pub use system::SystemTransport;
