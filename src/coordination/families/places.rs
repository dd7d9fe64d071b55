//! Families of places: devices and networks that are shared, and those where an account was never seen before.

use std::collections::{BTreeMap, BTreeSet};

use super::super::background::{Background, CROWD_MIN, FEW_ON_NETWORK};
use super::super::cluster::Member;
use super::super::tail;
use super::{EVIDENCE_MIN, Family, FamilyKind, SHARE_MIN, SHOWING_MIN, count, groups, mean_share};

/// Share of the cluster's accounts on one network, and share of the network's accounts in the cluster.
const NETWORK_SHARE_MIN: f64 = 0.5;
/// Pairs on one device are strangers where so many of the accounts are in pairs: households do not write in step.
const PAIRED_SHARE_MIN: f64 = 0.7;
/// So many devices with three accounts of a cluster each are a farm, as one with four is: one household may be of three, but
/// hardly three of them all write the same.
const TRIO: u32 = 3;
const FARM_DEVICES_MIN: u32 = 3;
/// Share of the networks among the posts from strange ones: people who travel together share them.
const SCATTERED_SHARE_MIN: f64 = 0.7;
/// Least evidence of strange places to be hard: a crowd changes its places together more often than its members would.
const STRANGE_EVIDENCE_MIN: f64 = 5.0;
/// Expected share of strange networks below which the author is known to stay where they are.
const SETTLED_SHARE_MAX: f64 = 0.03;
/// Fewest known accounts of which none is at home, for nobody who writes with them to be taken for somebody at home.
const NOBODY_MIN: u32 = 8;
/// Fewest posts from which a network that changes is an author's habit, where half of them and more came from strange ones.
const ROVER_POSTS_MIN: u32 = 4;
/// Share of a cluster's posts from strange networks from which an account with a single one, and no other life, shows it too.
const ALL_SHARE: f64 = 0.9;

/// Accounts that share a device with another account of the cluster, or the accounts on devices that many accounts use,
/// whichever says more.
pub(super) fn device(posts: &[&Member], background: &Background) -> Option<Family> {
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
    let in_crowds = on_farms(&groups, background);
    let is_farm = f64::from(in_crowds) >= SHARE_MIN * f64::from(n);
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

/// Accounts on devices that are a farm's: with four of the cluster each, with three where there are three such devices, and
/// with two where at least three such devices stand two and more at one address that few others use. A telephone with a
/// second account is common among fans, and so is a couple; but their homes are not one.
fn on_farms(groups: &BTreeMap<u64, Vec<&Member>>, background: &Background) -> u32 {
    let with = |fewest: u32| groups.values().filter(move |members| count(members.len()) >= fewest);
    let trios = count(with(TRIO).count());
    let fewest = if trios >= FARM_DEVICES_MIN { TRIO } else { CROWD_MIN };
    let in_crowds = count(with(fewest).flatten().count());
    let mut rooms: BTreeMap<u64, (BTreeSet<u64>, u32)> = BTreeMap::new();
    for (device, members) in groups.iter().filter(|(_, members)| members.len() >= 2) {
        let few = |network: &u64| background.on_network(*network) < FEW_ON_NETWORK;
        for network in members.iter().filter_map(|member| member.network).filter(few) {
            let (devices, accounts) = rooms.entry(network).or_default();
            devices.insert(*device);
            *accounts += 1;
        }
    }
    rooms.retain(|_, (devices, _)| devices.len() >= 2);
    let devices: BTreeSet<&u64> = rooms.values().flat_map(|(devices, _)| devices).collect();
    let in_rooms = rooms.values().map(|(_, accounts)| accounts).sum();
    if count(devices.len()) >= FARM_DEVICES_MIN { in_crowds.max(in_rooms) } else { in_crowds }
}

/// One network that most of the cluster uses and hardly anybody else: not a campus, not a carrier's gateway.
pub(super) fn network(posts: &[&Member], background: &Background) -> Option<Family> {
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

/// Posts from networks where the author was never seen, which few use and no other post of the cluster came from, against
/// the share of such posts on the site among accounts that are known as well: proxies in other people's homes.
///
/// The posts of one account are not alike, as a network is known after the first of them; the tail of the binomial with the
/// mean share is an upper bound of the sum's (Hoeffding 1956). Shown by accounts of which two posts here and more were such,
/// and no other; of those that write nothing else, by all where nearly all posts were such; and by all where nobody is at home.
pub(super) fn roaming(members: &[&Member], background: &Background) -> Option<Family> {
    let (known, strange) = known_and_strange(members);
    let is_scattered = is_scattered(&strange);
    let share = mean_share(&known, |m| background.habits().strange_network_share(m.habit))?;
    let (k, n) = (count(strange.len()), count(known.len()));
    let here = (tail::binomial(k, n, share), (k, n, share));
    let ever = ever_roaming(&known, background);
    let (evidence, numbers) = if ever.0 > here.0 { ever } else { here };
    let mut by_account: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    for member in &known {
        let (all, odd) = by_account.entry(member.account_key?).or_default();
        *all += 1;
        *odd += u32::from(member.habit.is_strange_network == Some(true));
    }
    // Who wrote it first may have been copied.
    let first = members.iter().min_by_key(|m| (m.time_ms, &m.item)).and_then(|m| m.account_key);
    let are_all = f64::from(k) >= ALL_SHARE * f64::from(n);
    let is_nobody_at_home = is_nobody_at_home(members, background);
    let shows = |m: &&&Member| {
        let own = m.account_key.and_then(|key| by_account.get(&key));
        let has_no_life = background.own_posts(m) == 0 && m.account_key != first;
        let is_settled = background.habits().strange_network_share(m.habit) <= SETTLED_SHARE_MAX;
        let is_enough = is_nobody_at_home && m.account_key != first && !is_rover(m, background);
        let fewest = if is_enough || (are_all && (has_no_life || is_settled)) { 1 } else { 2 };
        own.is_some_and(|(all, odd)| odd == all && *odd >= fewest)
    };
    let showing: Vec<&Member> = strange.iter().filter(shows).copied().collect();
    let accounts: BTreeSet<u64> = showing.iter().filter_map(|m| m.account_key).collect();
    let family = Family::new(FamilyKind::Roaming, evidence, numbers, &showing);
    let is_many = evidence >= STRANGE_EVIDENCE_MIN
        && count(accounts.len()) >= SHOWING_MIN
        && (are_all || accounts.len() * 2 >= by_account.len());
    is_scattered.then(|| if is_many { family } else { family.soft() })
}

/// Posts whose author was seen on a network before, and those of them from a strange one.
fn known_and_strange<'m>(members: &[&'m Member]) -> (Vec<&'m Member>, Vec<&'m Member>) {
    let is_known = |m: &&Member| m.account_key.is_some() && m.habit.is_strange_network.is_some();
    let known: Vec<&Member> = members.iter().copied().filter(is_known).collect();
    let strange = known.iter().copied().filter(|m| m.habit.is_strange_network == Some(true)).collect();
    (known, strange)
}

