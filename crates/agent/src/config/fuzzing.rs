//! What is fuzzed of the configuration: its file, and the variables.

use super::field::Value;
use super::layers::Fragment;
use super::{FIELDS, Loaded, Merged, Settings, Sources, environment, file, render, table};
use std::collections::BTreeSet;
use std::path::Path;

/// A file's text: every complaint is one line, and what is shown of valid settings is a file that says the same.
pub(crate) fn file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    variables(&text);
    let path = Path::new("config.toml");
    let fragment = file::parse(path, &text);
    for error in &fragment.errors {
        let told = error.to_string();
        assert!(!told.contains(char::is_control), "{told:?}");
    }
    if !fragment.errors.is_empty() {
        return;
    }
    let merged = Merged::new([Fragment::defaults(), fragment]);
    let _ = table::conflicts(&merged, &BTreeSet::new());
    let settings = Settings::from_merged(&merged).unwrap_or_else(|name| panic!("{name} is mistyped"));
    let sources =
        Sources { default_file: path.into(), config_flag: None, environment: Vec::new(), flags: Vec::new() };
    shown_is_read_back(&Loaded {
        settings,
        merged,
        controllers: None,
        file: None,
        text: None,
        problem: None,
        sources,
    });
}

fn shown_is_read_back(loaded: &Loaded) {
    let shown = render::print_text(loaded);
    let again = file::parse(Path::new("shown.toml"), &shown);
    assert!(again.errors.is_empty(), "{:?} in {shown}", again.errors);
    for field in FIELDS.iter().filter(|field| !field.is_secret()) {
        let value = loaded.merged.get(field.name).filter(|value| **value != Value::Unset);
        assert_eq!(again.values.get(field.name).map(|sourced| &sourced.value), value, "{}", field.name);
    }
    let _ = render::print_json(loaded);
}

/// `NAME=VALUE`, one a line.
fn variables(text: &str) {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let environment: Vec<_> = pairs.map(|(name, value)| (name.trim().into(), value.trim().into())).collect();
    for error in environment::read(&environment).errors {
        let told = error.to_string();
        assert!(!told.contains(char::is_control), "{told:?}");
    }
}
