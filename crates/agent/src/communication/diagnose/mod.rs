//! `--diagnose`: why the channel works or does not, and what to do.
