//! The routes, their middleware, and the start and stop of the server.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyface::photograph::Detector;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{
    CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware::Next};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;
use crate::config::Config;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::model::Models;
use crate::studio::Studio;
use crate::{access, api, connections, log, page};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Interval at which a stopping server checks whether its studios have finished.
const DRAIN_STEP: Duration = Duration::from_millis(20);

/// A server whose studios run.
pub struct Server {
    app: Arc<App>,
    studios: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts the threads of the studios. The first studio is the default. With a detector, faces
    /// in photos are detected and aligned.
    ///
    /// # Errors
    /// If there is no studio, two have the same name, or a thread cannot be started.
    pub fn start(
        studios: Vec<Box<dyn Studio>>,
        detector: Option<Detector>,
        config: Config,
    ) -> std::io::Result<Self> {
        let metrics = Arc::new(Metrics::default());
        let (models, studios) = Models::start(studios, &config, &metrics)?;
        let app = Arc::new(App::new(config, models, detector, metrics));
        Ok(Self { app, studios })
    }

    /// All routes with their middleware.
    pub fn router(&self) -> Router {
        let app = Arc::clone(&self.app);
        let guarded = api::routes()
            .route("/metrics", get(metrics))
            .route_layer(from_fn_with_state(Arc::clone(&app), access::key));
        Router::new()
            .merge(guarded)
            .route("/", get(page::index))
            .route("/page/{*file}", get(page::asset))
            .route("/openapi.json", get(openapi))
            .route("/files/{name}", get(kept_file))
            .route("/health", get(health))
            .route("/ready", get(ready))
            .fallback(not_found)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(app.config.max_body))
            .layer(from_fn_with_state(Arc::clone(&app), access::same_site))
            .layer(CatchPanicLayer::custom(
                |_: Box<dyn std::any::Any + Send>| ApiError::Internal.into_response(),
            ))
            .layer(from_fn_with_state(Arc::clone(&app), log::requests))
            .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(header(REFERRER_POLICY, "no-referrer"))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID))
            .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
            .layer(from_fn(own_request_id))
            .with_state(app)
    }

    /// Serves until `stop` resolves, then finishes the running requests and returns.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        tracing::info!("the studio is open at http://{}/", listener.local_addr()?);
        let stopping = Arc::new(Notify::new());
        let (app, notify) = (Arc::clone(&self.app), Arc::clone(&stopping));
        let graceful = async move {
            stop.await;
            tracing::info!("stopping: finishing the running requests");
            app.models.close();
            notify.notify_one();
        };
        let head_timeout = self.app.config.head_timeout;
        let serving = connections::serve(listener, self.router(), head_timeout, graceful);
        let drain = async {
            stopping.notified().await;
            tokio::time::sleep(self.app.config.drain).await;
        };
        tokio::select! {
            () = serving => {}
            () = drain => tracing::warn!("some requests were not finished in time"),
        }
        // A thread ends once all its jobs are finished or cancelled.
        let deadline = tokio::time::Instant::now() + self.app.config.drain;
        while !self.studios.iter().all(JoinHandle::is_finished)
            && tokio::time::Instant::now() < deadline
        {
            tokio::time::sleep(DRAIN_STEP).await;
        }
        Ok(())
    }
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Drops a caller's request id if it is longer than 64 bytes or not ASCII, because every line of
/// the log contains it.
async fn own_request_id(mut request: Request, next: Next) -> Response {
    let id = request.headers().get(&REQUEST_ID);
    if id.is_some_and(|id| id.len() > 64 || id.to_str().is_err()) {
        request.headers_mut().remove(&REQUEST_ID);
    }
    next.run(request).await
}

async fn health() -> &'static str {
    "ok\n"
}

async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    match app.models.are_open() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
    }
}

/// A file that a response named by URL.
async fn kept_file(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let file = app.kept.find(&name);
    let file = file.ok_or_else(|| ApiError::NotFound(format!("/files/{name}")))?;
    let kind = match name.rsplit_once('.') {
        Some((_, "jpg")) => "image/jpeg",
        Some((_, "webp")) => "image/webp",
        Some((_, "latent")) => "text/plain",
        _ => "image/png",
    };
    Ok(([(CONTENT_TYPE, kind)], file))
}

async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], app.metrics.text())
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], api::openapi())
}

async fn not_found(uri: Uri) -> ApiError {
    ApiError::NotFound(uri.path().to_owned())
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError::Method(method.to_string())
}
