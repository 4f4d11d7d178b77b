//! Network interfaces, from netlink (rtnetlink(7)).

pub mod interfaces;
pub mod netlink;
pub mod route;
