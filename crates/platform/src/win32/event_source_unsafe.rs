//! The handle of an event source.
#![allow(unsafe_code)]

use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};
use windows::core::{HSTRING, PCWSTR};

/// An event's type, of which Event Viewer makes the icon and the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `EVENTLOG_ERROR_TYPE`.
    Error,
    /// `EVENTLOG_WARNING_TYPE`.
    Warning,
    /// `EVENTLOG_INFORMATION_TYPE`.
    Information,
}

/// An open source.
#[derive(Debug)]
pub struct Source(HANDLE);

// SAFETY: the handle belongs to the process, not to a thread, and is used by one at a time.
unsafe impl Send for Source {}

impl Source {
    /// Opens the source of this name, on this machine.
    pub fn open(name: &str) -> windows::core::Result<Self> {
        // SAFETY: the name lives through the call.
        unsafe { RegisterEventSourceW(PCWSTR::null(), &HSTRING::from(name)) }.map(Self)
    }

    /// Writes one event: its type, its id, and what stands for `%1`, `%2`, … of the id's text.
    pub fn report(&self, kind: Kind, id: u32, strings: &[String]) -> windows::core::Result<()> {
        let strings: Vec<HSTRING> = strings.iter().map(HSTRING::from).collect();
        let pointers: Vec<PCWSTR> = strings.iter().map(|text| PCWSTR(text.as_ptr())).collect();
        let kind = match kind {
            Kind::Error => EVENTLOG_ERROR_TYPE,
            Kind::Warning => EVENTLOG_WARNING_TYPE,
            Kind::Information => EVENTLOG_INFORMATION_TYPE,
        };
        // SAFETY: the handle is open; `strings` outlives the pointers into it, each ends with a null.
        unsafe { ReportEventW(self.0, kind, 0, id, None, 0, Some(&pointers), None) }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, and not used after this.
        let _ = unsafe { DeregisterEventSource(self.0) };
    }
}
