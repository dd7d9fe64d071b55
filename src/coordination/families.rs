//! The families of evidence that several accounts are one: each from another part of the data, each with its numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::background::{Background, CROWD_MIN, DAY_MS, HOUR_MS, MINUTE_MS, OWN_POSTS_MIN, YOUNG_DAYS};
use super::cluster::{Cluster, Member};
use super::tail;
use crate::model::Verdict;

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
    /// One wording with changing chat ids, or one chat id in several wordings.
    Contacts,
    /// The content by itself calls for review.
    Content,
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
            Self::Contacts => "contacts",
            Self::Content => "content",
        }
    }

    /// Whether people who merely share an event, a place or a taste would hardly show it, as a rule.
    fn is_hard(self) -> bool {
        matches!(self, Self::Device | Self::Batch | Self::Contacts | Self::Content)
    }

    /// Families of one cause do not confirm each other: one device has one address.
    pub(super) fn cause(self) -> u8 {
        match self {
            Self::Burst | Self::Rhythm => 0,
            Self::Repeat => 1,
            Self::Device | Self::Network => 2,
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
/// Spans in which bursts are looked for.
const SPANS_MS: [i64; 4] = [MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS];
/// Share of the cluster's accounts on one network, and share of the network's accounts in the cluster.
const NETWORK_SHARE_MIN: f64 = 0.5;
/// Registrations count as one batch over so many days, and as put by after so many.
const BATCH_DAYS: i64 = 3;
const BATCH_AGE_DAYS: u32 = 7;
/// Other clusters that are asked, those with most accounts in common.
const COMPANIONS_MAX: usize = 32;
/// Pairs on one device are strangers where so many of the accounts are in pairs: households do not write in step.
const PAIRED_SHARE_MIN: f64 = 0.7;
/// Fewest wordings, also of the share of the posts, for copies of one text not to be one event.
const SPUN_MIN: usize = 3;
/// Fewest distinct chat ids in one wording, and accounts with one chat id.
const ROTATING_MIN: usize = 3;
/// Chance that two unrelated people give the same chat id, or that one wording of ordinary people carries a chat id.
const SAME_CONTACT_SHARE: f64 = 0.001;
const CHAT_SHARE: f64 = 0.02;
/// Chance that a post of ordinary people calls for review by its content.
const REVIEW_SHARE: f64 = 0.01;

/// All families that speak against chance, in the order of their kinds, from the first post of each account.
/// O(members · log members).
pub(super) fn collect(
    cluster: &Cluster,
    posts: &[&Member],
    background: &Background,
    other: &dyn Fn(u64) -> Option<Together>,
) -> Vec<Family> {
    let found = [
        burst(posts, background),
        rhythm(posts),
        repeat(cluster, posts, background, other),
        device(posts, background),
        Some(registration(posts, background)),
        network(posts, background),
        contacts(posts),
        content(posts),
    ];
    let is_enough = |family: &Family| {
        let share = f64::from(family.k) / f64::from(family.n.max(1));
        family.evidence >= EVIDENCE_MIN && family.k >= SHOWING_MIN && share >= SHARE_MIN
    };
    found.into_iter().flatten().filter(is_enough).collect()
}

/// What another cluster has to say to the question who writes together.
#[derive(Debug)]
pub(super) struct Together {
    pub(super) accounts: u32,
    pub(super) posts: u64,
    /// Whether its text is rare enough to say something.
    pub(super) is_rare: bool,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A scan statistic: the most first posts of accounts in any span, against the share of a day's posts that the span
/// holds, corrected for the spans that were tried.
fn burst(posts: &[&Member], background: &Background) -> Option<Family> {
    let posts = timed(posts)?;
    let n = count(posts.len());
    let mut best: Option<Family> = None;
    for span in SPANS_MS {
        let mut start = 0;
        let mut most = (0, 0, 0);
        for (end, post) in posts.iter().enumerate() {
            while post.time_ms.saturating_sub(posts[start].time_ms) > span {
                start += 1;
            }
            most = most.max((end + 1 - start, start, end + 1));
        }
        let (k, from, to) = most;
        if k < 2 {
            continue;
        }
        let share = background.share_of_day(posts[to - 1].time_ms, span);
        // Any post may set the place of a span, the others fall into it or not.
        let tried = f64::from(n) * f64::from(count(SPANS_MS.len()));
        let evidence = tail::binomial(count(k - 1), n - 1, share) - tried.log10();
        if best.as_ref().is_none_or(|best| evidence > best.evidence) {
            let family = Family::new(FamilyKind::Burst, evidence, (count(k), n, share), &posts[from..to]);
            best = Some(Family { span_ms: Some(span), ..family });
        }
    }
    best
}

/// The posts with a time of their own; none where all have the same one, as in an export by days.
fn timed<'m>(posts: &[&'m Member]) -> Option<Vec<&'m Member>> {
    let timed: Vec<&Member> = posts.iter().filter(|post| post.has_time).copied().collect();
    (timed.last()?.time_ms > timed.first()?.time_ms).then_some(timed)
}

