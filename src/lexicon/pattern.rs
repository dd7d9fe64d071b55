//! Regular expressions of rules, and the literals without which they cannot match.
//!
//! A pattern is analysed once: if it is only a list of words, the scan finds it and no expression ever runs;
//! otherwise its rarest *required* literals join the scan, and the expression runs only over texts that have one of
//! them. (Required inner literals as a prefilter: see ripgrep's and Hyperscan's literal extraction.)

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Largest compiled pattern, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 18;
/// Most literals that one pattern adds to the scan.
const LITERALS_MAX: usize = 256;

/// Most sets of required literals that are kept of one pattern.
const SETS_MAX: usize = 3;

/// A checked pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The expression.
    pub(super) regex: Regex,
    /// What the scan can say of it.
    pub(super) need: Need,
}

/// What the scan must find before a pattern is worth running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The pattern is exactly these words.
    Words(Vec<String>),
    /// Every match contains one literal of each of these sets; the most telling set first.
    AllOf(Vec<Vec<String>>),
    /// Nothing is known: it runs over every text.
    Nothing,
}

impl Pattern {
    /// Compiles and analyses a pattern.
    ///
    /// # Errors
    /// Malformed, too large, or with features that have no linear-time search.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).dfa_size_limit(1 << 20).build();
        let problem = |e: &dyn std::fmt::Display| {
            format!("pattern {pattern:?}: {}", e.to_string().trim().replace('\n', " "))
        };
        let regex = built.map_err(|e| problem(&e))?;
        let hir = regex_syntax::parse(pattern).map_err(|e| problem(&e))?;
        Ok(Self { regex, need: need(&hir) })
    }
}

fn need(hir: &Hir) -> Need {
    let is_findable = |words: &[String]| words.iter().all(|word| !word.trim().is_empty());
    if let Some(words) = exact(hir)
        && is_findable(&words)
    {
        return Need::Words(words);
    }
    let mut clauses = required(hir);
    clauses.retain(|words| is_findable(words));
    clauses.sort_by_key(|words| std::cmp::Reverse(rarity(words)));
    // A set with single characters is found in most texts: it helps only where there is nothing better.
    let telling = clauses.iter().take_while(|words| rarity(words).0 > 1).count();
    clauses.truncate(telling.clamp(1, SETS_MAX));
    if clauses.is_empty() { Need::Nothing } else { Need::AllOf(clauses) }
}

/// How telling a set of literals is: the length of the shortest, then how few there are.
fn rarity(words: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = words.iter().map(|word| word.chars().count()).min().unwrap_or(0);
    // Beyond three characters more length says nothing more.
    (shortest.min(3), std::cmp::Reverse(words.len()))
}

/// All strings that an expression matches, if they are few.
fn exact(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![String::new()]),
        HirKind::Literal(literal) => Some(vec![String::from_utf8(literal.0.to_vec()).ok()?]),
        HirKind::Class(Class::Unicode(class)) => {
            let mut words = Vec::new();
            for range in class.ranges() {
                for c in range.start()..=range.end() {
                    if words.len() == LITERALS_MAX {
                        return None;
                    }
                    words.push(String::from(c));
                }
            }
            Some(words)
        }
        HirKind::Repetition(repetition) if (repetition.min, repetition.max) == (0, Some(1)) => {
            let mut words = exact(&repetition.sub)?;
            words.push(String::new());
            bounded(words)
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) | HirKind::Repetition(_) => None,
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![String::new()], |heads, part| join(&heads, &exact(part)?))
        }
        HirKind::Alternation(branches) => {
            bounded(branches.iter().map(exact).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
    }
}

/// Every head followed by every tail, if they are few.
fn join(heads: &[String], tails: &[String]) -> Option<Vec<String>> {
    if heads.len().saturating_mul(tails.len()) > LITERALS_MAX {
        return None;
    }
    Some(heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))).collect())
}

fn bounded(mut words: Vec<String>) -> Option<Vec<String>> {
    words.sort_unstable();
    words.dedup();
    (words.len() <= LITERALS_MAX).then_some(words)
}

/// Sets of literals, of each of which every match contains one.
fn required(hir: &Hir) -> Vec<Vec<String>> {
    if let Some(words) = exact(hir) {
        return if words.iter().any(String::is_empty) { Vec::new() } else { vec![words] };
    }
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => required_of_sequence(parts),
        HirKind::Alternation(branches) => {
            // The best set of each branch; a branch without one spoils the whole.
            let best = |branch| required(branch).into_iter().max_by_key(|words| rarity(words));
            let union: Option<Vec<Vec<String>>> = branches.iter().map(best).collect();
            union.and_then(|sets| bounded(sets.into_iter().flatten().collect())).into_iter().collect()
        }
        HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_) => Vec::new(),
    }
}

/// The sets of the parts, and those of neighbouring finite parts taken together.
fn required_of_sequence(parts: &[Hir]) -> Vec<Vec<String>> {
    let mut clauses = Vec::new();
    let mut run: Option<Vec<String>> = None;
    for part in parts {
        let finite = exact(part);
        let joined = run.as_ref().and_then(|heads| join(heads, finite.as_ref()?));
        if joined.is_none() {
            clauses.extend(run.take());
            clauses.extend(required(part));
        }
        run = joined.or(finite);
    }
    clauses.extend(run);
    clauses.retain(|words| words.iter().all(|word| !word.is_empty()));
    clauses.dedup();
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_literals_are_found_inside_patterns() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        for (pattern, want) in [
            ("木琴", Need::Words(words(&["木琴"]))),
            ("喝茶|品茶", Need::Words(words(&["品茶", "喝茶"]))),
            ("日[入赚]\\d{3,}", Need::AllOf(vec![words(&["日入", "日赚"])])),
            ("(?:您|你)?加好友$", Need::AllOf(vec![words(&["你加好友", "加好友", "您加好友"])])),
            ("(?:看片|卖片).{0,6}加我|$", Need::Nothing),
            ("(?:看片|卖片).{0,6}加我吧", Need::AllOf(vec![words(&["加我吧"]), words(&["卖片", "看片"])])),
            ("甲.*乙[丙丁]戊", Need::AllOf(vec![words(&["乙丁戊", "乙丙戊"])])),
            ("(?:甲.*乙|丙丁)", Need::AllOf(vec![words(&["丙丁", "乙"])])),
            ("^.{0,20}$", Need::Nothing),
            ("(?:很|好)*", Need::Nothing),
            ("甲|.", Need::Nothing),
        ] {
            let mut found = Pattern::new(pattern).unwrap().need;
            match &mut found {
                Need::Words(list) => list.sort_unstable(),
                Need::AllOf(lists) => lists.iter_mut().for_each(|list| list.sort_unstable()),
                Need::Nothing => {}
            }
            assert_eq!(found, want, "{pattern}");
        }
    }

    #[test]
    fn patterns_without_linear_time_or_bounds_are_refused() {
        for pattern in ["(?=x)", "(a)\\1", "(", "(?:a{1000}){1000}"] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
