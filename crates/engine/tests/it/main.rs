//! One suite for both engines: what holds in memory holds with the real server, and the other way round.

mod alone;
mod suite;
mod support;
