//! Joins by Windows' own calls. It has not been tried on a real Windows.

use super::Query;
use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandError};
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::win32::codes;
use infiniservice_platform::win32::domain_unsafe::{self as domain, Join};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::JoinDomainData;

pub(super) async fn join(
    query: Query,
    _: &CommandContext,
    cancellation: &Cancellation,
) -> Result<JoinDomainData, CommandError> {
    let failed = |blocked: Blocked| CommandError::new(ErrorCode::ExecutionFailed, blocked.to_string());
    let work =
        blocking::start(Lane::Managers, "joining the domain", move || join_now(&query)).map_err(failed)?;
    cancellation.run_until_cancelled(work).await?.map_err(failed)?
}

fn join_now(query: &Query) -> Result<JoinDomainData, CommandError> {
    if let Some(domain) = domain::membership().map_err(failure)? {
        let why = format!("this machine belongs to the domain {domain} already; it has to leave that first");
        return Err(CommandError::new(ErrorCode::Conflict, why));
    }
    let before = domain::host_name();
    if let Some(name) = &query.computer_name {
        domain::rename(name).map_err(failure)?;
    }
    let join = Join {
        domain: &query.domain,
        ou: query.ou.as_deref(),
        account: &account(&query.username, &query.domain),
        password: query.password.expose(),
        renamed: query.computer_name.is_some(),
    };
    domain::join(&join).map_err(|number| not_joined(number, join.renamed.then_some(&before)))?;
    if domain::membership().map_err(failure)?.is_none() {
        let why = "Windows reported success, and does not belong to a domain";
        return Err(CommandError::new(ErrorCode::ExecutionFailed, why));
    }
    let computer_name = query.computer_name.clone().unwrap_or_else(domain::own_name);
    let domain = query.domain.clone();
    Ok(JoinDomainData { domain, computer_name, reboot_required: true, restart_scheduled: false })
}

/// Why it did not join. The name that it was to have in the domain is taken back, as it would otherwise have it from its next
/// start on.
fn not_joined(number: u32, before: Option<&String>) -> CommandError {
    let mut error = failure(number);
    if let Some(Err(number)) = before.map(|name| domain::rename(name)) {
        let why = codes::explain(number);
        error.error = format!("{}; the new computer name could not be taken back ({why})", error.error);
    }
    error
}

/// A bare name is the domain's.
fn account(username: &str, domain: &str) -> String {
    if username.contains(['@', '\\']) { username.to_owned() } else { format!("{domain}\\{username}") }
}

/// `NetJoinDomain` ("Return value").
fn failure(number: u32) -> CommandError {
    let (code, why) = match number {
        86 | 1326 | 1317 | 2221 => {
            (ErrorCode::PermissionDenied, "the domain does not accept this user name with this password")
        }
        5 | 8557 => (ErrorCode::PermissionDenied, "this user may not let machines join the domain"),
        1909 | 1330 | 1331 | 1907 => {
            (ErrorCode::PermissionDenied, "this user's account is locked or has expired")
        }
        53 | 1212 | 1355 | 9002 | 9003 => {
            (ErrorCode::NotFound, "the domain was not found: no controller of it answers under that name")
        }
        2691 => (ErrorCode::Conflict, "this machine belongs to a domain already"),
        2 | 87 | 8333 => (ErrorCode::InvalidParameter, "the domain does not have that organizational unit"),
        50 => (ErrorCode::Unsupported, "this edition of Windows cannot join a domain"),
        _ => (ErrorCode::ExecutionFailed, "the machine could not join the domain"),
    };
    CommandError::new(code, format!("{why} ({})", codes::explain(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_the_domains() {
        let names = ["ops", "ops@lab.example", "LAB\\ops"].map(|name| account(name, "lab.example"));
        assert_eq!(names, ["lab.example\\ops", "ops@lab.example", "LAB\\ops"]);
    }

    #[test]
    fn each_known_reason_has_its_code() {
        assert_eq!(failure(1326).code, ErrorCode::PermissionDenied);
        assert_eq!(failure(1355).code, ErrorCode::NotFound);
        assert_eq!(failure(2691).code, ErrorCode::Conflict);
        assert!(failure(77).error.contains("77"));
    }
}
