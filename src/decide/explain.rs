//! Reasons as people read them, in Chinese and English.

use crate::model::{
    CoordinationDetail, CopiedDetail, Decision, EngagementDetail, Evidence, EvidenceKind, Taxonomy, Verdict,
};

/// The language of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

/// Names of the transforms for people: identifier, Chinese, English.
const TRANSFORM_NAMES: [(&str, &str, &str); 25] = [
    ("width", "全角/半角", "full or half width"),
    ("case", "大小写", "letter case"),
    ("t2s", "繁体或异体字", "traditional or variant characters"),
    ("radical", "部首代字", "radicals for characters"),
    ("styled", "花式字母或数字", "styled letters or digits"),
    ("compat", "兼容字符", "compatibility characters"),
    ("look_alike", "形似字母", "look-alike letters"),
    ("escape", "转义编码", "escaped characters"),
    ("gloss", "括号注音", "readings in brackets"),
    ("invisible", "不可见字符", "invisible characters"),
    ("bidi", "文字方向控制符", "text-direction controls"),
    ("selector", "变体选择符", "variation selectors"),
    ("combining", "组合附加符", "combining marks"),
    ("drop_blank", "插入空格", "blanks in between"),
    ("drop_noise", "插入符号", "symbols in between"),
    ("read_as", "以字代数或代点", "words for digits or dots"),
    ("sound", "谐音", "written by sound"),
    ("shape", "形近字", "look-alike character"),
    ("split", "拆字", "split into parts"),
    ("reversed", "颠倒语序", "in another order"),
    ("repeated", "重复字", "repeated characters"),
    ("filler", "夹杂字母或虚字", "letters or particles in between"),
    ("initials", "拼音首字母", "initials only"),
    ("pinyin", "拼音或注音", "pinyin or zhuyin"),
    ("across_fields", "分写在多个字段", "split between fields"),
];

/// One sentence for a piece of evidence.
pub fn sentence(taxonomy: &Taxonomy, evidence: &Evidence, language: Language) -> String {
    if let Some(detail) = &evidence.detail.coordination {
        return coordination(detail, language);
    }
    if let Some(detail) = &evidence.detail.copied {
        return copied(detail, language);
    }
    if let Some(detail) = &evidence.detail.engagement {
        return engagement(detail, language);
    }
    let label = label_name(taxonomy, &evidence.label, language);
    let points = format!("{:+.2}", evidence.weight);
    let undone = undone(&evidence.transforms, language);
    let matched = shorten(&evidence.matched);
    let necessary = match (evidence.necessary, language) {
        (false, _) => "",
        (true, Language::Chinese) => "；缺此项则处置减轻",
        (true, Language::English) => "; without it the verdict would be milder",
    };
    let note =
        evidence.detail.note.as_deref().map(|note| format!(" [{}]", shorten(note))).unwrap_or_default();
    let body = match (evidence.kind, language) {
        (EvidenceKind::Contact, Language::Chinese) => format!("出现联系方式“{matched}”（{}）", evidence.rule),
        (EvidenceKind::Contact, Language::English) => {
            format!("a way to get in touch, “{matched}” ({})", evidence.rule)
        }
        (EvidenceKind::Rule, Language::Chinese) if evidence.weight < 0.0 => {
            format!("减轻规则 {}（自“{matched}”起）", evidence.rule)
        }
        (EvidenceKind::Rule, Language::English) if evidence.weight < 0.0 => {
            format!("mitigating rule {} (from “{matched}”)", evidence.rule)
        }
        (EvidenceKind::Rule, Language::Chinese) => {
            format!("符合“{label}”规则 {}（自“{matched}”起）", evidence.rule)
        }
        (EvidenceKind::Rule, Language::English) => {
            format!("rule {} for {label} holds (from “{matched}”)", evidence.rule)
        }
        (_, Language::Chinese) => format!("“{matched}”命中“{label}”词条 {}", evidence.rule),
        (_, Language::English) => format!("“{matched}” hits term {} for {label}", evidence.rule),
    };
    match language {
        Language::Chinese => format!("{body}{undone}，计 {points} 分{necessary}{note}"),
        Language::English => format!("{body}{undone}, {points}{necessary}{note}"),
    }
}

/// One sentence for a copied original.
fn copied(detail: &CopiedDetail, language: Language) -> String {
    let CopiedDetail { of, account, longest_passage_chars: longest, .. } = detail;
    let (share, original) = (detail.share * 100.0, detail.share_of_original * 100.0);
    let (of, account) = (shorten(of), shorten(account));
    match language {
        Language::Chinese => format!(
            "疑似搬运：本文约 {share:.0}% 见于账号 {account} 在先发布的 {of}（占其 {original:.0}%），最长相同段落 {longest} 字，未注明出处；仅供复审"
        ),
        Language::English => format!(
            "perhaps copied: some {share:.0} % of this stands in the earlier {of} by {account} ({original:.0} % of that), the longest passage has {longest} characters, and no source is named; for review only"
        ),
    }
}

/// One sentence for a target's hour.
fn engagement(detail: &EngagementDetail, language: Language) -> String {
    let EngagementDetail { hour, events, engagement_score: score, threshold, families, .. } = detail;
    match language {
        Language::Chinese => format!(
            "{hour} 起一小时的 {events} 次互动与同类对象相比不寻常（{}）：{score} 分，阈值 {threshold}",
            families.join("、")
        ),
        Language::English => format!(
            "the {events} actions in the hour from {hour} are unusual compared with similar targets ({}): {score} where {threshold} \
             is the threshold",
            families.join(", ")
        ),
    }
}

