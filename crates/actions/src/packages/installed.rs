//! What is there of one package.

use super::Target;

/// One installed instance of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: String,
    /// Its architecture, where the package manager has one.
    pub architecture: Option<String>,
    /// Unpacked and set up. One whose script failed is there, but not ready.
    pub ready: bool,
    /// The package manager's word for one that is not ready.
    pub state: Option<String>,
}

impl Installed {
    /// Whether this is what was asked for.
    pub fn satisfies(&self, target: &Target) -> bool {
        let version = target.version.as_ref().is_none_or(|wanted| *wanted == self.version);
        let architecture = target.architecture.as_ref().is_none_or(|wanted| self.is_for(wanted));
        self.ready && version && architecture
    }

    /// Whether it is of this architecture, or of all.
    pub fn is_for(&self, architecture: &str) -> bool {
        self.architecture.as_deref().is_none_or(|own| own == architecture || own == "all" || own == "noarch")
    }
}
