//! `wire.sock`: the guests' wire for many clients. The first line names the machine, what follows is its wire as it is.

use super::hub::{Hub, Seat, refusal};
use super::inbox::Item;
use super::peer::Actor;
use infiniservice_hub_core::request;
use infiniservice_protocol::limits::Limits;
use infiniservice_protocol::{ErrorCode, LineDecoder, LineItem, Rejection, parse_host_item};
use serde::Deserialize;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// How long a client may take to name its machine.
const ATTACH_WITHIN: Duration = Duration::from_secs(10);
/// How long a client may leave a line unread before it is let go.
const WRITE_WITHIN: Duration = Duration::from_secs(60);
/// Bytes read at once.
const CHUNK_BYTES: usize = 16 << 10;

#[derive(Deserialize)]
struct Attach {
    #[serde(rename = "type")]
    kind: String,
    vm: String,
}

/// Serves clients for as long as the hub runs.
pub(super) async fn serve(hub: Rc<Hub>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::task::spawn_local(client(Rc::clone(&hub), stream))),
            Err(error) => {
                log::warn!("wire.sock: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// One client, from its first line to its last.
async fn client(hub: Rc<Hub>, stream: UnixStream) {
    let actor = match Actor::of(&stream) {
        Ok(actor) => actor,
        Err(error) => return log::warn!("{error}"),
    };
    let (reader, mut writer) = stream.into_split();
    let mut lines = Lines::new(reader);
    let seat = match timeout(ATTACH_WITHIN, lines.next()).await {
        Ok(Some(item)) => attach(&hub, &item, &actor),
        Ok(None) => return,
        Err(_late) => Err(invalid("no `Attach` line came within 10 s")),
    };
    let seat = match seat {
        Ok(seat) => seat,
        Err(rejection) => {
            let _it_has_gone = write(&mut writer, &refusal(rejection)).await;
            return;
        }
    };
    let attached = serde_json::json!({ "type": "attached", "vm": seat.vm() }).to_string();
    if write(&mut writer, &attached).await.is_ok() {
        serve_seat(&seat, lines, writer).await;
    }
}

/// A client that has a place, to its last line.
pub(super) async fn serve_seat<R, W>(seat: &Seat, mut lines: Lines<R>, mut writer: W)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    tokio::select! {
        () = offer_all(seat, &mut lines) => {}
        () = write_all(seat, &mut writer) => {}
    }
    if let dropped @ 1.. = seat.inbox.dropped() {
        log::info!("{}: {} left {dropped} lines unread, which were dropped", seat.vm(), seat.actor());
    }
}

fn attach(hub: &Rc<Hub>, item: &LineItem, actor: &Actor) -> Result<Seat, Rejection> {
    let LineItem::Line(line) = item else { return Err(invalid("the first line is not a line of UTF-8")) };
    let attach: Attach = serde_json::from_str(line).map_err(|error| {
        invalid(&format!(r#"the first line must be {{"type":"Attach","vm":"NAME"}}: {error}"#))
    })?;
    if attach.kind != "Attach" {
        return Err(invalid(&format!("the first line must be an `Attach`, not {:.40?}", attach.kind)));
    }
    hub.attach(&attach.vm, actor)
}

fn invalid(error: &str) -> Rejection {
    Rejection::new(ErrorCode::InvalidMessage, error)
}

async fn offer_all<R: AsyncRead + Unpin>(seat: &Seat, lines: &mut Lines<R>) {
    while let Some(item) = lines.next().await {
        match item {
            LineItem::Line(line) => {
                let request = request::read(&line);
                seat.offer(line, request);
            }
            other => {
                if let Err(rejection) = parse_host_item(&other, lines.max_bytes) {
                    seat.inbox.push(Item { line: refusal(rejection).into(), for_all: false });
                }
            }
        }
    }
}

async fn write_all<W: AsyncWrite + Unpin>(seat: &Seat, writer: &mut W) {
    loop {
        match seat.inbox.next().await {
            Ok(item) => match timeout(WRITE_WITHIN, write(writer, &item.line)).await {
                Ok(Ok(())) => {}
                Ok(Err(_gone)) => return,
                Err(_late) => return log::info!("{}: a client reads nothing and was let go", seat.vm()),
            },
            Err(reason) => return log::debug!("{}: a client was let go: {reason}", seat.vm()),
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, line: &str) -> std::io::Result<()> {
    writer.write_all(line.as_bytes()).await?;
    writer.write_all(b"\n").await?;
    writer.flush().await
}

/// A client's lines.
pub(super) struct Lines<R> {
    reader: R,
    decoder: LineDecoder,
    chunk: Vec<u8>,
    max_bytes: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// What this end says.
    pub(super) fn new(reader: R) -> Self {
        let max_bytes = Limits::default().max_line_bytes;
        Self { reader, decoder: LineDecoder::new(max_bytes), chunk: vec![0; CHUNK_BYTES], max_bytes }
    }

    /// The next line; `None` at the end. Nothing is lost when the future is dropped: what was read is in the decoder.
    async fn next(&mut self) -> Option<LineItem> {
        loop {
            if let Some(item) = self.decoder.next() {
                return Some(item);
            }
            let count = self.reader.read(&mut self.chunk).await.ok().filter(|count| *count > 0)?;
            self.decoder.push(self.chunk.get(..count)?);
        }
    }
}
