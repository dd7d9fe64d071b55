//! The templates that are in use: which of them does a text fill?
//!
//! A template is filed under one of its rarest pairs of characters. A text is searched pair by pair, and the templates
//! filed there are compared with it. Templates that no text fills for a while go; where there is no room, the one that
//! has gone unused for longest.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{Template, grams};

/// Templates of a set, at most.
pub const TEMPLATES_MAX: usize = 1 << 16;
/// Templates that are filed under one pair. One more is filed under its next rarest pair.
pub const TEMPLATES_PER_KEY_MAX: usize = 16;
/// Templates that one text is compared with, the newest first.
pub const CANDIDATES_MAX: usize = 256;
/// Bits of the filter for each template that there may be, to the next power of two.
const FILTER_BITS_EACH: usize = 16;

/// Templates by number, searched by the pairs of a text; see the module.
///
/// Serialised as limits and templates; everything else is made again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "RawSet", into = "RawSet")]
pub struct TemplateSet {
    templates_max: usize,
    unused_ms_max: i64,
    next_id: u64,
    entries: BTreeMap<u64, Entry>,
    ids: HashMap<Vec<String>, u64>,
    /// When each was used last, the earliest first.
    uses: BTreeSet<(i64, u64)>,
    by_key: HashMap<[char; 2], Vec<u64>>,
    /// A bit for each pair that something is filed under: most pairs of most texts end here.
    filter: Vec<u64>,
    /// Templates that went since the filter was made.
    stale: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    template: Template,
    key: [char; 2],
    used_ms: i64,
}

/// A set as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSet {
    templates_max: usize,
    unused_ms_max: i64,
    next_id: u64,
    templates: Vec<RawEntry>,
}

/// A template as it is stored in a set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: u64,
    used_ms: i64,
    key: [char; 2],
    template: Template,
}

/// Why a template was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// Each of its rarest pairs has as many templates as may be.
    #[error("each key of the template has {TEMPLATES_PER_KEY_MAX} templates already")]
    Crowded,
    /// A stored set has the same number or the same template twice, more than its limit, or a wrong key.
    #[error("template {id} of the stored set is one too many, is there twice, or is filed wrongly")]
    Stored {
        /// Its number.
        id: u64,
    },
}

/// What became of a new template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// Its number; that of an equal one if there is one. Numbers are not used again.
    pub id: u64,
    /// The template that had to make room.
    pub evicted: Option<u64>,
}

/// What a search cost, and whether it saw everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupReport {
    /// Templates that were compared.
    pub candidates: usize,
    /// Templates beyond [`CANDIDATES_MAX`] that were not.
    pub candidates_skipped: usize,
}

impl TemplateSet {
    /// An empty set of at most `templates_max` templates, 1 to [`TEMPLATES_MAX`], each of which may go unused for
    /// `unused_ms_max` milliseconds of event time.
    pub fn new(templates_max: usize, unused_ms_max: i64) -> Self {
        let templates_max = templates_max.clamp(1, TEMPLATES_MAX);
        let words = (templates_max * FILTER_BITS_EACH / 64).next_power_of_two();
        Self {
            templates_max,
            unused_ms_max,
            next_id: 0,
            entries: BTreeMap::new(),
            ids: HashMap::new(),
            uses: BTreeSet::new(),
            by_key: HashMap::new(),
            filter: vec![0; words],
            stale: 0,
        }
    }

    /// The number of templates.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no template.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A template by its number.
    pub fn get(&self, id: u64) -> Option<&Template> {
        self.entries.get(&id).map(|entry| &entry.template)
    }

    /// Takes a template that was learnt at an event time. O(log n); one of the same runs is only used again.
    ///
    /// # Errors
    /// All pairs that it may be filed under are crowded.
    pub fn insert(&mut self, template: Template, time_ms: i64) -> Result<Inserted, InsertError> {
        if let Some(id) = self.ids.get(template.runs()).copied() {
            self.touch(id, time_ms);
            return Ok(Inserted { id, evicted: None });
        }
        let key = self.free_key(&template).ok_or(InsertError::Crowded)?;
        let oldest = self.uses.first().filter(|_| self.len() >= self.templates_max).map(|(_, id)| *id);
        if let Some(oldest) = oldest {
            self.remove(oldest);
        }
        if self.stale > self.templates_max {
            self.make_filter();
        }
        let id = self.next_id;
        self.next_id += 1;
        self.file(id, Entry { template, key, used_ms: time_ms });
        Ok(Inserted { id, evicted: oldest })
    }

    /// The rarest key of a template that is not crowded.
    fn free_key(&self, template: &Template) -> Option<[char; 2]> {
        template.keys().iter().copied().find(|key| self.is_free(*key))
    }

