//! Bodies of requests: parsing with readable errors.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::ApiError;
use crate::studio::{About, LatentValues};

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        if media_type(request.headers()) != "application/json" {
            return Err(ApiError::MediaType("application/json"));
        }
        let bytes = bytes(request, app).await?;
        parse(&mut serde_json::Deserializer::from_slice(&bytes), true).map(Self)
    }
}

/// The media type of a body, without parameters and in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let value = value.unwrap_or_default().split(';').next();
    value.unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads a body by `reading`, within the timeout.
pub(crate) async fn in_time<T>(
    app: &App,
    reading: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let limit = app.config.timeout;
    let read = tokio::time::timeout(limit, reading).await;
    read.unwrap_or(Err(ApiError::SlowBody(limit)))
}

/// The whole body, within the limits of size and time.
pub(super) async fn bytes(request: Request, app: &Arc<App>) -> Result<Bytes, ApiError> {
    let reading = async { Ok(Bytes::from_request(request, app).await) };
    let read = in_time(app, reading).await?;
    read.map_err(|refused| match refused.status().as_u16() {
        413 => ApiError::TooLarge(app.config.max_body),
        _ => ApiError::Invalid {
            message: "the body ended early".to_owned(),
            param: None,
        },
    })
}

/// Parses a request from JSON. With `to_end`, an error if anything follows it.
pub(crate) fn parse<'de, T, R>(
    source: &mut serde_json::Deserializer<R>,
    to_end: bool,
) -> Result<T, ApiError>
where
    T: DeserializeOwned,
    R: serde_json::de::Read<'de>,
{
    let value = serde_path_to_error::deserialize(&mut *source).map_err(fault)?;
    if to_end {
        source.end().map_err(|error| ApiError::Invalid {
            message: format!("the body is not valid JSON: {error}"),
            param: None,
        })?;
    }
    Ok(value)
}

/// Parses a request from a JSON value.
pub(crate) fn parse_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(fault)
}

/// Converts an error of serde into one of the API.
fn fault(error: serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let message = without_position(&error.inner().to_string());
    let unknown = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'));
    if let Some((field, _)) = unknown {
        return ApiError::UnknownParameter(match path.rsplit_once('.') {
            Some((parent, _)) => format!("{parent}.{field}"),
            None => field.to_owned(),
        });
    }
    let inner = error.into_inner();
    if inner.is_syntax() || inner.is_eof() {
        return ApiError::Invalid {
            message: format!("the body is not valid JSON: {inner}"),
            param: None,
        };
    }
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    match (missing, path.as_str()) {
        (Some(field), ".") => ApiError::invalid(field, format!("`{field}` is missing")),
        (Some(field), path) => {
            let field = format!("{path}.{field}");
            ApiError::invalid(&field, format!("`{field}` is missing"))
        }
        (None, ".") => ApiError::Invalid {
            message: expectation(&message, "the body"),
            param: None,
        },
        (None, path) => ApiError::invalid(path, expectation(&message, &format!("`{path}`"))),
    }
}

/// A message of serde_json without line and column.
fn without_position(message: &str) -> String {
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(rest, _)| rest);
    message.to_owned()
}

/// A message of serde_json in plain English: `invalid type: string "two", expected usize` becomes
/// "`n` must be a whole number from 0, not "two"".
fn expectation(message: &str, field: &str) -> String {
    let types = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = types.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{field} must be {}, not {}", kind(expected), thing(found));
    }
    let variant = message
        .strip_prefix("unknown variant `")
        .and_then(|rest| rest.split_once("`, expected "));
    match variant {
        Some((found, expected)) => {
            let expected = expected.trim_start_matches("one of ");
            format!("{field} must be one of {expected}, not `{found}`")
        }
        None => format!("{field}: {message}"),
    }
}

