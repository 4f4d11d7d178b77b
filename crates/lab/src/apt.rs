//! The host's apt set-up, read so that the image comes from the same mirrors with the same options.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command;

/// The host's distribution, from `os-release(5)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// `ID`, such as `debian`.
    pub id: String,
    /// `VERSION_CODENAME`, such as `bookworm`.
    pub codename: String,
}

/// Package sources that belong to one release, in apt's two formats (`sources.list(5)`).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Lines of the one-line format.
    pub lines: Vec<String>,
    /// Stanzas of the deb822 format.
    pub stanzas: Vec<String>,
}

/// Options that decide how packages are fetched: proxies, certificates, validity of old snapshots.
const FETCH_OPTIONS: [&str; 6] = [
    "Acquire::http::",
    "Acquire::https::",
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::ForceIPv4",
    "Acquire::Retries",
];

impl Distribution {
    /// Reads the host's `/etc/os-release`.
    pub fn of_host() -> Result<Self> {
        let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
        Self::parse(&text)
            .context("/etc/os-release names no ID and VERSION_CODENAME: the lab needs a Debian host")
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
            Some(line.trim().trim_matches(['"', '\'']).to_owned())
        };
        Some(Self { id: field("ID")?, codename: field("VERSION_CODENAME")? })
    }
}

impl Sources {
    /// The host's sources of `codename`, or else those of the host's own release with that name in its place: a mirror has all
    /// releases, and the keyring of Debian the keys of those before and after it.
    pub fn of(codename: &str) -> Result<Self> {
        let own = Distribution::of_host()?.codename;
        Self::of_host(codename).or_else(|_none| Ok(Self::of_host(&own)?.renamed(&own, codename)))
    }

    fn renamed(self, from: &str, to: &str) -> Self {
        let word =
            |word: &str| if is_suite_of(word, from) { word.replacen(from, to, 1) } else { word.to_owned() };
        let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        let text = |text: &String| text.lines().map(line).collect::<Vec<_>>().join("\n");
        Self {
            lines: self.lines.iter().map(text).collect(),
            stanzas: self.stanzas.iter().map(text).collect(),
        }
    }

    /// Collects from the host's apt what belongs to `codename`, third-party archives left out.
    pub fn of_host(codename: &str) -> Result<Self> {
        let mut sources = Self::default();
        for path in source_files()? {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if path.extension().is_some_and(|extension| extension == "sources") {
                sources.stanzas.extend(stanzas_of(&text, codename));
            } else {
                sources.lines.extend(lines_of(&text, codename));
            }
        }
        if sources == Self::default() {
            bail!("apt on this host has no source for {codename}");
        }
        Ok(sources)
    }

    /// Writes the sources into `dir` and returns the files, one for each format in use.
    pub fn write_to(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (name, text) in
            [("host.list", self.lines.join("\n")), ("host.sources", self.stanzas.join("\n\n"))]
        {
            if !text.is_empty() {
                let path = dir.join(name);
                fs::write(&path, text + "\n")?;
                files.push(path);
            }
        }
        Ok(files)
    }
}

/// The host's options for fetching, as text of an apt configuration file.
pub fn fetch_options() -> Result<String> {
    let dump = command::run("apt-config", ["dump", "--no-empty", "Acquire"])?;
    Ok(fetch_options_of(&dump))
}

fn fetch_options_of(dump: &str) -> String {
    let wanted = |line: &&str| FETCH_OPTIONS.iter().any(|option| line.starts_with(option));
    dump.lines().filter(wanted).flat_map(|line| [line, "\n"]).collect()
}

fn source_files() -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = Vec::new();
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        for entry in entries {
            files.push(entry?.path());
        }
    }
    files.push(PathBuf::from("/etc/apt/sources.list"));
    let is_source =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending == "list" || ending == "sources");
    files.retain(|path| is_source(path) && path.is_file());
    files.sort();
    Ok(files)
}

