//! The shared secrets of guests that take signed lines only.

use infiniservice_protocol::envelope::Signer;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// The signer of a machine, where there is a file of its name. A file that others may read or write is not used.
pub(super) fn of(directory: &Path, vm: &str) -> Result<Option<Signer>, String> {
    let path = directory.join(vm);
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let facts = match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        facts => facts.map_err(failed)?,
    };
    let own = rustix::process::geteuid().as_raw();
    if !facts.is_file() || facts.permissions().mode() & 0o077 != 0 || ![0, own].contains(&facts.uid()) {
        return Err(format!(
            "{} must be a file of root's that nobody else can read (mode 0600)",
            path.display()
        ));
    }
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    match text.trim_end() {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(Some(Signer::new(secret))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
