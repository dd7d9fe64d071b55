//! Everyday texts: sentences of one theme put together.

use crate::grammar::Texts;
use crate::random::Random;

/// Longest everyday text, in characters.
const CHARS_MAX: usize = 300;
/// Sentences per post, and how often: most posts are short.
const SENTENCES: [usize; 12] = [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8];

/// Longest comment that many people write alike, in characters.
const STOCK_CHARS_MAX: usize = 7;
/// Share of short posts that are about no theme.
const ALL_FREE: f64 = 0.4;

/// A post about a theme, of 4 to [`CHARS_MAX`] characters.
pub(crate) fn post(texts: &Texts, random: &mut Random, theme: usize) -> String {
    let sentences = texts.lines(texts.lines("theme")[theme]);
    let wanted = random.pick(&SENTENCES);
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    random.shuffle(&mut order);
    let mut parts: Vec<String> =
        order.into_iter().take(wanted).map(|at| texts.expand(sentences[at], random)).collect();
    if wanted == 1 && random.chance(ALL_FREE) {
        parts.clear();
    }
    // At least as much of one's own as of what others might say too, so that posts share little.
    for _ in 0..wanted.div_ceil(2).max(2 - parts.len().min(1)) {
        parts.insert(random.below(parts.len() + 1), texts.line("free", random));
    }
    let mut text = String::new();
    if random.chance(0.25) {
        text.push_str(&texts.line("opening", random));
    }
    for (nth, part) in parts.iter().enumerate() {
        if nth > 0 {
            text.push_str(random.pick(&[
                "。",
                "，",
                "，",
                "！",
                " ",
                "\n",
                "。另外",
                "，然后",
                "。顺便说一句，",
            ]));
        }
        text.push_str(part);
    }
    if random.chance(0.55) {
        text.push_str(&texts.line("closing", random));
    }
    cut(text)
}

/// A comment under a post about a theme.
pub(crate) fn comment(texts: &Texts, random: &mut Random, theme: usize) -> String {
    let own = format!("comment.{}", texts.lines("theme")[theme]);
    let mut text = texts.line(if random.chance(0.45) { "comment.any" } else { &own }, random);
    if random.chance(0.2) {
        text.push_str(random.pick(&["，", " ", "。", "！"]));
        text.push_str(&texts.line(&own, random));
    }
    // Only short comments are the same from many people.
    let is_stock = text.chars().count() <= STOCK_CHARS_MAX;
    if random.chance(if is_stock { 0.1 } else { 0.9 }) {
        text.push_str(random.pick(&["，", " ", "。", "！"]));
        text.push_str(&texts.line("free", random));
    } else if random.chance(0.15) {
        text.push_str(&texts.line("closing", random));
    }
    cut(text)
}

/// The first [`CHARS_MAX`] characters.
fn cut(text: String) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}
