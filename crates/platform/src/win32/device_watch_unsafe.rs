//! Device notifications of `CfgMgr` (Windows 8 and newer): ports that come and go, and what happens to an open one.
//!
//! The functions are looked up when they are needed: Wine lacks them, and a port is then looked at by time.
#![allow(unsafe_code)]

use super::devices_unsafe::PORT_INTERFACE;
use std::ffi::c_void;
use std::os::windows::io::{AsRawHandle, RawHandle};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use windows::Win32::Devices::DeviceAndDriverInstallation::{
    CM_NOTIFY_ACTION, CM_NOTIFY_ACTION_DEVICEQUERYREMOVE, CM_NOTIFY_ACTION_DEVICEREMOVECOMPLETE,
    CM_NOTIFY_ACTION_DEVICEREMOVEPENDING, CM_NOTIFY_EVENT_DATA, CM_NOTIFY_FILTER, CM_NOTIFY_FILTER_0,
    CM_NOTIFY_FILTER_0_0, CM_NOTIFY_FILTER_0_1, CM_NOTIFY_FILTER_TYPE, CM_NOTIFY_FILTER_TYPE_DEVICEHANDLE,
    CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE, CR_SUCCESS, HCMNOTIFICATION, PCM_NOTIFY_CALLBACK,
};
use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows::core::{PCSTR, s, w};

/// Windows asks before it takes a device away, and waits at most this long for the port to be closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What `GetProcAddress` gives.
type Found = unsafe extern "system" fn() -> isize;
type Register = unsafe extern "system" fn(
    *const CM_NOTIFY_FILTER,
    *const c_void,
    PCM_NOTIFY_CALLBACK,
    *mut HCMNOTIFICATION,
) -> u32;
type Unregister = unsafe extern "system" fn(HCMNOTIFICATION) -> u32;

/// What the callback leaves for the main loop.
#[derive(Debug, Default)]
struct Seen {
    something: Notify,
    removal: Mutex<Removal>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct Removal {
    asked: bool,
    closed: bool,
}

/// One registration, given back with this value.
#[derive(Debug)]
pub struct Watch {
    registration: HCMNOTIFICATION,
    unregister: Unregister,
    seen: Arc<Seen>,
}

// SAFETY: the registration is a token of the system's, not bound to a thread.
unsafe impl Send for Watch {}
// SAFETY: shared access only waits and reads, by types made for it.
unsafe impl Sync for Watch {}

impl Watch {
    /// Tells when a port of vioserial comes or goes; `None` where the system cannot.
    pub fn ports() -> Option<Self> {
        let class = CM_NOTIFY_FILTER_0_0 { ClassGuid: PORT_INTERFACE };
        Self::register(CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE, &CM_NOTIFY_FILTER_0 { DeviceInterface: class })
    }

    /// Tells when something happens to an open port: host come or gone, device about to go.
    pub fn device(device: &impl AsRawHandle) -> Option<Self> {
        let device: RawHandle = device.as_raw_handle();
        let target = CM_NOTIFY_FILTER_0_1 { hTarget: HANDLE(device) };
        Self::register(CM_NOTIFY_FILTER_TYPE_DEVICEHANDLE, &CM_NOTIFY_FILTER_0 { DeviceHandle: target })
    }

    fn register(kind: CM_NOTIFY_FILTER_TYPE, target: &CM_NOTIFY_FILTER_0) -> Option<Self> {
        let (register, unregister) = functions()?;
        let filter = CM_NOTIFY_FILTER {
            cbSize: size_of::<CM_NOTIFY_FILTER>() as u32,
            FilterType: kind,
            u: *target,
            ..CM_NOTIFY_FILTER::default()
        };
        let (seen, mut registration) = (Arc::<Seen>::default(), HCMNOTIFICATION::default());
        let context = Arc::as_ptr(&seen).cast();
        // SAFETY: the filter lives for the call; the context lives until the registration was given back, in `drop`.
        let told = unsafe { register(&raw const filter, context, Some(happened), &raw mut registration) };
        (told == CR_SUCCESS.0).then_some(Self { registration, unregister, seen })
    }

    /// Resolves when something happened since. Cancel safe.
    pub async fn changed(&self) {
        self.seen.something.notified().await;
    }

    /// Whether the device is about to go: the port has to be closed.
    pub fn must_close(&self) -> bool {
        self.seen.removal.lock().unwrap_or_else(PoisonError::into_inner).asked
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.seen.removal.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.seen.closed.notify_all();
        // SAFETY: registered by `register`, given back once, and not from within the callback; it waits for the callback.
        let _given_back = unsafe { (self.unregister)(self.registration) };
    }
}

/// On a thread of the system's.
unsafe extern "system" fn happened(
    _: HCMNOTIFICATION,
    context: *const c_void,
    action: CM_NOTIFY_ACTION,
    _: *const CM_NOTIFY_EVENT_DATA,
    _: u32,
) -> u32 {
    // SAFETY: the context of the registration, which outlives its callbacks.
    let seen = unsafe { &*context.cast::<Seen>() };
    let leaving = [
        CM_NOTIFY_ACTION_DEVICEQUERYREMOVE,
        CM_NOTIFY_ACTION_DEVICEREMOVEPENDING,
        CM_NOTIFY_ACTION_DEVICEREMOVECOMPLETE,
    ]
    .contains(&action);
    let mut removal = seen.removal.lock().unwrap_or_else(PoisonError::into_inner);
    removal.asked |= leaving;
    seen.something.notify_one();
    if leaving {
        // An open handle would forbid the removal, and with it an update of the driver.
        let _in_time = seen.closed.wait_timeout_while(removal, CLOSE_WITHIN, |removal| !removal.closed);
    }
    // ERROR_SUCCESS: no objection.
    0
}

fn functions() -> Option<(Register, Unregister)> {
    // SAFETY: the name of a library of the system's; it stays loaded.
    let library = unsafe { LoadLibraryW(w!("cfgmgr32.dll")) }.ok()?;
    // SAFETY: the library is loaded, the name is a text with its null.
    let find = |name: PCSTR| unsafe { GetProcAddress(library, name) };
    let (register, unregister) =
        (find(s!("CM_Register_Notification"))?, find(s!("CM_Unregister_Notification"))?);
    // SAFETY: the documented signatures of these functions (`cfgmgr32.h`).
    Some(unsafe {
        (
            std::mem::transmute::<Found, Register>(register),
            std::mem::transmute::<Found, Unregister>(unregister),
        )
    })
}
