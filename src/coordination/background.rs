//! What is ordinary on the site: who posts, from where, how often, since when.
//!
//! Every count is of distinct accounts where it can be, bounded, and forgets: shares are those of the accounts that are
//! remembered, and an account that is forgotten is taken off every count.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::Sighting;
use super::aged::{Aged, Weigh};
use super::cluster::Member;
use super::habit::{Habit, Habits, SILENT_MS};
use super::volume::Volume;

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// For how long accounts and contacts are remembered after they were last seen, at least, and at most twice as long.
const MEMORY_MS: i64 = 30 * DAY_MS;
/// Most entries of one generation of such a memory.
const ENTRIES_MAX: usize = 1 << 22;
/// Clusters that are remembered of one account, newest last.
pub(super) const CLUSTERS_PER_ACCOUNT: usize = 8;
/// Devices and networks that are remembered of one account.
const DEVICES_PER_ACCOUNT: usize = 4;
const NETWORKS_PER_ACCOUNT: usize = 8;
/// A network with more accounts is a carrier's or a campus: being there for the first time says nothing.
pub(super) const FEW_ON_NETWORK: u32 = 50;
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
    /// Posts of which it was asked whether their network was strange, those for which it was, and the number that was
    /// expected.
    pub(super) asked: u32,
    pub(super) strange: u32,
    pub(super) expected: f64,
    /// Newest post.
    last_ms: i64,
    /// Day of registration since 1970, as the first post that was seen said it.
    registered_day: Option<i64>,
    /// Whether the account was young then; none where its age is not known.
    is_young: Option<bool>,
}

impl Weigh for AccountState {}

impl Weigh for ContactState {}

/// The accounts that gave a contact.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ContactState {
    /// The first of them.
    accounts: Vec<u64>,
    /// Posts that gave it.
    posts: u32,
}

/// The site as it was seen so far.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Background {
    accounts: Aged<u64, AccountState>,
    /// Device → accounts that are remembered with it.
    devices: HashMap<u64, u32>,
    networks: HashMap<u64, u32>,
    contacts: Aged<u64, ContactState>,
    /// Accounts on devices that are used by [`CROWD_MIN`] accounts and more.
    on_crowded_devices: u32,
    /// Day of registration since 1970 → accounts.
    registered: BTreeMap<i64, u32>,
    known_ages: u32,
    young: u32,
    volume: Volume,
    habits: Habits,
    /// All posts.
    pub(super) posts: u64,
    /// Newest event time.
    pub(super) now_ms: i64,
}

impl Background {
    pub(super) fn new() -> Self {
        Self {
            accounts: Aged::new(MEMORY_MS, ENTRIES_MAX),
            devices: HashMap::new(),
            networks: HashMap::new(),
            contacts: Aged::new(MEMORY_MS, ENTRIES_MAX),
            on_crowded_devices: 0,
            registered: BTreeMap::new(),
            known_ages: 0,
            young: 0,
            volume: Volume::new(),
            habits: Habits::new(),
            posts: 0,
            now_ms: i64::MIN,
        }
    }

