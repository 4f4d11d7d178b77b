//! Output of Nagios plugins: a sentence, `|`, and performance data; further lines of text, and behind another `|` of data. The state
//! is the exit code (0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN).
//!
//! A datum is `'label'=value[unit];[warning];[critical];[minimum];[maximum]`. Thousands of programs write it, and some write it
//! slightly wrong: such a datum is left out, and the first one is told.

use super::{Gathered, Reading, label_value, series, shown};
use infiniservice_protocol::metrics::SeriesType;
use infiniservice_protocol::text::one_line;
use std::collections::BTreeMap;

/// Longest sentence that is told, in characters.
const MAX_MESSAGE_CHARS: usize = 400;
/// Behind these letters nothing else of a unit comes.
const MAX_UNIT_CHARS: usize = 16;

/// Reads the whole.
pub(super) fn read(text: &str, exit_code: i32, max_series: usize) -> Result<Reading, String> {
    let mut gathered = Gathered::new(max_series);
    gathered.take(series("state", BTreeMap::new(), f64::from(exit_code), SeriesType::Gauge)?)?;
    let mut wrong = Wrong::default();
    for data in data(text) {
        for item in items(data) {
            if let Err(why) = item.and_then(|(label, rest)| datum(&label, rest, &mut gathered)) {
                wrong.note(why);
            }
        }
    }
    let message = text.lines().next().and_then(|line| line.split('|').next()).map(message);
    let complaint = wrong.told();
    Ok(Reading { message: message.filter(|text| !text.is_empty()), complaint, ..gathered.finish() })
}

/// What was left out.
#[derive(Default)]
struct Wrong {
    count: usize,
    first: Option<String>,
}

impl Wrong {
    fn note(&mut self, why: String) {
        self.count += 1;
        self.first.get_or_insert(why);
    }

    fn told(self) -> Option<String> {
        let first = self.first?;
        Some(match self.count {
            1 => format!("performance data: {first}; it is left out"),
            count => format!("performance data: {first}; this and {} more are left out", count - 1),
        })
    }
}

fn message(text: &str) -> String {
    let cut: String = text.trim().chars().take(MAX_MESSAGE_CHARS).collect();
    one_line(&cut).trim_end().to_owned()
}

/// The parts of the text that are data: behind the first line's `|`, and behind that of the long text all lines.
fn data(text: &str) -> Vec<&str> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let parts = [first.split_once('|'), rest.split_once('|')];
    parts.into_iter().flatten().map(|(_, data)| data).collect()
}

/// Labels with what follows their `=`. A label may stand in single quotes, and then hold blanks, `=` and `''` for a quote.
fn items(data: &str) -> impl Iterator<Item = Result<(String, &str), String>> {
    let mut rest = data.trim_start();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (label, behind) = label(rest);
        let end = behind.find(|c: char| c.is_ascii_whitespace()).unwrap_or(behind.len());
        let (figures, next) = behind.split_at(end);
        let whole = rest.get(..rest.len() - next.len()).unwrap_or(rest);
        rest = next.trim_start();
        let label = label.filter(|label| !label.is_empty());
        let item = label.and_then(|label| Some((label, figures.strip_prefix('=')?)));
        Some(item.ok_or_else(|| format!("{} is not label=value", shown(whole))))
    })
}

/// A label, and what follows it; `None` where its quote does not close.
fn label(text: &str) -> (Option<String>, &str) {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(text.len());
        let (label, rest) = text.split_at(end);
        return (Some(label.to_owned()), rest);
    };
    let mut at = 0;
    while let Some(found) = quoted.get(at..).and_then(|rest| rest.find('\'')) {
        let close = at + found;
        let behind = quoted.get(close + 1..).unwrap_or_default();
        if !behind.starts_with('\'') {
            return (quoted.get(..close).map(|label| label.replace("''", "'")), behind);
        }
        at = close + 2;
    }
    (None, text)
}

/// Adds a datum's series: its value, its thresholds and its bounds.
fn datum(label: &str, figures: &str, gathered: &mut Gathered) -> Result<(), String> {
    let bad = |what: &str| format!("{what} of {} is not understood", shown(label));
    let mut parts = figures.split(';');
    let (value, unit) = split_unit(parts.next().unwrap_or_default()).ok_or_else(|| bad("the value"))?;
    let mut labels = BTreeMap::from([("perfdata".to_owned(), label_value("perfdata", label)?)]);
    if !unit.is_empty() {
        labels.insert("unit".into(), unit.to_owned());
    }
    let kind = if unit == "c" { SeriesType::Counter } else { SeriesType::Gauge };
    let mut all = vec![series("value", labels.clone(), value, kind)?];
    let mut add = |name: &str, value: f64, labels: &BTreeMap<String, String>| {
        series(name, labels.clone(), value, SeriesType::Gauge).map(|one| all.push(one))
    };
    for threshold in ["warning", "critical"] {
        let text = parts.next().unwrap_or_default();
        for (name, value, inside) in range(threshold, text).ok_or_else(|| bad(threshold))? {
            let mut labels = labels.clone();
            labels.extend(inside.then(|| ("alert".to_owned(), "inside".to_owned())));
            add(&name, value, &labels)?;
        }
    }
    for bound in ["min", "max"] {
        let text = parts.next().unwrap_or_default();
        if !text.is_empty() {
            add(bound, split_unit(text).ok_or_else(|| bad(bound))?.0, &labels)?;
        }
    }
    if parts.any(|more| !more.is_empty()) {
        return Err(bad("what follows the maximum"));
    }
    all.into_iter().try_for_each(|one| gathered.take(one))
}

/// A number with its unit; `U` is one that the plugin does not know.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    if text == "U" {
        return Some((f64::NAN, ""));
    }
    let is_figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let mut end = text.find(|c: char| !is_figure(c)).unwrap_or(text.len());
    // 1.5e-05, but not the unit of 5e.
    if let Some(exponent) = text.get(end..).and_then(|rest| rest.strip_prefix(['e', 'E'])) {
        let digits = exponent.find(|c: char| !is_figure(c)).unwrap_or(exponent.len());
        end += if digits > 0 { 1 + digits } else { 0 };
    }
    let (figure, unit) = text.split_at(end);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '%' | '/' | '_' | '°' | 'µ');
    if unit.chars().count() > MAX_UNIT_CHARS || !unit.chars().all(fits) {
        return None;
    }
    Some((figure.parse().ok()?, unit))
}

/// The ends of a range: `10` is 0 to 10, `10:` from 10, `~:10` to 10, `10:20` between; with `@` the plugin alerts inside of it. The 0 of
/// the first form is not told. Unlimited ends are not either.
fn range(threshold: &str, text: &str) -> Option<Vec<(String, f64, bool)>> {
    let (text, inside) = text.strip_prefix('@').map_or((text, false), |text| (text, true));
    let (low, high) = text.split_once(':').unwrap_or(("", text));
    let mut ends = Vec::new();
    for (end, text) in [("low", low), ("high", high)] {
        if !matches!(text, "" | "~") {
            ends.push((format!("{threshold}_{end}"), split_unit(text)?.0, inside));
        }
    }
    Some(ends)
}
