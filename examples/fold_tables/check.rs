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

/// Characters and ways to type their parts.
const SPLIT_CHECKS: [(char, &str); 7] = [
    ('信', "亻言"),
    ('信', "人言"),
    ('赌', "贝者"),
    ('强', "弓虽"),
    ('想', "木目心"),
    ('婊', "女表"),
    ('陈', "耳东"),
];

/// Characters and what looks like them.
const SHAPE_CHECKS: [(char, char); 9] = [
    ('微', '徽'),
    ('微', '溦'),
    ('微', '薇'),
    ('级', '汲'),
    ('赌', '睹'),
    ('赌', '堵'),
    ('搏', '博'),
    ('搏', '膊'),
    ('未', '末'),
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
        match output.name {
            "splits.tsv" => check_splits(&rows, &fold)?,
            "shapes.tsv" => check_shapes(&rows, &fold)?,
            name => check_view(name, &rows, &fold)?,
        }
    }
    check_characters(outputs)
}

/// Checks that the tables by standard character agree on which these are: `readings.tsv` decides.
fn check_characters(outputs: &[OutputFile]) -> Result<()> {
    let characters = |name: &str| -> Result<BTreeSet<char>> {
        let output =
            outputs.iter().find(|output| output.name == name).with_context(|| format!("no {name}"))?;
        let rows = sources::parse_inputs(output.name, &output.text, output.columns)?;
        Ok(rows.iter().map(|row| row.source).collect())
    };
    let standard = characters("readings.tsv")?;
    for name in ["splits.tsv", "shapes.tsv"] {
        let stray: Vec<char> = characters(name)?.difference(&standard).copied().collect();
        ensure!(stray.is_empty(), "{name}: not in readings.tsv: {stray:?}");
    }
    let both: Vec<char> = characters("rare_readings.tsv")?.intersection(&standard).copied().collect();
    ensure!(both.is_empty(), "rare_readings.tsv: in readings.tsv too: {both:?}");
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

/// Checks that each split stands once, is text as folding leaves it, and does not hold the character itself.
fn check_splits(rows: &[InputRow], fold: &LoadedFold) -> Result<()> {
    let mut known = BTreeSet::new();
    for row in rows {
        let InputRow { place, source, columns } = row;
        let typed = columns[0].as_str();
        ensure!(!fold.rows.contains_key(source), "{place}: {source} is folded");
        ensure!((2..=4).contains(&typed.chars().count()), "{place}: {typed:?} has a bad number of parts");
        ensure!(fold.fold(typed) == typed, "{place}: {typed} is folded");
        ensure!(!typed.contains(*source), "{place}: {source} is a part of itself");
        ensure!(known.insert((*source, typed)), "{place}: stands twice");
    }
    for (source, typed) in SPLIT_CHECKS {
        ensure!(known.contains(&(source, typed)), "{typed} is missing for {source}");
    }
    Ok(())
}

/// Checks that look-alikes are folded, different from each other and from the character, and symmetric.
fn check_shapes(rows: &[InputRow], fold: &LoadedFold) -> Result<()> {
    let mut shapes: BTreeMap<char, BTreeSet<char>> = BTreeMap::new();
    for row in rows {
        let InputRow { place, source, columns } = row;
        let likes: BTreeSet<char> = columns[0].chars().collect();
        ensure!(!fold.rows.contains_key(source), "{place}: {source} is folded");
        ensure!(fold.fold(&columns[0]) == columns[0], "{place}: a look-alike is folded");
        ensure!(!likes.contains(source), "{place}: {source} is like itself");
        ensure!(likes.len() == columns[0].chars().count(), "{place}: a look-alike stands twice");
        ensure!(likes.len() <= 16, "{place}: too many look-alikes");
        ensure!(shapes.insert(*source, likes).is_none(), "{place}: {source} stands twice");
    }
    for (source, likes) in &shapes {
        for like in likes {
            let back = shapes.get(like).is_none_or(|likes| likes.contains(source));
            ensure!(back, "{source} is like {like}, but not the other way round");
        }
    }
    for (source, like) in SHAPE_CHECKS {
        ensure!(
            shapes.get(&source).is_some_and(|likes| likes.contains(&like)),
            "{source} is not like {like}"
        );
    }
    Ok(())
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
