//! The agent as the QEMU guest agent, on a pseudo-terminal beside that of its own host.

use anyhow::{Context, Error, Result, ensure};
use infinictl::client::{Endpoint, pty};
use infinictl::qga::{Guest, QgaError, Request};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_e2e::qga::{QgaHost, freeze_alone};
use infiniservice_e2e::raw::RawHost;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_mins(1);

/// What hosts ask for without a word from the operator.
const READS: [&str; 16] = [
    "guest-get-time",
    "guest-get-osinfo",
    "guest-get-host-name",
    "guest-get-timezone",
    "guest-get-users",
    "guest-get-load",
    "guest-get-vcpus",
    "guest-get-memory-blocks",
    "guest-get-cpustats",
    "guest-get-diskstats",
    "guest-network-get-interfaces",
    "guest-network-get-route",
    "guest-get-fsinfo",
    "guest-get-disks",
    "guest-info",
    "guest-fsfreeze-status",
];

fn start(config: &str) -> Result<(LocalAgent, RawHost, QgaHost)> {
    let mut host = QgaHost::new()?;
    let config = host.config() + config;
    let (agent, own) = LocalAgent::start(&binary::tested_agent()?, &config, &[])?;
    host.told("guest-ping", &Value::Null).with_context(|| agent.log().unwrap_or_default())?;
    Ok((agent, RawHost::new(own, "qga")?, host))
}

#[test]
fn everything_that_hosts_read_is_answered_beside_the_agents_own_host() -> Result<()> {
    let (_agent, mut own, mut host) = start("")?;
    own.ask_metrics();
    for command in READS {
        host.told(command, &Value::Null)?;
    }
    own.settle(TIMEOUT)?;
    let info = host.told("guest-info", &Value::Null)?;
    let commands = info["supported_commands"].as_array().context("a list")?;
    let is_on = |name: &str| commands.iter().any(|one| one["name"] == name && one["enabled"] == true);
    // What KubeVirt wants of an agent that it supports.
    let wanted =
        ["guest-ping", "guest-get-time", "guest-info", "guest-shutdown", "guest-network-get-interfaces"];
    let wanted = wanted.iter().chain(&["guest-get-fsinfo", "guest-get-host-name", "guest-get-users"]);
    for name in wanted.chain(&["guest-get-timezone", "guest-get-osinfo"]) {
        ensure!(is_on(name), "{name} is off");
    }
    ensure!(!is_on("guest-exec"), "programs are for operators to allow");
    Ok(())
}

#[test]
fn a_thousand_visits_of_a_host_that_connects_for_each_command_are_answered() -> Result<()> {
    let (mut agent, _own, mut host) = start("")?;
    let visit = |host: &mut QgaHost, id: i64| -> Result<()> {
        // A visitor before tore its request.
        if id % 10 == 0 {
            host.write(b"{\"execute\": \"guest-pi")?;
        }
        let answer = host.as_proxmox(id, if id % 2 == 0 { "guest-ping" } else { "guest-get-time" })?;
        ensure!(answer.get("return").is_some(), "{answer}");
        Ok(())
    };
    (1..=100).try_for_each(|id| visit(&mut host, id))?;
    let before = agent.held()?;
    (101..=1000).try_for_each(|id| visit(&mut host, id))?;
    let after = agent.held()?;
    ensure!(after.descriptors <= before.descriptors + 4, "{before:?} became {after:?}");
    ensure!(after.rss_kb < before.rss_kb + 4096, "{before:?} became {after:?}");
    Ok(())
}

#[test]
fn a_host_that_reads_nothing_holds_up_neither_itself_for_good_nor_the_agents_own_host() -> Result<()> {
    let (_agent, mut own, mut host) = start("")?;
    // More answers than any buffer on the way holds.
    for _ in 0..40 {
        host.write(b"{\"execute\":\"guest-info\"}\n")?;
    }
    own.ask_metrics();
    own.settle(TIMEOUT)?;
    for _ in 0..40 {
        let line = host.line()?;
        ensure!(line.starts_with(b"{\"return\""), "{}", String::from_utf8_lossy(&line));
    }
    Ok(())
}

/// A file system of its own; unmounted with this value, thawed before where that is needed.
struct Loop {
    place: PathBuf,
    _files: tempfile::TempDir,
    _alone: fs::File,
}

impl Loop {
    /// `None` where this machine gives none.
    fn mount() -> Result<Option<Self>> {
        let files = tempfile::tempdir()?;
        let (image, place) = (files.path().join("image"), files.path().join("place"));
        fs::File::create(&image)?.set_len(32 << 20)?;
        fs::create_dir(&place)?;
        let run = |program: &str, arguments: &[&Path]| {
            Command::new(program).args(arguments).output().is_ok_and(|out| out.status.success())
        };
        let made = run("/usr/sbin/mkfs.ext4", &[Path::new("-q"), &image])
            && run("/usr/bin/mount", &[Path::new("-o"), Path::new("loop"), &image, &place]);
        if !made {
            eprintln!("SKIPPED: no file system of its own can be mounted here");
            return Ok(None);
        }
        Ok(Some(Self { place, _files: files, _alone: freeze_alone()? }))
    }

