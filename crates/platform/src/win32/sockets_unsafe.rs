//! Sockets of TCP and UDP with their owners, as tables of bytes.
#![allow(unsafe_code)]

use std::io;
use windows::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, GetExtendedUdpTable, TCP_TABLE_OWNER_PID_ALL, UDP_TABLE_OWNER_PID,
};

/// `AF_INET` and `AF_INET6`.
const IPV4: u32 = 2;
const IPV6: u32 = 23;
/// Answers larger than this are not believed.
const MAX_BYTES: usize = 64 << 20;

/// One table (`MIB_TCPTABLE_OWNER_PID` and its like) in `buffer`, which grows as it must, and zeroes or what was there behind it.
pub fn table(buffer: &mut Vec<u64>, is_tcp: bool, is_ipv6: bool) -> io::Result<&[u8]> {
    let family = if is_ipv6 { IPV6 } else { IPV4 };
    if buffer.is_empty() {
        buffer.resize(2 << 10, 0);
    }
    loop {
        let bytes = buffer.len() * 8;
        let (start, mut size) = (buffer.as_mut_ptr().cast(), bytes as u32);
        let code = if is_tcp {
            // SAFETY: the buffer is as long as `size` says.
            unsafe {
                GetExtendedTcpTable(Some(start), &raw mut size, false, family, TCP_TABLE_OWNER_PID_ALL, 0)
            }
        } else {
            // SAFETY: the buffer is as long as `size` says.
            unsafe { GetExtendedUdpTable(Some(start), &raw mut size, false, family, UDP_TABLE_OWNER_PID, 0) }
        };
        if code == 0 {
            // SAFETY: the buffer has this many bytes, and any bytes are valid as bytes.
            return Ok(unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), bytes) });
        }
        let wanted = bytes.max(size as usize).saturating_mul(2);
        if code != ERROR_INSUFFICIENT_BUFFER.0 || wanted > MAX_BYTES {
            return Err(io::Error::from_raw_os_error(code.cast_signed()));
        }
        buffer.resize(wanted / 8, 0);
    }
}