fn rhythm(posts: &[&Member]) -> Option<Family> {
    let posts = &timed(posts)?;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds")]
    let gaps: Vec<f64> =
        posts.windows(2).map(|pair| pair[1].time_ms.saturating_sub(pair[0].time_ms) as f64).collect();
    let n = count(posts.len());
    let evidence = tail::evenness(&gaps);
    Some(Family::new(FamilyKind::Rhythm, evidence, (n, n, 0.0), posts))
}

/// The other cluster that shares the most accounts beyond what their activity explains.
fn repeat(
    cluster: &Cluster,
    posts: &[&Member],
    background: &Background,
    other: &dyn Fn(u64) -> Option<Together>,
) -> Option<Family> {
    if cluster.is_by_contact {
        // The clusters by text that its posts are in say the same as the contact does.
        return None;
    }
    let mut shared: BTreeMap<u64, Vec<&Member>> = BTreeMap::new();
    for post in posts {
        let known = post.account_key.and_then(|key| background.account(key));
        for id in known.map_or(&[][..], |account| &account.clusters).iter().filter(|id| **id != cluster.id) {
            shared.entry(*id).or_default().push(post);
        }
    }
    let tried = f64::from(count(shared.len()).max(1));
    let total = f64::from(background.accounts().max(1000));
    let own_posts = |post: &&Member| {
        let known = post.account_key.and_then(|key| background.account(key));
        f64::from(known.map_or(1, |account| account.posts))
    };
    let own: Vec<f64> = posts.iter().map(own_posts).collect();
    let mut candidates: Vec<(u64, Vec<&Member>)> =
        shared.into_iter().filter(|(_, members)| members.len() >= 2).collect();
    candidates.sort_by_key(|(id, members)| (std::cmp::Reverse(members.len()), *id));
    candidates.truncate(COMPANIONS_MAX);
    let mut best: Option<Family> = None;
    for (id, members) in &candidates {
        let Some(together) = other(*id).filter(|other| other.is_rare) else { continue };
        // Busy accounts meet more often: each is expected there as often as its share of all posts says.
        #[allow(clippy::cast_precision_loss, reason = "numbers of posts")]
        let share = together.posts as f64 / background.posts.max(1) as f64;
        let by_activity: f64 = own.iter().map(|own| (own * share).min(1.0)).sum();
        let by_size = f64::from(count(posts.len())) * f64::from(together.accounts) / total;
        let mean = by_activity.max(by_size);
        let evidence = tail::poisson(count(members.len()), mean) - tried.log10();
        if best.as_ref().is_none_or(|best| evidence > best.evidence) {
            let n = count(posts.len());
            let numbers = (count(members.len()), n, mean / f64::from(n.max(1)));
            best = Some(Family::new(FamilyKind::Repeat, evidence, numbers, members));
        }
    }
    best
}

