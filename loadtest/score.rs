//! Decisions against the truth: who was found, who was found wrongly, how early.
//!
//! An account counts as *proposed* when a decision proposes a measure against it, and as having reached a tier when a
//! decision about one of its items of the group carries coordination evidence of that tier or a higher one. Proposals
//! belong to tier 3. Follow-up decisions count like first ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::BufRead;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::campaigns::SIZE_TO_FIND;
use crate::post::{CAMPAIGN, LOOK_ALIKE};

/// The tier that a proposal against an account stands for.
const TIER_PROPOSAL: u64 = 3;

/// A campaign or a look-alike, as the truth tells it.
#[derive(Debug)]
pub(crate) struct GroupTruth {
    pub(crate) kind: String,
    pub(crate) is_campaign: bool,
    pub(crate) accounts: BTreeSet<String>,
    /// Places of its items in the order of time.
    pub(crate) items: Vec<usize>,
}

/// One item, as the truth tells it.
#[derive(Debug)]
struct ItemTruth {
    account: String,
    /// The group that it was written for; none for the background and for innocent posts in between.
    group: Option<usize>,
}

/// The truth about a run.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    places: HashMap<String, usize>,
    items: Vec<ItemTruth>,
    pub(crate) groups: Vec<GroupTruth>,
    /// Groups of each account that is in one.
    groups_of: HashMap<String, Vec<usize>>,
}

impl Truth {
    /// Reads a truth file.
    ///
    /// # Errors
    /// A line is no truth; an item belongs to a group that the file does not describe.
    pub(crate) fn read(file: impl BufRead) -> Result<Self> {
        let mut truth = Self::default();
        let mut group_ids: Vec<Option<String>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (number, line) in (1..).zip(file.lines()) {
            let line: Value = serde_json::from_str(&line?).with_context(|| format!("truth line {number}"))?;
            let text = |key: &str| line[key].as_str().map(str::to_owned);
            let id = text("id").with_context(|| format!("truth line {number}: no id"))?;
            let what = text("truth").unwrap_or_default();
            if what == "item" {
                let is_member = matches!(line["source"].as_str(), Some(CAMPAIGN | LOOK_ALIKE));
                group_ids.push(text("group").filter(|_| is_member));
                truth.places.insert(id, truth.items.len());
                let account = text("account").unwrap_or_default();
                truth.items.push(ItemTruth { account, group: None });
                continue;
            }
            ensure!(what == CAMPAIGN || what == LOOK_ALIKE, "truth line {number}: {what:?} is unknown");
            let accounts = line["accounts"].as_array().into_iter().flatten();
            places.insert(id, truth.groups.len());
            truth.groups.push(GroupTruth {
                kind: text("kind").unwrap_or_default(),
                is_campaign: what == CAMPAIGN,
                accounts: accounts.filter_map(Value::as_str).map(str::to_owned).collect(),
                items: Vec::new(),
            });
        }
        for (at, id) in group_ids.into_iter().enumerate() {
            let Some(id) = id else { continue };
            let place = *places.get(&id).with_context(|| format!("group {id} is not described"))?;
            truth.items[at].group = Some(place);
            truth.groups[place].items.push(at);
        }
        for (at, group) in truth.groups.iter().enumerate() {
            for account in &group.accounts {
                truth.groups_of.entry(account.clone()).or_default().push(at);
            }
        }
        Ok(truth)
    }

    fn is_in_campaign(&self, account: &str) -> bool {
        self.groups_of.get(account).is_some_and(|groups| groups.iter().any(|at| self.groups[*at].is_campaign))
    }

    /// How many members of a group had published by the item at `place`.
    fn members_by(&self, group: usize, place: usize) -> usize {
        let until = self.groups[group].items.iter().take_while(|at| **at <= place);
        until.map(|at| self.items[*at].account.as_str()).collect::<BTreeSet<_>>().len()
    }
}

