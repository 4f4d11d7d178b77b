//! Sealed lines in the loop: who may seal them, and what `hello` says of them.

use super::agent::Agent;
use super::hello::NOT_OFFERED;
use super::own_key;
use crate::config::Loaded;
use infiniservice_channel::transport::Transport;
use infiniservice_link::{Link, Plain, SealSettings};
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::guest::Capability;
use infiniservice_protocol::hello::SealedLines;
use infiniservice_protocol::sealed::PublicKey;
use std::sync::Arc;

/// In `hello`.
const NAME: &str = "sealed";

/// The link, which takes sealed lines where keys are set, and this machine's public key.
pub(super) fn with_seals(config: &Loaded, link: Link) -> (Option<PublicKey>, Link) {
    let Some(controllers) = &config.controllers else { return (None, link) };
    let Some(own) = own_key::load(config) else {
        log::error!("the system has no randomness, so nothing can be sealed: no port is opened");
        return (None, link.without_port());
    };
    let public = own.public().clone();
    let plain = plain(config);
    let kids: Vec<_> = controllers.kids().collect();
    log::info!(
        "what changes the machine must be sealed to its key {public} by one of these: {}",
        kids.join(", ")
    );
    let draw = Box::new(own_key::draw);
    let seals = SealSettings { own, controllers: Arc::clone(controllers), plain, draw };
    (Some(public), link.with_seals(seals))
}

fn plain(config: &Loaded) -> Plain {
    Plain { metrics: config.settings.plain_metrics, reads: config.settings.plain_reads }
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// The file with the keys was read again.
    pub(super) fn reload_controllers(&mut self) {
        if let (Some(controllers), Some(_)) = (&self.config.controllers, &self.public_key) {
            self.link.set_controllers(Arc::clone(controllers));
        }
    }

    /// Whether lines may be sealed to this machine.
    pub(super) fn sealed_capability(&self) -> Capability {
        let reason = match (&self.profile, &self.public_key) {
            (Some(_), _) => Some(NOT_OFFERED.to_owned()),
            (None, None) => Some("controller_keys is not set".to_owned()),
            (None, Some(_)) => None,
        };
        Capability { name: NAME.to_owned(), enabled: reason.is_none(), reason }
    }

    /// This machine's public key, and whose lines it opens.
    pub(super) fn sealed_lines(&self) -> Option<SealedLines> {
        let (key, controllers) = (self.public_key.as_ref()?, self.config.controllers.as_ref()?);
        let plain = plain(&self.config);
        Some(SealedLines {
            public_key: key.to_string(),
            kids: controllers.kids().map(str::to_owned).collect(),
            plain_metrics: plain.metrics,
            plain_reads: plain.reads,
        })
    }
}
