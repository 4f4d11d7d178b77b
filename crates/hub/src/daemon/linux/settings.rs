//! The settings in force, and how others come into force while the hub runs.

use super::listen;
use crate::config::table::Reloaded;
use crate::config::{self, Config};
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::sync::Notify;

/// The settings, and where they come from.
pub(super) struct Settings {
    /// As the command line has it; `None` for the default file.
    file: Option<PathBuf>,
    now: RefCell<Rc<Config>>,
    changed: Notify,
}

impl Settings {
    pub(super) fn new(config: Config, file: Option<PathBuf>) -> Self {
        Self { file, now: RefCell::new(Rc::new(config)), changed: Notify::new() }
    }

    /// Those in force.
    pub(super) fn now(&self) -> Rc<Config> {
        Rc::clone(&self.now.borrow())
    }

    /// Waits until others are in force.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Puts others into force.
    pub(super) fn put(&self, config: Config) {
        set_level(&config);
        *self.now.borrow_mut() = Rc::new(config);
        self.changed.notify_one();
    }

    /// Reads the file, and what of it may be taken now.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn read(&self) -> Result<(Config, Reloaded), String> {
        let (before, new) = (self.now(), config::load(self.file.as_deref())?);
        let (config, reloaded) = before.take_over(&new);
        if reloaded.changed.contains(&"group") {
            for path in [&config.api_socket, &config.wire_socket] {
                listen::let_in(path, &config.group).map_err(|error| format!("`group`: {error:#}"))?;
            }
        }
        Ok((config, reloaded))
    }
}

/// Lets the log tell as much as the settings say, unless `RUST_LOG` does.
pub(super) fn set_level(config: &Config) {
    if let Some(level) = config.level().ok().filter(|_| !has_own_filter()) {
        log::set_max_level(level);
    }
}

/// Whether `RUST_LOG` says what is told.
pub(super) fn has_own_filter() -> bool {
    std::env::var_os("RUST_LOG").is_some()
}
