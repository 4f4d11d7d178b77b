//! `infinictl metrics --follow`: chosen figures as the guest sends them, a line or a document each.

use super::error::CliError;
use super::session::Session;
use crate::client::{Event, Subscription};
use crate::text::{sanitize, units};
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::stream::{Fields, Stream, StreamData};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// What is followed where no fields are named.
pub(super) const USUAL: &str = "system.cpu,system.memory";
/// Processes in one line.
const BUSIEST: usize = 3;

/// Prints samples until Ctrl-C, or until the stream ends.
pub(super) async fn run(session: &Session, names: &str, interval: Duration) -> Result<(), CliError> {
    let fields = chosen(names)?;
    let mut lines = session.client.subscribe();
    let number = session.client.start_stream(interval, fields, session.wait()).await?;
    tokio::select! {
        ended = show_all(session, &mut lines, number) => ended,
        ended = session.client.keep_stream(number, session.wait()) => Err(ended.into()),
    }
}

/// The fields of a list with commas.
fn chosen(names: &str) -> Result<Fields, CliError> {
    let mut fields = Fields::default();
    for name in names.split(',').map(str::trim) {
        if !fields.add(name) {
            let known = Fields::all_names().collect::<Vec<_>>().join(", ");
            let name = sanitize::brief(name);
            return Err(CliError::Usage(format!("there is no field {name:?} to follow; there are {known}")));
        }
    }
    Ok(fields)
}

async fn show_all(session: &Session, lines: &mut Subscription, number: u64) -> Result<(), CliError> {
    let mut last = 0;
    loop {
        let Some(event) = lines.next().await else { return Err(session.client.closed().await.into()) };
        if let Some(sample) = sample_of(&event, number) {
            show(session, &event, sample, last)?;
            last = sample.seq;
        }
    }
}

fn sample_of(event: &Arc<Event>, number: u64) -> Option<&Stream> {
    match event.message() {
        Some(GuestMessage::Stream(sample)) if sample.subscription == number => Some(sample),
        _ => None,
    }
}

fn show(session: &Session, event: &Event, sample: &Stream, last: u64) -> Result<(), CliError> {
    if session.out.json {
        return session.out.document(&event.raw);
    }
    let missed = sample.seq.saturating_sub(last + 1);
    let note = if missed > 0 { format!("  ({missed} left out)") } else { String::new() };
    let time = sample.timestamp.as_deref().unwrap_or_default();
    let time = time.get(11..23).unwrap_or(time);
    let text = format!("{time}{}{note}", figures(&sample.data));
    session.out.text(&sanitize::line(&text))
}

/// The figures of one sample in one line.
fn figures(data: &StreamData) -> String {
    let (system, mut line) = (&data.system, String::new());
    let mut add = |what: &str, figure: String| {
        let _infallible = write!(line, "  {what} {figure}");
    };
    if let Some(cpu) = &system.cpu {
        add("cpu", format!("{} %", units::percent(cpu.usage_percent)));
    }
    if let Some(memory) = &system.memory {
        let share = units::percent(units::share(memory.used_kb as f64, memory.total_kb as f64));
        add("memory", format!("{share} % of {}", units::kib(memory.total_kb)));
    }
    if let Some(load) = &system.load_average {
        add("load", format!("{:.2}", load.load_1min));
    }
    if let Some(io) = &system.disk.io_stats {
        let rate = |bytes: f64| units::bytes(bytes as u64);
        add(
            "disks",
            format!("{}/s read, {}/s written", rate(io.read_bytes_per_sec), rate(io.write_bytes_per_sec)),
        );
    }
    for disk in system.disk.usage_stats.iter().flatten() {
        let share = units::percent(units::share(disk.used_gb, disk.used_gb + disk.available_gb));
        add(&disk.mount_point, format!("{share} %"));
    }
    if let Some(network) = &system.network {
        for interface in network.interfaces.iter().filter(|interface| interface.is_up) {
            let (received, sent) = (interface.bytes_received, interface.bytes_sent);
            add(&interface.name, format!("{} in, {} out", units::bytes(received), units::bytes(sent)));
        }
    }
    if let Some(seconds) = system.uptime_seconds {
        add("up", units::age(seconds));
    }
    for process in data.processes.iter().flatten().take(BUSIEST) {
        add(&process.name, format!("{} %", units::percent(process.cpu_percent)));
    }
    lists(data, &mut add);
    line
}

/// Of long lists only how long they are.
fn lists(data: &StreamData, add: &mut impl FnMut(&str, String)) {
    if let Some(ports) = &data.ports {
        add("sockets", ports.len().to_string());
    }
    if let Some(services) = &data.services {
        add("services", services.len().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::metrics::{Cpu, Memory};

    #[test]
    fn a_line_has_the_figures_that_came_and_no_others() {
        let mut data = StreamData::default();
        assert_eq!(figures(&data), "");
        data.system.cpu = Some(Cpu { usage_percent: 12.5, ..Cpu::default() });
        data.system.memory = Some(Memory { total_kb: 2048, used_kb: 512, ..Memory::default() });
        let line = figures(&data);
        assert!(line.starts_with("  cpu 12.5 %  memory 25"), "{line}");
    }

    #[test]
    fn a_field_that_does_not_exist_is_named_with_those_that_do() {
        let Err(CliError::Usage(sentence)) = chosen("system.cpu,gpu") else { panic!("taken") };
        assert!(sentence.contains("\"gpu\"") && sentence.contains("system.memory"), "{sentence}");
        assert_eq!(chosen(USUAL).unwrap().names().count(), 2);
    }
}
