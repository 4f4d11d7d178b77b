//! Whether a unit is started at boot: enabling and disabling, and what is true afterwards (`systemctl is-enabled`).

use super::calls::UNIT;
use super::control::{ControlError, Operation};
use super::error::SystemdError;
use super::unit::sysv_script;

/// What `EnableUnitFiles` returns beside the flag: type of change, link, target.
type Changes = Vec<(String, String, String)>;

impl Operation<'_> {
    /// Enables the unit file `name`; `path` is the unit where it is loaded, which a template is not.
    pub(super) async fn enable(
        &self,
        name: &str,
        path: Option<&str>,
    ) -> Result<Option<String>, ControlError> {
        let before = self.file_state(name).await?;
        self.refuse_fixed(name, path, &before).await?;
        self.progress.asked();
        let (installable, changes): (bool, Changes) =
            self.calls().ask("EnableUnitFiles", &(&[name][..], false, false)).await?;
        if !installable {
            return Err(ControlError::Refused(no_install_section(name, "enabled")));
        }
        self.reload().await?;
        match self.file_state(name).await?.as_str() {
            "enabled" | "alias" => Ok(None),
            "indirect" => Ok(Some(through_others(name, &changes))),
            other => Err(self.not_done("enabled", format!("its unit file is {}", said(other)))),
        }
    }

    /// Disables the unit file `name`.
    pub(super) async fn disable(
        &self,
        name: &str,
        path: Option<&str>,
    ) -> Result<Option<String>, ControlError> {
        let before = self.file_state(name).await?;
        if before.starts_with("masked") {
            return Ok(Some("it is masked, so nothing can start it".into()));
        }
        self.refuse_fixed(name, path, &before).await?;
        let mut after = self.take_links(name, false).await?;
        if after.ends_with("-runtime") {
            after = self.take_links(name, true).await?;
        }
        if after.starts_with("enabled") {
            let why = "it is still enabled: something other than the links of its [Install] section starts it at boot";
            return Err(self.not_done("disabled", why.into()));
        }
        let gone = before.starts_with("linked") && after.is_empty();
        if gone {
            return Ok(Some(
                "its file is in another place, and the link to it was removed: systemd no longer knows it"
                    .into(),
            ));
        }
        self.started_by(path).await
    }

    async fn take_links(&self, name: &str, runtime: bool) -> Result<String, ControlError> {
        self.progress.asked();
        let _: (Changes,) = self.calls().ask("DisableUnitFiles", &(&[name][..], runtime)).await?;
        self.reload().await?;
        Ok(self.file_state(name).await?)
    }

    /// What has no links that could be made or taken away.
    async fn refuse_fixed(&self, name: &str, path: Option<&str>, state: &str) -> Result<(), ControlError> {
        let source: String = match path {
            Some(path) => self.calls().optional(path, UNIT, "SourcePath").await?,
            None => String::new(),
        };
        match (state, sysv_script(&source)) {
            ("generated" | "", Some(script)) => Err(ControlError::SysV(script.to_owned())),
            ("generated", None) => {
                let from = if source.is_empty() { "its source".to_owned() } else { source };
                Err(ControlError::Refused(format!(
                    "{name} is generated at each boot from {from}: it can be neither enabled nor \
                     disabled; change {from} instead"
                )))
            }
            ("transient", _) => Err(ControlError::Refused(format!(
                "{name} is transient and disappears at the next boot: it can be neither enabled nor disabled"
            ))),
            ("static", _) => Err(ControlError::Refused(no_install_section(name, "enabled or disabled"))),
            _ => Ok(()),
        }
    }

    /// Units that start a disabled one all the same.
    async fn started_by(&self, path: Option<&str>) -> Result<Option<String>, ControlError> {
        let Some(path) = path else { return Ok(None) };
        let by = self.calls().active_triggers(path).await?;
        Ok((!by.is_empty()).then(|| format!("{} still starts it when it is used", by.join(", "))))
    }

    /// Empty for a unit without a file.
    pub(super) async fn file_state(&self, name: &str) -> Result<String, SystemdError> {
        match self.calls().ask("GetUnitFileState", &name).await {
            Err(SystemdError::NotFound(_)) => Ok(String::new()),
            other => other,
        }
    }

    async fn reload(&self) -> Result<(), SystemdError> {
        self.calls().manager("Reload", &()).await.map(drop)
    }

    fn not_done(&self, participle: &'static str, why: String) -> ControlError {
        ControlError::Failed { unit: self.unit.to_string(), participle, why }
    }
}

fn no_install_section(name: &str, participle: &str) -> String {
    format!("{name} has no [Install] section, so it cannot be {participle}; other units start it")
}

fn through_others(name: &str, changes: &Changes) -> String {
    let links: Vec<&str> = changes.iter().map(|(_, link, _)| link.as_str()).collect();
    match links.as_slice() {
        [] => format!("{name} is enabled only through other units, which its Also= names"),
        links => format!("{name} is enabled only through other units; links created: {}", links.join(", ")),
    }
}

fn said(state: &str) -> &str {
    if state.is_empty() { "not known to systemd" } else { state }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_script_of_sysv_is_one() {
        assert_eq!(sysv_script("/etc/init.d/acct"), Some("acct"));
        assert_eq!(sysv_script("/etc/rc.d/init.d/network"), Some("network"));
        for other in ["", "/etc/fstab", "/etc/init.d/", "/etc/init.d/a/b", "/home/x/etc/init.d/a"] {
            assert_eq!(sysv_script(other), None, "{other}");
        }
    }
}
