//! The configuration, read again: when, and what is said of it.

use super::agent::Agent;
use super::config_watch::ConfigWatch;
use super::settling::{Cause, Settling};
use crate::config::{Loaded, Reloaded};
use infiniservice_actions::autochecks::configuration;
use infiniservice_actions::{ReloadAsker, Reloads, reload_channel};
use infiniservice_channel::transport::Transport;
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::data::ConfigReloadData;
use tokio::sync::mpsc;

/// What the loop keeps for it.
#[derive(Debug)]
pub(super) struct Reloading {
    pub(super) settling: Settling,
    watch: ConfigWatch,
    requests: mpsc::Receiver<ReloadAsker>,
    /// Commands that wait for the outcome.
    askers: Vec<ReloadAsker>,
    /// What was said last of a change of files: it is said once.
    said: Option<String>,
}

/// Who wants it.
pub(super) enum Wanted {
    /// A host, by a command.
    Host(ReloadAsker),
    /// A file changed.
    Change,
}

impl Reloading {
    /// Watches files where these settings want it; with the way for commands.
    pub(super) fn new(config: &Loaded) -> (Self, Reloads) {
        let (reloads, requests) = reload_channel();
        let mut watch = ConfigWatch::default();
        watch.renew(config);
        let (settling, askers, said) = (Settling::default(), Vec::new(), None);
        (Self { settling, watch, requests, askers, said }, reloads)
    }

    /// The next who wants it. Cancel safe.
    pub(super) async fn wanted(&mut self) -> Wanted {
        tokio::select! {
            biased;
            Some(asker) = self.requests.recv() => Wanted::Host(asker),
            () = self.watch.changed() => Wanted::Change,
        }
    }

    /// Whether files are watched.
    #[cfg(test)]
    #[allow(dead_code, reason = "only Linux's tests ask")]
    pub(super) fn watches(&self) -> bool {
        self.watch.is_on()
    }

    /// A command asks, for tests: the outcome is sent here.
    #[cfg(test)]
    #[allow(dead_code, reason = "only Linux's tests ask")]
    pub(super) fn asker(&mut self) -> tokio::sync::oneshot::Receiver<Result<ConfigReloadData, String>> {
        let (asker, told) = tokio::sync::oneshot::channel();
        self.askers.push(asker);
        told
    }

    /// Whether this was not said of the last change of files.
    fn is_news(&mut self, text: &str) -> bool {
        self.said.replace(text.to_owned()).as_deref() != Some(text)
    }
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Reads the configuration again once the requests to do so have settled: a burst of them is one.
    pub(super) fn want_reload(&mut self) {
        if self.reloading.settling.ask(self.clock.now().mono) {
            self.notifier.reloading();
        }
    }

    /// The same for a command, or because a file changed.
    pub(super) fn reload_wanted(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Host(asker) => {
                self.reloading.askers.push(asker);
                self.want_reload();
            }
            Wanted::Change => self.reloading.settling.change(self.clock.now().mono),
        }
    }

    /// Reads it for each burst that has settled.
    pub(super) fn reload_if_due(&mut self) {
        while let Some(cause) = self.reloading.settling.take_due(self.clock.now().mono) {
            self.reload(cause);
        }
    }

    pub(super) fn reload(&mut self, cause: Cause) {
        self.counts.reloads += 1;
        if cause == Cause::Changed {
            self.notifier.reloading();
            // Before the files are read: no change is missed, and a directory that was replaced is watched again.
            self.reloading.watch.renew(&self.config);
        }
        let outcome = self.take_over(cause);
        self.reloading.watch.follow(&self.config);
        if !self.reloading.watch.is_on() {
            self.reloading.settling.forget_changes();
        }
        if cause == Cause::Asked {
            self.answer_askers(&outcome);
        }
        self.notifier.ready();
    }

    fn take_over(&mut self, cause: Cause) -> Result<ConfigReloadData, String> {
        let before = self.config.settings.clone();
        match self.read_again(cause) {
            Ok(reloaded) => {
                configuration::report_problem(None);
                self.apply(&before, &reloaded.applied);
                self.tell_reloaded(cause, &reloaded);
                if let Err(error) = self.config.keep() {
                    log::debug!("cannot keep a copy of the valid configuration: {error}");
                }
                Ok(reloaded.data())
            }
            Err(why) => {
                configuration::report_problem(Some(&why));
                let text = format!("configuration not reloaded, the old one stays in force: {why}");
                let news = self.reloading.is_news(&text) || cause == Cause::Asked;
                log::log!(if news { log::Level::Error } else { log::Level::Debug }, "{text}");
                Err(text)
            }
        }
    }

    /// A file that is gone, and that nobody asked to be read without, is taken for one that is being replaced.
    fn read_again(&mut self, cause: Cause) -> Result<Reloaded, String> {
        let path = self.config.sources.path();
        if cause == Cause::Changed && self.config.file.is_some() && !path.exists() {
            return Err(format!("{} is gone", path.display()));
        }
        self.config.reload().map_err(|errors| errors.to_string())
    }

    fn tell_reloaded(&mut self, cause: Cause, reloaded: &Reloaded) {
        let waiting = reloaded.names_waiting();
        let news = self.reloading.is_news(&list(&waiting)) && !reloaded.is_nothing();
        let level = |of_news| if news || cause == Cause::Asked { of_news } else { log::Level::Debug };
        if news || cause == Cause::Asked || !reloaded.applied.is_empty() {
            log::info!("configuration reloaded; changed: {}", list(&reloaded.applied));
        }
        if !waiting.is_empty() {
            log::log!(
                level(log::Level::Warn),
                "changed in the configuration, but effective only after a restart: {}",
                list(&waiting)
            );
        }
    }

    fn answer_askers(&mut self, outcome: &Result<ConfigReloadData, String>) {
        for asker in self.reloading.askers.drain(..) {
            // Whoever asked may have gone since.
            let _ = asker.send(outcome.clone());
        }
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
