//! Streams of engagement events with attacks in them, and what judges scores.

pub(crate) mod event;
pub(crate) mod season;

pub(crate) mod actors;
pub(crate) mod targets;

pub(crate) mod world;

pub(crate) mod organic;

pub(crate) mod plan;

pub(crate) mod attacks;
pub(crate) mod innocents;

pub(crate) mod generate;
pub(crate) mod options;
pub(crate) mod truth;

pub(crate) mod judge;

pub(crate) mod starscout;

#[cfg(test)]
mod tests;
