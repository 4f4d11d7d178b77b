//! Linux: `/proc`, `/sys` and netlink.

mod disks;
mod files;
mod interfaces;
mod machine;
mod netlink;
mod process_file;
mod processes;
mod sockets;

pub use disks::space_of;
pub use interfaces::links_and_addresses;
pub use machine::Machine;
