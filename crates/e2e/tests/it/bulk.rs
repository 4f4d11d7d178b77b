//! The real agent with two ports: large answers, output and streams go over the bulk port while a host reads it.

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::{Bulk, Client, Endpoint, Options, pty};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_protocol::guest::{ChannelRole, GuestMessage};
use infiniservice_protocol::host::{HostMessage, UnsafeCommand};
use infiniservice_protocol::stream::Fields;
use infiniservice_protocol::{GuestLine, Response, parse_guest_line};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(3);
/// Twice a large answer's least.
const LARGE_BYTES: usize = 32 * 1024;

/// Answers after which the bulk port is in use, or never will be.
const MAX_ASKED: u32 = 100;

/// The host's end of a port. A read ends with an error where nothing comes in time, so that an agent that says nothing fails a
/// test and does not hang it.
struct Port(File);

impl Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let patience = Timespec::try_from(TIMEOUT).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&patience))? {
            0 => Err(io::Error::new(io::ErrorKind::TimedOut, "the bulk port says nothing")),
            _ => self.0.read(buffer),
        }
    }
}

/// An agent with two ports, and the host's ends of them.
struct Bench {
    _agent: LocalAgent,
    _slave: OwnedFd,
    bulk: File,
    first: OwnedFd,
}

fn bench() -> Result<Bench> {
    let pair = pty::open()?;
    let config = format!(
        "bulk_port = {:?}\nallow_unsafe_commands = true\nqga = \"false\"\ndisable_device_monitoring = true\n",
        pair.path.display().to_string()
    );
    let (agent, first) = LocalAgent::start(&binary::tested_agent()?, &config, &[])?;
    Ok(Bench { _agent: agent, _slave: pair.slave, bulk: File::from(pair.master), first })
}

/// A command that writes so much.
fn writes(id: &str, bytes: usize, progress: bool) -> HostMessage {
    HostMessage::UnsafeCommand(UnsafeCommand {
        id: id.to_owned(),
        raw_command: format!("head -c {bytes} /dev/zero | tr '\\0' x"),
        progress,
        ..UnsafeCommand::default()
    })
}

async fn answer(client: &Client, message: &HostMessage) -> Result<Response> {
    match client.call(message, TIMEOUT).await?.message() {
        Some(GuestMessage::Response(response)) => Ok(response.clone()),
        other => bail!("no response: {other:?}"),
    }
}

