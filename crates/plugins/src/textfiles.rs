//! Files of figures that other programs keep up to date, `*.prom` in one directory, as for `node_exporter`. They are read at each
//! collection, and only those that root or the directory's owner made.

use crate::format::Format;
use crate::sys::{Directory, Opened};
use infiniservice_platform::sanitize;
use infiniservice_protocol::metrics::Plugin;
use infiniservice_protocol::number::millis;
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

/// Files that are read.
pub(crate) const MAX_FILES: usize = 64;
/// Names that are looked at.
const MAX_NAMES: usize = 4096;
/// Longest file, in bytes.
const MAX_FILE_BYTES: u64 = 256 << 10;
/// Series of one file.
const MAX_SERIES: usize = 1000;
const ENDING: &str = ".prom";

/// What the files said.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By their names, each with the number of its series.
    pub(crate) files: BTreeMap<String, (Plugin, usize)>,
    /// What is wrong with the directory.
    pub(crate) problem: Option<String>,
}

/// Reads them. May wait for a file system.
pub(crate) fn read(path: &Path, now: SystemTime) -> Files {
    let mut all = Files::default();
    let shown = path.display();
    let names = Directory::open(path).and_then(|directory| match directory {
        Some(directory) => Ok(Some((directory.names(MAX_NAMES)?, directory))),
        None => Ok(None),
    });
    let (names, directory) = match names {
        Ok(Some(found)) => found,
        Ok(None) => return Files { problem: Some(format!("{shown} does not exist")), ..all },
        Err(error) => return Files { problem: Some(format!("{shown} cannot be read: {error}")), ..all },
    };
    let mut names: Vec<String> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| name.ends_with(ENDING) && !name.starts_with('.'));
    names.sort();
    if names.len() > MAX_FILES {
        let count = names.len();
        all.problem = Some(format!("{shown} has {count} files {ENDING}; the first {MAX_FILES} are read"));
        names.truncate(MAX_FILES);
    }
    for name in names {
        let read = file(&directory, &name, now);
        all.files.insert(sanitize::description(&name), read);
    }
    all
}

fn file(directory: &Directory, name: &str, now: SystemTime) -> (Plugin, usize) {
    let opened = match directory.file(name, MAX_FILE_BYTES) {
        Ok(opened) => opened,
        Err(problem) => return (Plugin { error: Some(problem), ..Plugin::default() }, 0),
    };
    let modified = opened.modified;
    let about = Plugin {
        age_ms: millis(now.duration_since(modified).unwrap_or_default()),
        modified_at: Some(rfc3339_millis(modified)),
        ..Plugin::default()
    };
    match text(opened).and_then(|text| Format::OpenMetrics.read(&text, 0, MAX_SERIES)) {
        Ok(reading) => (Plugin { ok: true, series: reading.series, ..about }, reading.total),
        Err(problem) => (Plugin { error: Some(problem), ..about }, 0),
    }
}

/// It may grow while it is read.
fn text(opened: Opened) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = opened.file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is longer than {MAX_FILE_BYTES} bytes"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}

#[cfg(all(test, unix))]
#[path = "textfiles_tests.rs"]
mod tests;
