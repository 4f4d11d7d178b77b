//! The process's own environment: the kernel shows the block that a program was started with for as long as it lives
//! (`/proc/PID/environ`), whatever becomes of the variables.

#[cfg(unix)]
mod block_unsafe;
#[cfg(not(unix))]
mod variables_unsafe;

#[cfg(unix)]
pub use block_unsafe::forget;
#[cfg(not(unix))]
pub use variables_unsafe::forget;
