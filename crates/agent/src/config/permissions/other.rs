//! Where files have no mode bits: the directory's access list guards the file.

use std::path::Path;

/// Always fits.
pub fn check_not_writable_by_others(_path: &Path) -> Result<(), String> {
    Ok(())
}

/// Always fits.
pub fn check_not_readable_by_others(_path: &Path) -> Result<(), String> {
    Ok(())
}

/// Always fits.
pub fn check_not_open_to_all(_path: &Path) -> Result<(), String> {
    Ok(())
}
