//! Raw commands on Linux: a shell's text, as root or as a user of this machine.

#[cfg(test)]
mod check_tests;
mod rules;
#[cfg(test)]
mod tests;
mod user;

pub(super) use rules::{check_user, shell};

use super::RawCommand;
use infiniservice_exec::{CommandError, Control, Program, Request};
use user::User;

/// What is to be run.
pub(super) async fn request(command: RawCommand, control: &Control) -> Result<Request, CommandError> {
    let user = match command.run_as.clone() {
        Some(name) => Some(control.bound(user::look_up(name)).await??),
        None => None,
    };
    Ok(plan(command, user))
}

/// The user's variables come first, so that `env_vars` may replace them.
fn plan(command: RawCommand, user: Option<User>) -> Request {
    // `--`, as a text may begin with a dash.
    let arguments = ["-c", "--", &command.text];
    let mut request = Request { program: Program::Named(command.shell), ..Request::new("sh", arguments) };
    request.directory = command.directory;
    if let Some(user) = user {
        request.environment = user.environment;
        request.identity = Some(user.identity);
    }
    request
        .environment
        .extend(command.environment.into_iter().map(|(name, value)| (name.into(), value.into())));
    request
}
