//! `/metrics`, for Prometheus: all machines, those of a selector, or one under the names of `node_exporter`.

use super::super::clock;
use super::super::hub::Hub;
use super::Body;
use super::reply::{body, parameter, problem};
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use infiniservice_hub_core::exposition::{Exposition, Options};
use infiniservice_hub_core::selector::Selector;
use std::cell::RefCell;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Prometheus's text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers that are read at one time: one of a large host has 20 MB.
const MAX_UNREAD: usize = 16;

thread_local! {
    /// Its memory is used again at the next scrape.
    static TEXT: RefCell<Exposition> = RefCell::default();
    static PLACES: Arc<Semaphore> = Arc::new(Semaphore::new(MAX_UNREAD));
}

/// An answer that is being read: it is not copied, and its memory comes back.
struct Unread {
    text: String,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.text);
        TEXT.with(|kept| {
            // It is dropped in the midst of no other scrape, but for one that is refused.
            if let Ok(mut kept) = kept.try_borrow_mut() {
                kept.give(text);
            }
        });
    }
}

/// Answers a scrape with this query.
pub(super) fn answer(hub: &Hub, query: &str) -> Response<Body> {
    let options = match options(query) {
        Ok(options) => options,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error),
    };
    let selector = match parameter(query, "select").map(|text| text.parse::<Selector>()).transpose() {
        Ok(selector) => selector,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error.to_string()),
    };
    let Ok(place) = PLACES.with(|places| Arc::clone(places).try_acquire_owned()) else {
        let error =
            format!("{MAX_UNREAD} scrapes are still being read, the most at one time; try again later");
        return problem(StatusCode::SERVICE_UNAVAILABLE, "QUEUE_FULL", &error);
    };
    let (vm, names) = (parameter(query, "vm"), parameter(query, "names"));
    let own = hub.own();
    TEXT.with_borrow_mut(|text| {
        hub.look(|fleet| {
            let now = clock::now();
            let found = match (vm.as_deref(), names.as_deref(), &selector) {
                (Some(vm), None | Some("infini"), None) => text.machine(fleet, now, options, vm),
                (Some(vm), Some("node"), None) => text.node(fleet, now, vm),
                (None, None | Some("infini"), None) => Some(text.fleet(fleet, &own, now, options)),
                (None, None | Some("infini"), Some(selector)) => {
                    Some(text.selected(fleet, now, options, selector))
                }
                _ => return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", WRONG),
            };
            match found {
                Some(_) => body(
                    StatusCode::OK,
                    EXPOSITION,
                    Bytes::from_owner(Unread { text: text.take(), _place: place }),
                ),
                // The scrape is to fail, so that `up` of this target is 0.
                None => problem(
                    StatusCode::NOT_FOUND,
                    "NOT_FOUND",
                    "this machine has no figures: it is not known, or its agent does not speak",
                ),
            }
        })
    })
}

const WRONG: &str = "`names` must be infini or node; node goes with `vm`, and `vm` does not go with `select`";

/// `all=interfaces,filesystems`: what is left out otherwise.
fn options(query: &str) -> Result<Options, String> {
    let mut options = Options::default();
    for name in parameter(query, "all").iter().flat_map(|all| all.split(',')) {
        match name {
            "interfaces" => options.all_interfaces = true,
            "filesystems" => options.all_file_systems = true,
            _ => return Err(format!("`all` must be interfaces, filesystems or both, not {name:?}")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_can_be_asked_for_and_nothing_else() {
        assert_eq!(options(""), Ok(Options::default()));
        assert_eq!(options("all=interfaces,filesystems"), Ok(Options::everything()));
        assert!(options("all=cats").unwrap_err().contains("interfaces, filesystems"));
    }
}
