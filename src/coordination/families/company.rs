//! The same company again: accounts that meet in several rare texts.

use std::collections::{BTreeMap, BTreeSet};

use super::super::background::{Background, HOUR_MS};
use super::super::cluster::{Cluster, Member};
use super::super::scope::Scope;
use super::super::tail;
use super::{EVIDENCE_MIN, Family, FamilyKind, SHARE_MIN, Together, count};

/// Other clusters that are asked, those with most accounts in common.
const COMPANIONS_MAX: usize = 32;
/// Other clusters of which the posts are looked at.
const CREW_CLUSTERS_MAX: usize = 8;
/// Texts that are asked who has answered with them.
const TEXTS_MAX: usize = 32;
/// Answers with so much between them are two occasions.
const OCCASION_MS: i64 = HOUR_MS;
/// Chance that a reader who answers in other people's words does so again on another occasion, beside the same company.
const AGAIN_SHARE: f64 = 0.02;

/// Another cluster by text with accounts of this one.
pub(super) struct Companion<'c> {
    /// −log10 of the probability that so many accounts meet there too, by their activity.
    evidence: f64,
    /// How many were expected.
    mean: f64,
    /// First posts in this cluster of the accounts in common.
    shared: Vec<&'c Member>,
    /// Posts of the other.
    members: &'c [Member],
}

/// The rare clusters that share accounts with this one, those with most in common, in the order of their evidence.
pub(super) fn companions<'c>(
    cluster: &Cluster,
    posts: &[&'c Member],
    background: &Background,
    other: &dyn Fn(u64) -> Option<Together<'c>>,
) -> Vec<Companion<'c>> {
    if !cluster.is_by_text() {
        // The clusters by text that its posts are in say the same as the contact does, or the target.
        return Vec::new();
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
    let companion = |(id, shared): (u64, Vec<&'c Member>)| {
        let together = other(id).filter(|other| other.is_rare)?;
        // Busy accounts meet more often: each is expected there as often as its share of all posts says.
        #[allow(clippy::cast_precision_loss, reason = "numbers of posts")]
        let share = together.posts as f64 / background.posts.max(1) as f64;
        let by_activity: f64 = own.iter().map(|own| (own * share).min(1.0)).sum();
        let by_size = f64::from(count(posts.len())) * f64::from(together.accounts) / total;
        let mean = by_activity.max(by_size);
        let evidence = tail::poisson(count(shared.len()), mean) - tried.log10();
        Some(Companion { evidence, mean, shared, members: together.members })
    };
    let mut found: Vec<Companion<'_>> = candidates.into_iter().filter_map(companion).collect();
    found.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
    found
}

