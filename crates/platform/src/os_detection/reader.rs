//! Small files below a root, read with a bound.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// No file read here is longer when it is what it should be.
const MAX_BYTES: u64 = 64 << 10;

/// The root of a machine's file system, or of a recorded tree.
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.into())
    }

    /// Whether something is there; a dangling link is not.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }

    pub(super) fn is_dir(&self, path: &str) -> bool {
        self.0.join(path).is_dir()
    }

    /// The bytes of a regular file, at most 64 KiB of them; `None` when it is missing or cannot be read.
    pub(super) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.0.join(path);
        // A FIFO left in a file's place would block the opening.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first line without white space around it; `None` also where it is empty.
    pub(super) fn line(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let line = text.lines().next()?.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
        (!line.is_empty()).then(|| line.into())
    }
}
