//! Sounds, look-alikes and parts of characters, from the tables under `dictionaries/fold/`.

use std::collections::HashMap;

use super::super::problem::Problem;

/// Letters of the longest syllable.
const SYLLABLE_LETTERS_MAX: usize = 6;
/// Characters of the longest syllable in zhuyin.
const ZHUYIN_CHARS_MAX: usize = 3;
/// How digits are read.
pub(super) const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// Most letters of a Latin word that is tried as pinyin.
const PINYIN_LETTERS_MAX: usize = 40;

/// Number of a toneless syllable, from 1; 0 for none.
pub(super) type Syllable = u16;

/// What the views of sound and shape know of characters.
#[derive(Clone, Debug, Default)]
pub struct DisguiseTables {
    /// Usual reading by code point of the basic plane.
    usual: Vec<Syllable>,
    /// Further living readings.
    others: HashMap<char, Vec<Syllable>>,
    /// By syllable: the first one of those that are easily confused with it.
    confused: Vec<Syllable>,
    /// First letter of each syllable.
    initials: Vec<char>,
    /// Letter tree of all syllables; the first node is the root.
    nodes: Vec<Node>,
    /// Syllables in zhuyin, and in Japanese and Korean letters.
    zhuyin: HashMap<[char; ZHUYIN_CHARS_MAX], Syllable>,
    splits: HashMap<char, Vec<String>>,
    shapes: HashMap<char, Vec<char>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    next: [u16; 26],
    syllable: Syllable,
}

