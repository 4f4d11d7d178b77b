//! Scripts and what else happens beside commands, in the loop: what Infinibay's host brings, and what it is told.

use super::agent::Agent;
use infiniservice_actions::{Completion, News, Submission};
use infiniservice_channel::transport::Transport;
use infiniservice_infinibay::Severity;
use infiniservice_infinibay::scripts::{self, Pending};
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::data::{PackageChange, PackageChangeState};
use infiniservice_protocol::guest::Response;
use infiniservice_protocol::timestamp::rfc3339_millis;
use infiniservice_protocol::{ActionName, ErrorCode};
use serde_json::{Value, json};
use std::time::Duration;

/// As shells have it for what may not be run.
const NOT_ALLOWED: i32 = 126;
/// In the audit, as the host has no action for it.
const MESSAGE: &str = "pending_scripts_response";
/// A connection that has not taken its first lines yet is given so long to do it.
const LATER: Duration = Duration::from_secs(1);

/// The lines of which the host's end is told, and what each completes.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    next: u64,
    /// The line that completes a script which is stored, and its number.
    stored: Option<(u64, u64)>,
}

impl Receipts {
    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Scripts of the host. Those that may not run are completed at once, as the host would else show them as running.
    pub(super) fn deliver_line(&mut self, text: &str) {
        let Some(profile) = &self.profile else { return };
        let pending = scripts::read(text);
        let forbidden = profile.refuses_scripts().map(str::to_owned);
        let forbidden = forbidden.or_else(|| {
            let name = ActionName::ScriptRun.name();
            self.executor.permit(name, name).err().map(|error| error.error)
        });
        for script in &pending {
            self.record_taken(script, forbidden.as_deref());
        }
        let refused: Vec<_> = pending.iter().map(|script| script.execution_id.clone()).collect();
        let why = match forbidden {
            Some(why) => why,
            None if self.executor.scripts().submit_all(pending.into_iter().map(submission).collect()) => {
                return;
            }
            None => "too many scripts wait".to_owned(),
        };
        for execution_id in refused {
            self.refuse_script(&execution_id, NOT_ALLOWED, &why);
        }
    }

    fn record_taken(&self, script: &Pending, forbidden: Option<&str>) {
        let parameters = json!({
            "script_name": script.name, "shell": script.shell, "run_as": script.run_as,
            "timeout_seconds": script.timeout_secs, "script_content": format!("({} bytes)", script.content.len()),
        });
        let response = match forbidden {
            Some(why) => Response::failed(&script.execution_id, MESSAGE, ErrorCode::ActionBlocked, why),
            None => Response::ok(&script.execution_id, MESSAGE, Value::Null),
        };
        self.executor.record(MESSAGE, &parameters.to_string(), &response);
    }

    fn refuse_script(&mut self, execution_id: &str, exit_code: i32, why: &str) {
        let line = scripts::completion(execution_id, exit_code, "", &format!("not run: {why}"));
        let receipt = self.receipts.next();
        self.say(line, Some(receipt));
        self.inform(Severity::Warn, "a script was not run", json!({ "reason": why }));
    }

    /// What happened beside commands.
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::ScriptRefused { execution_id, exit_code, why } => {
                self.refuse_script(&execution_id, exit_code, &why);
            }
            News::ScriptStarted(info) => {
                let name = info.name.as_deref().unwrap_or("(without a name)");
                let message = format!("the script {name} has started ({})", info.execution_id);
                self.inform_of(&info.execution_id, &message);
            }
            News::ScriptEnded { info, took, output_bytes } => {
                self.executor.record_script(&info, took, output_bytes);
                let name = info.name.as_deref().unwrap_or("(without a name)");
                let code = info.exit_code.unwrap_or_default();
                let message =
                    format!("the script {name} has ended with exit code {code} ({})", info.execution_id);
                self.inform_of(&info.execution_id, &message);
            }
            News::Completion(completion) => self.complete(&completion),
            News::ScriptsDone => self.want_scripts(),
            News::ChangeEnded(change) => self.change_ended(&change),
        }
    }

    fn complete(&mut self, completion: &Completion) {
        let Completion { number, info, stdout, stderr } = completion;
        let exit_code = info.exit_code.unwrap_or(1);
        let line = scripts::completion(&info.execution_id, exit_code, stdout, stderr);
        let receipt = self.receipts.next();
        self.receipts.stored = Some((receipt, *number));
        self.say(line, Some(receipt));
    }

    /// The host's end took a line.
    pub(super) fn line_left(&mut self, receipt: u64) {
        if let Some((_, number)) = self.receipts.stored.take_if(|(waited_for, _)| *waited_for == receipt) {
            self.executor.scripts().told(number);
        }
    }

    fn inform_of(&mut self, execution_id: &str, message: &str) {
        let now = self.clock.now().mono;
        let line = self.profile.as_mut().and_then(|profile| profile.event_of(now, execution_id, message));
        if let Some(line) = line {
            self.say(line, None);
        }
    }

    fn change_ended(&mut self, change: &PackageChange) {
        let succeeded = change.state == PackageChangeState::Succeeded;
        let severity = if succeeded { Severity::Info } else { Severity::Warn };
        let what = change.package.as_deref().map(|package| format!(" of {package}")).unwrap_or_default();
        let how = if succeeded { "has succeeded" } else { "has failed" };
        let message = format!("{}{what} {how} after {} s", change.command_type, change.seconds);
        let context = json!({
            "id": change.id, "command_type": change.command_type, "package": change.package, "success": succeeded,
            "exit_code": change.exit_code, "error": change.error, "started_at": change.started_at, "seconds": change.seconds,
        });
        self.inform(severity, &message, context);
    }

    /// The host is asked for scripts, where any may run.
    pub(super) fn want_scripts(&mut self) {
        let (now, name) = (self.clock.now().mono, ActionName::ScriptRun.name());
        let Some(profile) = &mut self.profile else { return };
        if profile.refuses_scripts().is_none() && self.executor.permit(name, name).is_ok() {
            profile.asking().want(now);
        }
    }

    /// Asks, once what the connection begins with has left.
    pub(super) fn ask_for_scripts_if_due(&mut self) {
        let moment = self.clock.now();
        let drained = self.link.is_drained();
        let Some(profile) = &mut self.profile else { return };
        if !profile.asking().take(moment.mono) {
            return;
        }
        if !drained && self.link.is_host_connected() {
            return profile.asking().put_off(moment.mono + LATER);
        }
        let vm_id = self.config.settings.vm_id.clone().unwrap_or_default();
        self.say(scripts::request(&vm_id, &rfc3339_millis(moment.wall)), None);
    }
}

fn submission(script: Pending) -> Submission {
    Submission {
        execution_id: script.execution_id,
        name: Some(script.name).filter(|name| !name.is_empty()),
        script: script.content,
        shell: script.shell,
        run_as: script.run_as,
        timeout_secs: script.timeout_secs,
    }
}
