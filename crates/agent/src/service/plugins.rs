//! Plugins in the loop: where they are described, and what `hello` says of them.

use super::agent::Agent;
use super::hello::NOT_OFFERED;
use crate::config::{Loaded, WireProfile};
use infiniservice_channel::transport::Transport;
use infiniservice_exec::Runner;
use infiniservice_platform::clock::Clock;
use infiniservice_plugins::{MAX_PLUGINS, Plugins, Wanted};
use infiniservice_protocol::guest::Capability;
use infiniservice_protocol::hello::PluginLimits;
use std::sync::Arc;

/// In `hello`.
const NAME: &str = "plugins";

/// Runs what is described. Infinibay's host has no place for their figures, so with its profile none runs.
pub(super) fn start(config: &Loaded, runner: &Arc<dyn Runner>) -> Option<Plugins> {
    let offered = config.settings.wire_profile == WireProfile::Native;
    offered.then(|| Plugins::start(wanted(config), Arc::clone(runner)))
}

/// Where plugins and files of figures are looked for.
pub(super) fn wanted(config: &Loaded) -> Wanted {
    let directory = config.settings.plugins_dir.clone().or_else(|| config.sources.default_plugins());
    Wanted { directory, textfiles: config.settings.plugins_textfile_dir.clone() }
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Reads the descriptions again.
    pub(super) fn reload_plugins(&self) {
        if let Some(plugins) = &self.plugins {
            plugins.reload(wanted(&self.config));
        }
    }

    /// Whether there are any.
    pub(super) fn plugins_capability(&self) -> Capability {
        let reason = match &self.plugins {
            None => Some(NOT_OFFERED.to_owned()),
            Some(plugins) if plugins.names().is_empty() && !plugins.reads_files() => {
                let directory = wanted(&self.config).directory;
                let directory = directory.map_or("plugins_dir".into(), |path| path.display().to_string());
                Some(format!("no plugin is described in {directory}, and plugins_textfile_dir is not set"))
            }
            Some(_) => None,
        };
        Capability { name: NAME.to_owned(), enabled: reason.is_none(), reason }
    }

    /// Their names and bounds, where there are any.
    pub(super) fn plugin_limits(&self) -> Option<PluginLimits> {
        let plugins = self.plugins.as_ref()?;
        let (names, textfiles) = (plugins.names(), plugins.reads_files());
        let any = textfiles || !names.is_empty();
        any.then_some(PluginLimits { names, textfiles, max_plugins: MAX_PLUGINS })
    }
}
