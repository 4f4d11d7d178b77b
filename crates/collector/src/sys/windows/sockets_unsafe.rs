//! Sockets of TCP and UDP with their owners.
#![allow(unsafe_code)]

use crate::error::CollectError;
use crate::ports::list::Socket;
use crate::ports::win_table::{self, Layout, TCP4, TCP6, UDP4, UDP6};
use std::io;
use windows::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, GetExtendedUdpTable, TCP_TABLE_OWNER_PID_ALL, UDP_TABLE_OWNER_PID,
};

const IPV4: u32 = 2;
const IPV6: u32 = 23;
/// Answers larger than this are not believed.
const MAX_BYTES: usize = 64 << 20;

/// Appends all of them. A machine without IPv6 has two tables less.
pub fn sockets(buffer: &mut Vec<u64>, all: &mut Vec<Socket>) -> Result<(), CollectError> {
    table(buffer, TCP4, IPV4, all)?;
    table(buffer, UDP4, IPV4, all)?;
    let _ = table(buffer, TCP6, IPV6, all);
    let _ = table(buffer, UDP6, IPV6, all);
    Ok(())
}

fn table(
    buffer: &mut Vec<u64>,
    layout: Layout,
    family: u32,
    all: &mut Vec<Socket>,
) -> Result<(), CollectError> {
    if buffer.is_empty() {
        buffer.resize(2 << 10, 0);
    }
    loop {
        let bytes = buffer.len() * 8;
        let (start, mut size) = (buffer.as_mut_ptr().cast(), bytes as u32);
        let code = if layout.is_tcp() {
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
            let table = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), bytes) };
            win_table::parse(table, layout, all);
            return Ok(());
        }
        let wanted = bytes.max(size as usize).saturating_mul(2);
        if code != ERROR_INSUFFICIENT_BUFFER.0 || wanted > MAX_BYTES {
            let error = io::Error::from_raw_os_error(code.cast_signed());
            return Err(CollectError::io("GetExtendedTcpTable", error));
        }
        buffer.resize(wanted / 8, 0);
    }
}
