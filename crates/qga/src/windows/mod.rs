//! What a Windows guest tells, as the protocol has it. Pure, so that it is tested everywhere; what asks Windows is the
//! executor's.

mod disks;
mod network;
mod system;

pub use disks::{PhysicalDisk, address, disk, numbers};
pub use network::route;
pub use system::{device, file_time, os_info, timezone, users};
