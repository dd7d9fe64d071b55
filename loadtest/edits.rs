//! What a spinner does to a text so that no two copies are equal.
//!
//! The kinds are those that the literature on near-duplicates plants: synonyms, emoji and punctuation, order of
//! clauses, homophones, traditional characters, separators inside words, filler words, additions at either end.

use crate::grammar::Texts;
use crate::random::Random;

/// One kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Synonyms,
    Marks,
    Clauses,
    Homophones,
    Traditional,
    Separators,
    Fillers,
    Suffix,
    Prefix,
    Deletion,
}

pub(crate) const EDITS: [Edit; 10] = [
    Edit::Synonyms,
    Edit::Marks,
    Edit::Clauses,
    Edit::Homophones,
    Edit::Traditional,
    Edit::Separators,
    Edit::Fillers,
    Edit::Suffix,
    Edit::Prefix,
    Edit::Deletion,
];

/// Share of the characters with a counterpart that homophones and traditional script replace.
const REPLACED: f64 = 0.35;
/// Share of traditional copies that change every character that has a counterpart.
const ALL_TRADITIONAL: f64 = 0.6;

/// Changes a text by `count` different edits. Latin letters and digits, so contacts too, keep their order.
pub(crate) fn spin(texts: &Texts, random: &mut Random, text: &str, count: usize) -> String {
    let mut edits = EDITS;
    random.shuffle(&mut edits);
    edits.iter().take(count).fold(text.to_owned(), |text, edit| apply(texts, random, &text, *edit))
}

/// Changes a text by one edit; a text that gives no occasion stays as it is.
pub(crate) fn apply(texts: &Texts, random: &mut Random, text: &str, edit: Edit) -> String {
    match edit {
        Edit::Synonyms => synonyms(texts, random, text),
        Edit::Marks => marks(texts, random, text),
        Edit::Clauses => clauses(random, text),
        Edit::Homophones => homophones(texts, random, text),
        Edit::Traditional => traditional(texts, random, text),
        Edit::Separators => {
            let mark = random.pick(texts.lines("separators"));
            let times = random.count((1, 5));
            insert(random, text, times, |_| mark.to_owned())
        }
        Edit::Fillers => {
            let times = random.count((1, 3));
            insert(random, text, times, |random| texts.line("fillers", random))
        }
        Edit::Suffix => format!("{text}{}", texts.line("suffixes", random)),
        Edit::Prefix => format!("{}{text}", texts.line("prefixes", random)),
        Edit::Deletion => delete(random, text),
    }
}

/// Swaps up to three words for others of their line.
fn synonyms(texts: &Texts, random: &mut Random, text: &str) -> String {
    let mut text = text.to_owned();
    let mut lines: Vec<Vec<&str>> =
        texts.lines("synonyms").iter().map(|line| line.split(' ').collect()).collect();
    random.shuffle(&mut lines);
    let mut left = random.count((1, 3));
    for words in lines {
        // A Latin word may be a part of the contact.
        let is_there = |word: &&&str| !word.is_ascii() && text.contains(**word);
        let Some(word) = words.iter().find(is_there) else { continue };
        text = text.replacen(word, random.pick(&words), 1);
        left -= 1;
        if left == 0 {
            break;
        }
    }
    text
}

/// Adds emoji and exchanges punctuation.
fn marks(texts: &Texts, random: &mut Random, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '，' | '。' | '！' if random.chance(0.6) => {
                if random.chance(0.5) {
                    out.push_str(&texts.line("emoji", random));
                } else {
                    out.push_str(random.pick(&["！", "~", " ", "…", "，", "!!", "\n"]));
                }
            }
            _ => out.push(c),
        }
    }
    out + &texts.line("emoji", random)
}

/// Puts the clauses into another order.
fn clauses(random: &mut Random, text: &str) -> String {
    let mut parts: Vec<&str> =
        text.split(['，', '。', '！']).map(str::trim).filter(|part| !part.is_empty()).collect();
    random.shuffle(&mut parts);
    parts.join("，")
}

/// Replaces some characters by others of their line.
fn homophones(texts: &Texts, random: &mut Random, text: &str) -> String {
    let swap = |c: char, random: &mut Random| {
        let line = texts.lines("homophones").iter().find(|line| !c.is_ascii() && line.contains(c));
        match line.filter(|_| random.chance(REPLACED)) {
            Some(line) => random.pick(&line.chars().collect::<Vec<char>>()),
            None => c,
        }
    };
    text.chars().map(|c| swap(c, random)).collect()
}

/// Writes characters in their traditional form, all or some.
fn traditional(texts: &Texts, random: &mut Random, text: &str) -> String {
    let pairs = || texts.lines("traditional").iter().flat_map(|line| line.split(' '));
    let share = if random.chance(ALL_TRADITIONAL) { 1.0 } else { REPLACED };
    let swap = |c: char, random: &mut Random| {
        let pair = pairs().find(|pair| pair.starts_with(c));
        pair.and_then(|pair| pair.chars().nth(1)).filter(|_| random.chance(share)).unwrap_or(c)
    };
    text.chars().map(|c| swap(c, random)).collect()
}

/// Inserts something between characters, but not inside contacts.
fn insert(random: &mut Random, text: &str, times: usize, what: impl Fn(&mut Random) -> String) -> String {
    let mut chars: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..times {
        let at = random.below(chars.len());
        if at > 0 && !is_latin(&chars[at - 1]) && !is_latin(&chars[at]) {
            let piece = what(random);
            chars.insert(at, piece);
        }
    }
    chars.concat()
}

/// Leaves out one to three characters, but none of a contact.
fn delete(random: &mut Random, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..random.count((1, 3)) {
        let at = random.below(chars.len());
        if chars.len() > 4 && !chars[at].is_ascii() {
            chars.remove(at);
        }
    }
    chars.into_iter().collect()
}

/// Whether a piece may belong to a contact or an address.
fn is_latin(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_graphic())
}
