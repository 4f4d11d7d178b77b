//! `UserList`: the accounts that people log in with, out of the system's own files or Windows' account database.

#[cfg(any(test, target_os = "linux"))]
mod files;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "windows")]
mod windows;

use super::listing::{ListQuery, within};
use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandOutcome, CommandResult};
use infiniservice_protocol::data::{UserInfo, UserListData};
#[cfg(target_os = "linux")]
use linux as here;
#[cfg(target_os = "windows")]
use windows as here;

/// What was read of the accounts.
#[derive(Debug, Default)]
struct Found {
    users: Vec<UserInfo>,
    incomplete: Vec<String>,
}

/// Lists the accounts. No directory service is asked: one that hangs would hang the answer.
pub(super) async fn list(
    query: ListQuery,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let found = here::find(cancellation).await?;
    CommandOutcome::of(&data(found, &query, context.max_list_bytes))
}

fn data(found: Found, query: &ListQuery, max_bytes: usize) -> UserListData {
    let Found { mut users, incomplete } = found;
    let filter = query.filter.as_deref().map(str::to_lowercase);
    users.retain(|user| wants(filter.as_deref(), user));
    let count = u32::try_from(users.len()).unwrap_or(u32::MAX);
    users.truncate(query.limit.map_or(usize::MAX, |limit| limit as usize));
    let truncated = within("users", &mut users, max_bytes);
    UserListData { users, count, incomplete, truncated }
}

fn wants(filter: Option<&str>, user: &UserInfo) -> bool {
    let holds =
        |filter: &str| [&user.name, &user.full_name].iter().any(|text| text.to_lowercase().contains(filter));
    filter.is_none_or(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Found {
        let user = |name: &str, full_name: &str| UserInfo {
            name: name.into(),
            full_name: full_name.into(),
            ..UserInfo::default()
        };
        let users = vec![user("root", "root"), user("ada", "Ada Lovelace"), user("al", "Alan Turing")];
        Found { users, incomplete: vec!["/etc/shadow".into()] }
    }

    fn listed(limit: Option<u32>, filter: Option<&str>, max_bytes: usize) -> UserListData {
        data(found(), &ListQuery { limit, filter: filter.map(str::to_owned) }, max_bytes)
    }

    #[test]
    fn matches_are_counted_before_the_limit_and_what_is_unknown_is_told() {
        let told = listed(Some(1), Some("A"), 10_000);
        assert_eq!((told.users.len(), told.users[0].name.as_str(), told.count), (1, "ada", 2));
        assert_eq!(told.incomplete, ["/etc/shadow"]);
        assert_eq!(listed(None, Some("turing"), 10_000).users[0].name, "al");
        assert_eq!(listed(None, None, 10_000).count, 3);
    }

    #[test]
    fn a_list_that_does_not_fit_the_line_is_cut_and_its_length_told() {
        let told = listed(None, None, 150);
        assert!(told.users.len() < 3, "{}", told.users.len());
        assert_eq!(told.truncated.get("users"), Some(&3));
    }
}
