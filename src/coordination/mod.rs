//! Several accounts that act as one: clusters of near-duplicates over accounts, and how much speaks against chance.
//!
//! [`Coordinator::observe`] takes posts in the order of their arrival, with their neighbours in the window, and puts
//! them into clusters. A cluster earns its [`Tier`] by independent families of evidence; the text alone gives none.
//! Nothing here sanctions: tiers become verdicts and proposals elsewhere.

mod aged;
mod background;
mod cluster;
mod coordinator;
mod families;
mod habit;
mod rarity;
mod report;
mod scope;
mod tail;
mod templates;
mod tier;
mod volume;

pub use cluster::{Basis, Member};
pub use coordinator::{CHATS_MAX, Coordinator, Near, Outcome, Raised};
pub use families::{Family, FamilyKind};
pub use habit::Habit;
pub use report::{ClusterReport, cluster_name};
pub use tier::{Assessment, Cap, Tier};

use serde::{Deserialize, Serialize};

use crate::model::Verdict;
use crate::neardup::Fingerprint;

/// A way to get in touch with a person, as the coordination stage sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContactKey {
    /// Key of kind and canonical value.
    pub key: u64,
    /// Whether it leads into a private chat (a chat id) and not to a page or a telephone.
    pub is_chat: bool,
    /// Key of what people have one or a few of: the chat id, the telephone, the site of an address. None for what is made
    /// anew for every occasion, as codes are.
    pub line: Option<u64>,
    /// Whether `line` is a site.
    pub is_site: bool,
}

/// One post as the coordination stage sees it. Keys are hashes that stay the same over runs.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The item's id.
    pub item: &'a str,
    /// The author's id; empty when unknown, and then the post counts for no account.
    pub account: &'a str,
    /// Key of the author, none when unknown.
    pub account_key: Option<u64>,
    /// Event time in milliseconds since 1970.
    pub time_ms: i64,
    /// Whether the item came with a time of its own; one that did not says nothing of bursts.
    pub has_time: bool,
    /// Days since the account was registered.
    pub age_days: Option<u32>,
    /// Whether the author is a verified organisation.
    pub is_organisation: bool,
    /// Key of the device.
    pub device: Option<u64>,
    /// Key of the network address, or of its prefix where addresses are not hashed.
    pub network: Option<u64>,
    /// Key of the post that it answers.
    pub parent: Option<u64>,
    /// Whether it says itself that it repeats another's words.
    pub is_repost: bool,
    /// What its content alone leads to.
    pub content: Verdict,
    /// Contacts in it, distinct.
    pub contacts: &'a [ContactKey],
    /// Its grams.
    pub print: &'a Fingerprint,
    /// Its normalised text.
    pub normalised: &'a str,
}

impl Sighting<'_> {
    /// Day since 1970 on which the author was registered.
    pub(crate) fn registered_day(&self) -> Option<i64> {
        let day = self.time_ms.div_euclid(background::DAY_MS);
        self.age_days.map(|age| day.saturating_sub(i64::from(age)))
    }
}

/// A key of 64 bits for an id; the same on every machine and in every version.
///
/// The first eight bytes of SHA-256: whoever chooses ids must not be able to make two accounts one.
pub fn key_of(id: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}
