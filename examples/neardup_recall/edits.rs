//! Edits that people and programs make to a text so that it does not look copied.

use std::collections::HashMap;

use crate::random::Random;

/// The kinds of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Emoji,
    Synonym,
    Suffix,
    Contact,
    Homophone,
    Reorder,
    Traditional,
    Separators,
    Deletion,
    Filler,
    Mixture,
}

impl Edit {
    pub(crate) const ALL: [Self; 11] = [
        Self::Emoji,
        Self::Synonym,
        Self::Suffix,
        Self::Contact,
        Self::Homophone,
        Self::Reorder,
        Self::Traditional,
        Self::Separators,
        Self::Deletion,
        Self::Filler,
        Self::Mixture,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Emoji => "emoji",
            Self::Synonym => "synonym",
            Self::Suffix => "suffix",
            Self::Contact => "contact",
            Self::Homophone => "homophone",
            Self::Reorder => "reorder",
            Self::Traditional => "tradit.",
            Self::Separators => "separat.",
            Self::Deletion => "deletion",
            Self::Filler => "filler",
            Self::Mixture => "mixture",
        }
    }
}

const SYMBOLS: [char; 16] =
    ['😀', '🔥', '❤', '👍', '✨', '🎉', '！', '～', '…', '。', '，', '★', '、', '💰', '👉', '~'];
const SEPARATORS: [char; 8] = [' ', '.', '-', '*', '_', '|', '\u{200B}', '·'];
const FILLERS: [&str; 12] =
    ["真的", "其实", "就是", "啊", "呢", "哈", "那个", "然后", "反正", "说实话", "的话", "嘛"];
const SUFFIXES: [&str; 10] = [
    "#今日推荐#",
    "@小助手",
    "#好物分享#",
    " @生活小记 ",
    "求转发",
    "[赞]",
    "欢迎关注",
    "#日常#",
    "好评",
    "[鲜花][鲜花]",
];
/// Words and what may stand for them.
const SYNONYMS: [(&str, &str); 64] = [
    ("非常", "特别"),
    ("喜欢", "喜爱"),
    ("不错", "挺好"),
    ("觉得", "认为"),
    ("因为", "由于"),
    ("但是", "不过"),
    ("可以", "能够"),
    ("知道", "清楚"),
    ("马上", "立刻"),
    ("开始", "起初"),
    ("现在", "如今"),
    ("问题", "毛病"),
    ("时候", "时刻"),
    ("没有", "没"),
    ("东西", "物品"),
    ("便宜", "实惠"),
    ("漂亮", "好看"),
    ("朋友", "友人"),
    ("所有", "全部"),
    ("一定", "肯定"),
    ("需要", "要"),
    ("如果", "要是"),
    ("已经", "早已"),
    ("我们", "咱们"),
    ("怎么", "如何"),
    ("什么", "啥"),
    ("为什么", "为何"),
    ("感觉", "感到"),
    ("方便", "便利"),
    ("速度", "速率"),
    ("价格", "价钱"),
    ("质量", "品质"),
    ("服务", "服侍"),
    ("联系", "联络"),
    ("免费", "不要钱"),
    ("赚钱", "挣钱"),
    ("推荐", "安利"),
    ("希望", "盼望"),
    ("还是", "仍是"),
    ("就是", "便是"),
    ("这个", "此"),
    ("那个", "那"),
    ("大家", "各位"),
    ("今天", "今日"),
    ("明天", "明日"),
    ("晚上", "夜里"),
    ("很", "挺"),
    ("都", "全"),
    ("好", "棒"),
    ("看", "瞧"),
    ("吃", "品尝"),
    ("买", "购买"),
    ("说", "讲"),
    ("想", "打算"),
    ("大", "巨大"),
    ("小", "细小"),
    ("快", "迅速"),
    ("给", "送"),
    ("和", "与"),
    ("人", "人士"),
    ("去", "前往"),
    ("来", "过来"),
    ("用", "使用"),
    ("是", "乃"),
];

/// Makes edited copies.
pub(crate) struct Editor {
    traditional: HashMap<char, char>,
    /// Characters of one reading, common ones first as the table lists them.
    sounds: HashMap<char, Vec<char>>,
}

impl Editor {
    pub(crate) fn new(file: impl Fn(&str) -> String) -> Self {
        let rows = |text: &str| -> Vec<(char, String)> {
            let rows =
                text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
            rows.filter_map(|(left, right)| Some((left.chars().next()?, right.to_owned()))).collect()
        };
        let mut traditional = HashMap::new();
        for (from, to) in rows(&file("fold/hant.tsv")) {
            let to = to.chars().next().unwrap_or(from);
            // The first form that has a code point in the main block is the usual one.
            if ('\u{4E00}'..='\u{9FFF}').contains(&from) {
                traditional.entry(to).or_insert(from);
            }
        }
        // Only characters of the table of pairs are ordinary.
        let bigrams = file("fold/bigrams.tsv");
        let mut common: HashMap<char, usize> = HashMap::new();
        for line in bigrams.lines().filter(|line| !line.starts_with('#')) {
            line.chars().take(2).for_each(|c| *common.entry(c).or_default() += 1);
        }
        let mut readings: HashMap<String, Vec<char>> = HashMap::new();
        for (c, sounds) in rows(&file("fold/readings.tsv")) {
            if common.get(&c).is_some_and(|uses| *uses >= 5)
                && let Some(sound) = sounds.split(' ').next()
            {
                readings.entry(sound.to_owned()).or_default().push(c);
            }
        }
        let mut sounds = HashMap::new();
        for group in readings.values().filter(|group| group.len() > 1) {
            for c in group {
                let others = group.iter().copied().filter(|other| other != c).collect();
                sounds.insert(*c, others);
            }
        }
        Self { traditional, sounds }
    }

