//! Packages of dpkg (dpkg-query(1)).

use super::known;
use crate::packages::Parsed;
use infiniservice_protocol::data::Application;
use std::collections::HashSet;

/// The maintainer stands last: only it may hold anything.
pub const FORMAT: &str =
    "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\t${Installed-Size}\\t${Maintainer}\\n";

/// A line: a package, also one that is not set up. One of which no more than the configuration is left is passed over.
pub fn line(line: &str) -> Parsed<Application> {
    let (status, rest) = line.split_once('\t').unwrap_or((line, ""));
    match status.chars().nth(1) {
        None if line.is_empty() => None,
        Some('n' | 'c') => None,
        Some(letter) => Some(state(letter).and_then(|state| package(status, rest, state))),
        None => Some(None),
    }
}

/// Not worth a word.
const SET_UP: &str = "installed";

/// The word for the letter of a status (dpkg-query(1), `db:Status-Abbrev`).
fn state(letter: char) -> Option<&'static str> {
    match letter {
        // Waiting for triggers, it is set up all the same.
        'i' | 'W' | 't' => Some(SET_UP),
        'H' => Some("half-installed"),
        'U' => Some("unpacked"),
        'F' => Some("half-configured"),
        _ => None,
    }
}

fn package(status: &str, rest: &str, state: &str) -> Option<Application> {
    let mut fields = rest.splitn(5, '\t');
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
        state: (state != SET_UP).then(|| state.to_owned()),
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
    use crate::packages::Reading;

    fn read(text: &str) -> Vec<Application> {
        Reading::of(text.lines(), line).rows
    }

    /// Lines of dpkg-query 1.21.22 about packages that were stopped half-way on purpose.
    #[test]
    fn packages_that_are_not_set_up_are_there_with_their_state() {
        let rest = "\t1.0\tall\t4\tLab <lab@example.org>\n";
        let text = [
            "iF \tfailed",
            "iU \tunpacked",
            "iHR\thalf",
            "iW \tawaits",
            "it \tpending",
            "rF \tleaving",
            "ii \tfine",
            "un \tnever",
        ]
        .map(|begin| format!("{begin}{rest}"));
        let all = read(&text.concat());
        let told: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.state.as_deref())).collect();
        let (f, u, h) = (Some("half-configured"), Some("unpacked"), Some("half-installed"));
        let want = [
            ("failed", f),
            ("unpacked", u),
            ("half", h),
            ("awaits", None),
            ("pending", None),
            ("leaving", f),
            ("fine", None),
        ];
        assert_eq!(told, want);
    }

    #[test]
    fn packages_of_a_debian_12_are_read() {
        let all = read(include_str!("fixtures/dpkg-query-1.21.22.tsv"));
        assert_eq!((all.len(), all.iter().filter(|found| found.state.is_some()).count()), (9, 0));
        let bash = all.iter().find(|found| found.name == "bash").unwrap();
        assert_eq!(
            (bash.version.as_str(), bash.publisher.as_deref()),
            ("5.2.15-2+b8", Some("Matthias Klose"))
        );
        assert_eq!((bash.size_mb, bash.architecture.as_deref()), (Some(7.335_936), Some("amd64")));
        assert_eq!(lists(bash), ["bash.list", "bash:amd64.list"]);
    }

    #[test]
    fn removed_packages_are_left_out_torn_lines_counted_and_hostile_maintainers_stay_one_text() {
        let text =
            "rc \tgone\t1\tall\t7\tA <a@b>\nii \ttorn\nii \tevil\t1\tall\tmany\tA\tB\u{1b}[31m <x> <y@z>\n\n";
        let Reading { rows: all, unreadable } = Reading::of(text.lines(), line);
        assert_eq!((all.len(), unreadable), (1, 1));
        assert_eq!((all[0].publisher.as_deref(), all[0].size_mb), (Some("A\tB\u{1b}[31m <x>"), None));
    }

    #[test]
    fn paths_that_belong_to_packages_are_told_from_those_that_do_not() {
        let text = "vim-common, vim-tiny: /usr/share/applications/vim.desktop\ndiversion by x from: /usr/bin/y\nno: z\n";
        let owned = owned(text);
        assert!(owned.contains("/usr/share/applications/vim.desktop") && owned.len() == 2);
    }
}
