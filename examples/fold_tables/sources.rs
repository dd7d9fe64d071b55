//! Reads the source tables: files in, checked rows out. Every error names file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use unicode_normalization::UnicodeNormalization;

/// Everything that is read from files.
pub(crate) struct Sources {
    /// Traditional character and its simplified candidates, best first.
    pub(crate) traditional: Vec<CandidateRow>,
    /// `OpenCC` standard traditional character and its Hong Kong forms.
    pub(crate) hong_kong: Vec<CandidateRow>,
    /// `OpenCC` standard traditional character and its Taiwan forms.
    pub(crate) taiwan: Vec<CandidateRow>,
    /// Japanese new form and its traditional forms.
    pub(crate) japanese: Vec<CandidateRow>,
    /// CJK compatibility ideograph and its unified ideograph.
    pub(crate) compatibility: Vec<CandidateRow>,
    /// Toneless readings of the 8105 standard characters, most common first.
    pub(crate) common_readings: BTreeMap<char, Vec<String>>,
    /// All toneless readings of all characters, used only to judge whether two characters sound alike.
    pub(crate) all_readings: BTreeMap<char, Vec<String>>,
    /// Character and the common characters that sound like it, whatever the tone.
    pub(crate) homophones: BTreeMap<char, BTreeSet<char>>,
    /// Character and the ways to split it into parts.
    pub(crate) splits: Vec<SplitRow>,
    /// Groups of characters that look alike: the first like each of the others.
    pub(crate) stroke_groups: Vec<Vec<char>>,
    /// Groups of the same kind from the other, less careful list.
    pub(crate) shape_groups: Vec<Vec<char>>,
    /// Hand-written groups in which each character looks like each other one.
    pub(crate) own_shapes: Vec<InputRow>,
    /// Hand-written mappings of single characters (letters, symbols, radicals).
    pub(crate) overrides: Vec<InputRow>,
    /// Hand-written variants of Han characters.
    pub(crate) own_variants: Vec<InputRow>,
    /// Hand-written corrections of the readings, such as `+di,-shi`.
    pub(crate) own_readings: Vec<InputRow>,
    /// Numeral, digit and kind.
    pub(crate) numerals: Vec<InputRow>,
}

/// One row of an `OpenCC` table: a character and what it may stand for.
pub(crate) struct CandidateRow {
    /// The key column.
    pub(crate) key: char,
    /// The value column, best candidate first; never empty.
    pub(crate) candidates: Vec<char>,
}

/// One row of the table of splits.
pub(crate) struct SplitRow {
    /// What is split.
    pub(crate) key: char,
    /// The ways to split it, each with its parts in order of writing.
    pub(crate) ways: Vec<Vec<char>>,
}

/// One row of a TSV file of this project.
pub(crate) struct InputRow {
    /// `file:line`, for error messages.
    pub(crate) place: String,
    /// First column.
    pub(crate) source: char,
    /// The other columns.
    pub(crate) columns: Vec<String>,
}

impl Sources {
    /// Reads all tables.
    ///
    /// # Errors
    /// A file is missing or not UTF-8, or a line has not the expected form.
    pub(crate) fn read(tables_dir: &Path, inputs_dir: &Path) -> Result<Self> {
        let candidates = |name: &str| read_candidates(&tables_dir.join(name));
        let mut overrides = Vec::new();
        for name in ["letters.in.tsv", "symbols.in.tsv", "radicals.in.tsv"] {
            overrides.extend(read_inputs(&inputs_dir.join(name), 2)?);
        }
        Ok(Self {
            traditional: candidates("opencc_TSCharacters.txt")?,
            hong_kong: candidates("opencc_HKVariants.txt")?,
            taiwan: candidates("opencc_TWVariants.txt")?,
            japanese: candidates("opencc_JPShinjitaiCharacters.txt")?,
            compatibility: candidates("opencc_CJK_Compatibility_Ideographs.txt")?,
            common_readings: read_pinyin(&tables_dir.join("pinyin_common_8105.txt"))?,
            all_readings: read_pinyin(&tables_dir.join("pinyin.txt"))?,
            homophones: read_homophones(&tables_dir.join("same_pinyin.txt"))?,
            splits: read_splits(&tables_dir.join("chaizi-jt.txt"))?,
            stroke_groups: read_groups(&tables_dir.join("same_stroke.txt"))?,
            shape_groups: read_groups(&tables_dir.join("shape_similar.txt"))?,
            own_shapes: read_inputs(&inputs_dir.join("shapes.in.tsv"), 2)?,
            overrides,
            own_readings: read_inputs(&inputs_dir.join("readings.in.tsv"), 2)?,
            own_variants: read_inputs(&inputs_dir.join("variants.in.tsv"), 2)?,
            numerals: read_inputs(&inputs_dir.join("numerals.in.tsv"), 3)?,
        })
    }
}

/// Returns the single character of `text`.
///
/// # Errors
/// `text` is empty or longer.
pub(crate) fn single_char(text: &str) -> Result<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(only),
        (None | Some(_), _) => bail!("expected one character, got {text:?}"),
    }
}

/// Reads `U+XXXX`.
///
/// # Errors
/// The text has another form, or the number is no character.
pub(crate) fn code_point(text: &str) -> Result<char> {
    let digits = text.strip_prefix("U+").with_context(|| format!("expected U+XXXX, got {text:?}"))?;
    let number = u32::from_str_radix(digits, 16).with_context(|| format!("not hexadecimal: {text:?}"))?;
    char::from_u32(number).with_context(|| format!("not a character: {text:?}"))
}

