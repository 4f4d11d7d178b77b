//! Documented exchanges: a request, and the answer that the real machine gave to it. `docs/commands.md` is made from
//! them, and a scenario sends each of them again.

use crate::binary;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the directory of exchanges that any command may have, whatever its action.
pub const ANY_COMMAND: &str = "AnyCommand";

/// One file of `crates/e2e/exchanges/<action>/<case>.json`. All but `response` is written by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What it shows, in one sentence.
    pub about: String,
    /// Script run in the guest before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub setup: String,
    /// Script run in the guest afterwards, whatever came of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cleanup: String,
    /// JSON pointers into the request, with the script that tells the value to put there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fresh: BTreeMap<String, String>,
    /// How often the same command is sent before it, each with an id of its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sent_before: usize,
    /// Whether it is sent twice with one id.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repeated: bool,
    /// Script run in the guest while the command is in flight.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub meanwhile: String,
    /// Dotted paths of the answer whose presence differs from one run to the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub varies: Vec<String>,
    /// Blanks written behind the request, before its newline.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub padding: usize,
    /// The line of the host: an object, or the text of a line that is not JSON.
    pub request: Value,
    /// The line of the guest, as it came.
    #[serde(default)]
    pub response: Value,
    /// The directory's name: an action, `UnsafeCommand` or `AnyCommand`.
    #[serde(skip)]
    pub action: String,
    /// The file's name.
    #[serde(skip)]
    pub case: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Exchange {
    /// The id that its request has.
    pub fn id(&self) -> String {
        format!("{}/{}", self.action, self.case)
    }

    /// Whether the answer carries its id; a line without one is answered by `error`.
    pub fn has_id(&self) -> bool {
        self.request.is_string() || self.request.get("id").is_some()
    }

    /// The request as the host's line, without its newline.
    pub fn line(request: &Value) -> String {
        request.as_str().map_or_else(|| ordered(request), str::to_owned)
    }

    /// Writes the file anew.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let path = directory().join(&self.action).join(format!("{}.json", self.case));
        fs::write(&path, text).with_context(|| path.display().to_string())
    }
}

/// Every exchange, by action and case in the order of their names.
///
/// # Errors
/// A file cannot be read, or is none of this form.
pub fn all() -> Result<Vec<Exchange>> {
    let mut found = Vec::new();
    for action in names(&directory())? {
        for file in names(&directory().join(&action))? {
            let path = directory().join(&action).join(&file);
            let text = fs::read_to_string(&path)?;
            let read: Exchange = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
            let case = file.trim_end_matches(".json").to_owned();
            found.push(Exchange { action: action.clone(), case, ..read });
        }
    }
    Ok(found)
}

fn directory() -> PathBuf {
    binary::workspace().join("crates/e2e/exchanges")
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let names: std::io::Result<Vec<_>> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    let mut names = names?;
    names.sort();
    Ok(names)
}

/// An object as one line, in the order in which people read it: what it is, whose it is, what it asks for.
fn ordered(object: &Value) -> String {
    let Some(fields) = object.as_object() else { return object.to_string() };
    let rank =
        |name: &str| ["type", "id", "command_type", "raw_command"].iter().position(|first| *first == name);
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| rank(name).unwrap_or(usize::MAX));
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
    format!("{{{}}}", fields.join(","))
}
