//! Texts of a cluster → the template that they were filled from.

use std::collections::HashSet;

use super::align::{Steps, align};
use super::{KEYS_MAX, RUN_CHARS_MIN, RUNS_MAX, RawTemplate, Template, TemplateError};
use crate::neardup::SLOT_MARK;

/// Distinct texts that a template is learnt from, at least: two texts share too much by chance.
pub const MEMBERS_MIN: usize = 3;
/// Texts that are looked at; of more, as many at equal distances.
pub const MEMBERS_MAX: usize = 32;
/// Characters of a text that is looked at; longer ones are left out.
pub const MEMBER_CHARS_MAX: usize = 10_000;
/// How rare the distinct pairs of the runs must be together, in thousandths of a bit: 40 bits, of which overlapping pairs
/// tell about half.
pub const RARITY_MILLIBITS_MIN: u64 = 40_000;
/// A pair is *core* where this share of the texts has it, in percent.
const CORE_PERCENT: usize = 80;
/// A text belongs to the others where it has this share of the core pairs, in percent.
const MEMBER_CORE_PERCENT: usize = 50;
/// Share of the runs in the shortest text, at least, in percent. What is nearly all slots fits anything.
const FIXED_PERCENT_MIN: usize = 30;
/// Characters of fillings that a text may have beyond twice the longest seen.
const FILLING_CHARS_FREE: usize = 32;

/// A template, and what became of the texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The template; every text that was used fills it.
    pub template: Template,
    /// Which texts were used, by their place.
    pub used: Vec<usize>,
    /// Texts with more than [`MEMBER_CHARS_MAX`] characters.
    pub too_long: usize,
    /// Texts that share too little with the others.
    pub unlike: usize,
    /// Texts beyond [`MEMBERS_MAX`], and repeated ones.
    pub spare: usize,
    /// What it took: characters looked at and cells of tables. At most some 640 per character of the texts, mostly a dozen.
    pub steps: u64,
}

/// Why nothing was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// Too few distinct texts that share something.
    #[error("{found} distinct texts share something; {MEMBERS_MIN} are needed")]
    Members {
        /// How many there are.
        found: usize,
    },
    /// What stays is too short, or always the same.
    #[error(transparent)]
    Fixed(#[from] TemplateError),
    /// What stays is a small part of the texts.
    #[error("{fixed} of {chars} characters stay; {FIXED_PERCENT_MIN} % are needed")]
    Slots {
        /// Characters that stay.
        fixed: usize,
        /// Characters of the shortest text.
        chars: usize,
    },
    /// What stays is ordinary language.
    #[error("the pairs that stay tell {millibits} thousandths of a bit; {RARITY_MILLIBITS_MIN} are needed")]
    Common {
        /// How rare they are.
        millibits: u64,
    },
}

/// Learns the template of the normalised texts of a cluster.
///
/// `rarity_millibits` says how rare a pair of characters is in texts of others, as thousandths of a bit: 1000 times the
/// negative binary logarithm of its frequency. It is asked once for each distinct pair that stays.
///
/// Texts that share less than half of what most share are left out; what the others share in the same order are the runs.
/// But for sorting linear in the characters of all texts, whatever they are; allocates.
///
/// # Errors
/// Too few texts, or what they share is too short, too small a part of them, or too common.
///
/// ```
/// use qingliu::neardup::learn;
///
/// let texts = ["春城王先生急招日结兼职加0领取", "江北李姐急招日结兼职速加0领取", "东港老周急招日结兼职加0领取吧"];
/// let learned = learn(&texts, |_| 8000)?;
/// assert_eq!(learned.template.to_string(), "〔…〕急招日结兼职〔…〕领取〔…〕");
/// assert!(learned.template.matches("西山小陈急招日结兼职联系0领取").is_some());
/// # Ok::<(), qingliu::neardup::LearnError>(())
/// ```
pub fn learn(texts: &[&str], rarity_millibits: impl Fn([char; 2]) -> u32) -> Result<Learned, LearnError> {
    let mut steps = Steps::default();
    let mut members = Members::choose(texts, &mut steps)?;
    let fixed = shared_by_all(&members.chars, &mut steps);
    let runs = runs_of(&fixed);
    let chars = members.chars.iter().map(Vec::len).min().unwrap_or(0);
    let fixed_chars: usize = runs.iter().map(Vec::len).sum();
    let template = template_of(&runs, &rarity_millibits)?;
    if fixed_chars * 100 < chars * FIXED_PERCENT_MIN {
        return Err(LearnError::Slots { fixed: fixed_chars, chars });
    }
    let template = with_fillings(template, members.used.iter().filter_map(|index| texts.get(*index)));
    members.used.sort_unstable();
    Ok(Learned {
        template,
        used: members.used,
        too_long: members.too_long,
        unlike: members.unlike,
        spare: members.spare,
        steps: steps.0,
    })
}

/// The texts that are used, the shortest first, and how many are not.
#[derive(Default)]
struct Members {
    used: Vec<usize>,
    chars: Vec<Vec<char>>,
    too_long: usize,
    unlike: usize,
    spare: usize,
}

