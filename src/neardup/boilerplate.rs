//! Passages that everybody uses: footers, forms, share texts. They are learnt, listed, and left out of comparisons.
//!
//! A passage counts once per account and day, for accounts of some age only. It becomes boilerplate when on many days in
//! a row a like number of accounts of many cohorts has used it: a campaign that wants to teach itself in needs many old,
//! unrelated accounts for a week, and shows up in the list.

use serde::{Deserialize, Serialize};

use super::SLOT_MARK;
use super::fingerprint::{Fingerprint, GRAMS_MAX, passages};
use super::minhash::{self, PASSAGE_CHARS, mix64};

const DAY_MS: i64 = 86_400_000;
/// Candidates that share one hash.
const WAYS: usize = 4;
/// Most passages that are boilerplate at a time.
const ADDITIONS_MAX: usize = 1 << 16;
/// Largest and smallest number of accounts on a day of a steady run.
const STEADY_RATIO: f32 = 4.0;
/// Most candidates.
const CANDIDATES_MAX: usize = 1 << 24;

/// What a passage must have to be boilerplate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoilerplateLimits {
    /// Days in a row.
    pub days: u32,
    /// Accounts on each of these days; at most 150 can be told apart.
    pub accounts_per_day: u32,
    /// Different cohorts of these accounts, at most 64.
    pub cohorts: u32,
    /// Age of an account that counts, in days.
    pub account_age_days: u32,
    /// Passages that are watched at a time; 40 bytes each.
    pub candidates: usize,
}

impl BoilerplateLimits {
    /// Twenty accounts of sixteen cohorts and ninety days of age on each of seven days; 40 MB.
    pub const USUAL: Self =
        Self { days: 7, accounts_per_day: 20, cohorts: 16, account_age_days: 90, candidates: 1 << 20 };
}

/// Who wrote a text, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author {
    /// The account.
    pub account: u64,
    /// Days since it was registered.
    pub age_days: u32,
    /// What accounts of one owner are likely to share: network, month of registration, kind of device.
    pub cohort: u64,
}

/// A passage that became boilerplate, for review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// Key of the passage.
    pub key: u32,
    /// The passage, normalised.
    pub passage: String,
    /// Day of the addition, counted from 1970-01-01.
    pub day: i64,
    /// Different cohorts seen until then, as far as they can be told apart.
    pub cohorts: u32,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Candidate {
    key: u32,
    /// Days of the run that are over.
    days: u32,
    /// The last day on which it was seen.
    day: i64,
    /// Accounts of that day, one bit for each of 64 hashes.
    accounts: u64,
    /// Cohorts of the run.
    cohorts: u64,
    /// Fewest and most accounts on a day of the run.
    range: (f32, f32),
}

/// Learns boilerplate and masks it; fixed memory, none before the first text of an old account.
///
/// Serialised without the room that is free.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "RawBoilerplate", into = "RawBoilerplate")]
pub struct Boilerplate {
    limits: BoilerplateLimits,
    /// Empty before the first use.
    candidates: Vec<[Candidate; WAYS]>,
    /// Sorted by key.
    additions: Vec<Addition>,
    /// Keys that a reviewer took out, sorted.
    revoked: Vec<u32>,
}

/// What was learnt, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBoilerplate {
    limits: BoilerplateLimits,
    /// Place, and what stands there.
    candidates: Vec<(usize, Candidate)>,
    additions: Vec<Addition>,
    revoked: Vec<u32>,
}

/// How many different things set so many of 64 bits, on average (linear counting, Whang et al. 1990).
#[allow(clippy::cast_precision_loss, reason = "at most 64")]
fn estimate(bits: u64) -> f32 {
    let clear = (bits.count_zeros() as f32).max(0.5);
    -64.0 * (clear / 64.0).ln()
}

impl Boilerplate {
    /// Knows nothing yet.
    pub fn new(limits: BoilerplateLimits) -> Self {
        Self { limits, candidates: Vec::new(), additions: Vec::new(), revoked: Vec::new() }
    }

    fn make_room(&mut self) {
        if self.candidates.is_empty() {
            let sets = self.limits.candidates.clamp(WAYS, CANDIDATES_MAX).div_ceil(WAYS);
            self.candidates = vec![[Candidate::default(); WAYS]; sets];
        }
    }

    /// Counts the passages of a normalised text. Returns how many became boilerplate by it; they are in
    /// [`Self::additions`]. O(characters); allocates.
    pub fn learn(&mut self, normalised: &str, author: Author, time_ms: i64) -> usize {
        if author.age_days < self.limits.account_age_days {
            return 0;
        }
        let Read { chars, stretches, .. } = Read::of(normalised);
        self.make_room();
        let day = time_ms.div_euclid(DAY_MS);
        let before = self.additions.len();
        for (place, key) in passages(&stretches) {
            let Some(cohorts) = self.count(key, author, day) else { continue };
            let is_known = self.revoked.binary_search(&key).is_ok();
            if let Err(index) = self.additions.binary_search_by_key(&key, |addition| addition.key)
                && !is_known
                && self.additions.len() < ADDITIONS_MAX
            {
                let passage = chars.iter().skip(place).take(PASSAGE_CHARS).collect();
                self.additions.insert(index, Addition { key, passage, day, cohorts });
            }
        }
        self.additions.len() - before
    }

