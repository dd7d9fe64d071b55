//! What a request gets that is refused: problem JSON, and a header that says when to try again.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::ItemError;

/// Why a request was refused. The closed list; extended, never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The body is not what the operation takes.
    InvalidBody,
    /// A header is not what it should be.
    InvalidHeader,
    /// There is no key, or it is wrong, expired or revoked.
    Unauthorized,
    /// The key has no role that may do this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The path takes other methods.
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The idempotency key was used with another body.
    IdempotencyConflict,
    /// It has been done already, in another way.
    AlreadyDone,
    /// The body or the text is longer than the limit.
    TooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The bundle was not taken; the one before judges on.
    BundleRefused,
    /// The key has used up its rate.
    RateLimited,
    /// More requests are inside than there is room for.
    Overloaded,
    /// The service is stopping.
    Draining,
    /// The decision could not be put on the disk, and counts as not made.
    LogUnavailable,
    /// A defect of the service.
    Internal,
}

impl ProblemCode {
    /// Status, title, and seconds after which another attempt makes sense.
    fn particulars(self) -> (StatusCode, &'static str, Option<u32>) {
        match self {
            Self::InvalidBody => (StatusCode::BAD_REQUEST, "The body cannot be read", None),
            Self::InvalidHeader => (StatusCode::BAD_REQUEST, "A header cannot be read", None),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "A valid key is needed", None),
            Self::Forbidden => (StatusCode::FORBIDDEN, "The key may not do this", None),
            Self::NotFound => (StatusCode::NOT_FOUND, "There is no such thing", None),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "The path takes other methods", None),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time", None),
            Self::IdempotencyConflict => {
                (StatusCode::CONFLICT, "The idempotency key was used with another body", None)
            }
            Self::AlreadyDone => (StatusCode::CONFLICT, "It has been done already", None),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body or text is too long", None),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is sent as application/json", None)
            }
            Self::BundleRefused => (StatusCode::UNPROCESSABLE_ENTITY, "The bundle was not taken", None),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "The key has used up its rate", Some(1)),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "The service is at its capacity", Some(1)),
            Self::Draining => (StatusCode::SERVICE_UNAVAILABLE, "The service is stopping", Some(5)),
            Self::LogUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "Decisions cannot be recorded", Some(5))
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "A defect of the service", None),
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        self.particulars().0
    }

    /// Seconds after which another attempt makes sense; none where it does not.
    pub(super) fn retry_seconds(self) -> Option<u32> {
        self.particulars().2
    }
}

/// Why a request was refused (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What is wrong, for programs.
    pub code: ProblemCode,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, for people.
    pub title: String,
    /// Particulars of this case.
    pub detail: String,
    /// Where in the body, as a JSON pointer; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The request.
    pub request: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

impl Problem {
    /// A problem without a place. The request's id is added by whoever knows it.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let (status, title, retry) = code.particulars();
        Self {
            code,
            status: status.as_u16(),
            title: title.to_owned(),
            detail: detail.into(),
            pointer: None,
            request: String::new(),
            retryable: retry.is_some(),
        }
    }

    /// The same with a place in the body.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The same with the request's id.
    #[must_use]
    pub fn of(mut self, request: &str) -> Self {
        request.clone_into(&mut self.request);
        self
    }
}

impl From<&ItemError> for Problem {
    fn from(error: &ItemError) -> Self {
        let code = match error {
            ItemError::TooLong { .. } => ProblemCode::TooLarge,
            ItemError::Json(_)
            | ItemError::NoText
            | ItemError::Engagement
            | ItemError::Event(_)
            | ItemError::IdTooLong { .. }
            | ItemError::FieldTwice(_)
            | ItemError::TooManyFields { .. } => ProblemCode::InvalidBody,
        };
        let problem = Self::new(code, error.to_string());
        match error {
            ItemError::NoText | ItemError::TooLong { .. } => problem.at("/text"),
            ItemError::Engagement => problem.at("/type"),
            ItemError::FieldTwice(_) | ItemError::TooManyFields { .. } => problem.at("/fields"),
            ItemError::Json(_) | ItemError::Event(_) | ItemError::IdTooLong { .. } => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, _, retry_seconds) = self.code.particulars();
        // Our own type has string keys and no floats: this does not fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Ok(id) = HeaderValue::from_str(&self.request) {
            headers.insert("x-request-id", id);
        }
        if self.code == ProblemCode::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
