//! What is ordinary on the site: who posts, from where, how often, since when.
//!
//! Every count is of distinct accounts where it can be, bounded, and forgets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Sighting;
use super::aged::Aged;
use super::cluster::Member;

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// For how long accounts, devices, networks and contacts are remembered, at least.
const MEMORY_MS: i64 = 30 * DAY_MS;
/// Most entries of one generation of such a memory.
const ENTRIES_MAX: usize = 1 << 22;
/// Clusters that are remembered of one account, newest last.
pub(super) const CLUSTERS_PER_ACCOUNT: usize = 8;
/// Devices and networks that are remembered of one account.
const PLACES_PER_ACCOUNT: usize = 4;
/// Accounts that are remembered of one contact: the second makes it shared.
const ACCOUNTS_PER_CONTACT: usize = 2;
/// A household has fewer accounts on one device.
pub(super) const CROWD_MIN: u32 = 4;
/// Older accounts are as old as this.
const AGE_DAYS_MAX: u32 = 40 * 365;
/// An account writes much else from so many posts outside of clusters.
pub(super) const OWN_POSTS_MIN: u32 = 3;
/// An account is young for so many days.
pub(super) const YOUNG_DAYS: u32 = 30;
/// Buckets of the volume of posts: a week of ten minutes each.
const BUCKET_MS: i64 = 10 * MINUTE_MS;
const BUCKETS: usize = 7 * 24 * 6;
/// The same as a number of steps.
const BUCKET_STEPS: i64 = 7 * 24 * 6;

/// What is known of an account.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct AccountState {
    /// Posts that were seen, inside clusters and outside.
    pub(super) posts: u32,
    /// Posts that belonged to a cluster.
    pub(super) clustered: u32,
    /// Clusters that it wrote in, newest last.
    pub(super) clusters: Vec<u64>,
    devices: Vec<u64>,
    networks: Vec<u64>,
}

/// Posts per ten minutes over the last week of event time.
#[derive(Debug, Serialize, Deserialize)]
struct Volume {
    buckets: Vec<u32>,
    /// Number of the newest bucket since 1970.
    newest: i64,
    /// Number of the first bucket that was ever written.
    first: i64,
}

/// The site as it was seen so far.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Background {
    accounts: Aged<u64, AccountState>,
    devices: Aged<u64, u32>,
    networks: Aged<u64, u32>,
    /// Contact → the first accounts that gave it.
    contacts: Aged<u64, Vec<u64>>,
    /// Accounts on devices that are used by [`CROWD_MIN`] accounts and more.
    on_crowded_devices: u32,
    /// Day of registration since 1970 → accounts.
    registered: BTreeMap<i64, u32>,
    known_ages: u32,
    young: u32,
    volume: Volume,
    /// All posts.
    pub(super) posts: u64,
    /// Newest event time.
    pub(super) now_ms: i64,
}

impl Background {
    pub(super) fn new() -> Self {
        Self {
            accounts: Aged::new(MEMORY_MS, ENTRIES_MAX),
            devices: Aged::new(MEMORY_MS, ENTRIES_MAX),
            networks: Aged::new(MEMORY_MS, ENTRIES_MAX),
            contacts: Aged::new(MEMORY_MS, ENTRIES_MAX),
            on_crowded_devices: 0,
            registered: BTreeMap::new(),
            known_ages: 0,
            young: 0,
            volume: Volume { buckets: vec![0; BUCKETS], newest: i64::MIN, first: i64::MAX },
            posts: 0,
            now_ms: i64::MIN,
        }
    }

    /// Counts a post. O(1).
    pub(super) fn add(&mut self, sighting: &Sighting<'_>) {
        self.posts += 1;
        self.now_ms = self.now_ms.max(sighting.time_ms);
        self.volume.add(sighting.time_ms);
        let Some(account) = sighting.account_key else { return };
        let mut is_new = false;
        let state = self.accounts.entry(account, self.now_ms, || {
            is_new = true;
            AccountState::default()
        });
        state.posts = state.posts.saturating_add(1);
        if let Some(network) = sighting.network.filter(|n| is_new_place(&mut state.networks, *n)) {
            *self.networks.entry(network, self.now_ms, || 0) += 1;
        }
        if let Some(device) = sighting.device.filter(|d| is_new_place(&mut state.devices, *d)) {
            let accounts = self.devices.entry(device, self.now_ms, || 0);
            *accounts += 1;
            let added = if *accounts == CROWD_MIN { CROWD_MIN } else { u32::from(*accounts > CROWD_MIN) };
            self.on_crowded_devices = self.on_crowded_devices.saturating_add(added);
        }
        if let (true, Some(days)) = (is_new, sighting.age_days) {
            self.known_ages += 1;
            self.young += u32::from(days <= YOUNG_DAYS);
            if let Some(day) = sighting.registered_day().filter(|_| days <= AGE_DAYS_MAX) {
                *self.registered.entry(day).or_default() += 1;
            }
        }
    }

