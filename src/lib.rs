//! Content moderation for Chinese platforms.
pub mod model;
pub mod text;
pub mod segment;
pub mod lexicon;
pub mod decide;
pub mod engine;
pub mod intake;
pub mod emit;
pub mod store;
pub mod rescan;
pub mod telemetry;
pub mod cli;
