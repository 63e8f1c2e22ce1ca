//! Requests and responses of the tests.

use std::io::Cursor;
use std::time::Duration;

use anyface_server::{Config, Server};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::Painter;

/// A server with two models.
pub(crate) fn router(config: Config) -> Router {
    let studios = ["painter", "sketcher"].map(|name| Painter::boxed(Duration::ZERO, name));
    let server = Server::start(studios.into(), None, config).expect("threads");
    server.router()
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await;
    (status, body.expect("a body").to_vec())
}

pub(crate) fn request(path: &str, body: &Value) -> Request<Body> {
    Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

pub(crate) async fn post(router: &Router, path: &str, body: &Value) -> (StatusCode, Value) {
    let (status, body) = send(router, request(path, body)).await;
    (status, serde_json::from_slice(&body).expect("JSON"))
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]));
    image
        .write_to(&mut file, image::ImageFormat::Png)
        .expect("a PNG file");
    file.into_inner()
}

pub(crate) fn data_url(file: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(file))
}

pub(crate) fn image_of(item: &Value) -> Vec<u8> {
    let text = item["b64_json"].as_str().expect("an image");
    BASE64_STANDARD.decode(text).expect("base64")
}