/// Sums over the campaigns of a kind, or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) campaigns: usize,
    pub(crate) accounts: usize,
    pub(crate) proposed: usize,
    /// Accounts at tier 1 or more, and at tier 2 or more.
    pub(crate) tier_1: usize,
    pub(crate) tier_2: usize,
    /// Items after the first of their campaign, and those that are linked with another item of it.
    pub(crate) followers: usize,
    pub(crate) linked: usize,
    /// Of each campaign that reached tier 1: how many members had published by then.
    pub(crate) first_member: Vec<usize>,
}

/// What happened to people who did nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Harmed {
    pub(crate) groups: usize,
    pub(crate) accounts: usize,
    pub(crate) proposed: BTreeSet<String>,
    pub(crate) tier_1: usize,
    pub(crate) tier_2: usize,
}

/// The result of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// By kind of campaign: all, and those of [`SIZE_TO_FIND`] accounts and more.
    pub(crate) kinds: BTreeMap<String, [Found; 2]>,
    pub(crate) total: [Found; 2],
    pub(crate) look_alikes: BTreeMap<String, Harmed>,
    /// Accounts in no group at all, and innocent posts of accounts in campaigns.
    pub(crate) background: Harmed,
    /// Accounts proposed, and those of them that are in a campaign.
    pub(crate) proposed: usize,
    pub(crate) proposed_rightly: usize,
    pub(crate) decisions: usize,
    /// Decisions about items that the truth does not know.
    pub(crate) unknown: usize,
}

/// What decisions said about one group.
#[derive(Debug, Default)]
struct Seen {
    tiers: HashMap<String, u64>,
    first_member: Option<usize>,
    /// Items with a near duplicate: their cluster, and whether it is of an item of the group.
    links: HashMap<usize, (Option<String>, bool)>,
}

/// Reads decisions in the order in which they were made and compares them.
///
/// # Errors
/// A line is no JSON object.
pub(crate) fn score(truth: &Truth, decisions: impl BufRead) -> Result<Figures> {
    let mut figures = Figures::default();
    let mut seen: Vec<Seen> = truth.groups.iter().map(|_| Seen::default()).collect();
    let mut background: HashMap<String, u64> = HashMap::new();
    // Proposed account and, for the innocent, the look-alike that the decision was about.
    let mut proposed: BTreeMap<String, Option<usize>> = BTreeMap::new();
    let mut latest = 0;
    for (number, line) in (1..).zip(decisions.lines()) {
        let decision: Value =
            serde_json::from_str(&line?).with_context(|| format!("decision line {number}"))?;
        figures.decisions += 1;
        let Some(&place) = decision["item"].as_str().and_then(|id| truth.places.get(id)) else {
            figures.unknown += 1;
            continue;
        };
        latest = latest.max(place);
        let item = &truth.items[place];
        let accounts = accounts_proposed(&decision);
        for account in &accounts {
            proposed.entry((*account).to_owned()).or_insert(item.group);
        }
        let own = accounts.contains(&item.account.as_str()).then_some(TIER_PROPOSAL);
        let tier = tier_of(&decision).max(own);
        let Some(group) = item.group else {
            let best = background.entry(item.account.clone()).or_default();
            *best = (*best).max(tier.unwrap_or(0));
            continue;
        };
        let state = &mut seen[group];
        if let Some(tier) = tier {
            let best = state.tiers.entry(item.account.clone()).or_default();
            *best = (*best).max(tier);
            if tier >= 1 && state.first_member.is_none() {
                state.first_member = Some(truth.members_by(group, latest));
            }
        }
        note_link(truth, group, place, &decision, state);
    }
    for (group, state) in truth.groups.iter().zip(&seen) {
        if group.is_campaign {
            add_campaign(&mut figures, group, state, &proposed);
        } else {
            let harmed = figures.look_alikes.entry(group.kind.clone()).or_default();
            harmed.groups += 1;
            harmed.accounts += group.accounts.len();
            harmed.tier_1 += state.tiers.values().filter(|tier| **tier >= 1).count();
            harmed.tier_2 += state.tiers.values().filter(|tier| **tier >= 2).count();
        }
    }
    figures.background.accounts = background.len();
    figures.background.tier_1 = background.values().filter(|tier| **tier >= 1).count();
    figures.background.tier_2 = background.values().filter(|tier| **tier >= 2).count();
    add_proposals(&mut figures, truth, proposed);
    Ok(figures)
}

