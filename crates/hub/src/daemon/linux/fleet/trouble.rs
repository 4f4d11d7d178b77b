//! What goes wrong with something that is done over the engine: told when it begins, when it changes, and when it is over.

use super::super::hub::Hub;
use std::fmt::Display;

/// Of one thing that is done.
pub(crate) struct Trouble<'a> {
    /// The hub that shows it, where one does.
    hub: Option<&'a Hub>,
    what: &'static str,
    error: Option<String>,
}

impl<'a> Trouble<'a> {
    pub(super) const fn new(hub: &'a Hub, what: &'static str) -> Self {
        Self { hub: Some(hub), what, error: None }
    }

    /// Of one that is no hub.
    pub(crate) const fn alone(what: &'static str) -> Self {
        Self { hub: None, what, error: None }
    }

    /// It does not work.
    pub(crate) fn failed(&mut self, error: &dyn Display) {
        let error = error.to_string();
        if self.error.as_ref() != Some(&error) {
            log::warn!("fleet: {}: {error}", self.what);
            let told = format!("{}: {error}", self.what);
            self.hub.and_then(|hub| hub.engine(|engine| engine.error = Some(told)));
            self.error = Some(error);
        }
    }

    /// It works.
    pub(crate) fn fine(&mut self) {
        if self.error.take().is_some() {
            log::info!("fleet: {} again", self.what);
            self.hub.and_then(|hub| hub.engine(|engine| engine.error = None));
        }
    }
}
