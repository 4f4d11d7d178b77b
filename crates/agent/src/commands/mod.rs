//! Commands: executor (queue, limits, timeouts, replay) and one file a command family.
