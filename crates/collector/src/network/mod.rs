//! Network interfaces, from netlink (rtnetlink(7)).

pub(crate) mod interfaces;
pub(crate) mod netlink;
pub mod route;