/// Whether the author of a post changes networks all the time, and has a life besides: a traveller, somebody who uses a VPN.
fn is_rover(member: &Member, background: &Background) -> bool {
    let state = member.account_key.and_then(|key| background.account(key));
    let is_usual =
        state.is_some_and(|known| known.asked >= ROVER_POSTS_MIN && known.strange * 2 > known.asked);
    is_usual && background.own_posts(member) > 0
}

/// Whether posts come from networks of which hardly two are the same: people who travel together share them.
fn is_scattered(strange: &[&Member]) -> bool {
    let networks: BTreeSet<u64> = strange.iter().filter_map(|m| m.network).collect();
    f64::from(count(networks.len())) >= SCATTERED_SHARE_MIN * f64::from(count(strange.len()))
}

/// Whether every post of an author who is known to have a home came from a strange network, of [`NOBODY_MIN`] authors and more.
///
/// Were a share q of the accounts ordinary people who copied the others, the q of those who are known would mostly be
/// at home. That none of n is bounds q: with four in five at home otherwise, to a third at most for n = 8 (one time in ten
/// it would be so), and it is zero most likely.
pub(super) fn is_nobody_at_home(members: &[&Member], background: &Background) -> bool {
    let settled: Vec<&Member> = members.iter().copied().filter(|m| !is_rover(m, background)).collect();
    let (known, strange) = known_and_strange(&settled);
    let accounts: BTreeSet<u64> = known.iter().filter_map(|m| m.account_key).collect();
    let Some(share) = mean_share(&known, |m| background.habits().strange_network_share(m.habit)) else {
        return false;
    };
    let (k, n) = (count(strange.len()), count(known.len()));
    let evidence = tail::binomial(k, n, share);
    k == n
        && count(accounts.len()) >= NOBODY_MIN
        && evidence >= STRANGE_EVIDENCE_MIN
        && is_scattered(&strange)
}

/// The same question about all posts of the authors, as those of several texts say more together; with the evidence that
/// one of two questions had to give.
fn ever_roaming(known: &[&Member], background: &Background) -> (f64, (u32, u32, f64)) {
    let accounts: BTreeSet<u64> = known.iter().filter_map(|m| m.account_key).collect();
    let states = accounts.into_iter().filter_map(|key| background.account(key));
    let (mut k, mut n, mut expected) = (0_u32, 0_u32, 0.0);
    for state in states {
        k = k.saturating_add(state.strange);
        n = n.saturating_add(state.asked);
        expected += state.expected;
    }
    let share = if n == 0 { 1.0 } else { expected / f64::from(n) };
    (tail::binomial(k, n, share) - std::f64::consts::LOG10_2, (k, n, share))
}

/// Accounts that were seen on other devices before and write this from one where they never were, against the share of
/// such posts on the site among accounts that are known as well: accounts in other hands.
///
/// In a computer room everybody is on a strange device, and all are on one network; then it is not hard.
pub(super) fn takeover(posts: &[&Member], background: &Background) -> Option<Family> {
    let known: Vec<&Member> = posts.iter().copied().filter(|m| m.habit.is_strange_device.is_some()).collect();
    let strange: Vec<&Member> =
        known.iter().copied().filter(|m| m.habit.is_strange_device == Some(true)).collect();
    let share = mean_share(&known, |m| background.habits().strange_device_share(m.habit))?;
    let (k, n) = (count(strange.len()), count(known.len()));
    let family = Family::new(FamilyKind::Takeover, tail::binomial(k, n, share), (k, n, share), &strange);
    let together = groups(&strange, |m| m.network).values().map(Vec::len).max().unwrap_or(0);
    let is_one_room = f64::from(count(together)) >= NETWORK_SHARE_MIN * f64::from(k);
    let is_sure = family.evidence >= STRANGE_EVIDENCE_MIN && !is_one_room;
    Some(if is_sure { family } else { family.soft() })
}
