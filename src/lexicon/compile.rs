//! Files → checked terms → indexes.

use std::collections::HashMap;

use jiff::civil::Date;

use super::disguise::{DisguiseTables, Disguises};
use super::evaluate::RuleSet;
use super::format::{Mode, Origin, RawExemption, RawLexiconFile, RawRuleFile, RawTerm, RawView, SourceFile};
use super::index::{DenseIndex, Roots, build_indexes};
use super::plain::PlainIndex;
use super::problem::{Problem, parse_toml, suggestion};
use super::rule::{AtomId, RuleBook};
use super::scanner::Bigrams;
use crate::model::{LabelId, Milli, Severity, Taxonomy};
use crate::segment::Segmenter;
use crate::text::{FoldTable, FoldedText, HintKind};

/// Longest term, in folded characters.
pub(super) const TERM_CHARS_MAX: u32 = 64;

/// A checked term.
#[derive(Clone, Debug)]
pub struct Term {
    /// Stable id; literals of rules have ids that begin with `text:`.
    pub id: String,
    /// As written in the file.
    pub text: String,
    /// What is searched for: the folded text, dense unless it holds blanks or symbols.
    pub key: String,
    /// Category.
    pub label: LabelId,
    /// Strongest measure it may carry alone.
    pub severity: Severity,
    /// Points; 0 for cues.
    pub weight: Milli,
    /// Where in a word it may stand.
    pub mode: Mode,
    /// Whether blanks and symbols between its characters are skipped.
    pub dense: bool,
    /// Whether it announces a chat id.
    pub hint: Option<HintKind>,
    /// Names under which rules find it.
    pub sets: Vec<String>,
    /// The operator's note.
    pub note: Option<String>,
    /// Where it was defined.
    pub origin: Origin,
    /// What rules see when it hits.
    pub(super) atoms: Box<[AtomId]>,
}

/// Parts of the names of sets that hold disguised spellings of words.
const SPELLING_SETS: [&str; 2] = ["homophone", "disguised"];

impl Term {
    /// Whether the term is a disguised spelling itself, which nobody disguises once more.
    fn is_spelling(&self) -> bool {
        self.id.starts_with("homophone.")
            || self.sets.iter().any(|set| SPELLING_SETS.iter().any(|part| set.contains(part)))
    }
}

/// A longer phrase in which terms are innocent.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// As written.
    pub text: String,
    /// Folded and dense.
    pub key: String,
    /// The terms that it covers; none means all.
    pub terms: Option<Vec<u32>>,
    /// Where it was defined.
    pub origin: Origin,
}

/// All terms, exemptions and rules of a bundle, ready to search. Immutable.
pub struct Lexicon {
    pub(super) terms: Vec<Term>,
    pub(super) exemptions: Vec<Exemption>,
    pub(super) rules: RuleSet,
    pub(super) dense: DenseIndex,
    pub(super) plain: PlainIndex,
    pub(super) disguises: Disguises,
    files: Vec<String>,
    expired: Vec<String>,
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lexicon")
            .field("terms", &self.terms.len())
            .field("exemptions", &self.exemptions.len())
            .field("rules", &self.rules.rules.len())
            .finish_non_exhaustive()
    }
}

/// What loading needs to know beside the files.
#[derive(Clone, Copy, Debug)]
pub struct LoadContext<'a> {
    /// Folds terms as texts are folded.
    pub table: &'a FoldTable,
    /// Frequencies of pairs of characters.
    pub bigrams: &'a Bigrams,
    /// Sounds, look-alikes and parts of characters.
    pub disguises: &'a DisguiseTables,
    /// Knows ordinary words.
    pub segmenter: &'a Segmenter,
    /// Resolves labels.
    pub taxonomy: &'a Taxonomy,
    /// Terms that expired before this day are left out.
    pub today: Date,
}