    /// Notes that a post belongs to a cluster.
    pub(super) fn join(&mut self, member: &Member, cluster: u64) {
        if let Some(account) = member.account_key {
            let state = self.accounts.entry(account, self.now_ms, AccountState::default);
            state.clustered = state.clustered.saturating_add(1);
            remember(&mut state.clusters, cluster, CLUSTERS_PER_ACCOUNT);
        }
    }

    /// Notes the contacts that an account gives.
    pub(super) fn use_contacts(&mut self, member: &Member) {
        let Some(account) = member.account_key else { return };
        for contact in &member.contacts {
            let accounts = self.contacts.entry(contact.key, self.now_ms, Vec::new);
            if accounts.len() < ACCOUNTS_PER_CONTACT {
                remember(accounts, account, ACCOUNTS_PER_CONTACT);
            }
        }
    }

    /// Whether several accounts have given a contact.
    pub(super) fn is_shared(&self, contact: u64) -> bool {
        self.contacts.get(contact).is_some_and(|accounts| accounts.len() >= ACCOUNTS_PER_CONTACT)
    }

    pub(super) fn account(&self, account: u64) -> Option<&AccountState> {
        self.accounts.get(account)
    }

    /// Posts of a member's author outside of clusters.
    pub(super) fn own_posts(&self, member: &Member) -> u32 {
        let known = member.account_key.and_then(|key| self.account(key));
        known.map_or(0, |account| account.posts.saturating_sub(account.clustered))
    }

    /// Accounts that were seen.
    pub(super) fn accounts(&self) -> u32 {
        u32::try_from(self.accounts.len()).unwrap_or(u32::MAX)
    }

    /// Accounts that were seen on a device.
    pub(super) fn on_device(&self, device: u64) -> u32 {
        self.devices.get(device).copied().unwrap_or(0)
    }

    /// Share of the site's accounts that are on a crowded device, without `own` of them; one in two hundred where little is
    /// known.
    pub(super) fn crowded_share(&self, own: u32) -> f64 {
        smoothed(self.on_crowded_devices.saturating_sub(own), self.accounts().saturating_sub(own), 0.005)
    }

    /// Accounts that were seen on a network.
    pub(super) fn on_network(&self, network: u64) -> u32 {
        self.networks.get(network).copied().unwrap_or(0)
    }

    /// Share of accounts that registered from `first` to `last`, without `own` of them, smoothed toward the share that
    /// the days would have if registrations were spread over three years.
    pub(super) fn registered_share(&self, first: i64, last: i64, own: u32) -> f64 {
        let others: u32 = self.registered.range(first..=last).map(|(_, count)| *count).sum();
        #[allow(clippy::cast_precision_loss, reason = "days")]
        let prior = (last - first + 1) as f64 / (3.0 * 365.0);
        smoothed(others.saturating_sub(own), self.known_ages.saturating_sub(own), prior)
    }

    /// Share of young accounts, without `own` of them; a tenth where little is known.
    pub(super) fn young_share(&self, own_young: u32, own: u32) -> f64 {
        smoothed(self.young.saturating_sub(own_young), self.known_ages.saturating_sub(own), 0.1)
    }

    /// The share of a day's posts that is written in `span_ms` before `end_ms`: measured where a day of volume is
    /// known, else the share of time.
    pub(super) fn share_of_day(&self, end_ms: i64, span_ms: i64) -> f64 {
        self.volume.share_of_day(end_ms, span_ms)
    }
}

