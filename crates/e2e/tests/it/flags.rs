//! The program started with each flag of its command line, and what it does in the minute that follows: the processor time it
//! takes, what it logs, and how it ends when it is asked to. All at once, so that they take a minute together.

use anyhow::{Context, Result, ensure};
use infinictl::client::pty;
use infiniservice_e2e::binary;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long each is looked at.
const WATCHED: Duration = Duration::from_secs(60);
/// Of a debug build on a busy machine: a tenth of a core. A loop that spins takes all of it.
const MOST_PROCESSOR_TIME: Duration = Duration::from_secs(6);
/// Lines in a minute, at any level: a few for each message, of which there are a few a minute.
const MOST_LINES: usize = 400;
/// `shutdown_timeout_secs`, and time for a machine that is busy.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// `USER_HZ`, which proc(5) counts in, is 100 on every architecture that is built for.
const TICKS_PER_SECOND: u64 = 100;

/// What the program is expected to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// It runs until it is asked to end, and has said this by then.
    Serves(&'static str),
    /// It ends by itself, with one of these exit codes.
    Ends(&'static [i32]),
}

/// Each flag of the specification, `DEVICE` standing for a terminal with a host that reads and never answers.
const CASES: &[(&[&str], Life)] = &[
    (&[], Life::Serves("virtio-serial port")),
    (&["--console"], Life::Serves("virtio-serial port")),
    (&["--device", "DEVICE"], Life::Serves("a host is connected")),
    (&["--device", "/nonexistent/port"], Life::Serves("/nonexistent/port")),
    (&["--debug"], Life::Serves("DEBUG")),
    (&["--debug", "--device", "DEVICE"], Life::Serves("DEBUG")),
    (&["--diagnose"], Life::Ends(&[0, 1])),
    (&["--aggressive-retry"], Life::Serves("virtio-serial port")),
    (&["--require-virtio", "--device", "DEVICE"], Life::Serves("a host is connected")),
    (&["--require-virtio", "--device", "/nonexistent/port"], Life::Ends(&[3])),
    (&["--no-virtio"], Life::Serves("collected in")),
    (&["--no-virtio", "--aggressive-retry"], Life::Serves("collected in")),
    (&["--no-virtio", "--console", "--debug"], Life::Serves("collected in")),
    (&["--require-virtio", "--no-virtio"], Life::Ends(&[2])),
    (&["--help"], Life::Ends(&[0])),
    (&["--version"], Life::Ends(&[0])),
    (&["--print-config"], Life::Ends(&[0])),
];

/// One start of the program.
struct Start {
    child: Child,
    files: TempDir,
    arguments: Vec<String>,
    /// The terminal is kept open by its own end, too.
    _slave: OwnedFd,
}

impl Start {
    fn new(agent: &Path, arguments: &[&str]) -> Result<Self> {
        let pty::PtyPair { master, slave, path } = pty::open()?;
        swallow(master);
        let files = tempfile::tempdir()?;
        let settings = files.path().join("config.toml");
        fs::write(&settings, "")?;
        let device = path.display().to_string();
        let arguments: Vec<String> = arguments.iter().map(|text| text.replace("DEVICE", &device)).collect();
        let mut command = Command::new(agent);
        command.args(&arguments).env_clear().env("INFINISERVICE_CONFIG", &settings);
        let log = File::create(files.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().context("the agent does not start")?;
        Ok(Self { child, files, arguments, _slave: slave })
    }

    fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.files.path().join("log"))?)
    }

    /// User and system time of all its threads, proc(5).
    fn processor_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).context("a time");
        Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1000 / TICKS_PER_SECOND))
    }

    fn terminate(&mut self) -> Result<ExitStatus> {
        let pid = self.child.id().to_string();
        ensure!(Command::new("kill").args(["-s", "TERM", &pid]).status()?.success(), "kill {pid}");
        self.ended(ENDS_WITHIN)
    }

    fn ended(&mut self, within: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        anyhow::bail!("it has not ended after {} s", within.as_secs())
    }

    fn check(&mut self, life: Life) -> Result<()> {
        match life {
            Life::Ends(codes) => {
                let status = self.ended(Duration::from_secs(1))?;
                ensure!(codes.iter().any(|code| status.code() == Some(*code)), "it ended with {status}");
            }
            Life::Serves(said) => self.check_service(said)?,
        }
        Ok(())
    }

    fn check_service(&mut self, said: &str) -> Result<()> {
        ensure!(self.child.try_wait()?.is_none(), "it ended by itself");
        let used = self.processor_time()?;
        ensure!(used < MOST_PROCESSOR_TIME, "it took {used:?} of the processor in a minute");
        let log = self.log()?;
        ensure!(log.contains(said), "it did not say {said:?}");
        ensure!(log.lines().count() < MOST_LINES, "it logged {} lines in a minute", log.lines().count());
        ensure!(!log.contains("bug in this program"), "it knows of a fault");
        // At once, after 30 and after 60 seconds, and where there is no address four times more at the start.
        let collections = log.matches("collected in").count();
        ensure!(said != "collected in" || (2..10).contains(&collections), "it collected {collections} times");
        let status = self.terminate()?;
        ensure!(status.success(), "asked to end, it ended with {status}");
        ensure!(self.log()?.contains("stopped after"), "it ended without its summary");
        Ok(())
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A host that reads everything and never answers.
fn swallow(master: OwnedFd) {
    thread::spawn(move || {
        let mut master = File::from(master);
        let mut buffer = [0; 4096];
        while master.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
}

#[test]
fn each_flag_does_what_it_says_for_a_minute_without_spinning_and_ends_when_asked() -> Result<()> {
    let agent = binary::tested_agent()?;
    let starts = CASES.iter().map(|(arguments, life)| Ok((Start::new(&agent, arguments)?, *life)));
    let mut starts = starts.collect::<Result<Vec<_>>>()?;
    thread::sleep(WATCHED);
    let mut wrong = Vec::new();
    for (start, life) in &mut starts {
        if let Err(error) = start.check(*life) {
            wrong.push(format!("{:?}: {error:#}\n{}", start.arguments, start.log()?));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
