//! The hypervisor's signature, from the processor itself.

#[cfg(not(target_arch = "x86_64"))]
mod other;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use other::hypervisor_signature;
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::hypervisor_signature;
