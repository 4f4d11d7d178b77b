//! The machine's present devices by `SetupAPI`, the ports that vioserial announces by `CfgMgr`, and an open one of them: what
//! vioserial tells of it, its time-outs, and how tokio waits on it.
#![allow(unsafe_code)]

use super::device::Device;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, IntoRawHandle as _, RawHandle};
use tokio::net::windows::named_pipe::NamedPipeClient;
use windows::Win32::Devices::Communication::{COMMTIMEOUTS, SetCommTimeouts};
use windows::Win32::Devices::DeviceAndDriverInstallation::{
    CM_DEVNODE_STATUS_FLAGS, CM_GET_DEVICE_INTERFACE_LIST_FLAGS, CM_GET_DEVICE_INTERFACE_LIST_PRESENT,
    CM_Get_DevNode_Status, CM_Get_Device_Interface_List_SizeW, CM_Get_Device_Interface_ListW, CM_PROB,
    CR_SUCCESS, DIGCF_ALLCLASSES, DIGCF_PRESENT, DN_HAS_PROBLEM, HDEVINFO, SETUP_DI_REGISTRY_PROPERTY,
    SP_DEVINFO_DATA, SPDRP_DEVICEDESC, SPDRP_FRIENDLYNAME, SPDRP_HARDWAREID, SPDRP_SERVICE,
    SetupDiDestroyDeviceInfoList, SetupDiEnumDeviceInfo, SetupDiGetClassDevsW, SetupDiGetDeviceInstanceIdW,
    SetupDiGetDevicePropertyW, SetupDiGetDeviceRegistryPropertyW,
};
use windows::Win32::Devices::Properties::{
    DEVPKEY_Device_DriverDate, DEVPKEY_Device_DriverVersion, DEVPROPTYPE,
};
use windows::Win32::Foundation::{CloseHandle, DEVPROPKEY, ERROR_IO_PENDING, HANDLE};
use windows::Win32::Storage::FileSystem::QueryDosDeviceW;
use windows::Win32::System::IO::{DeviceIoControl, GetOverlappedResult, OVERLAPPED};
use windows::Win32::System::Threading::CreateEventW;
use windows::core::{GUID, PCWSTR};

/// Ports of vioserial (`GUID_VIOSERIAL_PORT` in `vioserial/sys/public.h`).
pub const PORT_INTERFACE: GUID = GUID::from_u128(0x6fde7521_1b65_48ae_b628_80be62016026);
/// More devices than any machine has; a bound for the loop.
const MAX_DEVICES: u32 = 8192;
/// Room for one property, in bytes.
const ROOM_BYTES: usize = 4096;

/// A list of devices, given back with this value.
struct List(HDEVINFO);

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: made by `SetupDiGetClassDevsW`, and destroyed once.
        let _destroyed = unsafe { SetupDiDestroyDeviceInfoList(self.0) };
    }
}

/// Every present device; empty where they cannot be listed.
pub fn devices() -> Vec<Device> {
    // SAFETY: no class, no enumerator, no window.
    let list = unsafe { SetupDiGetClassDevsW(None, None, None, DIGCF_ALLCLASSES | DIGCF_PRESENT) };
    let Ok(list) = list.map(List) else { return Vec::new() };
    (0..MAX_DEVICES).map_while(|index| nth(&list, index)).map(|data| describe(&list, &data)).collect()
}

/// Whether there is a device of this name in the Win32 device namespace (`COM3`, a port's own name). It is not opened.
pub fn is_named(name: &str) -> bool {
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let mut target = [0; ROOM_BYTES];
    // SAFETY: the name ends with a zero; the buffer's length goes with it.
    unsafe { QueryDosDeviceW(PCWSTR(name.as_ptr()), Some(&mut target)) > 0 }
}

fn nth(list: &List, index: u32) -> Option<SP_DEVINFO_DATA> {
    let mut data =
        SP_DEVINFO_DATA { cbSize: size_of::<SP_DEVINFO_DATA>() as u32, ..SP_DEVINFO_DATA::default() };
    // SAFETY: the list is alive, the structure has its size set.
    unsafe { SetupDiEnumDeviceInfo(list.0, index, &raw mut data) }.ok().map(|()| data)
}

fn describe(list: &List, data: &SP_DEVINFO_DATA) -> Device {
    let first = |property| texts(list, data, property).into_iter().next();
    Device {
        instance: instance(list, data),
        hardware_ids: texts(list, data, SPDRP_HARDWAREID),
        name: first(SPDRP_FRIENDLYNAME).or_else(|| first(SPDRP_DEVICEDESC)).unwrap_or_default(),
        service: first(SPDRP_SERVICE).unwrap_or_default(),
        driver_version: driver(list, data, &DEVPKEY_Device_DriverVersion)
            .and_then(|room| split(&wide(&room)).into_iter().next()),
        driver_date: driver(list, data, &DEVPKEY_Device_DriverDate)
            .and_then(|room| Some(u64::from_le_bytes(*room.first_chunk()?))),
        problem: problem(data),
    }
}

