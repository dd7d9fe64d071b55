//! The families of evidence that several accounts are one: each from another part of the data, each with its numbers.

mod company;
mod people;
mod places;
mod texts;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::background::{Background, DAY_MS};
use super::cluster::{Basis, Member};
use super::scope::Scope;
pub(super) use texts::has_several_texts;

/// What a family looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyKind {
    /// Many posts in a short time.
    Burst,
    /// Evenly spaced posts.
    Rhythm,
    /// The same accounts together in other clusters too.
    Repeat,
    /// Several accounts on one device.
    Device,
    /// Nearly all accounts young, or registered on the days of the posts: what an invitation brings as well.
    Registration,
    /// Accounts registered within a few days, and put by for a week and more.
    Batch,
    /// One network address that hardly anybody else uses.
    Network,
    /// Accounts that come from a network of strangers with every post: rented addresses.
    Roaming,
    /// Known accounts that come from a device where they were never seen.
    Takeover,
    /// Accounts that come back from a silence of days to say the same.
    Awakening,
    /// One wording with changing chat ids, or one chat id in several wordings.
    Contacts,
    /// The content by itself calls for review.
    Content,
    /// Answers again and again in the same rare texts, under the same posts, as accounts that show hard evidence.
    Company,
    /// Never seen before, where nobody who is known is at home.
    Unseen,
}

impl FamilyKind {
    /// The identifier that decisions carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Rhythm => "rhythm",
            Self::Repeat => "repeat",
            Self::Device => "device",
            Self::Registration => "registration",
            Self::Batch => "batch",
            Self::Network => "network",
            Self::Roaming => "roaming",
            Self::Takeover => "takeover",
            Self::Awakening => "awakening",
            Self::Contacts => "contacts",
            Self::Content => "content",
            Self::Company => "company",
            Self::Unseen => "unseen",
        }
    }

    /// Whether people who merely share an event, a place or a taste would hardly show it, as a rule.
    fn is_hard(self) -> bool {
        match self {
            Self::Device
            | Self::Batch
            | Self::Contacts
            | Self::Content
            | Self::Roaming
            | Self::Takeover
            | Self::Company
            | Self::Unseen => true,
            Self::Burst
            | Self::Rhythm
            | Self::Repeat
            | Self::Registration
            | Self::Network
            | Self::Awakening => false,
        }
    }

    /// Families of one cause do not confirm each other: one device has one address.
    pub(super) fn cause(self) -> u8 {
        match self {
            Self::Burst | Self::Rhythm | Self::Awakening => 0,
            Self::Repeat | Self::Company => 1,
            Self::Device | Self::Network | Self::Roaming | Self::Takeover | Self::Unseen => 2,
            Self::Registration | Self::Batch => 3,
            Self::Contacts => 4,
            Self::Content => 5,
        }
    }
}

/// Evidence of one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// What was looked at.
    pub kind: FamilyKind,
    /// −log10 of the probability of so much by chance.
    pub evidence: f64,
    /// Accounts (for bursts and rhythm, posts) that show it.
    pub k: u32,
    /// Out of how many.
    pub n: u32,
    /// The share that was expected.
    pub expected: f64,
    /// The span of a burst in milliseconds.
    pub span_ms: Option<i64>,
    /// Whether people who merely share an event, a place or a taste would hardly show it.
    pub is_hard: bool,
    /// Items that show it, the first of them.
    pub items: Vec<String>,
    /// Accounts that show it themselves; only they may be proposed for a measure on its account.
    pub(super) accounts: BTreeSet<u64>,
}

/// Items that are kept as examples of a family.
const EXAMPLES_MAX: usize = 8;

impl Family {
    fn new<'m>(
        kind: FamilyKind,
        evidence: f64,
        (k, n, expected): (u32, u32, f64),
        showing: impl IntoIterator<Item = &'m &'m Member> + Clone,
    ) -> Self {
        Self {
            kind,
            evidence,
            k,
            n,
            expected,
            span_ms: None,
            is_hard: kind.is_hard(),
            items: showing.clone().into_iter().take(EXAMPLES_MAX).map(|member| member.item.clone()).collect(),
            accounts: showing.into_iter().filter_map(|member| member.account_key).collect(),
        }
    }

    /// The same as evidence that other things may explain.
    fn soft(self) -> Self {
        Self { is_hard: false, ..self }
    }

    /// Whether an account shows it itself.
    pub fn shows(&self, account_key: u64) -> bool {
        self.accounts.contains(&account_key)
    }
}

