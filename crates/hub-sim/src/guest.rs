//! One simulated guest.

use crate::fault::Fault;
use crate::lines;
use crate::tally::{Said, Tally};
use crate::variety::Character;
use infiniservice_protocol::guest::Response;
use infiniservice_protocol::tags::Tags;
use infiniservice_protocol::trace::TraceContext;
use infiniservice_protocol::{ErrorCode, GuestMessage, HostMessage, LineDecoder, LineItem, parse_host_line};
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

/// How a guest behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Between two `system_metrics` lines.
    pub interval: Duration,
    /// Bytes of such a line.
    pub line_bytes: usize,
    /// How long a command takes.
    pub delay: Duration,
    /// What it does wrong.
    pub fault: Fault,
    /// Whether its figures are its own and move with time, instead of those of the recorded line.
    pub varied: bool,
    /// The tags that it gives itself.
    pub tags: Tags,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            line_bytes: 4_000,
            delay: Duration::ZERO,
            fault: Fault::None,
            varied: false,
            tags: Tags::default(),
        }
    }
}

/// A command that a guest has taken.
#[derive(Clone, Debug, PartialEq)]
enum Taken {
    UnderWay,
    Answered(String),
}

#[derive(Debug, Default)]
struct Memory {
    instance: String,
    taken: HashMap<String, Taken>,
    /// Every command that was carried out, in its order.
    carried_out: Vec<(String, String)>,
    lines_read: u64,
    connections: u64,
    hellos: u64,
}

/// A guest, which lives for as long as its task.
#[derive(Clone, Debug)]
pub struct Guest {
    name: String,
    options: Options,
    memory: Arc<Mutex<Memory>>,
    tally: Arc<Tally>,
    /// The line of figures that it sends by itself, where that is always the same.
    line: Arc<OnceLock<String>>,
    hang_up: Arc<Notify>,
}

impl Guest {
    /// A guest that begins now.
    pub fn new(name: &str, options: Options) -> Self {
        let (memory, tally, line, hang_up) = Default::default();
        let guest = Self { name: name.to_owned(), options, memory, tally, line, hang_up };
        guest.restart();
        guest
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its agent begins anew: it is another instance and knows nothing of what its predecessor was asked.
    pub fn restart(&self) {
        let mut memory = self.memory();
        memory.instance = format!("{:032x}", fastrand::u128(..));
        memory.taken.clear();
        drop(memory);
        self.hang_up.notify_waiters();
    }

    /// Closes the connection that there is, as a QEMU that is restarted does.
    pub fn hang_up(&self) {
        self.hang_up.notify_waiters();
    }

    /// The commands that were carried out: id and action, in their order.
    pub fn carried_out(&self) -> Vec<(String, String)> {
        self.memory().carried_out.clone()
    }

    /// Lines that it has read.
    pub fn lines_read(&self) -> u64 {
        self.memory().lines_read
    }

    /// Connections that it has accepted.
    pub fn connections(&self) -> u64 {
        self.memory().connections
    }

    /// How often it was asked who it is.
    pub fn hellos(&self) -> u64 {
        self.memory().hellos
    }

    /// What it has said.
    pub fn said(&self) -> Said {
        self.tally.said()
    }

    /// It says nothing from now on, whatever it is asked. Its connection stays.
    pub fn hush(&self) {
        self.tally.hush();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens, and serves one client after the other until the task is dropped.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub async fn serve(self, path: &Path) -> io::Result<()> {
        let listener = UnixListener::bind(path)?;
        self.serve_on(listener).await
    }

    /// The same on a listener that is there.
    ///
    /// # Errors
    /// Where it takes no connection.
    pub async fn serve_on(self, listener: UnixListener) -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            self.memory().connections += 1;
            tokio::select! {
                _gone = self.client(stream) => {}
                () = self.hang_up.notified() => {}
            }
        }
    }

    async fn client(&self, mut stream: UnixStream) -> io::Result<()> {
        match self.options.fault {
            Fault::Mute => return std::future::pending().await,
            Fault::Hangs => {
                self.introduce(&mut stream).await?;
                return std::future::pending().await;
            }
            Fault::Floods => return self.flood(&mut stream).await,
            Fault::Churns => {
                let life = Duration::from_millis(fastrand::u64(500..3000));
                return tokio::time::timeout(life, self.talk(&mut stream)).await.unwrap_or(Ok(()));
            }
            _ => {}
        }
        self.talk(&mut stream).await
    }

    async fn introduce(&self, stream: &mut UnixStream) -> io::Result<()> {
        if self.tally.is_hushed() {
            return Ok(());
        }
        self.tally.put(stream, format!("\n{}\n", self.hello()).as_bytes(), false).await
    }

    fn host_name(&self) -> String {
        if self.options.fault == Fault::Hostile { lines::HOSTILE.to_owned() } else { self.name.clone() }
    }

    fn hello(&self) -> String {
        let os = match (self.options.fault, self.options.varied) {
            (Fault::Hostile, _) => lines::HOSTILE.to_owned(),
            (_, true) => Character::of(&self.name).system(),
            (_, false) => "Debian GNU/Linux 12 (bookworm)".to_owned(),
        };
        let instance = self.memory().instance.clone();
        lines::hello(&self.host_name(), &instance, &os, &self.options.tags)
    }

    fn metrics(&self, request: Option<&str>) -> String {
        if request.is_some() || self.options.varied {
            return self.new_metrics(request);
        }
        self.line.get_or_init(|| self.new_metrics(None)).clone()
    }

