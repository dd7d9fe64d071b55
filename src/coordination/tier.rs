//! From evidence to a tier: gates, exemptions, score.

use serde::{Deserialize, Serialize};

use super::background::{Background, OWN_POSTS_MIN};
use super::cluster::{Basis, Cluster, Member};
use super::families::{Family, FamilyKind, OLD_MS, Together, collect, has_several_texts};
use super::scope::Scope;
use crate::model::Verdict;
use crate::neardup::Strength;

/// How far a cluster has earned the word coordinated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Tier {
    /// Some texts are alike.
    #[default]
    Note,
    /// Five accounts and more, a rare text, and a burst or other evidence: less reach.
    LimitReach,
    /// Also evidence of another kind than time: a person should look.
    Review,
    /// Two independent families, one of which a shared event does not explain: a measure against accounts is proposed.
    Account,
}

impl Tier {
    const ALL: [Self; 4] = [Self::Note, Self::LimitReach, Self::Review, Self::Account];
}

impl From<Tier> for u8 {
    fn from(tier: Tier) -> Self {
        tier as Self
    }
}

impl TryFrom<u8> for Tier {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        Self::ALL.get(usize::from(number)).copied().ok_or_else(|| format!("{number} is no tier, 0 to 3"))
    }
}

/// Why a cluster stays below what its evidence would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// Fewer than five accounts.
    FewAccounts,
    /// A short text is never evidence.
    ShortText,
    /// Ordinary words: many people write them by themselves.
    CommonWords,
    /// Begun by a verified organisation, without hard evidence, or mostly written by such: a notice, a title, a chain's branches.
    Organisations,
    /// Seen for more than a week at a steady rate: a quotation, a saying.
    LongLived,
    /// Old accounts that write much else: fans, a chain letter, a meme.
    OrdinaryCrowd,
    /// Too few accounts were seen to know what is ordinary on the site.
    InsufficientHistory,
}

impl Assessment {
    /// Whether it proposes a measure against the author of a member: at the highest tier, where the author shows hard
    /// evidence, so that nobody answers for the others.
    pub fn proposes(&self, account_key: u64) -> bool {
        self.tier == Tier::Account
            && self.families.iter().any(|family| self.is_hard(family) && family.shows(account_key))
    }

    pub(super) fn carries(&self, member: &Member) -> bool {
        !member.is_organisation && member.account_key.is_some_and(|key| self.proposes(key))
    }

    /// Whether a family is hard evidence here. The contact that makes a cluster is none in it, as fans and customers share
    /// the address of a group too.
    pub fn is_hard(&self, family: &Family) -> bool {
        family.is_hard && !(self.basis == Basis::Contact && family.kind == FamilyKind::Contacts)
    }
}

impl Cap {
    /// The identifier that decisions carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FewAccounts => "few_accounts",
            Self::ShortText => "short_text",
            Self::CommonWords => "common_words",
            Self::Organisations => "organisations",
            Self::LongLived => "long_lived",
            Self::OrdinaryCrowd => "ordinary_crowd",
            Self::InsufficientHistory => "insufficient_history",
        }
    }
}

/// What a cluster has earned, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The tier.
    pub tier: Tier,
    /// 0.0–1.0; orders clusters, decides nothing.
    pub score: f64,
    /// Rarity of the common text in bits.
    pub rarity_bits: f64,
    /// Families with evidence.
    pub families: Vec<Family>,
    /// What kept the tier down.
    pub caps: Vec<Cap>,
    /// What the posts have in common.
    pub basis: Basis,
}

/// Fewest accounts from which anything follows.
pub(super) const ACCOUNTS_MIN: u32 = 5;
/// Fewest accounts of the site from which what is ordinary can be known.
const SITE_ACCOUNTS_MIN: u32 = 200;
/// Fewest accounts for a cluster to be worth a note.
pub(super) const NOTED_ACCOUNTS_MIN: u32 = 3;
/// Shortest text that is evidence, in grams.
const GRAMS_MIN: usize = 9;
/// Least rarity of the common text.
pub(super) const RARITY_BITS_MIN: f64 = 60.0;
/// The same where nothing but time and company speaks against chance: short stock phrases have their busy hours.
const ALONE_BITS_MIN: f64 = 120.0;
/// An account is old from so many days.
const OLD_DAYS: u32 = 180;
/// Share of the accounts that must be so for a crowd to be ordinary.
const CROWD_SHARE: f64 = 0.6;

