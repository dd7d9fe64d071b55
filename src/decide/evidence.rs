//! Matches → weighted pieces of evidence.

use super::policy::Policy;
use crate::lexicon::{Hit, Lexicon, Matches};
use crate::model::{EvidenceKind, LabelId, Milli, Severity, Taxonomy};
use crate::text::{FoldedText, Symbol, SymbolRange, Transforms};

/// One weighted reason, before it is put into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What kind of thing.
    pub kind: EvidenceKind,
    /// The label that it speaks for; none for all that have evidence of their own.
    pub label: Option<LabelId>,
    /// The level-one label above it.
    pub root: Option<LabelId>,
    /// Index of the term, the rule hit or the slot.
    pub source: u32,
    /// Where it begins and ends.
    pub range: SymbolRange,
    /// Points without those for disguise.
    pub weight: Milli,
    /// Points for disguise.
    pub disguise: Milli,
    /// Strongest measure it may carry.
    pub severity: Severity,
    /// How often the same thing occurs in the item.
    pub occurrences: u32,
    /// What was undone to see it.
    pub transforms: Transforms,
}

/// Most different terms that are weighed against each other before the weakest are left out.
const PIECES_MAX: usize = 1024;

/// Fewest points of disguise that make a cue evidence.
const CUE_DISGUISE_MIN: Milli = 100;

/// Longest restored word, in symbols, that counts as a guess when one character of it was changed; one more when
/// several were.
const GUESS_SYMBOLS_MAX: usize = 2;

/// Fills `out` with the evidence of the matches, in the order of the text. Returns false when evidence was left out.
///
/// Of a term that occurs more often, the most disguised occurrence counts. A hit inside a longer hit for the same
/// level-one label, with at least its points, adds nothing.
pub fn collect_into(
    policy: &Policy,
    (taxonomy, lexicon): (&Taxonomy, &Lexicon),
    findings: (&FoldedText, &Matches),
    out: &mut Vec<Piece>,
) -> bool {
    let (folded, matches) = findings;
    out.clear();
    let mut is_complete = true;
    for (index, hit) in matches.hits.iter().enumerate() {
        let Some(piece) = of_term(policy, taxonomy, lexicon, folded, hit) else { continue };
        if is_shadowed(taxonomy, lexicon, &matches.hits, index) {
            continue;
        }
        // Another place is another piece only where no passage can hold both.
        let reach = |earlier: &Piece| earlier.range.start.saturating_add(policy.passage_chars);
        match out.iter().rposition(|earlier| earlier.source == piece.source) {
            Some(earlier) if piece.range.start < reach(&out[earlier]) => {
                let earlier = &mut out[earlier];
                let occurrences = earlier.occurrences + 1;
                if piece.disguise > earlier.disguise {
                    *earlier = piece;
                }
                earlier.occurrences = occurrences;
            }
            Some(_) | None if out.len() < PIECES_MAX => out.push(piece),
            Some(_) | None => is_complete = false,
        }
    }
    let mut last: Option<(u32, u32)> = None;
    for (index, hit) in (0..).zip(&matches.rules) {
        let rule = &lexicon.rules()[hit.rule as usize];
        let start = matches.ranges_of(hit).iter().map(|r| r.start).min().unwrap_or(0);
        // Places of one rule follow each other in the order of the text.
        let is_same_passage = last.is_some_and(|(rule, earlier)| {
            rule == hit.rule && start < earlier.saturating_add(policy.passage_chars)
        });
        if is_same_passage {
            continue;
        }
        last = Some((hit.rule, start));
        if out.len() >= PIECES_MAX {
            is_complete = false;
            break;
        }
        let ranges = matches.ranges_of(hit);
        let guesses = ranges.iter().filter(|range| is_guess(folded, **range)).count();
        let rests_on_guesses = guesses == ranges.len();
        // Two guesses at two places that make a rule hold are no chance any more.
        let apart =
            ranges.iter().map(|range| range.end).min() <= ranges.iter().map(|range| range.start).max();
        let rests_on_one = rests_on_guesses && !apart;
        // A rule that needs a guess says two thirds of what it says otherwise.
        let own = if guesses > 0 { rule.weight * 2 / 3 } else { rule.weight };
        out.push(Piece {
            kind: EvidenceKind::Rule,
            label: rule.label,
            root: rule.label.map(|label| taxonomy.root(label)),
            source: index,
            range: SymbolRange {
                start: ranges.iter().map(|r| r.start).min().unwrap_or(0),
                end: ranges.iter().map(|r| r.end).max().unwrap_or(0),
            },
            weight: if rests_on_one { own.min(policy.caps.guess) } else { own },
            disguise: 0,
            severity: if rests_on_guesses { Severity::Low } else { rule.severity },
            occurrences: 1,
            transforms: Transforms::empty(),
        });
    }
    add_contacts(policy, taxonomy, folded, matches, out);
    // The weakest go first when there are too many.
    if out.len() > policy.limits().evidence_max {
        is_complete = false;
        out.sort_by_key(|piece| std::cmp::Reverse(piece.weight.abs() + piece.disguise));
        out.truncate(policy.limits().evidence_max);
    }
    out.sort_by_key(|piece| (piece.range, piece.kind, piece.source));
    is_complete
}

