//! A security descriptor in its self-relative form, as Windows hands it out in bytes (`SECURITY_DESCRIPTOR_RELATIVE`): whose an object
//! is, and who may do what with it.

use std::fmt;

/// `SE_DACL_PRESENT` in the descriptor's control bits.
const LIST_IS_PRESENT: u16 = 0x4;
/// Of the descriptor, of a list, and of an entry up to its SID.
const LIST_HEADER_BYTES: usize = 8;
const ENTRY_HEADER_BYTES: usize = 8;
/// `INHERIT_ONLY_ACE`: it is for what is made in the object, and not for itself.
const INHERIT_ONLY: u8 = 0x8;
/// `ACCESS_ALLOWED_ACE_TYPE`, and the same with a condition behind its SID.
const ALLOWED: [u8; 2] = [0, 9];
/// Entries that deny, or that only say what is recorded.
const GRANTS_NOTHING: [u8; 12] = [1, 2, 3, 6, 7, 8, 10, 12, 13, 14, 15, 16];

/// Who somebody is (`SID`): an authority's number, and numbers that it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid {
    authority: u64,
    parts: Vec<u32>,
}

impl Sid {
    /// What begins with a SID.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let [1, count, authority @ ..] = bytes.get(..8)? else { return None };
        let authority = authority.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let parts = bytes.get(8..)?.get(..usize::from(*count) * 4)?;
        let parts = parts.chunks_exact(4).filter_map(|part| u32_at(part, 0)).collect();
        Some(Self { authority, parts })
    }

    /// Whether it is the one of these numbers, of `SECURITY_NT_AUTHORITY`.
    pub fn is(&self, parts: &[u32]) -> bool {
        self.authority == 5 && self.parts == parts
    }

    /// `CREATOR OWNER`, which nobody is: it stands for the owner of what is yet to be made.
    pub fn is_placeholder(&self) -> bool {
        self.authority == 3 && matches!(self.parts.as_slice(), [0 | 1])
    }

    /// `OWNER RIGHTS`: whoever owns the object.
    pub fn is_owner(&self) -> bool {
        self.authority == 3 && self.parts == [4]
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.parts.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

/// What an entry of the access list allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whom; `None` for an entry of a kind that is not known here.
    pub to: Option<Sid>,
    /// `ACCESS_MASK`.
    pub rights: u32,
}

/// Owner, and what is allowed to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Whose it is.
    pub owner: Sid,
    /// `None`: there is no list, and everybody may do everything.
    pub grants: Option<Vec<Grant>>,
}

impl Descriptor {
    /// Reads one; `None` where it is not whole.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let owner = Sid::parse(bytes.get(offset_at(bytes, 4)?..)?)?;
        let list = offset_at(bytes, 16)?;
        let has_list = u16_at(bytes, 2)? & LIST_IS_PRESENT != 0 && list != 0;
        let grants = if has_list { Some(grants(bytes.get(list..)?)?) } else { None };
        Some(Self { owner, grants })
    }
}

fn grants(list: &[u8]) -> Option<Vec<Grant>> {
    let mut rest = list.get(LIST_HEADER_BYTES..usize::from(u16_at(list, 2)?))?;
    let mut grants = Vec::new();
    for _ in 0..u16_at(list, 4)? {
        let size = usize::from(u16_at(rest, 2)?);
        let (entry, after) = rest.split_at_checked(size.max(ENTRY_HEADER_BYTES))?;
        if grants_something(entry) {
            grants.push(grant(entry)?);
        }
        rest = after;
    }
    Some(grants)
}

fn grants_something(entry: &[u8]) -> bool {
    !matches!(entry, [kind, flags, ..] if flags & INHERIT_ONLY != 0 || GRANTS_NOTHING.contains(kind))
}

/// What one entry allows; `None` where it is not whole.
fn grant(entry: &[u8]) -> Option<Grant> {
    let is_known = ALLOWED.contains(entry.first()?);
    let to = if is_known { Some(Sid::parse(entry.get(ENTRY_HEADER_BYTES..)?)?) } else { None };
    Some(Grant { to, rights: u32_at(entry, 4)? })
}

fn offset_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
pub mod made {
    //! Descriptors for tests.

    /// A SID of `SECURITY_NT_AUTHORITY`.
    pub fn sid(parts: &[u32]) -> Vec<u8> {
        sid_of(5, parts)
    }

    /// Of any authority.
    pub fn sid_of(authority: u8, parts: &[u32]) -> Vec<u8> {
        let mut bytes = vec![1, parts.len() as u8, 0, 0, 0, 0, 0, authority];
        bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
        bytes
    }

    /// An entry: kind, flags, rights, SID.
    pub type Entry = (u8, u8, u32, Vec<u8>);

    /// A descriptor with this owner and this list.
    pub fn descriptor(owner: &[u8], entries: Option<&[Entry]>) -> Vec<u8> {
        let list = entries.map(list).unwrap_or_default();
        let at = if entries.is_some() { 20 + owner.len() as u32 } else { 0 };
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend([20, 0, 0, at].iter().flat_map(|offset: &u32| offset.to_le_bytes()));
        bytes.extend(owner);
        bytes.extend(list);
        bytes
    }

    fn list(entries: &[Entry]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, flags, rights, sid) in entries {
            body.extend([*kind, *flags]);
            body.extend((8 + sid.len() as u16).to_le_bytes());
            body.extend(rights.to_le_bytes());
            body.extend(sid);
        }
        let mut bytes = vec![2, 0];
        bytes.extend((8 + body.len() as u16).to_le_bytes());
        bytes.extend((entries.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(body);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::made::{descriptor, sid, sid_of};
    use super::*;
    use proptest::prelude::*;

    const FULL: u32 = 0x001f_01ff;

    #[test]
    fn owner_and_grants_are_read_and_what_grants_nothing_is_left_out() {
        let (system, world) = (sid(&[18]), sid_of(1, &[0]));
        let entries = [
            (1, 0, FULL, world.clone()),
            (0, 0, FULL, system.clone()),
            (0, INHERIT_ONLY | 3, FULL, world.clone()),
            (9, 0, 0x2, world.clone()),
            (5, 0, 0x4, world),
        ];
        let read = Descriptor::parse(&descriptor(&sid(&[32, 544]), Some(&entries))).unwrap();
        assert_eq!(read.owner.to_string(), "S-1-5-32-544");
        let grants: Vec<_> = read.grants.unwrap().into_iter().map(|g| (g.to, g.rights)).collect();
        let world = Sid { authority: 1, parts: vec![0] };
        assert_eq!(grants, [(Sid::parse(&system), FULL), (Some(world), 0x2), (None, 0x4)]);
    }

    #[test]
    fn an_absent_list_is_not_an_empty_one() {
        let owner = sid(&[18]);
        assert_eq!(Descriptor::parse(&descriptor(&owner, None)).unwrap().grants, None);
        assert_eq!(Descriptor::parse(&descriptor(&owner, Some(&[]))).unwrap().grants, Some(vec![]));
    }

    #[test]
    fn one_that_is_cut_anywhere_is_not_read() {
        let whole = descriptor(&sid(&[18]), Some(&[(0, 0, FULL, sid(&[18])), (0, 0, 1, sid(&[32, 545]))]));
        assert!(Descriptor::parse(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(Descriptor::parse(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Descriptor::parse(&bytes);
        }
    }
}
