//! Windows: named pipes, QEMU's and those for agents of our own with their processes, the console's width and
//! its events.

mod job_unsafe;

use job_unsafe::end_with_this_process;
use ratatui::crossterm::terminal;
use std::env;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};
use tokio::process::{Child, Command};
use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};
use tokio::sync::OnceCell;

/// A machine's channel, before its path.
pub(crate) const CHANNEL: &str = "the pipe";
/// The host's end of a pipe.
pub type Master = NamedPipeServer;
/// A pipe needs nobody who holds the guest's end open.
#[derive(Debug)]
pub(crate) struct Slave;

/// Without these the system's own libraries do not find each other, and a service not its settings.
const NEEDED: [&str; 6] = ["SystemRoot", "SystemDrive", "windir", "ProgramData", "TEMP", "TMP"];

/// What every program needs.
pub(crate) fn environment() -> Vec<(OsString, OsString)> {
    NEEDED.iter().filter_map(|name| Some((name.into(), env::var_os(name)?))).collect()
}

/// A new file; there must be none of this name. Who may open it follows from its directory.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Whether only its owner may open it: that follows from its directory, and is its owner's affair.
pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    std::fs::metadata(path).map(|_there| true)
}

/// Starts it so that it does not outlive this process.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let child = command.spawn()?;
    end_with_this_process(&child)?;
    Ok(child)
}

/// Windows has no SIGTERM, and the agent of a test nothing that an abrupt end could lose.
pub(crate) fn terminate(child: &mut Child) {
    let _gone_already = child.start_kill();
}

/// Both ends of a pipe.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) master: Master,
    pub(crate) slave: Slave,
    /// The guest's end by name.
    pub(crate) path: PathBuf,
}

/// Makes a pipe under a new name, for one client of this machine.
pub(crate) fn open_pair() -> io::Result<Pair> {
    let path = PathBuf::from(format!(r"\\.\pipe\infinictl-{:016x}", fastrand::u64(..)));
    let mut options = ServerOptions::new();
    options.first_pipe_instance(true).max_instances(1).reject_remote_clients(true);
    Ok(Pair { master: options.create(&path)?, slave: Slave, path })
}

/// `ERROR_PIPE_BUSY` (winerror.h): all instances have their client.
const ERROR_PIPE_BUSY: i32 = 231;

/// The reading half.
pub(crate) struct Reader(Arc<Pipe>);
/// The writing half.
pub(crate) struct Writer(Arc<Pipe>);

/// Either end of a pipe.
enum Pipe {
    /// QEMU made it: `-chardev pipe`.
    Client(NamedPipeClient),
    /// Ours; the cell is filled once its client has come.
    Server(NamedPipeServer, OnceCell<()>),
}

/// Not on Windows: its own sockets to machines (Hyper-V's) have other addresses.
#[allow(clippy::unused_async, reason = "elsewhere it has to be waited for")]
pub(crate) async fn connect_vsock(_cid: u32, _port: u32) -> io::Result<(Reader, Writer)> {
    Err(io::Error::new(ErrorKind::Unsupported, "vsock is not supported on Windows; use --socket"))
}

/// Opens the pipe of a machine's channel; an error says what to check.
#[allow(clippy::unused_async, reason = "a Unix socket's connection has to be waited for")]
pub(crate) async fn connect(path: &Path) -> io::Result<(Reader, Writer)> {
    let opened = ClientOptions::new().open(path);
    opened
        .map(|pipe| halves(Pipe::Client(pipe)))
        .map_err(|error| io::Error::new(error.kind(), advice(&error)))
}

/// Splits the host's end of a pipe of our own.
#[allow(clippy::unnecessary_wraps, reason = "a pseudo-terminal's master may refuse")]
pub(crate) fn split(master: Master) -> io::Result<(Reader, Writer)> {
    Ok(halves(Pipe::Server(master, OnceCell::new())))
}

fn halves(pipe: Pipe) -> (Reader, Writer) {
    let pipe = Arc::new(pipe);
    (Reader(Arc::clone(&pipe)), Writer(pipe))
}

/// What an error of `CreateFile` means here.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such pipe; is the machine running, and is this its channel's path?".into()
        }
        ErrorKind::PermissionDenied => "permission denied; run as an administrator".into(),
        _ if error.raw_os_error() == Some(ERROR_PIPE_BUSY) => {
            "another program holds the channel, which accepts one at a time".into()
        }
        _ => error.to_string(),
    }
}

impl Reader {
    /// What has come; 0 when the other end is gone. Nothing is lost when the future is dropped.
    pub(crate) async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.connected().await?;
        loop {
            self.0.readable().await?;
            match self.0.try_read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
                result => return result,
            }
        }
    }
}

impl Writer {
    /// Writes all of it, as fast as the other end takes it.
    pub(crate) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.0.connected().await?;
        while !bytes.is_empty() {
            self.0.writable().await?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            }
        }
        Ok(())
    }
}

impl Pipe {
    /// Waits for a server's client.
    async fn connected(&self) -> io::Result<()> {
        match self {
            Self::Client(_) => Ok(()),
            Self::Server(pipe, cell) => cell.get_or_try_init(|| pipe.connect()).await.copied(),
        }
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Client(pipe) => pipe.readable().await,
            Self::Server(pipe, _) => pipe.readable().await,
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Client(pipe) => pipe.writable().await,
            Self::Server(pipe, _) => pipe.writable().await,
        }
    }

    fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Client(pipe) => pipe.try_read(buf),
            Self::Server(pipe, _) => pipe.try_read(buf),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Client(pipe) => pipe.try_write(bytes),
            Self::Server(pipe, _) => pipe.try_write(bytes),
        }
    }
}

/// Columns of the console, if there is one.
pub(crate) fn columns() -> Option<u16> {
    let (columns, _rows) = terminal::size().ok()?;
    Some(columns).filter(|columns| *columns > 0)
}

/// Ctrl-C, Ctrl-Break and the console's end from now on.
pub(crate) struct Signals(CtrlC, CtrlBreak, CtrlClose);

impl Signals {
    /// Takes them over.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self(ctrl_c()?, ctrl_break()?, ctrl_close()?))
    }

    /// Waits for one.
    pub(crate) async fn any(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
            _ = self.2.recv() => {}
        }
    }
}