fn texts(list: &List, data: &SP_DEVINFO_DATA, property: SETUP_DI_REGISTRY_PROPERTY) -> Vec<String> {
    let mut room = [0; ROOM_BYTES];
    // SAFETY: list and structure are alive; the buffer's length goes with it.
    let got =
        unsafe { SetupDiGetDeviceRegistryPropertyW(list.0, data, property, None, Some(&mut room), None) };
    got.map(|()| split(&wide(&room))).unwrap_or_default()
}

/// What the system keeps of its driver.
fn driver(list: &List, data: &SP_DEVINFO_DATA, key: &DEVPROPKEY) -> Option<[u8; 256]> {
    let (mut room, mut kind) = ([0; 256], DEVPROPTYPE::default());
    // SAFETY: list, structures and the key are alive; the buffer's length goes with it.
    let got =
        unsafe { SetupDiGetDevicePropertyW(list.0, data, key, &raw mut kind, Some(&mut room), None, 0) };
    got.ok().map(|()| room)
}

fn instance(list: &List, data: &SP_DEVINFO_DATA) -> String {
    let mut room = [0; 256];
    // SAFETY: list and structure are alive; the buffer's length goes with it.
    let got = unsafe { SetupDiGetDeviceInstanceIdW(list.0, data, Some(&mut room), None) };
    got.ok().and_then(|()| split(&room).into_iter().next()).unwrap_or_default()
}

fn problem(data: &SP_DEVINFO_DATA) -> Option<u32> {
    let (mut status, mut problem) = (CM_DEVNODE_STATUS_FLAGS::default(), CM_PROB::default());
    // SAFETY: both are written by the call only.
    let told = unsafe { CM_Get_DevNode_Status(&raw mut status, &raw mut problem, data.DevInst, 0) };
    (told == CR_SUCCESS && status.contains(DN_HAS_PROBLEM)).then_some(problem.0)
}

/// Paths of the ports that vioserial announces; empty where there are none or they cannot be listed.
pub fn announced_ports() -> Vec<String> {
    interfaces(&PORT_INTERFACE, CM_GET_DEVICE_INTERFACE_LIST_PRESENT)
}

/// Paths of the interfaces of a class; empty where there are none or they cannot be listed.
pub(super) fn interfaces(class: &GUID, flags: CM_GET_DEVICE_INTERFACE_LIST_FLAGS) -> Vec<String> {
    let mut length = 0;
    // SAFETY: the identifier is alive, the length is written by the call only.
    let sized = unsafe { CM_Get_Device_Interface_List_SizeW(&raw mut length, class, None, flags) };
    if sized != CR_SUCCESS || length <= 1 {
        return Vec::new();
    }
    let mut room = vec![0; length as usize];
    // SAFETY: the identifier is alive; the buffer's length goes with it.
    let listed = unsafe { CM_Get_Device_Interface_ListW(class, None, &mut room, flags) };
    if listed == CR_SUCCESS { split(&room) } else { Vec::new() }
}

/// Bytes as UTF-16, whatever their alignment.
fn wide(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

/// The texts before the first empty one.
fn split(list: &[u16]) -> Vec<String> {
    list.split(|unit| *unit == 0).take_while(|text| !text.is_empty()).map(String::from_utf16_lossy).collect()
}

/// `IOCTL_GET_INFORMATION` (`vioserial/sys/public.h`): `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)`.
const GET_INFORMATION: u32 = 0x22 << 16 | 0x800 << 2;
const _: () = assert!(GET_INFORMATION == 0x0022_2000, "as virtio-win's programs have it");
/// Room for the answer; names are far shorter.
const ANSWER_BYTES: usize = 256;

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
    let mut room = [0; ANSWER_BYTES];
    let count = ask(device.as_raw_handle(), &mut room)?;
    room.get(..count).map(<[u8]>::to_vec)
}

fn ask(device: RawHandle, room: &mut [u8; ANSWER_BYTES]) -> Option<usize> {
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

/// `file` must have been opened with `FILE_FLAG_OVERLAPPED`. What tokio does with a client's end of a pipe is `ReadFile`,
/// `WriteFile` and `CancelIoEx`, which are the same for a virtio port and a COM port.
pub fn adopt(file: File) -> io::Result<NamedPipeClient> {
    // SAFETY: the handle is open, and owned by nobody else from here on.
    unsafe { NamedPipeClient::from_raw_handle(file.into_raw_handle()) }
}

/// A read waits for its first byte for ever, and ends 1 ms after the last one; a write waits for ever.
/// Whether it is a COM port at all: what is none refuses.
pub fn set_timeouts(file: &File) -> bool {
    let timeouts = COMMTIMEOUTS { ReadIntervalTimeout: 1, ..COMMTIMEOUTS::default() };
    // SAFETY: the handle is open for as long as `file` lives, and the structure outlives the call.
    unsafe { SetCommTimeouts(HANDLE(file.as_raw_handle()), &raw const timeouts) }.is_ok()
}
