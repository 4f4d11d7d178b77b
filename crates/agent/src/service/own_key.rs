//! This machine's own key for sealed lines: from a systemd credential, from its file, or made now.
//!
//! Where none can be kept, one is made for this run alone: hosts that pinned another are refused until somebody mends it, but no
//! plain line changes anything meanwhile.

use crate::config::environment::lookup;
use crate::config::own_files::{TrustedFile, create_directory, create_private, sealed_key};
use crate::config::{Loaded, Settings};
use infiniservice_protocol::sealed::{KEY_BYTES, KeyPair, Random};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The credential's name.
pub(super) const CREDENTIAL: &str = "infiniservice.sealed_key";
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// No key's file is as long.
const MAX_FILE_BYTES: u64 = 4096;

/// Randomness of the operating system, new for each message.
pub(super) fn draw() -> Option<Random> {
    let mut random = [0; KEY_BYTES];
    getrandom::fill(&mut random).ok().map(|()| random)
}

/// Where the next start would find a key, if it would find one.
pub(super) fn kept(config: &Loaded) -> Option<PathBuf> {
    credential(config)
        .into_iter()
        .chain([path(&config.settings)])
        .find(|path| path.symlink_metadata().is_ok())
}

fn credential(config: &Loaded) -> Option<PathBuf> {
    let directory = lookup(&config.sources.environment, DIRECTORY).filter(|directory| !directory.is_empty());
    directory.map(|directory| Path::new(&directory).join(CREDENTIAL))
}

/// The key; `None` where the system gives no randomness to make one of.
pub(super) fn load(config: &Loaded) -> Option<KeyPair> {
    match from(credential(config), &path(&config.settings)) {
        Ok(key) => Some(key),
        Err(problem) => {
            log::error!(
                "this machine has no key of its own for sealed lines, so that hosts which know another one \
                 are refused: {problem}"
            );
            draw().map(KeyPair::from_bytes)
        }
    }
}

/// Where the key is kept.
pub(super) fn path(settings: &Settings) -> PathBuf {
    settings.sealed_key_file.clone().unwrap_or_else(sealed_key)
}

fn from(credential: Option<PathBuf>, file: &Path) -> Result<KeyPair, String> {
    let told = |path: &Path, problem: String| format!("{} {problem}", path.display());
    if let Some(path) = credential {
        // Its mode shows the reading of the unit's own user as a group's.
        let found =
            read(&path, TrustedFile::check_not_open_to_all).map_err(|problem| told(&path, problem))?;
        if let Some(key) = found {
            return Ok(key);
        }
    }
    let found = read(file, TrustedFile::check_not_readable_by_others);
    match found.map_err(|problem| told(file, problem))? {
        Some(key) => Ok(key),
        None => make(file).map_err(|error| told(file, format!("cannot be made: {error}"))),
    }
}

fn read(path: &Path, check: fn(&TrustedFile) -> Result<(), String>) -> Result<Option<KeyPair>, String> {
    let Some(file) = TrustedFile::open(path)? else { return Ok(None) };
    check(&file)?;
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize));
    let read = file.reader().take(MAX_FILE_BYTES).read_to_string(&mut text);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    KeyPair::parse(text.trim_end()).map(Some)
}

/// The file appears whole, and for its owner alone from the beginning.
fn make(path: &Path) -> io::Result<KeyPair> {
    let key = KeyPair::from_bytes(draw().ok_or_else(|| io::Error::other("the system has no randomness"))?);
    path.parent().map_or(Ok(()), create_directory)?;
    let fresh = path.with_extension("new");
    let _none_is_left_over = fs::remove_file(&fresh);
    let mut file = create_private(&fresh)?;
    file.write_all(Zeroizing::new(format!("{}\n", *key.secret_text())).as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&fresh, path)?;
    log::info!(
        "made this machine's key for sealed lines in {}; its public key is {}",
        path.display(),
        key.public()
    );
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        create_private(path).expect("new").write_all(text.as_bytes()).expect("written");
    }

    #[test]
    fn a_key_is_made_once_and_is_the_same_at_the_next_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("deep/sealed.key");
        let first = from(None, &file).expect("made");
        let second = from(Some(directory.path().join("no-credential")), &file).expect("read");
        assert_eq!(first.public(), second.public());
        assert_ne!(from(None, &directory.path().join("other")).expect("made").public(), first.public());
        assert!(!file.with_extension("new").exists());
    }

    #[test]
    fn a_credential_comes_first_and_makes_no_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let (credential, file) = (directory.path().join(CREDENTIAL), directory.path().join("sealed.key"));
        let key = KeyPair::from_bytes([7; KEY_BYTES]);
        write(&credential, &format!("{}\n", *key.secret_text()));
        assert_eq!(from(Some(credential), &file).expect("read").public(), key.public());
        assert!(!file.exists());
    }

    #[test]
    fn a_file_that_holds_no_key_is_left_as_it_is_and_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("sealed.key");
        write(&file, "a torn ke");
        let why = from(None, &file).expect_err("no key");
        assert!(why.contains("sealed.key a key must be") && !why.contains("torn"), "{why}");
        assert_eq!(fs::read_to_string(&file).expect("there"), "a torn ke");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone_and_one_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("sealed.key");
        from(None, &file).expect("made");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("opened");
        assert!(from(None, &file).expect_err("open").contains("0644"));
    }
}
