//! A fake `qemu-ga`: an agent on a Unix socket or a pseudo-terminal that answers as a test has it, in pieces.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Before the answer to a `guest-sync-delimited`, and before the request.
const MARK: u8 = 0xff;

/// What the agent writes to one request; `None`: it closes the connection.
pub type Script = Box<dyn FnMut(&Value) -> Option<Vec<u8>> + Send>;

/// An agent, one host after the other.
pub struct FakeQga {
    _dir: TempDir,
    /// The socket.
    pub path: PathBuf,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl FakeQga {
    /// Answers the sync, and all else as `script` has it; before the sync's answer comes `before`.
    pub fn new(before: &[u8], mut script: Script) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("qga.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let heard = Arc::<Mutex<Vec<Value>>>::default();
        let (ears, before) = (Arc::clone(&heard), before.to_vec());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let reader = stream.try_clone().unwrap();
                let _host_gone = serve(reader, stream, &before, &mut script, &ears);
            }
        });
        Self { _dir: dir, path, heard }
    }

    /// Returns the same for each command.
    pub fn returning(result: Value) -> Self {
        Self::new(b"", Box::new(move |_| Some(line(&json!({ "return": result })))))
    }

    /// Writes the same bytes to each command.
    pub fn writing(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self::new(b"", Box::new(move |_| Some(bytes.clone())))
    }

    /// The requests so far, but for syncs.
    pub fn requests(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

/// An answer as a line.
pub fn line(answer: &Value) -> Vec<u8> {
    format!("{answer}\n").into_bytes()
}

/// Speaks with one host until either goes. Requests before the first mark belong to others, as for a guest that was left in
/// the middle of one.
pub fn serve(
    mut reader: impl Read,
    mut writer: impl Write,
    before: &[u8],
    script: &mut Script,
    heard: &Mutex<Vec<Value>>,
) -> std::io::Result<()> {
    let (mut request, mut byte, mut met) = (Vec::new(), [0], false);
    loop {
        reader.read_exact(&mut byte)?;
        match byte[0] {
            MARK => {
                request.clear();
                met = true;
            }
            b'\n' if met => {
                let asked: Value = serde_json::from_slice(&std::mem::take(&mut request)).unwrap();
                let answer = if asked["execute"] == "guest-sync-delimited" {
                    let number = line(&json!({ "return": asked["arguments"]["id"] }));
                    [before, &[MARK], &number].concat()
                } else {
                    heard.lock().unwrap().push(asked.clone());
                    let Some(answer) = script(&asked) else { return Ok(()) };
                    answer
                };
                // In pieces, as a slow port delivers them.
                answer
                    .chunks((answer.len() / 7).clamp(1, 8 << 10))
                    .try_for_each(|piece| writer.write_all(piece))?;
            }
            other => request.push(other),
        }
    }
}
