//! Where there is no journal.

/// Never.
pub fn stderr_is_journal() -> bool {
    false
}
