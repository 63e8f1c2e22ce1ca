//! The files of the page, embedded in the binary.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

use crate::error::ApiError;

/// The folder `page/`.
static PAGE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/page");

/// Content security policy: only files of the page run, and images may also be data or blob URLs.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; \
    base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// `GET /`.
pub(crate) async fn index() -> Result<Response, ApiError> {
    file("index.html")
}

/// `GET /page/{file}`.
pub(crate) async fn asset(Path(path): Path<String>) -> Result<Response, ApiError> {
    file(&path)
}

fn file(path: &str) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound(format!("/page/{path}"));
    let kind = match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return Err(missing()),
    };
    let contents = PAGE.get_file(path).ok_or_else(missing)?.contents();
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        // A new binary may contain a new page.
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, contents).into_response())
}