impl Lexicon {
    /// Reads, checks and compiles term and rule files. O(total size); 3,000 terms take some 10 ms.
    ///
    /// # Errors
    /// Every problem that was found, not only the first.
    pub fn load(
        lexicon: &[SourceFile],
        rules: &[SourceFile],
        context: LoadContext<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let mut loader = Loader::new(context);
        for file in lexicon {
            loader.read_terms(file);
        }
        let exemptions = std::mem::take(&mut loader.pending_exemptions);
        for (raw, origin) in exemptions {
            loader.add_exemption(raw, origin);
        }
        let mut raw_rules = Vec::new();
        for file in rules {
            loader.open(file);
            match parse_toml::<RawRuleFile>(&file.path, &file.text) {
                Ok(parsed) => raw_rules.extend(parsed.rule.into_iter().map(|rule| {
                    let origin = loader.origin(rule.span().start);
                    (rule.into_inner(), origin)
                })),
                Err(problem) => loader.problems.push(problem),
            }
        }
        loader.finish(raw_rules)
    }

    /// All terms, literals of rules included.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// All exemptions.
    pub fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }

    /// All rules.
    pub fn rules(&self) -> &[super::Rule] {
        &self.rules.rules
    }

    /// Ids of terms that were left out because they have expired.
    pub fn expired(&self) -> &[String] {
        &self.expired
    }

    /// The file path and line of an origin.
    pub fn place(&self, origin: Origin) -> (&str, usize) {
        (self.files.get(origin.file as usize).map_or("", |path| path), origin.line as usize)
    }

    /// Bytes of the scanner and the automaton.
    pub fn memory_bytes(&self) -> usize {
        self.dense.scanner.memory_bytes() + self.disguises.memory_bytes() + self.plain.memory_bytes()
    }
}

pub(super) struct Loader<'a> {
    context: LoadContext<'a>,
    pub(super) files: Vec<String>,
    pub(super) terms: Vec<Term>,
    exemptions: Vec<Exemption>,
    pending_exemptions: Vec<(RawExemption, Origin)>,
    pub(super) by_id: HashMap<String, u32>,
    pub(super) problems: Vec<Problem>,
    folded: FoldedText,
    expired: Vec<String>,
    /// Starts of the lines of the file at hand.
    lines: Vec<usize>,
}

impl<'a> Loader<'a> {
    fn new(context: LoadContext<'a>) -> Self {
        Self {
            context,
            files: Vec::new(),
            terms: Vec::new(),
            exemptions: Vec::new(),
            pending_exemptions: Vec::new(),
            by_id: HashMap::new(),
            problems: Vec::new(),
            folded: FoldedText::default(),
            expired: Vec::new(),
            lines: Vec::new(),
        }
    }

    pub(super) fn problem(&mut self, origin: Origin, message: impl Into<String>) {
        let file = self.files[origin.file as usize].clone();
        self.problems.push(Problem::error(&file, origin.line as usize, message));
    }

    /// Where a byte of the file at hand stands.
    fn origin(&self, byte: usize) -> Origin {
        let line = 1 + self.lines.partition_point(|end| *end < byte);
        Origin {
            file: u32::try_from(self.files.len() - 1).unwrap_or(0),
            line: u32::try_from(line).unwrap_or(0),
        }
    }

    /// Begins with the next file.
    fn open(&mut self, file: &SourceFile) {
        self.files.push(file.path.clone());
        self.lines.clear();
        self.lines.extend(memchr::memchr_iter(b'\n', file.text.as_bytes()));
    }

    fn read_terms(&mut self, file: &SourceFile) {
        self.open(file);
        let parsed = match parse_toml::<RawLexiconFile>(&file.path, &file.text) {
            Ok(parsed) => parsed,
            Err(problem) => {
                self.problems.push(problem);
                return;
            }
        };
        for raw in parsed.terms {
            let origin = self.origin(raw.span().start);
            let mut raw = raw.into_inner();
            raw.label = raw.label.or_else(|| parsed.label.clone());
            raw.severity = raw.severity.or(parsed.severity);
            self.add_term(raw, origin);
        }
        for raw in parsed.exemptions {
            let origin = self.origin(raw.span().start);
            self.pending_exemptions.push((raw.into_inner(), origin));
        }
    }

