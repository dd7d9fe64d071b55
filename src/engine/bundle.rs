//! One version of everything that judges.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::decide::{Articles, Policy, Standing};
use crate::lexicon::{Bigrams, DisguiseTables, Lexicon, LoadContext, Problem, SourceFile};
use crate::model::{Label, Taxonomy, Versions};
use crate::segment::Segmenter;
use crate::text::{FoldTable, SlotData, SlotFinder, TableError};

/// Everything that one decision depends on beside the item: terms, rules, folds, policy. Immutable and shared.
#[derive(Debug)]
pub struct Bundle {
    /// Labels.
    pub taxonomy: Taxonomy,
    /// Legal basis.
    pub articles: Articles,
    /// Thresholds, caps, limits.
    pub policy: Policy,
    /// Folding.
    pub table: FoldTable,
    /// Word boundaries.
    pub segmenter: Segmenter,
    /// Contacts and addresses.
    pub slots: SlotFinder,
    /// Terms and rules.
    pub lexicon: Lexicon,
    /// How common pairs of characters are in the language.
    pub bigrams: Bigrams,
    versions: Versions,
}

/// Why a bundle is refused. Holds every problem that was found.
#[derive(Debug, thiserror::Error)]
#[error("the bundle has {} problem(s):\n{}", .0.len(), list(.0))]
pub struct BundleError(pub Vec<Problem>);

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
}

/// Fewest terms of a bundle: an emptied file must not switch everything off.
const TERMS_MIN: usize = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTaxonomy {
    #[serde(default)]
    label: Vec<Label>,
}

impl Bundle {
    /// Checks and compiles the files of a bundle. Terms that expired before `today` are left out.
    ///
    /// The version is a hash over the paths and contents of all files and the ids of the expired terms: equal versions
    /// judge alike.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn load(files: &[SourceFile], today: Date) -> Result<Self, BundleError> {
        let mut problems = Vec::new();
        let find = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
        let missing = |path: &str| Problem::error(path, 0, "the file is missing");
        let table = FoldTable::build(|name| find(&format!("fold/{name}")))
            .map_err(|e| BundleError(vec![table_problem(&e)]))?;
        let bigrams = Bigrams::parse(find("fold/bigrams.tsv").unwrap_or("")).map_err(|(line, message)| {
            BundleError(vec![Problem::error("fold/bigrams.tsv", line, message)])
        })?;
        let disguises = DisguiseTables::parse(|name| find(&format!("fold/{name}")))
            .map_err(|problem| BundleError(vec![problem]))?;
        let taxonomy = match find("taxonomy.toml") {
            Some(text) => read_taxonomy(text).map_err(|p| BundleError(vec![p]))?,
            None => return Err(BundleError(vec![missing("taxonomy.toml")])),
        };
        let part = |path: &str| find(path).ok_or_else(|| missing(path));
        let articles =
            part("articles.toml").and_then(|text| Articles::parse("articles.toml", text, &taxonomy));
        let policy = part("policy.toml").and_then(|text| Policy::parse("policy.toml", text, &taxonomy));
        let slots = part("slots.toml").and_then(read_slots);
        let segmenter = Segmenter::new(find("segment/user.dict").unwrap_or(""))
            .map_err(|e| Problem::error("segment/user.dict", 0, e.to_string()));
        let lexicon = segmenter.as_ref().ok().map(|segmenter| {
            let context = LoadContext {
                table: &table,
                bigrams: &bigrams,
                disguises: &disguises,
                segmenter,
                taxonomy: &taxonomy,
                today,
            };
            Lexicon::load(&under(files, "lexicon/"), &under(files, "rules/"), context)
        });
        let lexicon = lexicon.transpose().map_err(|mut found| problems.append(&mut found)).ok().flatten();
        let lexicon = lexicon.filter(|l| {
            let enough = l.terms().len() >= TERMS_MIN;
            if !enough {
                problems.push(Problem::error(
                    "lexicon",
                    0,
                    "there is no term at all; an empty dictionary is refused",
                ));
            }
            enough
        });
        let mut keep = |problem: Problem| problems.push(problem);
        let articles = articles.map_err(&mut keep).ok();
        let policy = policy.map_err(&mut keep).ok();
        let slots = slots.map_err(&mut keep).ok();
        let segmenter = segmenter.map_err(&mut keep).ok();
        match (articles, policy, slots, segmenter, lexicon) {
            (Some(articles), Some(policy), Some(slots), Some(segmenter), Some(lexicon)) => {
                let versions = Versions {
                    bundle: version(files, lexicon.expired()),
                    engine: env!("CARGO_PKG_VERSION").to_owned(),
                };
                Ok(Self { taxonomy, articles, policy, table, segmenter, slots, lexicon, bigrams, versions })
            }
            _ => {
                problems.sort();
                Err(BundleError(problems))
            }
        }
    }

    /// What decisions carry to say who judged.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The tables that decisions without a text of their own are written from.
    pub(super) fn standing(&self) -> Standing<'_> {
        Standing {
            policy: &self.policy,
            taxonomy: &self.taxonomy,
            articles: &self.articles,
            versions: &self.versions,
        }
    }
}

fn table_problem(error: &TableError) -> Problem {
    match error {
        TableError::Missing(file) => Problem::error(&format!("fold/{file}"), 0, "the file is missing"),
        TableError::Line { file, line, problem } => {
            Problem::error(&format!("fold/{file}"), *line, problem.clone())
        }
    }
}

fn under(files: &[SourceFile], folder: &str) -> Vec<SourceFile> {
    let is_toml = |path: &str| std::path::Path::new(path).extension().is_some_and(|e| e == "toml");
    files.iter().filter(|file| file.path.starts_with(folder) && is_toml(&file.path)).cloned().collect()
}

fn read_taxonomy(text: &str) -> Result<Taxonomy, Problem> {
    let raw: RawTaxonomy = crate::lexicon::parse_toml("taxonomy.toml", text)?;
    Taxonomy::new(raw.label).map_err(|e| Problem::error("taxonomy.toml", 0, e.to_string()))
}

fn read_slots(text: &str) -> Result<SlotFinder, Problem> {
    let data: SlotData = crate::lexicon::parse_toml("slots.toml", text)?;
    SlotFinder::new(data).map_err(|e| Problem::error("slots.toml", 0, e.to_string()))
}

/// The first 16 hexadecimal digits of SHA-256 over paths, contents and the terms that have expired.
fn version(files: &[SourceFile], expired: &[String]) -> String {
    let mut hash = Sha256::new();
    for id in expired {
        hash.update(id.as_bytes());
    }
    for file in files {
        for part in [&file.path, &file.text] {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
