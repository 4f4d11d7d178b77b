//! The socket: bound by the running agent, asked by `infiniservice status`.
//!
//! In the directory that the unit gives the agent (`RuntimeDirectory=`) it is a file, root's alone. The read-only agent has no
//! place to write to, and takes a name that is none of the file system (unix(7), abstract). Either way the peer's user decides,
//! as the kernel tells it: root and the agent's own user are answered.

use super::Asker;
use std::env;
use std::fs;
use std::future::pending;
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Where `infiniservice.service` has it.
const FILE: &str = "/run/infiniservice/status.sock";
/// The name of `infiniservice-readonly.service`.
const NAME: &str = "infiniservice/status";
/// Its user.
const READ_ONLY_USER: &str = "infiniservice";
/// Clients at once; more are turned away.
const MAX_CLIENTS: usize = 4;
/// A client that does not read, and a loop that does not come round, are waited for as long as this.
const TIMEOUT: Duration = Duration::from_secs(5);
/// After a failed `accept(2)`, which is for lack of descriptors.
const REST: Duration = Duration::from_secs(1);
/// Of an answer.
const MAX_ANSWER_BYTES: u64 = 1 << 20;
/// Of /etc/passwd.
const MAX_USERS_BYTES: u64 = 1 << 20;

/// The running agent's end.
#[derive(Debug)]
pub struct Server {
    asked: Option<mpsc::Receiver<Asker>>,
    file: Option<PathBuf>,
}

impl Server {
    /// Listens where the environment says; without a service manager not at all. A failure costs the status only.
    pub fn start() -> Self {
        match bind() {
            Ok(None) => Self { asked: None, file: None },
            Ok(Some((listener, file))) => Self::serving(listener, file),
            Err(error) => {
                log::warn!("infiniservice status will get no answer: {error}");
                Self { asked: None, file: None }
            }
        }
    }

    fn serving(listener: UnixListener, file: Option<PathBuf>) -> Self {
        let (tell, asked) = mpsc::channel(MAX_CLIENTS);
        let listener =
            listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(listener));
        match listener {
            Ok(listener) => drop(tokio::spawn(serve(listener, tell))),
            Err(error) => log::warn!("infiniservice status will get no answer: {error}"),
        }
        Self { asked: Some(asked), file }
    }

    /// The next who asks. Cancel safe.
    pub async fn asked(&mut self) -> Asker {
        let next = match &mut self.asked {
            Some(queue) => queue.recv().await,
            None => None,
        };
        match next {
            Some(asker) => asker,
            None => pending().await,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // systemd removes the directory anyway.
            let _gone = fs::remove_file(file);
        }
    }
}

/// A listener and its file, if it has one.
type Bound = (UnixListener, Option<PathBuf>);

fn bind() -> io::Result<Option<Bound>> {
    if let Some(directory) = env::var_os("RUNTIME_DIRECTORY").filter(|path| !path.is_empty()) {
        let file = PathBuf::from(directory).join("status.sock");
        return Ok(Some((at_file(&file)?, Some(file))));
    }
    if env::var_os("NOTIFY_SOCKET").is_none() {
        return Ok(None);
    }
    let name = SocketAddr::from_abstract_name(NAME)?;
    Ok(Some((UnixListener::bind_addr(&name)?, None)))
}

/// What a predecessor left is replaced; where somebody listens, he is left alone.
fn at_file(file: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(file).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another agent already answers"));
    }
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(file)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(listener: tokio::net::UnixListener, tell: mpsc::Sender<Asker>) {
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let tell = tell.clone();
        tokio::spawn(async move {
            // A client that is slow loses its answer, nothing else.
            let _late = tokio::time::timeout(TIMEOUT, answer(client, tell)).await;
            drop(place);
        });
    }
}

async fn answer(mut client: tokio::net::UnixStream, tell: mpsc::Sender<Asker>) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if ![0, own].contains(&client.peer_cred()?.uid()) {
        return client.write_all(b"only root gets an answer\n").await;
    }
    let (asker, status) = oneshot::channel();
    if tell.try_send(asker).is_err() {
        return Ok(());
    }
    let Ok(status) = status.await else { return Ok(()) };
    client.write_all(status.as_bytes()).await?;
    client.shutdown().await
}

/// Asks the running agent, whichever it is.
///
/// # Errors
/// Why there is no answer, for people.
pub fn ask() -> Result<String, String> {
    ask_at(Path::new(FILE)).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ask_read_only(),
        _ => Err(reason(&error)),
    })
}

fn ask_at(file: &Path) -> io::Result<String> {
    read(UnixStream::connect(file)?)
}

/// Any user may take a name that is no file: the answer counts only if it comes from the agent's user.
fn ask_read_only() -> Result<String, String> {
    let nobody =
        || "no running agent answers; see: systemctl status infiniservice infiniservice-readonly".to_owned();
    let name = SocketAddr::from_abstract_name(NAME).map_err(|error| error.to_string())?;
    let socket = UnixStream::connect_addr(&name).map_err(|_nobody_listens| nobody())?;
    let owner = rustix::net::sockopt::socket_peercred(socket.as_fd()).map_err(|error| error.to_string())?;
    let uid = owner.uid.as_raw();
    if uid != 0 && Some(uid) != user_id(READ_ONLY_USER) {
        return Err(format!("the user {uid} answers in place of the agent; the answer is not shown"));
    }
    read(socket).map_err(|error| reason(&error))
}

fn read(socket: UnixStream) -> io::Result<String> {
    socket.set_read_timeout(Some(TIMEOUT))?;
    let mut answer = String::new();
    socket.take(MAX_ANSWER_BYTES).read_to_string(&mut answer)?;
    if answer.starts_with('{') { Ok(answer) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "only root may query the agent: run it as root".into(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("the agent did not answer within {} s: its main loop is stuck", TIMEOUT.as_secs())
        }
        _ => format!("cannot query the agent: {error}"),
    }
}

/// By the system's own file: a directory service has no say in who the agent is.
fn user_id(name: &str) -> Option<u32> {
    let mut users = Vec::new();
    fs::File::open("/etc/passwd").ok()?.take(MAX_USERS_BYTES).read_to_end(&mut users).ok()?;
    infiniservice_platform::linux::accounts::id_of(&users, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_one_who_asks_is_answered_by_the_loop() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("status.sock");
        let mut server = Server::serving(at_file(&file).unwrap(), Some(file.clone()));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let path = file.clone();
        let client = tokio::task::spawn_blocking(move || ask_at(&path));
        server.asked().await.send("{\"pid\":7}".into()).unwrap();
        assert_eq!(client.await.unwrap().unwrap(), "{\"pid\":7}");
        drop(server);
        assert!(!file.exists());
    }

    #[test]
    fn an_agent_that_answers_is_not_pushed_aside_and_a_left_over_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("status.sock");
        let first = at_file(&file).unwrap();
        assert_eq!(at_file(&file).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        at_file(&file).unwrap();
    }

    #[test]
    fn a_failure_is_told_with_what_to_do() {
        let told = |kind: io::ErrorKind| reason(&kind.into());
        assert!(told(io::ErrorKind::PermissionDenied).contains("run it as root"));
        assert!(told(io::ErrorKind::WouldBlock).contains("is stuck"));
    }
}