    fn new_metrics(&self, request: Option<&str>) -> String {
        lines::metrics_with(&self.host_name(), self.options.line_bytes, request, |line| {
            if self.options.varied {
                Character::of(&self.name).put_over(line, SystemTime::now());
            }
            if self.options.fault == Fault::Hostile {
                lines::poison(line);
            }
        })
    }

    async fn flood(&self, stream: &mut UnixStream) -> io::Result<()> {
        let line = self.metrics(None) + "\n";
        self.introduce(stream).await?;
        while !self.tally.is_hushed() {
            self.tally.put(stream, line.as_bytes(), false).await?;
        }
        std::future::pending().await
    }

    /// Speaks as an agent does.
    async fn talk(&self, stream: &mut UnixStream) -> io::Result<()> {
        stream.write_all(b"\n").await?;
        let mut decoder = LineDecoder::new(1 << 20);
        let mut chunk = vec![0; 4096];
        let mut due = Instant::now() + self.options.interval.mul_f64(fastrand::f64());
        let (mut beat, mut sent) = (0, 0_u64);
        loop {
            tokio::select! {
                count = stream.read(&mut chunk) => {
                    let count = count.and_then(|count| if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(count) })?;
                    decoder.push(chunk.get(..count).unwrap_or_default());
                }
                () = sleep_until(due) => {
                    due += self.options.interval;
                    beat += 1;
                    sent += 1;
                    if !self.tally.is_hushed() {
                        let (line, malformed) = self.spoilt(self.metrics(None), sent);
                        self.tally.put(stream, &line, malformed).await?;
                        self.tally.put(stream, format!("{}\n", lines::keep_alive(beat)).as_bytes(), false).await?;
                    }
                }
            }
            while let Some(item) = decoder.next() {
                let answer = self.heard(item).await.filter(|_| !self.tally.is_hushed());
                if let Some(answer) = answer {
                    self.tally.put(stream, format!("{answer}\n").as_bytes(), false).await?;
                }
            }
        }
    }

    /// A line as the fault leaves it, and whether that is no message.
    fn spoilt(&self, line: String, sent: u64) -> (Vec<u8>, bool) {
        let tenth = sent.is_multiple_of(10);
        match self.options.fault {
            Fault::Torn if tenth => {
                let half = line.floor_char_boundary(line.len() / 2);
                (format!("{}\n", line.get(..half).unwrap_or_default()).into_bytes(), true)
            }
            Fault::Long if tenth => (format!("{{\"x\":\"{}\"}}\n", "x".repeat(5 << 20)).into_bytes(), true),
            Fault::Noise => (vec![0xff, 0x00, b'{', b'\n', b'\r', 0x9b, b'\n'], true),
            _ => ((line + "\n").into_bytes(), false),
        }
    }

    async fn heard(&self, item: LineItem) -> Option<String> {
        let LineItem::Line(line) = item else { return None };
        self.memory().lines_read += 1;
        let message = match parse_host_line(&line) {
            Ok(message) => message,
            Err(rejection) => return serde_json::to_string(&rejection.into_message()).ok(),
        };
        match message.untraced() {
            HostMessage::Hello { .. } => {
                self.memory().hellos += 1;
                Some(self.hello())
            }
            HostMessage::KeepAliveRequest { sequence_number } => Some(lines::keep_alive(*sequence_number)),
            HostMessage::Metrics { id } => Some(self.metrics(id.as_deref())),
            HostMessage::SafeCommand(command) => {
                let context = if let HostMessage::Traced(it) = &message { it.context.as_ref() } else { None };
                Some(self.command(&command.id, &command.action, context).await)
            }
            HostMessage::Cancel { id, .. } => {
                let response = Response::ok(id.as_str(), "Cancel", json!({ "outcome": "already_answered" }));
                serde_json::to_string(&GuestMessage::Response(response)).ok()
            }
            _ => None,
        }
    }

    /// As the agent does: an id that was answered is answered again, and nothing is carried out twice.
    async fn command(&self, id: &str, action: &str, context: Option<&TraceContext>) -> String {
        let taken = self.memory().taken.get(id).cloned();
        match taken {
            Some(Taken::Answered(answer)) => return answer,
            Some(Taken::UnderWay) => {
                let error = "the id is in use by a command that has not been answered yet";
                return text(Response::failed(id, action, ErrorCode::DuplicateId, error));
            }
            None => {}
        }
        let instance = {
            let mut memory = self.memory();
            memory.taken.insert(id.to_owned(), Taken::UnderWay);
            memory.carried_out.push((id.to_owned(), action.to_owned()));
            memory.instance.clone()
        };
        let started = SystemTime::now();
        // It goes on whatever becomes of the connection.
        let (id, action, context, guest) = (id.to_owned(), action.to_owned(), context.cloned(), self.clone());
        let carried_out = tokio::spawn(async move {
            sleep(guest.options.delay).await;
            let trace = context.map(|context| Box::new(lines::trace(&context, started)));
            let done = match guest.options.fault {
                Fault::Fails => Response::failed(&*id, &*action, ErrorCode::ExecutionFailed, "it fails"),
                _ => Response::ok(&*id, &*action, json!({ "simulated": true })),
            };
            let answer = text(Response { trace, ..done });
            let mut memory = guest.memory();
            if memory.instance == instance {
                memory.taken.insert(id, Taken::Answered(answer.clone()));
            }
            answer
        });
        carried_out.await.unwrap_or_default()
    }
}

fn text(response: Response) -> String {
    serde_json::to_string(&GuestMessage::Response(response)).unwrap_or_default()
}
