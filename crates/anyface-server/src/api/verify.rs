//! `POST /v1/verify`: what a picture says of its making, and whether that holds.

use std::sync::Arc;

use anyface::image::Mark;
use anyface::provenance::{Certificate, Credentials, Evidence, Ingredient, Verdict};
use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{self, picture};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::photo::turn;

/// A request to look at a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyRequest {
    /// The picture, as a data URL.
    #[schema(example = "data:image/png;base64,...")]
    image: String,
}

/// What the file shows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyResponse {
    verdict: VerdictName,
    /// What it says without a signature.
    #[schema(required)]
    mark: Option<MarkFields>,
    /// What it says with one.
    #[schema(required)]
    credentials: Option<CredentialsFields>,
}

/// What follows from it all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum VerdictName {
    /// It says that it is AI-generated, and nothing speaks against that.
    Marked,
    /// It does not say how it was made. It may be AI-generated all the same.
    Unmarked,
    /// It was changed after it was signed, or its signature is none.
    Tampered,
}

/// What a file says in text and XMP, which anyone may write.
#[derive(Debug, Serialize, ToSchema)]
struct MarkFields {
    /// The program.
    #[schema(example = "anyface 0.1.0")]
    software: String,
    /// The model.
    model: String,
    /// The words, where they are told.
    #[schema(required)]
    prompt: Option<String>,
    /// The seed, where it is told.
    #[schema(required)]
    seed: Option<u64>,
}

/// What the content credentials (C2PA) of a file say.
#[derive(Debug, Serialize, ToSchema)]
struct CredentialsFields {
    /// What does not hold, by C2PA's codes; nothing, where the file is as it was signed.
    #[schema(example = json!(["assertion.dataHash.mismatch"]))]
    problems: Vec<String>,
    /// The program that made the claim.
    #[schema(required, example = "anyface 0.1.0")]
    software: Option<String>,
    /// The model that made or changed the picture.
    #[schema(required)]
    model: Option<String>,
    /// The last part of IPTC's digital source type.
    #[schema(required, example = "trainedAlgorithmicMedia")]
    digital_source_type: Option<String>,
    /// The words, where they are told.
    #[schema(required)]
    prompt: Option<String>,
    /// The seed, where it is told.
    #[schema(required)]
    seed: Option<u64>,
    /// What the picture is called.
    #[schema(required)]
    title: Option<String>,
    /// The algorithm of the signature.
    #[schema(required, example = "ed25519")]
    algorithm: Option<String>,
    /// Who signed: the certificate of the key, then who signed that one, and so on. Nobody checked
    /// who they are.
    certificates: Vec<CertificateFields>,
    /// The files that it was made from.
    ingredients: Vec<IngredientFields>,
}

/// One link of a chain of certificates.
#[derive(Debug, Serialize, ToSchema)]
struct CertificateFields {
    /// Whose it is.
    subject: String,
    /// Its number in hexadecimal.
    serial: String,
}

/// A file that a picture was made from.
#[derive(Debug, Serialize, ToSchema)]
struct IngredientFields {
    /// What it is called.
    #[schema(required)]
    title: Option<String>,
    /// Its media type.
    #[schema(required)]
    format: Option<String>,
    /// Whether the picture is an edit of it.
    is_parent: bool,
    /// Whether it had credentials of its own.
    has_credentials: bool,
}

/// What a picture says of its making, and whether that holds
#[utoipa::path(
    post, path = "/v1/verify", tag = "images", operation_id = "verifyImage",
    request_body = VerifyRequest,
    responses(
        (status = 200, description = "What the file shows.", body = VerifyResponse),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
        (status = "5XX", description = "Failed", body = ErrorBody, content_type = "application/json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body::Json(asked): body::Json<VerifyRequest>,
) -> Result<Json<VerifyResponse>, ApiError> {
    app.check_rate(caller, 1)?;
    let file = picture(&app, &asked.image, "image")?;
    let _turn = turn(&app.decoders).await?;
    let evidence = tokio::task::spawn_blocking(move || Evidence::of(&file)).await;
    let evidence = evidence.map_err(|_| ApiError::Internal)?;
    Ok(Json(evidence.into()))
}

impl From<Evidence> for VerifyResponse {
    fn from(evidence: Evidence) -> Self {
        Self {
            verdict: match evidence.verdict() {
                Verdict::Marked => VerdictName::Marked,
                Verdict::Unmarked => VerdictName::Unmarked,
                Verdict::Tampered => VerdictName::Tampered,
            },
            mark: evidence.mark.map(MarkFields::from),
            credentials: evidence.credentials.map(CredentialsFields::from),
        }
    }
}

impl From<Mark> for MarkFields {
    fn from(mark: Mark) -> Self {
        Self {
            software: mark.software,
            model: mark.model,
            prompt: mark.prompt,
            seed: mark.seed,
        }
    }
}

impl From<Credentials> for CredentialsFields {
    fn from(said: Credentials) -> Self {
        Self {
            problems: said.problems,
            software: said.software,
            model: said.model,
            digital_source_type: said.digital_source_type,
            prompt: said.prompt,
            seed: said.seed,
            title: said.title,
            algorithm: said.algorithm,
            certificates: said.certificates.into_iter().map(From::from).collect(),
            ingredients: said.ingredients.into_iter().map(From::from).collect(),
        }
    }
}

impl From<Certificate> for CertificateFields {
    fn from(certificate: Certificate) -> Self {
        Self {
            subject: certificate.subject,
            serial: certificate.serial,
        }
    }
}

impl From<Ingredient> for IngredientFields {
    fn from(ingredient: Ingredient) -> Self {
        Self {
            title: ingredient.title,
            format: ingredient.format,
            is_parent: ingredient.is_parent,
            has_credentials: ingredient.has_credentials,
        }
    }
}
