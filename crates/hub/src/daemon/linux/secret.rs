//! The shared secrets of guests that take signed lines only.

use infiniservice_platform::trusted::TrustedFile;
use infiniservice_protocol::envelope::Signer;
use std::io::Read as _;
use std::path::Path;

/// Longest file: the longest secret of an agent has 1,024 characters.
const MAX_BYTES: u64 = 4096;

/// The signer of a machine, where there is a file of its name. A file that others may read, change or replace is not used.
pub(super) fn of(directory: &Path, vm: &str) -> Result<Option<Signer>, String> {
    let path = directory.join(vm);
    let named = |problem: String| format!("{} {problem}", path.display());
    let Some(file) = TrustedFile::open(&path).map_err(named)? else { return Ok(None) };
    file.check_not_readable_by_others().map_err(named)?;
    let mut text = String::new();
    let read = file.reader().take(MAX_BYTES).read_to_string(&mut text);
    read.map_err(|error| named(format!("cannot be read: {error}")))?;
    match text.trim_end() {
        "" => Err(named("is empty".to_owned())),
        secret => Ok(Some(Signer::new(secret))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_counts_only_where_nobody_else_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web");
        std::fs::write(&path, "secret\n").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o640);
        assert!(of(directory.path(), "web").unwrap_err().contains("0600"));
        mode(0o600);
        assert!(of(directory.path(), "web").unwrap().is_some());
        assert!(of(directory.path(), "other").unwrap().is_none());
        std::fs::write(&path, "\n").unwrap();
        assert!(of(directory.path(), "web").unwrap_err().contains("empty"));
    }
}
