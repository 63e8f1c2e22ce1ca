//! `POST /v1/images/edits`: edits of the face in a picture. The request is JSON or a form, as
//! OpenAI's SDKs send it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{ImagesResponse, Original, Work, base};
use super::body::{Json, in_time, media_type, parse_value, picture};
use super::check;
use super::ignored::Ignored;
use super::output::{Background, FileFormat, Moderation, Quality, ResponseFormat, Wish};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::photo::Upload;
use crate::studio::{Edit, FaceSource, Task};

/// Largest number of pictures per request, as in OpenAI's API.
const MAX_IMAGES: usize = 16;

/// Largest number of fields in a form.
const MAX_FIELDS: usize = 64;

/// A request to edit the face in a picture. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditRequest {
    /// The picture to edit. Further pictures are accepted without effect.
    #[schema(min_items = 1, max_items = 16)]
    #[serde(default)]
    images: Vec<ImageReference>,
    /// Description of the change, in any words.
    #[schema(min_length = 1, max_length = 32000, example = "smiling, with glasses")]
    prompt: String,
    /// Name of a model from `GET /v1/models`. Default: the first model.
    model: Option<String>,
    /// Number of results. The first has the full strength, the others have decreasing strengths.
    #[schema(minimum = 1, maximum = 10)]
    n: Option<usize>,
    /// "auto" (the size of the picture) or "WIDTHxHEIGHT". Images are fitted into it, not cropped.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    size: Option<String>,
    quality: Option<Quality>,
    background: Option<Background>,
    moderation: Option<Moderation>,
    output_format: Option<FileFormat>,
    /// Quality of JPEG files.
    #[schema(minimum = 0, maximum = 100)]
    output_compression: Option<u8>,
    response_format: Option<ResponseFormat>,
    /// Whether to send each image as a server-sent event as soon as it is finished.
    stream: Option<bool>,
    /// Number of partial images per image. Needs `stream`.
    #[schema(minimum = 0, maximum = 3)]
    partial_images: Option<usize>,
    /// Identifier of the end user, for the log.
    #[schema(max_length = 256)]
    user: Option<String>,
    /// A picture of the same aspect ratio, transparent where the picture to edit may change.
    mask: Option<ImageReference>,
    /// Whether the picture keeps its own details.
    input_fidelity: Option<Fidelity>,
    /// Index of the face in the picture; 0 is the largest.
    #[schema(minimum = 0)]
    face: Option<usize>,
    /// Strength of the edit, −1 (the opposite) to 1. Default: 1.
    #[schema(minimum = -1, maximum = 1)]
    strength: Option<f64>,
    /// Descriptions of what must not change.
    #[schema(max_items = 16)]
    #[serde(default)]
    keep: Vec<String>,
    /// Whether to return the latents.
    latents: Option<bool>,
}

/// Whether a picture keeps its own details.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fidelity {
    /// Only what the edit changes is redrawn, and the face is composited into the picture.
    #[default]
    High,
    /// The model draws the whole face, and the response is the face alone.
    Low,
}

/// A picture in a JSON request. Exactly one field must be present.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageReference {
    /// A data URL, or the `url` in a response from the last hour.
    #[schema(example = "data:image/png;base64,...")]
    image_url: Option<String>,
    /// The file name at the end of such a `url`.
    file_id: Option<String>,
}

/// The same request as a form, with the picture in `image` and the other fields as text.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct EditForm {
    /// A picture file: PNG, JPEG, WebP, GIF, TIFF, BMP or PNM.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// A picture of the same aspect ratio, transparent where the picture to edit may change.
    #[schema(value_type = Option<String>, format = Binary)]
    mask: Option<Vec<u8>>,
    /// Description of the change, in any words.
    prompt: String,
    model: Option<String>,
    n: Option<usize>,
    size: Option<String>,
    output_format: Option<FileFormat>,
    response_format: Option<ResponseFormat>,
    input_fidelity: Option<Fidelity>,
    stream: Option<bool>,
    strength: Option<f64>,
    face: Option<usize>,
    keep: Option<Vec<String>>,
}

