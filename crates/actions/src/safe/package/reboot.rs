//! Whether the system asks for a reboot, or why that cannot be told.

use super::desk::{AFTERMATH, Desk};
use crate::packages::{Files, RebootSign};
use infiniservice_exec::{Control, Request};

/// What answers say of a reboot.
pub(in crate::safe) struct Reboot {
    /// Whether the system asks for one; `false` where that is not known.
    pub(in crate::safe) required: bool,
    /// Why it is not known.
    pub(in crate::safe) unknown: Option<String>,
}

impl From<Result<bool, String>> for Reboot {
    fn from(told: Result<bool, String>) -> Self {
        Self { required: told == Ok(true), unknown: told.err() }
    }
}

impl Desk<'_> {
    /// Whether the system asks for a reboot now.
    pub(in crate::safe) async fn reboot(&self) -> Reboot {
        let told = match self.manager().reboot() {
            RebootSign::File(path) => self.look(move |files| files.is_there(path)).await,
            RebootSign::Untold => {
                Err(format!("{} does not report whether a reboot is needed", self.manager().name()))
            }
            RebootSign::InstalledSinceBoot(request) => self.installed_since_boot(request).await,
        };
        told.into()
    }

    async fn installed_since_boot(&self, request: Request) -> Result<bool, String> {
        let answer = self.context.runner.run(request, &Control::for_at_most(AFTERMATH)).await;
        let finished = answer.map_err(|error| error.to_string())?;
        let times = finished.stdout.text;
        if times.trim().is_empty() {
            // The program prints a line for every package, also for one that is not installed.
            let said = infiniservice_platform::one_line::quote(finished.stderr.text.trim());
            return Err(format!("the installation times of packages could not be read: {said}"));
        }
        self.look(move |files| files.any_since_boot(&times)).await
    }

    async fn look(
        &self,
        question: impl FnOnce(&Files) -> Result<bool, String> + Send + 'static,
    ) -> Result<bool, String> {
        self.site().ask(question).await.map_err(|blocked| blocked.to_string())?
    }
}
