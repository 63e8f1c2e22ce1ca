//! Access control: API keys, and no requests from other sites.

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

/// Passes requests with a valid key, and stores the caller in their extensions.
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
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    // All keys are compared in constant time, so that the duration reveals nothing.
    let same = |known: &String| bool::from(known.as_bytes().ct_eq(key.trim().as_bytes()));
    keys.iter()
        .enumerate()
        .filter(|(_, known)| same(known))
        .fold(None, |_, (index, _)| Some(Caller(index)))
}

/// Refuses requests that a page of another site sends through its visitor's browser.
///
/// A server on the loopback address needs no key, so such a page could post forms to it (CSRF), or
/// let its own name resolve to 127.0.0.1 and read the responses (DNS rebinding).
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
    // Without keys, the host must be a name that nobody else can own.
    if app.config.keys.is_empty() && host.is_some_and(|host| !is_own_name(host)) {
        return Err(ApiError::Forbidden(
            "a server without keys accepts requests only by IP address or as localhost",
        ));
    }
    Ok(())
}

/// Whether a host is an IP address or localhost.
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
    fn a_key_identifies_its_caller() {
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
