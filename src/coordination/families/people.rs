//! Families of accounts: registration, silence.

use std::collections::BTreeMap;

use super::super::background::{Background, OWN_POSTS_MIN, YOUNG_DAYS};
use super::super::cluster::Member;
use super::super::tail;
use super::{EVIDENCE_MIN, Family, FamilyKind, count};

/// Registrations count as one batch over so many days, and as put by after so many.
const BATCH_DAYS: i64 = 3;
const BATCH_AGE_DAYS: u32 = 7;

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

/// Accounts that were never seen before, against the share of such posts on the site, among answers to one post in rare texts
/// or posts with one contact; without whoever wrote a text first, and may have been copied.
///
/// Most people only read, until something moves them: asked only where nobody who is known is at home
/// ([`super::places::is_nobody_at_home`]).
pub(super) fn unseen(posts: &[&Member], background: &Background) -> Family {
    let mut first: BTreeMap<u64, &Member> = BTreeMap::new();
    for post in posts {
        first.entry(post.by_text.unwrap_or(post.wording)).or_insert(post);
    }
    let is_first = |post: &Member| first.values().any(|first| first.item == post.item);
    let unseen: Vec<&Member> = posts.iter().copied().filter(|post| post.habit.is_unseen()).collect();
    let showing: Vec<&Member> = unseen.iter().copied().filter(|post| !is_first(post)).collect();
    let (k, n, share) = (count(unseen.len()), count(posts.len()), background.habits().unseen_share());
    Family::new(FamilyKind::Unseen, tail::binomial(k, n, share), (k, n, share), &showing)
}
