//! Prints what a port tells, as it happens, with the wake-ups and the processor time that it cost: for looking at a
//! real one. Lines that arrive are answered by `echo ` and the line. An argument is the configured device.

use infiniservice_channel::transport::linux::{LinuxPort, SystemPort};
use infiniservice_channel::transport::{
    DeviceOptions, Port, ReadOutcome, SystemTransport, Transport, WriteOutcome,
};
use std::time::Instant;

struct Log(Instant);

impl Log {
    fn say(&self, text: &str) {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let ticks: Vec<&str> = stat.split_whitespace().skip(13).take(2).collect();
        println!("{:9.3} s, cpu ticks {}: {text}", self.0.elapsed().as_secs_f64(), ticks.join("+"));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let log = Log(Instant::now());
    let device = std::env::args_os().nth(1).map(Into::into);
    let mut transport = SystemTransport::new(DeviceOptions::new(device, true));
    loop {
        match transport.open() {
            Ok(SystemPort::Device(port)) => serve(&log, &mut transport, port).await,
            Ok(other) => return log.say(&format!("{} is no device", other.path().display())),
            Err(failure) => {
                log.say(&format!("{failure:?}"));
                transport.changed().await;
                log.say("devices changed");
            }
        }
    }
}

async fn serve(log: &Log, transport: &mut SystemTransport, mut port: LinuxPort) {
    log.say(&format!("opened {}, host {:?}", port.path().display(), port.host()));
    let mut answers = Vec::new();
    loop {
        tokio::select! {
            ready = port.ready() => log.say(&format!("wake-up {}: {ready:?}", port.wakeups())),
            () = transport.changed() => log.say("devices changed"),
        }
        if !(read(log, &mut port, &mut answers) && write(log, &mut port, &mut answers)) {
            log.say("closed");
            return;
        }
    }
}

/// Reads until there is nothing more; false when the device is gone.
fn read(log: &Log, port: &mut LinuxPort, answers: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match port.try_read(&mut buffer) {
            ReadOutcome::Data(count) => {
                log.say(&format!("read {count} bytes"));
                answers.extend_from_slice(b"echo ");
                answers.extend_from_slice(&buffer[..count]);
            }
            ReadOutcome::WouldBlock => return true,
            other => {
                log.say(&format!("{other:?}"));
                return matches!(other, ReadOutcome::HostAway);
            }
        }
    }
}

/// Writes what waits, as far as there is room: a line may arrive before the event that its host is there.
fn write(log: &Log, port: &mut LinuxPort, answers: &mut Vec<u8>) -> bool {
    while !answers.is_empty() {
        let outcome = port.try_write(answers);
        log.say(&format!("{outcome:?}"));
        match outcome {
            WriteOutcome::Wrote(count) => drop(answers.drain(..count)),
            WriteOutcome::WouldBlock => return true,
            WriteOutcome::Gone | WriteOutcome::Failed(_) => return false,
        }
    }
    true
}
