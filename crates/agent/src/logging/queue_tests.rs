//! The log's queue with readers that stand still, fail and recover.

use super::*;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Far above what is ever needed.
const TIMEOUT: Duration = Duration::from_secs(60);

fn lost_line(count: u64) -> String {
    format!("{count} lost")
}

/// Each write is a message, and waits until it is taken.
struct Slow(SyncSender<String>);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0.send(text).map(|()| bytes.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A queue, and what its thread writes, one line for each `recv`.
fn queue() -> (Arc<Queue>, Receiver<String>) {
    let (tell, written) = sync_channel(0);
    let queue = Arc::new(Queue::new(lost_line));
    let own = Arc::clone(&queue);
    thread::spawn(move || own.write_to(&mut Slow(tell)));
    (queue, written)
}

fn next(written: &Receiver<String>) -> String {
    written.recv_timeout(TIMEOUT).expect("a line")
}

#[test]
fn lines_come_out_in_order() {
    let (queue, written) = queue();
    for n in 0..100 {
        queue.push(format!("{n}\n").as_bytes());
    }
    assert!((0..100).all(|n| next(&written) == format!("{n}\n")));
    assert!(queue.flush(TIMEOUT));
}

#[test]
fn a_reader_that_stands_still_costs_lines_and_their_number_is_told_where_they_are_missing() {
    let (queue, written) = queue();
    for n in 0..20_000 {
        queue.push(format!("{n}\n").as_bytes());
    }
    let (mut next_number, mut lost) = (0, 0);
    while next_number < 20_000 {
        let line = next(&written);
        if let Some(count) = line.strip_suffix(" lost\n") {
            let count: u64 = count.parse().expect("a number");
            (lost, next_number) = (lost + count, next_number + count);
        } else {
            assert_eq!(line, format!("{next_number}\n"), "each line is written or counted");
            next_number += 1;
        }
    }
    assert!(lost > 10_000, "{lost}");
    queue.push(b"after\n");
    assert_eq!(next(&written), "after\n");
}

#[test]
fn long_lines_are_bounded_by_their_bytes() {
    let (queue, _written) = queue();
    let line = vec![b'x'; 16 << 10];
    for _ in 0..1000 {
        queue.push(&line);
    }
    let state = queue.lock();
    // The thread may have taken its first line in between: then how many were lost until then is a line.
    let told = state
        .lines
        .iter()
        .filter_map(|line| str::from_utf8(line).ok()?.strip_suffix(" lost\n")?.parse::<u64>().ok());
    let lost = state.lost + told.sum::<u64>();
    assert!(state.bytes <= MAX_BYTES && lost > 900, "{} bytes, {lost} lost", state.bytes);
}

#[test]
fn the_end_waits_for_a_reader_that_stands_still_no_longer_than_it_may() {
    let (queue, _written) = queue();
    queue.push(b"never read\n");
    assert!(!queue.flush(Duration::from_millis(20)));
}

/// Fails until told to succeed, then keeps what it gets.
struct Full(Arc<Mutex<(bool, String)>>);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().expect("not poisoned");
        if !state.0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.1.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_device_loses_lines_and_nothing_else() {
    let (queue, device) = (Arc::new(Queue::new(lost_line)), Arc::new(Mutex::new((false, String::new()))));
    let (own, out) = (Arc::clone(&queue), Arc::clone(&device));
    thread::spawn(move || own.write_to(&mut Full(out)));
    for _ in 0..3 {
        queue.push(b"lost\n");
        assert!(queue.flush(TIMEOUT), "a failed write is an end of it");
    }
    device.lock().expect("not poisoned").0 = true;
    queue.push(b"kept\n");
    assert!(queue.flush(TIMEOUT));
    assert_eq!(device.lock().expect("not poisoned").1, "kept\n3 lost\n");
}
