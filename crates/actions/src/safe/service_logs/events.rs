//! Windows' events of one source: what is asked for, and an event as `EvtRender` writes it (`event.xsd`).
#![cfg_attr(not(target_os = "windows"), allow(dead_code, reason = "tested on every platform"))]

use super::{Wanted, identifier};
use infiniservice_protocol::action::LogPriority;
use infiniservice_protocol::data::LogLine;
use infiniservice_protocol::timestamp::{Moment, rfc3339_millis};
use std::time::UNIX_EPOCH;

/// Values of an event that are told where its text is not to be had.
const MAX_VALUES: usize = 100;

/// Whether a query can name this source: no source has a quote in its name.
pub(super) fn can_name(source: &str) -> bool {
    !source.contains(['\'', '"', '\\'])
}

/// The `XPath` query for them.
pub(super) fn query(source: &str, wanted: &Wanted) -> String {
    let mut conditions = vec![format!("Provider[@Name='{source}']")];
    conditions.extend(wanted.priority.and_then(levels));
    conditions
        .extend(wanted.since.map(|time| format!("TimeCreated[@SystemTime>='{}']", rfc3339_millis(time))));
    conditions
        .extend(wanted.until.map(|time| format!("TimeCreated[@SystemTime<='{}']", rfc3339_millis(time))));
    format!("*[System[{}]]", conditions.join(" and "))
}

/// Levels: 1 critical, 2 error, 3 warning, 4 information, 5 verbose; 0 is always logged, and taken for information.
fn levels(priority: LogPriority) -> Option<String> {
    let levels: &[u8] = match priority {
        LogPriority::Emerg | LogPriority::Alert | LogPriority::Crit => &[1],
        LogPriority::Err => &[1, 2],
        LogPriority::Warning => &[1, 2, 3],
        LogPriority::Notice | LogPriority::Info => &[1, 2, 3, 4, 0],
        LogPriority::Debug => return None,
    };
    let levels: Vec<_> = levels.iter().map(|level| format!("Level={level}")).collect();
    Some(format!("({})", levels.join(" or ")))
}

/// An event with the text that its source has for it, or else with its number and its values, a line each. Values are escaped in
/// the XML, so that none can forge a tag.
pub(super) fn read(xml: &str, text: Option<String>) -> Option<LogLine> {
    let (system, data) = xml.split_once("</System>").unwrap_or((xml, ""));
    let time = attribute(system, "TimeCreated", "SystemTime")?;
    let Moment::At(time) = Moment::parse(&time)? else { return None };
    let level = element(system, "Level").and_then(|level| level.trim().parse().ok());
    Some(LogLine {
        time: rfc3339_millis(time.max(UNIX_EPOCH)),
        priority: level.map(priority),
        identifier: attribute(system, "Provider", "Name").and_then(|name| identifier(&name)),
        pid: attribute(system, "Execution", "ProcessID").and_then(|pid| pid.parse().ok()),
        message: text.map_or_else(|| values(system, data), |text| text.trim_end().replace("\r\n", "\n")),
        cut: false,
    })
}

fn priority(level: u8) -> LogPriority {
    match level {
        1 => LogPriority::Crit,
        2 => LogPriority::Err,
        3 => LogPriority::Warning,
        5.. => LogPriority::Debug,
        _ => LogPriority::Info,
    }
}

fn values(system: &str, data: &str) -> String {
    let number = element(system, "EventID").unwrap_or_default();
    let values = data.split("<Data").skip(1).take(MAX_VALUES).filter_map(|rest| {
        let (tag, rest) = rest.split_once('>')?;
        (!tag.ends_with('/')).then(|| unescaped(rest.split('<').next().unwrap_or_default()))
    });
    let first = std::iter::once(format!("event {}", number.trim()));
    first.chain(values).collect::<Vec<_>>().join("\n")
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}"))?;
    let (_, text) = rest.split_once('>')?;
    text.split('<').next()
}

fn attribute(xml: &str, element: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{element} "))?;
    let (_, value) = rest.split('>').next()?.split_once(&format!("{name}="))?;
    let quote = value.chars().next()?;
    value.get(1..)?.split(quote).next().map(unescaped)
}

fn unescaped(text: &str) -> String {
    let named = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    named.replace("&amp;", "&")
}
