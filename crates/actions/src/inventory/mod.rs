//! Installed applications, whoever installed them: readers of what each source tells, and of the files that tell themselves.
//!
//! Nothing that is found is ever run. Programs asked are those of the system's own package managers, which root owns.

pub mod bundles;
pub mod desktop;
pub mod dpkg;
#[cfg(target_os = "linux")]
pub(crate) mod linux;
pub mod rpm;
#[cfg(any(test, target_os = "windows"))]
mod uninstall;
#[cfg(target_os = "windows")]
pub(crate) mod windows;

use infiniservice_platform::sanitize::{description, quote};
use infiniservice_protocol::data::{Application, ApplicationInventoryData};
use infiniservice_protocol::encode::ListBudget;
use std::time::{Duration, SystemTime};

/// Whoever made the application wrote these.
fn cleaned(mut found: Application) -> Application {
    found.name = description(&found.name);
    found.version = description(&found.version);
    found.publisher = found.publisher.as_deref().map(description);
    found.state = found.state.as_deref().map(quote);
    found.install_location = found.install_location.as_deref().map(quote);
    found
}

/// What was asked for, chosen as it is found: whatever there is, no more is kept than may be answered.
#[derive(Debug, Default)]
pub struct Selection {
    filter: Option<String>,
    limit: usize,
    /// Of all that is kept, on the wire.
    max_bytes: usize,
    kept: Vec<Application>,
    /// About what was kept since the order was made, in bytes.
    unordered: usize,
    count: u32,
    incomplete: Vec<String>,
}

/// Kept beyond the limit before the order is made.
const SLACK: usize = 1_000;
/// Reasons for which an answer is incomplete.
const MAX_REASONS: usize = 20;

impl Selection {
    /// Those whose name or publisher has `filter` in it, in the order of names, at most `limit`, and at most `max_bytes` on the wire.
    pub fn new(filter: Option<&str>, limit: Option<u32>, max_bytes: usize) -> Self {
        let limit = limit.map_or(usize::MAX, |limit| limit as usize);
        Self { filter: filter.map(str::to_lowercase), limit, max_bytes, ..Self::default() }
    }

    /// Counts one, and keeps it where it may be answered.
    pub fn add(&mut self, found: Application) {
        if !self.wants(&found) {
            return;
        }
        self.count = self.count.saturating_add(1);
        let found = cleaned(found);
        self.unordered = self.unordered.saturating_add(size_of(&found));
        self.kept.push(found);
        if self.kept.len() >= self.limit.saturating_add(SLACK) || self.unordered > self.max_bytes {
            self.order();
        }
    }

    /// Something could not be looked at whole.
    pub fn incomplete(&mut self, why: &str) {
        if self.incomplete.len() < MAX_REASONS {
            self.incomplete.push(description(why));
        }
    }

    /// Those that are kept, for what is told of them only.
    pub fn kept(&mut self) -> &mut [Application] {
        self.order();
        &mut self.kept
    }

    /// For the answer.
    pub fn finish(mut self) -> ApplicationInventoryData {
        self.order();
        let asked = (self.count as usize).min(self.limit);
        let cut = (self.kept.len() < asked).then(|| ("applications".to_owned(), asked as u64));
        ApplicationInventoryData {
            applications: self.kept,
            count: self.count,
            incomplete: self.incomplete,
            truncated: cut.into_iter().collect(),
        }
    }

    /// Whether the filter lets it through.
    pub fn wants(&self, found: &Application) -> bool {
        let Some(filter) = &self.filter else { return true };
        let holds = |text: &str| description(text).to_lowercase().contains(filter);
        holds(&found.name) || found.publisher.as_deref().is_some_and(holds)
    }

    fn order(&mut self) {
        let key = |found: &Application| {
            (found.name.to_lowercase(), found.source.clone(), found.install_location.clone())
        };
        self.kept.sort_by_cached_key(key);
        self.kept.truncate(self.limit);
        // Users choose how many there are, and what they are called.
        self.kept.truncate(ListBudget::new(self.max_bytes).take_all(&self.kept));
        self.unordered = 0;
    }
}

