//! The calls of the service control manager, each made safe: handles that close themselves, buffers grown until the answer fits.
//! And the entry point that it calls, made by `windows-service`'s macro.
#![allow(unsafe_code)]

use super::state::{Config, StartType, State, Status};
use crate::win32::wide::{list, wide};
use std::ffi::OsString;
use std::sync::OnceLock;
use windows::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA};
use windows::Win32::System::Services::{
    ChangeServiceConfigW, CloseServiceHandle, ControlService, ENUM_SERVICE_STATUS_PROCESSW,
    ENUM_SERVICE_STATUSW, ENUM_SERVICE_TYPE, EnumDependentServicesW, EnumServicesStatusExW, OpenSCManagerW,
    OpenServiceW, QUERY_SERVICE_CONFIGW, QueryServiceConfig2W, QueryServiceConfigW, QueryServiceStatusEx,
    SC_ENUM_PROCESS_INFO, SC_HANDLE, SC_STATUS_PROCESS_INFO, SERVICE_ACTIVE, SERVICE_CONFIG_DESCRIPTION,
    SERVICE_DESCRIPTIONW, SERVICE_ERROR, SERVICE_NO_CHANGE, SERVICE_START_TYPE, SERVICE_STATE_ALL,
    SERVICE_STATUS, SERVICE_STATUS_PROCESS, SERVICE_WIN32, StartServiceW,
};
use windows::core::{Error, PCWSTR, PWSTR};
use windows_service::{define_windows_service, service_dispatcher};

/// Answers larger than this are not believed: 64 MiB.
const MAX_BYTES: usize = 64 << 20;

/// A Win32 error code.
pub type Code = u32;

/// An open manager or service.
#[derive(Debug)]
pub struct Handle(SC_HANDLE);

// SAFETY: a handle of the service control manager may be used from any thread.
unsafe impl Send for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and nothing uses it after this.
        let _ = unsafe { CloseServiceHandle(self.0) };
    }
}

/// One entry of the list.
#[derive(Debug)]
pub struct Listed {
    /// The short name.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Now.
    pub status: Status,
}

/// Connects to this machine's service control manager.
pub fn connect(access: u32) -> Result<Handle, Code> {
    // SAFETY: null stands for this machine and its active database.
    unsafe { OpenSCManagerW(PCWSTR::null(), PCWSTR::null(), access) }.map(Handle).map_err(|e| code(&e))
}

/// Opens a service by its short name.
pub fn open(manager: &Handle, name: &str, access: u32) -> Result<Handle, Code> {
    let name = wide(name);
    // SAFETY: the name ends with a zero and outlives the call.
    unsafe { OpenServiceW(manager.0, PCWSTR(name.as_ptr()), access) }.map(Handle).map_err(|e| code(&e))
}

/// All services that are processes; drivers are none.
pub fn services(manager: &Handle) -> Result<Vec<Listed>, Code> {
    let kinds = ENUM_SERVICE_TYPE(SERVICE_WIN32.0 | 0xC0);
    let mut count = 0;
    let buffer = grown(|buffer, needed| {
        // SAFETY: the buffer is as long as the slice says; the counters are ours.
        unsafe {
            EnumServicesStatusExW(
                manager.0,
                SC_ENUM_PROCESS_INFO,
                kinds,
                SERVICE_STATE_ALL,
                Some(buffer),
                needed,
                &raw mut count,
                None,
                PCWSTR::null(),
            )
        }
    })?;
    // SAFETY: the call succeeded, so the buffer begins with `count` such records, and is aligned for them.
    let records = unsafe {
        std::slice::from_raw_parts(buffer.as_ptr().cast::<ENUM_SERVICE_STATUS_PROCESSW>(), count as usize)
    };
    Ok(records
        .iter()
        .map(|record| Listed {
            name: text(record.lpServiceName),
            display_name: text(record.lpDisplayName),
            status: status_of(&record.ServiceStatusProcess),
        })
        .collect())
}

/// How a service is doing.
pub fn status(service: &Handle) -> Result<Status, Code> {
    let mut bytes = [0u8; size_of::<SERVICE_STATUS_PROCESS>()];
    let mut needed = 0;
    // SAFETY: the buffer has the size of the record that this level writes.
    unsafe { QueryServiceStatusEx(service.0, SC_STATUS_PROCESS_INFO, Some(&mut bytes), &raw mut needed) }
        .map_err(|e| code(&e))?;
    // SAFETY: the record was written, and any bits are valid for its integers; the buffer may lie unaligned.
    let record = unsafe { bytes.as_ptr().cast::<SERVICE_STATUS_PROCESS>().read_unaligned() };
    Ok(status_of(&record))
}

/// What was configured, with the description where it has one.
pub fn config(service: &Handle) -> Result<Config, Code> {
    let buffer = grown(|buffer, needed| {
        let length = buffer.len() as u32;
        // SAFETY: the buffer is as long as it is said to be, and aligned for the record.
        unsafe { QueryServiceConfigW(service.0, Some(buffer.as_mut_ptr().cast()), length, needed) }
    })?;
    // SAFETY: the call succeeded, so the buffer begins with this record, whose pointers lead into the buffer.
    let record = unsafe { &*buffer.as_ptr().cast::<QUERY_SERVICE_CONFIGW>() };
    Ok(Config {
        start_type: StartType::from_number(record.dwStartType.0),
        command_line: text(record.lpBinaryPathName),
        dependencies: texts(record.lpDependencies),
        description: description(service).unwrap_or_default(),
    })
}