fn lines_of(text: &str, codename: &str) -> Vec<String> {
    let belongs = |line: &str| {
        let bare = line.strip_prefix("deb ").map(|rest| skip_options(rest.trim_start()));
        bare.is_some_and(|rest| {
            rest.split_whitespace().nth(1).is_some_and(|suite| is_suite_of(suite, codename))
        })
    };
    text.lines().map(str::trim).filter(|line| belongs(line)).map(str::to_owned).collect()
}

fn skip_options(line: &str) -> &str {
    match line.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(_, rest)| rest),
        None => line,
    }
}

fn stanzas_of(text: &str, codename: &str) -> Vec<String> {
    let uncommented: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#')).map(str::trim_end).collect();
    let stanzas = uncommented.split(|line| line.is_empty()).map(|lines| lines.join("\n"));
    stanzas.filter(|stanza| stanza_is_wanted(stanza, codename)).collect()
}

fn stanza_is_wanted(stanza: &str, codename: &str) -> bool {
    let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let binary = field("Types:").split_whitespace().any(|kind| kind == "deb");
    let enabled = field("Enabled:").trim() != "no";
    binary && enabled && field("Suites:").split_whitespace().any(|suite| is_suite_of(suite, codename))
}

/// `bookworm` and its pockets (`bookworm-updates`, `bookworm/updates`), and nothing that merely contains the name.
fn is_suite_of(suite: &str, codename: &str) -> bool {
    suite.strip_prefix(codename).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_with_and_without_quotes() {
        let text =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_CODENAME=\"bookworm\"\n";
        let expected = Distribution { id: "debian".to_owned(), codename: "bookworm".to_owned() };
        assert_eq!(Distribution::parse(text), Some(expected));
        assert_eq!(Distribution::parse("ID=fedora\n"), None);
    }

    #[test]
    fn deb822_sources_of_the_release_are_kept_and_others_left_out() {
        let text = "Types: deb\n# a comment\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\n\n\
                    Types: deb\nURIs: http://vendor\nSuites: nodistro\n\n\
                    Types: deb-src\nURIs: http://mirror/debian\nSuites: bookworm\n\n\
                    Enabled: no\nTypes: deb\nURIs: http://mirror/debian\nSuites: bookworm\n";
        let kept = stanzas_of(text, "bookworm");
        assert_eq!(kept, ["Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates"]);
    }

    #[test]
    fn one_line_sources_of_the_release_are_kept_and_others_left_out() {
        let text = "deb [signed-by=/k.gpg arch=amd64] http://mirror/debian bookworm-security main\n\
                    deb http://vendor sdk-bookworm main\n#deb http://mirror/debian bookworm main\n\
                    deb-src http://mirror/debian bookworm main\n  deb http://mirror/debian bookworm main\n";
        let kept = lines_of(text, "bookworm");
        assert_eq!(
            kept,
            [
                "deb [signed-by=/k.gpg arch=amd64] http://mirror/debian bookworm-security main",
                "deb http://mirror/debian bookworm main"
            ]
        );
    }

    #[test]
    fn another_release_comes_from_the_same_mirrors() {
        let own = Sources {
            lines: vec!["deb http://mirror/bookworm bookworm-security main".to_owned()],
            stanzas: vec![
                "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates".to_owned(),
            ],
        };
        let other = own.renamed("bookworm", "trixie");
        assert_eq!(other.lines, ["deb http://mirror/bookworm trixie-security main"]);
        assert_eq!(other.stanzas, ["Types: deb\nURIs: http://mirror/debian\nSuites: trixie trixie-updates"]);
    }

    #[test]
    fn only_options_about_fetching_are_taken_over() {
        let dump = "Acquire::http::Proxy \"http://proxy:3128\";\nAcquire::IndexTargets::deb::Packages \"x\";\n\
                    Acquire::Check-Valid-Until \"false\";\n";
        let kept = fetch_options_of(dump);
        assert_eq!(
            kept,
            "Acquire::http::Proxy \"http://proxy:3128\";\nAcquire::Check-Valid-Until \"false\";\n"
        );
    }
}
