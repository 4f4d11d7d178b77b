//! The description of a plugin, `NAME.toml`: what is run, how often, and how much of what it writes is taken.

use crate::format::Format;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// Seconds between two runs.
const INTERVAL_SECS: RangeInclusive<u64> = 10..=86_400;
const DEFAULT_INTERVAL_SECS: u64 = 60;
/// Seconds that a run may take.
const TIMEOUT_SECS: RangeInclusive<u64> = 1..=3600;
const DEFAULT_TIMEOUT_SECS: u64 = 30;
const MAX_OUTPUT_BYTES: RangeInclusive<u64> = 1024..=4 << 20;
const DEFAULT_MAX_OUTPUT_BYTES: usize = 256 << 10;
const MAX_SERIES: RangeInclusive<u64> = 1..=10_000;
const DEFAULT_MAX_SERIES: usize = 200;
/// Most words of a command, and the longest of them in bytes.
const MAX_WORDS: usize = 64;
const MAX_WORD_BYTES: usize = 4096;
/// Longest name of a plugin and of a user.
const MAX_NAME_BYTES: usize = 64;

/// Keys of a description.
const KEYS: [&str; 7] =
    ["command", "interval_secs", "timeout_secs", "format", "user", "max_output_bytes", "max_series"];

/// One plugin as root described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The program by its absolute path, then its arguments.
    pub command: Vec<String>,
    /// Between two runs.
    pub interval: Duration,
    /// How long a run may take; not longer than the interval.
    pub timeout: Duration,
    /// How it writes its figures.
    pub format: Format,
    /// As whom it runs; as the agent itself when absent.
    pub user: Option<String>,
    /// Of its output so much is read; a program that writes more has failed.
    pub max_output_bytes: usize,
    /// Of its series so many are told.
    pub max_series: usize,
}

/// Whether a plugin may have this name: letters, digits, `-` and `_`, so that it can be a part of a metric's name.
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(fits)
}

impl Spec {
    /// Reads a description.
    ///
    /// # Errors
    /// What is wrong, on which line, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table = DeTable::parse(text).map_err(|error| {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            format!("line {line}: it is not TOML: {}", error.message())
        })?;
        let mut draft = Draft::default();
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let taken = draft.take(key.get_ref(), value.get_ref());
            taken.map_err(|why| format!("line {}: {why}", line_of(text, key.span().start)))?;
        }
        draft.finish()
    }
}

/// The beginning of a word of the file.
fn quoted(word: &str) -> String {
    format!("{:?}", word.chars().take(60).collect::<String>())
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// What was read so far.
#[derive(Default)]
struct Draft {
    command: Option<Vec<String>>,
    interval: Option<u64>,
    timeout: Option<u64>,
    format: Option<Format>,
    user: Option<String>,
    max_output_bytes: Option<u64>,
    max_series: Option<u64>,
}

impl Draft {
    fn take(&mut self, key: &str, value: &DeValue<'_>) -> Result<(), String> {
        match key {
            "command" => self.command = Some(command(value)?),
            "interval_secs" => self.interval = Some(number(key, value, INTERVAL_SECS)?),
            "timeout_secs" => self.timeout = Some(number(key, value, TIMEOUT_SECS)?),
            "format" => self.format = Some(format(value)?),
            "user" => self.user = Some(user(value)?),
            "max_output_bytes" => self.max_output_bytes = Some(number(key, value, MAX_OUTPUT_BYTES)?),
            "max_series" => self.max_series = Some(number(key, value, MAX_SERIES)?),
            other => return Err(format!("{} is unknown; allowed are {}", quoted(other), KEYS.join(", "))),
        }
        Ok(())
    }

    fn finish(self) -> Result<Spec, String> {
        let command =
            self.command.ok_or("command is missing: a list with the program's absolute path first")?;
        let names = Format::NAMES.map(|(name, _)| name).join(", ");
        let format = self.format.ok_or_else(|| format!("format is missing: one of {names}"))?;
        let interval = self.interval.unwrap_or(DEFAULT_INTERVAL_SECS);
        let timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT_SECS.min(interval));
        if timeout > interval {
            return Err(format!(
                "timeout_secs = {timeout} must not exceed interval_secs = {interval}: a plugin never runs beside itself"
            ));
        }
        let size =
            |given: Option<u64>, default| given.and_then(|it| usize::try_from(it).ok()).unwrap_or(default);
        Ok(Spec {
            command,
            interval: Duration::from_secs(interval),
            timeout: Duration::from_secs(timeout),
            format,
            user: self.user,
            max_output_bytes: size(self.max_output_bytes, DEFAULT_MAX_OUTPUT_BYTES),
            max_series: size(self.max_series, DEFAULT_MAX_SERIES),
        })
    }
}

