//! `POST /v1/faces`: faces as latents. Inverts photos, applies chains of edits, and interpolates.

use std::sync::Arc;

use anyface::photograph::Photograph;
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Original, Work};
use super::body::{self, decode_latent, picture};
use super::check;
use super::ignored::Ignored;
use super::output::{FileFormat, Wish};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::photo::{Retouch, Upload};
use crate::studio::{About, Edit, FaceSource, LatentValues, Task};

/// Largest number of edits per request.
const MAX_EDITS: usize = 32;

/// A request for one face: its source and its edits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceRequest {
    /// The source of the face.
    from: From,
    /// Edits, applied one after another.
    #[schema(max_items = 32)]
    #[serde(default)]
    edits: Vec<EditStep>,
    /// "auto" (the model's resolution) or "WIDTHxHEIGHT". The image is fitted into it, not cropped.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    size: Option<String>,
    output_format: Option<FileFormat>,
    /// Index of the face in `from.image`; 0 is the largest.
    #[schema(minimum = 0)]
    face: Option<usize>,
    /// A photograph that the edited face is composited into. It keeps its own details.
    photograph: Option<KeptPhotograph>,
    /// Name of a model from `GET /v1/models`. Default: the first model.
    model: Option<String>,
}

/// A photograph, and the latent of its face before the edits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptPhotograph {
    /// The photograph, as a data URL.
    image: String,
    /// Index of the face in the picture; 0 is the largest.
    #[schema(minimum = 0)]
    face: Option<usize>,
    /// Latent that the server returned for the face. Not needed if `from` is the same photograph.
    latent: Option<String>,
    /// A mask of the same aspect ratio, as a data URL. Transparent pixels may change.
    mask: Option<String>,
    /// Whether to return the whole photograph instead of the face alone.
    whole: Option<bool>,
}

/// The source of a face.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum From {
    /// A description and a seed.
    Words(Words),
    /// A latent that the server returned.
    Latent(String),
    /// A photo, as a data URL.
    Image(String),
    /// An interpolation of two latents.
    Mix(Mix),
}

/// A description and a seed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// Description of the face, in any words.
    #[schema(min_length = 1, max_length = 32000)]
    prompt: String,
    /// The seed. Default: a random seed, which the response contains.
    #[schema(minimum = 0)]
    seed: Option<u64>,
    /// Truncation ψ of what the prompt leaves open, 0 (the mean) to 1 (no truncation).
    #[schema(minimum = 0, maximum = 1)]
    truncation: Option<f64>,
}

/// An interpolation of two latents.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mix {
    /// The latent at `t` = 0.
    from: String,
    /// The latent at `t` = 1.
    to: String,
    /// Position between `from` and `to`.
    #[schema(minimum = 0, maximum = 1)]
    t: f64,
}

/// One edit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditStep {
    /// Description of the change, in any words.
    #[schema(min_length = 1, max_length = 32000)]
    prompt: String,
    /// Strength of the edit, −1 (the opposite) to 1. Default: 1.
    #[schema(minimum = -1, maximum = 1)]
    strength: Option<f64>,
    /// Descriptions of what must not change.
    #[schema(max_items = 16)]
    #[serde(default)]
    keep: Vec<String>,
}

/// A face.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaceResponse {
    /// The image file in base64.
    pub(crate) b64_json: String,
    /// The latent: base64 of L x D little-endian 32-bit floats.
    pub(crate) latent: String,
    /// The seed, for a face from words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// CLIP score of a face without edits: cosine similarity of image and prompt, −1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_score: Option<f32>,
    /// Words of the prompt that have no effect on the face.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_understood: Vec<String>,
    /// All faces in `from.image`, the largest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) faces: Option<Vec<Bounds>>,
}

/// The bounding box of a face, in fractions of the picture's width and height.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bounds {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