impl DisguiseTables {
    /// Reads the tables, found through `file` by name; one that is missing leaves its view empty. O(size of the files).
    ///
    /// # Errors
    /// A line that cannot be read, with its place.
    pub fn parse<'f>(file: impl Fn(&str) -> Option<&'f str>) -> Result<Self, Problem> {
        let mut tables = Self { nodes: vec![Node::default()], ..Self::default() };
        tables.usual = vec![0; 1 << 16];
        tables.confused.push(0);
        tables.initials.push('\0');
        let mut syllables = HashMap::new();
        for name in ["readings.tsv", "rare_readings.tsv"] {
            for (line, c, readings) in rows(file(name).unwrap_or("")) {
                let c = c.ok_or_else(|| {
                    Problem::error(&format!("fold/{name}"), line, "needs CHARACTER and READINGS")
                })?;
                for (rank, reading) in readings.split(',').enumerate() {
                    let syllable = tables.syllable(reading, &mut syllables).ok_or_else(|| {
                        Problem::error(&format!("fold/{name}"), line, format!("{reading:?} is no syllable"))
                    })?;
                    match tables.usual.get_mut(c as usize) {
                        Some(usual) if rank == 0 => *usual = syllable,
                        _ => tables.others.entry(c).or_default().push(syllable),
                    }
                }
            }
        }
        tables.confuse(&syllables);
        let lines = ["zhuyin.tsv", "kana.tsv"].into_iter().flat_map(|name| file(name).unwrap_or("").lines());
        for line in lines.filter(|line| !line.starts_with('#')) {
            if let Some((letters, pinyin)) = line.split_once('\t') {
                let letters: Vec<char> = letters.chars().collect();
                tables.zhuyin.extend(syllables.get(pinyin).map(|syllable| (padded(&letters), *syllable)));
            }
        }
        for (line, c, parts) in rows(file("splits.tsv").unwrap_or("")) {
            let c = c.ok_or_else(|| Problem::error("fold/splits.tsv", line, "needs CHARACTER and PARTS"))?;
            tables.splits.entry(c).or_default().push(parts.to_owned());
        }
        for (line, c, alike) in rows(file("shapes.tsv").unwrap_or("")) {
            let c =
                c.ok_or_else(|| Problem::error("fold/shapes.tsv", line, "needs CHARACTER and LOOKALIKES"))?;
            tables.shapes.insert(c, alike.chars().collect());
        }
        Ok(tables)
    }

    /// Number of a syllable, made on first use; nothing for what is not one to six letters.
    fn syllable(&mut self, reading: &str, known: &mut HashMap<String, Syllable>) -> Option<Syllable> {
        if reading.is_empty() || reading.len() > SYLLABLE_LETTERS_MAX {
            return None;
        }
        let mut node = 0;
        for letter in reading.bytes() {
            let slot = usize::from(letter.wrapping_sub(b'a'));
            let next = *self.nodes[node].next.get(slot)?;
            if next == 0 {
                let added = u16::try_from(self.nodes.len()).ok()?;
                self.nodes.push(Node::default());
                self.nodes[node].next[slot] = added;
                node = usize::from(added);
            } else {
                node = usize::from(next);
            }
        }
        let number = &mut self.nodes[node].syllable;
        if *number == 0 {
            *number = u16::try_from(self.confused.len()).ok()?;
            self.confused.push(*number);
            self.initials.extend(reading.chars().next());
            known.insert(reading.to_owned(), *number);
        }
        Some(*number)
    }

    /// Groups the syllables that speakers of southern dialects confuse.
    fn confuse(&mut self, syllables: &HashMap<String, Syllable>) {
        let mut first: HashMap<String, Syllable> = HashMap::new();
        let mut sorted: Vec<(&String, &Syllable)> = syllables.iter().collect();
        sorted.sort();
        for (reading, syllable) in sorted {
            let class = *first.entry(blurred(reading)).or_insert(*syllable);
            self.confused[usize::from(*syllable)] = class;
        }
    }

    /// The usual reading of a character.
    #[inline]
    pub(super) fn usual(&self, c: char) -> Syllable {
        self.usual.get(c as usize).copied().unwrap_or(0)
    }

    /// All readings of a character, the usual one first; those of a digit are those of its word.
    pub(super) fn readings(&self, c: char) -> impl Iterator<Item = Syllable> + '_ {
        let c = DIGITS.get((c as usize).wrapping_sub('0' as usize)).copied().unwrap_or(c);
        let usual = self.usual(c);
        (usual != 0).then_some(usual).into_iter().chain(self.others.get(&c).into_iter().flatten().copied())
    }

    /// The class of syllables that are easily confused with one.
    #[inline]
    pub(super) fn class(&self, syllable: Syllable) -> Syllable {
        self.confused.get(usize::from(syllable)).copied().unwrap_or(0)
    }

    /// The longest syllable in zhuyin or in Japanese or Korean letters at the start of a text: its number of characters and its number.
    pub(super) fn zhuyin(&self, text: &[char]) -> Option<(usize, Syllable)> {
        (1..=text.len().min(ZHUYIN_CHARS_MAX)).rev().find_map(|length| {
            let syllable = self.zhuyin.get(&padded(&text[..length]))?;
            Some((length, *syllable))
        })
    }

    /// The first letter of the usual reading of a character.
    pub(super) fn initial(&self, c: char) -> Option<char> {
        self.initials.get(usize::from(self.usual(c))).copied().filter(char::is_ascii_lowercase)
    }

    /// The ways to write a character as its parts.
    pub(super) fn splits(&self, c: char) -> &[String] {
        self.splits.get(&c).map_or(&[], |list| list)
    }

    /// All characters that can be split, and the ways.
    pub(super) fn all_splits(&self) -> impl Iterator<Item = (char, &[String])> {
        self.splits.iter().map(|(c, ways)| (*c, ways.as_slice()))
    }

    /// The characters that look like one, closest first.
    pub(super) fn shapes(&self, c: char) -> &[char] {
        self.shapes.get(&c).map_or(&[], |list| list)
    }

    /// By code point of a rare character of the basic plane, the ordinary one that it looks like most; `is_used` tells
    /// which are ordinary.
    pub(super) fn ordinary(&self, is_used: impl Fn(char) -> bool) -> Vec<char> {
        let mut best: HashMap<char, (usize, char)> = HashMap::new();
        for (c, alike) in self.shapes.iter().filter(|(c, _)| is_used(**c)) {
            for (rank, other) in alike.iter().enumerate().filter(|(_, other)| !is_used(**other)) {
                let place = best.entry(*other).or_insert((rank, *c));
                *place = (rank, *c).min(*place);
            }
        }
        let mut by_code = vec!['\0'; 1 << 16];
        for (rare, (_, c)) in best {
            if let Some(place) = by_code.get_mut(rare as usize) {
                *place = c;
            }
        }
        by_code
    }

    /// Reads a Latin word as pinyin, in as few syllables as possible: their lengths and numbers. Empty if it is none.
    /// O(letters).
    pub(super) fn pinyin_into(&self, word: &[u8], out: &mut Vec<(usize, Syllable)>) {
        out.clear();
        if word.len() > PINYIN_LETTERS_MAX || self.nodes.is_empty() {
            return;
        }
        // Fewest syllables that spell the letters in front of a place, and the last of them.
        let mut best = [(u8::MAX, 0_usize, 0 as Syllable); PINYIN_LETTERS_MAX + 1];
        best[0].0 = 0;
        for start in 0..word.len() {
            let (count, ..) = best[start];
            if count == u8::MAX {
                continue;
            }
            let mut node = Node { ..self.nodes[0] };
            for (length, letter) in (1..).zip(&word[start..]) {
                let Some(next) = node.next.get(usize::from(letter.wrapping_sub(b'a'))) else { break };
                if *next == 0 {
                    break;
                }
                node = self.nodes[usize::from(*next)];
                let place = &mut best[start + length];
                if node.syllable != 0 && count < place.0 {
                    *place = (count + 1, length, node.syllable);
                }
            }
        }
        let mut end = word.len();
        if best[end].0 == u8::MAX {
            return;
        }
        while end > 0 {
            let (_, length, syllable) = best[end];
            out.push((length, syllable));
            end -= length;
        }
        out.reverse();
    }
}