/// About what one takes in memory, in bytes.
fn size_of(found: &Application) -> usize {
    let texts = [&found.publisher, &found.install_location, &found.state].into_iter().flatten();
    let texts: usize = texts.chain([&found.name, &found.version]).map(String::len).sum();
    texts + std::mem::size_of::<Application>()
}

/// The same of what is in memory already.
#[cfg(any(test, feature = "fuzzing"))]
pub fn select(all: Vec<Application>, filter: Option<&str>, limit: Option<u32>) -> ApplicationInventoryData {
    let mut selection = Selection::new(filter, limit, 4 << 20);
    for one in all {
        selection.add(one);
    }
    selection.finish()
}

/// Absent where a tool writes nothing, or its word for nothing.
fn known(text: &str) -> Option<String> {
    let text = text.trim();
    (!matches!(text, "" | "(none)" | "-" | "–")).then(|| text.to_owned())
}

/// `2026-11-23` in UTC; `None` before 1970 and after 9999.
pub fn day(time: SystemTime) -> Option<String> {
    let latest = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let sane = (SystemTime::UNIX_EPOCH..=latest).contains(&time);
    let text = sane.then(|| humantime::format_rfc3339_seconds(time).to_string())?;
    text.split('T').next().map(str::to_owned)
}

/// The same of seconds since 1970.
pub fn day_of_secs(secs: u64) -> Option<String> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(secs)).and_then(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: usize = 4 << 20;

    fn app(name: &str, publisher: &str) -> Application {
        Application { name: name.into(), publisher: known(publisher), ..Application::default() }
    }

    #[test]
    fn what_a_hostile_package_says_of_itself_is_short_and_on_one_line() {
        let hostile = app("evil\u{1b}[2J\nname", &"x".repeat(1 << 20));
        let data = select(vec![hostile], None, None);
        let found = &data.applications[0];
        assert_eq!(found.name, "evil[2Jname");
        assert!(found.publisher.as_deref().unwrap().chars().count() < 300);
    }

    #[test]
    fn the_filter_looks_at_name_and_publisher_and_the_count_is_before_the_limit() {
        let all = vec![app("vim", "Debian"), app("Firefox", "Mozilla"), app("bash", "DEBIAN")];
        let found = select(all, Some("debian"), Some(1));
        assert_eq!((found.count, found.applications.len()), (2, 1));
        assert_eq!(found.applications[0].name, "bash");
    }
    #[test]
    fn what_is_kept_is_bounded_by_the_limit_and_the_first_names_are_answered() {
        let mut selection = Selection::new(None, Some(3), AMPLE);
        for n in (0..50_000).rev() {
            selection.add(app(&format!("{n:05}"), ""));
            assert!(selection.kept.len() <= 3 + SLACK);
        }
        let data = selection.finish();
        let names: Vec<_> = data.applications.iter().map(|found| found.name.as_str()).collect();
        assert_eq!((names, data.count), (vec!["00000", "00001", "00002"], 50_000));
        assert_eq!(data.truncated.len(), 0, "what was not asked for was not cut");
    }

    #[test]
    fn without_a_limit_what_is_kept_is_bounded_by_its_bytes_and_the_cut_is_told() {
        let mut selection = Selection::new(None, None, 200_000);
        for n in (0..20_000).rev() {
            selection.add(app(&format!("{n:05}{}", "\u{1f600}".repeat(100)), ""));
            let kept: usize = selection.kept.iter().map(size_of).sum();
            assert!(kept < 2 * 200_000 + 2000, "{kept}");
        }
        let data = selection.finish();
        assert!((100..167).contains(&data.applications.len()), "{}", data.applications.len());
        assert!(data.applications[0].name.starts_with("00000"));
        assert_eq!((data.count, data.truncated.get("applications")), (20_000, Some(&20_000)));
    }

    #[test]
    fn days_are_of_utc_and_impossible_ones_are_nothing() {
        assert_eq!(day_of_secs(1_795_415_400).as_deref(), Some("2026-11-23"));
        assert_eq!(day_of_secs(u64::MAX), None);
        assert_eq!(day_of_secs(253_402_300_800), None);
    }
}
