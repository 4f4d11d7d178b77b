//! What one unit is right now.

use super::calls::Calls;
use super::details::main_pid;
use super::error::SystemdError;
use super::record::ServiceRecord;
use crate::one_line::description;
use zbus::OwnedObjectPath;

impl Calls<'_> {
    /// The unit at `path`, read afresh.
    pub(super) async fn service(&self, path: &str) -> Result<ServiceRecord, SystemdError> {
        let name: String = self.unit_property(path, "Id").await?;
        let service = name.ends_with(".service");
        Ok(ServiceRecord {
            description: description(&self.unit_property::<String>(path, "Description").await?),
            load_state: self.unit_property(path, "LoadState").await?,
            active_state: self.unit_property(path, "ActiveState").await?,
            sub_state: self.unit_property(path, "SubState").await?,
            start_type: self.unit_property(path, "UnitFileState").await?,
            pid: if service { main_pid(path, self).await? } else { None },
            name,
            ..ServiceRecord::default()
        })
    }

    /// The unit that this process belongs to, where systemd started it.
    pub(super) async fn own_unit(&self) -> Option<String> {
        let path: OwnedObjectPath = self.ask("GetUnitByPID", &std::process::id()).await.ok()?;
        self.unit_property(path.as_str(), "Id").await.ok()
    }

    /// How a unit failed, as a sentence's end.
    pub(super) async fn why_failed(&self, path: &str, job_result: &str) -> String {
        let result: String = self.service_property(path, "Result").await.unwrap_or_default();
        let status: i32 = self.service_property(path, "ExecMainStatus").await.unwrap_or_default();
        explain(job_result, &result, status)
    }
}

fn explain(job_result: &str, result: &str, status: i32) -> String {
    let how = match (job_result, result) {
        ("dependency", _) => return "a unit that it requires failed (job result `dependency`)".into(),
        ("canceled", _) => return "another request took its place (job result `canceled`)".into(),
        (_, "exit-code") => format!("its process ended with exit code {status}"),
        (_, "signal" | "core-dump") => format!("its process was ended by signal {status}"),
        (_, "timeout") => "it was not ready in the time that its unit allows".into(),
        (_, "start-limit-hit") => "it was started too often in a short time".into(),
        (_, "" | "success") => return format!("job result `{job_result}`"),
        (_, other) => format!("its result is `{other}`"),
    };
    format!("{how} (job result `{job_result}`)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_how_the_process_ended_and_what_the_job_said() {
        assert_eq!(
            explain("failed", "exit-code", 3),
            "its process ended with exit code 3 (job result `failed`)"
        );
        assert_eq!(explain("timeout", "success", 0), "job result `timeout`");
        assert!(explain("dependency", "success", 0).contains("requires"));
    }
}
