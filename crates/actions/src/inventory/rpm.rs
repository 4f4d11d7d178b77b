//! Packages of rpm (rpm(8), "QUERY OPTIONS").

use super::{day_of_secs, known};
use crate::packages::Parsed;
use infiniservice_protocol::data::Application;
use std::collections::HashSet;

/// The vendor stands last: only it may hold anything.
pub const FORMAT: &str = "--qf=%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{LONGSIZE}\\t%{INSTALLTIME}\\t%{VENDOR}\\n";

/// Reads the lines. Signing keys, which rpm keeps as packages, are left out, and so is a line without tabs behind a package: the rest of its
/// vendor's name.
pub fn lines() -> impl FnMut(&str) -> Parsed<Application> + Send {
    let mut any = false;
    move |line: &str| {
        let passed_over =
            line.is_empty() || line.starts_with("gpg-pubkey\t") || (any && !line.contains('\t'));
        any = true;
        (!passed_over).then(|| package(line))
    }
}

fn package(line: &str) -> Option<Application> {
    let mut fields = line.splitn(6, '\t');
    let (name, version) = (fields.next()?, fields.next()?);
    let (architecture, bytes, installed, vendor) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    (!name.is_empty()).then(|| Application {
        name: name.into(),
        version: version.into(),
        publisher: known(vendor),
        install_date: installed.parse().ok().and_then(day_of_secs),
        size_mb: bytes.parse::<u64>().ok().map(|bytes| bytes as f64 / 1e6),
        source: "rpm".into(),
        architecture: known(architecture),
        ..Application::default()
    })
}

/// Of these paths those that a package owns, from what `rpm -qf` says of the others.
pub fn owned(paths: &[String], text: &str) -> HashSet<String> {
    let without = |line: &str| {
        Some(line.strip_prefix("file ")?.strip_suffix(" is not owned by any package")?.to_owned())
    };
    let unowned: HashSet<String> = text.lines().filter_map(without).collect();
    paths.iter().filter(|path| !unowned.contains(*path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Reading;

    fn read(text: &str) -> Vec<Application> {
        Reading::of(text.lines(), lines()).rows
    }

    #[test]
    fn recorded_packages_are_read_with_epochs_and_vendors_that_hold_tabs() {
        let all = read(include_str!("fixtures/rpm-4.18.0-list.tsv"));
        let told: Vec<_> =
            all.iter().map(|a| (a.name.as_str(), a.version.as_str(), a.publisher.as_deref())).collect();
        let vendors = [Some("Rocky Enterprise Software Foundation"), None, Some("Lab\t& Söhne \"quoted\"")];
        let names = [("lab-vendor", "1.5-1"), ("lab-plain", "1.0-1"), ("lab-epoch", "3:2.1~rc1-1")];
        let wanted: Vec<_> = names.into_iter().zip(vendors).map(|((n, v), vendor)| (n, v, vendor)).collect();
        assert_eq!(told, wanted);
        assert_eq!((all[1].size_mb, all[1].install_date.as_deref()), (Some(1.5), Some("2026-11-23")));
    }

    #[test]
    fn recorded_owners_are_told_from_what_nobody_owns() {
        let paths = ["lab-plain", "other"].map(|name| format!("/usr/share/applications/{name}.desktop"));
        let owned = owned(&paths, include_str!("fixtures/rpm-4.18.0-qf.txt"));
        assert_eq!(owned.into_iter().collect::<Vec<_>>(), [paths[0].clone()]);
    }

    /// Lines made by hand.
    #[test]
    fn packages_are_read_keys_and_torn_lines_are_not() {
        let text = "bash\t5.1.8-9.el9\tx86_64\t7738634\t1795415400\tRocky Enterprise\tSoftware\n\
                    gpg-pubkey\t1-2\t(none)\t0\t1795415400\t(none)\nopenssl\t1:3.0.7-2\tx86_64\tx\tx\t(none)\ntorn\t1\n";
        let all = read(text);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].install_date.as_deref(), Some("2026-11-23"));
        assert_eq!(
            (all[0].publisher.as_deref(), all[0].size_mb),
            (Some("Rocky Enterprise\tSoftware"), Some(7.738_634))
        );
        assert_eq!(
            (all[1].publisher.as_deref(), all[1].size_mb, all[1].install_date.as_deref()),
            (None, None, None)
        );
    }

    #[test]
    fn what_rpm_does_not_disown_is_owned() {
        let paths = ["/a".to_owned(), "/b".to_owned()];
        let owned = owned(&paths, "vim-common\nfile /b is not owned by any package\n");
        assert_eq!(owned.into_iter().collect::<Vec<_>>(), ["/a"]);
    }
}
