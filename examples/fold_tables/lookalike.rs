//! Letters of other scripts that look like an ASCII letter or digit.
//!
//! These hold only inside words that are otherwise Latin, so they are no part of the fold: a Russian text must stay
//! Russian.

use std::collections::BTreeMap;

use anyhow::Result;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::fold::{self, Folder};

/// Latin small capitals, and the two reversed ones that stand for я and и.
const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋĸʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢᴎᴙ";

/// A letter and the ASCII letter (lower case) or digit that it looks like.
pub(crate) type Lookalike = (char, char);

/// Finds all look-alikes, in order of code points.
///
/// # Errors
/// The fold tables form a circle.
pub(crate) fn build(folder: &Folder) -> Result<Vec<Lookalike>> {
    let shapes = Shapes { folder, by_skeleton: ascii_skeletons() };
    let mut lookalikes = Vec::new();
    for c in '\u{80}'..=char::MAX {
        if !is_candidate(c) {
            continue;
        }
        let folded = folder.fold(c.encode_utf8(&mut [0; 4]))?;
        if folded.chars().any(|part| part.is_ascii()) {
            continue;
        }
        if let Some(target) = shapes.of_letter(c, &folded)? {
            lookalikes.push((c, target));
        }
    }
    Ok(lookalikes)
}

/// Letters, except those of scripts that nobody reads as Latin within a word: Han, kana, bopomofo, Hangul, Yi.
fn is_candidate(c: char) -> bool {
    let is_east_asian = matches!(
        c,
        '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{A4CF}' | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FAFF}' | '\u{16FE0}'..='\u{18DFF}' | '\u{1AFF0}'..='\u{1B2FF}'
            | '\u{20000}'..='\u{3FFFF}'
    );
    c.general_category_group() == GeneralCategoryGroup::Letter && !is_east_asian
}

/// Skeleton of each ASCII letter and digit. Letters win over digits where they share one (l and 1, O and 0).
fn ascii_skeletons() -> BTreeMap<String, char> {
    let mut by_skeleton = BTreeMap::new();
    for c in ('a'..='z').chain('A'..='Z').chain('0'..='9') {
        by_skeleton.entry(skeleton(&c.to_string())).or_insert(c.to_ascii_lowercase());
    }
    by_skeleton
}

fn skeleton(text: &str) -> String {
    unicode_security::skeleton(text).collect()
}

struct Shapes<'a> {
    folder: &'a Folder,
    by_skeleton: BTreeMap<String, char>,
}

impl Shapes<'_> {
    /// What `c` looks like; else its folded form; else the same letter in the other case.
    fn of_letter(&self, c: char, folded: &str) -> Result<Option<char>> {
        let upper: String = folded.to_uppercase();
        for shape in [c.to_string().as_str(), folded, &upper] {
            if let Some(target) = self.of_text(shape)? {
                return Ok(Some(target));
            }
        }
        Ok(None)
    }

    /// The ASCII letter or digit that shares the skeleton of `text`, with or without its marks; a skeleton that is
    /// a Latin small capital counts as the letter (в has the skeleton ʙ).
    fn of_text(&self, text: &str) -> Result<Option<char>> {
        let skeleton = skeleton(text);
        let bare: String = skeleton.chars().filter(|&part| fold::drop_kind(part).is_none()).collect();
        if let Some(&target) = self.by_skeleton.get(&skeleton).or_else(|| self.by_skeleton.get(&bare)) {
            return Ok(Some(if target == 'l' && is_capital(text) { 'i' } else { target }));
        }
        if !bare.chars().all(|part| SMALL_CAPITALS.contains(part)) {
            return Ok(None);
        }
        let folded = self.folder.fold(&bare)?;
        Ok(folded.chars().next().filter(|_| folded.len() == 1))
    }
}

/// Whether the letter has the shape of a capital, so that a plain stroke is an I and not an l. Lisu letters are
/// capitals in shape though not by category.
fn is_capital(text: &str) -> bool {
    text.chars().all(|c| {
        c.general_category() == GeneralCategory::UppercaseLetter || matches!(c, '\u{A4D0}'..='\u{A4FF}')
    })
}