fn description(service: &Handle) -> Option<String> {
    let buffer = grown(|buffer, needed| {
        // SAFETY: the buffer is as long as the slice says.
        unsafe { QueryServiceConfig2W(service.0, SERVICE_CONFIG_DESCRIPTION, Some(buffer), needed) }
    });
    let buffer = buffer.ok().filter(|buffer| buffer.len() * 8 >= size_of::<SERVICE_DESCRIPTIONW>())?;
    // SAFETY: the call succeeded, so the buffer begins with this record, whose pointer is null or leads into the buffer.
    let record = unsafe { &*buffer.as_ptr().cast::<SERVICE_DESCRIPTIONW>() };
    Some(text(record.lpDescription))
}

/// Starts it without arguments.
pub fn start(service: &Handle) -> Result<(), Code> {
    // SAFETY: no arguments are passed.
    unsafe { StartServiceW(service.0, None) }.map_err(|e| code(&e))
}

/// Sends a control, such as `SERVICE_CONTROL_STOP`.
pub fn control(service: &Handle, control: u32) -> Result<(), Code> {
    let mut status = SERVICE_STATUS::default();
    // SAFETY: the record is ours and outlives the call.
    unsafe { ControlService(service.0, control, &raw mut status) }.map_err(|e| code(&e))
}

/// Changes when it starts, and nothing else.
pub fn set_start(service: &Handle, start_type: u32) -> Result<(), Code> {
    let none = PCWSTR::null();
    // SAFETY: SERVICE_NO_CHANGE and null leave everything else as it is.
    unsafe {
        ChangeServiceConfigW(
            service.0,
            ENUM_SERVICE_TYPE(SERVICE_NO_CHANGE),
            SERVICE_START_TYPE(start_type),
            SERVICE_ERROR(SERVICE_NO_CHANGE),
            none,
            none,
            None,
            none,
            none,
            none,
            none,
        )
    }
    .map_err(|e| code(&e))
}

/// Active ones, those that depend on most first.
pub fn dependents(service: &Handle) -> Result<Vec<String>, Code> {
    let mut count = 0;
    let buffer = grown(|buffer, needed| {
        let (start, length) = (buffer.as_mut_ptr().cast(), buffer.len() as u32);
        // SAFETY: the buffer is as long as it is said to be, and aligned for the records.
        unsafe {
            EnumDependentServicesW(service.0, SERVICE_ACTIVE, Some(start), length, needed, &raw mut count)
        }
    })?;
    // SAFETY: the call succeeded, so the buffer begins with `count` such records.
    let records =
        unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<ENUM_SERVICE_STATUSW>(), count as usize) };
    Ok(records.iter().map(|record| text(record.lpServiceName)).collect())
}

/// Repeats a call with a larger buffer until its answer fits. Aligned for records with pointers.
fn grown(mut call: impl FnMut(&mut [u8], *mut u32) -> windows::core::Result<()>) -> Result<Vec<u64>, Code> {
    let mut buffer = vec![0u64; 1024];
    loop {
        let mut needed = 0u32;
        let bytes = buffer.len() * 8;
        // SAFETY: the same memory as bytes; any bytes are valid for both types.
        let slice = unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<u8>(), bytes) };
        let failed = match call(slice, &raw mut needed) {
            Ok(()) => return Ok(buffer),
            Err(error) => code(&error),
        };
        let wanted = bytes.max(needed as usize).saturating_mul(2);
        if !matches!(failed, c if c == ERROR_MORE_DATA.0 || c == ERROR_INSUFFICIENT_BUFFER.0)
            || wanted > MAX_BYTES
        {
            return Err(failed);
        }
        buffer.resize(wanted / 8, 0);
    }
}

fn status_of(record: &SERVICE_STATUS_PROCESS) -> Status {
    Status {
        state: State::from_number(record.dwCurrentState.0),
        service_type: record.dwServiceType.0,
        accepts: record.dwControlsAccepted,
        exit_code: record.dwWin32ExitCode,
        specific_code: record.dwServiceSpecificExitCode,
        checkpoint: record.dwCheckPoint,
        wait_hint_ms: record.dwWaitHint,
        pid: record.dwProcessId,
        flags: record.dwServiceFlags.0,
    }
}

fn code(error: &Error) -> Code {
    crate::win32::hresult::win32(error.code().0)
}

/// A text of a record just read; null is empty.
fn text(text: PWSTR) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and Windows ends its texts with a zero.
    String::from_utf16_lossy(unsafe { text.as_wide() })
}

/// A list of texts of a record just read; null is empty.
fn texts(text: PWSTR) -> Vec<String> {
    if text.is_null() {
        return Vec::new();
    }
    let mut length = 0;
    // SAFETY: not null, and Windows ends its lists with two zeros.
    while length < 65_536 && unsafe { *text.0.add(length) != 0 || *text.0.add(length + 1) != 0 } {
        length += 1;
    }
    // SAFETY: all of these were just read.
    list(unsafe { std::slice::from_raw_parts(text.0, length + 1) })
}

/// What a service does, by its arguments.
pub type Main = fn(Vec<OsString>);

/// The entry point has no argument by which to pass it.
static MAIN: OnceLock<Main> = OnceLock::new();

define_windows_service!(ffi_service_main, service_main);

fn service_main(arguments: Vec<OsString>) {
    if let Some(main) = MAIN.get() {
        main(arguments);
    }
}

/// Connects to the service manager, which calls `main` on a thread of its own; returns when the service has ended. A process is one
/// service: the first `main` stays.
///
/// # Errors
/// 1063 where it was not the service manager that started this process.
pub fn dispatch(name: &str, main: Main) -> windows_service::Result<()> {
    let _the_first_stays = MAIN.set(main);
    service_dispatcher::start(name, ffi_service_main)
}
