//! `--junit`: the file that is written when a job is over.

use crate::cli::error::CliError;
use crate::fleet::junit;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that is there as a whole or not at all.
pub(in crate::cli) struct Report {
    path: PathBuf,
    file: NamedTempFile,
}

impl Report {
    /// Begins it, before the job: who asked for it is not told afterwards that it cannot be written.
    pub(in crate::cli) fn new(path: &Path) -> Result<Self, CliError> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = NamedTempFile::new_in(directory.unwrap_or_else(|| Path::new(".")));
        let failed = |error| CliError::Usage(format!("cannot write {}: {error}", path.display()));
        Ok(Self { path: path.to_owned(), file: file.map_err(failed)? })
    }

    /// Writes what came of a job, in the form of a hub's.
    pub(in crate::cli) fn write(mut self, job: &Value) -> Result<(), CliError> {
        let failed = |error| CliError::Failed(format!("cannot write {}: {error}", self.path.display()));
        self.file.write_all(junit(job).as_bytes()).map_err(failed)?;
        self.file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_is_there_when_the_job_is_over_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.xml");
        let report = Report::new(&path).unwrap();
        assert!(!path.exists());
        report.write(&json!({"id": "j", "machines": [{"vm": "web", "state": "answered"}]})).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("<testcase"));
        let nowhere = Report::new(&directory.path().join("none/report.xml")).err().unwrap().sentence();
        assert!(nowhere.contains("none/report.xml"), "{nowhere}");
    }
}