    /// An edited copy; none where the text has nothing that this edit could change.
    pub(crate) fn apply(&self, edit: Edit, text: &str, random: &mut Random) -> Option<String> {
        let chars: Vec<char> = text.chars().collect();
        let per = |one_in: usize| (chars.len() / one_in).max(1);
        let edited = match edit {
            Edit::Emoji => insert(&chars, per(15).min(6), random, |r| SYMBOLS[r.below(16)].to_string()),
            Edit::Separators => insert(&chars, per(6), random, |r| SEPARATORS[r.below(8)].to_string()),
            Edit::Filler => insert(&chars, per(20), random, |r| FILLERS[r.below(12)].to_owned()),
            Edit::Suffix => format!("{text}{}", SUFFIXES[random.below(10)]),
            Edit::Synonym => synonyms(text, per(12), random)?,
            Edit::Contact => text.to_owned(),
            Edit::Homophone => self.homophones(&chars, per(20), random)?,
            Edit::Reorder => reorder(text, random)?,
            Edit::Traditional => chars.iter().map(|c| *self.traditional.get(c).unwrap_or(c)).collect(),
            Edit::Deletion => {
                let length = per(10);
                let start = random.below(chars.len() + 1 - length);
                chars[..start].iter().chain(&chars[start + length..]).collect()
            }
            Edit::Mixture => self.mixture(text, random)?,
        };
        Some(edited)
    }

    /// Three different edits, one after the other.
    fn mixture(&self, text: &str, random: &mut Random) -> Option<String> {
        let mut edited = text.to_owned();
        let mut kinds: Vec<Edit> = Edit::ALL[..10].to_vec();
        let mut done = 0;
        while done < 3 && !kinds.is_empty() {
            let kind = kinds.swap_remove(random.below(kinds.len()));
            if let Some(next) = self.apply(kind, &edited, random).filter(|next| *next != edited) {
                edited = next;
                done += 1;
            }
        }
        (done == 3).then_some(edited)
    }

    fn homophones(&self, chars: &[char], count: usize, random: &mut Random) -> Option<String> {
        let places: Vec<usize> = (0..chars.len()).filter(|i| self.sounds.contains_key(&chars[*i])).collect();
        let mut edited = chars.to_vec();
        for _ in 0..count {
            let place = *places.get(random.below(places.len().max(1)))?;
            let others = &self.sounds[&chars[place]];
            edited[place] = others[random.below(others.len())];
        }
        Some(edited.into_iter().collect())
    }
}

/// A text that ends in a contact, and the same with another one.
pub(crate) fn with_contact(text: &str, random: &mut Random) -> String {
    let digits: String = (0..9).map(|_| char::from(b'0' + random.below(10) as u8)).collect();
    let letters: String = (0..6).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
    match random.below(4) {
        0 => format!("{text}加微信{letters}{}", &digits[..3]),
        1 => format!("{text}加微信{letters}{}", &digits[..4]),
        2 => format!("{text}加微信{letters}"),
        _ => format!("{text}加微信1{digits}5"),
    }
}

fn insert(chars: &[char], count: usize, random: &mut Random, what: impl Fn(&mut Random) -> String) -> String {
    let mut places: Vec<usize> = (0..count).map(|_| random.below(chars.len() + 1)).collect();
    places.sort_unstable();
    let (mut out, mut done) = (String::new(), 0);
    for place in places {
        out.extend(&chars[done..place]);
        out.push_str(&what(random));
        done = place;
    }
    out.extend(&chars[done..]);
    out
}

fn synonyms(text: &str, count: usize, random: &mut Random) -> Option<String> {
    let mut found: Vec<(usize, &str, &str)> = Vec::new();
    for (a, b) in SYNONYMS {
        for (from, to) in [(a, b), (b, a)] {
            found.extend(text.match_indices(from).map(|(at, _)| (at, from, to)));
        }
    }
    let mut edited = text.to_owned();
    let mut changed: Vec<(usize, &str, &str)> = Vec::new();
    while changed.len() < count && !found.is_empty() {
        let next = found.swap_remove(random.below(found.len()));
        let is_free =
            |(at, from, _): &(usize, &str, &str)| next.0 + next.1.len() <= *at || at + from.len() <= next.0;
        if changed.iter().all(is_free) {
            changed.push(next);
        }
    }
    changed.sort_unstable_by_key(|(at, ..)| std::cmp::Reverse(*at));
    for (at, from, to) in &changed {
        edited.replace_range(*at..at + from.len(), to);
    }
    (!changed.is_empty()).then_some(edited)
}

/// Swaps two neighbouring clauses, or the halves of a text that has none.
fn reorder(text: &str, random: &mut Random) -> Option<String> {
    let mut clauses: Vec<&str> = text.split(['，', '。', '！', '？', ',', ' ', '；', '\n']).collect();
    clauses.retain(|clause| !clause.is_empty());
    if clauses.len() < 2 {
        let middle = text.char_indices().nth(text.chars().count() / 2)?.0;
        let (left, right) = text.split_at(middle);
        return Some(format!("{right}，{left}"));
    }
    let first = random.below(clauses.len() - 1);
    clauses.swap(first, first + 1);
    Some(clauses.join("，"))
}
