//! What may be asked for.

use std::fmt;

/// One of `targets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Temporary files.
    Temp,
    /// Rotated logs and archived journals.
    Logs,
    /// Downloaded packages and indexes; on Windows what Windows Update downloaded.
    PackageCache,
    /// Crash reports and core dumps.
    CrashDumps,
    /// Previews in each user's cache.
    Thumbnails,
    /// What users threw away.
    Trash,
}

/// No target has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`targets`: unknown target {name:?}; allowed are {}", NameList(&Target::ALL))]
pub struct UnknownTarget {
    /// As it was asked for.
    pub name: String,
}

impl Target {
    /// All, in the order in which they are answered.
    pub const ALL: [Self; 6] =
        [Self::Temp, Self::Logs, Self::PackageCache, Self::CrashDumps, Self::Thumbnails, Self::Trash];

    /// As it stands on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Temp => "temp",
            Self::Logs => "logs",
            Self::PackageCache => "package_cache",
            Self::CrashDumps => "crash_dumps",
            Self::Thumbnails => "thumbnails",
            Self::Trash => "trash",
        }
    }

    /// Those of these names, each once, in the order of [`Target::ALL`]; all when absent. An unknown name is an error.
    pub fn chosen(names: Option<&[String]>) -> Result<Vec<Self>, UnknownTarget> {
        let Some(names) = names else { return Ok(Self::ALL.to_vec()) };
        let known = |name: &String| Self::ALL.iter().any(|target| target.name().eq_ignore_ascii_case(name));
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(UnknownTarget { name: name.clone() });
        }
        let wanted = |target: &Self| names.iter().any(|name| target.name().eq_ignore_ascii_case(name));
        Ok(Self::ALL.into_iter().filter(wanted).collect())
    }
}

/// The names with commas between them.
struct NameList<'a>(&'a [Target]);

impl fmt::Display for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|target| target.name()).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_chosen_once_each_in_any_case_and_all_when_absent() {
        let names = ["trash".to_owned(), "TEMP".into(), "trash".into()];
        assert_eq!(Target::chosen(Some(&names)), Ok(vec![Target::Temp, Target::Trash]));
        assert_eq!(Target::chosen(None).unwrap().len(), 6);
    }

    #[test]
    fn an_unknown_target_is_refused_with_those_that_exist() {
        let error = Target::chosen(Some(&["recycle_bin".into()])).unwrap_err().to_string();
        assert!(error.contains("\"recycle_bin\"") && error.contains("temp, logs, package_cache"), "{error}");
    }
}
