//! What the exporter answers over HTTP: `/metrics` and `/healthz`.

use super::super::http::{
    Body, From, Scrape, Scraped, Site, TEXT, Unanswered, What, body, misdirected, nothing, only_read, scraped,
};
use super::Exporter;
use super::table::Table;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use infiniservice_hub_core::exposition::{Exposition, Named};
use infiniservice_protocol::clock::Now;
use std::rc::Rc;

impl Site for Exporter {
    async fn answer(self: Rc<Self>, _from: From, request: Request<Incoming>) -> Response<Body> {
        if let Some(refusal) = misdirected(&request) {
            return refusal;
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => {
                scraped(&*self.table.borrow(), request.uri().query().unwrap_or_default())
            }
            (&Method::GET, "/healthz") => body(StatusCode::OK, TEXT, "ok\n"),
            (&Method::GET, _) => nothing(),
            _ => only_read(),
        }
    }

    fn let_go(&self) {}
}

impl Scraped for Table {
    fn write(&self, text: &mut Exposition, now: Now, scrape: &Scrape) -> Result<(), Unanswered> {
        let (hub, options) = (scrape.hub.as_deref(), scrape.options);
        match &scrape.what {
            What::All if hub.is_none() => {
                text.exporter(self.told(now, None), &self.own(now), now, options);
            }
            What::All => {
                text.of(self.told(now, hub), now, options);
            }
            What::Selected(selector) => {
                let meant = |one: &Named<'_>| selector.matches(one.vm, one.entry, now);
                text.of(self.told(now, hub).filter(meant), now, options);
            }
            What::Machine(vm) => {
                let named = self.of_name(now, vm, hub);
                if named.is_empty() {
                    return Err(Unanswered::Nothing);
                }
                text.of(named.into_iter(), now, options);
            }
            What::Node(vm) => {
                let named = self.of_name(now, vm, hub);
                match named.as_slice() {
                    [] => return Err(Unanswered::Nothing),
                    [one] => text.node_of(*one, now).map(drop).ok_or(Unanswered::Nothing)?,
                    several => {
                        let hubs = several.iter().filter_map(|one| one.hub).map(str::to_owned);
                        return Err(Unanswered::Several(hubs.collect()));
                    }
                }
            }
        }
        Ok(())
    }
}
