//! A hub, as the exporter hears it.

use super::seat::{FIRST_LINE_WITHIN, Seat};
use infiniservice_fleet::HubPresence;
use infiniservice_hub_core::budget::Budget;
use infiniservice_hub_core::exporter::Hearing;
use infiniservice_hub_core::session::SILENT_AFTER;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A hub that was not heard for so long is gone: its entry in the engine lives as long.
const LIVES: Duration = Duration::from_secs(30);
/// How long machines of a hub that is gone are told as down, as a hub does with a machine whose socket is gone.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// How long a hub that is gone is told as gone.
const LISTED: Duration = Duration::from_secs(24 * 3600);
/// How long what a hub said is kept: the engine forgets it then, too.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often a hub is asked for whole lines.
const ASK_EVERY: Duration = Duration::from_secs(30);
/// Bytes a second of one hub's figures, as they came and as they are read: several times those of 5,000 machines that tell each
/// second.
const BYTES_A_SECOND: u64 = 64 << 20;
/// Bytes that may come at once: a whole line of each of 5,000 machines.
const BURST_BYTES: u64 = 512 << 20;

/// A hub.
#[derive(Debug)]
pub(super) struct Hub {
    /// Its machines.
    pub(super) vms: BTreeMap<Arc<str>, Seat>,
    /// What it may send.
    pub(super) budget: Budget,
    /// Bytes of its machines' last lines.
    pub(super) kept: usize,
    /// When its last live metrics came.
    pub(super) message_at: Option<Duration>,
    /// Whether it is there.
    pub(super) is_there: bool,
    /// Since when it is, or is not.
    since: Duration,
    heard_at: Duration,
    /// Whether it says that it tells figures; `None` where it was not heard yet.
    is_live: Option<bool>,
    /// Machines that are connected, as it says.
    connected: u32,
    /// It is to send whole lines.
    pub(super) wants_whole: bool,
    asked_at: Option<Duration>,
    /// Where it stood when that was told last.
    pub(super) told: Hearing,
}

impl Hub {
    /// One that was not heard yet.
    pub(super) fn new(now: Duration) -> Self {
        Self {
            vms: BTreeMap::new(),
            budget: Budget::of(BYTES_A_SECOND, BURST_BYTES, now),
            kept: 0,
            message_at: None,
            is_there: false,
            since: now,
            heard_at: now,
            is_live: None,
            connected: 0,
            wants_whole: false,
            asked_at: None,
            told: Hearing::default(),
        }
    }

    /// It was heard; whether it comes back with this.
    pub(super) fn heard(&mut self, now: Duration) -> bool {
        self.heard_at = now;
        let is_back = !self.is_there;
        if is_back {
            (self.is_there, self.since) = (true, now);
        }
        is_back
    }

    /// Its entry was written; whether it comes back with this.
    pub(super) fn present(&mut self, now: Duration, presence: &HubPresence) -> bool {
        let is_back = self.heard(now);
        // What it tells from now on follows lines that are not known here.
        self.wants_whole |= presence.live && is_back;
        (self.is_live, self.connected) = (Some(presence.live), presence.connected);
        is_back
    }

    /// It is gone, whoever says so.
    pub(super) fn gone(&mut self, now: Duration) {
        if self.is_there {
            (self.is_there, self.since) = (false, now);
        }
    }

    /// Whether it was not heard for too long. Without the engine nobody is; `connected_at` is since when that is there.
    pub(super) fn is_late(&self, now: Duration, connected_at: Duration) -> bool {
        now.saturating_sub(self.heard_at.max(connected_at)) >= LIVES
    }

    /// For how long it is gone.
    const fn gone_for(&self, now: Duration) -> Duration {
        if self.is_there { Duration::ZERO } else { now.saturating_sub(self.since) }
    }

    /// Whether nothing of it need be kept.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        let gone_for = self.gone_for(now);
        gone_for >= KEPT || gone_for >= REMEMBERED && self.vms.is_empty()
    }

    /// Whether it is told that it is gone, where it is.
    pub(super) fn is_listed(&self, now: Duration) -> bool {
        self.gone_for(now) < LISTED
    }

    /// Whether a machine of it is told: not one of which it tells no figures, nor one of a hub that is long gone.
    pub(super) fn tells(&self, now: Duration, seat: &Seat) -> bool {
        let is_silent = self.is_live == Some(false) && !seat.said_within(now, SILENT_AFTER);
        !is_silent && self.gone_for(now) < REMEMBERED
    }

    /// Where it stands.
    pub(super) fn hearing(&self, now: Duration, connected_at: Duration) -> Hearing {
        if !self.is_there {
            return Hearing::Gone;
        }
        let quiet =
            now.saturating_sub(self.message_at.unwrap_or(self.since).max(self.since).max(connected_at));
        let is_telling = self.message_at.is_some() && quiet < SILENT_AFTER;
        match self.is_live {
            Some(false) if !is_telling => Hearing::Off,
            Some(true) if self.connected > 0 && quiet >= FIRST_LINE_WITHIN => Hearing::Mute,
            _ => Hearing::Telling,
        }
    }

    /// Whether it is to be asked for whole lines now. With this it is.
    pub(super) fn ask(&mut self, now: Duration) -> bool {
        let is_early = self.asked_at.is_some_and(|at| now.saturating_sub(at) < ASK_EVERY);
        if !self.wants_whole || is_early || !self.is_there {
            return false;
        }
        self.wants_whole = false;
        self.asked_at = Some(now);
        true
    }
}
