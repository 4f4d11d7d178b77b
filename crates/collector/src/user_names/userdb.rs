//! systemd's user database: Varlink on sockets that only root can make, <https://systemd.io/USER_GROUP_API>.

use super::record::user_name;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Where the services listen, each by its name.
pub(super) const DIRECTORY: &str = "/run/systemd/userdb";
/// systemd-userdbd, which asks all others, and NSS.
const ALL: &str = "io.systemd.Multiplexer";
/// Services that are asked where there is no such one.
const MAX_SERVICES: usize = 16;
/// For one answer of one service.
const PATIENCE: Duration = Duration::from_secs(2);
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
        match timeout(PATIENCE, ask(service, id)).await.unwrap_or_else(|slow| Err(slow.into())) {
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
    use super::super::record::tests::{FOUND, NOT_FOUND};
    use super::*;
    use serde_json::Value;
    use tokio::net::UnixListener;

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
