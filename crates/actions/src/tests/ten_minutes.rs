//! Ten minutes of one command on simulated time, the executor and the link joined as the main loop joins them.

use super::*;
use infiniservice_link::{Action, Event, Link, LinkSettings, Outgoing, PortEvent};
use infiniservice_protocol::GuestMessage;
use std::time::UNIX_EPOCH;
use tokio::time::{Instant, sleep_until};

const TEN_MINUTES: u64 = 600;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The host's end of a port that takes all, and what it heard at which second.
struct Wire {
    desk: PackageSession,
    link: Link,
    start: Instant,
    actions: Vec<Action>,
    heard: Vec<(u64, Value)>,
    /// How far the clock of the day was put back.
    put_back: Duration,
}

impl Wire {
    fn connected(desk: PackageSession) -> Self {
        let link = Link::new(LinkSettings::default(), 1);
        let (start, actions, heard) = (Instant::now(), Vec::new(), Vec::new());
        let mut wire = Self { desk, link, start, actions, heard, put_back: Duration::ZERO };
        wire.tell(Event::Timer);
        wire.tell(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
        wire
    }

    fn now(&self) -> Now {
        let mono = self.start.elapsed();
        Now { mono, wall: UNIX_EPOCH + 2 * DAY + mono - self.put_back }
    }

    fn tell(&mut self, event: Event<'_>) {
        self.link.handle(self.now(), event, &mut self.actions);
        for action in std::mem::take(&mut self.actions) {
            if let Action::Deliver(message) = action {
                self.desk.executor.submit(self.now(), message);
            }
        }
        self.listen();
    }

    fn say(&mut self, line: &Value) {
        self.tell(Event::Port(PortEvent::Read(format!("{line}\n").as_bytes())));
    }

    /// The port takes what waits; a host answers heartbeats.
    fn listen(&mut self) {
        let now = self.now();
        let bytes = self.link.pending_write(now).to_vec();
        if bytes.is_empty() {
            return;
        }
        let text = String::from_utf8(bytes.clone()).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        self.tell(Event::Port(PortEvent::Wrote(bytes.len())));
        for line in lines {
            self.heard.push((now.mono.as_secs(), line.clone()));
            if line["type"] == "keep_alive" && line["sequence_number"].as_u64().unwrap() < PINGS {
                let number = &line["sequence_number"];
                self.say(&json!({"type": "KeepAliveResponse", "sequence_number": number}));
            }
        }
    }

    /// Serves timers and answers until this second.
    async fn run_until(&mut self, second: u64) {
        let end = self.start + Duration::from_secs(second);
        while Instant::now() < end {
            let due = self.link.next_deadline().map_or(end, |due| end.min(self.start + due));
            let reply = tokio::select! {
                biased;
                reply = self.desk.replies.recv() => reply,
                () = sleep_until(due) => None,
            };
            match reply {
                Some(reply) => {
                    self.tell(Event::Send(Outgoing { message: GuestMessage::Response(response(reply)) }));
                }
                None => self.tell(Event::Timer),
            }
        }
    }

    /// The seconds at which a line of this type with this field came.
    fn seconds(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Vec<u64> {
        let lines = self.heard.iter().filter(|(_, line)| line["type"] == kind && wanted(line));
        lines.map(|(second, _)| *second).collect()
    }
}

/// Pings have numbers from here on, heartbeats below.
const PINGS: u64 = 1 << 40;

fn command(id: &str, command: &Value, timeout: u64) -> Value {
    json!({"type": "SafeCommand", "id": id, "command_type": command, "timeout": timeout})
}

#[tokio::test(start_paused = true)]
async fn heartbeats_pings_and_reads_are_on_time_while_a_command_runs_for_ten_minutes() {
    let mut wire = Wire::connected(PackageSession::open());
    let long = json!({"action": "ServiceControl", "service": "hangs", "operation": "start"});
    wire.say(&command("long", &long, TEN_MINUTES));
    let asked: Vec<u64> = (1..60).map(|n| n * 10 + 5).collect();
    for second in &asked {
        wire.run_until(*second).await;
        wire.say(&json!({"type": "keep_alive_request", "sequence_number": PINGS + second}));
        wire.say(&command(&format!("read {second}"), &json!({"action": "ProcessList"}), 30));
    }
    wire.run_until(TEN_MINUTES + 10).await;
    let number = |line: &Value| line["sequence_number"].as_u64().unwrap();
    let beats = wire.seconds("keep_alive", |line| number(line) < PINGS);
    assert_eq!(beats, (0..=20).map(|n| n * 30).collect::<Vec<_>>());
    assert_eq!(wire.seconds("keep_alive", |line| number(line) >= PINGS), asked);
    assert_eq!(wire.seconds("response", |line| line["success"] == true), asked);
    assert_eq!(wire.seconds("response", |line| line["error_code"] == "TIMEOUT"), [TEN_MINUTES]);
    let stats = wire.link.stats();
    assert_eq!((stats.heartbeats_answered, stats.heartbeats_missed, stats.reconnections), (21, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_a_day_and_on_again_moves_no_deadline_and_loses_no_answer() {
    let mut wire = Wire::connected(PackageSession::open());
    let hangs = json!({"action": "ServiceControl", "service": "hangs", "operation": "start"});
    wire.say(&command("over the change", &hangs, 60));
    for (second, put_back) in [(20, DAY), (130, Duration::ZERO), (140, DAY)] {
        wire.run_until(second).await;
        wire.put_back = put_back;
        wire.say(&command(&format!("after {second}"), &hangs, 30));
        wire.say(&command(&format!("read {second}"), &json!({"action": "ProcessList"}), 30));
    }
    wire.run_until(200).await;
    assert_eq!(wire.seconds("response", |line| line["error_code"] == "TIMEOUT"), [50, 60, 160, 170]);
    assert_eq!(wire.seconds("response", |line| line["success"] == true), [20, 130, 140]);
    let beats = wire.seconds("keep_alive", |line| line["sequence_number"].as_u64().unwrap() < PINGS);
    assert_eq!(beats, (0..=6).map(|n| n * 30).collect::<Vec<_>>());
}
