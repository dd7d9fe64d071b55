//! Who may call what: decided by path and metadata, before a message is read.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use tokio::time::Instant;

use crate::serve::access::Action;
use crate::serve::problem::{Problem, ProblemCode};
use crate::serve::request::Context;
use crate::serve::service::Service;

/// What is known of a call before its messages.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) context: Context,
    pub(super) begun: Instant,
    /// When the client breaks off, with some time for the way back; none if it has not said.
    pub(super) until: Option<Instant>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// What one must be allowed to do; none for health, which anybody may ask for.
    action: Option<Action>,
    /// Whether the client sends many messages.
    pub(super) is_stream: bool,
}

/// What a path leads to. What is not there is told only to those who have a key.
pub(super) fn way_of(path: &str) -> Way {
    let (service, method) = path.strip_prefix('/').unwrap_or(path).split_once('/').unwrap_or((path, ""));
    let (action, is_stream) = match (service, method) {
        ("qingliu.v1.Moderation", "Check" | "CheckBatch") => (Some(Action::Check), false),
        ("qingliu.v1.Moderation", "CheckStream") => (Some(Action::Check), true),
        ("qingliu.v1.Moderation", "RecordEngagement") => (Some(Action::Engage), false),
        ("qingliu.v1.Moderation", "Explain") => (Some(Action::Explain), false),
        ("grpc.health.v1.Health", _) => (None, false),
        ("grpc.reflection.v1.ServerReflection" | "grpc.reflection.v1alpha.ServerReflection", _) => {
            (Some(Action::Describe), true)
        }
        _ => (Some(Action::Describe), false),
    };
    Way { action, is_stream }
}

/// Longest that a client's own statement counts for.
const TIMEOUT_MAX: Duration = Duration::from_hours(24);

/// Goes on only if the caller may. None for those who need not say who they are.
pub(super) fn enter(service: &Service, parts: &Parts) -> Result<(Way, Option<Call>), Problem> {
    let begun = Instant::now();
    let way = way_of(parts.uri.path());
    if parts.method != Method::POST {
        return Err(Problem::new(ProblemCode::MethodNotAllowed, "gRPC is POST"));
    }
    // A page of another site can make a browser send text, but not this.
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| value.starts_with("application/grpc")) {
        let detail = "content-type: application/grpc is missing";
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail));
    }
    let Some(action) = way.action else { return Ok((way, None)) };
    let mut context = Context::of(&parts.headers, service)?;
    context.require(action)?;
    let timeout = timeout(&parts.headers).map_err(|problem| problem.of(&context.request))?;
    // An answer at the last moment would come when the client has gone.
    let until = timeout.map(|timeout| begun + timeout.min(TIMEOUT_MAX) * 9 / 10);
    context.deadline = until.map_or(context.deadline, |until| until.min(context.deadline));
    Ok((way, Some(Call { context, begun, until })))
}

/// `grpc-timeout`: up to eight digits and a unit.
fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|value| {
        let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
        let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = digits.parse().ok().filter(|_| is_number)?;
        let unit = match unit {
            "H" => Duration::from_hours(1),
            "M" => Duration::from_mins(1),
            "S" => Duration::from_secs(1),
            "m" => Duration::from_millis(1),
            "u" => Duration::from_micros(1),
            "n" => Duration::from_nanos(1),
            _ => return None,
        };
        Some(unit * number)
    });
    let detail = "grpc-timeout is up to eight digits and one of H, M, S, m, u, n";
    parsed.map(Some).ok_or_else(|| Problem::new(ProblemCode::InvalidHeader, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_in_every_unit() {
        for (text, want) in [
            ("1H", Some(Duration::from_hours(1))),
            ("20M", Some(Duration::from_mins(20))),
            ("3S", Some(Duration::from_secs(3))),
            ("15m", Some(Duration::from_millis(15))),
            ("99999999u", Some(Duration::from_micros(99_999_999))),
            ("7n", Some(Duration::from_nanos(7))),
            ("99999999H", Some(Duration::from_hours(99_999_999))),
            ("123456789S", None),
            ("S", None),
            ("+1S", None),
            ("1", None),
            ("1s", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(timeout(&headers).ok().flatten(), want, "{text}");
        }
        assert_eq!(timeout(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn only_health_is_open_and_what_is_not_known_is_not() {
        assert_eq!(way_of("/grpc.health.v1.Health/Check").action, None);
        for path in
            ["/", "", "//grpc.health.v1.Health", "/grpc.health.v1.Healthy/Check", "/qingliu.v1.Moderation/"]
        {
            assert_eq!(way_of(path).action, Some(Action::Describe), "{path}");
        }
        assert_eq!(way_of("/qingliu.v1.Moderation/CheckStream").action, Some(Action::Check));
    }
}
