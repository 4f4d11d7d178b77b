//! Configuration: fragments (defaults, file, environment, flags), merged, then validated into `Settings`.
