//! Where log lines go: a thread of their own writes them, so that whoever logs never waits for a reader of the log.

use super::file::{self, BoundedFile};
use super::line;
use super::queue::Queue;
use super::stderr_is_journal;
use log::Level;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

/// At the end a reader of the log that stands still is waited for at most this long.
pub(super) const FLUSH_WITHIN: Duration = Duration::from_millis(500);
/// It calls write(2) and little else.
const STACK_BYTES: usize = 128 << 10;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Time, level, module, text.
    Console,
    /// `<N>` and text: the journal has the time itself, and reads the priority.
    Journal,
}

/// Whether `--console` was given.
static CONSOLE: AtomicBool = AtomicBool::new(false);

/// Where a service without standard error writes.
static FILE: OnceLock<PathBuf> = OnceLock::new();

/// The thread's queue; `None` where the system gave no thread.
static QUEUE: OnceLock<Option<&'static Queue>> = OnceLock::new();

/// From now on log lines go to a bounded file instead of standard error. Call it before the first line is logged.
pub fn write_to_file(path: PathBuf) {
    let _the_first_stays = FILE.set(path);
}

/// Lines are for a person, also where standard error is the journal.
pub(super) fn for_console(console: bool) {
    CONSOLE.store(console, Ordering::Relaxed);
}

/// How lines look now.
pub(super) fn form() -> Form {
    let journal = !CONSOLE.load(Ordering::Relaxed) && FILE.get().is_none() && stderr_is_journal();
    if journal { Form::Journal } else { Form::Console }
}

/// One line, without its end.
pub(super) fn formatted(form: Form, level: Level, target: &str, text: &str) -> String {
    match form {
        Form::Journal => line::journal(level, text),
        Form::Console => line::console(SystemTime::now(), level, target, text),
    }
}

/// A line of the program's own, before there is a logger. The file and the journal hold such lines among others.
pub(super) fn announced(text: &str) -> String {
    match (form(), FILE.get()) {
        (Form::Console, None) => format!("infiniservice: {}", line::one_line(text)),
        (form, _) => formatted(form, Level::Error, "infiniservice", text),
    }
}

/// Hands a line, its end included, to the thread. An error of writing is nobody's: there is nowhere to tell it.
pub(super) fn write(line: &[u8]) {
    match QUEUE.get_or_init(start) {
        Some(queue) => queue.push(line),
        None => {
            let _nowhere_to_tell = target().write_all(line);
        }
    }
}

/// Waits for the thread to have written everything, no longer than a reader deserves.
pub(super) fn flush() {
    if let Some(Some(queue)) = QUEUE.get() {
        queue.flush(FLUSH_WITHIN);
    }
}

fn start() -> Option<&'static Queue> {
    let queue: &'static Queue = Box::leak(Box::new(Queue::new(lost_line)));
    let thread = thread::Builder::new().name("log".into()).stack_size(STACK_BYTES);
    thread.spawn(|| queue.write_to(&mut *target())).ok().map(|_| queue)
}

fn lost_line(count: u64) -> String {
    let text = format!("{count} lines of the log were lost because their reader did not keep up");
    formatted(form(), Level::Warn, "infiniservice::logging", &text)
}

/// The file, where one is wanted and can be opened; else standard error.
fn target() -> Box<dyn Write> {
    let opened = FILE.get().map(|path| BoundedFile::open(path, file::MAX_BYTES));
    match opened {
        Some(Ok(file)) => Box::new(file),
        Some(Err(_)) | None => Box::new(io::stderr()),
    }
}

/// The thread, as a place that a logger writes to: each call is a line.
pub(super) struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
