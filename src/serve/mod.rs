//! The service: an item comes in over HTTP or gRPC, a decision goes out once it is in the log.
//!
//! ```text
//! connection ─► admission ─► item ─► evaluate ─► correlate ─► log ─► answer
//!   listener     service     judge    short: here   one thread   one thread
//!                                     long: workers
//! ```
//! Every queue is bounded; what does not fit is refused at once. Whoever cannot wait is told what is known by then and what
//! was not done, as the failure contract of the surface says; the decision itself follows in the log.

mod accept;
mod access;
mod answer;
mod appeal;
mod batch;
mod bundles;
mod canary;
mod changes;
mod contract;
mod correlator;
#[cfg(test)]
mod degraded_tests;
mod described;
mod docket;
mod elements;
mod engagement;
pub mod grpc;
mod http;
mod idempotency;
mod in_process;
mod judge;
mod kept;
mod listener;
mod measure;
mod metric_names;
mod metrics;
mod openapi;
mod options;
mod problem;
mod recall;
mod refine;
mod reload;
mod request;
mod roster;
pub mod schema;
mod service;
mod shadow;
mod stall;
mod tls;
mod upkeep;
mod vet;
mod warm;
mod watch;
mod window;
mod workers;

pub use access::{Action, Key, KeyError, KeyFile, Role};
pub use answer::{Answer, BatchAnswer, BatchResult};
pub use appeal::{Appeal, AppealRequest, OutcomeRequest, ReviewedAnswer, WaitingAppeal, WaitingAppeals};
pub use canary::Share;
pub use changes::{BundleChange, BundleState, CanaryChange, CandidateChange, CandidateState};
pub use contract::{Contract, FailureContract};
pub use engagement::{EventRejection, EventsAnswer, TargetScore, TargetScores};
pub use in_process::in_process;
pub use kept::Starting;
pub use listener::{ServeError, Server};
pub use openapi::openapi_json;
pub use options::{BundleOptions, GrpcListen, ServeOptions};
pub use problem::{Problem, ProblemCode};
pub use shadow::{NameChange, ShadowExample, ShadowReport, VerdictChange, VerdictCount};
pub use tls::TlsOptions;
