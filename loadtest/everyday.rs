//! Everyday texts: sentences of one theme put together.

use crate::grammar::Texts;
use crate::random::Random;

/// Longest everyday text, in characters.
const CHARS_MAX: usize = 300;
/// Sentences per post, and how often: most posts are short.
const SENTENCES: [usize; 12] = [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8];

/// A post about a theme, of 4 to [`CHARS_MAX`] characters.
pub(crate) fn post(texts: &Texts, random: &mut Random, theme: usize) -> String {
    let sentences = texts.lines(texts.lines("theme")[theme]);
    let wanted = random.pick(&SENTENCES);
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    random.shuffle(&mut order);
    let mut text = String::new();
    if random.chance(0.25) {
        text.push_str(&texts.line("opening", random));
    }
    for (nth, at) in order.into_iter().take(wanted).enumerate() {
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
        text.push_str(&texts.expand(sentences[at], random));
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
    if random.chance(0.15) {
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