/// Accounts that share a device with another account of the cluster, or the accounts on devices that many accounts use,
/// whichever says more.
fn device(posts: &[&Member], background: &Background) -> Option<Family> {
    let groups = groups(posts, |member| member.device);
    let mut showing: Vec<&Member> = Vec::new();
    let mut expected: f64 = 0.0;
    for (device, members) in groups.iter().filter(|(_, members)| members.len() >= 2) {
        showing.extend(members);
        let outside = background.on_device(*device).saturating_sub(count(members.len()));
        expected += f64::from(outside + 1) / f64::from(background.accounts().max(1000));
    }
    let n = count(posts.len());
    let free = count(showing.len()).checked_sub(count(groups.values().filter(|m| m.len() >= 2).count()))?;
    // One account of each device is there by itself; the others had to meet it.
    let evidence = tail::binomial(free, n, expected.min(1.0));
    let shared = Family::new(FamilyKind::Device, evidence, (count(showing.len()), n, expected), &showing);
    let in_crowds = groups.values().filter(|members| count(members.len()) >= CROWD_MIN).flatten().count();
    let is_farm = f64::from(count(in_crowds)) >= SHARE_MIN * f64::from(n);
    let is_paired = f64::from(count(showing.len())) >= PAIRED_SHARE_MIN * f64::from(n);
    let shared = if is_farm || is_paired { shared } else { shared.soft() };
    // A laboratory's computers are used by many as well, each by one at a time.
    let is_crowded = |post: &&&Member| post.device.is_some_and(|d| background.on_device(d) >= CROWD_MIN);
    let crowded: Vec<&Member> = posts.iter().filter(is_crowded).copied().collect();
    let (k, share) = (count(crowded.len()), background.crowded_share(count(crowded.len())));
    let farmed = Family::new(FamilyKind::Device, tail::binomial(k, n, share), (k, n, share), &crowded).soft();
    let is_better = farmed.evidence > shared.evidence && !(shared.is_hard && shared.evidence >= EVIDENCE_MIN);
    Some(if is_better { farmed } else { shared })
}

fn groups<'m>(posts: &[&'m Member], key: impl Fn(&Member) -> Option<u64>) -> BTreeMap<u64, Vec<&'m Member>> {
    let mut groups: BTreeMap<u64, Vec<&Member>> = BTreeMap::new();
    for post in posts {
        if let Some(key) = key(post) {
            groups.entry(key).or_default().push(post);
        }
    }
    groups
}

/// The most accounts that were registered within a few days, or the young ones, whichever says more.
fn registration(posts: &[&Member], background: &Background) -> Family {
    let mut known: Vec<&Member> =
        posts.iter().copied().filter(|post| post.registered_day.is_some()).collect();
    known.sort_by_key(|post| post.registered_day);
    let n = count(known.len());
    let days: Vec<i64> = known.iter().filter_map(|post| post.registered_day).collect();
    let mut start = 0;
    let mut most = 0..0;
    for (end, day) in days.iter().enumerate() {
        while day.saturating_sub(days[start]) >= BATCH_DAYS {
            start += 1;
        }
        if end + 1 - start > most.len() {
            most = start..end + 1;
        }
    }
    let young: Vec<&Member> =
        known.iter().copied().filter(|post| post.age_days.is_some_and(|days| days <= YOUNG_DAYS)).collect();
    let k = count(young.len());
    let share = background.young_share(k, n);
    let by_age = Family::new(FamilyKind::Registration, tail::binomial(k, n, share), (k, n, share), &young);
    if most.is_empty() {
        return by_age;
    }
    let (first, last) = (days[most.start], days[most.end - 1]);
    let share = background.registered_share(first, last, count(most.len()));
    let k = count(most.len());
    // The first account sets the days, and any of them might.
    let evidence = tail::binomial(k - 1, n - 1, share) - f64::from(n).log10();
    let is_put_by =
        |post: &&&Member| post.age_days > Some(BATCH_AGE_DAYS) && background.own_posts(post) < OWN_POSTS_MIN;
    let put_by = known[most.clone()].iter().filter(is_put_by).count();
    let kind = if put_by * 2 > most.len() { FamilyKind::Batch } else { FamilyKind::Registration };
    let by_day = Family::new(kind, evidence, (k, n, share), &known[most]);
    let is_batch = kind == FamilyKind::Batch && by_day.evidence >= EVIDENCE_MIN;
    if is_batch || by_day.evidence >= by_age.evidence { by_day } else { by_age }
}

