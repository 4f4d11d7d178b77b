//! A strict reader of the text format, for tests: what it takes is valid.

use std::collections::{BTreeMap, BTreeSet};

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// All series of a text.
pub fn parse(text: &str) -> Result<Vec<Series>, String> {
    let mut metrics = BTreeSet::new();
    let mut identities = BTreeSet::new();
    let (mut current, mut is_histogram) = (String::new(), false);
    let mut all: Vec<Series> = Vec::new();
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line is not ended".to_owned());
    }
    let mut lines = text.split_terminator('\n');
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').ok_or("no help")?;
            let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
            let is_fresh = metrics.insert(name.to_owned());
            if !matches!(kind, Some("counter" | "gauge" | "histogram")) || help.is_empty() || !is_fresh {
                return Err(format!("{line} is not followed by its type, or comes again"));
            }
            name.clone_into(&mut current);
            is_histogram = kind == Some("histogram");
            continue;
        }
        let series = series(line).ok_or_else(|| format!("no series: {line}"))?;
        let own = series.name.strip_prefix(&*current);
        let is_own = match own {
            Some("_bucket" | "_sum" | "_count") => is_histogram,
            own => own == Some("") && !is_histogram,
        };
        if !is_own || !identities.insert((series.name.clone(), series.labels.clone())) {
            return Err(format!("at a wrong place, or a second time: {line}"));
        }
        all.push(series);
    }
    Ok(all)
}

fn series(line: &str) -> Option<Series> {
    let end = line.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            let is_name = !label.is_empty() && label.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
            if !is_name || labels.insert(label.to_owned(), value).is_some() {
                return None;
            }
            rest = after;
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            rest = rest.strip_prefix(',')?;
        }
    }
    let value = rest.strip_prefix(' ')?;
    let value = if value.contains(char::is_whitespace) { None } else { value.parse().ok() }?;
    Some(Series { name: name.to_owned(), labels, value })
}

/// A value up to its closing quotation mark, and what comes after.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    loop {
        match letters.next()? {
            (at, '"') => return Some((value, text.get(at + 1..)?)),
            (_, '\\') => value.push(match letters.next()?.1 {
                'n' => '\n',
                letter @ ('\\' | '"') => letter,
                _ => return None,
            }),
            (_, letter) if letter.is_control() => return None,
            (_, letter) => value.push(letter),
        }
    }
}

#[test]
fn what_is_not_valid_is_refused() {
    let head = "# HELP a_total x\n# TYPE a_total counter\n";
    let good = format!("{head}a_total{{vm=\"x\\\"\\\\\\n\",b=\"\"}} 1\na_total 2e3\n");
    assert_eq!(parse(&good).unwrap().len(), 2);
    for wrong in [
        "a_total 1\n",
        &format!("{head}a_total 1"),
        &format!("{head}a_total 1\na_total 2\n"),
        &format!("{head}b_total 1\n"),
        &format!("{head}a_total{{vm=\"x\"y\"}} 1\n"),
        &format!("{head}a_total{{vm=\"x\\y\"}} 1\n"),
        &format!("{head}a_total one\n"),
        &format!("{head}a_total 1 1795415400\n"),
        &format!("{head}{head}"),
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
