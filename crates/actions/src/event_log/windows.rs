//! The service's events: handed to a thread of their own, so that a log that does not answer holds nothing up.

use super::rate_limit::RateLimit;
use super::{Event, Kind, SOURCE};
use infiniservice_platform::win32::event_log_unsafe::{self, Source};
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use windows_registry::LOCAL_MACHINE;

/// Events that wait for the thread; more are counted.
const WAITING: usize = 256;
/// How long the end of the process waits for the last of them.
const FLUSH: Duration = Duration::from_secs(2);

static WRITER: OnceLock<SyncSender<Task>> = OnceLock::new();
/// Events that found no place.
static OVERFLOWN: AtomicU64 = AtomicU64::new(0);

enum Task {
    Write(Event),
    /// Answer once everything before is written.
    Flush(SyncSender<()>),
}

/// From now on [`write`] writes. Without the log there is still the file, so a failure is not told.
pub fn open() {
    let Ok(source) = Source::open(SOURCE) else { return };
    let (give, take) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("event-log".into());
    if thread.spawn(move || serve(&source, &take)).is_ok() {
        let _the_first_stays = WRITER.set(give);
    }
}

/// Whether events are written.
pub fn is_open() -> bool {
    WRITER.get().is_some()
}

/// Hands an event over; never blocks.
pub fn write(event: Event) {
    let Some(writer) = WRITER.get() else { return };
    if writer.try_send(Task::Write(event)).is_err() {
        OVERFLOWN.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits until what was handed over is written, two seconds at most.
pub fn flush() {
    let (done, wait) = sync_channel(1);
    if let Some(writer) = WRITER.get()
        && writer.try_send(Task::Flush(done)).is_ok()
    {
        let _too_slow = wait.recv_timeout(FLUSH);
    }
}

fn serve(source: &Source, tasks: &Receiver<Task>) {
    let (mut limit, start, mut written, mut failed) = (RateLimit::default(), Instant::now(), 0_u64, 0_u64);
    while let Ok(task) = tasks.recv() {
        limit.leave_out(OVERFLOWN.swap(0, Ordering::Relaxed));
        let (events, done) = match task {
            Task::Write(event) => (limit.pass(start.elapsed(), event), None),
            Task::Flush(done) => (limit.told().into_iter().collect(), Some(done)),
        };
        for event in events {
            match source.report(kind(event.kind), event.id, &event.strings) {
                Ok(()) => written += 1,
                Err(_) => failed += 1,
            }
        }
        if let Some(done) = done {
            log::debug!("Event Log: {written} events written, {failed} failed");
            let _nobody_waits = done.send(());
        }
    }
}

fn kind(kind: Kind) -> event_log_unsafe::Kind {
    match kind {
        Kind::Error => event_log_unsafe::Kind::Error,
        Kind::Warning => event_log_unsafe::Kind::Warning,
        Kind::Information => event_log_unsafe::Kind::Information,
    }
}

const APPLICATION: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";
/// Error, warning, information.
const TYPES: u32 = 7;

/// Makes the source known, with the texts of this program.
///
/// # Errors
/// The registry refuses it.
pub fn register(program: &Path) -> io::Result<()> {
    let key = LOCAL_MACHINE.create(format!(r"{APPLICATION}\{SOURCE}"))?;
    key.set_expand_string("EventMessageFile", program.to_string_lossy())?;
    Ok(key.set_u32("TypesSupported", TYPES)?)
}

/// Forgets the source; events that are there lose their texts.
///
/// # Errors
/// The registry refuses it.
pub fn deregister() -> io::Result<()> {
    let key = LOCAL_MACHINE.options().read().write().open(APPLICATION)?;
    if key.open(SOURCE).is_err() {
        return Ok(());
    }
    Ok(key.remove_tree(SOURCE)?)
}
