//! A fake guest: a small scripted peer that speaks the contract on a Unix socket or a pseudo-terminal.
//!
//! It shares no code with the client, so that a mistake in one is not repeated in the other.

pub mod answers;
pub mod qga;

use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// What the guest says to one line of the host: lines, each without its newline.
pub type Script = Box<dyn FnMut(&Value) -> Vec<String> + Send>;

/// A guest on a Unix socket, one client after the other, as QEMU's character device has it.
pub struct FakeGuest {
    _dir: TempDir,
    /// The socket.
    pub path: PathBuf,
    /// Every line of the host, as it came.
    pub heard: Arc<Mutex<Vec<String>>>,
}

impl FakeGuest {
    /// A guest that keeps the contract.
    pub fn proper() -> Self {
        Self::scripted(answers::greeting(), Box::new(answers::proper))
    }

    /// A guest that says `greeting` to whoever connects, and then as `script` has it.
    pub fn scripted(greeting: Vec<u8>, mut script: Script) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let reader = stream.try_clone().unwrap();
                let _host_gone = serve(reader, stream, &greeting, &mut script, &ears);
            }
        });
        Self { _dir: dir, path, heard }
    }

    /// The host's lines so far, without blank ones.
    pub fn lines(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().filter(|line| !line.trim().is_empty()).cloned().collect()
    }

    /// The endpoint of this guest.
    pub fn endpoint(&self) -> infinictl::client::Endpoint {
        infinictl::client::Endpoint::Channel(self.path.clone())
    }
}

/// Speaks with one host until it goes.
pub fn serve(
    reader: impl Read,
    mut writer: impl Write,
    greeting: &[u8],
    script: &mut Script,
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    writer.write_all(greeting)?;
    for line in BufReader::new(reader).lines() {
        let line = line?;
        heard.lock().unwrap().push(line.clone());
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            if !line.trim().is_empty() {
                writeln!(writer, "{}", answers::invalid_json())?;
            }
            continue;
        };
        for answer in script(&message) {
            writer.write_all(answer.as_bytes())?;
            writer.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// A guest on the far end of a pseudo-terminal, on a thread of its own.
pub fn serve_pty(path: &std::path::Path, mut script: Script) {
    let port = File::options().read(true).write(true).open(path).unwrap();
    std::thread::spawn(move || {
        let writer = port.try_clone().unwrap();
        let _host_gone = serve(port, writer, &answers::greeting(), &mut script, &Mutex::default());
    });
}
