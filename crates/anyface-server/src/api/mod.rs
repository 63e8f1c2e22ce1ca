//! The API: OpenAI's image endpoints, faces as latents, and MCP tools.

mod answer;
mod body;
mod check;
mod describe;
mod edits;
mod faces;
mod frame;
mod generations;
mod ignored;
mod mcp;
mod models;
mod output;
mod verify;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use crate::app::App;

/// The OpenAPI document, generated from the code.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "anyface",
        description = "Generates faces from descriptions and edits them by text. The image \
                       endpoints are compatible with OpenAI's API."
    ),
    paths(
        generations::create,
        edits::create,
        faces::create,
        describe::create,
        verify::create,
        models::list,
        models::retrieve
    ),
    components(schemas(answer::StreamEvent, answer::ServerSentEvent)),
    security((), ("key" = []))
)]
struct Document;

/// The OpenAPI 3.1 document of the API as JSON. The repository contains it as `openapi.json`.
pub fn openapi() -> String {
    let mut document = Document::openapi();
    let key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("key", key);
    // Plain maps and lists always serialize.
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// The routes of the API.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/images/generations", post(generations::create))
        .route("/v1/images/edits", post(edits::create))
        .route("/v1/faces", post(faces::create))
        .route("/v1/describe", post(describe::create))
        .route("/mcp", post(mcp::answer))
        .route("/v1/verify", post(verify::create))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{model}", get(models::retrieve))
}