    fn is_free(&self, key: [char; 2]) -> bool {
        self.by_key.get(&key).is_none_or(|ids| ids.len() < TEMPLATES_PER_KEY_MAX)
    }

    fn file(&mut self, id: u64, entry: Entry) {
        self.ids.insert(entry.template.runs().to_vec(), id);
        self.uses.insert((entry.used_ms, id));
        self.by_key.entry(entry.key).or_default().push(id);
        let (word, bit) = self.filter_bit(entry.key);
        self.filter[word] |= bit;
        self.entries.insert(id, entry);
    }

    /// Takes a template out, if it is there. O(log n); its bit in the filter stays until that is made again.
    pub fn remove(&mut self, id: u64) {
        let Some(entry) = self.entries.remove(&id) else { return };
        self.stale += 1;
        self.ids.remove(entry.template.runs());
        self.uses.remove(&(entry.used_ms, id));
        if let Some(ids) = self.by_key.get_mut(&entry.key) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_key.remove(&entry.key);
            }
        }
    }

    /// Notes that a template was used at an event time; earlier times than the last change nothing.
    fn touch(&mut self, id: u64, time_ms: i64) {
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.used_ms < time_ms
        {
            self.uses.remove(&(entry.used_ms, id));
            self.uses.insert((time_ms, id));
            entry.used_ms = time_ms;
        }
    }

    /// Removes the templates that no text has filled for longer than may be, before an event time; says how many. O(n)
    /// only where something goes.
    pub fn expire(&mut self, now_ms: i64) -> usize {
        let before = self.len();
        while let Some((used_ms, id)) = self.uses.first().copied() {
            if used_ms.saturating_add(self.unused_ms_max) >= now_ms {
                break;
            }
            self.remove(id);
        }
        if self.len() < before {
            self.make_filter();
        }
        before - self.len()
    }

    fn make_filter(&mut self) {
        self.stale = 0;
        self.filter.fill(0);
        for key in self.by_key.keys().copied().collect::<Vec<_>>() {
            let (word, bit) = self.filter_bit(key);
            self.filter[word] |= bit;
        }
    }

    /// Appends the numbers of the templates that a normalised text fills, ascending, and notes that they were used.
    ///
    /// One look-up in the filter per pair of the text; then each candidate is compared, O(text) each.
    pub fn find_into(&mut self, normalised: &str, time_ms: i64, out: &mut Vec<u64>) -> LookupReport {
        let mut candidates: Vec<u64> = Vec::new();
        for gram in grams(normalised) {
            let (word, bit) = self.filter_bit(gram);
            if self.filter[word] & bit != 0 {
                candidates.extend(self.by_key.get(&gram).into_iter().flatten());
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        let skipped = candidates.len().saturating_sub(CANDIDATES_MAX);
        let compared = &candidates[skipped..];
        for id in compared {
            if self.get(*id).is_some_and(|template| template.matches(normalised).is_some()) {
                self.touch(*id, time_ms);
                out.push(*id);
            }
        }
        LookupReport { candidates: compared.len(), candidates_skipped: skipped }
    }

    /// Where the bit of a pair stands.
    fn filter_bit(&self, [first, second]: [char; 2]) -> (usize, u64) {
        let pair = u64::from(u32::from(first)) << 32 | u64::from(u32::from(second));
        // Multiplicative hashing, Knuth 6.4: the golden ratio. Filters have a power of two words.
        let hash = (pair ^ pair >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        ((hash >> 6) as usize & (self.filter.len() - 1), 1 << (hash & 63))
    }
}

impl TryFrom<RawSet> for TemplateSet {
    type Error = InsertError;

    fn try_from(raw: RawSet) -> Result<Self, InsertError> {
        let mut set = Self::new(raw.templates_max, raw.unused_ms_max);
        set.next_id = raw.next_id;
        for RawEntry { id, used_ms, key, template } in raw.templates {
            let is_known = set.entries.contains_key(&id) || set.ids.contains_key(template.runs());
            let is_filed = template.keys().contains(&key) && set.is_free(key);
            if is_known || !is_filed || id >= raw.next_id || set.len() >= set.templates_max {
                return Err(InsertError::Stored { id });
            }
            set.file(id, Entry { template, key, used_ms });
        }
        Ok(set)
    }
}

impl From<TemplateSet> for RawSet {
    fn from(set: TemplateSet) -> Self {
        let entries = set.entries.into_iter();
        let templates = entries
            .map(|(id, Entry { template, key, used_ms })| RawEntry { id, used_ms, key, template })
            .collect();
        Self {
            templates_max: set.templates_max,
            unused_ms_max: set.unused_ms_max,
            next_id: set.next_id,
            templates,
        }
    }
}
