//! Asks in the background for the names that are wanted: systemd's user database, Varlink on sockets that only root can make
//! (<https://systemd.io/USER_GROUP_API>), and getent(1) for those that it does not know.

use super::UserNames;
use super::parse::{self, user_name};
use infiniservice_exec::{Cancellation, Request, RunError, Runner};
use serde_json::json;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// For all ids of one round. A directory service may have to ask another machine.
const GETENT_TIMEOUT: Duration = Duration::from_secs(20);
/// 256 lines of passwd(5), with room.
const MAX_OUTPUT_BYTES: usize = 256 * 1024;

/// Answers what `names` wants for as long as the runtime lives. It wakes for nothing else.
pub fn spawn(names: UserNames, runner: Arc<dyn Runner>) {
    tokio::spawn(async move {
        loop {
            let wanted = names.wanted().await;
            round(&names, wanted, Path::new(DIRECTORY), &*runner).await;
        }
    });
}

async fn round(names: &UserNames, wanted: Vec<u32>, userdb: &Path, runner: &dyn Runner) {
    let mut services = services(userdb);
    let mut unknown = Vec::new();
    for id in wanted {
        match name(&mut services, id).await {
            Some(name) => names.learn(id, Some(name)),
            None => unknown.push(id),
        }
    }
    if unknown.is_empty() {
        return;
    }
    let mut found = by_getent(&unknown, runner).await.unwrap_or_else(|error| {
        log::debug!("names of users: {error}");
        BTreeMap::new()
    });
    for id in unknown {
        names.learn(id, found.remove(&id));
    }
}

/// Of several ids it prints those that it knows, and ends with 2 where there are others.
async fn by_getent(ids: &[u32], runner: &dyn Runner) -> Result<BTreeMap<u32, String>, RunError> {
    let ids = ids.iter().map(u32::to_string);
    let request = Request::new("getent", std::iter::once("passwd".to_owned()).chain(ids));
    let cancellation = Cancellation::for_at_most(GETENT_TIMEOUT);
    let finished = runner.run(request.max_output(MAX_OUTPUT_BYTES), &cancellation).await?;
    Ok(parse::printed_names(&finished.stdout.text))
}

/// Where the services listen, each by its name.
pub(super) const DIRECTORY: &str = "/run/systemd/userdb";
/// systemd-userdbd, which asks all others, and NSS.
const ALL: &str = "io.systemd.Multiplexer";
/// Services that are asked where there is no such one.
const MAX_SERVICES: usize = 16;
/// For one answer of one service.
const USERDB_TIMEOUT: Duration = Duration::from_secs(2);
/// A record with its groups, pictures left out, is some kB.
const MAX_REPLY_BYTES: u64 = 256 * 1024;

/// The services that are to be asked.
pub(super) fn services(directory: &Path) -> Vec<PathBuf> {
    let all = directory.join(ALL);
    if all.exists() {
        return vec![all];
    }
    let Ok(found) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut services: Vec<_> = found.flatten().map(|entry| entry.path()).take(MAX_SERVICES).collect();
    services.sort();
    services
}

/// The name that the first service has that knows the id. One that fails or hangs leaves the list: it is waited for once.
pub(super) async fn name(services: &mut Vec<PathBuf>, id: u32) -> Option<String> {
    let mut next = 0;
    while let Some(service) = services.get(next) {
        match timeout(USERDB_TIMEOUT, ask(service, id)).await.unwrap_or_else(|slow| Err(slow.into())) {
            Ok(reply) => match user_name(&reply, id) {
                Some(name) => return Some(name),
                None => next += 1,
            },
            Err(error) => {
                log::debug!("user database {}: {error}", service.display());
                services.remove(next);
            }
        }
    }
    None
}

