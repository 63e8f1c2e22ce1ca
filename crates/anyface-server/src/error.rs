//! What can go wrong with a request, and the one table from it to HTTP.

use std::time::Duration;

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::queue::Refusal;
use crate::studio::StudioError;

/// Every way a request fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// A field has a value it cannot have.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// The field.
        param: Option<String>,
    },
    /// A field that nobody knows.
    #[error("Unknown parameter: '{0}'.")]
    UnknownParameter(String),
    /// A picture that is none, or too large.
    #[error("{message}")]
    InvalidImage {
        /// What is wrong with it.
        message: String,
        /// The field it came in.
        param: &'static str,
    },
    /// No key, or a wrong one.
    #[error("this server wants a key: send one it knows as \"Authorization: Bearer KEY\"")]
    Unauthorized,
    /// A page of another site asks.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Nothing is at this path.
    #[error("there is nothing at {0}")]
    NotFound(String),
    /// No such model.
    #[error("The model '{0}' does not exist: GET /v1/models lists those that do.")]
    NoSuchModel(String),
    /// The path has other methods.
    #[error("{0} does not go with this path")]
    Method(String),
    /// The body is too large.
    #[error("the body is larger than {0} bytes, the most this server reads")]
    TooLarge(usize),
    /// The body does not come.
    #[error("the body took longer than {} s to arrive", .0.as_secs())]
    SlowBody(Duration),
    /// The body is of another type.
    #[error("the body must be {0}")]
    MediaType(&'static str),
    /// Every place is taken.
    #[error("the studio is busy: try again in {} s", seconds(*.0))]
    Busy(Duration),
    /// This key has asked for too much.
    #[error("too many faces for this key: try again in {} s", seconds(*.0))]
    RateLimited(Duration),
    /// The studio is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The time for a request is over.
    #[error("the request took longer than {} s, the most this server gives one", .0.as_secs())]
    Timeout(Duration),
    /// This model cannot do it.
    #[error("{0}")]
    NotImplemented(&'static str),
    /// The fault is the server's; the log has the rest.
    #[error("something went wrong here, not with your request")]
    Internal,
}

/// The error of OpenAI's API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What went wrong.
    pub(crate) error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// In one sentence.
    pub(crate) message: String,
    /// Its class.
    #[schema(example = "invalid_request_error")]
    pub(crate) r#type: &'static str,
    /// The field of the request that is to blame.
    #[schema(required)]
    pub(crate) param: Option<String>,
    /// Its name for programs.
    #[schema(required)]
    pub(crate) code: Option<&'static str>,
}

impl ApiError {
    /// A field that has a value it cannot have.
    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::Invalid {
            message: message.into(),
            param: Some(param.to_owned()),
        }
    }

    /// The table: status, class and code of every error.
    fn row(&self) -> (StatusCode, &'static str, Option<&'static str>) {
        const REQUEST: &str = "invalid_request_error";
        const RATE: &str = "rate_limit_error";
        const SERVER: &str = "server_error";
        use StatusCode as S;
        match self {
            Self::Invalid { .. } => (S::BAD_REQUEST, REQUEST, Some("invalid_value")),
            Self::UnknownParameter(_) => (S::BAD_REQUEST, REQUEST, Some("unknown_parameter")),
            Self::InvalidImage { .. } => (S::BAD_REQUEST, REQUEST, Some("invalid_image")),
            Self::Unauthorized => (S::UNAUTHORIZED, REQUEST, Some("invalid_api_key")),
            Self::Forbidden(_) => (S::FORBIDDEN, REQUEST, Some("cross_site_request")),
            Self::NotFound(_) => (S::NOT_FOUND, REQUEST, Some("not_found")),
            Self::NoSuchModel(_) => (S::NOT_FOUND, REQUEST, Some("model_not_found")),
            Self::Method(_) => (S::METHOD_NOT_ALLOWED, REQUEST, Some("method_not_allowed")),
            Self::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, REQUEST, Some("body_too_large")),
            Self::SlowBody(_) => (S::REQUEST_TIMEOUT, REQUEST, Some("body_too_slow")),
            Self::MediaType(_) => (
                S::UNSUPPORTED_MEDIA_TYPE,
                REQUEST,
                Some("unsupported_media_type"),
            ),
            Self::Busy(_) => (S::TOO_MANY_REQUESTS, RATE, Some("server_busy")),
            Self::RateLimited(_) => (S::TOO_MANY_REQUESTS, RATE, Some("rate_limit_exceeded")),
            Self::Stopping => (S::SERVICE_UNAVAILABLE, SERVER, Some("stopping")),
            Self::Timeout(_) => (S::GATEWAY_TIMEOUT, SERVER, Some("timeout")),
            Self::NotImplemented(_) => (S::NOT_IMPLEMENTED, REQUEST, Some("not_implemented")),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, SERVER, None),
        }
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> ErrorBody {
        let (_, class, code) = self.row();
        let param = match self {
            Self::Invalid { param, .. } => param.clone(),
            Self::UnknownParameter(param) => Some(param.clone()),
            Self::InvalidImage { param, .. } => Some((*param).to_owned()),
            Self::NoSuchModel(_) => Some("model".to_owned()),
            _ => None,
        };
        ErrorBody {
            error: ErrorDetail {
                message: self.to_string(),
                r#type: class,
                param,
                code,
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.row();
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Busy(after) | Self::RateLimited(after) => {
                headers.insert(RETRY_AFTER, seconds(after).into());
            }
            Self::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full(after) => Self::Busy(after),
            Refusal::Closed => Self::Stopping,
        }
    }
}

impl From<StudioError> for ApiError {
    fn from(error: StudioError) -> Self {
        match error {
            StudioError::Invalid { message, param } => Self::Invalid {
                message,
                param: param.map(str::to_owned),
            },
            StudioError::Failed(reason) => {
                tracing::error!(reason, "the studio failed");
                Self::Internal
            }
        }
    }
}

/// Whole seconds, at least one.
fn seconds(time: Duration) -> u64 {
    time.as_secs_f64().ceil().max(1.0) as u64
}