/// The expected type, for people.
fn kind(expected: &str) -> &str {
    match expected {
        "u8" | "u32" | "u64" | "usize" => "a whole number from 0",
        "f32" | "f64" => "a number",
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        _ if expected.starts_with("struct") || expected.contains("map") => "an object",
        _ if expected.contains("enum") || expected.contains("variant") => "one of its values",
        other => other,
    }
}

/// The value found, for people.
fn thing(found: &str) -> &str {
    match found.split_once(' ') {
        Some(("integer" | "boolean" | "string", value)) => value,
        Some(("floating", rest)) => rest.trim_start_matches("point "),
        _ if found == "map" => "an object",
        _ if found == "sequence" => "a list",
        _ => found,
    }
}

/// The picture file at a data URL, or at an address that this server returned.
pub(crate) fn picture(app: &App, url: &str, param: &'static str) -> Result<Bytes, ApiError> {
    let name = url.rsplit_once("/files/").map(|(_, name)| name);
    match name.and_then(|name| app.kept.find(name)) {
        Some(file) => Ok(file),
        None => data_url(url, param).map(Bytes::from),
    }
}

/// The file in a data URL.
fn data_url(url: &str, param: &'static str) -> Result<Vec<u8>, ApiError> {
    let encoded = url
        .strip_prefix("data:image/")
        .and_then(|rest| rest.split_once(";base64,"));
    let Some((_, encoded)) = encoded else {
        let message = "a picture must be a data URL, \"data:image/png;base64,...\", or the \
             address of a file that this server returned in the last hour";
        return Err(ApiError::invalid(param, message));
    };
    let decoded = BASE64_STANDARD.decode(encoded);
    decoded.map_err(|e| ApiError::invalid(param, format!("the picture is not valid base64: {e}")))
}

/// Encodes a latent as base64 of its little-endian 32-bit floats.
pub(crate) fn encode_latent(latent: &LatentValues) -> String {
    let bytes: Vec<u8> = latent.0.iter().flat_map(|x| x.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// Decodes a latent of a model.
pub(crate) fn decode_latent(
    about: &About,
    text: &str,
    param: &str,
) -> Result<LatentValues, ApiError> {
    let [layers, width] = about.latent;
    let values = BASE64_STANDARD.decode(text).ok().and_then(|bytes| {
        let (floats, rest) = bytes.as_chunks::<4>();
        rest.is_empty().then(|| {
            floats
                .iter()
                .map(|x| f32::from_le_bytes(*x))
                .collect::<Vec<_>>()
        })
    });
    match values {
        Some(values) if values.len() == layers * width && values.iter().all(|x| x.is_finite()) => {
            Ok(LatentValues(values))
        }
        _ => Err(ApiError::invalid(
            param,
            format!(
                "a latent must be the base64 of {layers} x {width} little-endian 32-bit floats"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Asked {
        n: Option<usize>,
        strength: Option<f64>,
        kind: Option<Kind>,
        prompt: String,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Png,
        Jpeg,
    }

    #[test]
    fn errors_are_in_plain_english() {
        for (body, says) in [
            (
                r#"{"prompt": "a", "n": -1}"#,
                "`n` must be a whole number from 0, not `-1`",
            ),
            (
                r#"{"prompt": "a", "n": "two"}"#,
                "`n` must be a whole number from 0, not \"two\"",
            ),
            (
                r#"{"prompt": "a", "strength": {}}"#,
                "`strength` must be a number, not an object",
            ),
            (
                r#"{"prompt": "a", "kind": "gif"}"#,
                "`kind` must be one of `png` or `jpeg`, not `gif`",
            ),
            (r#"{"prompt": 7}"#, "`prompt` must be a text, not `7`"),
            (r#"{"n": 1}"#, "`prompt` is missing"),
        ] {
            let error = parse::<Asked, _>(&mut serde_json::Deserializer::from_str(body), true);
            let error = error.unwrap_err().to_string();
            assert_eq!(error, says, "{body}");
        }
    }
}