    /// Counts a post; with which habits of its author it breaks. O(1) but for the change of generations of the accounts.
    pub(super) fn add(&mut self, sighting: &Sighting<'_>) -> Habit {
        self.posts += 1;
        self.now_ms = self.now_ms.max(sighting.time_ms);
        self.volume.add(sighting.time_ms);
        let Some(account) = sighting.account_key else { return Habit::default() };
        self.forget();
        let mut is_new = false;
        let state = self.accounts.entry(account, self.now_ms, || {
            is_new = true;
            AccountState::default()
        });
        let few =
            |network: &u64| self.networks.get(network).is_none_or(|accounts| *accounts < FEW_ON_NETWORK);
        let is_strange = |known: &[u64], place: u64| !known.is_empty() && !known.contains(&place);
        let habit = Habit {
            earlier: state.posts,
            is_strange_network: (sighting.network.filter(|_| !state.networks.is_empty()))
                .map(|network| is_strange(&state.networks, network) && few(&network)),
            is_strange_device: (sighting.device.filter(|_| !state.devices.is_empty()))
                .map(|device| is_strange(&state.devices, device)),
            was_silent: (!is_new).then(|| sighting.time_ms.saturating_sub(state.last_ms) >= SILENT_MS),
        };
        if let Some(is_strange) = habit.is_strange_network {
            state.asked = state.asked.saturating_add(1);
            state.strange = state.strange.saturating_add(u32::from(is_strange));
            state.expected += self.habits.strange_network_share(habit);
        }
        state.posts = state.posts.saturating_add(1);
        state.last_ms = if is_new { sighting.time_ms } else { state.last_ms.max(sighting.time_ms) };
        if let Some(network) =
            sighting.network.filter(|n| is_new_place(&mut state.networks, *n, NETWORKS_PER_ACCOUNT))
        {
            *self.networks.entry(network).or_default() += 1;
        }
        if let Some(device) =
            sighting.device.filter(|d| is_new_place(&mut state.devices, *d, DEVICES_PER_ACCOUNT))
        {
            let accounts = self.devices.entry(device).or_default();
            *accounts += 1;
            let added = if *accounts == CROWD_MIN { CROWD_MIN } else { u32::from(*accounts > CROWD_MIN) };
            self.on_crowded_devices = self.on_crowded_devices.saturating_add(added);
        }
        if let (true, Some(days)) = (is_new, sighting.age_days) {
            state.is_young = Some(days <= YOUNG_DAYS);
            state.registered_day = sighting.registered_day().filter(|_| days <= AGE_DAYS_MAX);
            self.known_ages += 1;
            self.young += u32::from(days <= YOUNG_DAYS);
            if let Some(day) = state.registered_day {
                *self.registered.entry(day).or_default() += 1;
            }
        }
        self.habits.add(habit, self.now_ms);
        habit
    }

