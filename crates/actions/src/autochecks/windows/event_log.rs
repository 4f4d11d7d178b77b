//! `event_log_errors`: errors and critical events of the System log in the last day.

use crate::autochecks::finding::Finding;
use crate::autochecks::thresholds::Thresholds;
use serde_json::json;
use std::collections::BTreeMap;

/// What is asked for: levels 1 (critical) and 2 (error), of the last 86,400,000 ms.
pub(super) const QUERY: &str =
    "*[System[(Level=1 or Level=2) and TimeCreated[timediff(@SystemTime) <= 86400000]]]";
/// Events of one day; a healthy machine has a few.
const LEVELS: Thresholds = Thresholds::new(20.0, 200.0);
/// One critical event, such as an unexpected restart, wants attention by itself.
const CRITICAL: &str = "1";
/// So many sources are told.
const MAX_TOLD: usize = 10;

/// What is kept of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    /// Who wrote it.
    pub provider: String,
    /// Its number there.
    pub id: String,
    /// `1` is critical, `2` an error.
    pub level: String,
}

/// Reads the beginning of an event as `EvtRender` writes it in XML. Values there are escaped, so a tag cannot be forged.
pub(super) fn read(xml: &str) -> Event {
    let system = xml.split("</System>").next().unwrap_or_default();
    let provider = system.split("<Provider ").nth(1).and_then(|rest| {
        let rest = rest.split('>').next()?;
        let (_, name) = rest.split_once("Name=")?;
        let quote = name.chars().next()?;
        name.get(1..)?.split(quote).next()
    });
    let element = |name: &str| {
        let (_, rest) = system.split_once(&format!("<{name}"))?;
        let (_, text) = rest.split_once('>')?;
        text.split('<').next()
    };
    Event {
        provider: infiniservice_platform::sanitize::description(provider.unwrap_or("unknown")),
        id: element("EventID").unwrap_or_default().trim().chars().take(10).collect(),
        level: element("Level").unwrap_or_default().trim().chars().take(3).collect(),
    }
}

/// How many, and of whom. `more` where not all were counted.
pub(super) fn assess(events: &[Event], more: bool) -> Finding {
    let mut sources: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in events {
        *sources.entry((&event.provider, &event.id)).or_default() += 1;
    }
    let mut sources: Vec<_> = sources.into_iter().collect();
    sources.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let critical = events.iter().filter(|event| event.level == CRITICAL).count();
    let mut status = LEVELS.judge(events.len() as f64);
    if critical > 0 {
        status =
            crate::autochecks::thresholds::worse(status, infiniservice_protocol::data::CheckStatus::Warning);
    }
    let at_least = if more { "at least " } else { "" };
    let message = match (events.len(), sources.first()) {
        (0, _) | (_, None) => "The System log has no errors from the last day.".to_owned(),
        (n, Some(((provider, id), of_it))) => format!(
            "The System log has {at_least}{n} error(s) from the last day, {critical} of them critical; \
             {of_it} from {provider} (event {id})."
        ),
    };
    let told = sources.iter().take(MAX_TOLD);
    let told: Vec<_> = told
        .map(|((provider, id), count)| json!({"provider": provider, "event_id": id, "count": count}))
        .collect();
    let details =
        json!({"error_count": events.len(), "critical_count": critical, "more": more, "sources": told});
    Finding::new(status, message)
        .with_details(details)
        .advise("Examine the System log with the Event Viewer.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;
    use proptest::prelude::*;

    /// As the schema of events has it (`event.xsd`).
    const EVENT: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
        <Provider Name='Microsoft-Windows-Kernel-Power' Guid='{331c3b3a-2005-44c2-ac5e-77220c37d6b4}'/>\
        <EventID>41</EventID><Version>9</Version><Level>1</Level><Task>63</Task></System>\
        <EventData><Data Name='x'>&lt;Level&gt;9&lt;/Level&gt;</Data></EventData></Event>";

    #[test]
    fn an_event_is_read_with_and_without_qualifiers() {
        let event = read(EVENT);
        assert_eq!(
            (event.provider.as_str(), event.id.as_str(), event.level.as_str()),
            ("Microsoft-Windows-Kernel-Power", "41", "1")
        );
        let old = read(
            "<Event><System><Provider Name=\"Service Control Manager\"/><EventID Qualifiers='49152'>7000</EventID><Level>2</Level></System></Event>",
        );
        assert_eq!((old.provider.as_str(), old.id.as_str()), ("Service Control Manager", "7000"));
    }

    #[test]
    fn their_number_decides_and_a_critical_one_wants_attention_by_itself() {
        let error = |n: usize| vec![Event { provider: "p".into(), id: "7".into(), level: "2".into() }; n];
        let verdicts = [0, 19, 20, 200].map(|n| assess(&error(n), false).status);
        assert_eq!(
            verdicts,
            [CheckStatus::Passed, CheckStatus::Passed, CheckStatus::Warning, CheckStatus::Failed]
        );
        let finding = assess(&[read(EVENT)], true);
        assert_eq!(
            (finding.status, finding.details["critical_count"].as_u64()),
            (CheckStatus::Warning, Some(1))
        );
        assert!(finding.message.contains("at least 1 error(s)"), "{}", finding.message);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String, inner: String) {
            let _ = (read(&text), read(&format!("<Provider Name='{inner}'><EventID>{inner}")));
        }
    }
}
