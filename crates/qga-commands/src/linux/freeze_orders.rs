//! How a freeze is made: what is changed while something is frozen holds from the next freeze on, so that the hook that was told
//! of a freeze is told of its end.

use crate::FreezeSettings;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The settings of this freeze, and those of the next.
#[derive(Debug)]
pub struct Orders(Mutex<(FreezeSettings, Option<FreezeSettings>)>);

impl Orders {
    pub fn new(settings: FreezeSettings) -> Self {
        Self(Mutex::new((settings, None)))
    }

    /// For the next freeze.
    pub fn set(&self, settings: FreezeSettings) {
        self.both().1 = Some(settings);
    }

    /// A freeze begins.
    pub fn begin(&self) {
        let mut both = self.both();
        if let Some(next) = both.1.take() {
            both.0 = next;
        }
    }

    /// Of the freeze that began last.
    pub fn now(&self) -> FreezeSettings {
        self.both().0.clone()
    }

    fn both(&self) -> MutexGuard<'_, (FreezeSettings, Option<FreezeSettings>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frozen_is_thawed_by_the_hook_that_was_told_of_it() {
        let hook = |path: &str| FreezeSettings { hook: Some(path.into()), ..FreezeSettings::default() };
        let orders = Orders::new(hook("/old"));
        orders.begin();
        orders.set(hook("/new"));
        assert_eq!(orders.now().hook, hook("/old").hook);
        orders.begin();
        orders.begin();
        assert_eq!(orders.now().hook, hook("/new").hook);
    }
}
