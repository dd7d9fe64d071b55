//! Characters that are typed as their parts, one behind the other: 亻言 for 信, 弓虽 for 强.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::fold::Folder;
use crate::parts::{self, Parts};
use crate::sources::Sources;

/// Fewest and most parts of a split.
const PARTS_MIN: usize = 2;
const PARTS_MAX: usize = 4;

/// Fewest strokes of a part that is split itself.
const SPLIT_STROKES_MIN: u32 = 5;

/// Parts that stand around the rest: what they enclose is neither beside them nor below them.
const ENCLOSING: &str = "囗门匚匸冂勹凵气疒广厂虍弋";

/// Full forms of radicals that nobody types for the radical.
const NEVER_TYPED: &str = "艸辵邑阜攴草病冰网";

/// Radicals and the characters that are typed in their place.
const STAND_INS: [(char, &str); 14] = [
    ('亻', "人"),
    ('扌', "才手"),
    ('讠', "言"),
    ('钅', "金"),
    ('饣', "食"),
    ('纟', "系丝"),
    ('忄', "心"),
    ('犭', "犬"),
    ('衤', "衣"),
    ('礻', "示"),
    ('艹', "+"),
    ('辶', "走之"),
    ('刂', "刀"),
    ('灬', "火"),
];

/// Stand-in of 阝 (耳东 for 陈).
const EAR: (char, &str) = ('阝', "耳");

/// A character and its parts as folded text has them.
pub(crate) type Split = (char, String);

/// The splits of the standard characters, in order of code points, fewer parts first.
///
/// # Errors
/// The fold tables form a circle.
pub(crate) fn build(sources: &Sources, folder: &Folder, parts: &Parts) -> Result<Vec<Split>> {
    let mut splits = Vec::new();
    for (key, ways) in parts.all() {
        if !sources.common_readings.contains_key(&key) {
            continue;
        }
        let plain = parts.plain_ways(key);
        // The usual form of a radical first, its full forms after it.
        let mut ordered: Vec<&parts::Way> = plain.iter().copied().chain(ways).collect();
        ordered.retain(|way| is_typed(way, sources));
        let finer: Vec<parts::Way> =
            plain.iter().flat_map(|way| split_further(way, sources, parts)).collect();
        ordered.extend(&finer);
        ordered.sort_by_key(|way| way.len());
        let mut known = BTreeSet::new();
        for way in ordered {
            for typed in std::iter::once(way.iter().collect()).chain(with_stand_ins(way)) {
                let typed: String = typed;
                if !typed.contains(key) && folder.fold(&typed)? == typed && known.insert(typed.clone()) {
                    splits.push((key, typed));
                }
            }
        }
    }
    Ok(splits)
}

/// Whether people would type these parts: 2–4 characters that have a reading, none of them a stroke or around the
/// others.
fn is_typed(way: &[char], sources: &Sources) -> bool {
    let is_part = |c: &char| {
        matches!(*c, '\u{3400}'..='\u{9FFF}')
            && sources.all_readings.contains_key(c)
            && !parts::is_stroke(*c)
            && !NEVER_TYPED.contains(*c)
    };
    (PARTS_MIN..=PARTS_MAX).contains(&way.len()) && way.iter().all(is_part) && !ENCLOSING.contains(way[0])
}

/// The way with one part split in two: 木目心 from 相心. Smaller parts are not split, and the new parts have to be in
/// common use, standard characters or radicals; otherwise nobody would think of them.
fn split_further(way: &[char], sources: &Sources, parts: &Parts) -> Vec<parts::Way> {
    let is_common = |c: &char| {
        sources.common_readings.contains_key(c) || STAND_INS.iter().any(|(radical, _)| radical == c)
    };
    let mut finer = Vec::new();
    for (place, &part) in way.iter().enumerate() {
        let is_large = parts.strokes(part) >= SPLIT_STROKES_MIN;
        for inner in parts.plain_ways(part).into_iter().filter(|_| is_large) {
            if inner.len() == 2 && is_typed(inner, sources) && inner.iter().all(is_common) {
                finer.push([&way[..place], inner, &way[place + 1..]].concat());
            }
        }
    }
    finer.retain(|way| is_typed(way, sources));
    finer
}

/// The split with every radical replaced by its first stand-in, and by its second one where it has two.
fn with_stand_ins(way: &[char]) -> Vec<String> {
    let stand_in = |part: char, choice: usize| {
        let row = STAND_INS.iter().chain([&EAR]).find(|(radical, _)| *radical == part);
        row.and_then(|(_, typed)| typed.chars().nth(choice).or(typed.chars().next())).unwrap_or(part)
    };
    (0..2).map(|choice| way.iter().map(|&part| stand_in(part, choice)).collect()).collect()
}
