//! Windows Update by the Windows Update Agent's COM interfaces: what is pending, and bringing it in.

use infiniservice_exec::com::on_thread;
use infiniservice_exec::{Cancellation, CommandError};
use infiniservice_platform::win32::hresult::explain;
use infiniservice_platform::win32::update_agent_unsafe::{Agent, last, reboot_required};
use infiniservice_platform::win32::updates::{self, Outcome, Past, Update, is_article};
use infiniservice_protocol::data::{UpdateHistoryEntry, WindowsUpdateCheckData, WindowsUpdateInstallData};
use infiniservice_protocol::{ErrorCode, ParamError};
use windows::core::Error;

/// What is pending, asking the update server.
pub async fn check(cancellation: &Cancellation) -> Result<WindowsUpdateCheckData, CommandError> {
    look(true, cancellation).await
}

/// What is pending by what is known already.
pub async fn known(cancellation: &Cancellation) -> Result<WindowsUpdateCheckData, CommandError> {
    look(false, cancellation).await
}

async fn look(online: bool, cancellation: &Cancellation) -> Result<WindowsUpdateCheckData, CommandError> {
    let asked = on_thread("windows-update", cancellation, move || {
        let pending = Agent::new()?.search(online)?.updates();
        let (checked, installed) = last();
        Ok(updates::check(&pending, checked, installed, reboot_required()?))
    });
    asked.await?.map_err(|error| failure("the search for updates failed", &error))
}

/// Whether Windows Update waits for a reboot.
pub async fn is_reboot_required(cancellation: &Cancellation) -> Result<bool, CommandError> {
    let asked = on_thread("windows-update", cancellation, reboot_required);
    asked.await?.map_err(|error| failure("the need for a reboot could not be determined", &error))
}

/// Entries of the history that are asked for.
const HISTORY_MAX: i32 = 1000;

/// What was installed and removed, the newest first.
pub async fn history(cancellation: &Cancellation) -> Result<Vec<UpdateHistoryEntry>, CommandError> {
    let asked = on_thread("windows-update", cancellation, || Agent::new()?.history(HISTORY_MAX));
    let entries = asked.await?.map_err(|error| failure("the update history could not be read", &error))?;
    Ok(entries.iter().map(Past::told).collect())
}

type Installed = (Vec<(Update, Result<Outcome, String>)>, bool);

/// Brings in what is pending, or these articles of it.
pub async fn install(
    articles: Option<Vec<String>>,
    cancellation: &Cancellation,
) -> Result<WindowsUpdateInstallData, CommandError> {
    if let Some(odd) = articles.iter().flatten().find(|article| !is_article(article)) {
        let error = format!("`kb_articles` must contain numbers such as KB5034441, not {odd:?}");
        return Err(ParamError::invalid("kb_articles", error).into());
    }
    let asked = on_thread("windows-update", cancellation, move || work(articles.as_deref()));
    let done = asked.await.map_err(goes_on)?;
    let (outcomes, reboot) = done.map_err(|error| failure("updates could not be installed", &error))?;
    let data = updates::installed(&outcomes, reboot);
    if data.failed.is_empty() {
        return Ok(data);
    }
    let why = data.failed.iter().find_map(|one| one.error.clone()).unwrap_or_default();
    let error = format!("{} of {} updates were not installed: {why}", data.failed.len(), outcomes.len());
    let error = CommandError::new(ErrorCode::ExecutionFailed, error);
    Err(error.with_data(serde_json::to_value(&data).unwrap_or_default()))
}

fn work(articles: Option<&[String]>) -> windows::core::Result<Installed> {
    let agent = Agent::new()?;
    let found = agent.search(true)?;
    let updates = found.updates();
    let wanted: Vec<usize> =
        (0..updates.len()).filter(|at| updates.get(*at).is_some_and(|u| u.is_wanted(articles))).collect();
    let (asking, quiet): (Vec<usize>, Vec<usize>) =
        wanted.into_iter().partition(|at| updates.get(*at).is_some_and(|update| update.asks_user));
    let (outcomes, reboot) =
        if quiet.is_empty() { (Vec::new(), reboot_required()?) } else { agent.install(&found, &quiet)? };
    let update = |at: &usize| updates.get(*at).cloned().unwrap_or_default();
    let done = quiet.iter().zip(outcomes).map(|(at, outcome)| (update(at), Ok(outcome)));
    let left =
        asking.iter().map(|at| (update(at), Err("its installer requires input from a user".to_owned())));
    Ok((done.chain(left).collect(), reboot))
}

fn goes_on(mut error: CommandError) -> CommandError {
    if matches!(error.code, ErrorCode::Timeout | ErrorCode::Cancelled) {
        error.error.push_str("; Windows continues the installation");
    }
    error
}

fn failure(what: &str, error: &Error) -> CommandError {
    let number = error.code().0;
    let code = match number.cast_unsigned() {
        0x8000_4001 | 0x8004_0154 | 0x8024_0037 => ErrorCode::Unsupported,
        0x8007_0005 | 0x8024_0044 | 0x8024_0025 => ErrorCode::PermissionDenied,
        0x8024_0009 | 0x8024_0016 | 0x8024_001B => ErrorCode::Busy,
        _ => ErrorCode::ExecutionFailed,
    };
    CommandError::new(code, format!("Windows Update: {what}: {}", explain(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn what_is_pending_by_what_is_known_is_told_or_the_lack_of_the_interface() {
        let cancellation = Cancellation::for_at_most(Duration::from_secs(300));
        match known(&cancellation).await {
            Ok(data) => assert_eq!(data.pending_count as usize, data.pending_updates.len()),
            // Wine makes the objects, but searches nothing.
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Unsupported, "{error}");
                assert!(error.error.contains("E_NOTIMPL"), "{error}");
            }
        }
        is_reboot_required(&cancellation).await.unwrap();
    }

    #[tokio::test]
    async fn an_article_that_is_none_is_refused_before_anything_is_asked() {
        let cancellation = Cancellation::for_at_most(Duration::from_secs(1));
        let error = install(Some(vec!["x; calc".into()]), &cancellation).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
    }
}