/// Least evidence of a family, in decimal orders: a site has thousands of clusters a day.
const EVIDENCE_MIN: f64 = 4.0;
/// Fewest accounts that show a family, and their share of the cluster: what few of many show says nothing of the rest.
const SHOWING_MIN: u32 = 3;
const SHARE_MIN: f64 = 0.3;
/// The same where one wave of several is asked about by itself: more is tried, so that more is asked for.
const SHOWING_IN_WAVE_MIN: u32 = 5;
/// All families that speak against chance, in the order of their kinds, from the first post of each account, and of those
/// who write together again from all their posts in common. O(members · log members), and those of eight other clusters.
pub(super) fn collect<'c>(
    scope: &Scope<'c>,
    background: &Background,
    other: &dyn Fn(u64) -> Option<Together<'c>>,
) -> Vec<Family> {
    let Scope { cluster, members: all, posts, .. } = scope;
    let is_by_target = cluster.basis == Basis::Target;
    let companions = company::companions(cluster, posts, background, other);
    let answers = is_by_target.then(|| company::Answers::of(posts, background, other));
    let crew = match &answers {
        Some(answers) => answers.crew(),
        None => company::crew(scope, &companions),
    };
    let roaming = [places::roaming(all, background), places::roaming(&crew, background)];
    let registration = people::registration(posts, background);
    let found = [
        time::burst(posts, background),
        time::rhythm(posts),
        company::repeat(posts, &companions),
        places::device(posts, background),
        // Whoever has joined with others may be told to answer.
        Some(if is_by_target { registration.soft() } else { registration }),
        places::network(posts, background),
        roaming.into_iter().flatten().max_by(|a, b| {
            (a.is_hard && a.evidence >= EVIDENCE_MIN)
                .cmp(&(b.is_hard && b.evidence >= EVIDENCE_MIN))
                .then(a.evidence.total_cmp(&b.evidence))
        }),
        places::takeover(posts, background),
        people::awakening(posts, background),
        texts::contacts(scope, &crew, background).filter(|_| !is_by_target),
        texts::content(scope).filter(|_| !is_by_target),
        // Where only the text is common, several authors of a page may have been copied.
        (cluster.basis != Basis::Text && places::is_nobody_at_home(all, background))
            .then(|| people::unseen(posts, background)),
    ];
    let fewest = if scope.is_wave { SHOWING_IN_WAVE_MIN } else { SHOWING_MIN };
    let is_enough = |family: &Family| {
        let share = f64::from(family.k) / f64::from(family.n.max(1));
        family.evidence >= EVIDENCE_MIN && family.k >= fewest && share >= SHARE_MIN
    };
    let mut found: Vec<Family> = found.into_iter().flatten().filter(is_enough).collect();
    let hard: BTreeSet<u64> =
        found.iter().filter(|family| family.is_hard).flat_map(|family| &family.accounts).copied().collect();
    let company = answers.filter(|_| !hard.is_empty()).map(|answers| answers.company(&hard));
    found.extend(company.filter(is_enough));
    found
}

/// What another cluster has to say to the question who writes together.
#[derive(Debug)]
pub(super) struct Together<'c> {
    pub(super) members: &'c [Member],
    pub(super) accounts: u32,
    pub(super) posts: u64,
    /// Whether its text is rare enough to say something.
    pub(super) is_rare: bool,
}

/// The mean of a share over some posts; none where there are none.
fn mean_share(posts: &[&Member], share: impl Fn(&Member) -> f64) -> Option<f64> {
    let sum: f64 = posts.iter().map(|post| share(post)).sum();
    (!posts.is_empty()).then(|| sum / f64::from(count(posts.len())))
}

/// Members by some key that not all of them have.
fn groups<'m>(posts: &[&'m Member], key: impl Fn(&Member) -> Option<u64>) -> BTreeMap<u64, Vec<&'m Member>> {
    let mut groups: BTreeMap<u64, Vec<&Member>> = BTreeMap::new();
    for post in posts {
        if let Some(key) = key(post) {
            groups.entry(key).or_default().push(post);
        }
    }
    groups
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// How long after its beginning a cluster counts as old.
pub(super) const OLD_MS: i64 = 7 * DAY_MS;
