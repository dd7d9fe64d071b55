//! What the author asks the reader to do with a number: `中间加个5`, `去掉汉字`, `把x换成1`, `最后一位加1`.

use super::chars::{Buffer, Chars};
use super::words::{Filler, Found, Rank, WordKind, Words};
use crate::text::folded::Class;

/// Most symbols between a number and the words in front of it or behind it.
const REACH_SYMBOLS_MAX: usize = 24;
/// Longest number that is edited, fillers included, in symbols.
pub(super) const RUN_SYMBOLS_MAX: usize = 48;
/// Most words without meaning between two words of an instruction, in symbols.
const SLACK_SYMBOLS_MAX: usize = 5;
/// Most instructions for one number.
const EDITS_MAX: usize = 4;
/// Most digits that one instruction inserts.
const INSERTED_MAX: usize = 3;

/// Where an instruction applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    Middle,
    End,
    /// Counted from 1.
    Nth(u8),
    Each,
}

/// A place as it is written, and the number of digits that is said with it.
#[derive(Clone, Copy)]
struct Spot {
    place: Place,
    count: Option<u8>,
    end: usize,
}

/// Digits to insert; fewer than three are followed by zero bytes.
type Inserted = [u8; INSERTED_MAX];

/// What is to be done.
#[derive(Clone, Copy)]
enum Edit {
    /// Leave out what stands between.
    Skip(Filler),
    Insert(Place, Inserted),
    /// Take digits away.
    Cut(Place, u8),
    /// Add to digits, modulo ten.
    Shift(Place, u8),
    Set(Place, u8),
    /// Read a character as another one.
    Swap(char, char),
}

/// One instruction and the symbols that say it.
pub(super) struct Instruction {
    edit: Edit,
    start: usize,
    end: usize,
}

