//! Who owns a node, in words a person can act on.

use super::super::outcome::Outcome;
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
    find_name(&String::from_utf8_lossy(&bytes), id).map_or_else(|| id.to_string(), str::to_owned)
}

fn find_name(text: &str, id: u32) -> Option<&str> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_named_as_the_files_name_them() {
        let group = "root:x:0:\nvirtio:x:105:agent,other\nbroken\n";
        assert_eq!(find_name(group, 105), Some("virtio"));
        assert_eq!(find_name(group, 7), None);
        assert_eq!(owner_of(Path::new("/dev/null")).map(|(owner, _)| owner), Some("root:root".to_owned()));
    }
}
