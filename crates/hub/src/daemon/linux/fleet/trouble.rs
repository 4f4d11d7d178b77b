//! What goes wrong with something that is done over the engine: told when it begins, when it changes, and when it is over.

use super::super::hub::Hub;
use std::fmt::Display;

/// Of one thing that is done.
pub(super) struct Trouble<'a> {
    hub: &'a Hub,
    what: &'static str,
    error: Option<String>,
}

impl<'a> Trouble<'a> {
    pub(super) const fn new(hub: &'a Hub, what: &'static str) -> Self {
        Self { hub, what, error: None }
    }

    /// It does not work.
    pub(super) fn failed(&mut self, error: &dyn Display) {
        let error = error.to_string();
        if self.error.as_ref() != Some(&error) {
            log::warn!("fleet: {}: {error}", self.what);
            self.hub.engine(|engine| engine.error = Some(format!("{}: {error}", self.what)));
            self.error = Some(error);
        }
    }

    /// It works.
    pub(super) fn fine(&mut self) {
        if self.error.take().is_some() {
            log::info!("fleet: {} again", self.what);
            self.hub.engine(|engine| engine.error = None);
        }
    }
}
