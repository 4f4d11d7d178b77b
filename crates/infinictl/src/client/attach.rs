//! The way to a guest through the hub: its first lines name the machine.

use crate::sys::{Reader, Writer};
use serde_json::{Value, json};
use std::io;
use std::time::Duration;

/// How long the hub may take to say whether it has the machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Longest answer.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Asks for the machine. What comes after the hub's answer is left to be read.
pub(super) async fn attach(reader: &mut Reader, writer: &mut Writer, vm: &str) -> io::Result<()> {
    let line = json!({ "type": "Attach", "vm": vm }).to_string() + "\n";
    writer.write_all(line.as_bytes()).await?;
    let answer = tokio::time::timeout(ANSWER_WITHIN, first_line(reader)).await;
    let answer = answer.map_err(|_late| io::Error::other("the hub does not answer"))??;
    match serde_json::from_slice::<Value>(&answer) {
        Ok(answer) if answer["type"] == "attached" => Ok(()),
        Ok(answer) if answer["type"] == "error" => Err(io::Error::other(
            answer["error"].as_str().unwrap_or("the hub refused without a reason").to_owned(),
        )),
        _ => Err(io::Error::other("what listens there is not infinihub")),
    }
}

/// Byte by byte: the guest's own lines follow, and are not ours to take.
async fn first_line(reader: &mut Reader) -> io::Result<Vec<u8>> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    loop {
        if reader.read(&mut byte).await? == 0 {
            return Err(io::Error::other("the hub closed the connection"));
        }
        match byte {
            [b'\n'] => return Ok(line),
            [byte] if line.len() < MAX_ANSWER_BYTES => line.push(byte),
            _ => return Err(io::Error::other("what listens there is not infinihub")),
        }
    }
}
