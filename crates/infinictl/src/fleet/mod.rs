//! A client of a whole fleet, over the engine that its hubs share: who is there, and jobs over all of them.

mod access;
mod board;
mod followed;
mod junit;
mod nkey;
mod place;
mod table;

pub(crate) use access::{Role, user};
pub(crate) use board::{Board, Seen};
pub(crate) use followed::{Followed, machine};
pub(crate) use junit::junit;
pub(crate) use nkey::{KEY_BYTES, is_public, user as new_user};
pub(crate) use place::{FleetError, connect, snapshot};
pub(crate) use table::{Live, News};
