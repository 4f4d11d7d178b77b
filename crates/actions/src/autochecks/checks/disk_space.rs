//! `disk_space`: how full each file system is.

use crate::autochecks::file_systems::{self, FileSystem, FileSystems};
use crate::autochecks::finding::{Assessed, Finding};
use crate::autochecks::thresholds::Thresholds;
use crate::autochecks::{self, Machine};
use infiniservice_protocol::Action;
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `DiskCleanup` empties, and where it lies.
const CLEANED: [(&str, &[&str]); 4] = [
    ("temp", &["/tmp", "/var/tmp"]),
    ("logs", &["/var/log"]),
    ("package_cache", &["/var/cache"]),
    ("crash_dumps", &["/var/crash", "/var/lib/systemd/coredump"]),
];

/// Gathers and assesses.
pub(super) async fn run(machine: Arc<Machine>) -> Assessed {
    let systems = machine.file_systems().await?;
    let finding = assess(&systems, file_systems::LEVELS.or_asked(machine.asked))?;
    if finding.status == CheckStatus::Passed {
        return Ok(finding);
    }
    let Some(fullest) = fullest(&systems) else { return Ok(finding) };
    Ok(explained(finding, fullest, &machine).await)
}

fn fullest(systems: &FileSystems) -> Option<&FileSystem> {
    systems.list.iter().max_by(|a, b| a.used_percent().total_cmp(&b.used_percent()))
}

/// What fills it, and what of the remediation would free something.
async fn explained(mut finding: Finding, fullest: &FileSystem, machine: &Machine) -> Finding {
    let place = fullest.mount_point.as_str();
    let targets = offered(&finding);
    let frees =
        async { if targets.is_empty() { None } else { autochecks::would_free(machine, &targets).await } };
    let (largest, frees) = tokio::join!(autochecks::largest(machine, place), frees);
    finding.details.extend(largest.map(|largest| ("largest".to_owned(), largest)));
    match frees {
        Some(frees) => offer_what_frees(finding, place, &frees),
        None => finding,
    }
}

fn offered(finding: &Finding) -> Vec<String> {
    match finding.remediation.as_ref().and_then(|remedy| remedy.command.as_ref()) {
        Some(Action::DiskCleanup { targets: Some(targets), .. }) => targets.clone(),
        _ => Vec::new(),
    }
}

/// By a dry run: `frees` has what each target would free, in 10^6 bytes.
fn offer_what_frees(mut finding: Finding, place: &str, frees: &BTreeMap<String, f64>) -> Finding {
    finding.details.insert("cleanup_would_free_mb".into(), json!(frees));
    let useful: Vec<String> =
        frees.iter().filter(|(_, mb)| **mb > 0.0).map(|(target, _)| target.clone()).collect();
    if useful.is_empty() {
        return finding.advise(format!(
            "DiskCleanup would free nothing on {place}: check its largest directories and files in the \
             details, or enlarge it."
        ));
    }
    let said: Vec<String> = useful
        .iter()
        .map(|target| format!("{target} ({} MB)", frees.get(target).copied().unwrap_or_default()))
        .collect();
    let description = format!("Remove unneeded files from {place}: {}.", said.join(", "));
    let command = Action::DiskCleanup { targets: Some(useful), older_than_days: None, dry_run: false };
    finding.remedy(description, Some(command))
}

/// The fullest file system decides.
pub(super) fn assess(systems: &FileSystems, levels: Thresholds) -> Assessed {
    let (finding, fullest) = systems.assess("space", levels, |system| Some(system.used_percent()))?;
    let figures = |system: &FileSystem| {
        Some(json!({
            "mount_point": system.mount_point,
            "device": system.device,
            "filesystem": system.kind,
            "total_gb": system.gigabytes(system.space.blocks),
            "available_gb": system.gigabytes(system.space.available),
            "used_percent": system.used_percent(),
        }))
    };
    let finding = finding.with_details(file_systems::details(systems, levels, figures));
    Ok(remedied(finding, fullest, systems))
}

/// Cleaning helps only where the fullest file system holds what is cleaned.
fn remedied(finding: Finding, fullest: Option<&FileSystem>, systems: &FileSystems) -> Finding {
    let Some(fullest) = fullest else { return finding };
    let place = &fullest.mount_point;
    let targets = targets_on(place, systems);
    if targets.is_empty() {
        return finding.advise(format!("Free space on {place}, or enlarge it."));
    }
    let description = format!("Remove unneeded files from {place}: {}.", targets.join(", "));
    let command = Action::DiskCleanup { targets: Some(targets), older_than_days: None, dry_run: false };
    finding.remedy(description, Some(command))
}

/// The targets that lie on a file system.
fn targets_on(mount_point: &str, systems: &FileSystems) -> Vec<String> {
    let lies = |path: &&'static str| mount_of(path, systems) == Some(mount_point);
    CLEANED
        .iter()
        .filter(|(_, paths)| paths.iter().any(lies))
        .map(|(target, _)| (*target).to_owned())
        .collect()
}

