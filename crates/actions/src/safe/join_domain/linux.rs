//! Joins with realmd, which sets up sssd: `realm join` with the password on its input.
//!
//! Always by `--install=/` (realm(8)): over the bus realmd would ask `PackageKit` to install packages, on Debian even where all
//! are there, and polkit whether it may. So nothing is installed, and what realmd then leaves out, the agent does: it restarts sssd.

use super::{Query, realm};
use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandError, Finished, Request, Runner};
use infiniservice_protocol::data::JoinDomainData;
use infiniservice_protocol::{ErrorCode, ServiceOperation};
use std::path::Path;

/// Programs that joining needs, with Debian's packages of them.
const PROGRAMS: [(&str, &str); 3] = [("realm", "realmd"), ("adcli", "adcli"), ("sssd", "sssd")];
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Realmd acts in the tool's own process.
const BY_ITSELF: &str = "--install=/";
/// What `realm` writes, in bytes.
const OUTPUT_MAX_BYTES: usize = 256 << 10;
/// Longest name of a computer in a domain (`NetBIOS`).
const NAME_MAX: usize = 15;

pub(super) async fn join(
    query: Query,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> Result<JoinDomainData, CommandError> {
    missing(&is_there)?;
    let runner = context.runner.as_ref();
    if let Some(domain) = members_of(runner, cancellation).await?.first() {
        let why = format!("this machine belongs to the domain {domain} already; it has to leave that first");
        return Err(CommandError::new(ErrorCode::Conflict, why));
    }
    let finished = runner.run(request(&query), cancellation).await?;
    let finished = without_password(finished, query.password.expose());
    if !finished.succeeded() {
        let (code, why) = realm::failure(&finished.stderr.text);
        return Err(finished.into_error(code, why));
    }
    let joined = members_of(runner, cancellation).await?;
    if !joined.iter().any(|domain| domain.eq_ignore_ascii_case(&query.domain)) {
        let why = "realm reported success, and does not list the domain as joined";
        return Err(finished.into_error(ErrorCode::ExecutionFailed, why));
    }
    restart_sssd(context, cancellation).await?;
    let computer_name = query.computer_name.unwrap_or_else(own_name);
    Ok(JoinDomainData { domain: query.domain, computer_name, ..JoinDomainData::default() })
}

/// With what realmd wrote for it.
async fn restart_sssd(context: &CommandContext, cancellation: &Cancellation) -> Result<(), CommandError> {
    let restarted = context.services.control("sssd.service", ServiceOperation::Restart, cancellation).await;
    restarted.map(drop).map_err(|error| {
        let why = format!(
            "the machine has joined the domain, but sssd does not start, so the domain's users cannot log in: {}",
            error.error
        );
        CommandError { code: ErrorCode::ExecutionFailed, error: why, ..error }
    })
}

fn is_there(program: &str) -> bool {
    DIRECTORIES.iter().any(|directory| Path::new(directory).join(program).exists())
}

fn missing(is_there: &dyn Fn(&str) -> bool) -> Result<(), CommandError> {
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, _)| !is_there(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    let error = format!(
        "joining a domain needs packages that are not installed: {} (on Debian also sssd-tools, libnss-sss \
         and libpam-sss); nothing is installed for it",
        packages.join(", ")
    );
    Err(CommandError::new(ErrorCode::Unsupported, error))
}

/// The domains that the machine belongs to.
async fn members_of(runner: &dyn Runner, cancellation: &Cancellation) -> Result<Vec<String>, CommandError> {
    let finished = runner.run(Request::new("realm", ["list", BY_ITSELF]), cancellation).await?;
    if !finished.succeeded() {
        return Err(finished.into_error(ErrorCode::ExecutionFailed, "`realm list` failed"));
    }
    Ok(realm::joined(&finished.stdout.text))
}

/// The words after `=` are never taken for options, and the domain's first letter is none.
fn request(query: &Query) -> Request {
    let mut arguments = vec![
        "join".to_owned(),
        "--verbose".to_owned(),
        BY_ITSELF.to_owned(),
        "--client-software=sssd".to_owned(),
        "--membership-software=adcli".to_owned(),
        format!("--user={}", realm::principal(&query.username)),
    ];
    arguments.extend(query.ou.as_ref().map(|ou| format!("--computer-ou={ou}")));
    arguments.extend(query.computer_name.as_ref().map(|name| format!("--computer-name={name}")));
    arguments.push(query.domain.clone());
    let mut request = Request::new("realm", arguments).max_output(OUTPUT_MAX_BYTES);
    request.input = format!("{}\n", query.password.expose()).into_bytes();
    request
}

/// No tool is known to write it; should one do, it does not get out.
fn without_password(mut finished: Finished, password: &str) -> Finished {
    for stream in [&mut finished.stdout, &mut finished.stderr] {
        if stream.text.contains(password) {
            stream.text = stream.text.replace(password, "(hidden)");
        }
    }
    finished
}

/// As adcli takes it from the host's name.
fn own_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let first = name.split('.').next().unwrap_or_default();
    first.chars().take(NAME_MAX).collect::<String>().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::action::Password;

    fn query() -> Query {
        Query {
            domain: "lab.example".into(),
            username: "LAB\\ops".into(),
            password: Password::new("s3cret word".into()),
            ou: Some("OU=Servers,DC=lab,DC=example".into()),
            computer_name: Some("web-1".into()),
            restart_after: false,
        }
    }

    #[test]
    fn the_password_stands_on_the_input_and_nowhere_else() {
        let request = request(&query());
        assert_eq!(request.input, b"s3cret word\n");
        let arguments: Vec<_> = request.arguments.iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(
            arguments[2..],
            [
                "--install=/",
                "--client-software=sssd",
                "--membership-software=adcli",
                "--user=ops",
                "--computer-ou=OU=Servers,DC=lab,DC=example",
                "--computer-name=web-1",
                "lab.example"
            ]
        );
        for shown in [format!("{request:?}"), format!("{:?}", query())] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_packages() {
        let error = missing(&|program| program == "sssd").unwrap_err();
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert!(error.error.contains("installed: realmd, adcli (on Debian"), "{error}");
        assert!(missing(&|_| true).is_ok());
    }

    #[test]
    fn a_tool_that_shows_the_password_does_not_get_it_out() {
        let streams = ("join with s3cret word".to_owned(), "s3cret word".to_owned());
        let status = infiniservice_exec::Status::Exited(1);
        let shown = Finished { status, stdout: streams.0.into(), stderr: streams.1.into() };
        let shown = without_password(shown, "s3cret word");
        assert_eq!(
            (shown.stdout.text.as_str(), shown.stderr.text.as_str()),
            ("join with (hidden)", "(hidden)")
        );
    }
}
