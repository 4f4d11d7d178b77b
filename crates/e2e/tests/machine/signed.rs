//! The signed envelope over the real port, with the secret as a systemd credential; and what an ordinary user gets at of all that.

use crate::support::{Undo, equal, in_unit};
use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Endpoint, Subscription};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::{ErrorCode, GuestMessage};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

pub const SCENARIOS: &[Scenario] = &[
    ("signed::only_fresh_lines_with_the_secret_are_heard_and_a_clock_is_told_by_how_much_it_is_off", heard),
    ("signed::an_ordinary_user_gets_at_neither_secret_nor_port_nor_agent", user),
];

const SECRET: &str = "a-credential-of-the-lab";
const DAY_MS: u64 = 86_400_000;
const CREDENTIAL: &str = "LoadCredential=infiniservice.shared_secret:/root/lab-secret";

/// The agent has the secret until these go.
fn with_secret(guest: &Guest) -> Result<[Undo<'_>; 2]> {
    let file = Undo::by(guest, "rm /root/lab-secret");
    guest.sh(&format!("umask 077; echo {SECRET} > /root/lab-secret"))?;
    Ok([in_unit(guest, CREDENTIAL)?, file])
}

fn heard(guest: &Guest) -> Result<()> {
    let _usual = with_secret(guest)?;
    let channel = || Endpoint::Channel(guest.machine.agent_socket());
    let client = guest.wait(Client::connect_signed(channel(), SECRET))?;
    guest.wait(client.hello(TIMEOUT))?;
    lines(guest, &client)?;
    guest.disconnect(client);
    by_infinictl(guest)?;
    guest.sh("systemctl stop infiniservice")?;
    let log = guest.log()?;
    let summary = log.rsplit_once(" unsigned; ").map_or("", |(before, _)| before);
    let counted: u32 =
        summary.rsplit(' ').next().unwrap_or_default().parse().context("no count in the summary")?;
    ensure!(counted >= 6, "{counted} lines were counted as refused:\n{log}");
    ensure!(!log.contains(SECRET), "the secret is in the log");
    Ok(())
}

/// Stale, plain, changed, of another secret, and repeated lines: each is refused by its id, and no command runs.
fn lines(guest: &Guest, client: &Client) -> Result<()> {
    let (own, other) = (Signer::new(SECRET), Signer::new("of-some-other-machine"));
    let now = now_ms()?;
    let mut events = client.subscribe();
    let send = |line: String| guest.wait(client.send_raw(line));
    send(own.sign(now - DAY_MS, "stale", &list("stale")))?;
    let refusal = guest.message(&mut events, "the refusal", |message| match message {
        GuestMessage::Response(response) if response.id == "stale" => Some(response.clone()),
        _ => None,
    })?;
    equal("code", refusal.error_code, Some(ErrorCode::SignatureInvalid))?;
    let error = refusal.error.unwrap_or_default();
    ensure!((seconds_behind(&error)? - 86_400.0).abs() < 300.0, "{error}");
    send(list("plain") + "\n")?;
    send(own.sign(now, "changed", &list("changed")).replace("ProcessList", "ServiceList"))?;
    send(other.sign(now, "another", &list("another")))?;
    let once = own.sign(now, "once", &list("once"));
    send(once.clone())?;
    send(once)?;
    send(own.sign(now, "last", &list("last")))?;
    let wanted = [("another", 0), ("changed", 0), ("last", 1), ("once", 1), ("plain", 0)];
    equal(
        "carried out",
        answers(guest, &mut events)?,
        wanted.map(|(id, count)| (id.to_owned(), count)).into(),
    )?;
    // Nothing was broken by it, and what came late would be here.
    guest.wait(client.hello(TIMEOUT))?;
    let late = std::iter::from_fn(|| events.try_next())
        .any(|event| matches!(event.message(), Some(GuestMessage::Response(_) | GuestMessage::Error(_))));
    ensure!(!late, "a refused line was answered after all");
    Ok(())
}

