//! The policy file: what was typed → what is valid.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::engagement_policy::{Engagement, RawEngagement};
use crate::lexicon::Problem;
use crate::model::{LabelId, Milli, Surface, Taxonomy, Verdict};
use crate::neardup::{ARCHIVE_POSTS_MAX, WINDOW_POSTS_MAX};
use crate::originals::ARTICLES_MAX;
use crate::text::{SlotKind, Transforms};

/// Points at which the verdicts are reached. `limit <= review <= block` always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    limit: Milli,
    review: Milli,
    block: Milli,
}

impl Thresholds {
    /// The strongest verdict that `points` reach.
    pub fn verdict(self, points: Milli) -> Verdict {
        if points >= self.block {
            Verdict::Block
        } else if points >= self.review {
            Verdict::Review
        } else if points >= self.limit {
            Verdict::Limit
        } else {
            Verdict::Pass
        }
    }

    /// The same, moved by a credit tier. Never below one point, so that no evidence always passes.
    fn shifted(self, by: Milli) -> Self {
        let move_by = |points: Milli| (points + by).max(1);
        Self { limit: move_by(self.limit), review: move_by(self.review), block: move_by(self.block) }
    }
}

/// Most points that a family may give to one label.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Caps {
    pub(super) term: Milli,
    pub(super) rule: Milli,
    pub(super) contact: Milli,
    pub(super) disguise: Milli,
    /// Of one term of two characters that was restored from its sound or shape.
    pub(super) guess: Milli,
}

/// Limits with their units.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most bytes of text in all fields of an item together.
    pub text_bytes_max: usize,
    /// Most bytes of an id: of an item, an account, a subject, a device, a network.
    pub id_bytes_max: usize,
    /// Most named fields of an item.
    pub fields_max: usize,
    /// Most pieces of evidence that one decision carries; the weakest are left out first.
    pub evidence_max: usize,
    /// The mildest verdict of an item with more hits than can be looked at.
    pub overflow_verdict: Verdict,
}

/// What a tier of coordination leads to, at least.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Coordination {
    pub(super) limit_reach: Verdict,
    pub(super) review: Verdict,
    pub(super) account: Verdict,
    /// An article that is copied from an earlier one and credits nobody.
    pub(super) copied_original: Verdict,
}

/// The articles among which copied originals are found.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginalArticles {
    /// Most articles.
    pub articles: u32,
    /// For how many days of event time an article is remembered after it was published or copied last.
    pub days: u32,
    /// Fewest characters of a post that counts as an article.
    pub post_chars_min: u32,
}

impl OriginalArticles {
    fn check(self) -> Result<(), String> {
        if (1..=ARTICLES_MAX).contains(&self.articles) && self.days > 0 {
            Ok(())
        } else {
            Err(format!("[originals] articles must be 1 to {ARTICLES_MAX}, days at least 1"))
        }
    }
}

/// The window in which near-duplicates are found.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearDuplicates {
    /// Most posts.
    pub posts: u32,
    /// Longest event time between two posts, in hours.
    pub hours: u32,
    /// How late a post may come, in minutes of event time behind the newest, to be found by later ones.
    pub late_minutes: u32,
    /// Posts without a neighbour whose archive keys are kept beyond the window; 0 for none.
    #[serde(default)]
    pub archive_posts: u32,
}

impl Coordination {
    fn check(self) -> Result<(), String> {
        let Self { limit_reach, review, account, copied_original } = self;
        if !(limit_reach <= review && review <= account && account < Verdict::Block) {
            return Err("[coordination] limit_reach <= review <= account < block does not hold".to_owned());
        }
        if copied_original >= Verdict::Block {
            return Err("[coordination] copied_original may be at most \"review\"".to_owned());
        }
        Ok(())
    }
}

impl Limits {
    fn check(self) -> Result<(), String> {
        let Self { text_bytes_max, fields_max, evidence_max, id_bytes_max, .. } = self;
        if !(1..=ID_BYTES_CEILING).contains(&id_bytes_max) {
            return Err(format!("[limits] id_bytes_max must be 1 to {ID_BYTES_CEILING}"));
        }
        if text_bytes_max > TEXT_BYTES_CEILING || fields_max > FIELDS_CEILING {
            return Err(format!(
                "[limits] text_bytes_max may be at most {TEXT_BYTES_CEILING}, fields_max at most {FIELDS_CEILING}"
            ));
        }
        if !(1..=EVIDENCE_CEILING).contains(&evidence_max) {
            return Err(format!("[limits] evidence_max must be 1 to {EVIDENCE_CEILING}"));
        }
        Ok(())
    }
}

