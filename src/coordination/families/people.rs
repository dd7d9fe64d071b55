//! Families of accounts: the same company again, registration, silence.

use std::collections::BTreeMap;

use super::super::background::{Background, OWN_POSTS_MIN, YOUNG_DAYS};
use super::super::cluster::{Cluster, Member};
use super::super::tail;
use super::{EVIDENCE_MIN, Family, FamilyKind, Together, count};

/// Registrations count as one batch over so many days, and as put by after so many.
const BATCH_DAYS: i64 = 3;
const BATCH_AGE_DAYS: u32 = 7;
/// Other clusters that are asked, those with most accounts in common.
const COMPANIONS_MAX: usize = 32;

/// The other cluster that shares the most accounts beyond what their activity explains.
pub(super) fn repeat(
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

/// The most accounts that were registered within a few days, or the young ones, whichever says more.
pub(super) fn registration(posts: &[&Member], background: &Background) -> Family {
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

/// Known accounts that were silent for days and come back to say the same, against the share of such posts on the site
/// among accounts that are known as well. An event brings silent people back too, so that this is never hard.
pub(super) fn awakening(posts: &[&Member], background: &Background) -> Option<Family> {
    let known: Vec<&Member> = posts.iter().copied().filter(|post| post.habit.was_silent.is_some()).collect();
    let back: Vec<&Member> =
        known.iter().copied().filter(|post| post.habit.was_silent == Some(true)).collect();
    let share = super::mean_share(&known, |post| background.habits().silent_share(post.habit))?;
    let (k, n) = (count(back.len()), count(known.len()));
    Some(Family::new(FamilyKind::Awakening, tail::binomial(k, n, share), (k, n, share), &back))
}
