//! The homes of a machine's users, from passwd(5).

use infiniservice_platform::linux::accounts::Entry;
use std::io::{self, BufRead, Read};

/// More users than any machine has, so that a made-up file costs little.
const MAX_USERS: usize = 10_000;
/// So much of the file is looked at.
const MAX_PASSWD_BYTES: usize = 4 << 20;
/// A longer line is taken for several, none of them whole.
const MAX_LINE_BYTES: u64 = 4 << 10;

/// A user's home.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Home {
    /// Below the root, without leading and trailing slashes; never empty.
    pub path: String,
    /// To whom it has to belong.
    pub uid: u32,
}

/// The homes, and whether there may be more than were read.
#[derive(Debug, Default)]
pub(crate) struct Homes {
    pub list: Vec<Home>,
    pub cut: bool,
}

/// Each home once. Lines that are not whole, relative paths, `..` and the root itself are left out. Read line by line: the
/// file may be of any length.
pub(crate) fn read(mut passwd: impl BufRead) -> io::Result<Homes> {
    let (mut list, mut bytes, mut line, mut cut) = (Vec::new(), 0, Vec::new(), false);
    loop {
        line.clear();
        let read = passwd.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        bytes += read;
        if read == 0 {
            break;
        }
        if list.len() >= MAX_USERS || bytes > MAX_PASSWD_BYTES {
            cut = true;
            break;
        }
        list.extend(home(&line));
    }
    list.sort();
    list.dedup();
    Ok(Homes { list, cut })
}

fn home(line: &[u8]) -> Option<Home> {
    let user = Entry::parse(line.trim_ascii_end())?;
    let path = String::from_utf8_lossy(user.home()?).into_owned();
    let path = path.strip_prefix('/')?.trim_matches('/');
    let plain = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    plain.then(|| Home { path: path.to_owned(), uid: user.id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_read_once_each_and_odd_ones_are_left_out() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nsys:x:3:3::/:/bin/sh\na:x:1000:1000:,,:/home/a/:/bin/sh\n\
                      b:x:1000:1000::/home/a:/bin/sh\nodd:x:1001:1::/home/../etc:/bin/sh\nrel:x:1002:1::home:/x\n\
                      torn:x:7\nbad:x:many:1::/home/bad:/x\n";
        let homes = read(passwd.as_bytes()).unwrap();
        assert_eq!(
            homes.list,
            [Home { path: "home/a".into(), uid: 1000 }, Home { path: "root".into(), uid: 0 }]
        );
    }
    #[test]
    fn a_file_of_any_length_is_read_up_to_a_bound_and_that_is_said() {
        let line = "a:x:1000:1000::/home/a:/bin/sh\n";
        assert!(!read(line.as_bytes()).unwrap().cut);
        let homes = read(io::BufReader::new(line.as_bytes().chain(io::repeat(b'x')))).unwrap();
        assert_eq!((homes.list.len(), homes.cut), (1, true));
        let many = read(line.repeat(MAX_USERS + 1).as_bytes()).unwrap();
        assert_eq!((many.list.len(), many.cut), (1, true));
    }
}
