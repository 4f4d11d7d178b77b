//! Which owners and access lists are trusted: the agent runs as the system itself, and obeys what it reads.

use super::descriptor::{Descriptor, Sid};

/// `LocalSystem`, `Administrators`, and the installer of Windows' own parts (`TrustedInstaller`).
const SYSTEM: &[u32] = &[18];
const ADMINISTRATORS: &[u32] = &[32, 544];
const TRUSTED_INSTALLER: &[u32] =
    &[80, 956_008_885, 3_418_522_649, 1_831_038_044, 1_853_292_631, 2_271_478_464];

/// `DELETE`, `WRITE_DAC`, `WRITE_OWNER`, `GENERIC_WRITE` and `GENERIC_ALL`: with each of them a file can be made another's.
const TAKE_OVER: u32 = 0x0001_0000 | 0x0004_0000 | 0x0008_0000 | 0x4000_0000 | 0x1000_0000;
/// `FILE_WRITE_DATA` and `FILE_APPEND_DATA`.
const WRITE: u32 = TAKE_OVER | 0x2 | 0x4;
/// `FILE_ADD_FILE` and `FILE_DELETE_CHILD`: with either a file in the directory can be exchanged, or one be put where none is.
const EXCHANGE: u32 = TAKE_OVER | 0x2 | 0x40;
/// `FILE_DELETE_CHILD`: with it what is in the directory can be moved away.
const MOVE: u32 = TAKE_OVER | 0x40;
/// `FILE_READ_DATA`, `GENERIC_READ` and `GENERIC_ALL`.
const READ: u32 = 0x1 | 0x8000_0000 | 0x1000_0000;

/// How a person mends it.
const MEND: &str = "see \"Who may read and write the agent's files\" in docs/windows.md";

/// Whose word holds on this machine, besides that of the account `own` that runs this.
fn is_trusted(sid: &Sid, own: &Sid) -> bool {
    sid == own || [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER].iter().any(|known| sid.is(known))
}

/// Whether the account `own`, Administrators or the system own it.
pub fn is_ours(found: &Descriptor, own: &Sid) -> bool {
    is_trusted(&found.owner, own)
}

/// Whether somebody else may write what is in it, or change who may.
pub fn others_may_write(found: &Descriptor, own: &Sid) -> bool {
    granted(found, own, WRITE | EXCHANGE).is_some()
}

/// A file that is obeyed.
///
/// # Errors
/// Somebody else can change it.
pub fn file_is_safe(found: &Descriptor, own: &Sid) -> Result<(), String> {
    if !is_ours(found, own) {
        let owner = &found.owner;
        return Err(format!(
            "is refused: it belongs to {owner}, and the agent runs as an administrator; give it to Administrators ({MEND})"
        ));
    }
    let refused =
        |who| format!("is refused: {who} may write to it, and the agent runs as an administrator; {MEND}");
    granted(found, own, WRITE).map_or(Ok(()), |who| Err(refused(who)))
}

/// The directory of such a file.
///
/// # Errors
/// Somebody else can put another file in its place.
pub fn directory_is_safe(found: &Descriptor, own: &Sid) -> Result<(), String> {
    let who = if is_ours(found, own) { granted(found, own, EXCHANGE) } else { Some(found.owner.to_string()) };
    let refused =
        |who| format!("is refused: {who} may replace it, and the agent runs as an administrator; {MEND}");
    who.map_or(Ok(()), |who| Err(refused(who)))
}

/// A directory further up: others may make files in it, as in `C:\ProgramData`, but not rename or remove what is there.
///
/// # Errors
/// Somebody else can move away what is in it.
pub fn way_is_safe(found: &Descriptor, own: &Sid) -> Result<(), String> {
    let who = if is_ours(found, own) { granted(found, own, MOVE) } else { Some(found.owner.to_string()) };
    let refused = |who| {
        format!(
            "is refused: {who} may move a directory above it, and the agent runs as an administrator; {MEND}"
        )
    };
    who.map_or(Ok(()), |who| Err(refused(who)))
}

/// A file that holds the shared secret.
///
/// # Errors
/// Somebody else can read it.
pub fn secret_is_safe(found: &Descriptor, own: &Sid) -> Result<(), String> {
    let open = |who| format!("contains a secret, but {who} may read it; {MEND}");
    granted(found, own, READ).map_or(Ok(()), |who| Err(open(who)))
}

