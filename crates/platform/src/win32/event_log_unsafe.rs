//! Events of a log that match a query, and the handle of an event source.
#![allow(unsafe_code)]

use super::hresult;
use super::wide::{narrow, wide};
use std::ops::ControlFlow;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE, EVT_HANDLE,
    EvtClose, EvtFormatMessage, EvtFormatMessageEvent, EvtNext, EvtOpenPublisherMetadata, EvtQuery,
    EvtQueryChannelPath, EvtQueryReverseDirection, EvtRender, EvtRenderEventXml, RegisterEventSourceW,
    ReportEventW,
};
use windows::core::{HSTRING, PCWSTR, Result};

/// Events counted at most.
const MAX_EVENTS: usize = 2000;
/// How long the log may be waited for, in milliseconds.
const TIMEOUT_MS: u32 = 5000;
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
    let mut events = Vec::new();
    let ended = each(log, query, &mut |event, buffer| {
        if events.len() >= MAX_EVENTS {
            return ControlFlow::Break(());
        }
        events.extend(render(event, buffer).map(|xml| read(&xml)));
        ControlFlow::Continue(())
    })?;
    Ok((events, ended.is_break()))
}

/// Hands over each event of one source as XML, with its text where the source has one for it. The newest first.
pub fn each_event(
    log: &str,
    query: &str,
    source: &str,
    take: &mut dyn FnMut(&str, Option<String>) -> ControlFlow<()>,
) -> Result<()> {
    let name = wide(source);
    // SAFETY: the text ends with a zero and outlives the call.
    let publisher = unsafe { EvtOpenPublisherMetadata(None, PCWSTR(name.as_ptr()), PCWSTR::null(), 0, 0) };
    let publisher = publisher.ok().map(Handle);
    each(log, query, &mut |event, buffer| {
        let Some(xml) = render(event, buffer) else { return ControlFlow::Continue(()) };
        take(&xml, publisher.as_ref().and_then(|publisher| message(publisher, event, buffer)))
    })
    .map(drop)
}

/// Whether `take` had enough.
fn each(
    log: &str,
    query: &str,
    take: &mut dyn FnMut(&Handle, &mut [u16]) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    let (log, query) = (wide(log), wide(query));
    let flags = EvtQueryChannelPath.0 | EvtQueryReverseDirection.0;
    // SAFETY: both texts end with a zero and outlive the call.
    let result = Handle(unsafe { EvtQuery(None, PCWSTR(log.as_ptr()), PCWSTR(query.as_ptr()), flags) }?);
    let mut buffer = vec![0u16; BUFFER_UNITS];
    loop {
        let (mut batch, mut count) = ([0isize; 32], 0u32);
        // SAFETY: room for as many handles as the slice holds.
        let next = unsafe { EvtNext(result.0, &mut batch, TIMEOUT_MS, 0, &raw mut count) };
        match next {
            Ok(()) => {}
            Err(error) if hresult::win32(error.code().0) == NO_MORE => {
                return Ok(ControlFlow::Continue(()));
            }
            Err(error) => return Err(error),
        }
        let batch: Vec<Handle> =
            batch.iter().take(count as usize).map(|raw| Handle(EVT_HANDLE(*raw))).collect();
        if batch.iter().try_for_each(|event| take(event, &mut buffer)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// The text of an event, in the system's language.
fn message(publisher: &Handle, event: &Handle, buffer: &mut [u16]) -> Option<String> {
    let mut used = 0;
    let (event, flags) = (Some(event.0), EvtFormatMessageEvent.0);
    // SAFETY: the binding hands on the buffer with its length.
    unsafe { EvtFormatMessage(Some(publisher.0), event, 0, None, flags, Some(&mut *buffer), &raw mut used) }
        .ok()?;
    Some(narrow(buffer))
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
    pub fn open(name: &str) -> Result<Self> {
        // SAFETY: the name lives through the call.
        unsafe { RegisterEventSourceW(PCWSTR::null(), &HSTRING::from(name)) }.map(Self)
    }

    /// Writes one event: its type, its id, and what stands for `%1`, `%2`, … of the id's text.
    pub fn report(&self, kind: Kind, id: u32, strings: &[String]) -> Result<()> {
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
