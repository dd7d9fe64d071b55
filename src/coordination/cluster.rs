//! Posts with one text, over accounts.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::aged::Weigh;
use super::coordinator::Near;
use super::habit::Habit;
use super::rarity::Rarity;
use super::tier::{Assessment, Tier};
use super::{ContactKey, Sighting};
use crate::model::Verdict;
use crate::neardup::Strength;

/// Posts whose particulars a cluster keeps; further ones are counted.
pub(super) const MEMBERS_MAX: usize = 1024;
/// Accounts that a cluster tells apart; further ones are counted as new every time.
const ACCOUNTS_MAX: usize = 1 << 16;
/// Members whose grams make the core.
const CORE_SAMPLE: u16 = 64;
/// Grams that a cluster keeps of its first members.
const GRAMS_MAX: usize = 4096;
/// Share of the core that a post must hold, or share of the founder's grams in common, to belong to a cluster.
const CORE_SHARE_MIN: f32 = 0.55;
const FOUNDER_JACCARD_MIN: f32 = 0.35;
/// Fewest grams of a core that is worth comparing with.
const CORE_GRAMS_MIN: usize = 5;

/// Grams of a cluster that its members are compared by.
const HELD_GRAMS: usize = 256;

/// A set of the first [`HELD_GRAMS`] grams of a cluster, one bit each.
pub(super) type Held = [u64; HELD_GRAMS / 64];

/// What the posts of a cluster have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Their text.
    #[default]
    Text,
    /// A contact in them.
    Contact,
    /// The post that they answer, each in a rare text that another account has answered it with too.
    Target,
}

/// One post of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The item's id.
    pub item: String,
    /// The author's id.
    pub account: String,
    /// Key of the author; none where the author is unknown, and then the post counts for no account.
    pub account_key: Option<u64>,
    /// Event time, ms since 1970.
    pub time_ms: i64,
    /// Whether that is its own, and not the newest one of the stream.
    pub has_time: bool,
    /// Key of its wording.
    pub wording: u64,
    /// Day of registration since 1970.
    pub registered_day: Option<i64>,
    /// Days since registration at the time of the post.
    pub age_days: Option<u32>,
    /// Key of the device.
    pub device: Option<u64>,
    /// Key of the network.
    pub network: Option<u64>,
    /// Key of the post that it answers.
    pub parent: Option<u64>,
    /// What its content alone leads to.
    pub content: Verdict,
    /// Contacts in it.
    pub contacts: Vec<ContactKey>,
    /// Whether the author is a verified organisation.
    pub is_organisation: bool,
    /// How much of its text is that of its nearest neighbour in the cluster, 0.0–1.0.
    pub similarity: f32,
    /// How sure that makes that it is the same text.
    pub strength: Strength,
    /// With which habits of its author it breaks.
    pub habit: Habit,
    /// The cluster by text that it belongs to, in a cluster by contact or by target.
    pub by_text: Option<u64>,
    /// Which of the first grams of its cluster it holds; none where that was not asked.
    pub(super) held: Option<Held>,
    /// The highest tier that a decision on it has named.
    pub(super) told: Tier,
    /// Whether a decision on it has proposed a measure for this cluster's sake.
    pub(super) is_carried: bool,
}

impl Member {
    /// A post that has no neighbour yet.
    pub(super) fn of(sighting: &Sighting<'_>, habit: Habit) -> Self {
        Self {
            item: sighting.item.to_owned(),
            account: sighting.account.to_owned(),
            account_key: sighting.account_key,
            time_ms: sighting.time_ms,
            has_time: sighting.has_time,
            wording: sighting.print.exact,
            registered_day: sighting.registered_day(),
            age_days: sighting.age_days,
            device: sighting.device,
            network: sighting.network,
            parent: sighting.parent,
            content: sighting.content,
            contacts: sighting.contacts.to_vec(),
            is_organisation: sighting.is_organisation,
            similarity: 0.0,
            strength: Strength::Link,
            habit,
            by_text: None,
            held: None,
            told: Tier::Note,
            is_carried: false,
        }
    }

    /// The same with its nearest neighbour, if there is one.
    pub(super) fn near(self, near: Option<&Near>) -> Self {
        let Some(near) = near else { return self };
        Self { similarity: near.similarity, strength: near.strength, ..self }
    }
}

