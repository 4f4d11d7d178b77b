//! Measures what a scrape of many machines costs, and what reading their lines does.
//!
//! `cargo run --release -p infiniservice-hub-core --example expose -- 5000`

use infiniservice_hub_core::exposition::{Exposition, Options, Program};
use infiniservice_hub_core::fleet::Fleet;
use infiniservice_hub_core::line;
use infiniservice_hub_core::otlp::Metrics;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde_json::Value;
use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

const METRICS: &str = include_str!("../../protocol/golden/system_metrics.jsonl");
/// Processes, sockets and services of a machine: those of a small server, whose line has 39.6 kB.
const LISTS: [(&str, usize); 3] = [("processes", 60), ("ports", 23), ("services", 47)];
/// The same, of a large one: 110 kB.
const LONG_LISTS: [(&str, usize); 3] = [("processes", 178), ("ports", 67), ("services", 132)];
const ROUNDS: usize = 21;
/// Machines that are packed at once.
const AT_ONCE: usize = 50;
/// Lines of a round.
const LINES: usize = 200;

fn main() {
    let machines = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5000);
    for lists in [LISTS, LONG_LISTS] {
        read_lines(&metrics(&lists, start()));
    }
    let fleet = fleet(machines);
    expose(&fleet);
    pack(&fleet);
}

fn start() -> Now {
    Now { mono: Duration::ZERO, wall: UNIX_EPOCH + Duration::from_secs(1_795_415_400) }
}

/// Reads one line again and again, as the hub does with each.
fn read_lines(line: &str) {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let before = Clock::now();
        for _ in 0..LINES {
            black_box(line::read(black_box(line), start())).expect("a message");
        }
        times.push(before.elapsed().as_secs_f64() / LINES as f64 * 1e6);
    }
    let (median, worst) = sorted(times);
    println!("reading a line of {:.1} kB: {median:.1} µs (worst {worst:.1})", line.len() as f64 / 1e3);
}

/// Tells all machines again and again; the first time makes room.
fn expose(fleet: &Fleet) {
    let machines = fleet.iter().count();
    let mut exposition = Exposition::default();
    let mut times = Vec::new();
    let (mut series, mut bytes) = (0, 0);
    for _ in 0..ROUNDS {
        let before = Clock::now();
        let text = exposition.fleet(fleet, &Program::default(), start(), Options::default());
        times.push(before.elapsed().as_secs_f64() * 1e3);
        series = text.lines().filter(|line| !line.starts_with('#')).count();
        bytes = text.len();
    }
    let first = times.remove(0);
    let (median, worst) = sorted(times);
    println!(
        "{machines} machines, {series} series, {:.1} MB: {median:.1} ms of processor (worst {worst:.1}, first {first:.1})",
        bytes as f64 / 1e6
    );
}

/// Packs all machines for OTLP again and again, as many at a time as the hub does.
fn pack(fleet: &Fleet) {
    let (mut times, mut turns) = (Vec::new(), Vec::new());
    let (mut points, mut bytes) = (0, 0);
    for _ in 0..ROUNDS {
        let mut metrics = Metrics::new("host", start().wall);
        (points, bytes) = (0, 0);
        let machines: Vec<_> = fleet.iter().collect();
        let before = Clock::now();
        for turn in machines.chunks(AT_ONCE) {
            let before = Clock::now();
            for (name, entry) in turn {
                metrics.machine(name, entry, start());
            }
            let batch = metrics.request().expect("figures");
            turns.push(before.elapsed().as_secs_f64() * 1e3);
            points += batch.items;
            bytes += batch.body.len();
        }
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    let ((median, worst), (turn, longest)) = (sorted(times), sorted(turns));
    println!(
        "for OTLP, {points} points, {:.1} MB: {median:.1} ms of processor (worst {worst:.1}), {turn:.1} ms for {AT_ONCE} \
         machines (worst {longest:.1})",
        bytes as f64 / 1e6
    );
}

/// The median and the greatest.
fn sorted(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_unstable_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() - 1])
}

fn fleet(machines: usize) -> Fleet {
    let (mut fleet, now) = (Fleet::default(), start());
    let line = metrics(&[], now);
    for number in 0..machines {
        let name = format!("web-{number:05}");
        fleet.claim(now, &name, &format!("/run/{name}")).expect("free");
        fleet.with(now, &name, |machine| {
            machine.connected(now);
            machine.spoke(now);
            machine.line(now, &line.replace("88.3", &format!("{}.{}", number, number % 100)));
            ((), vec![])
        });
    }
    fleet
}

/// The golden line with lists of these lengths.
fn metrics(lists: &[(&str, usize)], now: Now) -> String {
    let golden = METRICS.lines().next().expect("a line");
    let mut line: Value = serde_json::from_str(golden).expect("JSON");
    line["timestamp"] = rfc3339_millis(now.wall).into();
    for (name, length) in lists {
        let one = line["data"][name][0].clone();
        line["data"][name] = (0..*length).map(|number| another(&one, number)).collect();
    }
    line.as_object_mut().expect("an object").remove("type");
    // First, as agents write it.
    line.to_string().replacen('{', r#"{"type":"system_metrics","#, 1)
}

/// An entry that differs from the others in as many places as real ones do.
fn another(one: &Value, number: usize) -> Value {
    let mut entry = one.clone();
    for (field, value) in entry.as_object_mut().into_iter().flatten() {
        match value {
            Value::Number(_) => *value = (number * 7919 % 65_536).into(),
            Value::String(text) if !matches!(&**field, "status" | "state" | "protocol" | "start_type") => {
                text.insert_str(text.len() / 2, &format!("{:x}", number * 2_654_435_761 % 65_536));
            }
            _ => {}
        }
    }
    entry
}

/// Time on a processor of this thread where the system tells it, else time.
enum Clock {
    Processor(Duration),
    Wall(Instant),
}

impl Clock {
    fn now() -> Self {
        on_processor().map_or_else(|| Self::Wall(Instant::now()), Self::Processor)
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Processor(before) => on_processor().unwrap_or_default().saturating_sub(*before),
            Self::Wall(before) => before.elapsed(),
        }
    }
}

fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