/// The accounts that a decision proposes measures against.
fn accounts_proposed(decision: &Value) -> Vec<&str> {
    let proposals = decision["proposals"].as_array().into_iter().flatten();
    proposals
        .map(|proposal| &proposal["target"])
        .filter(|target| target["kind"] == "account")
        .filter_map(|target| target["id"].as_str())
        .collect()
}

/// The highest tier of a decision's coordination evidence.
fn tier_of(decision: &Value) -> Option<u64> {
    let evidence = decision["evidence"].as_array().into_iter().flatten();
    evidence
        .filter(|piece| piece["kind"] == "coordination")
        .filter_map(|piece| piece["detail"]["tier"].as_u64())
        .max()
}

/// Remembers which cluster an item is in. A follow-up may bring the link that the first decision could not know.
fn note_link(truth: &Truth, group: usize, place: usize, decision: &Value, state: &mut Seen) {
    let near = &decision["near_duplicate"];
    if !near.is_object() {
        return;
    }
    let of = near["of"].as_str().and_then(|id| truth.places.get(id));
    let is_own = of.is_some_and(|of| truth.items[*of].group == Some(group));
    let entry = state.links.entry(place).or_default();
    entry.1 |= is_own;
    if let Some(cluster) = near["cluster"].as_str() {
        entry.0 = Some(cluster.to_owned());
    }
}

/// Adds one campaign to the sums.
fn add_campaign(
    figures: &mut Figures,
    group: &GroupTruth,
    state: &Seen,
    proposed: &BTreeMap<String, Option<usize>>,
) {
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for (cluster, _) in state.links.values() {
        *sizes.entry(cluster.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let is_linked = |place: &&usize| {
        state.links.get(place).is_some_and(|(cluster, is_own)| {
            *is_own || cluster.as_deref().is_some_and(|cluster| sizes[cluster] > 1)
        })
    };
    let at_least = |limit: u64| {
        let reached = |account: &&String| {
            proposed.contains_key(*account) || state.tiers.get(*account).is_some_and(|tier| *tier >= limit)
        };
        group.accounts.iter().filter(reached).count()
    };
    let own = Found {
        campaigns: 1,
        accounts: group.accounts.len(),
        proposed: group.accounts.iter().filter(|account| proposed.contains_key(*account)).count(),
        tier_1: at_least(1),
        tier_2: at_least(2),
        followers: group.items.len().saturating_sub(1),
        linked: group.items.iter().skip(1).filter(is_linked).count(),
        first_member: state.first_member.into_iter().collect(),
    };
    let is_large = group.accounts.len() >= SIZE_TO_FIND;
    let kind = figures.kinds.entry(group.kind.clone()).or_default();
    for sums in [&mut figures.total, kind] {
        sums[0].add(&own);
        if is_large {
            sums[1].add(&own);
        }
    }
}

/// Counts proposals, and where the wrong ones fell.
fn add_proposals(figures: &mut Figures, truth: &Truth, proposed: BTreeMap<String, Option<usize>>) {
    figures.proposed = proposed.len();
    for (account, about) in proposed {
        if truth.is_in_campaign(&account) {
            figures.proposed_rightly += 1;
            continue;
        }
        let own = truth.groups_of.get(&account).map_or(&[][..], Vec::as_slice);
        // The look-alike that the decision was about; else every one that the account took part in.
        let groups = about.as_ref().map_or(own, std::slice::from_ref);
        for group in groups.iter().map(|at| &truth.groups[*at]).filter(|group| !group.is_campaign) {
            let harmed = figures.look_alikes.entry(group.kind.clone()).or_default();
            harmed.proposed.insert(account.clone());
        }
        if groups.is_empty() {
            figures.background.proposed.insert(account);
        }
    }
}

impl Found {
    fn add(&mut self, other: &Self) {
        self.campaigns += other.campaigns;
        self.accounts += other.accounts;
        self.proposed += other.proposed;
        self.tier_1 += other.tier_1;
        self.tier_2 += other.tier_2;
        self.followers += other.followers;
        self.linked += other.linked;
        self.first_member.extend(&other.first_member);
    }
}
