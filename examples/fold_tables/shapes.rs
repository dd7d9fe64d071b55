//! Characters that are typed in place of another because they look like it: 徽 for 微, 睹 for 赌.
//!
//! How alike two characters are is a share of strokes: the strokes of the parts they have in common, out of all. The
//! parts come from the table of splits. What it cannot see (未 and 末) the lists of similar characters add.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::fold::Folder;
use crate::parts::{self, Parts, Way};
use crate::sources::Sources;

/// Most look-alikes of one character.
const LOOKALIKES_MAX: usize = 16;

/// A pair that is less alike is left out.
const LIKENESS_MIN: f64 = 0.48;

/// Pairs as alike as this stand for each other inside larger characters.
const LIKENESS_INSIDE: f64 = 0.7;

/// What a pair of the lists has at least: our own groups, `same_stroke.txt`, `shape_similar.txt`.
const LISTED_BY_HAND: f64 = 0.95;
const LISTED_STROKE: f64 = 0.6;
const LISTED_SHAPE: f64 = 0.5;

/// How much of the rest a listing adds to what the parts say.
const LISTED_GAIN: f64 = 0.4;

/// Taken off when one of the two is no standard character: of the basic block, of an extension.
const RARE_LOSS: f64 = 0.12;
const EXTENSION_LOSS: f64 = 0.2;

/// A radical has fewer strokes than a main part, and stands at its place in many characters.
const RADICAL_STROKES_MAX: u32 = 5;
const RADICAL_CHARS_MIN: usize = 60;

/// Parts that stand in the same place and look alike.
const ALIKE_PARTS: [&str; 17] = [
    "亻彳",
    "扌木才犭牛禾忄十",
    "氵冫讠",
    "衤礻禾",
    "日目月贝口曰田",
    "艹竹",
    "宀穴冖",
    "土士王玉工",
    "钅饣",
    "广厂疒尸",
    "阝卩",
    "木米禾本",
    "攵攴欠夂",
    "刂寸",
    "令今",
    "仑仓",
    "户尸",
];

/// Share of their strokes that two such parts have in common.
const ALIKE_SHARE: f64 = 0.6;

/// First parts by the place where they stand: above, around, at the left.
const PLACES: [&str; 3] = [
    "艹竹宀冖穴雨罒爫虍髟亠癶西覀龹龷",
    "辶廴走疒厂广尸户囗门匚勹气鬼风",
    "亻彳氵冫讠扌木禾米钅饣纟忄犭衤礻土王玉女口日目月贝虫石足车马弓火山巾阝酉舟革鱼牛歹子方片",
];

/// Kept of the likeness when the first parts stand in different places, and when one place is not known.
const OTHER_PLACE: f64 = 0.8;
const UNKNOWN_PLACE: f64 = 0.92;

/// A character and its look-alikes, closest first.
pub(crate) type Shape = (char, String);

/// Two characters in order of code points.
type Pair = (char, char);

/// The look-alikes of the standard characters, in order of code points.
///
/// # Errors
/// The fold tables form a circle, or a row of `shapes.in.tsv` is not in folded form.
pub(crate) fn build(sources: &Sources, folder: &Folder, parts: &Parts) -> Result<Vec<Shape>> {
    let mut likeness = Likeness { sources, parts, pairs: BTreeMap::new() };
    likeness.add_swapped();
    likeness.add_extended();
    likeness.add_inside();
    likeness.add_listed(folder)?;
    Ok(likeness.closest())
}

struct Likeness<'s> {
    sources: &'s Sources,
    parts: &'s Parts,
    pairs: BTreeMap<Pair, f64>,
}

