//! Files of keys for sealed lines: one's own, and the guest's that is pinned.

use super::error::CliError;
use crate::sys;
use infiniservice_protocol::sealed::{HostEnd, KEY_BYTES, KeyPair, PublicKey, check_kid};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// No file of a key is as long.
const MAX_FILE_BYTES: u64 = 4096;

/// A key's name.
pub(super) fn kid(text: &str) -> Result<String, String> {
    check_kid(text).map(|()| text.to_owned())
}

/// What a file holds: a private key, and the name where it is a controller's.
pub(super) struct Stored {
    /// The name.
    pub(super) kid: Option<String>,
    /// The key.
    pub(super) key: KeyPair,
}

impl Stored {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let told = |problem: String| CliError::Usage(format!("the key in {}: {problem}", path.display()));
        let text = text(path)?;
        let (kid, key) = match text.trim_end().split_once(' ') {
            Some((name, key)) => (Some(kid(name).map_err(told)?), key),
            None => (None, text.trim_end()),
        };
        Ok(Self { kid, key: KeyPair::parse(key).map_err(told)? })
    }

    /// The line for `controller_keys`, or the bare key of a guest.
    pub(super) fn line(&self) -> String {
        let public = self.key.public();
        self.kid.as_ref().map_or_else(|| public.to_string(), |kid| format!("{kid} {public}"))
    }
}

/// A short file's text.
pub(super) fn text(path: &Path) -> Result<String, CliError> {
    let failed = |error| CliError::Usage(format!("cannot read the key in {}: {error}", path.display()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Our end of the lines between the controller of the first file and the guest of the second.
pub(super) fn host_end(own: &Path, guest: &Path) -> Result<HostEnd, CliError> {
    let stored = Stored::read(own)?;
    let kid = stored.kid.ok_or_else(|| {
        let own = own.display();
        CliError::Usage(format!(
            "the key in {own} has no name; make one with `infinictl keys generate --kid NAME`"
        ))
    })?;
    let told = |problem| CliError::Usage(format!("the guest's key in {}: {problem}", guest.display()));
    let pinned = PublicKey::parse(text(guest)?.trim_end()).map_err(told)?;
    let end = HostEnd::new(&kid, stored.key, pinned);
    if end.seal((0, "0"), None, "", [1; KEY_BYTES]).is_none() {
        return Err(told("nothing can be sealed to it".into()));
    }
    Ok(end)
}

/// What a new key is made of.
pub(super) fn random<const BYTES: usize>() -> Result<[u8; BYTES], CliError> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| CliError::Failed(format!("cannot get random bytes: {error}")))?;
    Ok(random)
}

/// Makes a private file; there must be none of this name.
pub(super) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error| CliError::Failed(format!("cannot write {}: {error}", path.display()));
    let mut file = sys::create_private(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