impl Volume {
    fn add(&mut self, time_ms: i64) {
        let bucket = time_ms.div_euclid(BUCKET_MS);
        self.first = self.first.min(bucket);
        if self.newest == i64::MIN {
            self.newest = bucket;
        }
        let steps = bucket.saturating_sub(self.newest);
        if steps > 0 {
            let cleared = usize::try_from(steps).unwrap_or(BUCKETS).min(BUCKETS);
            for step in 0..cleared {
                let at = place(bucket - i64::try_from(step).unwrap_or(0));
                self.buckets[at] = 0;
            }
            self.newest = bucket;
        }
        if bucket > self.newest.saturating_sub(BUCKET_STEPS) {
            let count = &mut self.buckets[place(bucket)];
            *count = count.saturating_add(1);
        }
    }

    /// Posts of buckets `from..=to`, as far as they are kept.
    fn between(&self, from: i64, to: i64) -> u64 {
        let from = from.max(self.newest.saturating_sub(BUCKET_STEPS - 1));
        (from..=to.min(self.newest)).map(|bucket| u64::from(self.buckets[place(bucket)])).sum()
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of posts")]
    fn share_of_day(&self, end_ms: i64, span_ms: i64) -> f64 {
        let by_time = (span_ms as f64 / DAY_MS as f64).clamp(f64::EPSILON, 1.0);
        let end = end_ms.div_euclid(BUCKET_MS);
        let day = self.between(end - 143, end);
        let has_day = end.saturating_sub(self.first) >= 143 && day >= POSTS_PER_DAY_MIN;
        if !has_day {
            return by_time;
        }
        let start = end_ms.saturating_sub(span_ms).div_euclid(BUCKET_MS);
        let inside = self.between(start, end) as f64;
        // The buckets reach over both ends of the span.
        let covered = ((end - start + 1) * BUCKET_MS) as f64;
        ((inside + 1.0) / (day as f64 + 1.0) * (span_ms as f64 / covered)).clamp(by_time / 8.0, 1.0)
    }
}

/// Fewest posts in a day for their distribution over the day to be used.
const POSTS_PER_DAY_MIN: u64 = 1000;

fn place(bucket: i64) -> usize {
    usize::try_from(bucket.rem_euclid(BUCKET_STEPS)).unwrap_or(0)
}

/// A share of `count` in `total`, as if a hundred more had been seen of which `prior` had it.
fn smoothed(count: u32, total: u32, prior: f64) -> f64 {
    ((f64::from(count) + 100.0 * prior) / (f64::from(total) + 100.0)).min(1.0)
}

/// Adds a device or a network that an account has not been seen on. Whether it counts there: those of an account that
/// changes all the time count no more.
fn is_new_place(known: &mut Vec<u64>, place: u64) -> bool {
    let is_new = known.len() < PLACES_PER_ACCOUNT && !known.contains(&place);
    if is_new {
        known.push(place);
    }
    is_new
}

/// Adds a value that is not there yet, dropping the oldest beyond `max`. Whether it was new.
fn remember(known: &mut Vec<u64>, value: u64, max: usize) -> bool {
    if known.contains(&value) {
        return false;
    }
    if known.len() >= max {
        known.remove(0);
    }
    known.push(value);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_a_span_follows_the_rhythm_of_the_site_once_a_day_is_known() {
        let mut volume = Volume { buckets: vec![0; BUCKETS], newest: i64::MIN, first: i64::MAX };
        assert!((volume.share_of_day(DAY_MS, HOUR_MS) - 1.0 / 24.0).abs() < 1e-9);
        // Two days in which everything is written between 20 and 21 o'clock, but for one post every ten minutes.
        for minute in 0..(2 * 24 * 60) {
            let in_evening = (minute / 60) % 24 == 20;
            for _ in 0..if in_evening { 100 } else { i64::from(minute % 10 == 0) } {
                volume.add(minute * MINUTE_MS);
            }
        }
        let evening = volume.share_of_day(DAY_MS + 21 * HOUR_MS - 1, HOUR_MS);
        let morning = volume.share_of_day(DAY_MS + 9 * HOUR_MS, HOUR_MS);
        assert!(evening > 0.7 && morning < 0.01, "{evening} {morning}");
    }

    #[test]
    fn times_far_apart_cost_no_more_than_a_week() {
        let mut volume = Volume { buckets: vec![0; BUCKETS], newest: i64::MIN, first: i64::MAX };
        for time in [0, i64::MAX, i64::MIN, i64::MAX / 2, -1] {
            volume.add(time);
            assert!(volume.share_of_day(time, HOUR_MS) > 0.0);
        }
    }
}
