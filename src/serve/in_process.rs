//! The service without a socket, for programs that bring their own and for tests of its answers.

use std::sync::Arc;

use axum::Router;

use super::http::router;
use super::listener::ServeError;
use super::options::ServeOptions;
use super::service::Service;
use crate::engine::Bundle;

/// All paths of a service as a router: requests in, answers out. Opens the log and starts the threads.
///
/// Without the listener there are no limits on heads and connections, no sinks, no upkeep of keys and bundles, and the window is
/// not saved at the end. The threads end when the last copy of the router has gone.
///
/// # Errors
/// As for [`super::Server::bind`], the address aside.
pub fn in_process(options: ServeOptions, bundle: Bundle) -> Result<Router, ServeError> {
    let (service, _) = Service::start(options, bundle)?;
    Ok(router(Arc::new(service)))
}
