//! The page for people: three files that are in the program. It reads the API as everybody does.

use super::Body;
use super::reply::body;
use hyper::Response;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};

/// What a browser may do with the page: run and show these files, and read this server. Names that guests choose are
/// never read as markup: with trusted types the browser refuses even to try.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = include_str!("page/page.html");
const CSS: &str = concat!(include_str!("page/page.css"), include_str!("page/panels.css"));
/// One script of several files, each with one concern; the last one starts it.
const SCRIPT: &str = concat!(
    "'use strict';\n",
    include_str!("page/words.js"),
    include_str!("page/table.js"),
    include_str!("page/chart.js"),
    include_str!("page/detail.js"),
    include_str!("page/lists.js"),
    include_str!("page/live.js"),
    include_str!("page/start.js"),
);
const ICON: &str = include_str!("page/icon.svg");

/// The content type and the text of a file of the page.
pub(super) fn file(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "" => Some(("text/html; charset=utf-8", HTML)),
        "page.css" => Some(("text/css; charset=utf-8", CSS)),
        "page.js" => Some(("text/javascript; charset=utf-8", SCRIPT)),
        "icon.svg" => Some(("image/svg+xml", ICON)),
        _ => None,
    }
}

/// Answers with a file of the page.
pub(super) fn answer(name: &str) -> Response<Body> {
    let (content_type, text) = file(name).unwrap_or_default();
    let mut response = body(StatusCode::OK, content_type, text);
    let fields = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_no_other_server_and_has_no_script_or_style_of_its_own() {
        for text in [HTML, CSS, SCRIPT] {
            let elsewhere =
                text.match_indices("://").filter(|(at, _)| !text[at + 3..].starts_with("www.w3.org/"));
            assert_eq!(elsewhere.count(), 0);
        }
        for forbidden in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!HTML.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn guests_words_have_no_way_to_become_markup() {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
            assert!(!SCRIPT.contains(way), "{way}");
        }
    }

    #[test]
    fn every_file_has_its_headers() {
        for name in ["", "page.css", "page.js", "icon.svg"] {
            let response = answer(name);
            assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{name}");
            assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY, "{name}");
        }
        assert!(file("page").is_none());
    }
}
