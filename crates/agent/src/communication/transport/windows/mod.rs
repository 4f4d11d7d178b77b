//! Devices on Windows: virtio ports, COM ports and named pipes, by overlapped I/O.

mod adopt_unsafe;
mod open;
mod port;
mod serial_unsafe;
mod system;

pub use open::open;
pub use port::WindowsPort;
pub use system::SystemTransport;