impl Likeness<'_> {
    fn is_standard(&self, c: char) -> bool {
        self.sources.common_readings.contains_key(&c)
    }

    /// Keeps the higher of what is known and `share`, for pairs of which one is a standard character.
    fn add(&mut self, left: char, right: char, share: f64) {
        if left == right || !(self.is_standard(left) || self.is_standard(right)) {
            return;
        }
        let known = self.pairs.entry((left.min(right), left.max(right))).or_default();
        *known = known.max(share);
    }

    fn strokes(&self, way: &[char]) -> f64 {
        way.iter().map(|&part| f64::from(self.parts.strokes(part))).sum()
    }

    /// Characters that differ in one part: 级 and 汲, 微 and 徽.
    fn add_swapped(&mut self) {
        for ((place, rest), members) in self.by_rest() {
            let is_radical = rest.len() == 1
                && members.len() >= RADICAL_CHARS_MIN
                && self.parts.strokes(rest[0]) <= RADICAL_STROKES_MAX;
            let shared = self.strokes(&rest) * 2.0;
            for (index, &(left, left_part)) in members.iter().enumerate() {
                for &(right, right_part) in &members[index + 1..] {
                    let other = self.strokes(&[left_part, right_part]);
                    if shared + other * ALIKE_SHARE < (shared + other) * LIKENESS_MIN {
                        continue;
                    }
                    let alike = stand_for_each_other(left_part, right_part);
                    if is_radical && !alike {
                        continue;
                    }
                    let in_other = if alike { other * ALIKE_SHARE } else { 0.0 };
                    let of_place = if place == 0 { same_place(left_part, right_part) } else { 1.0 };
                    self.add(left, right, (shared + in_other) / (shared + other) * of_place);
                }
            }
        }
    }

    /// Characters by all their parts but one, and the place of that one.
    fn by_rest(&self) -> BTreeMap<(usize, Way), Vec<(char, char)>> {
        let mut by_rest: BTreeMap<(usize, Way), Vec<(char, char)>> = BTreeMap::new();
        for (c, _) in self.parts.all() {
            for way in self.parts.plain_ways(c) {
                for place in 0..way.len() {
                    let mut rest = way.clone();
                    let part = rest.remove(place);
                    if rest.iter().any(|&part| !parts::is_stroke(part)) {
                        by_rest.entry((place, rest)).or_default().push((c, part));
                    }
                }
            }
        }
        by_rest
    }

    /// Characters of which one is the other with a radical before, behind, above or below: 微 and 溦. Two standard
    /// characters have to sound alike as well: 言 is not typed for 信.
    fn add_extended(&mut self) {
        let mut found = Vec::new();
        for (whole, _) in self.parts.all() {
            for way in self.parts.plain_ways(whole).into_iter().filter(|way| way.len() == 2) {
                for (main, radical) in [(way[1], way[0]), (way[0], way[1])] {
                    let (main_strokes, radical_strokes) =
                        (self.parts.strokes(main), self.parts.strokes(radical));
                    let are_standard = self.is_standard(main) && self.is_standard(whole);
                    let is_main = main_strokes >= 3 && main_strokes >= radical_strokes;
                    if is_main && (!are_standard || self.sound_alike(main, whole)) {
                        let shared = f64::from(main_strokes) * 2.0;
                        let of_place = same_place(radical, '亻');
                        found.push((main, whole, shared / (shared + f64::from(radical_strokes)) * of_place));
                    }
                }
            }
        }
        for (main, whole, share) in found {
            self.add(main, whole, share);
        }
    }

    fn sound_alike(&self, left: char, right: char) -> bool {
        let readings = |c: char| self.sources.all_readings.get(&c).map_or(&[][..], Vec::as_slice);
        readings(left).iter().any(|reading| readings(right).contains(reading))
    }

    /// Characters with one part in common whose other parts look alike.
    fn add_inside(&mut self) {
        let mut near: BTreeMap<char, Vec<(char, f64)>> = BTreeMap::new();
        for (&(left, right), &share) in self.pairs.iter().filter(|(_, share)| **share >= LIKENESS_INSIDE) {
            near.entry(left).or_default().push((right, share));
            near.entry(right).or_default().push((left, share));
        }
        let mut by_way: BTreeMap<&[char], Vec<char>> = BTreeMap::new();
        for (c, ways) in self.parts.all() {
            for way in ways.iter().filter(|way| way.len() == 2) {
                by_way.entry(way).or_default().push(c);
            }
        }
        let mut found = Vec::new();
        for (way, members) in &by_way {
            for (place, other) in [(0, 1), (1, 0)] {
                for &(like, share) in near.get(&way[place]).into_iter().flatten() {
                    let mut swapped = way.to_vec();
                    swapped[place] = like;
                    let inside = self.strokes(&[way[place], like]);
                    let shared = self.strokes(&[way[other]]) * 2.0;
                    let whole_share = (shared + inside * share) / (shared + inside);
                    for &right in by_way.get(swapped.as_slice()).into_iter().flatten() {
                        found.extend(members.iter().map(|&left| (left, right, whole_share)));
                    }
                }
            }
        }
        for (left, right, share) in found {
            self.add(left, right, share);
        }
    }

    /// What the lists say, on top of what the parts say.
    fn add_listed(&mut self, folder: &Folder) -> Result<()> {
        let mut listed: BTreeMap<Pair, f64> = BTreeMap::new();
        let mut list = |left: char, right: char, least: f64| {
            let known = listed.entry((left.min(right), left.max(right))).or_default();
            *known = known.max(least);
        };
        for (first, others) in self.sources.shape_groups.iter().filter_map(|group| group.split_first()) {
            others.iter().for_each(|&other| list(*first, other, LISTED_SHAPE));
        }
        for (first, others) in self.sources.stroke_groups.iter().filter_map(|group| group.split_first()) {
            others.iter().for_each(|&other| list(*first, other, LISTED_STROKE));
        }
        for row in &self.sources.own_shapes {
            let group: Vec<char> = std::iter::once(row.source).chain(row.columns[0].chars()).collect();
            let text: String = group.iter().collect();
            ensure!(folder.fold(&text)? == text, "{}: not in folded form", row.place);
            for (index, &left) in group.iter().enumerate() {
                group[index + 1..].iter().for_each(|&right| list(left, right, LISTED_BY_HAND));
            }
        }
        for ((left, right), least) in listed {
            let pair: String = [left, right].iter().collect();
            if folder.fold(&pair).with_context(|| pair.clone())? == pair {
                let known = self.pairs.get(&(left, right)).copied().unwrap_or_default();
                self.add(left, right, (known + (1.0 - known) * LISTED_GAIN).min(1.0).max(least));
            }
        }
        Ok(())
    }

    /// Gives every standard character its closest look-alikes. Closest pairs come first, and a pair of standard
    /// characters is taken on both sides or on none, so the table is symmetric.
    fn closest(&self) -> Vec<Shape> {
        let loss = |c: char| match c {
            _ if self.is_standard(c) => 0.0,
            '\u{4E00}'..='\u{9FFF}' => RARE_LOSS,
            _ => EXTENSION_LOSS,
        };
        let mut ranked: Vec<(f64, Pair)> = self
            .pairs
            .iter()
            .map(|(&(left, right), &share)| (share - loss(left) - loss(right), (left, right)))
            .filter(|&(share, _)| share >= LIKENESS_MIN)
            .collect();
        ranked.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        let mut shapes: BTreeMap<char, Vec<char>> = BTreeMap::new();
        for (_, (left, right)) in ranked {
            let sides = [(left, right), (right, left)].into_iter().filter(|&(key, _)| self.is_standard(key));
            let has_room = |key: char| shapes.get(&key).is_none_or(|known| known.len() < LOOKALIKES_MAX);
            if sides.clone().all(|(key, _)| has_room(key)) {
                for (key, like) in sides {
                    shapes.entry(key).or_default().push(like);
                }
            }
        }
        shapes.into_iter().map(|(key, likes)| (key, likes.into_iter().collect())).collect()
    }
}

/// Whether two parts look alike by themselves.
fn stand_for_each_other(left: char, right: char) -> bool {
    ALIKE_PARTS.iter().any(|group| group.contains(left) && group.contains(right))
}

/// What is kept of the likeness for the places of the first parts.
fn same_place(left: char, right: char) -> f64 {
    let place = |part: char| PLACES.iter().position(|parts| parts.contains(part));
    match (place(left), place(right)) {
        (Some(left), Some(right)) if left == right => 1.0,
        (Some(_), Some(_)) => OTHER_PLACE,
        (None, _) | (_, None) => UNKNOWN_PLACE,
    }
}
