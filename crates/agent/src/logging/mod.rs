//! Logging: one line a record, to standard error, for people or for the journal.

mod file;
mod line;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux::stderr_is_journal;
#[cfg(not(target_os = "linux"))]
use other::stderr_is_journal;

use crate::event_log::{self, event::Event};
use env_logger::{Builder, Logger, Target};
use file::BoundedFile;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Time, level, module, text.
    Console,
    /// `<N>` and text: the journal has the time itself, and reads the priority.
    Journal,
}

/// The process's logger. Its filter can be replaced, so that a reload may also make it more talkative.
struct Replaceable(RwLock<Option<Logger>>);

/// Where a service without standard error writes.
static FILE: OnceLock<PathBuf> = OnceLock::new();

static LOGGER: Replaceable = Replaceable(RwLock::new(None));

/// Whether `--console` was given.
static CONSOLE: AtomicBool = AtomicBool::new(false);

/// Starts logging at this level; `RUST_LOG` refines it. Call it once.
///
/// # Errors
/// When another logger is installed already.
pub fn init(level: LevelFilter, console: bool) -> Result<(), log::SetLoggerError> {
    CONSOLE.store(console, Ordering::Relaxed);
    set_level(level);
    log::set_logger(&LOGGER)
}

/// From now on log lines go to a bounded file instead of standard error. Call it before [`init`].
pub fn write_to_file(path: PathBuf) {
    let _the_first_stays = FILE.set(path);
}

/// Tells what is wrong with the settings, by which logging itself is set up: a line each, where log lines go.
pub fn before_settings(problems: &str) {
    for line in problems.lines() {
        to_event_log(Level::Error, "infiniservice", line);
        match FILE.get().map(|path| BoundedFile::open(path, file::MAX_BYTES)) {
            Some(Ok(mut file)) => {
                let text = line::console(SystemTime::now(), Level::Error, "infiniservice", line);
                let _nowhere_else_to_tell = writeln!(file, "{text}");
            }
            Some(Err(_)) | None => eprintln!("infiniservice: {line}"),
        }
    }
}

/// The file, where one is wanted and can be opened; else standard error.
fn target() -> Target {
    let opened = FILE.get().map(|path| BoundedFile::open(path, file::MAX_BYTES));
    match opened {
        Some(Ok(file)) => Target::Pipe(Box::new(file)),
        Some(Err(_)) | None => Target::Stderr,
    }
}

/// Changes the level of a running logger.
pub fn set_level(level: LevelFilter) {
    let form =
        if !CONSOLE.load(Ordering::Relaxed) && stderr_is_journal() { Form::Journal } else { Form::Console };
    let logger = build(level, std::env::var("RUST_LOG").ok().as_deref(), form);
    log::set_max_level(logger.filter());
    *LOGGER.0.write().unwrap_or_else(PoisonError::into_inner) = Some(logger);
}

fn build(level: LevelFilter, directives: Option<&str>, form: Form) -> Logger {
    let mut builder = Builder::new();
    builder.filter_level(level).target(target());
    if let Some(directives) = directives.filter(|text| !text.trim().is_empty()) {
        builder.parse_filters(directives);
    }
    builder.format(move |out, record| {
        let text = record.args().to_string();
        match form {
            Form::Journal => writeln!(out, "{}", line::journal(record.level(), &text)),
            Form::Console => {
                writeln!(out, "{}", line::console(SystemTime::now(), record.level(), record.target(), &text))
            }
        }
    });
    builder.build()
}

fn to_event_log(level: Level, target: &str, text: &str) {
    if let Some(event) = Event::of_line(level, target, text) {
        event_log::write(event);
    }
}

impl Log for Replaceable {
    fn enabled(&self, metadata: &Metadata) -> bool {
        let logger = self.0.read().unwrap_or_else(PoisonError::into_inner);
        logger.as_ref().is_some_and(|logger| logger.enabled(metadata))
    }

    fn log(&self, record: &Record) {
        if let Some(logger) = self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            logger.log(record);
            if event_log::is_open() && logger.matches(record) {
                to_event_log(record.level(), record.target(), &record.args().to_string());
            }
        }
    }

    fn flush(&self) {
        event_log::flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enabled(logger: &Logger, level: Level, target: &str) -> bool {
        logger.enabled(&Metadata::builder().level(level).target(target).build())
    }

    #[test]
    fn the_setting_holds_where_rust_log_says_nothing() {
        for directives in [None, Some(""), Some("  ")] {
            let logger = build(LevelFilter::Info, directives, Form::Console);
            assert!(enabled(&logger, Level::Info, "infiniservice::service"));
            assert!(!enabled(&logger, Level::Debug, "infiniservice::service"));
        }
    }

    #[test]
    fn rust_log_overrides_the_modules_that_it_names() {
        let logger = build(LevelFilter::Warn, Some("infiniservice::commands=trace"), Form::Console);
        assert!(enabled(&logger, Level::Trace, "infiniservice::commands::executor"));
        assert!(!enabled(&logger, Level::Info, "infiniservice::service"));
    }

    #[test]
    fn rust_log_without_a_module_overrides_everything() {
        let logger = build(LevelFilter::Info, Some("error"), Form::Console);
        assert!(!enabled(&logger, Level::Warn, "infiniservice::service"));
    }
}
