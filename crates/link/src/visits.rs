//! The host's visits as the log tells them. A command that asks one question comes and goes within milliseconds, perhaps
//! every minute for years: two lines of the log each time would bury the rest.

use log::Level;
use std::time::Duration;

/// A host that stays for less is told at debug level only.
const SHORT: Duration = Duration::from_secs(1);

/// Visits, and the one that is not told yet.
#[derive(Debug, Default)]
pub(super) struct Visits {
    /// When the present visit will have lasted long enough, and what to say of it then.
    untold: Option<(Duration, String)>,
    /// Short visits since one was told.
    short: u64,
}

impl Visits {
    /// A host came.
    pub(super) fn came(&mut self, now: Duration, text: String) {
        self.untold = Some((now.saturating_add(SHORT), text));
    }

    /// The visit is told by other words, or not at all.
    pub(super) fn forget(&mut self) {
        self.untold = None;
    }

    /// When [`Visits::due`] is to be asked.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.untold.as_ref().map(|(due, _)| *due)
    }

    /// What is to be said by now: that a host came, and how many came and went before.
    pub(super) fn due(&mut self, now: Duration) -> Option<String> {
        let (_, text) = self.untold.take_if(|(due, _)| now >= *due)?;
        Some(match std::mem::take(&mut self.short) {
            0 => text,
            1 => format!("{text}; an earlier one stayed for less than a second"),
            short => format!("{text}; {short} earlier ones stayed for less than a second each"),
        })
    }

    /// The host left: the level of the line that says so.
    pub(super) fn left(&mut self) -> Level {
        let short = self.untold.take().is_some();
        self.short += u64::from(short);
        if short { Level::Debug } else { Level::Info }
    }
}
