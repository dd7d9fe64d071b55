//! Proves what the README promises, on the text that is about to be written.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

use crate::render::OutputFile;
use crate::sources::{self, InputRow};
use crate::tables::TARGET_CHARS_MAX;

/// Files that together are the fold; the others are views.
const FOLD_FILES: [&str; 7] =
    ["drop.tsv", "width.tsv", "case.tsv", "hant.tsv", "radicals.tsv", "styled.tsv", "compat.tsv"];

/// Source, expected target, printed for the reader.
const SPOT_CHECKS: [(&str, &str); 37] = [
    ("賭", "赌"),
    ("薬", "药"),
    ("広", "广"),
    ("挙", "举"),
    ("㣲", "微"),
    ("⾭", "青"),
    ("⼊", "入"),
    ("⽹", "网"),
    ("Ⓕ", "f"),
    ("𝐯", "v"),
    ("🅅", "v"),
    ("🆅", "v"),
    ("ᴠ", "v"),
    ("①", "1"),
    ("⑽", "10"),
    ("❿", "10"),
    ("⒈", "1"),
    ("⓿", "0"),
    ("㈠", "一"),
    ("Ⅷ", "viii"),
    ("Ａ", "a"),
    ("Ｖ", "v"),
    ("\u{3000}", " "),
    ("﹒", "."),
    ("㏄", "cc"),
    ("㎏", "kg"),
    ("É", "e"),
    ("ǖ", "u"),
    ("đ", "d"),
    ("ﬁ", "fi"),
    ("℡", "tel"),
    ("🆗", "ok"),
    ("🯷", "7"),
    ("微\u{200B}信", "微信"),
    ("入\u{ABED}", "入"),
    ("芸叶余后里才台着只", "芸叶余后里才台着只"),
    ("ガ각", "ガ각"),
];

/// Characters and what the look-alike table must say.
const LOOKALIKE_CHECKS: [(char, &str); 10] = [
    ('Ѵ', "v"),
    ('ѵ', "v"),
    ('х', "x"),
    ('а', "a"),
    ('Ԛ', "q"),
    ('ο', "o"),
    ('ν', "v"),
    ('і', "i"),
    ('І', "i"),
    ('Х', "x"),
];

/// Runs all checks and prints the counts.
///
/// # Errors
/// A promise does not hold; the message names the file and the line.
pub(crate) fn check_all(outputs: &[OutputFile]) -> Result<()> {
    let mut fold = LoadedFold::default();
    for output in outputs {
        println!("{:>7} {}", output.count, output.name);
        if output.name == "drop.tsv" {
            fold.load_drops(output)?;
            continue;
        }
        if FOLD_FILES.contains(&output.name) {
            fold.load_mappings(&sources::parse_inputs(output.name, &output.text, output.columns)?)?;
        }
    }
    fold.check_targets()?;
    fold.check_idempotence()?;
    for (text, want) in SPOT_CHECKS {
        let got = fold.fold(text);
        ensure!(got == want, "spot check: {text:?} folds to {got:?}, not {want:?}");
        println!("{text:?} → {got:?}");
    }
    for output in outputs.iter().filter(|output| !FOLD_FILES.contains(&output.name)) {
        if output.name == "bigrams.tsv" {
            check_bigrams(output, &fold)?;
            continue;
        }
        let rows = sources::parse_inputs(output.name, &output.text, output.columns)?;
        check_view(output.name, &rows, &fold)?;
    }
    Ok(())
}

/// The fold as a reader of the files has it.
#[derive(Default)]
struct LoadedFold {
    /// Source → target and the place of the row; an empty target drops the source.
    rows: BTreeMap<char, (String, String)>,
}

