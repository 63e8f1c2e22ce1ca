//! Who may call: keys, and no pages of other sites.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq;

use crate::app::{App, Caller};
use crate::error::ApiError;

/// Lets a request through that shows a known key, and notes whose it is.
pub(crate) async fn key(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let caller = find(&app.config.keys, request.headers()).ok_or(ApiError::Unauthorized)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn find(keys: &[String], headers: &HeaderMap) -> Option<Caller> {
    if keys.is_empty() {
        return Some(Caller(0));
    }
    let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, shown) = shown.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    // Every key is compared, each in the same time, so that time tells nothing.
    let same = |key: &String| bool::from(key.as_bytes().ct_eq(shown.trim().as_bytes()));
    keys.iter()
        .enumerate()
        .filter(|(_, key)| same(key))
        .fold(None, |_, (place, _)| Some(Caller(place)))
}

/// Refuses what a page of another site sends through its visitor's browser.
///
/// A server on the loopback address has no key, so the browser of its owner is the way in: a page may post a form to
/// it, or have its own name resolve to 127.0.0.1 and then read the answers too.
pub(crate) async fn same_site(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    check_site(&app, &request)?;
    Ok(next.run(request).await)
}

fn check_site(app: &App, request: &Request) -> Result<(), ApiError> {
    let text = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    let authority = request.uri().authority();
    let host = text(HOST).or_else(|| authority.map(|host| host.as_str()));
    if let Some(origin) = text(ORIGIN) {
        let origin = origin.split_once("://").map(|(_, host)| host);
        if origin.is_none() || origin != host {
            return Err(ApiError::Forbidden("requests from other sites are refused"));
        }
    }
    // Without keys the name must be one that no stranger can own.
    if app.config.keys.is_empty() && host.is_some_and(|host| !is_own_name(host)) {
        return Err(ApiError::Forbidden(
            "a server without keys is called by address or as localhost only",
        ));
    }
    Ok(())
}

fn is_own_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_known_by_its_key() {
        let keys = ["one".to_owned(), "two".to_owned()];
        let find = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            super::find(&keys, &headers)
        };
        assert_eq!(find("Bearer two"), Some(Caller(1)));
        assert_eq!(find("bearer one"), Some(Caller(0)));
        for wrong in ["Bearer three", "Bearer ", "Basic one", "one"] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
        assert_eq!(super::find(&keys, &HeaderMap::new()), None);
        assert_eq!(super::find(&[], &HeaderMap::new()), Some(Caller(0)));
    }

    #[test]
    fn addresses_and_localhost_are_own_names() {
        for own in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8080",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(is_own_name(own), "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example:80",
            "127.0.0.1.evil.example",
            "",
        ] {
            assert!(!is_own_name(foreign), "{foreign}");
        }
    }
}
