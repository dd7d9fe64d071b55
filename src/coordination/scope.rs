//! Which posts of a cluster are asked about: all that are kept, or those of the accounts of its newest wave.

use std::collections::{BTreeMap, BTreeSet};

use super::background::HOUR_MS;
use super::cluster::{Basis, Cluster, Member};
use super::tier::ACCOUNTS_MIN;

/// So long without a post ends a wave.
const WAVE_GAP_MS: i64 = 3 * HOUR_MS;

/// Some posts of a cluster.
pub(super) struct Scope<'c> {
    pub(super) cluster: &'c Cluster,
    /// In the order of their arrival.
    pub(super) members: Vec<&'c Member>,
    /// The first of each account among them, by time.
    pub(super) posts: Vec<&'c Member>,
    /// Accounts of these posts; of the whole cluster also those whose posts are not kept.
    pub(super) accounts: u32,
    /// Whether these are the accounts of the newest wave, and others came before.
    pub(super) is_wave: bool,
}

impl<'c> Scope<'c> {
    /// All posts that are kept.
    pub(super) fn whole(cluster: &'c Cluster) -> Self {
        let members: Vec<&Member> = cluster.members.iter().collect();
        let posts = first_posts(&members);
        Self { cluster, members, posts, accounts: cluster.accounts(), is_wave: false }
    }

    /// All posts of the accounts of the newest wave, if others came before and these are as many as are needed for anything to
    /// follow.
    ///
    /// Whoever takes up the words of others days later must neither be hidden by them nor be taken for one of them: what a
    /// third of the accounts of one evening show may be a tenth of all that ever wrote the text. O(members · log members).
    pub(super) fn newest_wave(cluster: &'c Cluster) -> Option<Self> {
        if cluster.basis == Basis::Target {
            return None;
        }
        let mut times: Vec<i64> = cluster.members.iter().map(|member| member.time_ms).collect();
        times.sort_unstable();
        let is_gap = |pair: &&[i64]| pair[1].saturating_sub(pair[0]) >= WAVE_GAP_MS;
        let since = times.windows(2).rev().find(is_gap)?[1];
        let newest = cluster.members.iter().filter(|member| member.time_ms >= since);
        let newest: BTreeSet<u64> = newest.filter_map(|member| member.account_key).collect();
        let is_theirs = |member: &&Member| member.account_key.is_some_and(|key| newest.contains(&key));
        let members: Vec<&Member> = cluster.members.iter().filter(is_theirs).collect();
        let posts = first_posts(&members);
        let accounts = u32::try_from(posts.len()).unwrap_or(u32::MAX);
        let is_part = accounts >= ACCOUNTS_MIN && accounts < cluster.accounts();
        is_part.then_some(Self { cluster, members, posts, accounts, is_wave: true })
    }
}

/// The first post of each account, by time.
fn first_posts<'c>(members: &[&'c Member]) -> Vec<&'c Member> {
    let mut first: BTreeMap<u64, &Member> = BTreeMap::new();
    for member in members {
        let Some(account) = member.account_key else { continue };
        let known = first.entry(account).or_insert(member);
        if member.time_ms < known.time_ms {
            *known = member;
        }
    }
    let mut posts: Vec<&Member> = first.into_values().collect();
    posts.sort_by(|a, b| (a.time_ms, &a.item).cmp(&(b.time_ms, &b.item)));
    posts
}