/// The first who is not trusted, and is allowed one of these rights. That another entry denies it is not relied on.
fn granted(found: &Descriptor, own: &Sid, rights: u32) -> Option<String> {
    let Some(grants) = &found.grants else { return Some("everybody".into()) };
    let mut those = grants.iter().filter(|grant| grant.rights & rights != 0);
    those.find_map(|grant| match &grant.to {
        None => Some("somebody".into()),
        Some(sid)
            if is_trusted(sid, own) || sid == &found.owner || sid.is_owner() || sid.is_placeholder() =>
        {
            None
        }
        Some(sid) => Some(sid.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::made::{Entry, descriptor, sid, sid_of};
    use super::*;

    const FULL: u32 = 0x001f_01ff;
    const READ_AND_RUN: u32 = 0x0012_00a9;

    fn of(owner: &[u32], entries: Option<&[Entry]>) -> Descriptor {
        Descriptor::parse(&descriptor(&sid(owner), entries)).unwrap()
    }

    fn own() -> Sid {
        Sid::parse(&sid(&[18])).unwrap()
    }

    fn ours() -> Vec<Entry> {
        vec![(0, 0, FULL, sid(SYSTEM)), (0, 0, FULL, sid(ADMINISTRATORS))]
    }

    fn with(rights: u32, whom: Vec<u8>) -> Descriptor {
        of(ADMINISTRATORS, Some(&[ours(), vec![(0, 0, rights, whom)]].concat()))
    }

    fn users() -> Vec<u8> {
        sid(&[32, 545])
    }

    #[test]
    fn only_a_file_that_nobody_else_can_change_is_obeyed() {
        for owner in [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER] {
            assert_eq!(file_is_safe(&of(owner, Some(&ours())), &own()), Ok(()), "{owner:?}");
        }
        assert_eq!(file_is_safe(&with(READ_AND_RUN, users()), &own()), Ok(()));
        let his = of(&[21, 1, 2, 3, 1001], Some(&ours()));
        assert!(file_is_safe(&his, &own()).unwrap_err().contains("belongs to S-1-5-21-1-2-3-1001"));
        assert_eq!(file_is_safe(&his, &his.owner), Ok(()), "he runs it himself");
        assert!(file_is_safe(&of(SYSTEM, None), &own()).unwrap_err().contains("everybody"));
        for right in [0x2, 0x4, 0x1_0000, 0x4_0000, 0x8_0000, 0x4000_0000, 0x1000_0000] {
            let why = file_is_safe(&with(right, users()), &own()).unwrap_err();
            assert!(why.contains("S-1-5-32-545 may write to it"), "{right:x}: {why}");
        }
    }

    #[test]
    fn a_directory_where_others_can_exchange_the_file_is_refused() {
        assert_eq!(directory_is_safe(&with(READ_AND_RUN, users()), &own()), Ok(()));
        for right in [0x2, 0x40, 0x1_0000, 0x4_0000] {
            assert!(directory_is_safe(&with(right, users()), &own()).is_err(), "{right:x}");
        }
        assert!(directory_is_safe(&of(&[32, 545], Some(&ours())), &own()).is_err());
        // What Windows gives to directories in ProgramData for what users make there themselves.
        assert_eq!(directory_is_safe(&with(FULL, sid_of(3, &[0])), &own()), Ok(()));
    }

    #[test]
    fn above_a_program_others_may_make_files_but_move_nothing_away() {
        for (right, ok) in
            [(READ_AND_RUN, true), (0x2 | 0x4, true), (0x40, false), (0x1_0000, false), (FULL, false)]
        {
            assert_eq!(way_is_safe(&with(right, users()), &own()).is_ok(), ok, "{right:x}");
        }
        assert!(way_is_safe(&of(&[32, 545], Some(&ours())), &own()).is_err(), "a user owns it");
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        assert_eq!(secret_is_safe(&of(SYSTEM, Some(&ours())), &own()), Ok(()));
        assert!(secret_is_safe(&with(READ_AND_RUN, users()), &own()).unwrap_err().contains("may read it"));
        assert!(secret_is_safe(&with(0x8000_0000, sid_of(1, &[0])), &own()).is_err());
        assert!(secret_is_safe(&of(SYSTEM, None), &own()).is_err());
        let his = of(&[21, 1], Some(&[(0, 0, FULL, sid(&[21, 1]))]));
        assert_eq!(secret_is_safe(&his, &own()), Ok(()), "its owner can read it in any case");
    }

    #[test]
    fn entries_of_unknown_kinds_and_denials_are_not_relied_on() {
        let unknown = of(SYSTEM, Some(&[ours(), vec![(11, 0, 0x2, users())]].concat()));
        assert!(file_is_safe(&unknown, &own()).is_err());
        let denied = [(1, 0, FULL, users()), (0, 0, 0x2, users())];
        assert!(file_is_safe(&of(SYSTEM, Some(&denied)), &own()).is_err());
    }
}
