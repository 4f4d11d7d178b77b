//! Logging: one line a record, to standard error, for people or for the journal, by a thread that may wait for its reader.

pub(crate) mod errors;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod output;
mod queue;

#[cfg(target_os = "linux")]
use linux::stderr_is_journal;
#[cfg(not(target_os = "linux"))]
use other::stderr_is_journal;

use env_logger::{Builder, Logger, Target};
use infiniservice_actions::event_log::{self, Event};
use log::{Level, LevelFilter, Log, Metadata, Record};
use output::Output;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::{PoisonError, RwLock};

pub use output::Form;
pub(crate) use output::write_to_file;

/// The process's logger. Its filter can be replaced, so that a reload may also make it more talkative.
struct Replaceable(RwLock<Option<Logger>>);

static LOGGER: Replaceable = Replaceable(RwLock::new(None));

/// Starts logging at this level; `RUST_LOG` refines it. Call it once.
///
/// # Errors
/// When another logger is installed already.
pub fn init(level: LevelFilter, console: bool) -> Result<(), log::SetLoggerError> {
    output::for_console(console);
    set_level(level);
    log::set_logger(&LOGGER)?;
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// A panic goes the way of every line: standard error itself may be full, or read by nobody.
fn panicked(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    log::error!("panic at {place}: {}", info.payload_as_str().unwrap_or("no text"));
}

/// Reports what is wrong before the settings are known, by which logging itself is set up: a line each, where log lines go.
pub fn before_settings(problems: &str) {
    for text in problems.lines() {
        to_event_log(Level::Error, "infiniservice", text);
        say(text);
    }
    output::flush();
}

/// Shows a person, or the log of whoever started the program, a line of the program's. An error of writing is nobody's.
pub fn say(text: &str) {
    output::write(format!("{}\n", output::announced(text)).as_bytes());
}

/// Waits for what was logged to be written, but not for a reader that stands still.
pub fn flush() {
    output::flush();
    event_log::flush();
}

/// Changes the level of a running logger.
pub fn set_level(level: LevelFilter) {
    let logger = build(level, std::env::var("RUST_LOG").ok().as_deref(), output::form());
    log::set_max_level(logger.filter());
    *LOGGER.0.write().unwrap_or_else(PoisonError::into_inner) = Some(logger);
}

fn build(level: LevelFilter, directives: Option<&str>, form: Form) -> Logger {
    let mut builder = Builder::new();
    builder.filter_level(level).target(Target::Pipe(Box::new(Output)));
    if let Some(directives) = directives.filter(|text| !text.trim().is_empty()) {
        builder.parse_filters(directives);
    }
    builder.format(move |out, record| {
        let text = record.args().to_string();
        writeln!(out, "{}", output::formatted(form, record.level(), record.target(), &text))
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
            if record.level() <= Level::Warn && logger.matches(record) {
                errors::note(record.level(), &record.args().to_string());
            }
            if event_log::is_open() && logger.matches(record) {
                to_event_log(record.level(), record.target(), &record.args().to_string());
            }
        }
    }

    fn flush(&self) {
        flush();
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
        let logger = build(LevelFilter::Warn, Some("infiniservice_actions=trace"), Form::Console);
        assert!(enabled(&logger, Level::Trace, "infiniservice_actions::executor"));
        assert!(!enabled(&logger, Level::Info, "infiniservice::service"));
    }

    #[test]
    fn rust_log_without_a_module_overrides_everything() {
        let logger = build(LevelFilter::Info, Some("error"), Form::Console);
        assert!(!enabled(&logger, Level::Warn, "infiniservice::service"));
    }
}
