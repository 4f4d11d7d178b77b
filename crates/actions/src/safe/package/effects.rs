//! Whether a change would take other packages away, by the package manager's simulation before anything is
//! done, and what has become of all packages between two looks.

use super::session::{Attempt, PackageSession, Versions};
use crate::packages::{Change, Plan, Planned, Replaced, compare_versions};
use infiniservice_exec::{CommandError, Request};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::{PackageInfo, PackageStep};
use std::cmp::Ordering;

/// Adds a package's version.
pub(super) fn add(versions: &mut Versions, package: PackageInfo) {
    let PackageInfo { name, architecture, version, .. } = package;
    versions.entry((name, architecture)).or_default().push(version);
}

/// The differences, by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::safe) struct Effects {
    pub removed: Vec<PackageStep>,
    pub installed: Vec<PackageStep>,
    pub upgraded: Vec<PackageStep>,
    pub downgraded: Vec<PackageStep>,
}

impl Effects {
    /// Of two looks. What goes and comes under one name has changed its version, also where its architecture did too.
    pub(in crate::safe) fn between(before: &Versions, after: &Versions) -> Self {
        let (mut gone, came) = (lacking(before, after), lacking(after, before));
        let mut all = Self::default();
        for new in came {
            let same = |old: &PackageStep, strict: bool| {
                old.package == new.package && (!strict || old.architecture == new.architecture)
            };
            let at = gone
                .iter()
                .position(|old| same(old, true))
                .or_else(|| gone.iter().position(|old| same(old, false)));
            let before = at.map(|at| gone.remove(at)).and_then(|old| old.version_before);
            all.put(PackageStep { version_before: before, version_after: new.version_before, ..new });
        }
        all.removed = gone;
        all
    }

    /// Says of what was removed by what it was replaced, as far as the package manager named it.
    pub(in crate::safe) fn explain(&mut self, replaced: &[Replaced]) {
        for step in &mut self.removed {
            let of = replaced.iter().find(|one| one.old.name == step.package && one.by != step.package);
            step.replaced_by = of.map(|one| one.by.clone());
        }
    }

    fn put(&mut self, step: PackageStep) {
        let list = match (&step.version_before, &step.version_after) {
            (Some(before), Some(after)) if compare_versions(before, after) == Ordering::Greater => {
                &mut self.downgraded
            }
            (Some(_), _) => &mut self.upgraded,
            (None, _) => &mut self.installed,
        };
        list.push(step);
    }
}

/// What `one` has and `other` lacks, each with its version as the one before.
fn lacking(one: &Versions, other: &Versions) -> Vec<PackageStep> {
    let absent = |key: &(String, Option<String>), version: &String| {
        other.get(key).is_none_or(|versions| !versions.contains(version))
    };
    let step = |key: &(String, Option<String>), version: &String| PackageStep {
        package: key.0.clone(),
        architecture: key.1.clone(),
        version_before: Some(version.clone()),
        version_after: None,
        replaced_by: None,
    };
    let all = one.iter().flat_map(|(key, versions)| versions.iter().map(move |version| (key, version)));
    all.filter(|(key, version)| absent(key, version)).map(|(key, version)| step(key, version)).collect()
}

/// What a simulation came to.
pub(in crate::safe) enum Weighed {
    /// Nothing stands against it.
    Free,
    /// It would take these away.
    Conflict(Plan),
    /// It cannot be done at all, or not be understood.
    Failed(CommandError),
}

impl PackageSession<'_> {
    /// Weighs a change by its simulation; `is_named` tells what the host itself named. `change` is the one that
    /// is weighed, where it is of one package: then nothing may replace another, as it may in an update of all. `sentence` words a
    /// failure.
    pub(in crate::safe) async fn weigh(
        &self,
        simulation: Request,
        is_named: impl Fn(&Planned) -> bool,
        change: Option<Change>,
        sentence: impl Fn(&str) -> String,
    ) -> Result<Weighed, CommandError> {
        let finished = match self.simulate(simulation).await? {
            Attempt::Done(finished) => finished,
            Attempt::Failed(finished, failure) => {
                let reason = change.map_or_else(|| failure.reason(), |change| failure.reason_against(change));
                let error = sentence(&reason);
                return Ok(Weighed::Failed(finished.into_error(failure.code(), error)));
            }
        };
        let plan = self.manager().read_plan(&finished);
        let plan = plan.map(|plan| if change.is_some() { plan.strict() } else { plan });
        Ok(match plan {
            Ok(plan) => match plan.without(is_named) {
                plan if plan.is_harmless() => Weighed::Free,
                plan => Weighed::Conflict(plan),
            },
            Err(why) => {
                let error =
                    sentence(&format!("what it would do could not be parsed, so nothing was done: {why}"));
                Weighed::Failed(finished.into_error(ErrorCode::ExecutionFailed, error))
            }
        })
    }
}

/// Labels for the wire.
pub(in crate::safe) fn labels(all: &[Planned]) -> Vec<String> {
    all.iter().map(|one| one.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(all: &[(&str, &str, &str)]) -> Versions {
        let info = |(name, architecture, version): &(&str, &str, &str)| PackageInfo {
            name: (*name).to_owned(),
            architecture: Some((*architecture).to_owned()),
            version: (*version).to_owned(),
            ..PackageInfo::default()
        };
        let mut versions = Versions::new();
        all.iter().map(info).for_each(|package| add(&mut versions, package));
        versions
    }

    #[test]
    fn each_difference_stands_once_under_its_kind() {
        let before = look(&[
            ("gone", "all", "1"),
            ("up", "amd64", "1"),
            ("up", "i386", "1"),
            ("down", "all", "2"),
            ("moves", "all", "1"),
            ("same", "all", "1"),
        ]);
        let after = look(&[
            ("new", "all", "1"),
            ("up", "amd64", "2"),
            ("up", "i386", "2"),
            ("down", "all", "1"),
            ("moves", "amd64", "2"),
            ("same", "all", "1"),
        ]);
        let effects = Effects::between(&before, &after);
        let names = |all: &[PackageStep]| all.iter().map(|one| one.package.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&effects.removed), names(&effects.installed)),
            (vec!["gone".to_owned()], vec!["new".to_owned()])
        );
        assert_eq!(
            (names(&effects.upgraded), names(&effects.downgraded)),
            (vec!["moves".to_owned(), "up".into(), "up".into()], vec!["down".to_owned()])
        );
        assert_eq!(Effects::between(&after, &after), Effects::default());
    }

    #[test]
    fn a_kernel_beside_the_old_one_is_installed() {
        let before = look(&[("kernel", "x86_64", "6.1")]);
        let after = look(&[("kernel", "x86_64", "6.1"), ("kernel", "x86_64", "6.2")]);
        let effects = Effects::between(&before, &after);
        assert_eq!((effects.installed.len(), effects.upgraded.len()), (1, 0));
    }
}
