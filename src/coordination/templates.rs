//! Templates of clusters: texts that share too few pairs with any earlier one, and were filled from the same form.
//!
//! Two ways lead to them. A cluster of three accounts and wordings teaches a [`Template`](crate::neardup::Template), which
//! later texts fill letter for letter; and a short text without a neighbour is held against recent ones stretch by stretch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::background::DAY_MS;
use super::cluster::Cluster;
use super::rarity::Rarity;
use crate::neardup::{FILLINGS_MAX, Filled, Fillings, MEMBERS_MIN, TemplateSet, learn};

/// Templates that are known at a time.
const TEMPLATES_MAX: usize = 1 << 13;
/// For how long a template may go unused, and a short text is compared with later ones.
const MEMORY_MS: i64 = 7 * DAY_MS;
/// How rare the pairs of a template must be together, in thousandths of a bit: as a text that has consequences.
const RARITY_MILLIBITS_MIN: u64 = 80_000;
/// Numbers of wordings at which a template is learnt, and again: three may share a filling by chance.
const LEARNT_AT: [usize; 4] = [MEMBERS_MIN, 4, 6, 8];
/// Longest text that is held against templates, in bytes; the slots of a template hold far less.
const TEXT_BYTES_MAX: usize = 8_000;

/// A template that a text fills.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) cluster: u64,
    /// Share of the text that is the template's, 0.0–1.0.
    pub(super) similarity: f32,
    /// The template, slots written as `〔…〕`.
    pub(super) template: String,
}

/// What clusters have taught, and the recent short texts. Bounded in number and in event time.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Templates {
    set: TemplateSet,
    /// Template → cluster.
    clusters: BTreeMap<u64, u64>,
    fillings: Fillings,
}

impl Templates {
    pub(super) fn new(posts: u32) -> Self {
        Self {
            set: TemplateSet::new(TEMPLATES_MAX, MEMORY_MS),
            clusters: BTreeMap::new(),
            fillings: Fillings::new((posts as usize).min(FILLINGS_MAX), MEMORY_MS),
        }
    }

    /// The longest template that a text fills, of those whose cluster `is_known`. One look-up per pair of characters.
    pub(super) fn fit(
        &mut self,
        normalised: &str,
        now_ms: i64,
        is_known: impl Fn(u64) -> bool,
    ) -> Option<Fit> {
        if self.set.expire(now_ms) > 0 {
            self.clusters.retain(|id, _| self.set.get(*id).is_some());
        }
        if self.set.is_empty() || normalised.len() > TEXT_BYTES_MAX {
            return None;
        }
        let mut ids = Vec::new();
        self.set.find_into(normalised, now_ms, &mut ids);
        let known = ids.into_iter().filter_map(|id| {
            let cluster = self.clusters.get(&id).copied().filter(|cluster| is_known(*cluster))?;
            Some((cluster, self.set.get(id)?))
        });
        let (cluster, template) = known.max_by_key(|(_, template)| template.fixed_chars())?;
        #[allow(clippy::cast_precision_loss, reason = "numbers of characters")]
        let similarity = template.fixed_chars() as f32 / normalised.chars().count().max(1) as f32;
        Some(Fit { cluster, similarity, template: template.to_string() })
    }

    /// Reads early what [`Self::alike`] and [`Self::keep`] will need for a text that comes soon.
    pub(super) fn announce(&mut self, normalised: &str) {
        self.fillings.announce(normalised);
    }

    /// The recent short text that seems to be filled from the same template as this one.
    pub(super) fn alike(&mut self, normalised: &str, now_ms: i64, rarity: &Rarity<'_>) -> Option<Filled> {
        self.fillings.find(normalised, now_ms, |pair| rarity.pair_millibits(pair))
    }

    /// Keeps a text for [`Self::alike`], if it is short.
    pub(super) fn keep(&mut self, normalised: &str, position: u64, time_ms: i64) {
        self.fillings.insert(normalised, position, time_ms);
    }

    /// Learns the template of a cluster anew from its wordings, when there are enough.
    pub(super) fn learn(&mut self, cluster: &mut Cluster, now_ms: i64, rarity: &Rarity<'_>) {
        if !LEARNT_AT.contains(&cluster.wordings.len()) {
            return;
        }
        let texts: Vec<&str> = cluster.wordings.iter().map(|(_, text)| text.as_str()).collect();
        let Ok(learned) = learn(&texts, |pair| rarity.pair_millibits(pair)) else { return };
        let mut pairs: Vec<[char; 2]> = Vec::new();
        for run in learned.template.runs() {
            pairs.extend(run.chars().zip(run.chars().skip(1)).map(|(left, right)| [left, right]));
        }
        pairs.sort_unstable();
        pairs.dedup();
        let millibits: u64 = pairs.iter().map(|pair| u64::from(rarity.pair_millibits(*pair))).sum();
        if millibits < RARITY_MILLIBITS_MIN {
            return;
        }
        let Ok(inserted) = self.set.insert(learned.template, now_ms) else { return };
        if let Some(evicted) = inserted.evicted {
            self.clusters.remove(&evicted);
        }
        self.clusters.entry(inserted.id).or_insert(cluster.id);
        let old = cluster.template.replace(inserted.id).filter(|old| *old != inserted.id);
        if let Some(old) = old.filter(|old| self.clusters.get(old) == Some(&cluster.id)) {
            self.clusters.remove(&old);
            self.set.remove(old);
        }
    }
}
