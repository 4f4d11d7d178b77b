//! Which owners and mode bits are trusted.

const STICKY: u32 = 0o1000;

/// Owner and permission bits.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) uid: u32,
    pub(super) mode: u32,
}

pub(super) fn file_is_safe(file: &Facts) -> Result<(), String> {
    if file.uid != 0 {
        return Err(format!(
            "is refused: it belongs to uid {}, and the agent runs as root; change its owner to root",
            file.uid
        ));
    }
    if file.mode & 0o022 != 0 {
        let mode = file.mode;
        return Err(format!(
            "is refused: mode {mode:04o} lets others write to it, and the agent runs as root; run chmod \
             go-w on it"
        ));
    }
    Ok(())
}

/// In a sticky directory (`/tmp`) nobody can replace another's file.
pub(super) fn directory_is_safe(directory: &Facts) -> Result<(), String> {
    let others_write = directory.mode & 0o022 != 0 && directory.mode & STICKY == 0;
    if others_write || directory.uid != 0 {
        let Facts { uid, mode } = directory;
        return Err(format!(
            "is refused: its directory (uid {uid}, mode {mode:04o}) lets others replace it, and the agent runs as root"
        ));
    }
    Ok(())
}

/// Whoever owns a link can change where it leads.
pub(super) fn link_is_safe(link: &Facts) -> Result<(), String> {
    if link.uid == 0 {
        return Ok(());
    }
    Err(format!("is refused: a link on its path belongs to uid {}, and the agent runs as root", link.uid))
}

pub(super) fn secret_is_safe(file: &Facts, closed_to: u32) -> Result<(), String> {
    if file.mode & closed_to != 0 {
        let mode = file.mode;
        return Err(format!(
            "contains the shared secret, but mode {mode:04o} lets others than its owner access it; run \
             chmod 0600 on it"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(uid: u32, mode: u32) -> Facts {
        Facts { uid, mode }
    }

    #[test]
    fn only_roots_own_unshared_file_is_obeyed() {
        assert!(file_is_safe(&facts(0, 0o644)).is_ok());
        assert!(file_is_safe(&facts(1000, 0o600)).is_err(), "its owner can rewrite it");
        assert!(file_is_safe(&facts(0, 0o664)).is_err());
        assert!(file_is_safe(&facts(0, 0o646)).is_err());
    }

    #[test]
    fn a_directory_where_others_can_swap_the_file_is_refused_but_tmp_is_not() {
        assert!(directory_is_safe(&facts(0, 0o755)).is_ok());
        assert!(directory_is_safe(&facts(0, 0o1777)).is_ok());
        assert!(directory_is_safe(&facts(0, 0o777)).is_err());
        assert!(directory_is_safe(&facts(1000, 0o755)).is_err());
    }

    #[test]
    fn a_secret_in_a_file_that_others_than_its_owner_read_is_refused() {
        assert!(secret_is_safe(&facts(0, 0o600), 0o077).is_ok());
        assert!(secret_is_safe(&facts(0, 0o400), 0o077).is_ok());
        for mode in [0o640, 0o604, 0o620, 0o644] {
            assert!(secret_is_safe(&facts(0, mode), 0o077).is_err(), "{mode:o}");
        }
        assert!(secret_is_safe(&facts(0, 0o440), 0o007).is_ok(), "a credential of a unit with User=");
        assert!(secret_is_safe(&facts(0, 0o444), 0o007).is_err());
    }
}
