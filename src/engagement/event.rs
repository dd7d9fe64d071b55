//! What goes in: actions on targets, follower counts, windows that operators register.

use serde::{Deserialize, Serialize};

/// Age of an account that is not known.
pub const AGE_UNKNOWN: u16 = u16::MAX;
/// Credit tier of an account that is not known.
pub const CREDIT_UNKNOWN: u8 = 15;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// Opened, viewed or listened to.
    Read,
    /// Liked.
    Like,
    /// Passed on.
    Repost,
    /// Answered.
    Comment,
    /// Subscribed.
    Follow,
    /// Subscription taken back.
    Unfollow,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Like, Self::Repost, Self::Comment, Self::Follow, Self::Unfollow];
    /// Number of kinds.
    pub const COUNT: usize = Self::ALL.len();
}

/// What it was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TargetKind {
    /// An account.
    Account,
    /// A post.
    Post,
    /// Something else: a hashtag, a stream.
    Other,
}

impl TargetKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Account, Self::Post, Self::Other];
}

/// Kind of target and credit tier of the actor in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tags(u8);

impl Tags {
    /// `credit` is 0 (lowest) to 14; more means [`CREDIT_UNKNOWN`].
    pub fn new(target_kind: TargetKind, credit: u8) -> Self {
        Self((target_kind as u8) << 4 | credit.min(CREDIT_UNKNOWN))
    }

    /// The kind of target.
    pub fn target_kind(self) -> TargetKind {
        match self.0 >> 4 {
            0 => TargetKind::Account,
            1 => TargetKind::Post,
            _ => TargetKind::Other,
        }
    }

    /// The credit tier, 0 to 14, or [`CREDIT_UNKNOWN`].
    pub fn credit(self) -> u8 {
        self.0 & CREDIT_UNKNOWN
    }
}

/// One action of one actor on one target. 32 bytes.
///
/// Ids come in as keyed hashes of the platform's ids, so that nobody outside can choose where they fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// Seconds since 1970.
    pub time_s: u32,
    /// Hash of the acting account.
    pub actor: u64,
    /// Hash of the target.
    pub target: u64,
    /// Hash of the device; 0 where none is known.
    pub device: u32,
    /// Hash of the network (address or its prefix); 0 where none is known.
    pub network: u32,
    /// Age of the acting account in days, or [`AGE_UNKNOWN`].
    pub age_days: u16,
    /// What was done.
    pub kind: Kind,
    /// Kind of target and credit of the actor.
    pub tags: Tags,
}

/// How many followers a target had at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerCount {
    /// Hash of the target.
    pub target: u64,
    /// Seconds since 1970.
    pub time_s: u32,
    /// Followers.
    pub count: u64,
}

/// Why an operator expects something unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A prize draw: new accounts, prize hunters, follows.
    Lottery,
    /// The platform recommends the target.
    Push,
    /// Followers or counts are taken over from elsewhere.
    Import,
    /// Two targets become one.
    Merge,
    /// Scored, never alerted.
    Exempt,
}

/// A stretch of time in which something unusual is expected of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Hash of the target.
    pub target: u64,
    /// Why.
    pub reason: Reason,
    /// Seconds since 1970, first.
    pub from_s: u32,
    /// Seconds since 1970, the first one after.
    pub to_s: u32,
    /// The operator's number or hash of the registration; it stands in the record.
    pub id: u64,
}