impl NearDuplicates {
    fn check(self) -> Result<(), String> {
        if !(1..=WINDOW_POSTS_MAX).contains(&self.posts) || self.hours == 0 {
            Err(format!("[near_duplicates] posts must be 1 to {WINDOW_POSTS_MAX}, hours at least 1"))
        } else if self.archive_posts > ARCHIVE_POSTS_MAX {
            Err(format!("[near_duplicates] archive_posts must be at most {ARCHIVE_POSTS_MAX}"))
        } else {
            Ok(())
        }
    }
}

/// Most points that any entry may give.
const POINTS_CEILING: Milli = 1000;
/// Most evidence per decision: explaining is cubic in it.
const EVIDENCE_CEILING: usize = 256;
/// Most fields: their numbers are 16 bits, and two are taken.
const FIELDS_CEILING: usize = 1 << 15;
/// Longest id: some are kept for every post of the window.
const ID_BYTES_CEILING: usize = 4096;
/// Largest text that any policy may allow: offsets are 32 bits.
const TEXT_BYTES_CEILING: usize = 64 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    thresholds: BTreeMap<Surface, RawThresholds>,
    tiers: BTreeMap<String, Milli>,
    families: Caps,
    contacts: BTreeMap<String, Milli>,
    disguise: BTreeMap<String, Milli>,
    disguised_contacts: RawDisguisedContacts,
    passages: RawPassages,
    coordination: Coordination,
    near_duplicates: NearDuplicates,
    originals: OriginalArticles,
    engagement: RawEngagement,
    limits: Limits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawThresholds {
    limit: Milli,
    review: Milli,
    block: Milli,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDisguisedContacts {
    label: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPassages {
    chars: u32,
}

impl Caps {
    fn check(&self) -> Result<(), String> {
        let Self { term, rule, contact, disguise, guess } = *self;
        let caps =
            [("term", term), ("rule", rule), ("contact", contact), ("disguise", disguise), ("guess", guess)];
        for (name, cap) in caps {
            points("families", name, cap)?;
        }
        Ok(())
    }
}

/// A checked policy.
#[derive(Clone, Debug)]
pub struct Policy {
    thresholds: [Thresholds; Surface::ALL.len()],
    tiers: BTreeMap<u8, Milli>,
    pub(super) caps: Caps,
    contacts: [Milli; SlotKind::ALL.len()],
    disguise: Vec<(Transforms, Milli)>,
    disguised_contact_label: Option<LabelId>,
    pub(super) passage_chars: u32,
    pub(super) coordination: Coordination,
    near_duplicates: NearDuplicates,
    originals: OriginalArticles,
    engagement: Engagement,
    limits: Limits,
}

impl Policy {
    /// Reads and checks `policy.toml`.
    ///
    /// # Errors
    /// The first problem, with its line where the file is malformed.
    pub fn parse(file: &str, text: &str, taxonomy: &Taxonomy) -> Result<Self, Problem> {
        let raw: RawPolicy = crate::lexicon::parse_toml(file, text)?;
        Self::check(raw, taxonomy).map_err(|message| Problem::error(file, 0, message))
    }

    fn check(raw: RawPolicy, taxonomy: &Taxonomy) -> Result<Self, String> {
        let mut thresholds = Vec::with_capacity(Surface::ALL.len());
        for surface in Surface::ALL {
            let name = surface.as_str();
            let RawThresholds { limit, review, block } =
                *raw.thresholds.get(&surface).ok_or_else(|| format!("[thresholds] lacks {name}"))?;
            if !(0 < limit && limit <= review && review <= block && block <= 10 * POINTS_CEILING) {
                return Err(format!(
                    "[thresholds] {name}: 0 < limit <= review <= block <= 10000 does not hold"
                ));
            }
            thresholds.push(Thresholds { limit, review, block });
        }
        let thresholds = thresholds.try_into().map_err(|_| "[thresholds] is incomplete".to_owned())?;
        let mut tiers = BTreeMap::new();
        for (tier, shift) in raw.tiers {
            let tier: u8 =
                tier.parse().map_err(|_| format!("[tiers] {tier:?} is not a number from 0 to 255"))?;
            points("tiers", &tier.to_string(), shift.saturating_abs())?;
            tiers.insert(tier, shift);
        }
        raw.families.check()?;
        let mut contacts = [0; SlotKind::ALL.len()];
        for (name, value) in raw.contacts {
            let kind = SlotKind::ALL.iter().position(|kind| kind.as_str() == name);
            let kind = kind.ok_or_else(|| unknown("contacts", &name, SlotKind::ALL.map(SlotKind::as_str)))?;
            contacts[kind] = points("contacts", &name, value)?;
        }
        let mut disguise = Vec::new();
        for (name, value) in raw.disguise {
            let flag = Transforms::NAMES.iter().find(|(_, n)| *n == name).map(|(flag, _)| *flag);
            let names = Transforms::NAMES.map(|(_, n)| n);
            disguise.push((
                flag.ok_or_else(|| unknown("disguise", &name, names))?,
                points("disguise", &name, value)?,
            ));
        }
        let disguised_contact_label = match raw.disguised_contacts.label {
            Some(name) => {
                let valid = || taxonomy.iter().map(|(_, label)| label.id.as_str());
                Some(taxonomy.find(&name).ok_or_else(|| unknown("disguised_contacts", &name, valid()))?)
            }
            None => None,
        };
        if raw.passages.chars == 0 {
            return Err("[passages] chars must be at least 1".to_owned());
        }
        raw.limits.check()?;
        raw.coordination.check()?;
        raw.near_duplicates.check()?;
        raw.originals.check()?;
        let engagement = raw.engagement.check()?;
        let (caps, passage_chars, limits) = (raw.families, raw.passages.chars, raw.limits);
        Ok(Self {
            thresholds,
            tiers,
            caps,
            contacts,
            disguise,
            disguised_contact_label,
            passage_chars,
            coordination: raw.coordination,
            near_duplicates: raw.near_duplicates,
            originals: raw.originals,
            engagement,
            limits,
        })
    }

    /// The thresholds of a surface for an account of a credit tier.
    pub fn thresholds(&self, surface: Surface, tier: Option<u8>) -> Thresholds {
        let shift = tier.and_then(|tier| self.tiers.get(&tier)).copied().unwrap_or(0);
        self.thresholds[surface as usize].shifted(shift)
    }

    /// The limits on items and decisions.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The window in which near-duplicates are found.
    pub fn near_duplicates(&self) -> NearDuplicates {
        self.near_duplicates
    }

    /// The articles among which copied originals are found.
    pub fn originals(&self) -> OriginalArticles {
        self.originals
    }

    /// How engagement is watched, and what an alert leads to.
    pub fn engagement(&self) -> &Engagement {
        &self.engagement
    }

    /// Points of a contact.
    pub(super) fn contact(&self, kind: SlotKind) -> Milli {
        self.contacts[kind as usize]
    }

    /// The label that a disguised contact speaks for by itself.
    pub(super) fn disguised_contact_label(&self) -> Option<LabelId> {
        self.disguised_contact_label
    }

    /// Points of all disguises in a set, before the cap.
    pub(super) fn disguise(&self, transforms: Transforms) -> Milli {
        self.disguise.iter().filter(|(flag, _)| transforms.contains(*flag)).map(|(_, points)| points).sum()
    }
}

/// Checks that an entry is a number of points.
fn points(table: &str, name: &str, value: Milli) -> Result<Milli, String> {
    if (0..=POINTS_CEILING).contains(&value) {
        Ok(value)
    } else {
        Err(format!("[{table}] {name} = {value} is outside 0–{POINTS_CEILING}"))
    }
}

pub(super) fn unknown<'n>(table: &str, name: &str, valid: impl IntoIterator<Item = &'n str>) -> String {
    format!("[{table}] has no {name:?}{}", crate::lexicon::suggestion(name, valid))
}