/// The other cluster that shares the most accounts beyond what their activity explains.
pub(super) fn repeat(posts: &[&Member], companions: &[Companion<'_>]) -> Option<Family> {
    let Companion { evidence, mean, shared, .. } = companions.first()?;
    let n = count(posts.len());
    let numbers = (count(shared.len()), n, mean / f64::from(n.max(1)));
    Some(Family::new(FamilyKind::Repeat, *evidence, numbers, shared))
}

/// All posts, here and in other clusters, of the accounts that write together again: that meet in another cluster beyond
/// chance, or come back to this one. None where they are few of its accounts.
///
/// Who is in a crew depends on the company alone, so that the places of its posts may be asked about without bias; strangers
/// who wrote the same text do not water them down. O(members of [`CREW_CLUSTERS_MAX`] clusters).
pub(super) fn crew<'c>(scope: &Scope<'c>, companions: &[Companion<'c>]) -> Vec<&'c Member> {
    let Scope { members, posts, .. } = scope;
    let again: Vec<&Companion<'_>> = (companions.iter())
        .take(CREW_CLUSTERS_MAX)
        .filter(|companion| companion.evidence >= EVIDENCE_MIN)
        .collect();
    let mut seen = BTreeSet::new();
    let mut crew: BTreeSet<u64> = (members.iter())
        .filter_map(|member| member.account_key)
        .filter(|account| !seen.insert(*account))
        .collect();
    crew.extend(again.iter().flat_map(|companion| &companion.shared).filter_map(|member| member.account_key));
    if f64::from(count(crew.len())) < SHARE_MIN * f64::from(count(posts.len())) {
        return Vec::new();
    }
    let elsewhere = again.iter().flat_map(|companion| companion.members);
    let is_theirs = |member: &&Member| member.account_key.is_some_and(|account| crew.contains(&account));
    members.iter().copied().chain(elsewhere).filter(is_theirs).collect()
}

/// Answers in rare texts, here and under other posts, of the accounts that answer one post.
pub(super) struct Answers<'c> {
    /// By text, the answers of these accounts.
    texts: Vec<Vec<&'c Member>>,
    accounts: u32,
}

impl<'c> Answers<'c> {
    /// The answers of the authors of `posts`. O(members of [`TEXTS_MAX`] clusters).
    pub(super) fn of(
        posts: &[&'c Member],
        background: &Background,
        other: &dyn Fn(u64) -> Option<Together<'c>>,
    ) -> Self {
        let accounts: BTreeSet<u64> = posts.iter().filter_map(|post| post.account_key).collect();
        let mut shared: BTreeMap<u64, usize> = BTreeMap::new();
        for known in accounts.iter().filter_map(|key| background.account(*key)) {
            for id in &known.clusters {
                *shared.entry(*id).or_default() += 1;
            }
        }
        let mut ids: Vec<(u64, usize)> = shared.into_iter().filter(|(_, accounts)| *accounts >= 2).collect();
        ids.sort_by_key(|(id, accounts)| (std::cmp::Reverse(*accounts), *id));
        let is_theirs = |member: &&Member| {
            member.parent.is_some() && member.account_key.is_some_and(|key| accounts.contains(&key))
        };
        let texts = ids.iter().take(TEXTS_MAX).filter_map(|(id, _)| other(*id).filter(|text| text.is_rare));
        let texts = texts.map(|text| text.members.iter().filter(is_theirs).collect()).collect();
        Self { texts, accounts: count(accounts.len()) }
    }

    /// All answers of the accounts that came back on another occasion; none where these are few.
    pub(super) fn crew(&self) -> Vec<&'c Member> {
        let mut by_account: BTreeMap<u64, Vec<&Member>> = BTreeMap::new();
        for member in self.texts.iter().flatten() {
            by_account.entry(member.account_key.unwrap_or_default()).or_default().push(member);
        }
        by_account.retain(|_, answers| came_again(answers));
        let is_few = f64::from(count(by_account.len())) < SHARE_MIN * f64::from(self.accounts);
        if is_few { Vec::new() } else { by_account.into_values().flatten().collect() }
    }

    /// Accounts that give no hard evidence of their own, and have answered on two occasions at least beside those that do:
    /// in the same rare text, under the same post. Who copies a comment that he likes does so once.
    pub(super) fn company(&self, hard: &BTreeSet<u64>) -> Family {
        let is_hard = |member: &Member| member.account_key.is_some_and(|key| hard.contains(&key));
        let mut beside: BTreeMap<u64, Vec<&Member>> = BTreeMap::new();
        for answers in &self.texts {
            let parents: BTreeSet<Option<u64>> =
                answers.iter().filter(|member| is_hard(member)).map(|member| member.parent).collect();
            for member in answers.iter().filter(|m| !is_hard(m) && parents.contains(&m.parent)) {
                beside.entry(member.account_key.unwrap_or_default()).or_default().push(member);
            }
        }
        beside.retain(|_, answers| came_again(answers));
        let showing: Vec<&Member> = beside.values().filter_map(|answers| answers.first().copied()).collect();
        let (k, n) = (count(showing.len()), self.accounts.saturating_sub(count(hard.len())));
        Family::new(
            FamilyKind::Company,
            tail::binomial(k, n.max(k), AGAIN_SHARE),
            (k, n, AGAIN_SHARE),
            &showing,
        )
    }
}

/// Whether some answers of one account were given on two occasions and more.
fn came_again(answers: &[&Member]) -> bool {
    let times = || answers.iter().map(|member| member.time_ms);
    let (first, last) = (times().min(), times().max());
    first.zip(last).is_some_and(|(first, last)| last.saturating_sub(first) >= OCCASION_MS)
}