/// Whether a short word was restored from the sound or shape of most of its characters.
fn is_guess(folded: &FoldedText, range: SymbolRange) -> bool {
    let guessed = |symbol: &&Symbol| {
        symbol.transforms.intersects(Transforms::GUESSED) && !symbol.transforms.contains(Transforms::PINYIN)
    };
    let symbols = folded.symbols().get(range.start as usize..range.end as usize).unwrap_or(&[]);
    match symbols.iter().filter(guessed).count() {
        0 => false,
        1 => symbols.len() <= GUESS_SYMBOLS_MAX,
        _ => symbols.len() <= GUESS_SYMBOLS_MAX + 1,
    }
}

fn of_term(
    policy: &Policy,
    taxonomy: &Taxonomy,
    lexicon: &Lexicon,
    folded: &FoldedText,
    hit: &Hit,
) -> Option<Piece> {
    let term = &lexicon.terms()[hit.term as usize];
    let undone = folded.transforms_in(hit.range, term.dense);
    let disguise = undone.map(|set| policy.disguise(set)).sum::<Milli>().min(policy.caps.disguise);
    let is_cue = term.weight == 0;
    if is_cue && (disguise < CUE_DISGUISE_MIN || term.id.starts_with("text:")) {
        return None;
    }
    // A short word that was guessed from its sound or shape may be another word.
    let is_guess = is_guess(folded, hit.range);
    let weight = if is_guess { term.weight.min(policy.caps.guess) } else { term.weight };
    Some(Piece {
        kind: EvidenceKind::Term,
        label: Some(term.label),
        root: Some(taxonomy.root(term.label)),
        source: hit.term,
        range: hit.range,
        weight,
        disguise: if is_guess { 0 } else { disguise },
        severity: if is_guess { Severity::Low } else { term.severity },
        occurrences: 1,
        transforms: hit.transforms,
    })
}

/// Most neighbours that are compared on either side of a hit.
const SHADOW_NEIGHBOURS: usize = 64;

/// Whether another hit says the same with more text. Hits are sorted by place, so a longer one is near.
fn is_shadowed(taxonomy: &Taxonomy, lexicon: &Lexicon, hits: &[Hit], index: usize) -> bool {
    let hit = &hits[index];
    let term = &lexicon.terms()[hit.term as usize];
    let near = index.saturating_sub(SHADOW_NEIGHBOURS)..(index + SHADOW_NEIGHBOURS).min(hits.len());
    hits[near].iter().any(|other| {
        let longer = &lexicon.terms()[other.term as usize];
        // Of cues at one place the first speaks for all.
        let is_twin = other.range == hit.range && other.term < hit.term && term.weight + longer.weight == 0;
        is_twin
            || other.range.contains(hit.range)
            && other.range.len() > hit.range.len()
            && longer.weight >= term.weight
            && longer.severity >= term.severity
            // Cues say nothing of a category: of overlapping ones the longest counts.
            && (term.weight == 0 || taxonomy.root(longer.label) == taxonomy.root(term.label))
    })
}

/// Adds contacts: beside other evidence, or by themselves when their characters are disguised.
fn add_contacts(
    policy: &Policy,
    taxonomy: &Taxonomy,
    folded: &FoldedText,
    matches: &Matches,
    out: &mut Vec<Piece>,
) {
    let has_own = !out.is_empty();
    for (index, slot) in (0..).zip(&matches.slots) {
        // Separators inside numbers are ordinary; only what was done to the characters counts.
        let separators = Transforms::DROP_NOISE | Transforms::DROP_BLANK;
        let undone = folded.transforms_in(slot.range, true).map(|set| policy.disguise(set - separators));
        let disguise = undone.sum::<Milli>().min(policy.caps.disguise);
        let label = policy.disguised_contact_label().filter(|_| disguise >= CUE_DISGUISE_MIN);
        if label.is_none() && !has_own {
            continue;
        }
        out.push(Piece {
            kind: EvidenceKind::Contact,
            label,
            root: label.map(|label| taxonomy.root(label)),
            source: index,
            range: slot.range,
            weight: policy.contact(slot.kind),
            disguise,
            severity: Severity::Low,
            occurrences: 1,
            transforms: slot.transforms,
        });
    }
}
