//! What plugins write: three formats, each in a pure reader. Whatever they are fed, names are valid, values are finite or absent,
//! texts are short and harmless, and there are no more series than allowed.

mod json;
mod nagios;
mod openmetrics;
#[cfg(test)]
mod tests;

use infiniservice_protocol::metrics::{Series, SeriesType};
use infiniservice_protocol::text::one_line;
use std::collections::{BTreeMap, HashSet};

/// Longest name of a series or a label, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// Longest value of a label, in bytes.
pub const MAX_LABEL_BYTES: usize = 1024;
/// Most labels of one series.
pub const MAX_LABELS: usize = 32;

/// How a plugin writes its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `OpenMetrics`, or the Prometheus text format.
    OpenMetrics,
    /// An object: of figures, or with a list of series.
    Json,
    /// A sentence with performance data, and the state in the exit code.
    Nagios,
}

impl Format {
    /// Its name in a plugin's description.
    pub const NAMES: [(&'static str, Self); 3] =
        [("openmetrics", Self::OpenMetrics), ("json", Self::Json), ("nagios", Self::Nagios)];

    /// Reads what a program wrote that returned `exit_code`; of its series at most `max_series` are kept.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(self, text: &str, exit_code: i32, max_series: usize) -> Result<Reading, String> {
        match self {
            Self::OpenMetrics => openmetrics::read(text, max_series),
            Self::Json => json::read(text, max_series),
            Self::Nagios => nagios::read(text, exit_code, max_series),
        }
    }

    /// Whether this exit code says that the program did its work.
    pub const fn is_done(self, exit_code: i32) -> bool {
        match self {
            Self::OpenMetrics | Self::Json => exit_code == 0,
            Self::Nagios => matches!(exit_code, 0..=3),
        }
    }
}

/// What a plugin told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// As many as are allowed.
    pub series: Vec<Series>,
    /// How many there were.
    pub total: usize,
    /// The sentence of a Nagios plugin.
    pub message: Option<String>,
    /// Which part was not understood, where the rest was.
    pub complaint: Option<String>,
}

/// Gathers series, each once.
struct Gathered {
    max: usize,
    series: Vec<Series>,
    total: usize,
    seen: HashSet<String>,
}

impl Gathered {
    fn new(max: usize) -> Self {
        Self { max, series: Vec::new(), total: 0, seen: HashSet::new() }
    }

    /// Takes the next one; beyond the bound they are only counted.
    fn take(&mut self, series: Series) -> Result<(), String> {
        self.total += 1;
        if self.series.len() >= self.max {
            return Ok(());
        }
        if !self.seen.insert(key(&series)) {
            return Err(format!("the series {} is told twice", shown(&key(&series))));
        }
        self.series.push(series);
        Ok(())
    }

    fn finish(self) -> Reading {
        Reading { series: self.series, total: self.total, ..Reading::default() }
    }
}

/// The name with the labels.
fn key(series: &Series) -> String {
    if series.labels.is_empty() {
        return series.name.clone();
    }
    let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{}{{{}}}", series.name, labels.join(","))
}

/// One series, checked.
fn series(
    name: &str,
    labels: BTreeMap<String, String>,
    value: f64,
    kind: SeriesType,
) -> Result<Series, String> {
    check_name(name, true)?;
    if labels.len() > MAX_LABELS {
        return Err(format!("{} has {} labels; {MAX_LABELS} are allowed", shown(name), labels.len()));
    }
    let value = Some(value).filter(|value| value.is_finite());
    Ok(Series { name: name.to_owned(), labels, value, kind })
}

/// A label's value as it may be shown.
fn label_value(name: &str, value: &str) -> Result<String, String> {
    if value.len() > MAX_LABEL_BYTES {
        let error = format!("the label {name} has {} bytes; {MAX_LABEL_BYTES} are allowed", value.len());
        return Err(error);
    }
    Ok(one_line(value).into_owned())
}

fn check_name(name: &str, of_series: bool) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (of_series && c == ':');
    let (what, allowed) =
        if of_series { ("series", "letters, digits, _ and :") } else { ("label", "letters, digits and _") };
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("the {what} {} is longer than {MAX_NAME_BYTES} bytes", shown(name)));
    }
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fits) {
        return Err(format!(
            "{} is no name of a {what}: {allowed} are allowed, and no digit at the beginning",
            shown(name)
        ));
    }
    Ok(())
}

/// Characters of the plugin's text that an error repeats.
const SHOWN_CHARS: usize = 60;

/// A part of a plugin's text for an error, in quotes.
fn shown(text: &str) -> String {
    let head: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if head.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", one_line(&head))
}
