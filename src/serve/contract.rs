//! What happens when an item cannot be judged in time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Surface, Verdict};

/// What is done with an item that was not judged in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Contract {
    /// It is published on what is known, and judged later.
    Open,
    /// It is held until it has been judged.
    Closed,
}

/// The contract of every surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureContract([Contract; Surface::ALL.len()]);

impl FailureContract {
    /// Articles and profiles can wait; posts, comments and messages are published and judged later.
    pub fn shipped() -> Self {
        Self(Surface::ALL.map(|surface| match surface {
            Surface::Article | Surface::Profile => Contract::Closed,
            Surface::Post | Surface::Comment | Surface::Chat => Contract::Open,
        }))
    }

    /// The contract of a surface.
    pub fn of(&self, surface: Surface) -> Contract {
        self.0[surface as usize]
    }

    /// The same with another contract for one surface.
    #[must_use]
    pub fn with(mut self, surface: Surface, contract: Contract) -> Self {
        self.0[surface as usize] = contract;
        self
    }
}

impl Contract {
    /// What is told of an item of which `known` is all that is known.
    pub fn verdict(self, known: Verdict) -> Verdict {
        match self {
            Self::Open => known,
            Self::Closed => known.max(Verdict::Review),
        }
    }
}

/// What was not done when a caller's deadline came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// Nothing was judged.
    Content,
    /// The content was judged, but not beside the others.
    Correlation,
    /// Everything was judged, but is not on the disk yet.
    Log,
}

impl Undone {
    /// The name that answers carry in `degraded`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Content => "deadline_content",
            Self::Correlation => "deadline_correlation",
            Self::Log => "deadline_log",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_surface_holds_what_was_not_judged_and_never_makes_a_verdict_milder() {
        for known in Verdict::ALL {
            assert_eq!(Contract::Open.verdict(known), known);
            assert!(Contract::Closed.verdict(known) >= Verdict::Review.max(known));
        }
        let contract = FailureContract::shipped().with(Surface::Chat, Contract::Closed);
        assert_eq!(contract.of(Surface::Chat), Contract::Closed);
        assert_eq!(contract.of(Surface::Article), Contract::Closed);
        assert_eq!(contract.of(Surface::Comment), Contract::Open);
    }
}
