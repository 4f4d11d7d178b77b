//! What the Windows Update Agent tells of updates and of their installation. Pure: read on every platform.

use super::hresult::explain;
use crate::sanitize::description;
use infiniservice_protocol::data::{
    UpdateHistoryEntry, WindowsUpdate, WindowsUpdateCheckData, WindowsUpdateInstallData, WindowsUpdateResult,
};
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::time::SystemTime;

/// The category of security updates (`CategoryID`).
const SECURITY: &str = "0fa1201d-4330-4fa8-8ae9-b877473b6441";
/// `ResultCode`: succeeded, and succeeded with errors.
const SUCCEEDED: [i32; 2] = [2, 3];
/// `orcAborted`.
const ABORTED: i32 = 5;

/// One update as the agent tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// `Title`.
    pub title: String,
    /// `KBArticleIDs`: numbers.
    pub kb_articles: Vec<String>,
    /// `MsrcSeverity`; empty for none.
    pub severity: String,
    /// `Description`.
    pub description: String,
    /// `MaxDownloadSize`, in bytes.
    pub bytes: u64,
    /// `CategoryID` of each of its categories.
    pub categories: Vec<String>,
    /// `AutoSelectOnWebSites`.
    pub auto_select: bool,
    /// `BrowseOnly`: offered only to whoever looks for it.
    pub browse_only: bool,
    /// `CanRequestUserInput`: cannot be installed by a service.
    pub asks_user: bool,
}

impl Update {
    /// `KB5034441`; empty where it has none.
    pub fn kb(&self) -> String {
        self.kb_articles.first().map(|number| kb(number)).unwrap_or_default()
    }

    fn is_security(&self) -> bool {
        self.categories.iter().any(|id| id.trim_matches(['{', '}']).eq_ignore_ascii_case(SECURITY))
    }

    fn importance(&self) -> &'static str {
        match (self.browse_only, self.auto_select) {
            (true, _) => "Optional",
            (false, true) => "Important",
            (false, false) => "Recommended",
        }
    }

    /// For the wire.
    pub fn told(&self) -> WindowsUpdate {
        let severity = ["Critical", "Important", "Moderate", "Low"];
        let severity = severity.into_iter().find(|known| known.eq_ignore_ascii_case(self.severity.trim()));
        WindowsUpdate {
            title: description(&self.title),
            kb_article: self.kb(),
            severity: severity.unwrap_or("Unspecified").into(),
            importance: self.importance().into(),
            description: description(&self.description),
            size_mb: self.bytes as f64 / 1e6,
            is_security_update: self.is_security(),
        }
    }

    /// Whether it was asked for; all are where nothing was.
    pub fn is_wanted(&self, articles: Option<&[String]>) -> bool {
        articles.is_none_or(|wanted| {
            wanted.iter().any(|one| self.kb_articles.iter().any(|own| kb(own).eq_ignore_ascii_case(&kb(one))))
        })
    }
}

/// `KB5034441` of `5034441` and of itself.
pub fn kb(number: &str) -> String {
    let number = number.trim();
    let has_prefix = number.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("kb"));
    format!("KB{}", if has_prefix { number.get(2..).unwrap_or_default() } else { number })
}

/// Whether `text` names an article: `KB5034441`, or the number alone.
pub fn is_article(text: &str) -> bool {
    let number = kb(text);
    let digits = number.get(2..).unwrap_or_default();
    (5..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is pending, security updates first.
pub fn check(
    updates: &[Update],
    last_check: Option<SystemTime>,
    last_install: Option<SystemTime>,
    reboot_required: bool,
) -> WindowsUpdateCheckData {
    let mut pending: Vec<WindowsUpdate> = updates.iter().map(Update::told).collect();
    pending.sort_by(|a, b| (!a.is_security_update, &a.title).cmp(&(!b.is_security_update, &b.title)));
    let count = |which: &dyn Fn(&WindowsUpdate) -> bool| {
        u32::try_from(pending.iter().filter(|update| which(update)).count()).unwrap_or(u32::MAX)
    };
    WindowsUpdateCheckData {
        pending_count: count(&|_| true),
        critical_count: count(&|update| update.severity == "Critical"),
        security_count: count(&|update| update.is_security_update),
        pending_updates: pending,
        last_check: last_check.map(rfc3339_millis),
        last_install: last_install.map(rfc3339_millis),
        reboot_required,
    }
}

/// One entry of Windows Update's history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// `Title`.
    pub title: String,
    /// `Description`.
    pub description: String,
    /// `Date`.
    pub time: Option<SystemTime>,
    /// `Operation`: 1 installation, 2 removal.
    pub operation: i32,
    /// `ResultCode`.
    pub code: i32,
    /// `HResult`.
    pub hresult: i32,
}

impl Past {
    /// For the wire.
    pub fn told(&self) -> UpdateHistoryEntry {
        let failed = !SUCCEEDED.contains(&self.code) && self.hresult != 0;
        UpdateHistoryEntry {
            time: self.time.map(rfc3339_millis).unwrap_or_default(),
            operation: if self.operation == 2 { "remove" } else { "install" }.into(),
            title: description(&self.title),
            kb_article: article_in(&self.title),
            description: Some(description(&self.description)).filter(|text| !text.is_empty()),
            result: result(self.code).into(),
            result_code: failed.then(|| explain(self.hresult)),
            ..UpdateHistoryEntry::default()
        }
    }
}

/// `OperationResultCode`.
fn result(code: i32) -> &'static str {
    match code {
        0 | 1 => "InProgress",
        2 => "Succeeded",
        3 => "SucceededWithErrors",
        ABORTED => "Aborted",
        _ => "Failed",
    }
}