/// Edit the face in a picture
#[utoipa::path(
    post, path = "/v1/images/edits", tag = "images", operation_id = "createImageEdit",
    request_body(content((EditRequest = "application/json"), (EditForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "The images; with `stream`, a series of `StreamEvent`.",
            content(
                (ImagesResponse = "application/json"),
                (super::answer::ServerSentEvent = "text/event-stream")
            )),
        (
            status = "4XX", description = "Refused",
            body = ErrorBody, content_type = "application/json"
        ),
        (
            status = "5XX", description = "Failed",
            body = ErrorBody, content_type = "application/json"
        ),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let (deadline, base) = (app.deadline(), base(request.headers()));
    let Asked {
        request: asked,
        pictures,
        mask,
    } = read(request, &app).await?;
    let model = Arc::clone(app.models.find(asked.model.as_deref())?);
    check::photos(&model.about)?;
    let mut ignored = Ignored::default();
    ignored.note("images after the first", pictures.len() > 1);
    check::user(asked.user.as_deref())?;
    check::text("prompt", &asked.prompt)?;
    check::keep(&asked.keep)?;
    let count = check::count(asked.n, app.config.max_n)?;
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
        quality: asked.quality,
        moderation: asked.moderation,
    }
    .check(&app, &mut ignored)?;
    let text = check::read_part(asked.prompt, &mut ignored);
    let parent = pictures.into_iter().next().unwrap_or_default();
    let upload = Upload {
        file: parent.clone(),
        param: "image",
        face: asked.face.unwrap_or_default(),
    };
    let side = model.about.resolution;
    let (face, retouch) = match asked.input_fidelity.unwrap_or_default() {
        Fidelity::High => {
            let retouch = upload.retouch(&app, side, mask, false).await?;
            (retouch.face(), Some(retouch))
        }
        Fidelity::Low => {
            ignored.note("mask", mask.is_some());
            (upload.open(&app, side).await?.face, None)
        }
    };
    let task = |i| Task {
        source: FaceSource::Photo(face.clone()),
        edits: vec![Edit {
            text: text.clone(),
            strength: strength * (1.0 - f64::from(i) / count as f64),
            keep: asked.keep.clone(),
        }],
        before: None,
        sketches,
    };
    let tasks = (0..count as u32).map(task).collect();
    let original = Original {
        retouch,
        parent: Some(parent),
    };
    let work = Work::start(app, &model, caller, tasks, original, output, deadline)?;
    let answer = match stream {
        true => work.events("image_edit"),
        false => work.json(&base).await?,
    };
    Ok(ignored.tell(answer))
}

/// A request and its files.
struct Asked {
    request: EditRequest,
    /// At least one.
    pictures: Vec<Bytes>,
    mask: Option<Bytes>,
}

/// Reads a request from JSON or a form.
async fn read(request: Request, app: &Arc<App>) -> Result<Asked, ApiError> {
    let (asked, param) = match media_type(request.headers()).as_str() {
        "application/json" => {
            let Json(asked) = Json::<EditRequest>::from_request(request, app).await?;
            (referenced(app, asked)?, "images")
        }
        "multipart/form-data" => (in_time(app, form(request, app)).await?, "image"),
        _ => {
            return Err(ApiError::MediaType(
                "multipart/form-data or application/json",
            ));
        }
    };
    match asked.pictures.len() {
        1..=MAX_IMAGES => Ok(asked),
        found => Err(ApiError::invalid(
            param,
            format!("send 1 to {MAX_IMAGES} pictures, not {found}"),
        )),
    }
}

/// A JSON request and the files that it refers to.
fn referenced(app: &App, request: EditRequest) -> Result<Asked, ApiError> {
    let file = |reference: &ImageReference, param| match (&reference.image_url, &reference.file_id)
    {
        (Some(url), None) => picture(app, url, param),
        (None, Some(name)) => app.kept.find(name).ok_or_else(|| {
            ApiError::invalid(param, format!("there is no file {name} from the last hour"))
        }),
        _ => Err(ApiError::invalid(
            param,
            "a picture must have either an image_url or a file_id",
        )),
    };
    // Pictures over the limit are not decoded.
    let pictures = request.images.iter().take(MAX_IMAGES + 1);
    Ok(Asked {
        pictures: pictures
            .map(|reference| file(reference, "images"))
            .collect::<Result<_, _>>()?,
        mask: request
            .mask
            .as_ref()
            .map(|reference| file(reference, "mask"))
            .transpose()?,
        request,
    })
}

/// Reads a request from a form.
async fn form(request: Request, app: &Arc<App>) -> Result<Asked, ApiError> {
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
    let (mut fields, mut pictures, mut mask) = (Map::new(), Vec::new(), None);
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
        // SDKs append brackets to the names of lists.
        let name = field.name().unwrap_or_default();
        let name = name.strip_suffix("[]").unwrap_or(name).to_owned();
        let bytes = field.bytes().await.map_err(fault)?;
        match name.as_str() {
            "image" => pictures.push(bytes),
            "mask" => mask = Some(bytes),
            _ => {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| ApiError::invalid(&name, format!("{name} must be UTF-8 text")))?;
                insert(&mut fields, name, text)?;
            }
        }
    }
    Ok(Asked {
        request: parse_value(Value::Object(fields))?,
        pictures,
        mask,
    })
}

/// Adds a field of a form, which is text, to a JSON object with the type of that field.
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
        "n" | "output_compression" | "stream" | "partial_images" | "strength" | "latents"
        | "face" => {
            // Any other value stays text, and parsing refuses it with the field's name.
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        _ => Value::String(text),
    };
    match fields.insert(name.clone(), value) {
        None => Ok(()),
        Some(_) => Err(ApiError::invalid(&name, format!("{name} is given twice"))),
    }
}