fn number(key: &str, value: &DeValue<'_>, allowed: RangeInclusive<u64>) -> Result<u64, String> {
    let number = match value {
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    number.filter(|number| allowed.contains(number)).ok_or_else(|| {
        format!("{key} must be a whole number from {} to {}, without quotes", allowed.start(), allowed.end())
    })
}

fn format(value: &DeValue<'_>) -> Result<Format, String> {
    let found = Format::NAMES.iter().find(|(name, _)| value.as_str() == Some(name));
    found.map(|(_, format)| *format).ok_or_else(|| {
        let names = Format::NAMES.map(|(name, _)| format!("\"{name}\""));
        format!("format must be one of {}", names.join(", "))
    })
}

fn command(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let items = value.as_array().map(|items| items.iter().map(|item| item.get_ref().as_str()));
    let words: Option<Vec<&str>> = items.and_then(Iterator::collect);
    let words = words.ok_or("command must be a list of texts, the program's absolute path first")?;
    let first = words.first().ok_or("command must not be empty")?;
    if !Path::new(first).is_absolute() {
        let first = quoted(first);
        return Err(format!("command must begin with an absolute path, not {first}: no PATH is searched"));
    }
    if words.len() > MAX_WORDS {
        return Err(format!("command has {} words; {MAX_WORDS} are allowed", words.len()));
    }
    let odd = words.iter().find(|word| word.len() > MAX_WORD_BYTES || word.contains('\0'));
    match odd {
        Some(word) if word.contains('\0') => Err("command must not contain NUL".into()),
        Some(word) => {
            Err(format!("a word of command has {} bytes; {MAX_WORD_BYTES} are allowed", word.len()))
        }
        None => Ok(words.into_iter().map(str::to_owned).collect()),
    }
}

fn user(value: &DeValue<'_>) -> Result<String, String> {
    let fits = |name: &&str| {
        (1..=MAX_NAME_BYTES).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$'))
            && !name.starts_with('-')
    };
    let name = value.as_str().filter(fits);
    name.map(str::to_owned).ok_or_else(|| "user must be a login name such as \"nobody\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An absolute path on each system.
    const PROGRAM: &str = if cfg!(windows) { r"C:\\x\\check.exe" } else { "/usr/lib/check" };

    fn parse(lines: &str) -> Result<Spec, String> {
        Spec::parse(&format!("command = [\"{PROGRAM}\", \"-w\", \"5\"]\n{lines}"))
    }

    #[test]
    fn a_description_of_two_lines_has_the_documented_defaults() {
        let spec = parse("format = \"nagios\"").unwrap();
        assert_eq!((spec.command.len(), spec.format, spec.user), (3, Format::Nagios, None));
        assert_eq!((spec.interval, spec.timeout), (Duration::from_secs(60), Duration::from_secs(30)));
        assert_eq!((spec.max_output_bytes, spec.max_series), (256 << 10, 200));
        let quick = parse("format = \"json\"\ninterval_secs = 10").unwrap();
        assert_eq!(quick.timeout, quick.interval);
    }

    #[test]
    fn each_mistake_is_told_with_its_line_and_what_is_allowed() {
        for (lines, told) in [
            ("", "format is missing: one of openmetrics, json, nagios"),
            ("format = \"xml\"", "line 2: format must be one of \"openmetrics\", \"json\", \"nagios\""),
            (
                "format = \"json\"\ninterval_secs = 5",
                "line 3: interval_secs must be a whole number from 10 to 86400",
            ),
            (
                "interval_secs = \"60\"",
                "line 2: interval_secs must be a whole number from 10 to 86400, without quotes",
            ),
            ("timeout_secs = -1", "line 2: timeout_secs must be a whole number from 1 to 3600"),
            ("max_series = 0", "line 2: max_series must be a whole number from 1 to 10000"),
            ("max_output_bytes = 99999999999999999999", "line 2: max_output_bytes must be"),
            ("user = \"-x\"", "line 2: user must be a login name"),
            ("enabeld = true", "line 2: \"enabeld\" is unknown; allowed are command, interval_secs"),
            (
                "format = \"json\"\ninterval_secs = 20\ntimeout_secs = 21",
                "must not exceed interval_secs = 20",
            ),
            ("format = json", "line 2: it is not TOML"),
        ] {
            let error = parse(lines).unwrap_err();
            assert!(error.contains(told), "{lines}: {error}");
        }
    }

    #[test]
    fn a_command_begins_with_an_absolute_path() {
        for (command, told) in [
            ("[]", "must not be empty"),
            ("\"/bin/true\"", "must be a list of texts"),
            ("[1]", "must be a list of texts"),
            ("[\"check_disk\"]", "must begin with an absolute path, not \"check_disk\""),
        ] {
            let error = Spec::parse(&format!("command = {command}\nformat = \"json\"")).unwrap_err();
            assert!(error.starts_with("line 1: ") && error.contains(told), "{command}: {error}");
        }
        let long = format!("command = [\"{PROGRAM}\", \"{}\"]", "x".repeat(5000));
        assert!(Spec::parse(&long).unwrap_err().contains("5000 bytes"));
        let many = format!("command = [\"{PROGRAM}\"{}]", ", \"x\"".repeat(70));
        assert!(Spec::parse(&many).unwrap_err().contains("71 words"));
    }

    #[test]
    fn a_name_can_be_a_part_of_a_metric_s_name() {
        for good in ["disk", "gpu-0", "A_1"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-x", "a.b", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
