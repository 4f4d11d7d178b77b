//! JSON: an object with a list `series`, whose members are as on the wire, or an object of figures, whose keys become names.

use super::openmetrics::kind;
use super::{Gathered, Reading, check_name, label_value, series, shown};
use infiniservice_protocol::metrics::{Series, SeriesType};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Deepest nesting of an object of figures.
const MAX_DEPTH: usize = 8;

/// Reads the whole.
pub(super) fn read(text: &str, max_series: usize) -> Result<Reading, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let Value::Object(object) = value else { return Err("it is JSON, but no object".into()) };
    let mut gathered = Gathered::new(max_series);
    match object.get("series") {
        Some(Value::Array(list)) => {
            for (at, item) in list.iter().enumerate() {
                let one = listed(item).and_then(|one| gathered.take(one));
                one.map_err(|why| format!("series[{at}]: {why}"))?;
            }
        }
        Some(_) => return Err("series must be a list".into()),
        None => figures(&object, "", 1, &mut gathered)?,
    }
    Ok(gathered.finish())
}

/// `{"name", "value", "labels"?, "type"?}`.
fn listed(item: &Value) -> Result<Series, String> {
    let Value::Object(item) = item else { return Err("it must be an object".into()) };
    let known = ["name", "value", "labels", "type"];
    if let Some(key) = item.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("{} is unknown; allowed are {}", shown(key), known.join(", ")));
    }
    let name = item.get("name").and_then(Value::as_str).ok_or("name must be a text")?;
    let value = match item.get("value") {
        Some(Value::Null) => f64::NAN,
        Some(value) => figure(value).ok_or("value must be a number, true, false or null")?,
        None => return Err("value is missing".into()),
    };
    let kind = match item.get("type") {
        None | Some(Value::Null) => SeriesType::Unknown,
        Some(word) => word
            .as_str()
            .and_then(kind)
            .ok_or_else(|| format!("{} is no type of a series", shown(&word.to_string())))?,
    };
    series(name, labels(item.get("labels"))?, value, kind)
}

fn labels(labels: Option<&Value>) -> Result<BTreeMap<String, String>, String> {
    let labels = match labels {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(labels)) => labels,
        Some(_) => return Err("labels must be an object".into()),
    };
    let one = |(name, value): (&String, &Value)| {
        check_name(name, false)?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(switch) => switch.to_string(),
            _ => return Err(format!("the label {name} must be a text, a number, true or false")),
        };
        Ok((name.clone(), label_value(name, &text)?))
    };
    labels.iter().map(one).collect()
}

/// An object's figures under `prefix`; texts and `null` are none and are passed over.
fn figures(
    object: &Map<String, Value>,
    prefix: &str,
    depth: usize,
    gathered: &mut Gathered,
) -> Result<(), String> {
    let join = |key: &str| if prefix.is_empty() { named(key) } else { format!("{prefix}_{}", named(key)) };
    object.iter().try_for_each(|(key, value)| under(&join(key), value, depth, gathered))
}

fn under(name: &str, value: &Value, depth: usize, gathered: &mut Gathered) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("{} is nested deeper than {MAX_DEPTH}", shown(name)));
    }
    match value {
        Value::Object(object) => figures(object, name, depth + 1, gathered),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| under(&format!("{name}_{at}"), item, depth + 1, gathered)),
        value => match figure(value) {
            Some(figure) => gathered.take(series(name, BTreeMap::new(), figure, SeriesType::Unknown)?),
            None => Ok(()),
        },
    }
}

fn figure(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(switch) => Some(f64::from(u8::from(*switch))),
        _ => None,
    }
}

/// A key as a part of a name.
fn named(key: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let name: String = key.chars().map(clean).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() { format!("_{name}") } else { name }
}