fn list(id: &str) -> String {
    let command = r#"{"action":"ProcessList","limit":1}"#;
    format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{command}}}"#)
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

/// "the line's `ts` is 86400.250 s behind the guest's clock".
fn seconds_behind(text: &str) -> Result<f64> {
    let (before, _) = text.split_once(" s behind the guest's clock").with_context(|| text.to_owned())?;
    Ok(before.rsplit(' ').next().unwrap_or_default().parse()?)
}

/// How often each id was carried out, until both that may be were.
fn answers(guest: &Guest, events: &mut Subscription) -> Result<BTreeMap<String, u32>> {
    let mut answers = BTreeMap::new();
    while !["last", "once"].iter().all(|id| answers.get(*id).is_some_and(|count| *count > 0)) {
        let (id, done) = guest.message(events, "an answer", |message| match message {
            GuestMessage::Response(response) => Some((response.id.clone(), u32::from(response.success))),
            _ => None,
        })?;
        *answers.entry(id).or_insert(0) += done;
    }
    Ok(answers)
}

fn by_infinictl(guest: &Guest) -> Result<()> {
    let right = infinictl(guest, SECRET, "60")?;
    ensure!(right.status.success() && String::from_utf8_lossy(&right.stdout).contains("lab-1"), "{right:?}");
    let wrong = infinictl(guest, "not-the-secret-of-it", "3")?;
    ensure!(!wrong.status.success(), "{wrong:?}");
    Ok(())
}

/// `infinictl hello` with this secret in a file.
fn infinictl(guest: &Guest, secret: &str, timeout: &str) -> Result<Output> {
    let mut file = tempfile::NamedTempFile::new()?;
    writeln!(file, "{secret}")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.env(crate::AS_INFINICTL, "1").arg("--socket").arg(guest.machine.agent_socket());
    command.arg("--secret-file").arg(file.path()).args(["--timeout", timeout, "hello"]);
    Ok(command.output()?)
}

/// What each line tries is told where it works.
const TRIES: &str = r#"
port=$(readlink -f /dev/virtio-ports/org.infinibay.agent); pid=$(systemctl show -p MainPID --value infiniservice)
unit=/sys/fs/cgroup/system.slice/infiniservice.service
cat > /run/lab-tries.sh <<'END'
test -r "$1" -o -w "$1" && echo the port
cat /root/lab-secret 2>/dev/null && echo the file of the secret
cat /run/credentials/infiniservice.service/* 2>/dev/null && echo the credential
cat "/proc/$2/environ" "/proc/$2/mem" "/proc/$2/maps" 2>/dev/null | head -c 1 | grep -q . && echo the memory
test -w "$3/cgroup.procs" -o -w "$3/commands" && echo the cgroup
test -w /opt/infiniservice -o -w /opt/infiniservice/infiniservice -o -w /etc/infiniservice -o -w /etc/infiniservice/config.toml && echo the program
kill -STOP "$2" 2>/dev/null && echo a signal
systemctl --no-ask-password stop infiniservice 2>/dev/null && echo the unit
true
END
chmod 755 /run/lab-tries.sh
"#;

fn user(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "rm -f /run/lab-tries.sh");
    let _usual = with_secret(guest)?;
    let run =
        |who: &str| guest.sh(&format!("{TRIES}{who} sh /run/lab-tries.sh \"$port\" \"$pid\" \"$unit\""));
    equal("what works for an ordinary user", run("runuser -u nobody --")?, String::new())?;
    // The same tries work for root, or they would try nothing; the agent is then stopped, and started by the clean-up.
    let root = run("")?;
    for wanted in [
        "the port",
        SECRET,
        "the credential",
        "the memory",
        "a signal",
        "the unit",
        "the cgroup",
        "the program",
    ] {
        ensure!(root.contains(wanted), "root gets not at {wanted}, the test is void: {root}");
    }
    Ok(())
}
