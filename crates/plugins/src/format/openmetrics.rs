//! `OpenMetrics` 1.0 and the Prometheus text format 0.0.4, which most programs and all `*.prom` files write.
//!
//! Both are read line by line; `# EOF` may be missing. What may be torn is refused as a whole: a text that does not end with a
//! newline is not told in part. Time stamps are refused, as the figures are those of this run.

use super::{Gathered, Reading, check_name, label_value, series, shown};
use infiniservice_protocol::metrics::SeriesType;
use std::collections::{BTreeMap, HashMap};

/// Endings of names that belong to the family without them, and the kinds of families that have them.
const ENDINGS: &[(&str, &[SeriesType])] = &[
    ("_total", &[SeriesType::Counter]),
    ("_created", &[SeriesType::Counter, SeriesType::Histogram, SeriesType::Summary]),
    ("_bucket", &[SeriesType::Histogram, SeriesType::GaugeHistogram]),
    ("_count", &[SeriesType::Histogram, SeriesType::Summary]),
    ("_sum", &[SeriesType::Histogram, SeriesType::Summary]),
    ("_gcount", &[SeriesType::GaugeHistogram]),
    ("_gsum", &[SeriesType::GaugeHistogram]),
    ("_info", &[SeriesType::Info]),
];

/// Reads the whole.
pub(super) fn read(text: &str, max_series: usize) -> Result<Reading, String> {
    let mut families = HashMap::new();
    let mut gathered = Gathered::new(max_series);
    let mut ended = false;
    if !text.is_empty() && !text.ends_with('\n') {
        let line = text.lines().count();
        return Err(format!("line {line} does not end with a newline: the text may not be whole"));
    }
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let read = match line.strip_prefix('#') {
            _ if line.is_empty() => Ok(()),
            _ if ended => Err("there is more behind # EOF".to_owned()),
            Some(comment) if comment.trim() == "EOF" => {
                ended = true;
                Ok(())
            }
            Some(comment) => metadata(comment, &mut families),
            None => sample(line, &families).and_then(|one| gathered.take(one)),
        };
        read.map_err(|why| format!("line {}: {why}", at + 1))?;
    }
    Ok(gathered.finish())
}

/// `# TYPE`; `HELP`, `UNIT` and other comments say nothing here.
fn metadata<'a>(comment: &'a str, families: &mut HashMap<&'a str, SeriesType>) -> Result<(), String> {
    let mut words = comment.split_ascii_whitespace();
    if words.next() != Some("TYPE") {
        return Ok(());
    }
    let (Some(name), Some(word), None) = (words.next(), words.next(), words.next()) else {
        return Err("# TYPE needs a name and a type".into());
    };
    check_name(name, true)?;
    let kind = kind(word).ok_or_else(|| format!("{} is no type of a series", shown(word)))?;
    families.insert(name, kind);
    Ok(())
}

/// By its name in either format.
pub(super) fn kind(word: &str) -> Option<SeriesType> {
    Some(match word {
        "counter" => SeriesType::Counter,
        "gauge" => SeriesType::Gauge,
        "histogram" => SeriesType::Histogram,
        "gaugehistogram" => SeriesType::GaugeHistogram,
        "summary" => SeriesType::Summary,
        "info" => SeriesType::Info,
        "stateset" => SeriesType::StateSet,
        "unknown" | "untyped" => SeriesType::Unknown,
        _ => return None,
    })
}

/// A series has the type of its family.
fn kind_of(name: &str, families: &HashMap<&str, SeriesType>) -> SeriesType {
    let own = families.get(name).copied();
    let of_family = || {
        ENDINGS.iter().find_map(|(ending, kinds)| {
            let kind = families.get(name.strip_suffix(ending)?)?;
            kinds.contains(kind).then_some(*kind)
        })
    };
    own.or_else(of_family).unwrap_or_default()
}

/// `name{label="value",…} value`.
fn sample(
    line: &str,
    families: &HashMap<&str, SeriesType>,
) -> Result<infiniservice_protocol::metrics::Series, String> {
    let end = line.find(|c: char| c == '{' || c.is_ascii_whitespace()).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    check_name(name, true)?;
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (BTreeMap::new(), rest),
    };
    series(name, labels, value(name, rest)?, kind_of(name, families))
}

/// The value behind name and labels; an exemplar may follow.
fn value(name: &str, rest: &str) -> Result<f64, String> {
    let figures = rest.split(" # ").next().unwrap_or_default();
    let mut words = figures.split_ascii_whitespace();
    let word = words.next().ok_or_else(|| format!("{} has no value", shown(name)))?;
    let value = word.parse().map_err(|_| format!("{} is no number", shown(word)))?;
    match words.next() {
        None => Ok(value),
        Some(time) if time.parse::<f64>().is_ok() => Err(format!(
            "{} has a time stamp, which is not supported: figures are those of the run",
            shown(name)
        )),
        Some(other) => Err(format!("{} stands behind the value", shown(other))),
    }
}

/// What stands between the braces, and what follows them.
fn labels(inside: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    let mut rest = inside.trim_start();
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest.trim_start()));
        }
        let (name, behind) = rest.split_once('=').ok_or("a label without = or } is missing")?;
        let name = name.trim();
        check_name(name, false)?;
        let quoted = behind.trim_start().strip_prefix('"');
        let (value, behind) = quoted
            .and_then(unquoted)
            .ok_or_else(|| format!("the value of the label {name} must stand in quotes"))?;
        if labels.insert(name.to_owned(), label_value(name, &value?)?).is_some() {
            return Err(format!("the label {name} is told twice"));
        }
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if behind.starts_with('}') => behind,
            None => return Err(format!("behind the label {name} a comma or }} is missing")),
        };
    }
}

/// A text up to its closing quote, and what follows it; `None` where it does not close.
fn unquoted(text: &str) -> Option<(Result<String, String>, &str)> {
    let mut value = Ok(String::new());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => '\n',
                plain @ ('"' | '\\') => plain,
                other => {
                    value = Err(format!("\\{} is no escape; \\\\, \\\" and \\n are", other.escape_debug()));
                    other
                }
            },
            plain => plain,
        };
        if let Ok(value) = &mut value {
            value.push(c);
        }
    }
    None
}
