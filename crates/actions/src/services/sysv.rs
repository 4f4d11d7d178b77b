//! System V scripts: systemd runs them through units that a generator makes, but whether they start at boot is up to the links in
//! /etc/rc?.d, which `systemd-sysv-install` sets (systemctl(1)).

use super::SystemdServices;
use infiniservice_exec::{CommandError, Control, Finished, Program, Request};
use infiniservice_platform::systemd::control::ControlError;
use infiniservice_platform::systemd::name::UnitName;
use infiniservice_platform::systemd::{Done, Progress};
use infiniservice_protocol::{ErrorCode, ServiceOperation};
use std::path::PathBuf;

/// Where distributions with System V scripts put it; elsewhere there is none.
const TOOL: &str = "/usr/lib/systemd/systemd-sysv-install";
/// What it writes, in bytes.
const MAX_OUTPUT_BYTES: usize = 16 << 10;

impl SystemdServices {
    /// Enables or disables a script, and looks whether it is.
    pub(super) async fn switch_sysv(
        &self,
        unit: &UnitName,
        script: &str,
        operation: ServiceOperation,
        control: &Control,
    ) -> Result<Done, CommandError> {
        let enables = operation == ServiceOperation::Enable;
        let word = if enables { "enable" } else { "disable" };
        let finished = self.sysv_install(word, script, control).await?;
        if !finished.succeeded() {
            let error = format!("systemd-sysv-install {word} {script} failed");
            return Err(finished.into_error(ErrorCode::ExecutionFailed, error));
        }
        let reloaded = control.bound(self.client.reload()).await?;
        reloaded.map_err(ControlError::from)?;
        let progress = Progress::default();
        let asked = self.client.control(unit, ServiceOperation::Status, &progress);
        let done = self.with_sysv(control.bound(asked).await??, control).await;
        let want = if enables { "enabled" } else { "disabled" };
        if done.service.start_type == want {
            return Ok(done);
        }
        let error = format!(
            "{unit} could not be {want}: systemd-sysv-install reported success, but the script {script} is not {want}"
        );
        Err(CommandError::new(ErrorCode::ExecutionFailed, error))
    }

    /// Of a System V script's unit the links say whether it starts at boot, not the unit's file.
    pub(super) async fn with_sysv(&self, mut done: Done, control: &Control) -> Done {
        let Some(script) = done.service.sysv_script.clone() else { return done };
        let Ok(finished) = self.sysv_install("is-enabled", &script, control).await else { return done };
        done.service.start_type = match finished.exit_code() {
            Some(0) => "enabled".into(),
            Some(1) => "disabled".into(),
            _ => return done,
        };
        let note = format!(
            "it is the SysV script {script}; its links in /etc/rc?.d decide whether it starts at boot"
        );
        done.note = Some(done.note.map_or(note.clone(), |before| format!("{before}\n{note}")));
        done
    }

    async fn sysv_install(
        &self,
        word: &str,
        script: &str,
        control: &Control,
    ) -> Result<Finished, CommandError> {
        let mut request = Request::new("systemd-sysv-install", [word, script]).max_output(MAX_OUTPUT_BYTES);
        request.program = Program::At(PathBuf::from(TOOL));
        self.runner.run(request, control).await.map_err(|error| {
            let error =
                format!("{script} is a SysV script, and systemd-sysv-install could not be run: {error}");
            CommandError::new(ErrorCode::Unsupported, error)
        })
    }
}
