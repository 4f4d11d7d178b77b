//! The virtual machine in which the agent is tested: its image, QEMU around it, and a shell inside it.
//!
//! Blocking code throughout: tests call it from their own threads. Linux hosts only.
//!
//! ```no_run
//! use infiniservice_lab::{BootOptions, Machine};
//!
//! # fn main() -> anyhow::Result<()> {
//! let machine = Machine::boot(&BootOptions::default())?;
//! let kernel = machine.shell("uname -r")?.expect_success()?;
//! println!("{kernel}, port at {}", machine.agent_socket().display());
//! # Ok(())
//! # }
//! ```

pub mod apt;
pub mod browser;
pub mod command;
pub mod console;
pub mod dirs;
pub mod exec;
pub mod far;
pub mod guest_agent;
pub mod image;
pub mod imports;
pub mod jsonline;
pub mod key;
pub mod libvirt;
pub mod local_guest;
pub mod machine;
pub mod namespace;
pub mod nats;
pub mod packages;
pub mod payload;
pub mod pypi;
pub mod qmp;
mod relay;
pub mod system;
pub mod tree;
pub mod usermode;
pub mod wine;

pub use browser::{Browser, Screen};
pub use exec::{Exec, ExecOutput};
pub use far::FarHost;
pub use image::{Image, recipe::Recipe};
pub use local_guest::LocalGuest;
pub use machine::{Machine, options::BootOptions, options::Network};
pub use namespace::{Namespace, Template};
pub use nats::NatsServer;
pub use system::{Kind, System};
pub use usermode::UserMode;
