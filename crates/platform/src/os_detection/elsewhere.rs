//! Where the operating system is told by files below the root.

use super::OsInfo;

/// Nothing else tells it.
pub(super) fn own() -> Option<OsInfo> {
    None
}
