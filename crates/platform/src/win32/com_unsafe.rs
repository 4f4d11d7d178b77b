//! COM on threads of its own: whoever asks waits only as long as his time allows, and a call that hangs holds up nobody else.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::oneshot;
use windows::Win32::System::Com::{COINIT_MULTITHREADED, CoInitializeEx, CoUninitialize};

/// Threads that may be out at one time: more only pile up behind something that hangs.
const MAX_OUT: usize = 6;

static OUT: AtomicUsize = AtomicUsize::new(0);

struct Place;

impl Place {
    fn take() -> Option<Self> {
        let taken =
            OUT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |out| (out < MAX_OUT).then_some(out + 1));
        taken.ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        OUT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// COM for this thread, as long as it lives.
struct Com;

impl Com {
    fn start() -> windows::core::Result<Self> {
        // SAFETY: the thread is new, and nothing of it uses COM yet.
        unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) }.ok().map(|()| Self)
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        // SAFETY: initialised on this very thread, whose work is done.
        unsafe { CoUninitialize() };
    }
}

/// Runs `work` in a thread with COM whose answer is looked for later; `None` where too many are out already.
pub fn in_background<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> windows::core::Result<T> + Send + 'static,
) -> Option<std::sync::mpsc::Receiver<windows::core::Result<T>>> {
    let place = Place::take()?;
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let started = std::thread::Builder::new().name(what.into()).spawn(move || {
        let _ = tell.send(Com::start().and_then(|_com| work()));
        drop(place);
    });
    started.ok().map(|_| told)
}

/// Why nobody answers from a thread with COM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// Too many threads are out.
    #[error("too many earlier requests are still unanswered")]
    TooMany,
    /// Windows gave no thread.
    #[error("Windows did not start a thread")]
    NoThread,
}

/// Runs `work` in a thread with COM, and gives the end of the channel on which its answer comes. Where whoever asked has no
/// time left, the thread is left to end by itself.
pub fn on_thread<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> windows::core::Result<T> + Send + 'static,
) -> Result<oneshot::Receiver<windows::core::Result<T>>, NotAsked> {
    let place = Place::take().ok_or(NotAsked::TooMany)?;
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name(what.into());
    let started = thread.spawn(move || {
        let done = Com::start().and_then(|_com| work());
        // Whoever asked may have given up since.
        let _ = tell.send(done);
        drop(place);
    });
    started.map(|_| told).map_err(|_| NotAsked::NoThread)
}