/// One network that most of the cluster uses and hardly anybody else: not a campus, not a carrier's gateway.
fn network(posts: &[&Member], background: &Background) -> Option<Family> {
    let groups = groups(posts, |member| member.network);
    let (network, members) = groups.into_iter().max_by_key(|(_, members)| members.len())?;
    let (k, n) = (count(members.len()), count(posts.len()));
    let all = background.on_network(network).max(k);
    let is_own = f64::from(k) >= NETWORK_SHARE_MIN * f64::from(n)
        && f64::from(k) >= NETWORK_SHARE_MIN * f64::from(all);
    let expected = f64::from(all - k + 1) / f64::from(background.accounts().max(1000));
    let evidence = tail::binomial(k - 1, n - 1, expected.min(1.0));
    is_own.then(|| Family::new(FamilyKind::Network, evidence, (k, n, expected), &members))
}

/// Chat ids: many in one wording, handed around between accounts; or one in several wordings.
///
/// A copied text carries its contact along, and in a form everybody fills in an id of their own: neither is evidence.
fn contacts(posts: &[&Member]) -> Option<Family> {
    let n = count(posts.len());
    let chats = |member: &Member| -> Vec<u64> {
        member.contacts.iter().filter(|contact| contact.is_chat).map(|contact| contact.key).collect()
    };
    let with_chat: Vec<&Member> = posts.iter().copied().filter(|post| !chats(post).is_empty()).collect();
    let mut users: BTreeMap<u64, Vec<&Member>> = BTreeMap::new();
    for post in &with_chat {
        for chat in chats(post) {
            users.entry(chat).or_default().push(post);
        }
    }
    let family = |members: &[&Member], k: u32, expected: f64| {
        let numbers = (count(members.len()), n, expected);
        Family::new(FamilyKind::Contacts, tail::binomial(k, n, expected), numbers, members)
    };
    let is_handed_around = users.values().any(|members| members.len() >= 2)
        || with_chat.iter().any(|post| chats(post).len() >= 2);
    let is_rotating = users.len() >= ROTATING_MIN && with_chat.len() >= ROTATING_MIN && is_handed_around;
    // One id in several wordings of these very accounts.
    let is_shared = |members: &[&Member]| members.len() >= ROTATING_MIN && is_spun(members);
    let sharing: Vec<&Member> =
        users.values().filter(|members| is_shared(members)).flatten().copied().collect();
    let candidates = [
        is_rotating.then(|| family(&with_chat, count(with_chat.len()), CHAT_SHARE)),
        (!sharing.is_empty())
            .then(|| family(&sharing, count(sharing.len()).saturating_sub(1), SAME_CONTACT_SHARE)),
    ];
    candidates.into_iter().flatten().max_by(|a, b| a.evidence.total_cmp(&b.evidence))
}

/// Whether the posts are not copies of one text, but each in words of its own or a changed copy.
fn is_spun(posts: &[&Member]) -> bool {
    let wordings: BTreeSet<u64> = posts.iter().map(|post| post.wording).collect();
    wordings.len() >= SPUN_MIN && wordings.len() * 2 >= posts.len()
}

/// What the posts lead to by themselves. Hard only where the wordings differ: copies of one text are one event, and what
/// quotes a fraud to warn of it is copied too.
fn content(posts: &[&Member]) -> Option<Family> {
    let flagged: Vec<&Member> =
        posts.iter().copied().filter(|post| post.content >= Verdict::Review).collect();
    let (k, n) = (count(flagged.len()), count(posts.len()));
    if 2 * k < n {
        return None;
    }
    let family =
        Family::new(FamilyKind::Content, tail::binomial(k, n, REVIEW_SHARE), (k, n, REVIEW_SHARE), &flagged);
    Some(if is_spun(&flagged) { family } else { family.soft() })
}

/// How long after its beginning a cluster counts as old.
pub(super) const OLD_MS: i64 = 7 * DAY_MS;