/// A set of characters. 8 KiB, of which a text touches little; characters outside of the basic plane are always in it.
pub(super) struct CharSet(Box<[u64; (1 << 16) / 64]>);

impl CharSet {
    #[inline]
    pub(super) fn has(&self, c: char) -> bool {
        self.0.get(c as usize / 64).is_none_or(|word| word >> (c as usize % 64) & 1 != 0)
    }
}

impl FromIterator<char> for CharSet {
    fn from_iter<I: IntoIterator<Item = char>>(chars: I) -> Self {
        let mut words = Box::new([0; (1 << 16) / 64]);
        for c in chars {
            if let Some(word) = words.get_mut(c as usize / 64) {
                *word |= 1 << (c as usize % 64);
            }
        }
        Self(words)
    }
}

/// Letters of one syllable as a key.
fn padded(letters: &[char]) -> [char; ZHUYIN_CHARS_MAX] {
    std::array::from_fn(|place| letters.get(place).copied().unwrap_or('\0'))
}

/// A syllable without the differences that are not heard everywhere: n/l, zh/z, ch/c, sh/s, hu/f, ng/n.
fn blurred(syllable: &str) -> String {
    let pairs = [("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n")];
    let start = pairs.iter().find_map(|(from, to)| Some((syllable.strip_prefix(from)?, *to)));
    let mut whole = match (syllable.strip_prefix("hu"), start) {
        (Some(""), _) => "fu".to_owned(),
        (Some("i"), _) => "fei".to_owned(),
        (Some("n"), _) => "fen".to_owned(),
        (Some(rest), _) => format!("f{rest}"),
        (None, Some((rest, to))) => format!("{to}{rest}"),
        (None, None) => syllable.to_owned(),
    };
    if whole.ends_with("ang") || whole.ends_with("eng") || whole.ends_with("ing") {
        whole.pop();
    }
    whole
}

/// Lines of a table: number, character, rest.
fn rows(text: &str) -> impl Iterator<Item = (usize, Option<char>, &str)> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(number, line)| {
        let (c, rest) = line.split_once('\t').unwrap_or((line, ""));
        let mut chars = c.chars();
        let one = chars.next().filter(|_| chars.next().is_none() && !rest.is_empty());
        (number, one, rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> DisguiseTables {
        let readings = "微\twei\n信\txin\n乐\tle,yue\n裸\tluo\n聊\tliao\n先\txian\n西\txi\n安\tan\n能\tneng\n嫩\tnen\n零\tling\n";
        DisguiseTables::parse(|name| (name == "readings.tsv").then_some(readings)).unwrap()
    }

    #[test]
    fn latin_words_are_read_as_pinyin_in_as_few_syllables_as_possible() {
        let tables = tables();
        let mut out = Vec::new();
        for (word, want) in
            [("weixin", &[3, 3][..]), ("xian", &[4]), ("weixinx", &[]), ("", &[]), ("luoliao", &[3, 4])]
        {
            tables.pinyin_into(word.as_bytes(), &mut out);
            assert_eq!(out.iter().map(|(length, _)| *length).collect::<Vec<_>>(), want, "{word}");
        }
    }

    #[test]
    fn confused_syllables_share_a_class() {
        let tables = tables();
        let class = |c| tables.class(tables.usual(c));
        assert_eq!(class('能'), class('嫩'));
        assert_ne!(class('微'), class('信'));
        assert_eq!(tables.readings('乐').count(), 2);
    }
}