/// How often a gram occurs among the first members, and how rare it was on the site when the cluster began.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Gram {
    key: u32,
    members: u16,
    bits: f32,
    /// How many came before it.
    place: u16,
}

/// Posts that say the same.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub(super) id: u64,
    pub(super) basis: Basis,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    /// All posts, kept or only counted.
    pub(super) posts: u64,
    /// Posts that say themselves that they repeat another's words; they are no members.
    pub(super) reposts: u64,
    pub(super) members: Vec<Member>,
    accounts: BTreeSet<u64>,
    accounts_beyond: u32,
    /// The grams of the post that made it a cluster, sorted.
    founder: Vec<u32>,
    /// Sorted by gram.
    grams: Vec<Gram>,
    sampled: u16,
    /// Normalised text of an early member.
    pub(super) text: String,
    /// Different texts of different accounts, the first ones: what a template is learnt from.
    pub(super) wordings: Vec<(u64, String)>,
    /// The template that was learnt from them.
    pub(super) template: Option<u64>,
    /// The last judgement. It may fall again, as for a phrase that turns out to be common; what was decided on earlier
    /// posts stays until people lift it.
    pub(super) assessment: Arc<Assessment>,
    /// Number of accounts at which it is judged again.
    pub(super) assess_at: u32,
    /// Number of posts at which it is judged again.
    pub(super) assess_at_posts: u64,
}

/// Longest text that a cluster keeps to show what it is about, in characters.
const TEXT_CHARS_MAX: usize = 2000;

/// Texts that a cluster keeps to learn its template from.
const WORDINGS_MAX: usize = 8;
/// Longest of them, in bytes; longer fillings of one template share enough pairs.
const WORDING_BYTES_MAX: usize = 1000;

impl Weigh for Cluster {
    fn weight(&self) -> usize {
        1 + self.members.len()
    }
}

impl Cluster {
    /// A cluster of posts with one text.
    pub(super) fn new(id: u64, founder: Member, grams: &[u32]) -> Self {
        let mut cluster = Self::empty(id, founder.time_ms);
        cluster.founder = grams.iter().copied().take(GRAMS_MAX).collect();
        // The grams are those of the second post, which will count them as its own.
        cluster.push(founder, &[], None);
        cluster
    }

    /// An empty cluster for the posts with something in common that is not their text.
    pub(super) fn of(basis: Basis, id: u64, time_ms: i64) -> Self {
        Self { basis, ..Self::empty(id, time_ms) }
    }

    fn empty(id: u64, time_ms: i64) -> Self {
        Self {
            id,
            basis: Basis::Text,
            first_ms: time_ms,
            last_ms: time_ms,
            posts: 0,
            reposts: 0,
            members: Vec::new(),
            accounts: BTreeSet::new(),
            accounts_beyond: 0,
            founder: Vec::new(),
            grams: Vec::new(),
            sampled: 0,
            text: String::new(),
            wordings: Vec::new(),
            template: None,
            assessment: Arc::default(),
            assess_at: 0,
            assess_at_posts: 0,
        }
    }