    fn add_term(&mut self, raw: RawTerm, origin: Origin) {
        match self.check_term(raw, origin) {
            Ok(Some(term)) => {
                if let Some(first) = self.by_id.get(&term.id) {
                    let first = self.terms[*first as usize].origin;
                    let place = format!("{}:{}", self.files[first.file as usize], first.line);
                    self.problem(origin, format!("term id {:?} is already used at {place}", term.id));
                    return;
                }
                self.insert(term);
            }
            Ok(None) => {}
            Err(message) => self.problem(origin, message),
        }
    }

    fn insert(&mut self, term: Term) -> u32 {
        let index = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
        self.by_id.insert(term.id.clone(), index);
        self.terms.push(term);
        index
    }

    /// Turns a raw term into a checked one; nothing if it has expired.
    fn check_term(&mut self, raw: RawTerm, origin: Origin) -> Result<Option<Term>, String> {
        let RawTerm { id, text, label, severity, weight, mode, views, sets, note, expires, author: _ } = raw;
        if let Some(expires) = expires {
            let day: Date = expires
                .parse()
                .map_err(|_| format!("expires = {expires:?} is not a date like 2027-01-31"))?;
            if day < self.context.today {
                self.expired.push(id);
                return Ok(None);
            }
        }
        if id.contains(':') {
            return Err(format!("term id {id:?}: a colon is not allowed"));
        }
        let name = label.ok_or_else(|| format!("term {id:?} has no label, and neither has the file"))?;
        let label = self.label(&name)?;
        let severity =
            severity.ok_or_else(|| format!("term {id:?} has no severity, and neither has the file"))?;
        let weight = weight.unwrap_or_else(|| severity.default_weight());
        if !(0..=1000).contains(&weight) {
            return Err(format!("term {id:?}: weight {weight} is outside 0–1000"));
        }
        let mut dense = views.is_none_or(|views| views.contains(&RawView::Dense));
        let key = self.key(&text, &mut dense)?;
        let mode = mode.unwrap_or_else(|| default_mode(&key));
        let hint =
            HintKind::SETS.iter().find(|(set, _)| sets.iter().any(|s| s == set)).map(|(_, kind)| *kind);
        let atoms = Box::default();
        Ok(Some(Term {
            id,
            text,
            key,
            label,
            severity,
            weight,
            mode,
            dense,
            hint,
            sets,
            note,
            origin,
            atoms,
        }))
    }

    pub(super) fn label(&self, name: &str) -> Result<LabelId, String> {
        let taxonomy = self.context.taxonomy;
        taxonomy.find(name).ok_or_else(|| {
            let nearest = suggestion(name, taxonomy.iter().map(|(_, label)| label.id.as_str()));
            format!("unknown label {name:?}{nearest}")
        })
    }

    /// Folds a text to what is searched for. Clears `dense` when symbols are part of the term.
    fn key(&mut self, text: &str, dense: &mut bool) -> Result<String, String> {
        self.folded.fold(self.context.table, text);
        let (plain, dense_key) = (self.folded.plain(), self.folded.dense());
        let has_symbols = plain.chars().any(|c| !c.is_whitespace()) && plain.trim().len() != dense_key.len();
        let only_blanks_between = plain.split_whitespace().collect::<String>() == dense_key;
        let key = if has_symbols && !only_blanks_between {
            *dense = false;
            plain.trim()
        } else {
            dense_key
        };
        match key.chars().count() {
            0 => Err(format!("{text:?} is empty after folding")),
            n if n > TERM_CHARS_MAX as usize => {
                Err(format!("{text:?} has {n} characters after folding, the limit is {TERM_CHARS_MAX}"))
            }
            _ => Ok(key.to_owned()),
        }
    }

