//! What the kernel, systemd and Windows give, with types of its own. All unsafe code of the guest is here.

pub mod blocking;
#[cfg(target_os = "linux")]
pub mod cgroup;
pub mod clock;
#[cfg(not(target_os = "windows"))]
#[path = "environment_unsafe.rs"]
pub mod environment;
#[cfg(target_os = "windows")]
#[path = "environment_windows_unsafe.rs"]
pub mod environment;
#[cfg(target_os = "linux")]
pub mod file_systems_unsafe;
pub mod file_watch;
pub mod gate;
#[cfg(target_os = "linux")]
pub mod hardware_clock_unsafe;
#[cfg(target_os = "linux")]
pub mod inherited_unsafe;
#[cfg(target_os = "linux")]
pub mod inotify;
#[cfg(target_os = "linux")]
pub mod journal;
#[cfg(target_os = "linux")]
pub mod lease_unsafe;
/// Readers of the kernel's and the system's text files: pure, so that they compile and are tested everywhere.
pub mod linux {
    pub mod accounts;
    pub mod mounts;
    pub mod procfs;
    pub mod system;
    pub mod text;
}
pub mod os_detection;
#[cfg(target_os = "linux")]
pub mod reactor_unsafe;
pub mod sanitize;
pub mod scm;
#[cfg(target_os = "linux")]
pub mod signals_unsafe;
#[cfg(target_os = "linux")]
pub mod start;
#[cfg(target_os = "linux")]
pub mod systemd;
#[cfg(target_os = "linux")]
#[path = "trusted/linux.rs"]
pub mod trusted;
#[cfg(target_os = "windows")]
#[path = "trusted/windows.rs"]
pub mod trusted;
#[cfg(target_os = "linux")]
pub mod vsock_unsafe;
pub mod win32;

/// The agent's version, as `--version` and `hello` tell it: all crates have the same.
pub const AGENT_VERSION: &str = env!("CARGO_PKG_VERSION");
