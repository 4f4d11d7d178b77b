//! CPUID: leaf 1 has the hypervisor bit, leaf 0x40000000 the signature (Documentation/virt/kvm/x86/cpuid.rst).

use std::arch::x86_64::__cpuid;

const HYPERVISOR_BIT: u32 = 1 << 31;

/// Twelve letters such as `KVMKVMKVM\0\0\0`; `None` on bare metal.
pub fn hypervisor_signature() -> Option<[u8; 12]> {
    if __cpuid(1).ecx & HYPERVISOR_BIT == 0 {
        return None;
    }
    let leaf = __cpuid(0x4000_0000);
    let mut signature = [0; 12];
    let registers = [leaf.ebx, leaf.ecx, leaf.edx];
    for (place, byte) in signature.iter_mut().zip(registers.into_iter().flat_map(u32::to_le_bytes)) {
        *place = byte;
    }
    Some(signature)
}
