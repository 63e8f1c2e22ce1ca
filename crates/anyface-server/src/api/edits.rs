//! `POST /v1/images/edits`: a face changed in words. As a form, as OpenAI's SDKs send it, or as JSON.

use std::sync::Arc;

use axum::Extension;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{ImagesResponse, Work};
use super::body::{Json, data_url, in_time, media_type, parse_value};
use super::check;
use super::output::{Background, FileFormat, Quality, ResponseFormat, Wish};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::photo;
use crate::studio::{Edit, FaceSource, Task};

/// Most fields of a form.
const MAX_FIELDS: usize = 64;

/// A request to change the face in a picture. Fields not listed here are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditRequest {
    /// The picture, exactly one.
    #[schema(min_items = 1, max_items = 1)]
    #[serde(default)]
    images: Vec<ImageReference>,
    /// What to change, in any words.
    #[schema(min_length = 1, max_length = 4000, example = "smiling, with glasses")]
    prompt: String,
    /// A name from `GET /v1/models`.
    model: Option<String>,
    /// An edit has one result.
    #[schema(minimum = 1, maximum = 1)]
    n: Option<usize>,
    /// "auto" (the model's own) or a square, to which the image is scaled.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    size: Option<String>,
    #[expect(dead_code, reason = "all its values mean the same")]
    quality: Option<Quality>,
    background: Option<Background>,
    output_format: Option<FileFormat>,
    /// Quality of JPEG files.
    #[schema(minimum = 0, maximum = 100)]
    output_compression: Option<u8>,
    response_format: Option<ResponseFormat>,
    /// Send every image as a server-sent event as soon as it is there.
    stream: Option<bool>,
    /// Unfinished pictures; with `stream` only.
    #[schema(minimum = 0, maximum = 3)]
    partial_images: Option<usize>,
    /// Who asks; goes to the log.
    #[schema(max_length = 256)]
    user: Option<String>,
    /// Edits change the whole face: there are no masks.
    #[schema(ignore)]
    mask: Option<Value>,
    /// There is one fidelity.
    #[schema(ignore)]
    input_fidelity: Option<String>,
    /// How much to change, −1 (the opposite) to 1.
    #[schema(minimum = -1, maximum = 1)]
    strength: Option<f64>,
    /// What must stay as it is, in words.
    #[schema(max_items = 16)]
    #[serde(default)]
    keep: Vec<String>,
    /// Send the latent too.
    latents: Option<bool>,
}

/// A picture in a JSON request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageReference {
    /// A data URL: this server fetches no addresses.
    #[schema(example = "data:image/png;base64,...")]
    image_url: String,
}

/// The same request as a form: the picture in `image`, the other fields as text.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the shape of the form, for the document only")]
pub(crate) struct EditForm {
    /// A picture file: PNG, JPEG, WebP, GIF, TIFF, BMP or PNM.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// What to change, in any words.
    prompt: String,
    model: Option<String>,
    size: Option<String>,
    output_format: Option<FileFormat>,
    response_format: Option<ResponseFormat>,
    stream: Option<bool>,
    strength: Option<f64>,
    keep: Option<Vec<String>>,
}

