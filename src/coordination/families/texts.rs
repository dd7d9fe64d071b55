//! Families of what is written: contacts, content, and the small alterations of copies.

use std::collections::{BTreeMap, BTreeSet};

use super::super::background::{Background, DAY_MS};
use super::super::cluster::{Basis, Held, Member};
use super::super::scope::Scope;
use super::super::tail;
use super::{Family, FamilyKind, SHARE_MIN, count};
use crate::model::Verdict;

/// Fewest alterations, or texts, for posts not to be copies of one text.
const DISTINCT_MIN: usize = 3;
/// Share of the members that hold a gram of the text as it was; and of those that may lack one for its lack to be their own.
const FIRM_SHARE_MIN: f64 = 0.75;
const OWN_LACK_SHARE: f64 = 0.15;
/// Chance that somebody who passes a text on changes it inside, in a place where nobody else does: where it has fewer than
/// [`LONG_GRAMS`] grams that stay, and where it has more, as of a long text there is more to change.
const ALTERED_SHARE: f64 = 0.03;
const ALTERED_LONG_SHARE: f64 = 0.12;
const LONG_GRAMS: usize = 40;
/// Least evidence for copies to count as altered on purpose.
const ALTERED_EVIDENCE_MIN: f64 = 2.5;
/// Fewest distinct chat ids in one wording, and accounts with one contact.
const ROTATING_MIN: usize = 3;
/// Chance that two unrelated people give the same contact, and that ordinary people give several chat ids or another's with
/// one wording.
const SAME_CONTACT_SHARE: f64 = 0.001;
const CHAT_SHARE: f64 = 0.02;
/// Share of a contact's posts on the site that are those of the cluster.
const OWN_CONTACT_SHARE: f64 = 0.8;
/// Chance that a post of ordinary people calls for review by its content.
const REVIEW_SHARE: f64 = 0.01;

/// Whether the copies of a text were altered on purpose: each inside, and in another place, so that no two are equal.
///
/// Who passes a text on copies it, cuts it, and writes before and after it; who fills in a form fills the same places as
/// everybody. Neither lacks a gram that nearly all others hold. Counted are the accounts with a post that lacks a gram which
/// at least [`FIRM_SHARE_MIN`] of the posts hold and hardly another post lacks, against [`ALTERED_SHARE`] for each of their
/// posts; the tail of the binomial with the mean share is an upper bound (Hoeffding 1956).
fn is_altered(posts: &[&Member]) -> bool {
    let compared: Vec<(u64, Held)> =
        posts.iter().filter_map(|post| Some((post.account_key?, post.held?))).collect();
    let n = count(compared.len());
    let mut holding = [0_u32; 64 * size_of::<Held>() / 8];
    for (place, holding) in holding.iter_mut().enumerate() {
        *holding = count(compared.iter().filter(|(_, held)| has(held, place)).count());
    }
    let own_lack = (f64::from(n) * OWN_LACK_SHARE).max(1.0);
    let is_firm = |holding: u32| f64::from(holding) >= FIRM_SHARE_MIN * f64::from(n);
    let is_own = |place: &usize| {
        is_firm(holding[*place]) && holding[*place] < n && f64::from(n - holding[*place]) <= own_lack
    };
    let places: Vec<usize> = (0..holding.len()).filter(is_own).collect();
    let firm = holding.iter().filter(|holding| is_firm(**holding)).count();
    let mut lacking: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (account, held) in &compared {
        let lacks: Vec<usize> = places.iter().copied().filter(|place| !has(held, *place)).collect();
        if !lacks.is_empty() && lacks.len() * 2 <= firm {
            lacking.entry(*account).or_insert(lacks);
        }
    }
    let distinct: BTreeSet<&Vec<usize>> = lacking.values().collect();
    let accounts = count(compared.iter().map(|(account, _)| account).collect::<BTreeSet<_>>().len());
    let of_each = if firm < LONG_GRAMS { ALTERED_SHARE } else { ALTERED_LONG_SHARE };
    let share = of_each * f64::from(n) / f64::from(accounts.max(1));
    let evidence = tail::binomial(count(lacking.len()), accounts, share.min(1.0));
    // What was changed once and passed on as it is now was not changed on purpose.
    let is_scattered = distinct.len() >= DISTINCT_MIN && distinct.len() * 3 >= lacking.len();
    is_scattered && evidence >= ALTERED_EVIDENCE_MIN
}

