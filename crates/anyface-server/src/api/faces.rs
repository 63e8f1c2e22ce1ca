//! `POST /v1/faces`: faces as latents. A photo becomes one, edits follow each other, two faces are mixed.

use std::sync::Arc;

use anyface::photograph::Photograph;
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Work;
use super::body::{self, decode_latent, picture};
use super::check;
use super::ignored::Ignored;
use super::output::{FileFormat, Wish};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::photo::{Retouch, Upload};
use crate::studio::{About, Edit, FaceSource, LatentValues, Task};

/// Longest chain of edits.
const MAX_EDITS: usize = 32;

/// A request for one face: where it comes from, and the changes made to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceRequest {
    /// Where the face comes from.
    from: From,
    /// Changes, made one after another.
    #[schema(max_items = 32)]
    #[serde(default)]
    edits: Vec<EditStep>,
    /// "auto" (the model's own) or width and height, into which the image is scaled as a whole.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    size: Option<String>,
    output_format: Option<FileFormat>,
    /// Which face of an image: 0 is the largest.
    #[schema(minimum = 0)]
    face: Option<usize>,
    /// The photograph that keeps its details: what changed of its face is put on it.
    photograph: Option<KeptPhotograph>,
    /// A name from `GET /v1/models`.
    model: Option<String>,
}

/// A photograph, and the latent from which its face changes to the one asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptPhotograph {
    /// The photograph, as a data URL.
    image: String,
    /// Which of its faces: 0 is the largest.
    #[schema(minimum = 0)]
    face: Option<usize>,
    /// The latent that was answered for it. That of `from`, where that is the same photograph, when left out.
    latent: Option<String>,
    /// A picture of the same shape, transparent where it may change, as a data URL.
    mask: Option<String>,
    /// Answer the whole photograph, not its face alone.
    whole: Option<bool>,
}

/// Where a face comes from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum From {
    /// From words and a seed.
    Words(Words),
    /// From a latent of this API.
    Latent(String),
    /// From a photo, as a data URL.
    Image(String),
    /// From two latents.
    Mix(Mix),
}

/// A description and a seed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// What the face looks like, in any words.
    #[schema(min_length = 1, max_length = 32000)]
    prompt: String,
    /// A random one when left out; the answer tells which.
    #[schema(minimum = 0)]
    seed: Option<u64>,
    /// How typical the face is in what the words leave open, 0 (the mean) to 1.
    #[schema(minimum = 0, maximum = 1)]
    truncation: Option<f64>,
}

/// A face between two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mix {
    /// The latent at 0.
    from: String,
    /// The latent at 1.
    to: String,
    /// How far along.
    #[schema(minimum = 0, maximum = 1)]
    t: f64,
}

/// One change in words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditStep {
    /// What to change, in any words.
    #[schema(min_length = 1, max_length = 32000)]
    prompt: String,
    /// How much, −1 (the opposite) to 1.
    #[schema(minimum = -1, maximum = 1)]
    strength: Option<f64>,
    /// What must stay as it is, in words.
    #[schema(max_items = 16)]
    #[serde(default)]
    keep: Vec<String>,
}

/// A face.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaceResponse {
    /// The file in base64.
    pub(crate) b64_json: String,
    /// Its latent: base64 of L x D little-endian 32-bit floats.
    pub(crate) latent: String,
    /// Its seed, where it comes from words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Cosine between picture and words, where there are words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_score: Option<f32>,
    /// Words of the prompt that do not bear on the face.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_understood: Vec<String>,
    /// All faces of the image, where it comes from one, the largest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) faces: Option<Vec<Bounds>>,
}

/// Where a face is, in shares of the picture's width and height.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bounds {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

/// One face from words, a photo, a latent or two, changed by a chain of edits
#[utoipa::path(
    post, path = "/v1/faces", tag = "faces", operation_id = "createFace",
    request_body = FaceRequest,
    responses(
        (status = 200, description = "The face.", body = FaceResponse),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
        (status = "5XX", description = "Failed", body = ErrorBody, content_type = "application/json"),
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
    // Last, since whoever holds a photograph must wait for no other upload.
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
        retouch,
        parent,
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
    /// The latent of its face, the photograph for what is drawn on it, and its file.
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

/// Where a face comes from, and the picture that it was found in, where it is from one.
struct Origin {
    source: FaceSource,
    /// All faces of the picture.
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

/// The places of all faces of a picture, the largest first; all of it, where nothing looked for them.
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
