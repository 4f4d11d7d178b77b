//! `infinictl qga`: a guest through the QEMU guest agent's protocol, whether `qemu-ga` answers there or InfiniService.

mod exec;
mod show;

use super::error::CliError;
use super::global::Global;
use super::output::Output;
use super::session::READING;
use super::terminal::while_waiting;
use crate::client::Endpoint;
use crate::qga::{Answer, Guest, QgaError, Request, Silence};
use clap::{Args, Subcommand, ValueEnum};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime};

/// How long a freeze, a thaw or a trim may take: hooks run, and disks are busy. Proxmox VE gives a freeze as long.
const LONG: Duration = Duration::from_mins(10);
/// How long a refusal may take of a command that is answered only where it fails.
const REFUSAL: Duration = Duration::from_secs(5);
/// Those commands.
const SILENT: [&str; 4] =
    ["guest-shutdown", "guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"];

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check that the agent answers, and measure how long it takes
    Ping,
    /// Show the agent's version, and which of its commands are on
    Info,
    /// Show the guest's operating system
    Osinfo,
    /// List the network interfaces with their addresses
    Interfaces,
    /// List the mounted file systems on disks
    Fsinfo,
    /// List who is logged in
    Users,
    /// Show the guest's clock, and how far it is from this machine's
    Time,
    /// Freeze the file systems and thaw them, or show whether they are frozen
    #[command(subcommand)]
    Fsfreeze(Fsfreeze),
    /// Discard the unused blocks of the file systems
    Fstrim(TrimArgs),
    /// Power off, halt or reboot the guest
    Shutdown(ShutdownArgs),
    /// Run a program, if the agent's configuration allows it
    Exec(exec::Args),
    /// Send a request unchanged, and print the answer
    Raw(RawArgs),
}

/// What to do with file systems.
#[derive(Debug, Subcommand)]
pub(super) enum Fsfreeze {
    /// Show whether file systems are frozen
    Status,
    /// Freeze the file systems: programs that write to them wait until the thaw
    Freeze(FreezeArgs),
    /// Thaw the frozen file systems
    Thaw,
}

/// Which file systems.
#[derive(Args, Debug)]
pub(super) struct FreezeArgs {
    /// Freeze only the file system with this mount point; may be repeated
    #[arg(long = "mountpoint", value_name = "PATH")]
    mountpoints: Vec<String>,
}

/// Which blocks.
#[derive(Args, Debug)]
pub(super) struct TrimArgs {
    /// Discard only ranges of at least this many bytes
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(i64).range(0..))]
    minimum: Option<i64>,
}

/// How the guest ends.
#[derive(Args, Debug)]
pub(super) struct ShutdownArgs {
    /// What happens after the shutdown
    #[arg(long, value_enum, default_value_t = Mode::Powerdown)]
    mode: Mode,
}

/// What follows it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// The machine powers off
    Powerdown,
    /// The system stops, and the machine stays on
    Halt,
    /// The guest starts again
    Reboot,
}

/// What to send.
#[derive(Args, Debug)]
pub(super) struct RawArgs {
    /// The request: {"execute": "guest-…"}, optionally with "arguments" and "id"
    #[arg(value_parser = Request::raw)]
    request: Request,
}

/// A channel with its flags.
struct Talk {
    guest: Guest,
    out: Output,
    /// What the flags say of it.
    wait: Option<Duration>,
}

/// Runs it. At Ctrl-C the guest completes what it has begun: the protocol has no way to take a command back.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), CliError> {
    let mut talk = Talk::open(global).await?;
    tokio::select! {
        result = talk.dispatch(command) => result,
        _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted(
            "interrupted; the guest completes what it was asked for".into()
        )),
    }
}

impl Talk {
    async fn open(global: &Global) -> Result<Self, CliError> {
        if global.secret_file.is_some() {
            return Err(CliError::Usage("the QEMU guest agent's protocol knows no secret".into()));
        }
        if global.seal_key.is_some() {
            return Err(CliError::Usage(
                "the QEMU guest agent's protocol seals nothing; leave --seal-key out".into(),
            ));
        }
        let endpoint = global.endpoint()?;
        if matches!(endpoint, Endpoint::Local(_)) {
            return Err(CliError::Usage("qga needs a machine's channel: use --socket PATH".into()));
        }
        let wait = global.wait.or(global.timeout);
        let guest = while_waiting("connecting", Guest::connect(endpoint, wait.unwrap_or(READING))).await?;
        Ok(Self { guest, out: Output::new(global.json, global.no_color), wait })
    }

    async fn dispatch(&mut self, command: Command) -> Result<(), CliError> {
        match command {
            Command::Ping => self.ping().await,
            Command::Info => self.show("guest-info", show::info).await,
            Command::Osinfo => self.show("guest-get-osinfo", show::system).await,
            Command::Interfaces => self.show("guest-network-get-interfaces", show::interfaces).await,
            Command::Fsinfo => self.show("guest-get-fsinfo", show::file_systems).await,
            Command::Users => self.show("guest-get-users", show::users).await,
            Command::Time => self.time().await,
            Command::Fsfreeze(command) => self.fsfreeze(command).await,
            Command::Fstrim(args) => {
                let arguments = args.minimum.map_or(Value::Null, |minimum| json!({ "minimum": minimum }));
                self.change("guest-fstrim", arguments, show::trimmed).await
            }
            Command::Shutdown(args) => {
                let mode = args.mode.to_possible_value();
                let mode = mode.as_ref().map_or("powerdown", |mode| mode.get_name());
                self.tell(&Request::new("guest-shutdown", json!({ "mode": mode }))).await
            }
            Command::Exec(args) => exec::run(self, args).await,
            Command::Raw(args) => self.raw(&args.request).await,
        }
    }

