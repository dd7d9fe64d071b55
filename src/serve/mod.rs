//! The service: an item comes in over HTTP, a decision goes out once it is in the log.
//!
//! ```text
//! connection ─► admission ─► item ─► evaluate ─► correlate ─► log ─► answer
//!   listener     service     judge    short: here   one thread   one thread
//!                                     long: workers
//! ```
//! Every queue is bounded; what does not fit is refused at once. Whoever cannot wait is told what is known by then and what
//! was not done, as the failure contract of the surface says; the decision itself follows in the log.

mod access;
mod answer;
mod contract;
mod correlator;
mod http;
mod idempotency;
mod judge;
mod listener;
mod metrics;
mod openapi;
mod options;
mod pressure;
mod problem;
mod reload;
mod request;
mod rest;
pub mod schema;
mod service;
mod stall;
mod warm;
mod window;
mod workers;

pub use access::{Action, Key, KeyError, KeyFile, Role};
pub use answer::{Answer, BatchAnswer, BatchResult};
pub use contract::{Contract, FailureContract};
pub use listener::{ServeError, Server};
pub use openapi::openapi_json;
pub use options::ServeOptions;
pub use problem::{Problem, ProblemCode};
pub use reload::{BundleChange, BundleState};