    /// Adds a post. Whether its particulars are kept, as the last of the members.
    pub(super) fn push(&mut self, member: Member, grams: &[u32], text: Option<(&str, &Rarity<'_>)>) -> bool {
        self.posts += 1;
        self.first_ms = self.first_ms.min(member.time_ms);
        self.last_ms = self.last_ms.max(member.time_ms);
        if self.sampled < CORE_SAMPLE && !grams.is_empty() && self.is_by_text() {
            self.sampled += 1;
            self.count_grams(grams);
        }
        let member = Member { held: self.held(grams), ..member };
        if let Some((text, rarity)) = text.filter(|_| self.text.is_empty()) {
            self.text = text.chars().take(TEXT_CHARS_MAX).collect();
            for (gram, bits) in rarity.of_text(text) {
                if let Ok(index) = self.grams.binary_search_by_key(&gram, |known| known.key) {
                    self.grams[index].bits = bits;
                }
            }
        }
        let is_new = member.account_key.is_some_and(|account| {
            if self.accounts.len() < ACCOUNTS_MAX {
                return self.accounts.insert(account);
            }
            let is_new = !self.accounts.contains(&account);
            self.accounts_beyond = self.accounts_beyond.saturating_add(u32::from(is_new));
            is_new
        });
        // One account that repeats itself must not take the place of all others.
        let is_kept = self.members.len() < if is_new { MEMBERS_MAX } else { MEMBERS_MAX / 4 };
        if is_kept {
            self.members.push(member);
        }
        is_kept
    }

    /// Which of the first grams a post with these grams holds; none where grams are not compared.
    fn held(&self, grams: &[u32]) -> Option<Held> {
        if grams.is_empty() || !self.is_by_text() {
            return None;
        }
        let mut held = Held::default();
        for gram in grams {
            let Ok(index) = self.grams.binary_search_by_key(gram, |known| known.key) else { continue };
            let place = usize::from(self.grams[index].place);
            if let Some(word) = held.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        Some(held)
    }

    /// Counts the grams of one more post, sorted.
    fn count_grams(&mut self, grams: &[u32]) {
        let known = self.grams.len();
        for gram in grams {
            match self.grams[..known].binary_search_by_key(gram, |known| known.key) {
                Ok(index) => self.grams[index].members += 1,
                Err(_) if self.grams.len() < GRAMS_MAX => {
                    let place = u16::try_from(self.grams.len()).unwrap_or(u16::MAX);
                    self.grams.push(Gram { key: *gram, members: 1, bits: 0.0, place });
                }
                Err(_) => {}
            }
        }
        // Two sorted stretches, which the stable sort merges in linear time.
        self.grams.sort_by_key(|known| known.key);
    }

    /// Keeps a text to learn the template from; whether it is new and of a new account.
    pub(super) fn keep_wording(&mut self, account: Option<u64>, text: &str) -> bool {
        let Some(account) = account.filter(|_| self.is_by_text()) else { return false };
        let is_room = self.wordings.len() < WORDINGS_MAX && text.len() <= WORDING_BYTES_MAX;
        let is_new =
            is_room && !self.wordings.iter().any(|(other, known)| *other == account || known == text);
        if is_new {
            self.wordings.push((account, text.to_owned()));
        }
        is_new
    }

    /// Whether its posts have their text in common.
    pub(super) fn is_by_text(&self) -> bool {
        self.basis == Basis::Text
    }

    /// Distinct accounts.
    pub(super) fn accounts(&self) -> u32 {
        u32::try_from(self.accounts.len()).unwrap_or(u32::MAX).saturating_add(self.accounts_beyond)
    }

    /// Whether a post with these grams, sorted, says what the cluster says, and not only what its nearest member says:
    /// so that a chain of small changes does not lead from one text to another.
    pub(super) fn accepts(&self, grams: &[u32]) -> bool {
        let common = grams.iter().filter(|gram| self.founder.binary_search(gram).is_ok()).count();
        let all = grams.len() + self.founder.len() - common;
        if ratio(common, all) >= FOUNDER_JACCARD_MIN {
            return true;
        }
        let (mut core, mut held) = (0, 0);
        for known in self.grams.iter().filter(|known| self.is_core(known.members)) {
            core += 1;
            held += usize::from(grams.binary_search(&known.key).is_ok());
        }
        core >= CORE_GRAMS_MIN && ratio(held, core) >= CORE_SHARE_MIN
    }

    /// Whether a gram that so many of the sampled members have belongs to the core: at least half of them.
    fn is_core(&self, members: u16) -> bool {
        members > 1 && members * 2 >= self.sampled
    }

    /// Sum of the rarity of the core's grams, in bits.
    pub(super) fn rarity_bits(&self) -> f64 {
        let core = self.grams.iter().filter(|gram| self.is_core(gram.members));
        core.map(|gram| f64::from(gram.bits)).sum()
    }

    /// Number of grams of the core.
    pub(super) fn core_grams(&self) -> usize {
        self.grams.iter().filter(|gram| self.is_core(gram.members)).count()
    }

    /// Whether a gram is in the core.
    pub(super) fn has_in_core(&self, gram: u32) -> bool {
        let known = self.grams.binary_search_by_key(&gram, |known| known.key);
        known.is_ok_and(|index| self.is_core(self.grams[index].members))
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of grams")]
fn ratio(part: usize, all: usize) -> f32 {
    if all == 0 { 0.0 } else { part as f32 / all as f32 }
}
