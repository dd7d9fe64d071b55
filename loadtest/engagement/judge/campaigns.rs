//! Campaigns: found at all, how soon, and whether the right actors are named.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::HOUR_MS;
use super::scores::Scores;
use super::truth::Truth;

/// Campaigns of a kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Campaigns {
    pub(crate) count: usize,
    /// Those with an alert, and those with a score above the threshold of one false positive in a thousand, on a target
    /// in an hour in which they acted on it or in the 24 hours after.
    pub(crate) alerted: usize,
    pub(crate) above: usize,
    /// Minutes from the fiftieth fake event to the first alert, 0 when that came before.
    pub(crate) delays_min: Vec<i64>,
    /// Accounts, and those of them that some alert lists.
    pub(crate) actors: usize,
    pub(crate) actors_listed: usize,
}

/// Actors that alerts list: a mention per alert and actor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    pub(crate) alerts: usize,
    pub(crate) alerts_with_campaign: usize,
    /// On alerts with a campaign, and those of them that belong to it.
    pub(crate) mentions: usize,
    pub(crate) right: usize,
    /// On alerts without one: all of them are wrong.
    pub(crate) mentions_innocent: usize,
}

/// What was found of one campaign.
#[derive(Clone, Debug, Default)]
struct Found<'s> {
    alert_ms: Option<i64>,
    is_above: bool,
    listed: HashSet<&'s str>,
}

/// Looks at every record, not only at those of judged rows.
pub(crate) fn campaigns(
    truth: &Truth,
    scores: &Scores,
    threshold: f64,
) -> (BTreeMap<String, Campaigns>, Listed) {
    let mut found: HashMap<u32, Found<'_>> = HashMap::new();
    let mut listed = Listed::default();
    for ((target, hour), score) in &scores.by_row {
        let near: HashSet<u32> = truth.campaigns_near(*target, *hour).collect();
        for campaign in &near {
            let found = found.entry(*campaign).or_default();
            found.is_above |= score.points > threshold;
            if let Some(at_ms) = score.alert_ms {
                found.alert_ms = Some(found.alert_ms.map_or(at_ms, |before| before.min(at_ms)));
                let actors = &truth.groups[*campaign as usize].actors;
                let theirs = score.actors.iter().map(String::as_str).filter(|actor| actors.contains(*actor));
                found.listed.extend(theirs);
            }
        }
        if score.alert_ms.is_some() {
            listed.alerts += 1;
            listed.alerts_with_campaign += usize::from(!near.is_empty());
            let is_right =
                |actor: &&String| near.iter().any(|at| truth.groups[*at as usize].actors.contains(*actor));
            if near.is_empty() {
                listed.mentions_innocent += score.actors.len();
            } else {
                listed.mentions += score.actors.len();
                listed.right += score.actors.iter().filter(is_right).count();
            }
        }
    }
    let mut kinds: BTreeMap<String, Campaigns> = BTreeMap::new();
    for (at, group) in truth.groups.iter().enumerate().filter(|(_, group)| group.is_attack) {
        let sums = kinds.entry(group.kind.clone()).or_default();
        sums.count += 1;
        sums.actors += group.actors.len();
        let Some(found) = found.get(&(at as u32)) else { continue };
        sums.above += usize::from(found.is_above);
        sums.alerted += usize::from(found.alert_ms.is_some());
        sums.actors_listed += found.listed.len();
        if let (Some(alert_ms), Some(fiftieth_ms)) = (found.alert_ms, group.fiftieth_ms) {
            sums.delays_min.push((alert_ms - fiftieth_ms).max(0) * 60 / HOUR_MS);
        }
    }
    (kinds, listed)
}

impl Campaigns {
    /// Adds the campaigns of another kind.
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.alerted += other.alerted;
        self.above += other.above;
        self.actors += other.actors;
        self.actors_listed += other.actors_listed;
        self.delays_min.extend(&other.delays_min);
    }

    /// The delay that this share of the alerted campaigns does not exceed, in minutes.
    pub(crate) fn delay_min(&self, share: f64) -> Option<i64> {
        let mut delays = self.delays_min.clone();
        delays.sort_unstable();
        let at = (share * delays.len() as f64).ceil() as usize;
        delays.get(at.saturating_sub(1)).copied()
    }
}
