//! Packages of dpkg (dpkg-query(1)).

use super::known;
use infiniservice_protocol::data::Application;
use std::collections::HashSet;

/// The maintainer stands last: only it may hold anything.
pub const FORMAT: &str =
    "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\t${Installed-Size}\\t${Maintainer}\\n";

/// Installed packages; those of which only the configuration is left, and torn lines, are left out.
pub fn read(text: &str) -> Vec<Application> {
    text.lines().filter_map(package).collect()
}

fn package(line: &str) -> Option<Application> {
    let mut fields = line.splitn(6, '\t');
    let status = fields.next().filter(|status| status.chars().nth(1) == Some('i'))?;
    let (name, version) = (fields.next()?, fields.next()?);
    let (architecture, kib, maintainer) = (fields.next()?, fields.next()?, fields.next()?);
    let valid = status.len() <= 4 && !name.is_empty();
    valid.then(|| Application {
        name: name.into(),
        version: version.into(),
        publisher: publisher(maintainer),
        // Installed-Size is in KiB (deb-substvars(5)).
        size_mb: kib.parse::<u32>().ok().map(|kib| f64::from(kib) * 1024.0 / 1e6),
        source: "dpkg".into(),
        architecture: known(architecture),
        ..Application::default()
    })
}

/// Without the address.
fn publisher(maintainer: &str) -> Option<String> {
    let name = maintainer.rsplit_once('<').map_or(maintainer, |(name, _)| name);
    known(name.trim().trim_matches('"')).or_else(|| known(maintainer))
}

/// The files below /var/lib/dpkg/info that may list a package's files; written when it was unpacked last.
pub fn lists(application: &Application) -> [String; 2] {
    let plain = format!("{}.list", application.name);
    let architecture = application.architecture.as_deref().unwrap_or_default();
    [plain, format!("{}:{architecture}.list", application.name)]
}

/// Paths that belong to a package, from `dpkg-query --search`: `vim-common: /usr/share/applications/vim.desktop`.
pub fn owned(text: &str) -> HashSet<String> {
    let path = |line: &str| line.split_once(": ").map(|(_, path)| path.to_owned());
    text.lines().filter_map(path).filter(|path| path.starts_with('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_a_debian_12_are_read() {
        let all = read(include_str!("fixtures/dpkg-query-1.21.22.tsv"));
        assert_eq!(all.len(), 9);
        let bash = all.iter().find(|found| found.name == "bash").unwrap();
        assert_eq!(
            (bash.version.as_str(), bash.publisher.as_deref()),
            ("5.2.15-2+b8", Some("Matthias Klose"))
        );
        assert_eq!((bash.size_mb, bash.architecture.as_deref()), (Some(7.335_936), Some("amd64")));
        assert_eq!(lists(bash), ["bash.list", "bash:amd64.list"]);
    }

    #[test]
    fn removed_packages_and_torn_lines_are_left_out_and_hostile_maintainers_stay_one_text() {
        let text =
            "rc \tgone\t1\tall\t7\tA <a@b>\nii \ttorn\nii \tevil\t1\tall\tmany\tA\tB\u{1b}[31m <x> <y@z>\n\n";
        let all = read(text);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].publisher.as_deref(), all[0].size_mb), (Some("A\tB\u{1b}[31m <x>"), None));
    }

    #[test]
    fn paths_that_belong_to_packages_are_told_from_those_that_do_not() {
        let text = "vim-common, vim-tiny: /usr/share/applications/vim.desktop\ndiversion by x from: /usr/bin/y\nno: z\n";
        let owned = owned(text);
        assert!(owned.contains("/usr/share/applications/vim.desktop") && owned.len() == 2);
    }
}
