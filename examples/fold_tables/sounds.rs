//! Toneless readings of Han characters, for the sound view; applied to folded text.
//!
//! Which secondary readings are alive no table says outright. `pinyin.txt` lists the archaic ones as well; so a
//! second, independent table has to agree: `same_pinyin.txt` lists, beside a character, the common characters that
//! sound like it. If half of all characters with the main reading *chong* stand beside 重, then 重 is read *chong*.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::fold::Folder;
use crate::sources::{InputRow, Sources};

/// Most readings of one character; the rarer ones go.
const READINGS_MAX: usize = 3;

/// A character and its readings with commas between.
pub(crate) type Reading = (char, String);

/// The two tables of readings, in order of code points.
pub(crate) struct Sounds {
    /// The standard characters, most common reading first. Its characters decide what is not rare.
    pub(crate) common: Vec<Reading>,
    /// Any other character of the basic block and extension A, one reading each.
    pub(crate) rare: Vec<Reading>,
}

/// Collects the readings of the characters that are their own folded form.
///
/// # Errors
/// The fold tables form a circle, or a row of `readings.in.tsv` cannot be applied.
pub(crate) fn build(sources: &Sources, folder: &Folder) -> Result<Sounds> {
    let corrections = corrections(sources)?;
    let homophones = Homophones::new(sources);
    let mut sounds = Sounds { common: Vec::new(), rare: Vec::new() };
    for (&source, listed) in &sources.all_readings {
        let is_folded = folder.fold(&source.to_string())?.chars().eq([source]);
        let in_reach = matches!(source, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}');
        if is_folded && in_reach && !sources.common_readings.contains_key(&source) {
            sounds.rare.push((source, listed[0].clone()));
        }
    }
    for (&source, main) in &sources.common_readings {
        if !folder.fold(&source.to_string())?.chars().eq([source]) {
            continue;
        }
        let mut readings = main.clone();
        for reading in sources.all_readings.get(&source).into_iter().flatten() {
            if !readings.contains(reading) && homophones.agree(source, reading) {
                readings.push(reading.clone());
            }
        }
        if let Some(row) = corrections.get(&source) {
            correct(&mut readings, row, sources).with_context(|| row.place.clone())?;
        }
        readings.truncate(READINGS_MAX);
        sounds.common.push((source, readings.join(",")));
    }
    Ok(sounds)
}

/// What `same_pinyin.txt` says about who sounds like whom.
struct Homophones<'s> {
    sources: &'s Sources,
    /// Main reading → its characters, of those that the table has rows for.
    by_main: BTreeMap<&'s str, Vec<char>>,
}

impl<'s> Homophones<'s> {
    fn new(sources: &'s Sources) -> Self {
        let mut by_main: BTreeMap<&str, Vec<char>> = BTreeMap::new();
        for &source in sources.homophones.keys() {
            if let Some(main) = sources.common_readings.get(&source).and_then(|readings| readings.first()) {
                by_main.entry(main).or_default().push(source);
            }
        }
        Self { sources, by_main }
    }

    /// Whether at least half of the characters with the main reading `reading` are listed beside `source`.
    fn agree(&self, source: char, reading: &str) -> bool {
        let Some(beside) = self.sources.homophones.get(&source) else { return false };
        let Some(same) = self.by_main.get(reading) else { return false };
        let listed = same.iter().filter(|c| beside.contains(c)).count();
        listed * 2 >= same.len()
    }
}

fn corrections(sources: &Sources) -> Result<BTreeMap<char, &InputRow>> {
    for row in &sources.own_readings {
        let is_known = sources.common_readings.contains_key(&row.source);
        ensure!(is_known, "{}: {} is no standard character", row.place, row.source);
    }
    Ok(sources.own_readings.iter().map(|row| (row.source, row)).collect())
}

/// Applies one row such as `+di,-shi`. Each step must change something, so that the list cannot grow stale.
fn correct(readings: &mut Vec<String>, row: &InputRow, sources: &Sources) -> Result<()> {
    for step in row.columns[0].split(',') {
        if let Some(added) = step.strip_prefix('+') {
            let listed =
                sources.all_readings.get(&row.source).is_some_and(|all| all.iter().any(|r| r == added));
            ensure!(listed, "{added} is not among the readings of pinyin.txt");
            ensure!(!readings.iter().any(|r| r == added), "{added} is there already");
            readings.push(added.to_owned());
        } else if let Some(left_out) = step.strip_prefix('-') {
            let place = readings.iter().position(|r| r == left_out);
            readings.remove(place.with_context(|| format!("{left_out} is not there anyway"))?);
        } else {
            anyhow::bail!("{step:?} starts with neither + nor -");
        }
    }
    ensure!(!readings.is_empty(), "no reading is left");
    Ok(())
}
