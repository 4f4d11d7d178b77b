//! Packages and updates against the real apt and dpkg, with a repository of small packages that behave badly.

pub mod changes;
pub mod checked;
pub mod dnf;
mod rpm;
pub mod trouble;
pub mod updates;
pub mod zypper;

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_protocol::data::{PackageChangeData, PackageListData};
use infiniservice_protocol::{Action, ErrorCode, GuestMessage, Response};
use std::time::Duration;

/// apt takes its time in an emulated machine.
const TIMEOUT: Duration = Duration::from_secs(400);

/// Points apt at the first state of the image's repositories; `crates/lab/src/image/apt-repository.sh` made them.
const KNOW_THE_REPOSITORIES: &str = "[ -e /etc/apt/sources.list.d/lab.list ] || {
    ln -sfn old /srv/lab/apt/current
    for name in main security; do
        echo \"deb [trusted=yes] copy:/srv/lab/apt/current/$name ./\"
    done > /etc/apt/sources.list.d/lab.list
    apt-get -q update
}";
/// The repositories get their second state.
const RENEW_THE_REPOSITORIES: &str = "ln -sfn new /srv/lab/apt/current";

/// A host on a guest whose apt knows the repository.
struct Desk<'a> {
    guest: &'a Guest,
    client: Client,
}

impl<'a> Desk<'a> {
    fn open(guest: &'a Guest) -> Result<Self> {
        guest.sh(KNOW_THE_REPOSITORIES)?;
        let client = guest.connect()?;
        guest.until_served(&client)?;
        Ok(Self { guest, client })
    }

    /// What a change that outlived its timeout came to: the agent looks at what is installed after the tool has ended.
    fn ended(&self, id: &str) -> Result<Response> {
        let status = Action::PackageChangeStatus { id: Some(id.to_owned()) };
        self.guest.until("the change's end", |_| Ok(self.ask(&status, None)?.data["running"] == false))?;
        self.ask(&status, None)
    }

    /// On a slow processor the tool may not have come to the script within a command's timeout.
    fn until_a_script_hangs(&self) -> Result<()> {
        let sleeps = "pgrep -f '[s]leep 100000' || true";
        self.guest.until("the script hangs", |guest| Ok(!guest.sh(sleeps)?.is_empty()))
    }

    fn close(self) {
        self.guest.disconnect(self.client);
    }

    fn ask(&self, action: &Action, timeout: Option<Duration>) -> Result<Response> {
        let message = self.client.command(action, timeout);
        match self.guest.wait(self.client.call(&message, TIMEOUT))?.message() {
            Some(GuestMessage::Response(response)) => Ok(response.clone()),
            other => bail!("{other:?} is no response"),
        }
    }

    fn install(&self, package: &str) -> Result<Response> {
        self.ask(&Action::PackageInstall { package: package.to_owned(), cascade: false }, None)
    }

    fn remove(&self, package: &str) -> Result<Response> {
        self.ask(&Action::PackageRemove { package: package.to_owned(), cascade: false }, None)
    }

    fn packages(&self, filter: Option<&str>) -> Result<PackageListData> {
        let action = Action::PackageList { limit: None, filter: filter.map(str::to_owned) };
        let response = self.ask(&action, None)?;
        ensure!(response.success, "{response:?}");
        Ok(serde_json::from_value(response.data)?)
    }

    /// What dpkg itself says of a package: its status and version; empty where it does not know it.
    fn dpkg(&self, package: &str) -> Result<String> {
        self.guest.sh(&format!(
            "dpkg-query -W -f='${{db:Status-Status}} ${{Version}}' -- {package} 2>/dev/null || true"
        ))
    }
}

fn changed(response: &Response) -> Result<(Option<String>, Option<String>, bool)> {
    let data: PackageChangeData =
        serde_json::from_value(response.data.clone()).with_context(|| format!("{response:?}"))?;
    Ok((data.version_before, data.version_after, data.changed))
}

fn expect_change(response: &Response, before: Option<&str>, after: Option<&str>, change: bool) -> Result<()> {
    ensure!(response.success, "{response:?}");
    let want = (before.map(str::to_owned), after.map(str::to_owned), change);
    ensure!(changed(response)? == want, "{response:?}");
    Ok(())
}

/// A failure with this code, whose sentence holds `part`.
fn expect_error(response: &Response, code: ErrorCode, part: &str) -> Result<()> {
    ensure!(!response.success && response.error_code == Some(code), "{response:?}");
    let error = response.error.clone().unwrap_or_default();
    println!("  {} {code}: {error}", response.command_type);
    ensure!(error.contains(part), "{part:?} is not in {error:?}");
    Ok(())
}