    /// Waits for an answer. A refusal is shown as it came where JSON is asked for, and is an error in any case.
    async fn ask(&mut self, request: &Request, default_wait: Duration) -> Result<Answer, CliError> {
        let wait = self.wait.unwrap_or(default_wait);
        let answer = while_waiting("waiting for the guest", self.guest.call(request, wait)).await;
        if let (true, Err(QgaError::Refused { line, .. })) = (self.out.json, &answer) {
            self.out.document(line)?;
        }
        Ok(answer?)
    }

    /// Shows what a command tells: as it came, or as `render` makes it for people.
    async fn show<T: DeserializeOwned>(
        &mut self,
        command: &str,
        render: impl FnOnce(&T, Output) -> String,
    ) -> Result<(), CliError> {
        let answer = self.ask(&Request::new(command, Value::Null), READING).await?;
        self.told(command, &answer, render)
    }

    /// The same for a command that may take its time.
    async fn change<T: DeserializeOwned>(
        &mut self,
        command: &str,
        arguments: Value,
        render: impl FnOnce(&T, Output) -> String,
    ) -> Result<(), CliError> {
        let answer = self.ask(&Request::new(command, arguments), LONG).await?;
        self.told(command, &answer, render)
    }

    fn told<T: DeserializeOwned>(
        &self,
        command: &str,
        answer: &Answer,
        render: impl FnOnce(&T, Output) -> String,
    ) -> Result<(), CliError> {
        if self.out.json {
            return self.out.document(answer.line());
        }
        self.out.text(&render(&read(command, answer)?, self.out))
    }

    /// The sync before it is not part of what is measured, so a first ping opens the way.
    async fn ping(&mut self) -> Result<(), CliError> {
        let request = Request::new("guest-ping", Value::Null);
        self.ask(&request, READING).await?;
        let begun = Instant::now();
        let answer = self.ask(&request, READING).await?;
        let (trip, endpoint) = (begun.elapsed(), self.guest.endpoint().to_owned());
        self.told("guest-ping", &answer, |_: &Value, _| show::answered(&endpoint, trip))
    }

    async fn time(&mut self) -> Result<(), CliError> {
        let before = SystemTime::now();
        let answer = self.ask(&Request::new("guest-get-time", Value::Null), READING).await?;
        let after = SystemTime::now();
        self.told("guest-get-time", &answer, |nanos: &i64, _| show::clock(*nanos, before, after))
    }

    async fn fsfreeze(&mut self, command: Fsfreeze) -> Result<(), CliError> {
        match command {
            Fsfreeze::Status => self.show("guest-fsfreeze-status", show::freeze_status).await,
            Fsfreeze::Freeze(args) if args.mountpoints.is_empty() => {
                self.change("guest-fsfreeze-freeze", Value::Null, show::frozen).await
            }
            Fsfreeze::Freeze(args) => {
                let arguments = json!({ "mountpoints": args.mountpoints });
                self.change("guest-fsfreeze-freeze-list", arguments, show::frozen).await
            }
            Fsfreeze::Thaw => self.change("guest-fsfreeze-thaw", Value::Null, show::thawed).await,
        }
    }

    /// Gives a command that is answered only where it fails.
    async fn tell(&mut self, request: &Request) -> Result<(), CliError> {
        let wait = self.wait.unwrap_or(REFUSAL);
        let silence = while_waiting("waiting for a refusal", self.guest.tell(request, wait)).await;
        if let (true, Err(QgaError::Refused { line, .. })) = (self.out.json, &silence) {
            self.out.document(line)?;
        }
        let ended = silence? == Silence::Ended;
        let command = request.command();
        if self.out.json {
            let told =
                json!({ "type": "qga", "execute": command, "answer": null, "connection_ended": ended });
            return self.out.document(&told.to_string());
        }
        self.out.text(&show::not_refused(command, ended, wait))
    }

    async fn raw(&mut self, request: &Request) -> Result<(), CliError> {
        if SILENT.contains(&request.command()) {
            return self.tell(request).await;
        }
        let is_long =
            ["guest-fsfreeze-", "guest-fstrim"].iter().any(|name| request.command().starts_with(name));
        // An answer is shown as it came in any case, so a refusal too.
        self.out.json = true;
        let answer = self.ask(request, if is_long { LONG } else { READING }).await?;
        self.out.document(answer.line())
    }
}

/// What a command returns, typed.
fn read<T: DeserializeOwned>(command: &str, answer: &Answer) -> Result<T, CliError> {
    answer.read().map_err(|reason| {
        CliError::Failed(format!(
            "the guest's answer to {command} cannot be parsed ({reason}); --json shows it unchanged"
        ))
    })
}
