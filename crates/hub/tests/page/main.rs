//! The page in a real Chromium: simulated guests, a real hub, real keys.
#![cfg(target_os = "linux")]

mod host;
mod looks;
mod use_by_people;