async fn ask(service: &Path, id: u32) -> io::Result<Vec<u8>> {
    let name = service.file_name().unwrap_or_default().to_string_lossy();
    let call = json!({
        "method": "io.systemd.UserDatabase.GetUserRecord",
        "parameters": { "uid": id, "service": name },
    });
    let mut stream = UnixStream::connect(service).await?;
    stream.write_all(format!("{call}\0").as_bytes()).await?;
    let mut reply = Vec::new();
    let mut stream = stream.take(MAX_REPLY_BYTES);
    while !reply.ends_with(b"\0") && stream.read_buf(&mut reply).await? > 0 {}
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::super::parse::tests::{FOUND, NOT_FOUND};
    use super::*;
    use infiniservice_exec::{BoxFuture, Finished, Program, Status, runner_beside_other_children};
    use serde_json::Value;
    use std::sync::Mutex;
    use std::time::Instant;
    use tokio::net::UnixListener;

    /// Prints what it was made with, and remembers how it was called.
    struct Getent {
        prints: &'static str,
        called: Mutex<Vec<Request>>,
    }

    impl Runner for Getent {
        fn run<'a>(
            &'a self,
            request: Request,
            _cancellation: &'a Cancellation,
        ) -> BoxFuture<'a, Result<Finished, RunError>> {
            let missing = request.program == Program::Named("getent") && self.prints.is_empty();
            self.called.lock().unwrap().push(request);
            let stdout = self.prints.to_owned().into();
            let finished = Finished { status: Status::Exited(2), stdout, stderr: String::new().into() };
            Box::pin(async move {
                if missing { Err(RunError::NotInstalled("getent".into())) } else { Ok(finished) }
            })
        }
    }

    async fn asked(prints: &'static str) -> (UserNames, Vec<Request>) {
        let names = UserNames::default();
        names.name(70_001);
        names.name(70_002);
        let getent = Getent { prints, called: Mutex::default() };
        let wanted = names.wanted().await;
        round(&names, wanted, Path::new("/nonexistent"), &getent).await;
        (names, getent.called.into_inner().unwrap())
    }

    #[tokio::test]
    async fn one_getent_is_asked_for_all_and_who_it_does_not_know_is_not_asked_for_again() {
        let (names, called) = asked("anna:*:70001:1:::\n").await;
        assert_eq!(called.len(), 1);
        assert_eq!(called[0].arguments, ["passwd", "70001", "70002"]);
        assert_eq!((names.name(70_001).as_deref(), names.name(70_002)), (Some("anna"), None));
        assert!(names.known().take_wanted(Instant::now()).is_empty());
    }

    #[tokio::test]
    async fn the_machines_own_getent_knows_root() {
        let runner = runner_beside_other_children();
        let found = by_getent(&[0, 4_000_000_000], &runner).await.unwrap();
        assert_eq!(found, BTreeMap::from([(0, "root".to_owned())]));
    }

    #[tokio::test]
    async fn a_machine_without_getent_has_numbers_and_is_not_asked_at_each_collection() {
        let (names, _) = asked("").await;
        assert_eq!(names.name(70_001), None);
        assert!(names.known().take_wanted(Instant::now()).is_empty());
    }

    async fn answer(listener: UnixListener, reply: &'static [u8]) -> Value {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut call = Vec::new();
        while !call.ends_with(b"\0") {
            stream.read_buf(&mut call).await.unwrap();
        }
        stream.write_all(reply).await.unwrap();
        serde_json::from_slice(&call[..call.len() - 1]).unwrap()
    }

    #[tokio::test]
    async fn each_service_is_asked_until_one_knows_and_the_one_for_all_alone_where_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let listen = |name: &str| UnixListener::bind(directory.path().join(name)).unwrap();
        let (first, second) = (listen("io.systemd.A"), listen("io.systemd.B"));
        let mut found = services(directory.path());
        let asked = tokio::join!(name(&mut found, 63_127), answer(first, NOT_FOUND), answer(second, FOUND));
        assert_eq!(asked.0.as_deref(), Some("lab-dynamic"));
        let expected = json!({
            "method": "io.systemd.UserDatabase.GetUserRecord",
            "parameters": { "uid": 63_127, "service": "io.systemd.B" },
        });
        assert_eq!(asked.2, expected);
        let _all = listen(ALL);
        assert_eq!(services(directory.path()), [directory.path().join(ALL)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_hangs_or_is_gone_is_left_for_good() {
        let directory = tempfile::tempdir().unwrap();
        let _deaf = UnixListener::bind(directory.path().join(ALL)).unwrap();
        let mut services = vec![directory.path().join(ALL), directory.path().join("gone")];
        assert_eq!(name(&mut services, 1).await, None);
        assert!(services.is_empty(), "{services:?}");
    }
}
