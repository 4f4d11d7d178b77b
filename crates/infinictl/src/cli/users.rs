//! `infinictl users`: the accounts that people log in to the guest with.

use super::error::CliError;
use super::output::{Columns, Output, number, text};
use super::session::{READING, Session};
use crate::text::sanitize;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{UserInfo, UserListData};

/// Which accounts.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Show at most this many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Show only those with this text in their login name or full name
    #[arg(long)]
    filter: Option<String>,
}

impl Args {
    /// The action that it asks for.
    pub(super) fn action(self) -> Action {
        Action::UserList { limit: self.limit, filter: self.filter }
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, args: Args) -> Result<(), CliError> {
    session.command(&args.action(), READING, "listing accounts", show).await
}

fn show(data: &UserListData, out: Output) -> String {
    let mut table = Columns::new(out, &["user", "id", "admin", "active", "name"]);
    for user in &data.users {
        table.row([
            text(&user.name),
            number(id(user)),
            text(word(Some(user.is_admin))),
            text(word(user.is_active)),
            text(&user.full_name),
        ]);
    }
    let mut parts = vec![table.finish()];
    parts.extend(data.incomplete.iter().map(|why| format!("incomplete: {}", sanitize::brief(why))));
    parts.push(format!("{} of {} accounts", data.users.len(), data.count));
    parts.join("\n")
}

/// The number on Linux, the SID on Windows.
fn id(user: &UserInfo) -> String {
    let sid = || user.sid.as_deref().map_or_else(|| "-".to_owned(), sanitize::brief);
    user.uid.map_or_else(sid, |uid| uid.to_string())
}

fn word(known: Option<bool>) -> &'static str {
    match known {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    #[test]
    fn an_account_is_told_with_its_id_and_what_is_not_known_is_a_dash() {
        let root = UserInfo { name: "root".into(), uid: Some(0), is_admin: true, ..Default::default() };
        let local = UserInfo {
            name: "Ada".into(),
            sid: Some("S-1-5-21-7".into()),
            is_active: Some(true),
            ..Default::default()
        };
        let data = UserListData { users: vec![root, local], count: 3, ..Default::default() };
        let shown = show(&data, Output::default());
        let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["root", "0", "yes", "-"]);
        assert_eq!(rows[2], ["Ada", "S-1-5-21-7", "no", "yes"]);
        assert!(shown.ends_with("2 of 3 accounts"), "{shown}");
    }

    #[test]
    fn hostile_accounts_stay_in_their_rows() {
        let evil = UserInfo {
            name: EVIL.into(),
            sid: Some(EVIL.into()),
            full_name: EVIL.repeat(40_000),
            ..Default::default()
        };
        let data = UserListData {
            users: vec![evil; 2],
            count: 2,
            incomplete: vec![EVIL.into()],
            ..Default::default()
        };
        let shown = show(&data, Output::default());
        assert_harmless(&shown);
        assert_eq!(shown.lines().count(), 5, "a heading, two accounts, what is missing and the count");
    }
}
