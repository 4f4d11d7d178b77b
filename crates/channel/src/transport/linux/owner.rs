//! Who owns a node, in words a person can act on.

use super::super::outcome::Outcome;
use infiniservice_platform::linux::accounts;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Of passwd(5) and group(5) so much is searched for a name; beyond, the number is told.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// `user:group` and permission bits of what a path leads to.
pub fn owner_of(path: &Path) -> Option<(String, u32)> {
    let meta = fs::metadata(path).ok()?;
    let user = name("/etc/passwd", meta.uid());
    let group = name("/etc/group", meta.gid());
    Some((format!("{user}:{group}"), meta.mode() & 0o7777))
}

/// The outcome of `EACCES` on a path.
pub fn access_of(path: &Path) -> Outcome {
    let (owner, mode) = owner_of(path).unwrap_or_else(|| ("unknown".into(), 0));
    Outcome::Denied { owner, mode, uid: rustix::process::geteuid().as_raw() }
}

/// The name of an id in a file of the passwd(5) or group(5) format, else the number.
fn name(file: &str, id: u32) -> String {
    let mut bytes = Vec::new();
    // What was read until an error is good for a name.
    let _ = fs::File::open(file).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    accounts::name_of(&bytes, id).unwrap_or_else(|| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_root_is_named_so() {
        assert_eq!(owner_of(Path::new("/dev/null")).map(|(owner, _)| owner), Some("root:root".to_owned()));
    }
}