/// The next message on the bulk port.
fn next(lines: &mut impl BufRead) -> Result<GuestMessage> {
    loop {
        let mut line = String::new();
        ensure!(lines.read_line(&mut line)? > 0, "the bulk port ended");
        if !line.trim().is_empty() {
            match parse_guest_line(line.trim())? {
                GuestLine::Known(message) => return Ok(message),
                other @ GuestLine::Unknown { .. } => bail!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_opens_the_bulk_port_gets_what_is_large_there_and_the_rest_on_the_first() -> Result<()> {
    let Bench { _agent, _slave, mut bulk, first } = bench()?;
    let client = Client::connect(Endpoint::Pty(first)).await?;
    let before = answer(&client, &writes("before", LARGE_BYTES, false)).await?;
    ensure!(before.stdout.len() == LARGE_BYTES, "over the first port, as nobody reads the other");
    bulk.write_all(b"\n")?;
    let mut lines = BufReader::new(Port(bulk.try_clone()?));
    let GuestMessage::Channel(start) = next(&mut lines)? else { bail!("the first line is no `channel`") };
    let hello = client.hello(TIMEOUT).await?;
    ensure!((start.role, &start.instance) == (ChannelRole::Bulk, &hello.instance), "{start:?}");
    let told = |name: &str| hello.capabilities.iter().any(|one| one.name == name && one.enabled);
    ensure!(told("bulk") && hello.channels.iter().any(|one| one.role == ChannelRole::Bulk), "{hello:?}");
    client.send_raw(writes("after", LARGE_BYTES, false).to_line(std::time::SystemTime::now())).await?;
    let GuestMessage::Response(response) = next(&mut lines)? else { bail!("no response") };
    ensure!((response.id.as_str(), response.stdout.len()) == ("after", LARGE_BYTES), "{}", response.id);
    let small = answer(&client, &writes("small", 10, false)).await?;
    ensure!(small.stdout.len() == 10);
    let mut fields = Fields::default();
    ensure!(fields.add("system.cpu"));
    let number = client.start_stream(Duration::from_millis(250), fields, TIMEOUT).await?;
    match next(&mut lines)? {
        GuestMessage::Stream(sample) => ensure!(sample.subscription == number),
        other => bail!("no sample: {other:?}"),
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_port_that_is_not_read_holds_up_no_ping_and_its_answers_come_over_the_first() -> Result<()> {
    let Bench { _agent: agent, _slave, mut bulk, first } = bench()?;
    let client = Client::connect(Endpoint::Pty(first)).await?;
    bulk.write_all(b"\n")?;
    let (mut start, mut port) = (Vec::new(), Port(bulk.try_clone()?));
    while !start.ends_with(b"}\n") {
        let mut byte = [0];
        port.read_exact(&mut byte)?;
        start.push(byte[0]);
    }
    // From here on nobody reads the bulk port, and a terminal's buffer takes a few kB. What is answered before the agent has seen
    // that the bulk port is read goes over the first port.
    let told = || {
        let log = agent.log()?;
        Ok::<_, anyhow::Error>(log.matches("has taken no byte from the bulk port").count())
    };
    let mut number = 0;
    while told()? == 0 {
        number += 1;
        ensure!(number < MAX_ASKED, "no answer waited for the bulk port:\n{}", agent.log()?);
        let large = writes(&format!("large-{number}"), LARGE_BYTES, true);
        let mut asked = std::pin::pin!(answer(&client, &large));
        let response = loop {
            tokio::select! {
                response = &mut asked => break response?,
                ping = client.ping(TIMEOUT) => drop(ping?),
            }
        };
        ensure!(response.stdout.len() == LARGE_BYTES);
    }
    ensure!(told()? == 1, "told once:\n{}", agent.log()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn infinictl_reads_both_ports_as_one() -> Result<()> {
    let Bench { _agent, _slave, bulk, first } = bench()?;
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("agent.sock");
    carry(&socket, File::from(first))?;
    let beside = Bulk::beside(&socket);
    carry(&beside.path, bulk)?;
    let options = Options { bulk: Some(beside), compress: true, ..Options::default() };
    let client = Client::connect_as(Endpoint::Channel(socket), options).await?;
    let mut number = 0;
    while client.stats().bulk_lines == 0 {
        number += 1;
        let response = answer(&client, &writes(&format!("c{number}"), LARGE_BYTES, true)).await?;
        ensure!(response.stdout.len() == LARGE_BYTES);
    }
    ensure!(client.stats().has_bulk && client.stats().malformed == 0, "{:?}", client.stats());
    let missing = Bulk { path: directory.path().join("none"), required: true };
    let options = Options { bulk: Some(missing), ..Options::default() };
    let refused = Client::connect_as(Endpoint::Channel(directory.path().join("agent.sock")), options).await;
    ensure!(refused.is_err_and(|error| error.to_string().contains("bulk port")));
    Ok(())
}

/// Carries bytes between a terminal and whoever connects to a socket first, as QEMU does.
fn carry(socket: &Path, terminal: File) -> Result<()> {
    let listener = UnixListener::bind(socket).context("a socket")?;
    let mut from_terminal = terminal.try_clone()?;
    let mut to_terminal = terminal;
    thread::spawn(move || -> Result<()> {
        let (stream, _) = listener.accept()?;
        let (mut to_host, mut from_host) = (stream.try_clone()?, stream);
        thread::spawn(move || io::copy(&mut from_terminal, &mut to_host));
        io::copy(&mut from_host, &mut to_terminal)?;
        Ok(())
    });
    Ok(())
}
