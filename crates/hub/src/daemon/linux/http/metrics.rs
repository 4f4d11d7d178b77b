//! `/metrics`, for Prometheus: all machines, those of a selector, or one under the names of `node_exporter`.

use super::super::clock;
use super::super::hub::Hub;
use super::Body;
use super::reply::{body, parameter, problem};
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use infiniservice_hub_core::exposition::{CONTENT_TYPE, Exposition, Options};
use infiniservice_hub_core::selector::Selector;
use infiniservice_protocol::clock::Now;
use std::cell::RefCell;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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

/// What a scrape asks for.
#[derive(Clone, Debug)]
pub(crate) struct Scrape {
    /// Which machines.
    pub(crate) what: What,
    /// Whose, where one hub is named.
    pub(crate) hub: Option<String>,
    /// What is not left out.
    pub(crate) options: Options,
}

/// Which machines a scrape asks for.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// All, and the program itself.
    All,
    /// Those of a selector.
    Selected(Selector),
    /// One.
    Machine(String),
    /// One under the names of `node_exporter`.
    Node(String),
}

/// Why there is nothing to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The machine is not known, or has no figures.
    Nothing,
    /// Several hubs have a machine of this name.
    Several(Vec<String>),
}

/// What can be scraped.
pub(crate) trait Scraped {
    /// Writes what is asked for.
    fn write(&self, text: &mut Exposition, now: Now, scrape: &Scrape) -> Result<(), Unanswered>;
}

impl Scraped for Hub {
    fn write(&self, text: &mut Exposition, now: Now, scrape: &Scrape) -> Result<(), Unanswered> {
        let (own, options) = (self.own(), scrape.options);
        let is_written = self.look(|fleet| match &scrape.what {
            What::All => {
                text.fleet(fleet, &own, now, options);
                true
            }
            What::Selected(selector) => {
                text.selected(fleet, now, options, selector);
                true
            }
            What::Machine(vm) => text.machine(fleet, now, options, vm).is_some(),
            What::Node(vm) => text.node(fleet, now, vm).is_some(),
        });
        if is_written { Ok(()) } else { Err(Unanswered::Nothing) }
    }
}

impl Scrape {
    fn parse(query: &str) -> Result<Self, String> {
        let selector = parameter(query, "select").map(|text| text.parse::<Selector>()).transpose();
        let selector = selector.map_err(|error| error.to_string())?;
        let names = parameter(query, "names");
        let what = match (parameter(query, "vm"), names.as_deref(), selector) {
            (Some(vm), None | Some("infini"), None) => What::Machine(vm),
            (Some(vm), Some("node"), None) => What::Node(vm),
            (None, None | Some("infini"), None) => What::All,
            (None, None | Some("infini"), Some(selector)) => What::Selected(selector),
            _ => return Err(WRONG.to_owned()),
        };
        Ok(Self { what, hub: parameter(query, "hub"), options: options(query)? })
    }
}

/// Answers a scrape with this query.
pub(crate) fn answer(scraped: &impl Scraped, query: &str) -> Response<Body> {
    let scrape = match Scrape::parse(query) {
        Ok(scrape) => scrape,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error),
    };
    let Ok(place) = PLACES.with(|places| Arc::clone(places).try_acquire_owned()) else {
        let error =
            format!("{MAX_UNREAD} scrapes are still being read, the most at one time; try again later");
        return problem(StatusCode::SERVICE_UNAVAILABLE, "QUEUE_FULL", &error);
    };
    TEXT.with_borrow_mut(|text| match scraped.write(text, clock::now(), &scrape) {
        Ok(()) => {
            let unread = Unread { text: text.take(), _place: place };
            body(StatusCode::OK, CONTENT_TYPE, Bytes::from_owner(unread))
        }
        // The scrape is to fail, so that `up` of this target is 0.
        Err(Unanswered::Nothing) => {
            let error = "this machine has no figures: it is not known, or its agent does not speak";
            problem(StatusCode::NOT_FOUND, "NOT_FOUND", error)
        }
        Err(Unanswered::Several(hubs)) => {
            let error = format!(
                "several hubs have a machine of this name: say which with hub={}",
                hubs.join(", hub=")
            );
            problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error)
        }
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

    #[test]
    fn what_does_not_go_together_is_named() {
        for wrong in ["names=node", "names=cats&vm=a", "vm=a&select=all", "names=node&select=all"] {
            assert_eq!(Scrape::parse(wrong).unwrap_err(), WRONG, "{wrong}");
        }
        let node = Scrape::parse("vm=a&names=node&hub=h1").unwrap();
        assert!(matches!(node.what, What::Node(vm) if vm == "a") && node.hub.as_deref() == Some("h1"));
    }
}