    /// Somebody who writes to it, and waits as long as it is frozen.
    fn writer(&self, name: &str) -> Result<Child> {
        Ok(Command::new("/usr/bin/touch").arg(self.place.join(name)).spawn()?)
    }

    fn list(&self) -> Value {
        json!({ "mountpoints": [self.place] })
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _not_frozen = Command::new("/usr/sbin/fsfreeze").arg("-u").arg(&self.place).output();
        let _gone = Command::new("/usr/bin/umount").arg(&self.place).status();
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + TIMEOUT;
    while !done()? {
        ensure!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
    Ok(())
}

/// Whether a process waits in the kernel, as whoever writes to a frozen file system does.
fn sleeps(child: &Child) -> Result<bool> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    Ok(stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('D')))
}

#[test]
fn while_file_systems_are_frozen_nothing_is_changed_and_the_own_host_is_told_busy() -> Result<()> {
    let Some(mounted) = Loop::mount()? else { return Ok(()) };
    let (_agent, mut own, mut host) = start("allow_unsafe_commands = true\n")?;
    ensure!(host.told("guest-fsfreeze-freeze-list", &mounted.list())? == 1, "it is not frozen");
    let mut writer = mounted.writer("x")?;
    wait_for("nobody waits to write", || sleeps(&writer))?;
    ensure!(host.told("guest-fsfreeze-status", &Value::Null)? == "frozen", "the status");
    let refused = host.ask("guest-get-time", &Value::Null)?;
    ensure!(refused["error"]["class"] == "CommandNotFound", "{refused}");
    own.ask_metrics();
    own.say("w", "{\"type\":\"UnsafeCommand\",\"id\":\"w\",\"raw_command\":\"true\",\"shell\":\"sh\"}\n");
    own.settle(TIMEOUT)?;
    ensure!(own.ledger.codes.contains_key("BUSY"), "{}", own.ledger);
    ensure!(host.told("guest-fsfreeze-thaw", &Value::Null)? == 1, "it is not thawed");
    ensure!(writer.wait()?.success(), "the writer");
    ensure!(host.told("guest-fsfreeze-thaw", &Value::Null)? == 0, "a second thaw");
    ensure!(host.told("guest-get-time", &Value::Null)?.is_i64(), "commands work again");
    Ok(())
}

#[test]
fn a_freeze_that_lasts_too_long_is_ended_and_the_host_cannot_take_its_backup_for_a_good_one() -> Result<()> {
    let Some(mounted) = Loop::mount()? else { return Ok(()) };
    let (_agent, _own, mut host) = start("qga_freeze_max_secs = 1\n")?;
    ensure!(host.told("guest-fsfreeze-freeze-list", &mounted.list())? == 1, "it is not frozen");
    ensure!(mounted.writer("x")?.wait()?.success(), "it is not thawed by itself");
    ensure!(host.told("guest-fsfreeze-status", &Value::Null)? == "frozen", "a host would skip its thaw");
    let thaw = host.ask("guest-fsfreeze-thaw", &Value::Null)?;
    let text = thaw["error"]["desc"].as_str().unwrap_or_default();
    ensure!(text.contains("fsfreeze is limited to 1 seconds"), "{thaw}");
    ensure!(host.told("guest-fsfreeze-status", &Value::Null)? == "thawed", "after it was told");
    Ok(())
}

#[test]
fn an_agent_that_ends_thaws_what_it_froze() -> Result<()> {
    let Some(mounted) = Loop::mount()? else { return Ok(()) };
    let (mut agent, _own, mut host) = start("shutdown_timeout_secs = 1\n")?;
    ensure!(host.told("guest-fsfreeze-freeze-list", &mounted.list())? == 1, "it is not frozen");
    Command::new("kill").args(["-s", "TERM", &agent.pid().to_string()]).status()?;
    ensure!(mounted.writer("x")?.wait()?.success(), "it stays frozen");
    // Killed now, it would leave word of a freeze to the agents of other tests.
    agent.until_ended()
}