    /// Takes the accounts that have not been seen for long off every count. O(their number).
    fn forget(&mut self) {
        for account in self.accounts.turn(self.now_ms).into_values() {
            for network in account.networks {
                take_off(&mut self.networks, network);
            }
            for device in account.devices {
                let left = take_off(&mut self.devices, device);
                let taken = if left + 1 == CROWD_MIN { CROWD_MIN } else { u32::from(left >= CROWD_MIN) };
                self.on_crowded_devices = self.on_crowded_devices.saturating_sub(taken);
            }
            if let Some(is_young) = account.is_young {
                self.known_ages = self.known_ages.saturating_sub(1);
                self.young = self.young.saturating_sub(u32::from(is_young));
            }
            if let Some(day) = account.registered_day
                && let Some(count) = self.registered.get_mut(&day)
            {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.registered.remove(&day);
                }
            }
        }
    }

    /// Notes that a post belongs to a cluster.
    pub(super) fn join(&mut self, member: &Member, cluster: u64) {
        self.forget();
        let Some(account) = member.account_key else { return };
        // An account that was forgotten since its post would come back without its age and places.
        if let Some(state) = self.accounts.get_mut(account, self.now_ms) {
            state.clustered = state.clustered.saturating_add(1);
            remember(&mut state.clusters, cluster, CLUSTERS_PER_ACCOUNT);
        }
    }

    /// Notes the contacts that an account gives, and the sites of addresses.
    pub(super) fn use_contacts(&mut self, member: &Member) {
        let Some(account) = member.account_key else { return };
        let mut keys: Vec<u64> =
            member.contacts.iter().flat_map(|contact| [Some(contact.key), contact.line]).flatten().collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let state = self.contacts.entry(key, self.now_ms, ContactState::default);
            state.posts = state.posts.saturating_add(1);
            if state.accounts.len() < ACCOUNTS_PER_CONTACT {
                remember(&mut state.accounts, account, ACCOUNTS_PER_CONTACT);
            }
        }
    }

    /// Whether several accounts have given a contact.
    pub(super) fn is_shared(&self, contact: u64) -> bool {
        self.contacts.get(contact).is_some_and(|known| known.accounts.len() >= ACCOUNTS_PER_CONTACT)
    }

    /// Posts that gave a contact.
    pub(super) fn posts_with(&self, contact: u64) -> u32 {
        self.contacts.get(contact).map_or(0, |known| known.posts)
    }

    /// How often posts break with the habits of their authors.
    pub(super) fn habits(&self) -> &Habits {
        &self.habits
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
        self.devices.get(&device).copied().unwrap_or(0)
    }

    /// Share of the site's accounts that are on a crowded device, without `own` of them; one in two hundred where little is
    /// known.
    pub(super) fn crowded_share(&self, own: u32) -> f64 {
        smoothed(self.on_crowded_devices.saturating_sub(own), self.accounts().saturating_sub(own), 0.005)
    }

    /// Accounts that were seen on a network.
    pub(super) fn on_network(&self, network: u64) -> u32 {
        self.networks.get(&network).copied().unwrap_or(0)
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

/// A share of `count` in `total`, as if a hundred more had been seen of which `prior` had it.
fn smoothed(count: u32, total: u32, prior: f64) -> f64 {
    ((f64::from(count) + 100.0 * prior) / (f64::from(total) + 100.0)).min(1.0)
}

/// Takes one account off a place; how many are left.
fn take_off(places: &mut HashMap<u64, u32>, place: u64) -> u32 {
    let Some(count) = places.get_mut(&place) else { return 0 };
    *count = count.saturating_sub(1);
    let left = *count;
    if left == 0 {
        places.remove(&place);
    }
    left
}

/// Adds a device or a network that an account has not been seen on. Whether it counts there: those of an account that
/// changes all the time count no more.
fn is_new_place(known: &mut Vec<u64>, place: u64, max: usize) -> bool {
    let is_new = known.len() < max && !known.contains(&place);
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
    use proptest::prelude::*;

    use super::*;
    use crate::model::Verdict;
    use crate::neardup::Fingerprint;

    fn post(
        print: &Fingerprint,
        account: u64,
        time_ms: i64,
        place: u64,
        age_days: Option<u32>,
    ) -> Sighting<'_> {
        Sighting {
            item: "",
            account: "",
            account_key: Some(account),
            time_ms,
            has_time: true,
            age_days,
            is_organisation: false,
            device: Some(place % 5),
            network: Some(place % 7),
            parent: None,
            is_repost: false,
            content: Verdict::Pass,
            contacts: &[],
            print,
            normalised: "",
        }
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_accounts_that_are_remembered(
            posts in prop::collection::vec((0..40_u64, 0..6_i64, 0..35_u64, prop::option::of(0..60_u32)), 0..300)
        ) {
            let print = Fingerprint::default();
            let mut background = Background::new();
            let mut now = 0;
            for (account, days, place, age_days) in posts {
                now += days * DAY_MS;
                background.add(&post(&print, account, now, place, age_days));
                let known: Vec<&AccountState> = background.accounts.values().collect();
                for device in 0..5 {
                    let users = known.iter().filter(|state| state.devices.contains(&device)).count();
                    prop_assert_eq!(background.on_device(device) as usize, users);
                }
                let crowded: u32 = background.devices.values().filter(|users| **users >= CROWD_MIN).sum();
                prop_assert_eq!(background.on_crowded_devices, crowded);
                for network in 0..7 {
                    let users = known.iter().filter(|state| state.networks.contains(&network)).count();
                    prop_assert_eq!(background.on_network(network) as usize, users);
                }
                let young = known.iter().filter(|state| state.is_young == Some(true)).count();
                prop_assert_eq!(background.young as usize, young);
                let registered: u32 = background.registered.values().sum();
                let known_days = known.iter().filter(|state| state.registered_day.is_some()).count();
                prop_assert_eq!(registered as usize, known_days);
            }
        }
    }
}
