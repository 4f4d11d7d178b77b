//! What is fuzzed of plugins: whatever a program or a file says, and whatever a description is.

use crate::format::{Format, MAX_LABEL_BYTES, MAX_LABELS, MAX_NAME_BYTES};
use crate::spec::Spec;
use infiniservice_protocol::text::steers;

const MAX_SERIES: usize = 8;

/// The first byte chooses the reader, the second is a Nagios plugin's exit code.
pub fn plugins(bytes: &[u8]) {
    let [which, exit_code, rest @ ..] = bytes else { return };
    let text = String::from_utf8_lossy(rest);
    match Format::NAMES.get(usize::from(which % 4)) {
        Some((_, format)) => output(*format, &text, i32::from(exit_code % 4)),
        None => description(&text),
    }
}

/// What is told keeps to its bounds, and what is refused is one short line.
fn output(format: Format, text: &str, exit_code: i32) {
    let reading = match format.read(text, exit_code, MAX_SERIES) {
        Ok(reading) => reading,
        Err(why) => return harmless(&why, 1024),
    };
    assert!(reading.series.len() <= MAX_SERIES && reading.series.len() <= reading.total);
    for series in &reading.series {
        name(&series.name);
        assert!(series.value.is_none_or(f64::is_finite) && series.labels.len() <= MAX_LABELS);
        for (label, value) in &series.labels {
            name(label);
            harmless(value, MAX_LABEL_BYTES);
        }
    }
    for text in reading.message.iter().chain(&reading.complaint) {
        harmless(text, 4096);
    }
}

fn name(name: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    assert!((1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(fits), "{name:?}");
    assert!(!name.starts_with(|c: char| c.is_ascii_digit()), "{name:?}");
}

fn harmless(text: &str, max: usize) {
    assert!(text.len() <= max && !text.contains(steers), "{text:?}");
}

/// A description that is taken keeps to its bounds; a refusal says what is wrong.
fn description(text: &str) {
    match Spec::parse(text) {
        Ok(spec) => {
            assert!((10..=86_400).contains(&spec.interval.as_secs()) && spec.timeout <= spec.interval);
            assert!(!spec.command.is_empty() && (1..=10_000).contains(&spec.max_series));
        }
        Err(why) => assert!(!why.is_empty()),
    }
}
