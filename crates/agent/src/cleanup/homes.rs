//! The homes of a machine's users, from passwd(5).

/// More users than any machine has, so that a made-up file costs little.
const MAX_USERS: usize = 10_000;

/// A user's home.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Home {
    /// Below the root, without leading and trailing slashes; never empty.
    pub path: String,
    /// To whom it has to belong.
    pub uid: u32,
}

/// Each home once. Lines that are not whole, relative paths, `..` and the root itself are left out.
pub(crate) fn parse(passwd: &str) -> Vec<Home> {
    let mut homes: Vec<Home> = passwd.lines().take(MAX_USERS).filter_map(home).collect();
    homes.sort();
    homes.dedup();
    homes
}

fn home(line: &str) -> Option<Home> {
    let mut fields = line.split(':');
    let uid = fields.nth(2)?.parse().ok()?;
    let path = fields.nth(2)?.strip_prefix('/')?.trim_matches('/');
    let plain = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    plain.then(|| Home { path: path.to_owned(), uid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_read_once_each_and_odd_ones_are_left_out() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nsys:x:3:3::/:/bin/sh\na:x:1000:1000:,,:/home/a/:/bin/sh\n\
                      b:x:1000:1000::/home/a:/bin/sh\nodd:x:1001:1::/home/../etc:/bin/sh\nrel:x:1002:1::home:/x\n\
                      torn:x:7\nbad:x:many:1::/home/bad:/x\n";
        let homes = parse(passwd);
        assert_eq!(homes, [Home { path: "home/a".into(), uid: 1000 }, Home { path: "root".into(), uid: 0 }]);
    }
}