#[test]
fn a_program_of_the_host_that_runs_on_does_not_prevent_a_freeze() -> Result<()> {
    let Some(mounted) = Loop::mount()? else { return Ok(()) };
    let (_agent, _own, mut host) = start("qga_allow_exec = true\n")?;
    let file = mounted.place.join("x");
    let script = format!("read line; echo $line > {}", file.display());
    let pipe = mounted.place.with_file_name("pipe");
    ensure!(Command::new("/usr/bin/mkfifo").arg(&pipe).status()?.success(), "no pipe");
    let exec = json!({ "path": "/bin/sh", "arg": ["-c", format!("({script}) < {}", pipe.display())] });
    let pid = host.told("guest-exec", &exec)?["pid"].clone();
    ensure!(host.told("guest-fsfreeze-freeze-list", &mounted.list())? == 1, "it is not frozen");
    fs::write(&pipe, "said\n")?;
    let refused = host.ask("guest-exec", &exec)?;
    ensure!(refused["error"]["class"] == "CommandNotFound", "{refused}");
    ensure!(!file.exists(), "it wrote to a frozen file system");
    ensure!(host.told("guest-fsfreeze-thaw", &Value::Null)? == 1, "it is not thawed");
    ended(&mut host, &pid)?;
    ensure!(fs::read_to_string(&file)? == "said\n", "what it wrote is lost");
    Ok(())
}

/// What became of a program that was started.
fn ended(host: &mut QgaHost, pid: &Value) -> Result<Value> {
    let mut status = Value::Null;
    wait_for("it does not end", || {
        status = host.told("guest-exec-status", &json!({ "pid": pid }))?;
        Ok(status["exited"] == true)
    })?;
    Ok(status)
}

/// The same, of one that is started now.
fn ran(host: &mut QgaHost, exec: &Value) -> Result<Value> {
    let pid = host.told("guest-exec", exec)?["pid"].clone();
    ensure!(pid.as_i64().is_some_and(|pid| pid > 0), "{pid}");
    ended(host, &pid)
}

#[test]
fn programs_and_files_are_for_hosts_where_the_operator_allows_them() -> Result<()> {
    let (_agent, _own, mut host) = start("qga_allow_exec = true\nqga_allow_files = true\n")?;
    let exec = json!({ "path": "/bin/sh", "arg": ["-c", "cat; echo err >&2; exit 7"], "capture-output": true,
        "input-data": "aGVsbG8=" });
    let status = ran(&mut host, &exec)?;
    let wanted = json!({
        "exited": true, "exitcode": 7, "out-data": "aGVsbG8=", "out-truncated": false,
        "err-data": "ZXJyCg==", "err-truncated": false,
    });
    ensure!(status == wanted, "{status}");
    // printf's bytes are no UTF-8, and stand in the order in which they were written.
    let bytes = "printf 'a\\377'; printf 'b\\000' >&2; printf c";
    let exec = json!({ "path": "/bin/sh", "arg": ["-c", bytes], "capture-output": "merged" });
    let status = ran(&mut host, &exec)?;
    let wanted = json!({ "exited": true, "exitcode": 0, "out-data": "Yf9iAGM=", "out-truncated": false });
    ensure!(status == wanted, "{status}");
    let missing = host.ask("guest-exec", &json!({ "path": "/no/such" }))?;
    ensure!(missing["error"]["class"] == "GenericError", "{missing}");
    let absent = host.ask("guest-file-open", &json!({ "path": "/no/such" }))?;
    // KubeVirt looks for these words.
    let words = "failed to open file '/no/such' (mode: 'r'): No such file or directory";
    ensure!(absent["error"]["desc"] == words, "{absent}");
    let handle = host.told("guest-file-open", &json!({ "path": "/proc/self/status" }))?;
    let read = host.told("guest-file-read", &json!({ "handle": handle, "count": 1 << 20 }))?;
    ensure!(read["eof"] == true && read["count"].as_u64().is_some_and(|count| count > 100), "{read}");
    let password = json!({ "username": "x", "password": "eA==", "crypted": false });
    let refused = host.ask("guest-set-user-password", &password)?;
    ensure!(
        refused["error"]["class"] == "CommandNotFound",
        "passwords have a switch of their own: {refused}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn infinictls_own_client_meets_the_agent_and_is_told_a_result_or_a_class() -> Result<()> {
    let pair = pty::open()?;
    let config = format!("qga = true\nqga_port = {:?}\n", pair.path);
    let (agent, _own) = LocalAgent::start(&binary::tested_agent()?, &config, &[])?;
    let mut guest = Guest::connect(Endpoint::Pty(pair.master), Duration::from_secs(2)).await?;
    let ping = Request::new("guest-ping", Value::Null);
    // What is written before the agent has opened its port may be lost.
    let mut tries = 15;
    while let Err(error) = guest.call(&ping, TIMEOUT).await {
        tries -= 1;
        ensure!(tries > 0, "{error}: {}", agent.log()?);
    }
    for command in READS {
        let answer = guest.call(&Request::new(command, Value::Null), TIMEOUT).await?;
        answer.read::<Value>().map_err(Error::msg).context(command)?;
    }
    let exec = guest.call(&Request::new("guest-exec", json!({ "path": "/bin/true" })), TIMEOUT).await;
    let is_off = matches!(&exec, Err(QgaError::Refused { class, .. }) if class == "CommandNotFound");
    ensure!(is_off, "{exec:?}");
    Ok(())
}