/// Whether the common text is long and rare enough for anything to follow.
pub(super) fn says_something(cluster: &Cluster) -> bool {
    cluster.core_grams() >= GRAMS_MIN && cluster.rarity_bits() >= RARITY_BITS_MIN
}

/// Judges a cluster as it stands: as a whole, and by its newest wave alone where that has more to answer for. Pure: the
/// same cluster and background give the same.
pub(super) fn assess<'c>(
    cluster: &'c Cluster,
    background: &Background,
    other: &dyn Fn(u64) -> Option<Together<'c>>,
) -> Assessment {
    let whole = assess_scope(&Scope::whole(cluster), ALONE_BITS_MIN, background, other);
    let Some(wave) = Scope::newest_wave(cluster) else { return whole };
    let newest = cluster.members.last();
    if newest.is_some_and(|member| whole.carries(member)) {
        return whole;
    }
    // Where the words are known to be those of a campaign, they need not be as rare.
    let bits_min = if whole.tier == Tier::Account { RARITY_BITS_MIN } else { ALONE_BITS_MIN };
    let wave = assess_scope(&wave, bits_min, background, other);
    let is_more = whole.tier < Tier::Account || newest.is_some_and(|member| wave.carries(member));
    // A wave is asked for what it says of its accounts; what is less than that, the whole cluster says better.
    if wave.tier == Tier::Account && is_more { wave } else { whole }
}

/// `alone_bits_min` is asked of the text where no hard evidence speaks, and of that of a wave.
fn assess_scope<'c>(
    scope: &Scope<'c>,
    alone_bits_min: f64,
    background: &Background,
    other: &dyn Fn(u64) -> Option<Together<'c>>,
) -> Assessment {
    let Scope { cluster, posts, .. } = scope;
    let rarity_bits = cluster.rarity_bits();
    // Nothing follows from a short or common text, whoever writes it; most clusters have one.
    let families = if !cluster.is_by_text() || says_something(cluster) {
        collect(scope, background, other)
    } else {
        Vec::new()
    };
    let score = score(cluster, rarity_bits, &families);
    let mut assessment =
        Assessment { tier: Tier::Note, score, rarity_bits, families, caps: Vec::new(), basis: cluster.basis };
    let has = |kind: FamilyKind| assessment.families.iter().any(|family| family.kind == kind);
    let has_hard = assessment.families.iter().any(|family| assessment.is_hard(family));
    let sure = sure_accounts(cluster, posts);
    let counted = if has_hard || !cluster.is_by_text() { scope.accounts } else { sure };
    let bits_min = if has_hard && !scope.is_wave { RARITY_BITS_MIN } else { alone_bits_min };
    let is_certain = assessment.families.iter().any(|family| {
        assessment.is_hard(family) && matches!(family.kind, FamilyKind::Device | FamilyKind::Contacts)
    });
    let crowd_tier = if has_hard { Tier::Review } else { Tier::LimitReach };
    let by_text = [
        (cluster.core_grams() < GRAMS_MIN, Cap::ShortText, Tier::Note),
        (rarity_bits < bits_min, Cap::CommonWords, Tier::Note),
    ];
    let caps = [
        (counted < ACCOUNTS_MIN, Cap::FewAccounts, Tier::Note),
        (is_of_organisations(posts, has_hard), Cap::Organisations, Tier::Note),
        (!has_hard && is_long_lived(cluster, has(FamilyKind::Burst)), Cap::LongLived, Tier::Note),
        (!is_certain && is_ordinary_crowd(posts, background), Cap::OrdinaryCrowd, crowd_tier),
        (
            cluster.is_by_text() && is_mere_moment(&assessment.families, posts, background),
            Cap::OrdinaryCrowd,
            Tier::Note,
        ),
        (background.accounts() < SITE_ACCOUNTS_MIN, Cap::InsufficientHistory, Tier::Review),
    ];
    let by_text = by_text.into_iter().filter(|_| cluster.is_by_text());
    let mut most = Tier::Account;
    let mut reasons = Vec::new();
    for (_, reason, tier) in by_text.chain(caps).filter(|(applies, _, _)| *applies) {
        reasons.push(reason);
        most = most.min(tier);
    }
    let earned = earned(&assessment.families, has_hard, cluster.basis, has_several_texts(posts));
    assessment.caps = reasons;
    assessment.tier = earned.min(most);
    assessment
}