/// Make one face from words, a photo, a latent or two latents, and edit it
#[utoipa::path(
    post, path = "/v1/faces", tag = "faces", operation_id = "createFace",
    request_body = FaceRequest,
    responses(
        (status = 200, description = "The face.", body = FaceResponse),
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
    body::Json(asked): body::Json<FaceRequest>,
) -> Result<Json<FaceResponse>, ApiError> {
    let deadline = app.deadline();
    let model = Arc::clone(app.models.find(asked.model.as_deref())?);
    if asked.edits.len() > MAX_EDITS {
        let message = format!("edits must have at most {MAX_EDITS} steps");
        return Err(ApiError::invalid("edits", message));
    }
    let edits = asked
        .edits
        .into_iter()
        .map(step)
        .collect::<Result<_, _>>()?;
    let output = Wish {
        size: asked.size,
        format: asked.output_format,
        latents: Some(true),
        ..Wish::default()
    }
    .check(&app, &mut Ignored::default())?;
    let origin = Origin::open(&app, &model.about, asked.from, asked.face).await?;
    // Last, so that a request that holds a photograph does not wait for another upload.
    let (before, retouch, parent) = match asked.photograph {
        Some(kept) => kept.open(&app, &model.about).await?,
        None => (None, None, origin.file),
    };
    let task = Task {
        source: origin.source,
        edits,
        before,
        sketches: 0,
    };
    let mut work = Work::start(
        app,
        &model,
        caller,
        vec![task],
        Original { retouch, parent },
        output,
        deadline,
    )?;
    let picture = work.next().await?.ok_or(ApiError::Internal)?;
    let extra = picture.extra.ok_or(ApiError::Internal)?;
    Ok(Json(FaceResponse {
        b64_json: BASE64_STANDARD.encode(picture.file),
        latent: extra.latent.ok_or(ApiError::Internal)?,
        seed: extra.seed,
        clip_score: extra.clip_score,
        not_understood: extra.not_understood,
        faces: origin.faces,
    }))
}

impl KeptPhotograph {
    /// The latent of the face, the photograph, and its file.
    async fn open(
        self,
        app: &Arc<App>,
        about: &About,
    ) -> Result<(Option<LatentValues>, Option<Retouch>, Option<Bytes>), ApiError> {
        check::photos(about)?;
        let latent = self.latent.as_deref();
        let latent = latent.map(|text| decode_latent(about, text, "photograph.latent"));
        let mask = self.mask.as_deref();
        let mask = mask.map(|url| picture(app, url, "photograph.mask"));
        let file = picture(app, &self.image, "photograph.image")?;
        let upload = Upload {
            file: file.clone(),
            param: "photograph.image",
            face: self.face.unwrap_or_default(),
        };
        let crop = !self.whole.unwrap_or_default();
        let (latent, mask) = (latent.transpose()?, mask.transpose()?);
        let retouch = upload.retouch(app, about.resolution, mask, crop).await?;
        Ok((latent, Some(retouch), Some(file)))
    }
}

/// The source of a face, and its picture, if it comes from one.
struct Origin {
    source: FaceSource,
    /// All faces in the picture.
    faces: Option<Vec<Bounds>>,
    /// The file of the picture.
    file: Option<Bytes>,
}

impl Origin {
    async fn open(
        app: &Arc<App>,
        about: &About,
        from: From,
        face: Option<usize>,
    ) -> Result<Self, ApiError> {
        let source = match from {
            From::Image(url) => {
                check::photos(about)?;
                let file = picture(app, &url, "from.image")?;
                let upload = Upload {
                    file: file.clone(),
                    param: "from.image",
                    face: face.unwrap_or_default(),
                };
                let photograph = upload.open(app, about.resolution).await?;
                return Ok(Self {
                    faces: Some(bounds(&photograph)),
                    source: FaceSource::Photo(photograph.face),
                    file: Some(file),
                });
            }
            From::Words(words) => {
                check::text("from.words.prompt", &words.prompt)?;
                FaceSource::Words {
                    truncation: check::truncation("from.words.truncation", words.truncation)?,
                    seed: words.seed.unwrap_or_else(check::random_seed),
                    captions: vec![words.prompt],
                }
            }
            From::Latent(latent) => {
                FaceSource::Latent(decode_latent(about, &latent, "from.latent")?)
            }
            From::Mix(mix) => {
                check::within("from.mix.t", Some(mix.t), 0.0, 1.0)?;
                FaceSource::Mix {
                    from: decode_latent(about, &mix.from, "from.mix.from")?,
                    to: decode_latent(about, &mix.to, "from.mix.to")?,
                    t: mix.t,
                }
            }
        };
        Ok(Self {
            source,
            faces: None,
            file: None,
        })
    }
}

/// The bounding boxes of all faces, the largest first; the whole picture without a detector.
pub(super) fn bounds(photograph: &Photograph) -> Vec<Bounds> {
    let (width, height) = photograph.picture.dimensions();
    let [across, down] = [width as f32, height as f32];
    let whole = [[0.0, 0.0, across, down]];
    let found = photograph.found.as_ref();
    let found = found.map(|faces| faces.iter().map(|face| face.bounds).collect());
    found
        .unwrap_or_else(|| whole.to_vec())
        .into_iter()
        .map(|[left, top, width, height]| Bounds {
            left: left / across,
            top: top / down,
            width: width / across,
            height: height / down,
        })
        .collect()
}

fn step(step: EditStep) -> Result<Edit, ApiError> {
    check::text("edits.prompt", &step.prompt)?;
    check::keep(&step.keep)?;
    Ok(Edit {
        strength: check::strength("edits.strength", step.strength)?,
        text: step.prompt,
        keep: step.keep,
    })
}
