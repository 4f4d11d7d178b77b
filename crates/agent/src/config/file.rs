//! The configuration file: TOML, flat, every key a setting.

use super::error::{ConfigError, Origin, quote};
use super::field::{Field, Kind, Secret, Value};
use super::layers::{Fragment, field};
use super::own_files::TrustedFile;
use std::io::Read as _;
use std::path::Path;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

/// A longer file is refused: no configuration is that long.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Room for what is read of nearly every file, so that no copy of a secret is left where it grew.
const FIRST_READ_BYTES: usize = 64 << 10;

/// What the file says, and its text where there is one; `required` when somebody named it, so that it has to be there.
pub(super) fn read(path: &Path, required: bool) -> (Fragment, Option<Secret>) {
    match contents(path) {
        Ok(Some((file, mut text))) => {
            let mut fragment = parse(path, &text);
            permissions_fit_secret(path, &file, &mut fragment);
            (fragment, Some(Secret::new(std::mem::take(&mut *text))))
        }
        Ok(None) if !required => (Fragment::default(), None),
        Ok(None) => (failed(path, "does not exist".into()), None),
        Err(problem) => (failed(path, problem), None),
    }
}

/// The file and its text; `None` when there is no such file.
fn contents(path: &Path) -> Result<Option<(TrustedFile, Zeroizing<String>)>, String> {
    let Some(file) = TrustedFile::open(path)? else { return Ok(None) };
    let text = text_of(&file)?;
    Ok(Some((file, text)))
}

fn failed(path: &Path, problem: String) -> Fragment {
    let errors = vec![ConfigError::File { path: path.into(), problem }];
    Fragment { errors, ..Fragment::default() }
}

/// The text of a file of at most 1 MiB. It may be the secret, or hold it.
pub(super) fn text_of(file: &TrustedFile) -> Result<Zeroizing<String>, String> {
    let unreadable = |e: std::io::Error| format!("cannot be read: {e}");
    let mut bytes = Vec::with_capacity(FIRST_READ_BYTES);
    file.reader().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is longer than {MAX_FILE_BYTES} bytes"));
    }
    let text = String::from_utf8(bytes);
    text.map(Zeroizing::new).map_err(|e| format!("is not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
}

/// A file that holds the secret must not be readable by everybody.
fn permissions_fit_secret(path: &Path, file: &TrustedFile, fragment: &mut Fragment) {
    if fragment.values.contains_key("shared_secret")
        && let Err(problem) = file.check_not_readable_by_others()
    {
        fragment.errors.push(ConfigError::File { path: path.into(), problem });
    }
}

/// Reads the text; what is wrong comes in the order of its lines.
pub(super) fn parse(path: &Path, text: &str) -> Fragment {
    let (table, syntax) = DeTable::parse_recoverable(text);
    let mut fragment = Fragment::default();
    for error in &syntax {
        if fragment.is_full() {
            fragment.more_errors += 1;
        } else {
            fragment.errors.push(syntax_error(path, text, error));
        }
    }
    if !fragment.errors.is_empty() {
        return fragment;
    }
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut lines = Lines::of(text);
    for (key, value) in entries {
        let origin = Origin::File { path: path.into(), line: lines.of_offset(key.span().start) };
        match field(key.get_ref()) {
            Some(field) => {
                let shown = text.get(value.span()).unwrap_or_default();
                fragment.take(field, origin, &shown_value(shown), typed(field, value.get_ref()));
            }
            None => fragment.unknown(key.get_ref(), origin, key.get_ref()),
        }
    }
    fragment
}

fn syntax_error(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    ConfigError::Syntax { path: path.into(), line, problem: format!("is not TOML: {}", error.message()) }
}

/// Counts the lines of a text whose offsets are asked for in their order, each byte once.
struct Lines<'a> {
    text: &'a [u8],
    counted: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), counted: 0, line: 1 }
    }

    fn of_offset(&mut self, offset: usize) -> usize {
        let between = self.text.get(self.counted..offset).unwrap_or_default();
        self.line += between.split(|byte| *byte == b'\n').skip(1).count();
        self.counted = self.counted.max(offset);
        self.line
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// The value as it stands in the file; quoted again only where that is needed to keep it on one line.
fn shown_value(source: &str) -> String {
    let plain = source.len() <= 80 && !source.contains(char::is_control);
    if plain { source.into() } else { quote(source) }
}

/// The value as the field's kind wants it: TOML's types are taken at their word, so `"30"` is no number.
fn typed(field: &Field, value: &DeValue<'_>) -> Result<Value, String> {
    match (field.kind, value) {
        (Kind::Bool, DeValue::Boolean(switch)) => Ok(Value::Bool(*switch)),
        (Kind::Choice(words), DeValue::Boolean(switch)) if words.contains(&"true") => {
            field.parse(&switch.to_string())
        }
        (Kind::Integer { .. }, DeValue::Integer(number)) => {
            let number = u64::from_str_radix(number.as_str(), number.radix());
            number.map_err(|_| field.must_be()).and_then(|number| field.integer(number))
        }
        (Kind::Integer { .. } | Kind::Bool, DeValue::String(_)) => {
            Err(format!("{}, without quotes", field.must_be()))
        }
        (Kind::Text { .. } | Kind::Path | Kind::Choice(_), DeValue::String(text)) => field.parse(text),
        (Kind::Text { .. } | Kind::Path | Kind::Choice(_), _) => {
            Err(format!("{}, in quotes", field.must_be()))
        }
        (Kind::Actions | Kind::GuestCommands | Kind::Tags, DeValue::Array(items)) => {
            let items: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            items.ok_or_else(|| field.must_be()).and_then(|items| field.list(items.into_iter()))
        }
        _ => Err(field.must_be()),
    }
}
