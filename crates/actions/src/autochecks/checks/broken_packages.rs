//! `broken_packages`: packages that an interrupted or failed change has left neither there nor gone.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use infiniservice_exec::Request;
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many packages are told.
const MAX_TOLD: usize = 20;
/// States of dpkg in which a package is as it should be (dpkg-query(1), "Status").
const SOUND: [&str; 5] =
    ["installed", "config-files", "not-installed", "triggers-pending", "triggers-awaited"];
/// Packages of which rpm keeps several versions on purpose begin so.
const PARALLEL: [&str; 3] = ["kernel", "gpg-pubkey", "installonlypkg"];

/// Asks dpkg or rpm, whichever has a database here.
pub(super) async fn run(machine: Arc<Machine>) -> Assessed {
    if machine.root.join("var/lib/dpkg/status").exists() {
        let request =
            Request::new("dpkg-query", ["-W", "-f=${db:Status-Status}\\t${Package}:${Architecture}\\n"]);
        return Ok(assess(
            &dpkg(&machine.output(request).await?)?,
            "dpkg --configure -a; apt-get -f install",
        ));
    }
    let format = "--qf=%{NAME}\\t%{ARCH}\\t%{EVR}\\n";
    let known = ["var/lib/rpm", "usr/lib/sysimage/rpm"].iter().any(|path| machine.root.join(path).exists());
    if !known {
        return Err(Skip::because("there is no package manager here whose database can be checked"));
    }
    let list = machine.output(Request::new("rpm", ["-qa", format])).await?;
    Ok(assess(&rpm(&list)?, "dnf remove --duplicates"))
}

fn unread(line: &str) -> Skip {
    Skip(format!(
        "a line of the package manager could not be parsed: {}",
        infiniservice_platform::sanitize::quote(line)
    ))
}

/// Name and state of each package that is in none of the sound ones.
fn dpkg(text: &str) -> Result<Vec<(String, String)>, Skip> {
    let mut broken = Vec::new();
    for line in text.lines() {
        let (state, name) = line.split_once('\t').ok_or_else(|| unread(line))?;
        if !SOUND.contains(&state) {
            broken.push((name.to_owned(), state.to_owned()));
        }
    }
    Ok(broken)
}

/// Packages in two versions of one architecture: the old one of an update that never came to its end.
fn rpm(text: &str) -> Result<Vec<(String, String)>, Skip> {
    let mut versions: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let (Some(name), Some(architecture), Some(version)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(unread(line));
        };
        if !PARALLEL.iter().any(|begin| name.starts_with(begin)) {
            versions.entry((name, architecture)).or_default().push(version);
        }
    }
    let twice = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    Ok(twice.map(|((name, of), versions)| (format!("{name}.{of}"), versions.join(" and "))).collect())
}

fn assess(broken: &[(String, String)], cure: &str) -> Finding {
    let packages: Vec<_> =
        broken.iter().take(MAX_TOLD).map(|(name, state)| json!({"package": name, "state": state})).collect();
    let details = json!({"count": broken.len(), "packages": packages});
    let Some((name, state)) = broken.first() else {
        return Finding::passed("No package is half-installed.").with_details(details);
    };
    let message = match broken.len() {
        1 => format!("{name} is not installed properly ({state})."),
        n => format!("{n} packages are not installed properly, for example {name} ({state})."),
    };
    let finding = Finding::new(CheckStatus::Failed, message).with_details(details);
    finding.advise(format!("Find out why in the package manager's log, then run: {cure}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dpkg_has_not_set_up_is_told_with_its_state() {
        let text = "installed\ta:all\nhalf-configured\tb:amd64\nconfig-files\tc:all\nunpacked\td:i386\n";
        let finding = assess(&dpkg(text).unwrap(), "x");
        assert_eq!((finding.status, finding.details["count"].as_u64()), (CheckStatus::Failed, Some(2)));
        assert!(finding.message.contains("b:amd64 (half-configured)"), "{}", finding.message);
        assert_eq!(assess(&dpkg("installed\ta:all\n").unwrap(), "x").status, CheckStatus::Passed);
    }

    #[test]
    fn a_line_that_is_none_makes_no_passed_check() {
        assert!(dpkg("installed\ta\nodd\n").is_err() && rpm("a\tb\n").is_err());
    }

    #[test]
    fn a_package_in_two_versions_is_one_whose_update_broke_off() {
        let text =
            "a\tx86_64\t1-1\na\tx86_64\t2-1\na\ti686\t2-1\nkernel-core\tx86_64\t5\nkernel-core\tx86_64\t6\n";
        assert_eq!(rpm(text).unwrap(), [("a.x86_64".to_owned(), "1-1 and 2-1".to_owned())]);
    }
}