    /// Counts one use. Returns the number of cohorts where the passage is boilerplate by now.
    fn count(&mut self, key: u32, author: Author, day: i64) -> Option<u32> {
        let limits = self.limits;
        let home = mix64(u64::from(key)) % self.candidates.len() as u64;
        let set = self.candidates.get_mut(usize::try_from(home).ok()?)?;
        let found = set.iter().position(|candidate| candidate.key == key && candidate.cohorts != 0);
        // What has the shortest run, and of these was seen longest ago, makes room.
        let shortest = |index: &usize| (set[*index].cohorts != 0, set[*index].days, set[*index].day);
        let index = found.or_else(|| (0..WAYS).min_by_key(shortest))?;
        let candidate = &mut set[index];
        if found.is_none() {
            *candidate = Candidate { key, day, range: (f32::MAX, 0.0), ..Candidate::default() };
        }
        candidate.turn_to(day, &limits);
        candidate.accounts |= 1 << (mix64(author.account) >> 58);
        candidate.cohorts |= 1 << (mix64(author.cohort ^ 0x636F_686F) >> 58);
        let cohorts = candidate.cohorts.count_ones();
        (candidate.days >= limits.days && cohorts >= limits.cohorts).then_some(cohorts)
    }

    /// Leaves the pairs of characters of known passages out of the fingerprint of a normalised text, and returns the text
    /// with a slot mark in the place of each; none where there is no such passage. The exact key stays as it is.
    ///
    /// O(characters); allocates, but nothing as long as no passage is boilerplate.
    pub fn mask(&self, normalised: &str, print: &mut Fingerprint) -> Option<String> {
        if self.additions.is_empty() {
            return None;
        }
        let Read { chars, mut grams, stretches } = Read::of(normalised);
        let is_known = |key: u32| self.additions.binary_search_by_key(&key, |addition| addition.key).is_ok();
        let mut masked = vec![false; chars.len()];
        let mut last_end = 0;
        for (place, _) in passages(&stretches).filter(|(_, key)| is_known(*key)) {
            // What stands between two such passages close to each other belongs to them.
            let start = if last_end > 0 && place < last_end + 2 * PASSAGE_CHARS { last_end } else { place };
            last_end = place + PASSAGE_CHARS;
            masked[start.min(last_end)..last_end].fill(true);
        }
        if last_end == 0 {
            return None;
        }
        let mut is_masked = masked.windows(2).map(|pair| pair[0] || pair[1]);
        grams.retain(|_| !is_masked.next().unwrap_or(false));
        minhash::minima_into(&grams, &mut print.minima);
        grams.sort_unstable();
        grams.dedup();
        grams.truncate(GRAMS_MAX);
        print.grams = grams;
        print.passages.retain(|key| !is_known(*key));
        let mut text = String::with_capacity(normalised.len());
        for (c, is_masked) in chars.into_iter().zip(masked) {
            if !is_masked {
                text.push(c);
            } else if !text.ends_with(SLOT_MARK) {
                text.push(SLOT_MARK);
            }
        }
        Some(text)
    }

    /// Every passage that is boilerplate, by key.
    pub fn additions(&self) -> &[Addition] {
        &self.additions
    }

    /// Takes a passage out for good.
    pub fn revoke(&mut self, key: u32) {
        self.additions.retain(|addition| addition.key != key);
        if let Err(index) = self.revoked.binary_search(&key) {
            self.revoked.insert(index, key);
        }
    }
}

/// A normalised text as it is compared.
struct Read {
    chars: Vec<char>,
    /// The hashes of its pairs of characters.
    grams: Vec<u32>,
    /// A number for each stretch of [`PASSAGE_CHARS`].
    stretches: Vec<u32>,
}

impl Read {
    fn of(normalised: &str) -> Self {
        let chars: Vec<char> = normalised.chars().collect();
        let (mut grams, mut stretches) = (Vec::new(), Vec::new());
        minhash::grams_into(&chars, &mut grams);
        minhash::passages_into(&grams, &mut stretches);
        Self { chars, grams, stretches }
    }
}

impl From<Boilerplate> for RawBoilerplate {
    fn from(learner: Boilerplate) -> Self {
        let Boilerplate { limits, candidates, additions, revoked } = learner;
        let used = candidates.into_iter().flatten().enumerate();
        let candidates = used.filter(|(_, candidate)| candidate.cohorts != 0).collect();
        Self { limits, candidates, additions, revoked }
    }
}

/// Why what was stored cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored boilerplate has too much, or what it has is out of order")]
pub struct StoredBoilerplateError;

impl TryFrom<RawBoilerplate> for Boilerplate {
    type Error = StoredBoilerplateError;

    fn try_from(raw: RawBoilerplate) -> Result<Self, StoredBoilerplateError> {
        let mut learner = Self::new(raw.limits);
        if !raw.candidates.is_empty() {
            learner.make_room();
        }
        for (place, candidate) in raw.candidates {
            let set = learner.candidates.get_mut(place / WAYS).ok_or(StoredBoilerplateError)?;
            set[place % WAYS] = candidate;
        }
        let is_sorted = raw.additions.is_sorted_by(|one, next| one.key < next.key)
            && raw.revoked.is_sorted_by(|one, next| one < next);
        if !is_sorted || raw.additions.len() > ADDITIONS_MAX {
            return Err(StoredBoilerplateError);
        }
        Ok(Self { additions: raw.additions, revoked: raw.revoked, ..learner })
    }
}

impl Candidate {
    /// Ends the day before, where a new one begins.
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    fn turn_to(&mut self, day: i64, limits: &BoilerplateLimits) {
        if day <= self.day {
            return;
        }
        let accounts = estimate(self.accounts);
        let range = (self.range.0.min(accounts), self.range.1.max(accounts));
        let is_steady = accounts >= limits.accounts_per_day as f32 && range.1 <= range.0 * STEADY_RATIO;
        if is_steady && day == self.day + 1 {
            self.days += 1;
            self.range = range;
        } else {
            self.days = 0;
            self.cohorts = 0;
            self.range = (f32::MAX, 0.0);
        }
        self.day = day;
        self.accounts = 0;
    }
}
