//! The files that the configuration comes from, watched where the operator wants it (`reload_on_change`).

use super::plugins;
use crate::config::Loaded;
use infiniservice_platform::file_watch::{FileWatch, Target};
use std::future::pending;

/// The watch, or none.
#[derive(Debug, Default)]
pub(super) struct ConfigWatch {
    watch: Option<FileWatch>,
    targets: Vec<Target>,
}

impl ConfigWatch {
    /// Watches what these settings come from, from now on. To be called before they are read: no change is missed.
    pub(super) fn renew(&mut self, config: &Loaded) {
        self.watch = None;
        if !config.settings.reload_on_change {
            return;
        }
        self.targets = targets(config);
        match FileWatch::over(&self.targets) {
            Ok(watch) => self.watch = Some(watch),
            Err(error) => log::warn!("cannot watch the configuration's files (reload_on_change): {error}"),
        }
    }

    /// The same where other files matter now, or none do any more.
    pub(super) fn follow(&mut self, config: &Loaded) {
        let is_wanted = config.settings.reload_on_change;
        if is_wanted != self.watch.is_some() || (is_wanted && targets(config) != self.targets) {
            self.renew(config);
        }
    }

    /// Whether files are watched.
    pub(super) fn is_on(&self) -> bool {
        self.watch.is_some()
    }

    /// Resolves when one of them may have changed. Cancel safe.
    pub(super) async fn changed(&mut self) {
        match &mut self.watch {
            Some(watch) => watch.changed().await,
            None => pending().await,
        }
    }
}

fn targets(config: &Loaded) -> Vec<Target> {
    let secret = config.settings.shared_secret_file.as_deref().and_then(Target::file);
    let keys = config.settings.controller_keys.as_deref().and_then(Target::file);
    let plugins = plugins::wanted(config).directory.map(|directory| Target::entries(&directory));
    Target::file(&config.sources.path()).into_iter().chain(secret).chain(keys).chain(plugins).collect()
}
