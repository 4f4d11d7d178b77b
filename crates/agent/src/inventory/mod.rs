//! Installed applications, whoever installed them: readers of what each source tells, and of the files that tell themselves.
//!
//! Nothing that is found is ever run. Programs asked are those of the system's own package managers, which root owns.

pub mod appimage;
pub mod date;
pub mod desktop;
pub mod dpkg;
pub mod flatpak;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod rpm;
pub mod snap;
pub mod uninstall;
#[cfg(target_os = "windows")]
pub mod windows;

use crate::one_line::{description, quote};
use infiniservice_protocol::data::{Application, ApplicationInventoryData};

/// Whoever made the application wrote these.
fn cleaned(mut found: Application) -> Application {
    found.name = description(&found.name);
    found.version = description(&found.version);
    found.publisher = found.publisher.as_deref().map(description);
    found.install_location = found.install_location.as_deref().map(quote);
    found
}

/// Those whose name or publisher has `filter` in it, in the order of names, at most `limit`.
pub fn select(all: Vec<Application>, filter: Option<&str>, limit: Option<u32>) -> ApplicationInventoryData {
    let mut all: Vec<Application> = all.into_iter().map(cleaned).collect();
    if let Some(filter) = filter {
        let filter = filter.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&filter);
        all.retain(|found| holds(&found.name) || found.publisher.as_deref().is_some_and(holds));
    }
    let key = |found: &Application| {
        (found.name.to_lowercase(), found.source.clone(), found.install_location.clone())
    };
    all.sort_by_cached_key(key);
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    ApplicationInventoryData { applications: all, count }
}

/// Absent where a tool writes nothing, or its word for nothing.
fn known(text: &str) -> Option<String> {
    let text = text.trim();
    (!matches!(text, "" | "(none)" | "-" | "–")).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
