//! What many paths may answer beside what they are for, as the description says it.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema as _};

use super::problem::Problem;

/// Problems of every path that needs a key.
pub(super) struct KeyProblems;

impl IntoResponses for KeyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([("401", "A valid key is needed"), ("429", "The key has used up its rate")])
    }
}

/// Problems of every path that not all roles may use.
pub(super) struct RoleProblems;

impl IntoResponses for RoleProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = KeyProblems::responses();
        all.append(&mut problems([("403", "The key may not do this")]));
        all
    }
}

/// Problems of every path that reads a body, and needs a key with a role.
pub(super) struct BodyProblems;

impl IntoResponses for BodyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = RoleProblems::responses();
        all.append(&mut problems([
            ("400", "The body or a header cannot be read"),
            ("408", "The body did not arrive in time"),
            ("413", "The body is too long"),
            ("415", "The body is not declared as JSON"),
        ]));
        all
    }
}

fn problems<const N: usize>(described: [(&str, &str); N]) -> BTreeMap<String, RefOr<Response>> {
    let problem = |(status, description): (&str, &str)| {
        let schema = Ref::from_schema_name(Problem::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(description);
        (status.to_owned(), response.content("application/problem+json", content).build().into())
    };
    described.into_iter().map(problem).collect()
}