/// The tier that the families alone would give.
///
/// People who came by one invitation may write the same on the days of their registration, from one place; so only what
/// an event does not explain carries a proposal, and never alone.
fn earned(families: &[Family], has_hard: bool, basis: Basis, in_several_texts: bool) -> Tier {
    let has = |kind: FamilyKind| families.iter().any(|family| family.kind == kind);
    // Company and newcomers lean on the hard evidence of others, and confirm nothing.
    let leans = |family: &&Family| matches!(family.kind, FamilyKind::Company | FamilyKind::Unseen);
    let own = families.iter().filter(|family| !leans(family));
    let mut causes: Vec<u8> = own.map(|family| family.kind.cause()).collect();
    causes.sort_unstable();
    causes.dedup();
    if has_hard && causes.len() >= 2 {
        Tier::Account
    } else if basis == Basis::Target && !has_hard {
        // Whoever has many answers has busy hours, and newcomers among them; but in one hour several rare texts, each of
        // several people, are no accident.
        if in_several_texts && has(FamilyKind::Burst) { Tier::LimitReach } else { Tier::Note }
    } else if has_hard || has(FamilyKind::Repeat) || (has(FamilyKind::Registration) && causes.len() >= 2) {
        Tier::Review
    } else if families.is_empty() || basis == Basis::Contact {
        Tier::Note
    } else {
        Tier::LimitReach
    }
}

/// Accounts whose text is surely that of the cluster.
fn sure_accounts(cluster: &Cluster, posts: &[&Member]) -> u32 {
    if cluster.members.len() >= super::cluster::MEMBERS_MAX {
        return cluster.accounts();
    }
    let sure = posts.iter().filter(|post| post.strength >= Strength::Strong).count();
    u32::try_from(sure).unwrap_or(u32::MAX)
}

fn is_of_organisations(posts: &[&Member], has_hard: bool) -> bool {
    let begun = posts.first().is_some_and(|post| post.is_organisation);
    let organisations = posts.iter().filter(|post| post.is_organisation).count();
    (begun && !has_hard) || organisations * 2 >= posts.len().max(1)
}

/// Older than a week, and without a burst.
fn is_long_lived(cluster: &Cluster, has_burst: bool) -> bool {
    cluster.last_ms.saturating_sub(cluster.first_ms) >= OLD_MS && !has_burst
}

/// Whether most authors are old accounts that write much else.
fn is_ordinary_crowd(posts: &[&Member], background: &Background) -> bool {
    let is_ordinary = |post: &&&Member| {
        let is_old = post.age_days.is_some_and(|days| days >= OLD_DAYS);
        is_old && background.own_posts(post) >= OWN_POSTS_MIN
    };
    let ordinary = posts.iter().filter(is_ordinary).count();
    #[allow(clippy::cast_precision_loss, reason = "numbers of accounts")]
    let share = ordinary as f64 / posts.len().max(1) as f64;
    share >= CROWD_SHARE
}

/// Whether nothing but time speaks, and the authors are people as everywhere: an evening that everybody shares.
///
/// Either most of them are seen elsewhere too; or the text leads nowhere, and no more of them are new than may be among
/// people whom something has moved to write: half of the way from the share of the site to all.
fn is_mere_moment(families: &[Family], posts: &[&Member], background: &Background) -> bool {
    let is_of_time = |family: &Family| family.kind.cause() == FamilyKind::Burst.cause();
    let with_life = posts.iter().filter(|post| background.own_posts(post) > 0).count();
    let leads =
        posts.iter().filter(|post| !post.contacts.is_empty() || post.content >= Verdict::Review).count();
    let unseen = posts.iter().filter(|post| post.habit.is_unseen()).count();
    #[allow(clippy::cast_precision_loss, reason = "numbers of accounts")]
    let is_usual = unseen as f64 <= (0.5 + 0.5 * background.habits().unseen_share()) * posts.len() as f64;
    families.iter().all(is_of_time) && (with_life * 2 >= posts.len() || (leads * 2 < posts.len() && is_usual))
}

/// A logistic sum, monotone in every part: accounts, posts, rarity and the evidence of each family, the last two with a cap.
fn score(cluster: &Cluster, rarity_bits: f64, families: &[Family]) -> f64 {
    let evidence: f64 = families
        .iter()
        .map(|family| {
            let weight = if family.is_hard { 0.35 } else { 0.2 };
            weight * family.evidence.clamp(0.0, 12.0)
        })
        .sum();
    #[allow(clippy::cast_precision_loss, reason = "numbers of posts")]
    let posts = cluster.posts.max(1) as f64;
    let size = 0.6 * f64::from(cluster.accounts().max(1)).ln() + 0.3 * posts.ln();
    let text = 0.005 * rarity_bits.clamp(0.0, 200.0);
    1.0 / (1.0 + (5.0 - size - text - evidence).exp())
}
