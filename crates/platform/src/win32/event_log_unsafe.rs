//! Events of a log that match a query.
#![allow(unsafe_code)]

use super::hresult;
use super::wide::{narrow, wide};
use windows::Win32::System::EventLog::{
    EVT_HANDLE, EvtClose, EvtNext, EvtQuery, EvtQueryChannelPath, EvtQueryReverseDirection, EvtRender,
    EvtRenderEventXml,
};
use windows::core::{PCWSTR, Result};

/// Events counted at most.
const MAX_EVENTS: usize = 2000;
/// How long the log may be waited for, in milliseconds.
const PATIENCE_MS: u32 = 5000;
/// Only the beginning of an event is needed, but Windows writes all or nothing.
const BUFFER_UNITS: usize = 128 << 10;
/// `ERROR_NO_MORE_ITEMS`.
const NO_MORE: u32 = 259;

/// A handle of the event log.
struct Handle(EVT_HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and nothing uses it after this.
        let _ = unsafe { EvtClose(self.0) };
    }
}

/// The newest first, each as `read` reads its XML; whether there are more than were read.
pub fn events<T>(log: &str, query: &str, read: impl Fn(&str) -> T) -> Result<(Vec<T>, bool)> {
    let (log, query) = (wide(log), wide(query));
    let flags = EvtQueryChannelPath.0 | EvtQueryReverseDirection.0;
    // SAFETY: both texts end with a zero and outlive the call.
    let result = Handle(unsafe { EvtQuery(None, PCWSTR(log.as_ptr()), PCWSTR(query.as_ptr()), flags) }?);
    let (mut events, mut buffer) = (Vec::new(), vec![0u16; BUFFER_UNITS]);
    while events.len() < MAX_EVENTS {
        let (mut batch, mut count) = ([0isize; 32], 0u32);
        // SAFETY: room for as many handles as the slice holds.
        let next = unsafe { EvtNext(result.0, &mut batch, PATIENCE_MS, 0, &raw mut count) };
        match next {
            Ok(()) => {}
            Err(error) if hresult::win32(error.code().0) == NO_MORE => {
                return Ok((events, false));
            }
            Err(error) => return Err(error),
        }
        let batch: Vec<Handle> =
            batch.iter().take(count as usize).map(|raw| Handle(EVT_HANDLE(*raw))).collect();
        events.extend(batch.iter().filter_map(|event| render(event, &mut buffer)).map(|xml| read(&xml)));
    }
    Ok((events, true))
}

fn render(event: &Handle, buffer: &mut [u16]) -> Option<String> {
    let (mut used, mut properties) = (0, 0);
    let (start, size) = (buffer.as_mut_ptr().cast(), (buffer.len() * 2) as u32);
    // SAFETY: the buffer is as long as it is said to be.
    unsafe {
        EvtRender(None, event.0, EvtRenderEventXml.0, size, Some(start), &raw mut used, &raw mut properties)
    }
    .ok()?;
    Some(narrow(buffer))
}
