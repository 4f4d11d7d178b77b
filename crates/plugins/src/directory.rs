//! The directory of descriptions: `NAME.toml`, each read as the configuration file is.

use crate::spec::{Spec, is_name};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::trusted::TrustedFile;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Plugins that run.
pub const MAX_PLUGINS: usize = 64;
/// Longest description, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// Names that are looked at.
const MAX_NAMES: usize = 4096;
/// How long reading may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is in it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// Plugins by their names, or what is wrong with their descriptions.
    pub(crate) plugins: BTreeMap<String, Result<Spec, String>>,
    /// What is wrong with the directory, or with names in it.
    pub(crate) problem: Option<String>,
}

/// Reads the directory; one that is not there is empty.
///
/// # Errors
/// It does not answer, or cannot be read.
pub(crate) async fn read(path: PathBuf) -> Result<Found, String> {
    let what = path.display().to_string();
    let read = blocking::run(Lane::Plugins, &what, TIMEOUT, move || read_now(&path));
    read.await.map_err(|blocked| blocked.to_string())?
}

/// The files of descriptions, in their order; none where there is no directory.
fn names(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match path.read_dir() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries.take(MAX_NAMES) {
        let name = PathBuf::from(entry?.file_name());
        if name.extension().is_some_and(|extension| extension == "toml") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// An error where it is not known what is described: what runs goes on then.
fn read_now(path: &Path) -> Result<Found, String> {
    let mut found = Found::default();
    let mut names = names(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let count = names.len();
    if count > MAX_PLUGINS {
        let path = path.display();
        found.problem = Some(format!("{path} describes {count} plugins; the first {MAX_PLUGINS} are run"));
        names.truncate(MAX_PLUGINS);
    }
    for name in names {
        if let Some(plugin) = name.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_name(stem)) {
            found.plugins.insert(plugin.to_owned(), spec(&path.join(&name)));
        } else {
            let (name, path) = (name.to_string_lossy(), path.display());
            let why = "is no name of a plugin: at most 64 letters, digits, - and _ before .toml, beginning with a letter or digit";
            found.problem.get_or_insert_with(|| format!("{name:?} in {path} {why}"));
        }
    }
    Ok(found)
}

fn spec(path: &Path) -> Result<Spec, String> {
    let told = |problem: String| format!("{} {problem}", path.display());
    let file = TrustedFile::open(path).map_err(told)?;
    let file = file.ok_or_else(|| told("does not exist any more".into()))?;
    let mut text = String::new();
    let read = file.reader().take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| told(format!("cannot be read: {error}")))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(told(format!("is longer than {MAX_FILE_BYTES} bytes")));
    }
    let spec = Spec::parse(&text).map_err(|why| format!("{}, {why}", path.display()))?;
    if spec.user.is_some() && cfg!(windows) {
        return Err(told("names a user, which is not supported on Windows".into()));
    }
    Ok(spec)
}
