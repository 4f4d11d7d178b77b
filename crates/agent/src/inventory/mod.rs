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

use infiniservice_protocol::data::{Application, ApplicationInventoryData};

/// Those whose name or publisher has `filter` in it, in the order of names, at most `limit`.
pub fn select(
    mut all: Vec<Application>,
    filter: Option<&str>,
    limit: Option<u32>,
) -> ApplicationInventoryData {
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
    fn the_filter_looks_at_name_and_publisher_and_the_count_is_before_the_limit() {
        let all = vec![app("vim", "Debian"), app("Firefox", "Mozilla"), app("bash", "DEBIAN")];
        let found = select(all, Some("debian"), Some(1));
        assert_eq!((found.count, found.applications.len()), (2, 1));
        assert_eq!(found.applications[0].name, "bash");
    }
}
