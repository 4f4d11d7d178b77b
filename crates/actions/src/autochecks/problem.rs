//! What is wrong with the configuration that was read last, while an older one is in force: for status, `hello` and checks.

use std::sync::{PoisonError, RwLock};

/// As much as a line of status or a field of a message should hold.
const MAX_CHARS: usize = 500;

static PROBLEM: RwLock<Option<String>> = RwLock::new(None);

/// Notes it, or that all is well again.
pub fn report(problem: Option<&str>) {
    let first = problem.and_then(|text| text.lines().next());
    let cut = first.map(|line| line.chars().take(MAX_CHARS).collect());
    *PROBLEM.write().unwrap_or_else(PoisonError::into_inner) = cut;
}

/// What is wrong, in one line.
pub fn current() -> Option<String> {
    PROBLEM.read().unwrap_or_else(PoisonError::into_inner).clone()
}
