//! What a release for Linux is made of, laid out in one directory, and the archive of it.

use super::licences;
use super::linux::PROGRAMS;
use super::site::{Site, output};
use crate::steps::run;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Files of the sources that go into it; those that are programs are told by their mode here.
const FILES: &[(&str, u32)] = &[
    ("packaging/install-linux.sh", 0o755),
    ("packaging/infiniservice.sh", 0o755),
    ("packaging/infiniservice.service", 0o644),
    ("packaging/infiniservice-readonly.service", 0o644),
    ("packaging/infiniservice.sysusers", 0o644),
    ("packaging/60-infiniservice.rules", 0o644),
    ("packaging/61-infiniservice-readonly.rules", 0o644),
    ("packaging/80-infiniservice.preset", 0o644),
    ("packaging/config.toml", 0o600),
    ("packaging/libvirt-channel.xml", 0o644),
    ("packaging/plugins/nvidia-gpu", 0o755),
    ("packaging/plugins/nvidia-gpu.toml", 0o644),
    ("packaging/plugins/systemd-timers", 0o755),
    ("packaging/plugins/systemd-timers.toml", 0o644),
    ("LICENSE-APACHE", 0o644),
    ("LICENSE-MIT", 0o644),
];

/// What `infinihub` has beside its program, below `packaging`.
const HUB_FILES: &[(&str, u32)] = &[
    ("hub/infinihub.service", 0o644),
    ("hub/config.toml", 0o600),
    ("hub/infinihub-exporter.service", 0o644),
    ("hub/exporter.toml", 0o644),
    ("prometheus/rules.yml", 0o644),
    ("grafana/fleet.json", 0o644),
    ("grafana/machine.json", 0o644),
    ("grafana/hub.json", 0o644),
];

/// What `infiniservice-qga` has, and the archive not.
const DROP_IN: &str = "packaging/qga/50-qga.conf";

/// Lays it out, checksums included: `install-linux.sh` compares them before it touches anything.
pub fn lay_out(site: &Site, programs: &[PathBuf; 2]) -> Result<()> {
    let stage = site.stage();
    fs::create_dir_all(&stage)?;
    let put = |from: PathBuf, name: &str, mode: u32| -> Result<()> {
        let to = stage.join(name);
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        Ok(fs::set_permissions(&to, fs::Permissions::from_mode(mode))?)
    };
    for (name, program) in PROGRAMS.iter().zip(programs) {
        put(program.clone(), name, 0o755)?;
    }
    for (path, mode) in FILES {
        put(site.root.join(path), path.rsplit('/').next().unwrap_or(path), *mode)?;
    }
    fs::write(stage.join(licences::NAME), licences::of_dependencies(site)?)?;
    hosts_documents(site)?;
    // A fresh copy, as the packagers take the times of files that are older than the release.
    fs::copy(site.root.join(DROP_IN), site.documents().join("50-qga.conf")).context(DROP_IN)?;
    sums(site)
}

/// The daemon and its files, beside the stage: nothing of them is for guests.
pub fn lay_out_hub(site: &Site, program: &Path) -> Result<()> {
    let directory = site.documents().join("hub");
    fs::create_dir_all(&directory)?;
    let sources = site.root.join("packaging");
    let files = HUB_FILES.iter().map(|(path, mode)| (sources.join(path), *mode));
    for (from, mode) in files.chain([(program.to_path_buf(), 0o755)]) {
        let to = directory.join(from.file_name().context("a file")?);
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        fs::set_permissions(&to, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Completions and manual pages of the host's command, as it prints them itself; for its packages, beside the stage.
fn hosts_documents(site: &Site) -> Result<()> {
    let (infinictl, documents) = (site.stage().join(PROGRAMS[1]), site.documents());
    let pages = documents.join("man");
    fs::create_dir_all(&pages)?;
    run(site.command(&infinictl, &["man", "--dir"]).arg(&pages))?;
    for page in fs::read_dir(&pages)? {
        // gzip -n writes neither name nor time.
        run(site.command("gzip", &["-9", "-n", "--force"]).arg(page?.path()))?;
    }
    for (shell, file) in [("bash", "infinictl.bash"), ("zsh", "_infinictl"), ("fish", "infinictl.fish")] {
        let script = output(&mut site.command(&infinictl, &["completions", shell]))?;
        fs::write(documents.join(file), script + "\n")?;
    }
    Ok(())
}

fn sums(site: &Site) -> Result<()> {
    let entries: std::io::Result<Vec<_>> = fs::read_dir(site.stage())?.collect();
    let mut names: Vec<String> =
        entries?.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut sha256sum = site.command("sha256sum", &[]);
    let sums = output(sha256sum.args(&names).current_dir(site.stage()))?;
    Ok(fs::write(site.stage().join("SHA256SUMS"), sums + "\n")?)
}

/// The archive: one directory, files in order, belonging to root, all of one time.
pub fn archive(site: &Site) -> Result<PathBuf> {
    packed(site, "stage", &format!("infiniservice-{}-x86_64-linux", env!("CARGO_PKG_VERSION")))
}

/// What Infinibay's host serves to its machines, laid out as it looks for it: the program, and the script, which has all else
/// in itself.
pub fn archive_for_infinibay(site: &Site) -> Result<PathBuf> {
    let root = site.out().join("infinibay");
    for (name, below) in [(PROGRAMS[0], "binaries/linux"), ("install-linux.sh", "install")] {
        fs::create_dir_all(root.join(below))?;
        fs::copy(site.stage().join(name), root.join(below).join(name))?;
    }
    packed(site, "infinibay", &format!("infiniservice-{}-infinibay-linux", env!("CARGO_PKG_VERSION")))
}

/// `NAME.tar.gz` of a directory in the release, with its files below `NAME/`.
fn packed(site: &Site, directory: &str, name: &str) -> Result<PathBuf> {
    let path = site.out().join(format!("{name}.tar.gz"));
    let mut tar = site.command("tar", &["--create", "--format=gnu", "--sort=name", "--owner=0", "--group=0"]);
    tar.args(["--numeric-owner", "--mode=u+rwX,go-w", &format!("--mtime=@{}", site.epoch)]);
    // gzip writes neither name nor time.
    tar.args(["--use-compress-program=gzip -9 -n", &format!("--transform=s,^{directory},{name},"), "--file"]);
    run(tar.arg(&path).args(["--directory"]).arg(site.out()).arg(directory))?;
    Ok(path)
}
