//! Characters as parts: the table of splits in folded form, and how many strokes a part has, roughly.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::fold::Folder;
use crate::sources::Sources;

/// Strokes that stand as parts of their own.
const STROKES: &str = "一丨丿丶乙乚亅乀乁乛㇆㇉𠃊";

/// Forms that a radical has beside others, and the full form that the table lists as another way.
const FULL_FORMS: [(char, &str); 24] = [
    ('亻', "人"),
    ('氵', "水"),
    ('扌', "手才"),
    ('讠', "言"),
    ('钅', "金"),
    ('饣', "食"),
    ('纟', "丝系糸"),
    ('忄', "心"),
    ('犭', "犬"),
    ('衤', "衣"),
    ('礻', "示"),
    ('艹', "草艸"),
    ('辶', "辵"),
    ('刂', "刀"),
    ('灬', "火"),
    ('阝', "邑阜"),
    ('攵', "攴"),
    ('王', "玉"),
    ('月', "肉"),
    ('疒', "病"),
    ('罒', "网"),
    ('冫', "冰"),
    ('牜', "牛"),
    ('⺮', "竹"),
];

/// Strokes of parts that the table does not split, or splits as if they were written in full.
const STROKE_COUNTS: [(&str, u32); 4] = [
    ("亻讠刂阝冫廴卩八人入二十厂匕几儿力刀乂又冖亠勹匚冂凵厶丷", 2),
    ("氵扌饣纟忄犭艹辶口土士女马弓尸广门己巳彐彡夂囗山巾工寸大小夕孑屮彳宀", 3),
    ("灬礻攵王月日贝木火心手车牛犬戈户见斤欠爫罓毛气片父比歹无方文殳肀", 4),
    ("钅衤疒罒目田禾石立鸟白皿矛矢示甘用玉穴四聿", 5),
];

/// Strokes of a part of which nothing is known.
const UNKNOWN_STROKES: u32 = 4;

/// A way to split a character into folded parts.
pub(crate) type Way = Vec<char>;

/// The table of splits.
pub(crate) struct Parts {
    ways: BTreeMap<char, Vec<Way>>,
    strokes: BTreeMap<char, u32>,
}

impl Parts {
    /// Folds the table: characters that are folded themselves, and ways with a part that is no Han character after
    /// folding (the table writes □ for what has no code point), are left out.
    ///
    /// # Errors
    /// The fold tables form a circle.
    pub(crate) fn build(sources: &Sources, folder: &Folder) -> Result<Self> {
        let mut ways: BTreeMap<char, Vec<Way>> = BTreeMap::new();
        for row in &sources.splits {
            if !is_han(row.key) || !folder.fold(&row.key.to_string())?.chars().eq([row.key]) {
                continue;
            }
            let known = ways.entry(row.key).or_default();
            for way in &row.ways {
                let folded = folder.fold(&way.iter().collect::<String>())?;
                let parts: Way = folded.chars().collect();
                let is_whole = parts.len() == way.len() && parts.iter().all(|&c| is_han(c) || is_stroke(c));
                if is_whole && !parts.contains(&row.key) && !known.contains(&parts) {
                    known.push(parts);
                }
            }
        }
        let mut parts = Self { ways, strokes: BTreeMap::new() };
        for (chars, count) in STROKE_COUNTS {
            parts.strokes.extend(chars.chars().map(|c| (c, count)));
        }
        parts.strokes.extend(STROKES.chars().map(|c| (c, 1)));
        let counted: Vec<(char, u32)> = parts.ways.keys().map(|&c| (c, parts.count_strokes(c, 0))).collect();
        for (c, count) in counted {
            parts.strokes.entry(c).or_insert(count);
        }
        Ok(parts)
    }

    /// All characters that can be split, with the ways, in order of code points.
    pub(crate) fn all(&self) -> impl Iterator<Item = (char, &[Way])> {
        self.ways.iter().map(|(&c, ways)| (c, ways.as_slice()))
    }

    /// The ways to split `c`, without those that another way repeats with the usual form of a radical: 人言 beside
    /// 亻言.
    pub(crate) fn plain_ways(&self, c: char) -> Vec<&Way> {
        let all = self.ways.get(&c).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|way| !all.iter().any(|other| is_full_form_of(way, other))).collect()
    }

    /// Strokes of a part, roughly: more than a sixth off is rare.
    pub(crate) fn strokes(&self, part: char) -> u32 {
        self.strokes.get(&part).copied().unwrap_or(UNKNOWN_STROKES)
    }

    fn count_strokes(&self, c: char, depth: u32) -> u32 {
        const DEPTH_MAX: u32 = 6;
        if let Some(&known) = self.strokes.get(&c) {
            return known;
        }
        let Some(ways) = self.ways.get(&c).filter(|_| depth < DEPTH_MAX) else { return UNKNOWN_STROKES };
        let count = |way: &Way| way.iter().map(|&part| self.count_strokes(part, depth + 1)).sum();
        ways.iter().map(count).min().unwrap_or(UNKNOWN_STROKES)
    }
}

/// Whether `c` is a Han character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Whether `part` is a single stroke.
pub(crate) fn is_stroke(part: char) -> bool {
    STROKES.contains(part)
}

/// Whether `full` is `usual` with at least one radical in its full form, and equal otherwise.
fn is_full_form_of(full: &[char], usual: &[char]) -> bool {
    let is_pair = |&(left, right): &(char, char)| {
        left == right || FULL_FORMS.iter().any(|&(form, fulls)| form == right && fulls.contains(left))
    };
    let mut pairs = full.iter().copied().zip(usual.iter().copied());
    full.len() == usual.len() && full != usual && pairs.all(|pair| is_pair(&pair))
}
