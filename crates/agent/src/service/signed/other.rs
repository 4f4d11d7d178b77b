//! No place that is in memory and the administrator's alone.

use std::fs::File;
use std::time::Duration;

pub(super) fn open() -> Option<(File, Duration)> {
    None
}
