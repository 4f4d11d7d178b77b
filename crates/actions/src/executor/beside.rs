//! What the main loop asks of the executor beside commands.

use super::Executor;
use crate::audit::{Asked, Audit, AuditRecord};
use crate::context::PowerAction;
use crate::policy::{CommandName, CommandSettings};
use crate::scripts::Scripts;
use crate::summary::Summary;
use infiniservice_exec::{BoxFuture, CommandError};
use infiniservice_protocol::data::ScriptInfo;
use infiniservice_protocol::guest::Capability;
use infiniservice_protocol::{ActionName, Response};
use std::sync::Arc;
use std::time::Duration;

impl Executor {
    /// Where records go, for what never becomes a command.
    pub fn audit(&self) -> &dyn Audit {
        self.shared.audit.as_ref()
    }

    /// Refuses what the settings forbid of an action by either name.
    pub fn permit(&self, name: &str, alias: &str) -> Result<(), CommandError> {
        self.shared.permit(name, alias)
    }

    /// Why this machine cannot carry the action out, whatever the operator allows; `None` where it can.
    pub fn lacks(&self, action: ActionName) -> Option<String> {
        CommandName::Safe(action).unsupported(self.shared.context.features())
    }

    /// Records the answer to a command that never came here.
    pub fn record(&self, action: &str, parameters: &str, response: &Response) {
        self.shared.audit.record(&Asked::new(action, parameters).answered(response));
    }

    /// Whether packages are being changed now.
    pub fn changes_packages(&self) -> bool {
        self.shared.context.changes.is_running()
    }

    /// Ends the machine's run whatever else goes on; resolves once that is queued.
    pub fn end_machine(&self, action: PowerAction) -> BoxFuture<'static, Result<(), CommandError>> {
        let services = Arc::clone(&self.shared.context.services);
        Box::pin(async move { services.end_machine(action).await })
    }

    /// What holds.
    pub fn settings(&self) -> CommandSettings {
        self.shared.lock().settings.clone()
    }

    /// One capability for each action, for `hello`.
    pub fn capabilities(&self) -> Vec<Capability> {
        self.shared.lock().settings.capabilities(self.shared.context.features())
    }

    /// Commands so far, by action and result.
    pub fn summary(&self) -> Summary {
        self.shared.lock().summary.clone()
    }

    /// The scripts that hosts handed over.
    pub fn scripts(&self) -> &Scripts {
        &self.shared.context.scripts
    }

    /// Records how a script ended: what was recorded when it was taken is only that it was.
    pub fn record_script(&self, info: &ScriptInfo, took: Duration, output_bytes: u64) {
        let name = ActionName::ScriptRun.name();
        let mut response = Response::ok(&info.execution_id, name, serde_json::Value::Null);
        response.success = info.exit_code == Some(0);
        response.exit_code = info.exit_code;
        response.error.clone_from(&info.error);
        let duration = took;
        let record = Asked::new(name, "{}").answered(&response);
        self.shared.audit.record(&AuditRecord { duration, output_bytes, ..record });
    }

    /// Tells the scripts what the operator says of them.
    pub(super) fn allow_scripts(&self) {
        let state = self.shared.lock();
        let forbidden = state.settings.permit(ActionName::ScriptRun.name()).err();
        let longest = state.settings.scripts.longest;
        drop(state);
        self.shared.context.scripts.allow(forbidden.map(|error| error.error), longest);
    }
}
