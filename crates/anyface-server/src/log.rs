//! Logs and counts every request.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::request_id::RequestId;
use tracing::Instrument;

use crate::app::App;
use crate::metrics::Stage;

/// Runs a request in a span with its id. The span never contains the prompt.
pub(crate) async fn requests(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    // The pattern, not the path, because the number of Prometheus series must be bounded.
    let route = route.map_or("unknown", MatchedPath::as_str).to_owned();
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok());
    let method = request.method().as_str();
    let span = tracing::info_span!("request", id = id.unwrap_or_default(), method, route);
    async {
        let response = next.run(request).await;
        let (took, status) = (start.elapsed(), response.status().as_u16());
        app.metrics.stage(Stage::Total, took);
        app.metrics.answered(&route, status);
        let milliseconds = took.as_secs_f64() * 1000.0;
        match status {
            500.. => tracing::error!(status, milliseconds, "answered"),
            _ => tracing::info!(status, milliseconds, "answered"),
        }
        response
    }
    .instrument(span)
    .await
}