    /// The term of a rule's literal, made on first use.
    pub(super) fn literal(&mut self, text: &str, origin: Origin) -> Result<u32, String> {
        let id = format!("text:{text}");
        if let Some(index) = self.by_id.get(&id) {
            return Ok(*index);
        }
        let mut dense = true;
        let key = self.key(text, &mut dense)?;
        let mode = if key.is_ascii() { Mode::Latin } else { Mode::Anywhere };
        let term = Term {
            id,
            text: text.to_owned(),
            key,
            label: LabelId(0),
            severity: Severity::Low,
            weight: 0,
            mode,
            dense,
            hint: None,
            sets: Vec::new(),
            note: None,
            origin,
            atoms: Box::default(),
        };
        Ok(self.insert(term))
    }

    fn add_exemption(&mut self, raw: RawExemption, origin: Origin) {
        let mut dense = true;
        let key = match self.key(&raw.text, &mut dense) {
            Ok(_) if self.folded.dense().is_empty() => {
                return self.problem(
                    origin,
                    format!("exemption {:?} has no letter, digit or Han character", raw.text),
                );
            }
            Ok(_) => self.folded.dense().to_owned(),
            Err(message) => return self.problem(origin, message),
        };
        let mut terms = None;
        for id in raw.terms.into_iter().flatten() {
            match self.by_id.get(&id) {
                Some(index) => terms.get_or_insert_with(Vec::new).push(*index),
                None => {
                    let nearest = suggestion(&id, self.by_id.keys().map(String::as_str));
                    return self.problem(origin, format!("unknown term {id:?}{nearest}"));
                }
            }
        }
        self.exemptions.push(Exemption { text: raw.text, key, terms, origin });
    }

    fn finish(mut self, raw_rules: Vec<(super::format::RawRule, Origin)>) -> Result<Lexicon, Vec<Problem>> {
        let book = RuleBook::read(&mut self, raw_rules);
        if !self.problems.is_empty() {
            self.problems.sort();
            return Err(self.problems);
        }
        let rules = book.compile(&mut self.terms, self.context.taxonomy);
        let taxonomy = self.context.taxonomy;
        let mut roots: Vec<LabelId> = taxonomy.iter().map(|(label, _)| taxonomy.root(label)).collect();
        roots.sort_unstable();
        roots.dedup();
        // Beyond 32 level-one labels some share a bit.
        let bit = |label: LabelId| 1 << (roots.binary_search(&taxonomy.root(label)).unwrap_or(0) % 32);
        let atoms = rules.roots_of_atoms(bit);
        let of_term = |term: &Term| {
            // A literal says nothing but what the rules do that name it.
            let own = if term.id.starts_with("text:") { 0 } else { bit(term.label) };
            let all = || term.atoms.iter().fold(own, |all, atom| all | atoms[*atom as usize]);
            if term.is_spelling() { 0 } else { all() }
        };
        let roots = Roots { terms: self.terms.iter().map(of_term).collect(), atoms };
        let sources = (self.context.disguises, self.context.bigrams, self.context.segmenter);
        match build_indexes(&self.terms, &self.exemptions, &rules, roots, sources) {
            Ok((dense, plain, disguises)) => {
                let Self { terms, exemptions, files, expired, .. } = self;
                Ok(Lexicon { terms, exemptions, rules, dense, plain, disguises, files, expired })
            }
            Err(message) => Err(vec![Problem::error("lexicon", 0, message)]),
        }
    }
}

fn default_mode(key: &str) -> Mode {
    if key.is_ascii() {
        Mode::Latin
    } else if key.chars().count() <= 2 && key.chars().all(|c| !c.is_ascii()) {
        Mode::Word
    } else {
        Mode::Anywhere
    }
}