/// Splits TSV text into rows of `columns` columns; lines that are empty or start with `#` are comments.
///
/// # Errors
/// A line has another number of columns, a column is empty, or the first column is not one character.
pub(crate) fn parse_inputs(name: &str, text: &str, columns: usize) -> Result<Vec<InputRow>> {
    let mut rows = Vec::new();
    for (place, line) in content_lines(name, text) {
        let fields: Vec<&str> = line.split('\t').collect();
        ensure!(fields.len() == columns, "{place}: expected {columns} columns, got {}", fields.len());
        let source = if fields[0].starts_with("U+") { code_point(fields[0]) } else { single_char(fields[0]) };
        let source = source.with_context(|| place.clone())?;
        ensure!(fields[1..].iter().all(|field| !field.is_empty()), "{place}: empty column");
        let columns = fields[1..].iter().map(|&field| field.to_owned()).collect();
        rows.push(InputRow { place, source, columns });
    }
    Ok(rows)
}

fn read_inputs(path: &Path, columns: usize) -> Result<Vec<InputRow>> {
    let rows = parse_inputs(&path.display().to_string(), &read_text(path)?, columns)?;
    let mut seen = BTreeSet::new();
    for row in &rows {
        ensure!(seen.insert(row.source), "{}: {} is listed twice", row.place, row.source);
    }
    Ok(rows)
}

fn read_candidates(path: &Path) -> Result<Vec<CandidateRow>> {
    let text = read_text(path)?;
    let mut rows = Vec::new();
    for (place, line) in content_lines(&path.display().to_string(), &text) {
        let (key, values) = line.split_once('\t').with_context(|| format!("{place}: no tab"))?;
        let key = single_char(key).with_context(|| place.clone())?;
        let candidates: Result<Vec<char>> = values.split(' ').map(single_char).collect();
        rows.push(CandidateRow { key, candidates: candidates.with_context(|| place.clone())? });
    }
    Ok(rows)
}

/// Reads lines such as `U+884C: xíng,háng  # 行 -> héng`. The readings behind an arrow in the comment are the
/// compilers' alternatives and come last; `=> U+XXXX` points to a traditional form and is no reading.
fn read_pinyin(path: &Path) -> Result<BTreeMap<char, Vec<String>>> {
    let text = read_text(path)?;
    let mut readings = BTreeMap::new();
    for (place, line) in content_lines(&path.display().to_string(), &text) {
        let (content, comment) = line.split_once('#').unwrap_or((line, ""));
        let (key, values) = content.split_once(':').with_context(|| format!("{place}: no colon"))?;
        let key = code_point(key.trim()).with_context(|| place.clone())?;
        let alternatives = comment.split_once("->").map_or("", |(_, after)| after);
        let mut syllables: Vec<String> = Vec::new();
        let separators = [',', ' '];
        let parts = values.split(separators).chain(alternatives.split(separators));
        for reading in parts.filter(|part| !part.is_empty()) {
            let syllable = toneless(reading).with_context(|| place.clone())?;
            if !syllables.contains(&syllable) {
                syllables.push(syllable);
            }
        }
        ensure!(!syllables.is_empty(), "{place}: no reading");
        ensure!(readings.insert(key, syllables).is_none(), "{place}: {key} is listed twice");
    }
    Ok(readings)
}

/// Reads lines such as `重<TAB>中虫种<TAB>充忠`: a character, then those with the same and with another tone.
fn read_homophones(path: &Path) -> Result<BTreeMap<char, BTreeSet<char>>> {
    let text = read_text(path)?;
    let mut homophones: BTreeMap<char, BTreeSet<char>> = BTreeMap::new();
    for (place, line) in content_lines(&path.display().to_string(), &text) {
        let (key, others) = line.split_once('\t').with_context(|| format!("{place}: no tab"))?;
        let key = single_char(key).with_context(|| place.clone())?;
        homophones.entry(key).or_default().extend(others.chars().filter(|c| !c.is_whitespace()));
    }
    Ok(homophones)
}

/// Reads lines such as `信<TAB>人 言<TAB>亻 言`: a character, then the ways to split it.
fn read_splits(path: &Path) -> Result<Vec<SplitRow>> {
    let text = read_text(path)?;
    let mut rows = Vec::new();
    for (place, line) in content_lines(&path.display().to_string(), &text) {
        let (key, ways) = line.split_once('\t').with_context(|| format!("{place}: no tab"))?;
        let key = single_char(key.trim()).with_context(|| place.clone())?;
        let ways: Result<Vec<Vec<char>>> =
            ways.split('\t').map(|way| way.split_whitespace().map(single_char).collect()).collect();
        rows.push(SplitRow { key, ways: ways.with_context(|| place.clone())? });
    }
    Ok(rows)
}

/// Reads lines of characters with blanks anywhere between: the first looks like each of the others.
fn read_groups(path: &Path) -> Result<Vec<Vec<char>>> {
    let text = read_text(path)?;
    Ok(text.lines().map(|line| line.chars().filter(|c| !c.is_whitespace()).collect()).collect())
}

/// Takes the tone mark off a syllable and writes ü as v: `nǚ` → `nv`.
fn toneless(reading: &str) -> Result<String> {
    const DIAERESIS: char = '\u{308}';
    let mut syllable = String::new();
    for letter in reading.nfd() {
        match letter {
            'a'..='z' => syllable.push(letter),
            DIAERESIS if syllable.ends_with('u') => {
                syllable.pop();
                syllable.push('v');
            }
            '\u{300}'..='\u{36F}' => {}
            other => bail!("{other:?} in the reading {reading:?}"),
        }
    }
    ensure!(!syllable.is_empty(), "no letter in the reading {reading:?}");
    Ok(syllable)
}

/// Lines that carry data, each with its `file:line`.
fn content_lines<'a>(name: &str, text: &'a str) -> Vec<(String, &'a str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(index, line)| (format!("{name}:{}", index + 1), line))
        .collect()
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
