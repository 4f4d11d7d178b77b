//! Where log lines go: a thread of their own writes them, so that whoever logs never waits for a reader of the log. One record is
//! one line, in which nothing that a guest's process or the host can name ends the line or reaches a terminal raw; a log file
//! never grows beyond its bound.

use super::queue::Queue;
use super::stderr_is_journal;
use infiniservice_protocol::text::misleads;
use log::Level;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
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
        Form::Journal => journal_line(level, text),
        Form::Console => console_line(SystemTime::now(), level, target, text),
    }
}

/// A line of the program's own, before there is a logger. The file and the journal hold such lines among others.
pub(super) fn announced(text: &str) -> String {
    match (form(), FILE.get()) {
        (Form::Console, None) => format!("infiniservice: {}", one_line(text)),
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
    let opened = FILE.get().map(|path| BoundedFile::open(path, MAX_FILE_BYTES));
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

/// A longer text is cut: journald would split the line (`LineMax=`, 48 KiB) and lose the priority of the rest.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// For people: time in UTC, level, module, text.
pub(super) fn console_line(now: SystemTime, level: Level, target: &str, text: &str) -> String {
    let time = humantime::format_rfc3339_millis(now);
    format!("{time} {level:<5} {target}: {}", one_line(text))
}

/// For journald: the priority of syslog(3) in front, see sd-daemon(3).
pub(super) fn journal_line(level: Level, text: &str) -> String {
    let priority = match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    format!("<{priority}>{}", one_line(text))
}

/// The text with everything escaped that could forge a line or steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if line.len() >= MAX_TEXT_BYTES {
            let _ = write!(line, "... (truncated, {} bytes in all)", text.len());
            break;
        }
        match letter {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            '\r' => line.push_str("\\r"),
            letter if misleads(letter) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => line.push(letter),
        }
    }
    line
}

/// Of each of the two files.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The file that is written to.
#[derive(Debug)]
pub struct BoundedFile {
    path: PathBuf,
    file: File,
    written: u64,
    max_bytes: u64,
}

impl BoundedFile {
    /// Opens it, to append; its directory is made where it is missing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let written = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, written, max_bytes })
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_extension("old"))?;
        *self = Self::open(&self.path, self.max_bytes)?;
        Ok(())
    }
}

impl Write for BoundedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written > 0 && self.written + bytes.len() as u64 > self.max_bytes {
            self.begin_anew()?;
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_console_form_has_time_level_and_module() {
        let line = console_line(SystemTime::UNIX_EPOCH, Level::Warn, "infiniservice::service", "no port");
        assert_eq!(line, "1970-01-01T00:00:00.000Z WARN  infiniservice::service: no port");
    }

    #[test]
    fn the_journal_form_has_the_priority_only() {
        assert_eq!(journal_line(Level::Error, "x"), "<3>x");
        assert_eq!(journal_line(Level::Info, "x"), "<6>x");
    }

    #[test]
    fn a_hostile_text_forges_neither_a_line_nor_a_terminal_sequence() {
        let line = journal_line(Level::Info, "unit a\n<0>kernel panic\u{1b}[2J\u{202e}\u{85}\0");
        assert_eq!(line, "<6>unit a\\n<0>kernel panic\\u{1b}[2J\\u{202e}\\u{85}\\u{0}");
    }

    #[test]
    fn a_long_text_is_cut_and_said_to_be() {
        let line = one_line(&"x".repeat(1 << 20));
        assert!(line.len() < MAX_TEXT_BYTES + 64);
        assert!(line.ends_with("(truncated, 1048576 bytes in all)"), "{}", &line[line.len() - 40..]);
    }

    proptest! {
        #[test]
        fn any_text_is_one_printable_line(text in ".*|[\\x00-\\xff]*") {
            prop_assert!(!one_line(&text).contains(misleads));
        }
    }

    #[test]
    fn both_files_stay_within_the_bound_and_hold_the_newest_lines() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("logs/agent.log");
        let mut file = BoundedFile::open(&path, 100).expect("opened");
        for n in 0..50 {
            file.write_all(format!("line {n:04}\n").as_bytes()).expect("written");
        }
        let (new, old) = (
            fs::read_to_string(&path).expect("new"),
            fs::read_to_string(path.with_extension("old")).expect("old"),
        );
        assert!(new.len() <= 100 && old.len() <= 100, "{} and {}", new.len(), old.len());
        assert!((old + &new).ends_with("line 0048\nline 0049\n"));
    }

    #[test]
    fn a_later_run_appends() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("agent.log");
        for text in ["one\n", "two\n"] {
            BoundedFile::open(&path, 100).expect("opened").write_all(text.as_bytes()).expect("written");
        }
        assert_eq!(fs::read_to_string(&path).expect("read"), "one\ntwo\n");
    }
}