/// All instructions of a text, in its order. O(symbols); asks for memory only where there is one.
pub(super) fn collect(chars: Chars<'_>, words: &Words) -> Vec<Instruction> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < chars.text.symbols().len() {
        match parse(chars, words, at) {
            Some((start, edit, end)) => {
                all.push(Instruction { edit, start, end });
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    all
}

/// The instructions around a number.
#[derive(Clone, Copy)]
pub(super) struct Edits {
    list: [Option<Edit>; EDITS_MAX],
    /// Where the first instruction behind the number's start begins; the number ends before it.
    limit: usize,
}

impl Edits {
    /// Picks those of all instructions of a text that stand around a number that starts at an index. O(log
    /// instructions).
    pub(super) fn around(chars: Chars<'_>, all: &[Instruction], start: usize) -> Self {
        let mut edits = Self { list: [None; EDITS_MAX], limit: usize::MAX };
        let first = all.partition_point(|one| one.end + REACH_SYMBOLS_MAX < start);
        let near = all[first..].iter().filter(|one| one.end <= start || one.start > start);
        // One past the last symbol that may belong to the number.
        let mut reach = start;
        for (place, one) in edits.list.iter_mut().zip(near) {
            if one.start > start {
                let run_end = one.start.min(edits.limit).min(start + RUN_SYMBOLS_MAX);
                reach = (reach..run_end).rev().find(|at| chars.is_code(*at)).map_or(reach, |at| at + 1);
                let is_far = one.start > reach + REACH_SYMBOLS_MAX;
                if is_far || (start..one.start).any(|at| chars.is_border(at)) {
                    break;
                }
                edits.limit = edits.limit.min(one.start);
            } else if (one.end..start).any(|at| chars.is_border(at)) {
                continue;
            }
            *place = Some(one.edit);
        }
        edits
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.iter().all(Option::is_none)
    }

    /// Whether the number cannot go on at an index, because an instruction begins there.
    pub(super) fn ends_at(&self, index: usize) -> bool {
        index >= self.limit
    }

    fn all(&self) -> impl Iterator<Item = Edit> {
        self.list.iter().copied().flatten()
    }

    /// Whether a character is to be left out.
    pub(super) fn skips(&self, chars: Chars<'_>, index: usize) -> bool {
        let class = chars.class(index);
        self.all().any(|edit| match edit {
            Edit::Skip(Filler::Han) => class.is_han(),
            Edit::Skip(Filler::Letters) => class == Class::Latin,
            Edit::Skip(Filler::Signs) => {
                matches!(class, Class::Blank | Class::Noise)
                    || (class == Class::Clause && chars.at(index) != '\n')
            }
            Edit::Insert(..) | Edit::Cut(..) | Edit::Shift(..) | Edit::Set(..) | Edit::Swap(..) => false,
        })
    }

    /// What a character is to be read as.
    pub(super) fn swapped(&self, c: char) -> Option<char> {
        self.all().find_map(|edit| match edit {
            Edit::Swap(from, to) if from == c => Some(to),
            _ => None,
        })
    }

    /// The number after all instructions; nothing where one of them cannot be followed.
    pub(super) fn apply(&self, number: &Buffer) -> Option<Buffer> {
        self.all().try_fold(*number, |number, edit| match edit {
            Edit::Skip(_) | Edit::Swap(..) => Some(number),
            Edit::Insert(place, digits) => insert(&number, place, digits),
            Edit::Cut(place, count) => cut(&number, place, usize::from(count)),
            Edit::Shift(place, by) => change(&number, place, |digit| (digit + by) % 10),
            Edit::Set(place, to) => change(&number, place, |_| to),
        })
    }
}

fn insert(number: &Buffer, place: Place, digits: Inserted) -> Option<Buffer> {
    let at = match place {
        Place::Start => 0,
        Place::Middle => number.len() / 2,
        Place::End => number.len(),
        Place::Nth(_) | Place::Each => return None,
    };
    let (before, after) = number.as_str().split_at_checked(at)?;
    let mut out = Buffer::new();
    let mut all =
        before.chars().chain(digits.into_iter().filter(|d| *d != 0).map(char::from)).chain(after.chars());
    all.all(|c| out.push(c)).then_some(out)
}

fn cut(number: &Buffer, place: Place, count: usize) -> Option<Buffer> {
    let len = number.len();
    let range = match place {
        Place::Start => 0..count,
        Place::End => len.checked_sub(count)?..len,
        Place::Nth(nth) => usize::from(nth).checked_sub(1)?..usize::from(nth),
        Place::Middle | Place::Each => return None,
    };
    (range.end <= len).then(|| number.without(range))
}

/// Changes one digit, or each.
fn change(number: &Buffer, place: Place, new: impl Fn(u8) -> u8) -> Option<Buffer> {
    let wanted = match place {
        Place::Start => Some(0),
        Place::End => Some(number.len().checked_sub(1)?),
        Place::Nth(nth) => Some(usize::from(nth).checked_sub(1)?),
        Place::Each => None,
        Place::Middle => return None,
    };
    let mut out = Buffer::new();
    for (place, byte) in number.bytes().iter().enumerate() {
        if wanted.is_none_or(|wanted| wanted == place) {
            if !byte.is_ascii_digit() {
                return None;
            }
            out.push_digit(new(byte - b'0'));
        } else {
            out.push(char::from(*byte));
        }
    }
    wanted.is_none_or(|wanted| wanted < number.len()).then_some(out)
}

/// The instruction at an index: where it begins, what it is, where it ends. O(1).
fn parse(chars: Chars<'_>, words: &Words, at: usize) -> Option<(usize, Edit, usize)> {
    let found = words.at(chars, at);
    if let Some(spot) = spot_of(chars, at, found) {
        let (edit, end) = at_spot(chars, words, spot)?;
        return Some((at, edit, end));
    }
    let found = found?;
    let end = at + found.len;
    match found.kind {
        WordKind::Remove => {
            let next = slack(chars, words, end);
            if let Some(spot) = spot(chars, words, next).filter(|spot| is_counted(*spot)) {
                return Some((at, Edit::Cut(spot.place, spot.count.unwrap_or(1)), spot.end));
            }
            let object = |index: &usize| matches!(kind(chars, words, *index), Some(WordKind::Object(_)));
            let index = (end..=end + SLACK_SYMBOLS_MAX).find(object)?;
            let object = words.at(chars, index)?;
            let WordKind::Object(filler) = object.kind else { return None };
            Some((at, Edit::Skip(filler), index + object.len))
        }
        WordKind::Object(filler) => {
            let index = slack(chars, words, end);
            let verb = words.at(chars, index).filter(|verb| verb.kind == WordKind::Remove)?;
            Some((at, Edit::Skip(filler), index + verb.len))
        }
        WordKind::Replace => swap(chars, words, at, end),
        WordKind::Phone
        | WordKind::Part(_)
        | WordKind::Neutral
        | WordKind::Insert
        | WordKind::Lower
        | WordKind::Each
        | WordKind::Measure
        | WordKind::Spoken(_) => None,
    }
}

fn kind(chars: Chars<'_>, words: &Words, at: usize) -> Option<WordKind> {
    words.at(chars, at).map(|found| found.kind)
}

/// Whether a place says how many digits, or which.
fn is_counted(spot: Spot) -> bool {
    spot.count.is_some() || matches!(spot.place, Place::Nth(_))
}

/// A place at an index: 中间, 最后一位, 第三位, 每位.
fn spot(chars: Chars<'_>, words: &Words, at: usize) -> Option<Spot> {
    spot_of(chars, at, words.at(chars, at))
}

/// The place at an index at which a word was found, or none.
fn spot_of(chars: Chars<'_>, at: usize, found: Option<Found>) -> Option<Spot> {
    if chars.at(at) == '第' {
        let (nth, len) = chars.count(at + 1)?;
        return Some(Spot { place: Place::Nth(nth), count: None, end: at + 1 + len });
    }
    let found = found?;
    let end = at + found.len;
    let place = match found.kind {
        WordKind::Part(Rank::Head) => Place::Start,
        WordKind::Part(Rank::Middle) => Place::Middle,
        WordKind::Part(Rank::Tail) => Place::End,
        WordKind::Each => return Some(Spot { place: Place::Each, count: None, end }),
        WordKind::Phone
        | WordKind::Neutral
        | WordKind::Remove
        | WordKind::Object(_)
        | WordKind::Insert
        | WordKind::Lower
        | WordKind::Replace
        | WordKind::Measure
        | WordKind::Spoken(_) => return None,
    };
    let counted = chars.count(end).map(|(count, len)| Spot { place, count: Some(count), end: end + len });
    counted.or((found.len > 1).then_some(Spot { place, count: None, end }))
}

/// Skips words without meaning, blanks and symbols.
fn slack(chars: Chars<'_>, words: &Words, from: usize) -> usize {
    let mut at = from;
    while at - from < SLACK_SYMBOLS_MAX && !chars.is_border(at) {
        match words.at(chars, at) {
            Some(found) if found.kind == WordKind::Neutral => at += found.len,
            None if chars.is_separator(at) => at += 1,
            _ => break,
        }
    }
    at
}

/// What is to be done at a place.
fn at_spot(chars: Chars<'_>, words: &Words, spot: Spot) -> Option<(Edit, usize)> {
    let verb_at = slack(chars, words, spot.end);
    let verb = words.at(chars, verb_at)?;
    let behind = verb_at + verb.len;
    match verb.kind {
        WordKind::Remove => {
            // 最后一位去掉, but not 前面去掉汉字.
            is_counted(spot).then(|| (Edit::Cut(spot.place, spot.count.unwrap_or(1)), behind))
        }
        WordKind::Insert => {
            let (digits, end) = operand(chars, words, behind)?;
            let one = digits.bytes().first().map_or(0, |byte| byte - b'0');
            let is_sum = spot.count == Some(1) || matches!(spot.place, Place::Nth(_) | Place::Each);
            let inserted = std::array::from_fn(|place| digits.bytes().get(place).copied().unwrap_or(0));
            let edit = if is_sum { Edit::Shift(spot.place, one) } else { Edit::Insert(spot.place, inserted) };
            (!is_sum || digits.len() == 1).then_some((edit, end))
        }
        WordKind::Lower => {
            let (digits, end) = operand(chars, words, behind)?;
            let one = digits.bytes().first().map_or(0, |byte| byte - b'0');
            let is_one = digits.len() == 1 && one > 0 && (is_counted(spot) || spot.place == Place::Each);
            is_one.then_some((Edit::Shift(spot.place, 10 - one), end))
        }
        WordKind::Replace => {
            let (digits, end) = operand(chars, words, behind)?;
            let one = digits.bytes().first().map_or(0, |byte| byte - b'0');
            (digits.len() == 1 && is_counted(spot)).then_some((Edit::Set(spot.place, one), end))
        }
        WordKind::Phone
        | WordKind::Part(_)
        | WordKind::Neutral
        | WordKind::Object(_)
        | WordKind::Each
        | WordKind::Measure
        | WordKind::Spoken(_) => None,
    }
}

/// The digits that a verb takes: `个5`, `一个5`, `上数字66`.
fn operand(chars: Chars<'_>, words: &Words, from: usize) -> Option<(Buffer, usize)> {
    let (mut at, mut times) = (slack(chars, words, from), 1);
    let count = chars.numeral(at).filter(|count| (1..=INSERTED_MAX).contains(&usize::from(*count)));
    if let Some(count) = count.filter(|_| matches!(chars.at(at + 1), '个' | '位')) {
        at = slack(chars, words, at + 2);
        times = usize::from(count);
    } else if chars.at(at) == '个' {
        at = slack(chars, words, at + 1);
    }
    let mut digits = Buffer::new();
    while let Some(value) = chars.numeral(at).filter(|_| digits.len() <= INSERTED_MAX) {
        digits.push_digit(value);
        at += 1;
    }
    // 两个5 are two digits.
    if let (2.., [one]) = (times, digits.bytes()) {
        let again = *one - b'0';
        for _ in 1..times {
            digits.push_digit(again);
        }
    }
    // More digits are a number of their own, and 5元 is an amount.
    let is_amount = kind(chars, words, at) == Some(WordKind::Measure);
    ((1..=INSERTED_MAX).contains(&digits.len()) && !is_amount).then_some((digits, at))
}

/// 把x换成1: the character in front of the verb and the one behind it.
fn swap(chars: Chars<'_>, words: &Words, verb: usize, behind: usize) -> Option<(usize, Edit, usize)> {
    let is_quote = |index: usize| matches!(chars.at(index), '"' | '\'' | '“' | '”' | '‘' | '’' | '「' | '」');
    let mut from = verb.checked_sub(1)?;
    for _ in 0..SLACK_SYMBOLS_MAX {
        if from > 0 && (is_quote(from) || matches!(chars.at(from), ' ' | '都' | '全' | '部' | '请')) {
            from -= 1;
        }
    }
    let mut to = behind;
    while to - behind < SLACK_SYMBOLS_MAX {
        match words.at(chars, to) {
            Some(found) if found.kind == WordKind::Neutral => to += found.len,
            None if is_quote(to) || chars.class(to) == Class::Blank => to += 1,
            _ => break,
        }
    }
    let is_single = from == 0 || !chars.is_code(from - 1) || chars.class(from).is_han();
    let is_end = !chars.is_code(to + 1) && kind(chars, words, to + 1) != Some(WordKind::Measure);
    let value = match chars.numeral(to) {
        Some(digit) => char::from(b'0' + digit),
        None if chars.class(to) == Class::Latin || matches!(chars.at(to), '_' | '-') => chars.at(to),
        None => return None,
    };
    (is_single && is_end && !chars.is_border(from)).then(|| (from, Edit::Swap(chars.at(from), value), to + 1))
}
