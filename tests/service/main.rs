//! The service as its users meet it: a process, a port, a log.

#[path = "../common/mod.rs"]
mod common;

mod access;
mod answers;
mod client;
mod crash;
mod grpc;
mod grpc_access;
mod grpc_client;
mod grpc_limits;
mod limits;
mod reload;
mod sinks;
mod tls;
