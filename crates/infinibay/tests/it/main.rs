//! The promises of the profile as a whole.

mod golden;
