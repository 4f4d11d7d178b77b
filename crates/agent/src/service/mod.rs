//! Lifecycle: the one main loop, its schedule, its shutdown.
