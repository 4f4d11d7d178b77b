//! `infinictl update history`: what was installed, updated and removed in the guest.

use super::output::{Columns, Output, state, text};
use crate::text::sanitize;
use infiniservice_protocol::data::UpdateHistoryData;

/// The newest first.
pub(super) fn show(data: &UpdateHistoryData, out: Output) -> String {
    let mut table = Columns::new(out, &["time", "what", "title", "before", "result", "code"]);
    for entry in &data.updates {
        table.row([
            text(&entry.time),
            text(&entry.operation),
            text(&entry.title),
            text(entry.version_before.as_deref().unwrap_or("-")),
            state(&entry.result),
            text(entry.result_code.as_deref().unwrap_or("-")),
        ]);
    }
    let mut parts = vec![table.finish()];
    parts.extend(data.incomplete.iter().map(|why| format!("incomplete: {}", sanitize::brief(why))));
    parts.push(format!(
        "{} of {} entries ({})",
        data.updates.len(),
        data.count,
        sanitize::brief(&data.source)
    ));
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use infiniservice_protocol::data::UpdateHistoryEntry;

    #[test]
    fn entries_are_counted_and_hostile_ones_stay_in_their_rows() {
        let entry = UpdateHistoryEntry {
            time: EVIL.into(),
            title: EVIL.into(),
            result_code: Some(EVIL.into()),
            ..UpdateHistoryEntry::default()
        };
        let data = UpdateHistoryData {
            updates: vec![entry],
            count: 7,
            source: "dpkg".into(),
            incomplete: vec![EVIL.into()],
            ..UpdateHistoryData::default()
        };
        let shown = show(&data, Output::default());
        assert_harmless(&shown);
        assert!(shown.ends_with("1 of 7 entries (dpkg)"), "{shown}");
    }
}