/// Names of the families of evidence for people: identifier, Chinese, English.
const FAMILY_NAMES: [(&str, &str, &str); 14] = [
    ("burst", "集中时段发布", "posted in one burst"),
    ("rhythm", "发布间隔规律", "posted at even intervals"),
    ("repeat", "多次共同出现", "together in other clusters too"),
    ("device", "共用设备", "on shared devices"),
    ("registration", "多为新注册", "young"),
    ("batch", "同批注册", "registered in one batch"),
    ("network", "共用专属网络", "on a network of their own"),
    ("roaming", "每次使用陌生网络", "from a strange network each time"),
    ("takeover", "使用陌生设备", "on a device new to the account"),
    ("awakening", "沉寂多日后重新活跃", "back after days of silence"),
    ("contacts", "轮换或共用联系方式", "with rotating or shared contacts"),
    ("content", "内容本身需复审", "with content that calls for review"),
    ("unseen", "此前从未出现", "never seen before"),
    ("company", "反复与上述账号同句回复", "answer in the same words as these again and again"),
];

/// One sentence for a cluster: how large it is, and each family with its numbers.
fn coordination(detail: &CoordinationDetail, language: Language) -> String {
    let families: Vec<String> = detail
        .families
        .iter()
        .map(|family| {
            let names = FAMILY_NAMES.iter().find(|(id, _, _)| *id == family.name);
            let (zh, en) = names.map_or(("", ""), |(_, zh, en)| (*zh, *en));
            let (k, n, share) = (family.k, family.n, family.expected * 100.0);
            match language {
                Language::Chinese => format!("{k}/{n} 个账号{zh}（预期 {share:.2}%）"),
                Language::English => format!("{k} of {n} accounts {en} (expected {share:.2} %)"),
            }
        })
        .collect();
    let (accounts, posts, cluster) = (detail.accounts, detail.posts, &detail.cluster);
    match language {
        Language::Chinese => {
            format!("{accounts} 个账号发布 {posts} 条雷同内容（{cluster}）：{}", families.join("；"))
        }
        Language::English => format!(
            "{accounts} accounts published the same text {posts} times ({cluster}): {}",
            families.join("; ")
        ),
    }
}

/// One line for the verdict as a whole.
pub fn headline(taxonomy: &Taxonomy, decision: &Decision, language: Language) -> String {
    let label = decision.labels.first().filter(|_| decision.verdict != Verdict::Pass);
    let label = label.map(|top| label_name(taxonomy, &top.label, language));
    let verdict = verdict_name(decision.verdict, language);
    match (label, language) {
        (Some(label), Language::Chinese) => format!("{verdict}：{label}（{:.2} 分）", decision.score),
        (Some(label), Language::English) => format!("{verdict}: {label} ({:.2})", decision.score),
        (None, _) => verdict.to_owned(),
    }
}

/// What would have to go for a milder verdict, as one line; nothing on `pass`.
pub fn counterfactual(decision: &Decision, language: Language) -> Option<String> {
    let counterfactual = decision.counterfactual.as_ref()?;
    let numbers: Vec<String> = counterfactual.without.iter().map(|index| (index + 1).to_string()).collect();
    let verdict = verdict_name(counterfactual.verdict, language);
    Some(match language {
        Language::Chinese => format!("若无第 {} 项证据，则为“{verdict}”", numbers.join("、")),
        Language::English => format!("without evidence {} it would be “{verdict}”", numbers.join(", ")),
    })
}

fn verdict_name(verdict: Verdict, language: Language) -> &'static str {
    match (verdict, language) {
        (Verdict::Pass, Language::Chinese) => "通过",
        (Verdict::Limit, Language::Chinese) => "限流",
        (Verdict::Review, Language::Chinese) => "人工复审",
        (Verdict::Block, Language::Chinese) => "拦截",
        (verdict, Language::English) => verdict.as_str(),
    }
}

fn label_name(taxonomy: &Taxonomy, id: &str, language: Language) -> String {
    let label = taxonomy.find(id).map(|label| taxonomy.label(label));
    match (label, language) {
        (Some(label), Language::Chinese) => label.zh.clone(),
        (Some(label), Language::English) => label.en.clone(),
        (None, Language::Chinese) => "各类".to_owned(),
        (None, Language::English) => "all labels".to_owned(),
    }
}

fn undone(transforms: &[String], language: Language) -> String {
    if transforms.is_empty() {
        return String::new();
    }
    let name = |id: &String| {
        let names = TRANSFORM_NAMES.iter().find(|(known, _, _)| known == id);
        match (names, language) {
            (Some((_, zh, _)), Language::Chinese) => *zh,
            (Some((_, _, en)), Language::English) => *en,
            (None, _) => "",
        }
    };
    let names: Vec<&str> = transforms.iter().map(name).collect();
    match language {
        Language::Chinese => format!("（还原：{}）", names.join("、")),
        Language::English => format!(" (undone: {})", names.join(", ")),
    }
}

/// Longest quotation inside a sentence, in characters.
const QUOTE_CHARS_MAX: usize = 120;

/// Characters that would hide or reorder what a terminal or a page shows.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
    )
}

fn shorten(text: &str) -> String {
    // Whatever would hide, reorder or command on a terminal.
    let visible = |c: char| if c.is_control() || is_invisible(c) { ' ' } else { c };
    let mut quote: String = text.chars().take(QUOTE_CHARS_MAX).map(visible).collect();
    if text.chars().nth(QUOTE_CHARS_MAX).is_some() {
        quote.push('…');
    }
    quote
}