fn has(held: &Held, place: usize) -> bool {
    held.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
}

/// Whether posts with one contact, or of one kind of content, say it in several texts, of which none is that of most.
pub(in super::super) fn has_several_texts(posts: &[&Member]) -> bool {
    let mut texts: BTreeMap<u64, usize> = BTreeMap::new();
    for post in posts {
        *texts.entry(post.by_text.unwrap_or(post.wording)).or_default() += 1;
    }
    texts.len() >= DISTINCT_MIN && texts.values().all(|posts_of_it| posts_of_it * 2 <= posts.len())
}

/// Whether the posts are not copies of one text that were merely passed on: of all posts of the cluster that are asked for,
/// without what an author repeats letter by letter, or of the first posts of its accounts where they have no text in common.
fn is_spun(scope: &Scope<'_>, posts: &[&Member], is_asked: impl Fn(&Member) -> bool) -> bool {
    if !scope.cluster.is_by_text() {
        return has_several_texts(posts);
    }
    let mut seen = BTreeSet::new();
    let is_new = |member: &&Member| {
        member.account_key.is_some() && is_asked(member) && seen.insert((member.account_key, member.wording))
    };
    is_altered(posts) || is_altered(&scope.members.iter().copied().filter(is_new).collect::<Vec<&Member>>())
}

/// Contacts: chat ids that go round in one wording, or one contact of their own in copies that were altered on purpose.
///
/// A copied text carries its contact along, and in a form everybody fills in an id of their own: neither is evidence.
pub(super) fn contacts(scope: &Scope<'_>, crew: &[&Member], background: &Background) -> Option<Family> {
    let candidates = [rotating(scope, crew, background), shared(scope, background)];
    candidates.into_iter().flatten().max_by(|a, b| a.evidence.total_cmp(&b.evidence))
}

/// Accounts that give another line (chat id, telephone, site) in another post with the same wording, or with another one in
/// which the crew writes together; or a line that others give too while the lines change: one per handful of accounts at
/// most, as with fewer they are those of a shop or of a club's groups, and several within a day, as a club may have a new
/// group every day.
///
/// A site counts if hardly a post outside of the cluster leads there: a page that everybody may share is nobody's line.
fn rotating(scope: &Scope<'_>, crew: &[&Member], background: &Background) -> Option<Family> {
    let Scope { members, posts, .. } = scope;
    let lines = lines(scope, crew, background);
    let of = |member: &Member| lines.get(member.item.as_str()).map_or(&[][..], Vec::as_slice);
    let mut users: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for member in members {
        for line in of(member) {
            users.entry(*line).or_default().extend(member.account_key);
        }
    }
    let mut first: BTreeMap<u64, &[u64]> = BTreeMap::new();
    let mut changing_in = |posts: &[&Member]| -> BTreeSet<u64> {
        let mut changing = BTreeSet::new();
        for member in posts {
            let (Some(account), own) = (member.account_key, of(member)) else { continue };
            let known = first.entry(account).or_insert(own);
            if known.is_empty() {
                *known = own;
            } else if !own.is_empty() && !own.iter().any(|line| known.contains(line)) {
                changing.insert(account);
            }
        }
        changing
    };
    let (here, elsewhere) = (changing_in(members), changing_in(crew));
    let shares =
        |member: &Member| of(member).iter().any(|line| users.get(line).is_some_and(|users| users.len() >= 2));
    let with_line = users.values().flatten().collect::<BTreeSet<&u64>>().len();
    let is_crowd = f64::from(count(users.len())) >= SHARE_MIN * f64::from(count(with_line));
    let goes_round = |m: &&&Member| {
        let is_in = |changing: &BTreeSet<u64>| m.account_key.is_some_and(|key| changing.contains(&key));
        is_in(&here) || (is_crowd && (is_in(&elsewhere) || shares(m)))
    };
    let showing: Vec<&Member> = posts.iter().filter(goes_round).copied().collect();
    let (k, n) = (count(showing.len()), count(posts.len()));
    let evidence = tail::binomial(k, n, CHAT_SHARE);
    most_in_a_day(members, of)
        .ge(&ROTATING_MIN)
        .then(|| Family::new(FamilyKind::Contacts, evidence, (k, n, CHAT_SHARE), &showing))
}

