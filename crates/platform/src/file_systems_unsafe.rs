//! What the kernel does with a whole file system, asked by ioctl(2) on any of its directories: freeze, thaw, trim
//! (`include/uapi/linux/fs.h`).
#![allow(unsafe_code)]

use rustix::fd::BorrowedFd;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use std::ffi::c_int;
use std::io;

/// `FIFREEZE`; the kernel looks at no argument.
const FREEZE: Opcode = opcode::read_write::<c_int>(b'X', 119);
/// `FITHAW`.
const THAW: Opcode = opcode::read_write::<c_int>(b'X', 120);
/// `FITRIM`.
const TRIM: Opcode = opcode::read_write::<TrimRange>(b'X', 121);

/// `struct fstrim_range`.
#[repr(C)]
struct TrimRange {
    start: u64,
    length: u64,
    minimum: u64,
}

/// Writes out the file system and stops all writing to it until it is thawed, whoever holds the descriptor. May take as long as
/// the writing out. It needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// `EOPNOTSUPP`: it cannot be frozen; `EBUSY`: it is frozen already; or what stopped the writing out.
pub fn freeze(directory: BorrowedFd<'_>) -> io::Result<()> {
    let mut ignored: c_int = 0;
    // SAFETY: the call takes a pointer to an integer and does not look at it.
    Ok(unsafe { ioctl(directory, Updater::<FREEZE, c_int>::new(&mut ignored)) }?)
}

/// Lets writing go on.
///
/// # Errors
/// `EINVAL`: it is not frozen.
pub fn thaw(directory: BorrowedFd<'_>) -> io::Result<()> {
    let mut ignored: c_int = 0;
    // SAFETY: as for freezing.
    Ok(unsafe { ioctl(directory, Updater::<THAW, c_int>::new(&mut ignored)) }?)
}

/// Tells the device of all unused blocks, in runs of at least `minimum` bytes. Gives the bytes that were told, and the minimum
/// that the file system made of it. May take minutes.
///
/// # Errors
/// `EOPNOTSUPP` or `ENOTTY`: device or file system cannot.
pub fn trim(directory: BorrowedFd<'_>, minimum: u64) -> io::Result<(u64, u64)> {
    let mut range = TrimRange { start: 0, length: u64::MAX, minimum };
    // SAFETY: the structure is the kernel's, and lives until the call has ended.
    unsafe { ioctl(directory, Updater::<TRIM, TrimRange>::new(&mut range)) }?;
    Ok((range.length, range.minimum))
}
