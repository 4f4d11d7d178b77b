//! Requests that come by a name which is not this server's.

use super::Body;
use super::reply::problem;
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};

/// The refusal of a request from the network whose `Host` is a name: a page in a browser must not get at this by a name of its own
/// that leads here (DNS rebinding).
pub(crate) fn misdirected(request: &Request<Incoming>) -> Option<Response<Body>> {
    let refusal = || {
        let error = "use this server's IP address, or localhost";
        problem(StatusCode::MISDIRECTED_REQUEST, "INVALID_MESSAGE", error)
    };
    (!names_an_address(request.headers().get(HOST))).then(refusal)
}

/// Whether the `Host` of a request is an address or this machine itself.
fn names_an_address(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || bare.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_reach_the_api_over_tcp() {
        let host = |text: &str| names_an_address(Some(&HeaderValue::from_str(text).unwrap()));
        assert!(host("127.0.0.1:9756") && host("localhost:9756") && host("[::1]:9756") && host("10.0.0.1"));
        assert!(!host("evil.example:9756") && !host("localhost.evil.example") && !names_an_address(None));
    }
}
