//! The ordered scales: verdicts, severities, surfaces and points.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Points in thousandths. Sums of evidence are integers, so that a decision replays bit for bit.
pub type Milli = i32;

/// What is done with an item, from mildest to strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Publish.
    Pass,
    /// Publish with reduced reach.
    Limit,
    /// Hold for a person.
    Review,
    /// Do not publish.
    Block,
}

impl Verdict {
    /// All verdicts, mildest first.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Limit, Self::Review, Self::Block];

    /// The identifier that decisions carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Limit => "limit",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

/// How strong a measure a single piece of evidence may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Reduced reach at most, when it stands alone.
    Low,
    /// A person should look.
    Medium,
    /// May support a block.
    High,
}

impl Severity {
    /// The weight of a term or rule that names a severity and no weight.
    pub fn default_weight(self) -> Milli {
        match self {
            Self::Low => 300,
            Self::Medium => 600,
            Self::High => 900,
        }
    }
}

/// Where an item is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// A long text of a public account.
    Article,
    /// A short post.
    Post,
    /// A comment under somebody's post.
    Comment,
    /// A name, a bio, a signature.
    Profile,
    /// A message in a group or a private conversation.
    Chat,
}

impl Surface {
    /// All surfaces, in the order of the policy file.
    pub const ALL: [Self; 5] = [Self::Article, Self::Post, Self::Comment, Self::Profile, Self::Chat];

    /// The identifier that items and policies use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Post => "post",
            Self::Comment => "comment",
            Self::Profile => "profile",
            Self::Chat => "chat",
        }
    }

    /// The surface of a name, or nothing.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|surface| surface.as_str() == name)
    }
}
