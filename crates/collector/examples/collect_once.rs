//! Takes one collection, or two with `--rates` between which a second passes, and prints it as JSON.

use infiniservice_collector::{Collector, CollectorSettings};
use infiniservice_platform::clock::{Clock, SystemClock};
use std::time::Duration;

fn main() {
    let clock = SystemClock::start();
    let mut collector = Collector::new(CollectorSettings::default());
    let mut collected = collector.collect(clock.now());
    if std::env::args().any(|argument| argument == "--rates") {
        std::thread::sleep(Duration::from_secs(1));
        collected = collector.collect(clock.now());
    }
    let (data, collection) = collected;
    println!("{}", serde_json::json!({ "data": data, "collection": collection }));
}
