//! The service as its users meet it: a process, a port, a log.

#[path = "../common/mod.rs"]
mod common;

mod access;
mod answers;
mod appeals;
mod client;
mod crash;
mod engagement;
mod grpc;
mod grpc_access;
mod grpc_client;
mod grpc_limits;
mod kills;
mod limits;
mod packaging;
mod reload;
mod restore;
mod same;
mod sinks;
mod telemetry;
mod tls;
mod trial;