/// A face changed in words
#[utoipa::path(
    post, path = "/v1/images/edits", tag = "images", operation_id = "createImageEdit",
    request_body(content((EditRequest = "application/json"), (EditForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "The image; with `stream`, as `StreamEvent`.",
            content((ImagesResponse = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
        (status = "5XX", description = "Failed", body = ErrorBody, content_type = "application/json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let deadline = app.deadline();
    let (asked, file) = match media_type(request.headers()).as_str() {
        "application/json" => {
            let Json(asked) = Json::<EditRequest>::from_request(request, &app).await?;
            let file = match asked.images.as_slice() {
                [image] => data_url(&image.image_url, "images")?,
                images => return Err(one_picture("images", images.len())),
            };
            (asked, file)
        }
        "multipart/form-data" => {
            let (asked, mut files) = in_time(&app, form(request, &app)).await?;
            match (files.pop(), files.len()) {
                (Some(file), 0) => (asked, file),
                (file, rest) => {
                    return Err(one_picture("image", rest + usize::from(file.is_some())));
                }
            }
        }
        _ => {
            return Err(ApiError::MediaType(
                "multipart/form-data or application/json",
            ));
        }
    };
    check::model(&app, asked.model.as_deref())?;
    check::unsupported("mask", asked.mask.is_some())?;
    check::unsupported("input_fidelity", asked.input_fidelity.is_some())?;
    check::user(asked.user.as_deref())?;
    check::text("prompt", &asked.prompt)?;
    check::keep(&asked.keep)?;
    check::count(asked.n, 1)?;
    let stream = asked.stream.unwrap_or_default();
    let sketches = check::sketches(asked.partial_images, stream)?;
    let strength = check::strength("strength", asked.strength)?;
    let output = Wish {
        size: asked.size,
        format: asked.output_format,
        compression: asked.output_compression,
        response: asked.response_format,
        latents: asked.latents,
        background: asked.background,
    }
    .check(&app)?;
    let task = Task {
        source: FaceSource::Photo(photo::face(&app, file, "image").await?),
        edits: vec![Edit {
            text: asked.prompt,
            strength,
            keep: asked.keep,
        }],
        sketches,
    };
    let work = Work::start(app, caller, vec![task], output, deadline)?;
    match stream {
        true => Ok(work.events("image_edit")),
        false => work.json().await,
    }
}

fn one_picture(param: &'static str, found: usize) -> ApiError {
    ApiError::invalid(param, format!("send one picture of one face, not {found}"))
}

/// Reads a form into the same request, and the files beside it.
async fn form(request: Request, app: &Arc<App>) -> Result<(EditRequest, Vec<Vec<u8>>), ApiError> {
    let fault = |error: MultipartError| match error.status().as_u16() {
        413 => ApiError::TooLarge(app.config.max_body),
        _ => ApiError::Invalid {
            message: format!("the form cannot be read: {}", error.body_text()),
            param: None,
        },
    };
    let form = Multipart::from_request(request, app).await;
    let mut form = form.map_err(|error| ApiError::Invalid {
        message: format!("the form cannot be read: {}", error.body_text()),
        param: None,
    })?;
    let (mut fields, mut files) = (Map::new(), Vec::new());
    for count in 0.. {
        let Some(field) = form.next_field().await.map_err(fault)? else {
            break;
        };
        if count == MAX_FIELDS {
            let message = format!("a form must have at most {MAX_FIELDS} fields");
            return Err(ApiError::Invalid {
                message,
                param: None,
            });
        }
        // SDKs write the name of a list with brackets behind it.
        let name = field.name().unwrap_or_default();
        let name = name.strip_suffix("[]").unwrap_or(name).to_owned();
        let bytes = field.bytes().await.map_err(fault)?;
        match name.as_str() {
            "image" => files.push(bytes.to_vec()),
            "mask" => check::unsupported("mask", true)?,
            _ => {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| ApiError::invalid(&name, format!("{name} must be UTF-8 text")))?;
                insert(&mut fields, name, text)?;
            }
        }
    }
    Ok((parse_value(Value::Object(fields))?, files))
}

/// Puts a field of a form, which is text, into a JSON object with the type it has there.
fn insert(fields: &mut Map<String, Value>, name: String, text: String) -> Result<(), ApiError> {
    let value = match name.as_str() {
        // A form has no nested objects.
        "images" => return Err(ApiError::UnknownParameter(name)),
        "keep" => {
            let list = fields
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(Value::String(text));
            }
            return Ok(());
        }
        "n" | "output_compression" | "stream" | "partial_images" | "strength" | "latents" => {
            // What is no number or truth value stays text, and is refused as such with the field's name.
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        _ => Value::String(text),
    };
    match fields.insert(name.clone(), value) {
        None => Ok(()),
        Some(_) => Err(ApiError::invalid(&name, format!("{name} is given twice"))),
    }
}
