//! The description of the service, made from its handlers.

use std::sync::LazyLock;

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use super::http::routes;

/// What holds for all paths.
pub(super) fn base() -> OpenApi {
    let key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("qingliu")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("Explained decisions on posts, comments and profiles, and on engagement that was made and not earned.")),
        )
        .components(Some(ComponentsBuilder::new().security_scheme("key", key).build()))
        .security(Some([
            SecurityRequirement::default(),
            SecurityRequirement::new("key", Vec::<String>::new()),
        ]))
        .build()
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let (_, document) = routes().split_for_parts();
    // Our own types have string keys and finite numbers: neither of these fails.
    let mut document = serde_json::to_value(&document).unwrap_or_default();
    super::refine::refine(&mut document);
    serde_json::to_string_pretty(&document).unwrap_or_default()
});

/// The description as JSON.
pub fn openapi_json() -> &'static str {
    &DOCUMENT
}