/// The mount point that a path lies below: the longest.
fn mount_of<'a>(path: &str, systems: &'a FileSystems) -> Option<&'a str> {
    let points = systems.list.iter().map(|system| system.mount_point.as_str());
    let above = points.filter(|point| is_below(path, point));
    above.max_by_key(|point| point.len())
}

fn is_below(path: &str, point: &str) -> bool {
    path.strip_prefix(point.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autochecks::file_systems::simulated;

    fn systems(list: &[(&str, u64)]) -> FileSystems {
        let list = list.iter().map(|(place, used)| simulated(place, *used, 0)).collect();
        FileSystems { list, ..FileSystems::default() }
    }

    fn targets(finding: &Finding) -> Option<Vec<String>> {
        match finding.remediation.as_ref()?.command.as_ref()? {
            Action::DiskCleanup { targets, dry_run: false, .. } => targets.clone(),
            _ => None,
        }
    }

    #[test]
    fn the_fullest_file_system_decides_and_is_named() {
        let finding = assess(&systems(&[("/", 500), ("/srv/data", 970)]), file_systems::LEVELS).unwrap();
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.message, "/srv/data has 97 % of its space used.");
        assert_eq!(finding.details["file_systems"][1]["available_gb"], 0.03);
        let finding = assess(&systems(&[("/", 850), ("/srv/data", 10)]), file_systems::LEVELS).unwrap();
        assert_eq!(finding.status, CheckStatus::Warning);
        let finding = assess(&systems(&[("/", 849)]), file_systems::LEVELS).unwrap();
        assert_eq!(finding.status, CheckStatus::Passed);
        assert_eq!(finding.message, "The fullest file system, /, has 84.9 % of its space used.");
    }

    #[test]
    fn only_what_frees_something_is_offered() {
        let full = || assess(&systems(&[("/", 960)]), file_systems::LEVELS).unwrap();
        let frees = [("temp".to_owned(), 0.0), ("logs".to_owned(), 12.5)].into();
        let finding = offer_what_frees(full(), "/", &frees);
        assert_eq!(targets(&finding).unwrap(), ["logs"]);
        assert!(finding.remediation.as_ref().unwrap().description.contains("logs (12.5 MB)"));
        let nothing = [("temp".to_owned(), 0.0)].into();
        let finding = offer_what_frees(full(), "/", &nothing);
        assert_eq!(targets(&finding), None);
        assert!(finding.remediation.unwrap().description.contains("would free nothing"));
    }

    #[test]
    fn cleaning_is_offered_for_what_lies_on_the_full_file_system_only() {
        let finding =
            assess(&systems(&[("/", 960), ("/srv", 1), ("/var/log", 1)]), file_systems::LEVELS).unwrap();
        assert_eq!(targets(&finding).unwrap(), ["temp", "package_cache", "crash_dumps"]);
        let finding = assess(&systems(&[("/", 1), ("/var/log", 990)]), file_systems::LEVELS).unwrap();
        assert_eq!(targets(&finding).unwrap(), ["logs"]);
        let finding = assess(&systems(&[("/", 1), ("/srv", 990)]), file_systems::LEVELS).unwrap();
        assert_eq!(targets(&finding), None);
        assert!(finding.remediation.unwrap().description.contains("/srv"));
    }

    #[test]
    fn the_reserve_of_the_superuser_counts_as_full_for_others() {
        let mut full = simulated("/", 950, 0);
        full.space.available = 0;
        assert!((full.used_percent() - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_mount_that_hangs_wants_attention_and_hides_nothing_of_the_others() {
        let mut systems = systems(&[("/", 100)]);
        systems.silent.push("/mnt/nfs".into());
        let finding = assess(&systems, file_systems::LEVELS).unwrap();
        assert_eq!(finding.status, CheckStatus::Warning);
        assert!(finding.message.contains("/mnt/nfs does not answer"), "{}", finding.message);
        assert_eq!(finding.details["not_answering"][0], "/mnt/nfs");
        assert!(assess(&FileSystems::default(), file_systems::LEVELS).is_err());
    }

    #[test]
    fn a_list_that_was_cut_is_never_passed() {
        let mut systems = systems(&[("/", 100)]);
        systems.cut = 7;
        let finding = assess(&systems, file_systems::LEVELS).unwrap();
        assert_eq!(finding.status, CheckStatus::Warning);
        assert!(finding.message.ends_with("7 more file systems were not examined."), "{}", finding.message);
        assert_eq!(finding.details["not_looked_at"], 7);
    }

    #[test]
    fn many_full_file_systems_make_a_short_sentence() {
        let finding = assess(
            &systems(&[("/a", 990), ("/b", 991), ("/c", 992), ("/d", 993), ("/e", 1)]),
            file_systems::LEVELS,
        );
        let message = finding.unwrap().message;
        assert!(message.starts_with("/d has") && message.ends_with("; and 1 more."), "{message}");
    }
}
