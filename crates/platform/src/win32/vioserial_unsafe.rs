//! Asks vioserial about an open port.
#![allow(unsafe_code)]

use std::os::windows::io::{AsRawHandle, RawHandle};
use windows::Win32::Foundation::{CloseHandle, ERROR_IO_PENDING, HANDLE};
use windows::Win32::System::IO::{DeviceIoControl, GetOverlappedResult, OVERLAPPED};
use windows::Win32::System::Threading::CreateEventW;

/// `IOCTL_GET_INFORMATION` (`vioserial/sys/public.h`): `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)`.
const GET_INFORMATION: u32 = 0x22 << 16 | 0x800 << 2;
const _: () = assert!(GET_INFORMATION == 0x0022_2000, "as virtio-win's programs have it");
/// Room for the answer; names are far shorter.
const ROOM_BYTES: usize = 256;

/// An event of our own, closed with this value.
struct OwnEvent(HANDLE);

impl Drop for OwnEvent {
    fn drop(&mut self) {
        // SAFETY: made by `own_event`, and closed once.
        let _closed = unsafe { CloseHandle(self.0) };
    }
}

fn own_event() -> Option<OwnEvent> {
    // SAFETY: neither attributes nor a name are given.
    unsafe { CreateEventW(None, true, false, None) }.ok().map(OwnEvent)
}

/// What the driver tells, as its record's bytes (`VIRTIO_PORT_INFO`); `None`: it is no port of vioserial. Works while a read is pending, and does not wait: the
/// driver answers from its own memory.
pub fn information(device: &impl AsRawHandle) -> Option<Vec<u8>> {
    let mut room = [0; ROOM_BYTES];
    let count = ask(device.as_raw_handle(), &mut room)?;
    room.get(..count).map(<[u8]>::to_vec)
}

fn ask(device: RawHandle, room: &mut [u8; ROOM_BYTES]) -> Option<usize> {
    let (device, event) = (HANDLE(device), own_event()?);
    // The lowest bit keeps the completion from tokio's completion port, which did not ask for it.
    let tagged = HANDLE(event.0.0.map_addr(|address| address | 1));
    let mut overlapped = OVERLAPPED { hEvent: tagged, ..OVERLAPPED::default() };
    let (size, output) = (room.len() as u32, room.as_mut_ptr().cast());
    // SAFETY: the handle is open for the call; buffer and structure live until the completion is awaited below.
    let asked = unsafe {
        DeviceIoControl(device, GET_INFORMATION, None, 0, Some(output), size, None, Some(&raw mut overlapped))
    };
    if asked.is_err_and(|error| error.code() != ERROR_IO_PENDING.to_hresult()) {
        return None;
    }
    let mut count = 0;
    // SAFETY: waits for the operation begun above, on the same structure.
    let done = unsafe { GetOverlappedResult(device, &raw const overlapped, &raw mut count, true) };
    done.ok().map(|()| count as usize)
}
