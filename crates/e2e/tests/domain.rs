//! `JoinDomain` against a real domain of Active Directory: Samba's controller, realmd, adcli and sssd, as Debian has them.
//!
//! One domain for all scenarios, in this order: the machine joins in the last but one. `cargo xtask lab domain` runs them.

use anyhow::{Result, ensure};
use infiniservice_e2e::domain::{ADMINISTRATOR, DOMAIN, Domain};
use infiniservice_e2e::harness::{self, Scenario};
use infiniservice_protocol::action::Password;
use infiniservice_protocol::data::JoinDomainData;
use infiniservice_protocol::{Action, ErrorCode, Response};
use std::process::ExitCode;

const ALL: &[Scenario<Domain>] = &[
    ("domain::a_domain_that_is_not_there_is_not_found", unknown_domain),
    ("domain::a_wrong_password_is_refused_and_is_in_no_answer_and_no_log", wrong_password),
    ("domain::a_user_that_the_domain_does_not_have_is_refused", unknown_user),
    ("domain::an_organizational_unit_that_is_not_there_is_named", unknown_unit),
    ("domain::a_machine_joins_and_knows_the_domains_users", joins),
    ("domain::a_member_does_not_join_again", joins_once),
];
/// The name of the machine's account in the domain.
const COMPUTER: &str = "WEB-1";
const UNIT: &str = "OU=Servers,DC=lab,DC=example";

fn main() -> ExitCode {
    harness::run(ALL).exit_code()
}

/// One wish to join, as the domain's administrator unless a scenario says otherwise.
struct Wish {
    domain: &'static str,
    username: &'static str,
    password: &'static str,
    ou: Option<&'static str>,
}

impl Default for Wish {
    fn default() -> Self {
        Self { domain: DOMAIN, username: ADMINISTRATOR.0, password: ADMINISTRATOR.1, ou: None }
    }
}

impl Wish {
    fn of(&self, domain: &Domain) -> Result<Response> {
        let action = Action::JoinDomain {
            domain: self.domain.into(),
            username: self.username.into(),
            password: Password::new(self.password.into()),
            ou: self.ou.map(Into::into),
            computer_name: None,
            restart_after: false,
        };
        let client = domain.member.connect()?;
        let answer = domain.member.request(&client, &action);
        domain.member.disconnect(client);
        let answer = answer?;
        println!("{}", serde_json::to_string(&answer)?);
        Ok(answer)
    }

    /// The domain refuses it for this reason, and the machine is as it was.
    fn is_refused(&self, domain: &Domain, code: ErrorCode) -> Result<Response> {
        let answer = self.of(domain)?;
        ensure!(answer.error_code == Some(code), "not {code:?}: {answer:?}");
        let member_of = domain.member.sh("realm list --name-only")?;
        ensure!(member_of.is_empty(), "refused, and a member of {member_of}");
        Ok(answer)
    }
}

fn unknown_domain(domain: &Domain) -> Result<()> {
    Wish { domain: "nosuch.example", ..Wish::default() }.is_refused(domain, ErrorCode::NotFound).map(drop)
}

fn wrong_password(domain: &Domain) -> Result<()> {
    let password = "No-Such-Word-7";
    let answer = Wish { password, ..Wish::default() }.is_refused(domain, ErrorCode::PermissionDenied)?;
    ensure!(!serde_json::to_string(&answer)?.contains(password), "told: {answer:?}");
    let journal = domain.member.sh("journalctl -b -o cat --no-pager")?;
    ensure!(!journal.contains(password), "the journal has the password");
    Ok(())
}

fn unknown_user(domain: &Domain) -> Result<()> {
    Wish { username: "nobody-here", ..Wish::default() }
        .is_refused(domain, ErrorCode::PermissionDenied)
        .map(drop)
}

fn unknown_unit(domain: &Domain) -> Result<()> {
    let ou = Some("OU=Nowhere,DC=lab,DC=example");
    Wish { ou, ..Wish::default() }.is_refused(domain, ErrorCode::InvalidParameter).map(drop)
}

fn joins(domain: &Domain) -> Result<()> {
    let answer = Wish { ou: Some(UNIT), ..Wish::default() }.of(domain)?;
    ensure!(answer.success, "{answer:?}");
    let data: JoinDomainData = serde_json::from_value(serde_json::to_value(&answer.data)?)?;
    ensure!(data.domain == DOMAIN && data.computer_name == COMPUTER, "{data:?}");
    ensure!(!data.reboot_required && !data.restart_scheduled, "{data:?}");
    // The controller says so, and the machine lets the domain's users in.
    let account = domain.on_controller(&["samba-tool", "computer", "show", COMPUTER])?;
    ensure!(account.contains(&format!("dn: CN={COMPUTER},{UNIT}")), "{account}");
    let clerk = domain.member.sh("getent passwd clerk@lab.example")?;
    ensure!(clerk.starts_with("clerk@lab.example:"), "{clerk}");
    Ok(())
}

fn joins_once(domain: &Domain) -> Result<()> {
    let answer = Wish::default().of(domain)?;
    ensure!(answer.error_code == Some(ErrorCode::Conflict), "{answer:?}");
    ensure!(answer.error.as_deref().is_some_and(|error| error.contains(DOMAIN)), "{answer:?}");
    Ok(())
}
