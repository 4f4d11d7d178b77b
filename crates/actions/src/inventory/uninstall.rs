//! One uninstall key of the Windows registry as an application, as "Programs and Features" decides it.

use infiniservice_protocol::data::Application;

/// Values of a key below `…\CurrentVersion\Uninstall` that are read. Absent ones are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key's own name: for MSI packages a GUID.
    pub key: String,
    /// `DisplayName`.
    pub display_name: String,
    /// `DisplayVersion`.
    pub display_version: String,
    /// `Publisher`.
    pub publisher: String,
    /// `InstallDate`: `20261123` by MSI, anything by others.
    pub install_date: String,
    /// `InstallLocation`.
    pub install_location: String,
    /// `UninstallString`.
    pub uninstall_string: String,
    /// `ParentKeyName`: an update of that application.
    pub parent_key_name: String,
    /// `ReleaseType`: `Update`, `Hotfix`, `Security Update`, …
    pub release_type: String,
    /// `EstimatedSize`, in KiB.
    pub estimated_size_kib: Option<u32>,
    /// `SystemComponent`.
    pub system_component: bool,
    /// `WindowsInstaller`.
    pub windows_installer: bool,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// The machine's, of 64-bit programs.
    Machine64,
    /// The machine's, of 32-bit programs.
    Machine32,
    /// A user's.
    User,
}

impl Entry {
    /// Whether it is an application that a person would see: no part, update or hidden component of another.
    fn is_application(&self) -> bool {
        let update = self.release_type.to_ascii_lowercase();
        let is_update = ["update", "hotfix", "service pack"].iter().any(|word| update.contains(word));
        let removable = self.windows_installer || !self.uninstall_string.trim().is_empty();
        !self.display_name.trim().is_empty()
            && !self.system_component
            && self.parent_key_name.trim().is_empty()
            && !is_update
            && removable
    }

    /// For the wire; `None` for what is no application.
    pub(super) fn application(&self, view: View) -> Option<Application> {
        self.is_application().then(|| Application {
            name: self.display_name.trim().to_owned(),
            version: self.display_version.trim().to_owned(),
            publisher: filled(&self.publisher),
            install_date: date(&self.install_date),
            install_location: filled(self.install_location.trim_matches('"')),
            size_mb: self.estimated_size_kib.filter(|kib| *kib > 0).map(|kib| f64::from(kib) * 1024.0 / 1e6),
            source: if self.windows_installer { "msi" } else { "registry" }.into(),
            architecture: match view {
                View::Machine64 => Some("x86_64".into()),
                View::Machine32 => Some("x86".into()),
                View::User => None,
            },
            state: None,
        })
    }
}

fn filled(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `2026-11-23` of `20261123`; other installers write what they like, which is left out.
fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let part = |from: usize, to: usize| text.get(from..to).filter(|_| digits);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let within = |text: &str, max: u32| text.parse::<u32>().is_ok_and(|n| (1..=max).contains(&n));
    (within(month, 12) && within(day, 31)).then(|| format!("{year}-{month}-{day}"))
}

/// Once each: the same key stands in both views where a program registered itself twice.
pub(super) fn unique(mut all: Vec<Application>) -> Vec<Application> {
    let mut seen = std::collections::HashSet::new();
    all.retain(|one| {
        seen.insert((
            one.name.to_lowercase(),
            one.version.clone(),
            one.architecture.clone(),
            one.source.clone(),
        ))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> Entry {
        Entry {
            key: "7-Zip".into(),
            display_name: " 7-Zip 24.09 (x64) ".into(),
            display_version: "24.09".into(),
            publisher: "Igor Pavlov".into(),
            install_date: "20261123".into(),
            install_location: "\"C:\\Program Files\\7-Zip\\\"".into(),
            uninstall_string: "\"C:\\Program Files\\7-Zip\\Uninstall.exe\"".into(),
            estimated_size_kib: Some(5648),
            ..Entry::default()
        }
    }

    #[test]
    fn an_entry_becomes_an_application() {
        let found = entry().application(View::Machine64).unwrap();
        assert_eq!((found.name.as_str(), found.version.as_str()), ("7-Zip 24.09 (x64)", "24.09"));
        assert_eq!(found.install_date.as_deref(), Some("2026-11-23"));
        assert_eq!(found.install_location.as_deref(), Some(r"C:\Program Files\7-Zip\"));
        assert_eq!((found.size_mb, found.architecture.as_deref()), (Some(5.783_552), Some("x86_64")));
        assert_eq!(found.source, "registry");
    }

    #[test]
    fn parts_updates_and_hidden_components_are_no_applications() {
        let cases = [
            Entry { system_component: true, ..entry() },
            Entry { parent_key_name: "Office".into(), ..entry() },
            Entry { release_type: "Security Update".into(), ..entry() },
            Entry { release_type: "Hotfix".into(), ..entry() },
            Entry { display_name: "  ".into(), ..entry() },
            Entry { uninstall_string: String::new(), ..entry() },
        ];
        for case in cases {
            assert_eq!(case.application(View::User), None, "{case:?}");
        }
        let msi = Entry { uninstall_string: String::new(), windows_installer: true, ..entry() };
        assert_eq!(msi.application(View::Machine32).unwrap().source, "msi");
    }

    #[test]
    fn only_a_date_is_a_date() {
        assert_eq!(date("20261340"), None);
        for odd in ["", "2026-11-23", "23.11.2026", "Mon Nov 23", "2026112é"] {
            assert_eq!(date(odd), None, "{odd}");
        }
    }

    #[test]
    fn one_that_registered_itself_twice_is_told_once() {
        let one = || entry().application(View::User).unwrap();
        assert_eq!(unique(vec![one(), one()]).len(), 1);
    }

    proptest! {
        #[test]
        fn any_values_are_read(name: String, date: String, place: String, size: Option<u32>) {
            let entry = Entry {
                display_name: name, install_date: date, install_location: place, estimated_size_kib: size, ..entry()
            };
            let _ = entry.application(View::User);
        }
    }
}
