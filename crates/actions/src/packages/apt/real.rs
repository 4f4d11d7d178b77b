//! The real apt-get over a made-up system below a directory of its own: simulations only, nothing of this machine is touched.

use std::fs;
use std::path::Path;
use std::process::Command;

const APT_GET: &str = "/usr/bin/apt-get";
/// A label as a repository may give itself.
const RELEASE: &str = "Origin: x\nLabel: Extras (testing) [a]) [b]\nSuite: sta(ble\nArchitectures: amd64\n\
    Date: Sat, 28 Nov 2026 00:00:00 UTC\n";

pub(super) struct System(tempfile::TempDir);

fn entry(name: &str, version: &str, more: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: x <x@y.z>\n{more}Description: d\n\n"
    )
}

impl System {
    /// `None` where there is no apt; under Wine that of the host is there, and cannot be run.
    pub(super) fn make() -> Option<Self> {
        if std::env::consts::OS != "linux" || !Path::new(APT_GET).exists() {
            return None;
        }
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let there = "Status: install ok installed\n";
        let status = [entry("app", "1.0", there), entry("victim", "1.0", there)];
        put("status", &(status.concat() + &entry("user", "1.0", &format!("{there}Depends: victim\n"))));
        put("repo/Packages", &entry("app", "2.0", "Filename: ./app.deb\nSize: 1\n"));
        put("repo/Release", RELEASE);
        let shown = root.path().display();
        put("etc/apt/sources.list", &format!("deb [trusted=yes arch=amd64] file:{shown}/repo ./\n"));
        for directory in
            ["etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"]
        {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        put(
            "apt.conf",
            &format!(
                "Dir \"{shown}\"; Dir::State::status \"{shown}/status\"; Dir::Bin::Methods \"/usr/lib/apt/methods\";\n\
            APT::Architecture \"amd64\"; APT::Architectures {{ \"amd64\"; }};\n\
            APT::Sandbox::User \"\"; Acquire::AllowInsecureRepositories \"true\";\n"
            ),
        );
        let system = Self(root);
        system.apt_get(&["update", "-q"]);
        Some(system)
    }

    fn apt_get(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(APT_GET);
        command.env("APT_CONFIG", self.0.path().join("apt.conf")).env("LC_ALL", "C").args(arguments);
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a simulation says.
    pub(super) fn simulation(&self, own: &[&str]) -> String {
        let all = super::super::OPTIONS.iter().chain(&super::query::SIMULATE).chain(own);
        self.apt_get(&all.copied().collect::<Vec<_>>())
    }

    /// The steps that installing a word takes.
    pub(super) fn steps(&self, word: &str) -> Vec<String> {
        let said = self.simulation(&["install", "--", word]);
        let steps = said.lines().filter(|line| line.starts_with("Inst ") || line.starts_with("Remv "));
        steps.map(str::to_owned).collect()
    }
}
