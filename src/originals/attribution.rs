//! Whether a text says where it comes from.

use crate::text::{Class, FoldedText};

/// Words that say it, with the name behind them. A colon must follow where the word alone says something else.
const CREDITS: [(&str, bool); 21] = [
    ("转载自", false),
    ("转载于", false),
    ("转自", false),
    ("转发自", false),
    ("摘自", false),
    ("摘编自", false),
    ("节选自", false),
    ("编译自", false),
    ("来自", false),
    ("原载于", false),
    ("首发于", false),
    ("授权转载", false),
    ("原文链接", false),
    ("via @", false),
    ("via@", false),
    ("原文", true),
    ("来源", true),
    ("出处", true),
    ("作者", true),
    ("原作者", true),
    ("source", true),
];
/// What may stand before such a word.
const SUBJECTS: [&str; 6] = ["本文", "文章", "内容", "图文", "稿件", "信息"];

/// What is no name. Behind one of these a credit credits nobody.
const NAMELESS: [&str; 12] =
    ["网络", "互联网", "网上", "不详", "未知", "佚名", "匿名", "本站", "本号", "整理", "综合", "internet"];

/// Datelines: `新华社北京11月21日电` at the head of a text.
const DATELINE_CHARS_MAX: usize = 24;
const AGENCIES: [&str; 8] =
    ["新华社", "中新社", "中新网", "人民网", "新华网", "央视网", "本报讯", "本报记者"];
/// Where the head of a text ends, in characters.
const HEAD_CHARS: usize = 200;

/// Blanks, colons and opening marks between a credit and its name.
const GAP_CHARS_MAX: usize = 6;
/// Fewest characters of a name.
const NAME_CHARS_MIN: usize = 2;

/// Whether a text credits somebody: a credit that begins a clause and is followed by a name, or an agency's dateline.
///
/// O(text · credits) with a look at one letter per credit and clause; no allocation.
pub(super) fn is_attributed(text: &FoldedText) -> bool {
    let plain = text.plain();
    let symbols = text.symbols();
    let begins_clause =
        |index: usize| index == 0 || symbols.get(index - 1).is_some_and(|before| !before.class.is_dense());
    let is_credited =
        symbols.iter().enumerate().filter(|(index, _)| begins_clause(*index)).any(|(_, symbol)| {
            let rest = plain.get(symbol.plain_start as usize..).unwrap_or("");
            let subject = SUBJECTS.iter().find_map(|subject| rest.strip_prefix(subject));
            let words = CREDITS.iter().filter(|(word, _)| *word != "来自" || subject.is_some());
            let rest = subject.unwrap_or(rest);
            words.into_iter().any(|(word, needs_colon)| {
                rest.strip_prefix(word).is_some_and(|behind| is_name(behind, *needs_colon))
            })
        });
    is_credited || has_dateline(text)
}

fn is_name(behind: &str, needs_colon: bool) -> bool {
    let is_gap = |c: char| !c.is_alphanumeric();
    let gap_chars = behind.chars().take(GAP_CHARS_MAX).take_while(|c| is_gap(*c) && *c != '\n').count();
    let gap: String = behind.chars().take(gap_chars).collect();
    if needs_colon && !gap.contains([':', '：', '丨', '|', '/']) {
        return false;
    }
    let name: String =
        behind.chars().skip(gap_chars).take_while(|c| c.is_alphanumeric()).take(GAP_CHARS_MAX * 2).collect();
    name.chars().count() >= NAME_CHARS_MIN && !NAMELESS.iter().any(|nameless| name.starts_with(nameless))
}

/// An agency's name near the head of the text, and `电` or `讯` or a reporter shortly behind it.
fn has_dateline(text: &FoldedText) -> bool {
    let plain = text.plain();
    let head = text.symbols().get(HEAD_CHARS).map_or(plain.len(), |symbol| symbol.plain_start as usize);
    AGENCIES.iter().any(|agency| {
        let Some(at) = plain.get(..head).and_then(|head| head.find(agency)) else { return false };
        let index = text.symbols().partition_point(|symbol| (symbol.plain_start as usize) < at);
        let begins = index == 0
            || text.symbols().get(index - 1).is_some_and(|s| !s.class.is_dense() || s.class == Class::Digit);
        let behind = plain.get(at..).unwrap_or("").chars().take(DATELINE_CHARS_MAX);
        begins && behind.skip(2).any(|c| matches!(c, '电' | '讯' | '者'))
    })
}