/// The history has no field for it, and titles end with it: `… (KB5034441)`.
fn article_in(title: &str) -> Option<String> {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| word.len() > 2 && word.get(..2).is_some_and(|two| two.eq_ignore_ascii_case("kb")))
        .find(|word| is_article(word))
        .map(kb)
}

/// What came of one update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// `ResultCode`.
    pub code: i32,
    /// `HResult`.
    pub hresult: i32,
}

impl Outcome {
    /// Why it failed; `None` where it did not.
    fn error(&self) -> Option<String> {
        match (self.code, self.hresult) {
            (code, _) if SUCCEEDED.contains(&code) => None,
            (ABORTED, 0) => Some("it was aborted".into()),
            (_, 0) => Some("it was not installed, and Windows does not say why".into()),
            (_, hresult) => Some(explain(hresult)),
        }
    }
}

/// What an installation came to, by update.
pub fn installed(
    outcomes: &[(Update, Result<Outcome, String>)],
    reboot_required: bool,
) -> WindowsUpdateInstallData {
    let mut data = WindowsUpdateInstallData { reboot_required, ..WindowsUpdateInstallData::default() };
    for (update, outcome) in outcomes {
        let error = match outcome {
            Ok(outcome) => outcome.error(),
            Err(why) => Some(why.clone()),
        };
        let (title, kb_article) = (description(&update.title), update.kb());
        let list = if error.is_none() { &mut data.installed } else { &mut data.failed };
        list.push(WindowsUpdateResult { title, kb_article, error });
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_history_tells_its_article_and_why_it_failed() {
        let title = "2026-11 Cumulative Update for Windows 11 (KB5034441)";
        let past =
            Past { title: title.into(), code: 4, hresult: -2_145_124_318, operation: 1, ..Past::default() };
        let told = past.told();
        assert_eq!((told.kb_article.as_deref(), told.result.as_str()), (Some("KB5034441"), "Failed"));
        assert!(told.result_code.is_some_and(|code| code.contains("0x80240022")));
        let defender = Past { title: "Security Intelligence Update".into(), code: 2, ..Past::default() };
        assert_eq!((defender.told().kb_article, defender.told().result.as_str()), (None, "Succeeded"));
        let codes = [0, 1, 3, 5].map(result);
        assert_eq!(codes, ["InProgress", "InProgress", "SucceededWithErrors", "Aborted"]);
    }

    fn cumulative() -> Update {
        Update {
            title: "2026-11 Cumulative Update for Windows 11 (KB5046617)".into(),
            kb_articles: vec!["5046617".into()],
            severity: "Critical".into(),
            bytes: 650_500_000,
            categories: vec!["0FA1201D-4330-4FA8-8AE9-B877473B6441".into()],
            auto_select: true,
            ..Update::default()
        }
    }

    fn driver() -> Update {
        Update { title: "A driver".into(), browse_only: true, ..Update::default() }
    }

    #[test]
    fn a_security_update_comes_first_and_is_counted_by_category_and_severity() {
        let data = check(&[driver(), cumulative()], None, None, true);
        let first = &data.pending_updates[0];
        assert_eq!((first.kb_article.as_str(), first.severity.as_str()), ("KB5046617", "Critical"));
        assert_eq!(
            (first.importance.as_str(), first.size_mb, first.is_security_update),
            ("Important", 650.5, true)
        );
        let second = &data.pending_updates[1];
        assert_eq!((second.kb_article.as_str(), second.severity.as_str()), ("", "Unspecified"));
        assert_eq!((second.importance.as_str(), second.is_security_update), ("Optional", false));
        assert_eq!((data.pending_count, data.critical_count, data.security_count), (2, 1, 1));
    }

    #[test]
    fn articles_are_asked_for_with_and_without_their_prefix() {
        for wanted in ["KB5046617", "kb5046617", "5046617"] {
            assert!(is_article(wanted) && cumulative().is_wanted(Some(&[wanted.to_owned()])), "{wanted}");
        }
        assert!(!driver().is_wanted(Some(&["5046617".into()])) && driver().is_wanted(None));
        for odd in ["", "KB", "KB12", "KB50466170000", "50466l7", "'; DROP", "KBé"] {
            assert!(!is_article(odd), "{odd}");
        }
    }

    #[test]
    fn each_failure_has_its_own_explanation() {
        let failed = Outcome { code: 4, hresult: 0x8024_200B_u32.cast_signed() };
        let done = Outcome { code: 2, hresult: 0 };
        let data = installed(
            &[(cumulative(), Ok(done)), (driver(), Ok(failed)), (driver(), Err("it wants a person".into()))],
            true,
        );
        assert_eq!((data.installed.len(), data.failed.len(), data.reboot_required), (1, 2, true));
        assert!(data.failed[0].error.as_ref().unwrap().contains("WU_E_UH_INSTALLERFAILURE"), "{data:?}");
        assert_eq!(data.failed[1].error.as_deref(), Some("it wants a person"));
    }
}
