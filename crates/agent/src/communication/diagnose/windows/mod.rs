//! Gathers the facts on Windows.

use super::DiagnoseOptions;
use super::facts::{Facts, PathFacts};
use crate::communication::transport::win32::paths::AGENT_PATHS;

/// Looks at everything.
pub fn gather(options: &DiagnoseOptions) -> Facts {
    let expected = |path: &&str| PathFacts { path: path.into(), found: "not looked at".into() };
    Facts {
        expected_paths: AGENT_PATHS.iter().map(expected).collect(),
        configured: options.device.device_path.clone(),
        ..Facts::default()
    }
}
