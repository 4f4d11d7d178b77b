//! Where a program inherits no signals' dispositions.

/// Nothing is to be done.
pub fn reset() {}