/// The lines that each post gives, by item, without those that are not the cluster's and its crew's own.
fn lines<'m>(scope: &Scope<'m>, crew: &[&'m Member], background: &Background) -> BTreeMap<&'m str, Vec<u64>> {
    let all = scope.cluster.members.iter().chain(crew.iter().copied());
    let all: BTreeMap<&str, &Member> = all.map(|member| (member.item.as_str(), member)).collect();
    let mut inside: BTreeMap<u64, u32> = BTreeMap::new();
    for line in all.values().flat_map(|member| &member.contacts).filter_map(|contact| contact.line) {
        *inside.entry(line).or_default() += 1;
    }
    let is_own = |line: u64| {
        let inside = inside.get(&line).copied().unwrap_or(0);
        f64::from(inside) >= OWN_CONTACT_SHARE * f64::from(background.posts_with(line).max(1))
    };
    let lines = |member: &Member| -> Vec<u64> {
        let lines = member.contacts.iter().filter_map(|contact| Some((contact.line?, contact.is_site)));
        lines.filter(|(line, is_site)| !is_site || is_own(*line)).map(|(line, _)| line).collect()
    };
    all.into_iter().map(|(item, member)| (item, lines(member))).collect()
}

/// The most lines that are given within a day.
fn most_in_a_day<'m>(members: &[&'m Member], of: impl Fn(&'m Member) -> &'m [u64]) -> usize {
    let mut given: Vec<(i64, u64)> =
        members.iter().flat_map(|member| of(member).iter().map(|line| (member.time_ms, *line))).collect();
    given.sort_unstable();
    let mut inside: BTreeMap<u64, usize> = BTreeMap::new();
    let (mut start, mut most) = (0, 0);
    for (time_ms, line) in &given {
        *inside.entry(*line).or_default() += 1;
        while time_ms.saturating_sub(given[start].0) > DAY_MS {
            if let Some(posts) = inside.get_mut(&given[start].1) {
                *posts -= 1;
                if *posts == 0 {
                    inside.remove(&given[start].1);
                }
            }
            start += 1;
        }
        most = most.max(inside.len());
    }
    most
}

/// One contact that hardly a post outside of the cluster gives, in copies that were altered on purpose.
fn shared(scope: &Scope<'_>, background: &Background) -> Option<Family> {
    let Scope { cluster, posts, .. } = scope;
    let mut users: BTreeMap<u64, (Vec<&Member>, u32)> = BTreeMap::new();
    for post in posts {
        for contact in &post.contacts {
            users.entry(contact.key).or_default().0.push(post);
        }
    }
    for contact in cluster.members.iter().flat_map(|member| &member.contacts) {
        if let Some((_, posts)) = users.get_mut(&contact.key) {
            *posts += 1;
        }
    }
    let (contact, (showing, own)) = users.into_iter().max_by_key(|(_, (members, _))| members.len())?;
    let all = background.posts_with(contact).max(1);
    let is_own = f64::from(own) >= OWN_CONTACT_SHARE * f64::from(all) || cluster.basis == Basis::Contact;
    let (k, n) = (count(showing.len()), count(posts.len()));
    let evidence = tail::binomial(k - 1, n, SAME_CONTACT_SHARE);
    (is_own && showing.len() >= ROTATING_MIN && is_spun(scope, posts, |_| true))
        .then(|| Family::new(FamilyKind::Contacts, evidence, (k, n, SAME_CONTACT_SHARE), &showing))
}

/// What the posts lead to by themselves. Hard only where the copies were altered on purpose, or the texts differ: copies of
/// one text are one event, and what quotes a fraud to warn of it is copied too.
pub(super) fn content(scope: &Scope<'_>) -> Option<Family> {
    let posts = &scope.posts;
    let flagged: Vec<&Member> =
        posts.iter().copied().filter(|post| post.content >= Verdict::Review).collect();
    let (k, n) = (count(flagged.len()), count(posts.len()));
    if 2 * k < n {
        return None;
    }
    let family =
        Family::new(FamilyKind::Content, tail::binomial(k, n, REVIEW_SHARE), (k, n, REVIEW_SHARE), &flagged);
    Some(if is_spun(scope, &flagged, |post| post.content >= Verdict::Review) {
        family
    } else {
        family.soft()
    })
}
