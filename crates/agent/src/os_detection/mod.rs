//! What operating system this is.
