//! Devices on Windows: virtio ports, COM ports and named pipes, by overlapped I/O.

mod adopt_unsafe;
mod enumerate_unsafe;
mod ioctl_unsafe;
mod notify_unsafe;
mod open;
mod port;
mod serial_unsafe;
mod system;
mod virtio;

pub use enumerate_unsafe::{announced_ports, devices};
pub use open::{open, probe};
pub use port::WindowsPort;
pub use system::SystemTransport;