impl LoadedFold {
    fn load_drops(&mut self, output: &OutputFile) -> Result<()> {
        for (index, line) in output.text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let place = format!("{}:{}", output.name, index + 1);
            let (range, _kind) = line.split_once('\t').with_context(|| format!("{place}: no tab"))?;
            let (first, last) = range.split_once("..").unwrap_or((range, range));
            for source in sources::code_point(first)?..=sources::code_point(last)? {
                self.insert(source, String::new(), &place)?;
            }
        }
        Ok(())
    }

    fn load_mappings(&mut self, rows: &[InputRow]) -> Result<()> {
        for row in rows {
            let target = parse_target(&row.columns[0]).with_context(|| row.place.clone())?;
            let target_chars = target.chars().count();
            ensure!((1..=TARGET_CHARS_MAX).contains(&target_chars), "{}: bad length of target", row.place);
            self.insert(row.source, target, &row.place)?;
        }
        Ok(())
    }

    fn insert(&mut self, source: char, target: String, place: &str) -> Result<()> {
        if let Some((_, earlier)) = self.rows.insert(source, (target, place.to_owned())) {
            anyhow::bail!("{place}: {source:?} stands in {earlier} too");
        }
        Ok(())
    }

    fn fold(&self, text: &str) -> String {
        let mut folded = String::new();
        for c in text.chars() {
            match self.rows.get(&c) {
                Some((target, _)) => folded.push_str(target),
                None => folded.push(c),
            }
        }
        folded
    }

    fn check_targets(&self) -> Result<()> {
        for (source, (target, place)) in &self.rows {
            for c in target.chars() {
                ensure!(
                    !self.rows.contains_key(&c),
                    "{place}: target of {source:?} has {c:?}, which is folded itself"
                );
            }
        }
        for letter in 'A'..='Z' {
            let lower = letter.to_ascii_lowercase().to_string();
            ensure!(self.fold(&letter.to_string()) == lower, "{letter} does not fold to {lower}");
        }
        Ok(())
    }

    fn check_idempotence(&self) -> Result<()> {
        for c in '\0'..=char::MAX {
            let once = self.fold(c.encode_utf8(&mut [0; 4]));
            ensure!(self.fold(&once) == once, "folding {c:?} twice differs from folding it once");
        }
        println!("no source stands twice, no target is folded itself, folding twice = folding once");
        Ok(())
    }
}

/// Checks that each pair stands once, is two folded characters, and that the classes fall.
fn check_bigrams(output: &OutputFile, fold: &LoadedFold) -> Result<()> {
    let mut known = BTreeSet::new();
    let mut class_before = i32::MAX;
    for (index, line) in output.text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let place = || format!("{}:{}", output.name, index + 1);
        let (pair, class) = line.split_once('\t').with_context(place)?;
        let class: i32 = class.parse().with_context(place)?;
        ensure!(pair.chars().count() == 2, "{}: {pair:?} is no pair", place());
        ensure!(fold.fold(pair) == pair, "{}: {pair} is folded", place());
        ensure!(known.insert(pair), "{}: {pair} stands twice", place());
        ensure!(class <= class_before, "{}: the classes rise", place());
        class_before = class;
    }
    Ok(())
}

fn parse_target(field: &str) -> Result<String> {
    if field.starts_with("U+") {
        field.split(' ').map(sources::code_point).collect()
    } else {
        Ok(field.to_owned())
    }
}

/// Checks a table that is applied to folded text (look-alikes: to text as written as well).
fn check_view(name: &str, rows: &[InputRow], fold: &LoadedFold) -> Result<()> {
    let mut by_source = BTreeMap::new();
    for row in rows {
        let target = row.columns[0].as_str();
        ensure!(by_source.insert(row.source, target).is_none(), "{}: {} stands twice", row.place, row.source);
        let is_lookalike = name == "lookalike.tsv";
        ensure!(
            is_lookalike || !fold.rows.contains_key(&row.source),
            "{}: {} is folded",
            row.place,
            row.source
        );
        let is_plain = target.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b',');
        ensure!(!target.is_empty() && is_plain, "{}: bad target {target:?}", row.place);
    }
    if name == "lookalike.tsv" {
        for (source, want) in LOOKALIKE_CHECKS {
            ensure!(by_source.get(&source) == Some(&want), "look-alike {source} is not {want}");
        }
    }
    Ok(())
}