impl Members {
    /// Distinct texts of bearable length that share at least half of the core pairs.
    fn choose(texts: &[&str], steps: &mut Steps) -> Result<Self, LearnError> {
        let mut members = Self::default();
        let mut known = HashSet::new();
        let mut chosen = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            if text.chars().nth(MEMBER_CHARS_MAX).is_some() {
                members.too_long += 1;
            } else if known.insert(*text) {
                chosen.push(index);
            } else {
                members.spare += 1;
            }
        }
        if chosen.len() > MEMBERS_MAX {
            members.spare += chosen.len() - MEMBERS_MAX;
            chosen = (0..MEMBERS_MAX).map(|place| chosen[place * chosen.len() / MEMBERS_MAX]).collect();
        }
        let mut chars: Vec<(usize, Vec<char>)> =
            chosen.iter().map(|index| (*index, texts[*index].chars().collect())).collect();
        let found = chars.len();
        let is_like = likeness(&chars, steps);
        chars.retain(|(index, _)| is_like.contains(index));
        members.unlike = found - chars.len();
        if chars.len() < MEMBERS_MIN {
            return Err(LearnError::Members { found: chars.len() });
        }
        chars.sort_by_key(|(index, chars)| (chars.len(), *index));
        (members.used, members.chars) = chars.into_iter().unzip();
        Ok(members)
    }
}

/// The texts that share at least half of the core pairs, by their place; none where there is no core.
fn likeness(texts: &[(usize, Vec<char>)], steps: &mut Steps) -> HashSet<usize> {
    let pairs_of = |(_, chars): &(usize, Vec<char>)| {
        let mut pairs: Vec<[char; 2]> = chars.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    };
    let sets: Vec<Vec<[char; 2]>> = texts.iter().map(pairs_of).collect();
    steps.0 += texts.iter().map(|(_, chars)| 2 * chars.len() as u64).sum::<u64>();
    let mut all = sets.concat();
    all.sort_unstable();
    let is_core =
        |same: &&[[char; 2]]| !same[0].contains(&SLOT_MARK) && same.len() * 100 >= texts.len() * CORE_PERCENT;
    let core: Vec<[char; 2]> =
        all.chunk_by(|one, other| one == other).filter(is_core).map(|same| same[0]).collect();
    let shared = |set: &[[char; 2]]| core.iter().filter(|pair| set.binary_search(pair).is_ok()).count();
    let is_like =
        |set: &[[char; 2]]| !core.is_empty() && shared(set) * 100 >= core.len() * MEMBER_CORE_PERCENT;
    texts.iter().zip(&sets).filter(|(_, set)| is_like(set)).map(|((index, _), _)| *index).collect()
}

/// What all texts share in the same order, with a slot mark at every gap: the first text, aligned with one after the other.
fn shared_by_all(texts: &[Vec<char>], steps: &mut Steps) -> Vec<char> {
    let Some((first, others)) = texts.split_first() else { return Vec::new() };
    let mut fixed = first.clone();
    for other in others {
        let mut shared = Vec::with_capacity(fixed.len());
        for stretch in align(&fixed, other, steps) {
            if stretch.chars >= RUN_CHARS_MIN {
                shared.extend_from_slice(&fixed[stretch.a..stretch.a + stretch.chars]);
                shared.push(SLOT_MARK);
            }
        }
        fixed = shared;
    }
    fixed
}

/// The stretches between marks, the longest of too many.
fn runs_of(fixed: &[char]) -> Vec<Vec<char>> {
    let mut runs: Vec<Vec<char>> = fixed
        .split(|char| *char == SLOT_MARK)
        .filter(|run| run.len() >= RUN_CHARS_MIN)
        .map(<[char]>::to_vec)
        .collect();
    if runs.len() > RUNS_MAX {
        let mut by_length: Vec<usize> = (0..runs.len()).collect();
        by_length.sort_by_key(|index| (std::cmp::Reverse(runs[*index].len()), *index));
        by_length.truncate(RUNS_MAX);
        by_length.sort_unstable();
        runs = by_length.into_iter().map(|index| std::mem::take(&mut runs[index])).collect();
    }
    runs
}

/// A template of runs, whose rarest pairs are its keys.
fn template_of(
    runs: &[Vec<char>],
    rarity_millibits: impl Fn([char; 2]) -> u32,
) -> Result<Template, LearnError> {
    let mut grams: Vec<[char; 2]> =
        runs.iter().flat_map(|run| run.windows(2).map(|pair| [pair[0], pair[1]])).collect();
    grams.sort_unstable();
    grams.dedup();
    let mut rated: Vec<(u32, [char; 2])> =
        grams.iter().map(|gram| (rarity_millibits(*gram), *gram)).collect();
    rated.sort_by_key(|(millibits, gram)| (std::cmp::Reverse(*millibits), *gram));
    let template = Template::try_from(RawTemplate {
        runs: runs.iter().map(|run| run.iter().collect()).collect(),
        has_head: false,
        has_tail: false,
        filling_chars_max: usize::MAX,
        keys: rated.iter().take(KEYS_MAX).map(|(_, gram)| *gram).collect(),
    })?;
    let millibits = rated.iter().map(|(millibits, _)| u64::from(*millibits)).sum();
    if millibits < RARITY_MILLIBITS_MIN {
        return Err(LearnError::Common { millibits });
    }
    Ok(template)
}

/// Sets how much its slots may hold by what they hold in the texts.
fn with_fillings<'t>(mut template: Template, texts: impl Iterator<Item = &'t &'t str>) -> Template {
    let fixed = template.fixed_chars();
    let mut filling = 0;
    for text in texts {
        filling = filling.max(text.chars().count() - fixed.min(text.chars().count()));
        if let Some(slots) = template.matches(text) {
            template.has_head |= slots.first().is_some_and(|slot| !slot.is_empty());
            template.has_tail |= slots.last().is_some_and(|slot| !slot.is_empty());
        }
    }
    template.filling_chars_max = 2 * filling + FILLING_CHARS_FREE;
    template
}
