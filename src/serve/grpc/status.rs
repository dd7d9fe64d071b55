//! Problems → statuses with details.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::v1;
use crate::serve::problem::{Problem, ProblemCode};

/// Who speaks in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "qingliu";

/// The code of a problem. `UNAVAILABLE` and `RESOURCE_EXHAUSTED` are what another attempt may help against.
fn code_of(code: ProblemCode) -> Code {
    match code {
        ProblemCode::InvalidBody
        | ProblemCode::InvalidHeader
        | ProblemCode::TooLarge
        | ProblemCode::UnsupportedMediaType => Code::InvalidArgument,
        ProblemCode::Unauthorized => Code::Unauthenticated,
        ProblemCode::Forbidden => Code::PermissionDenied,
        ProblemCode::NotFound => Code::NotFound,
        ProblemCode::MethodNotAllowed => Code::Unimplemented,
        ProblemCode::BodyTimeout => Code::DeadlineExceeded,
        ProblemCode::IdempotencyConflict => Code::AlreadyExists,
        ProblemCode::BundleRefused | ProblemCode::AlreadyDone => Code::FailedPrecondition,
        ProblemCode::RateLimited => Code::ResourceExhausted,
        ProblemCode::Overloaded | ProblemCode::Draining | ProblemCode::LogUnavailable => Code::Unavailable,
        ProblemCode::Internal => Code::Internal,
    }
}

/// The name that a code has in JSON.
fn name_of(code: ProblemCode) -> String {
    // A variant without content is a string in JSON: this does not fail.
    let name = serde_json::to_value(code).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A status that says all that the problem says.
pub(super) fn status_of(problem: &Problem) -> Status {
    let mut details = ErrorDetails::new();
    let mut metadata = HashMap::new();
    if let Some(pointer) = &problem.pointer {
        metadata.insert("pointer".to_owned(), pointer.clone());
        details.add_bad_request_violation(pointer.as_str(), problem.detail.as_str());
    }
    details.set_error_info(name_of(problem.code).to_uppercase(), DOMAIN, metadata);
    if !problem.request.is_empty() {
        details.set_request_info(problem.request.as_str(), "");
    }
    if let Some(seconds) = problem.code.retry_seconds() {
        details.set_retry_info(Some(Duration::from_secs(seconds.into())));
    }
    Status::with_error_details(
        code_of(problem.code),
        format!("{}: {}", problem.title, problem.detail),
        details,
    )
}

/// A problem as the result of one item.
pub(super) fn message_of(problem: Problem) -> v1::Problem {
    v1::Problem {
        code: name_of(problem.code),
        retry_after_ms: problem.code.retry_seconds().unwrap_or_default() * 1000,
        detail: problem.detail,
        pointer: problem.pointer.unwrap_or_default(),
        request: problem.request,
        retryable: problem.retryable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_the_problem_says() {
        let problem = Problem::new(ProblemCode::Overloaded, "in_flight_max: 2").at("/text").of("r1");
        let status = status_of(&problem);
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "The service is at its capacity: in_flight_max: 2");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("OVERLOADED", "qingliu"));
        assert_eq!(info.metadata["pointer"], "/text");
        assert_eq!(details.request_info().unwrap().request_id, "r1");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
        let message = message_of(problem);
        assert_eq!(
            (message.code.as_str(), message.retryable, message.retry_after_ms),
            ("overloaded", true, 1000)
        );
    }

    #[test]
    fn what_no_attempt_mends_is_not_called_unavailable() {
        for code in [ProblemCode::InvalidBody, ProblemCode::TooLarge, ProblemCode::IdempotencyConflict] {
            let status = status_of(&Problem::new(code, ""));
            assert!(!matches!(status.code(), Code::Unavailable | Code::ResourceExhausted), "{code:?}");
            assert!(status.get_error_details().retry_info().is_none());
        }
    }
}
