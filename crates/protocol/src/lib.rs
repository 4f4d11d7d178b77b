//! The wire between host and guest.
#![forbid(unsafe_code)]
