//! The words for signals, families and what they are compared with, in Chinese and English.

use crate::decide::Language;
use crate::engagement::{Cohort, Family, Kind, Prior, Reason, Signal, SignalName, Tail, TargetKind};

fn pick(language: Language, zh: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Chinese => zh,
        Language::English => en,
    }
}

/// What a signal counts.
fn subject(name: SignalName, language: Language) -> &'static str {
    let (zh, en) = match name {
        SignalName::Burst => ("次互动发生在本小时", "actions in this hour"),
        SignalName::YoungShare => ("个互动账号注册不足 30 天", "acting accounts are younger than 30 days"),
        SignalName::YoungShareDay => {
            ("个互动账号注册不足 30 天（24 小时内）", "acting accounts of 24 h are younger than 30 days")
        }
        SignalName::YoungReaders => ("个阅读账号注册不足 30 天", "reading accounts are younger than 30 days"),
        SignalName::LowCredit => ("个互动账号信用等级低", "acting accounts have a low credit tier"),
        SignalName::SharedDevices => {
            ("个互动账号与他人共用设备", "acting accounts are on a device that another account used here")
        }
        SignalName::SharedDevicesDay => (
            "个互动账号与他人共用设备（24 小时内）",
            "acting accounts of 24 h are on a device that another account used here",
        ),
        SignalName::ReaderDevices => {
            ("个阅读账号与他人共用设备", "reading accounts are on a device that another account used here")
        }
        SignalName::ReaderDevicesDay => (
            "个阅读账号与他人共用设备（24 小时内）",
            "reading accounts of 24 h are on a device that another account used here",
        ),
        SignalName::SharedNetworks => {
            ("个互动账号与他人共用网络", "acting accounts are on a network that another account used here")
        }
        SignalName::ReaderNetworks => {
            ("个阅读账号与他人共用网络", "reading accounts are on a network that another account used here")
        }
        SignalName::Repeats => ("次互动由同一账号重复作出", "actions repeat one of the same account"),
        SignalName::RereadShare => ("次阅读由同一账号重复作出", "reads repeat one of the same account"),
        SignalName::CoTarget => {
            ("个账号同时互动了同一另外对象", "accounts also acted on one and the same other target")
        }
        SignalName::Company => {
            ("个账号在别处也结伴互动", "accounts keep company with each other at other targets too")
        }
        SignalName::CompanyDay => (
            "个账号在别处也结伴互动（24 小时内）",
            "accounts of 24 h keep company with each other at other targets too",
        ),
        SignalName::KindMix => ("次互动属同一类型", "actions are of one kind"),
        SignalName::KindMixDay => ("次互动属同一类型（24 小时内）", "actions of 24 h are of one kind"),
        SignalName::Churn => ("次操作撤销了一天内的关注", "actions undo a follow made within the last day"),
        SignalName::ChurnDay => (
            "次操作撤销了一天内的关注（24 小时内）",
            "actions of 24 h undo a follow made within a day before",
        ),
        SignalName::MassUnfollow => ("次取消关注", "follows were taken back"),
        SignalName::Regularity => ("个间隔", "gaps between actions"),
        SignalName::RegularityDay => ("个间隔（24 小时内）", "gaps between actions of 24 h"),
        SignalName::NeverExposed => {
            ("次互动来自此前未读过该对象的账号", "actions are by accounts that had not read the target")
        }
        SignalName::NeverExposedDay => (
            "次互动来自此前未读过该对象的账号（24 小时内）",
            "actions of 24 h are by accounts that had not read the target",
        ),
        SignalName::UnreadUnfollows => {
            ("次取消关注来自此前未读过该对象的账号", "unfollows are by accounts that had not read the target")
        }
        SignalName::Conversion => ("个阅读账号随即互动", "reading accounts acted too"),
        SignalName::FollowerChange => ("个关注者的变动", "followers gained or lost"),
        SignalName::UnexplainedFollowers => (
            "个关注者的变动没有对应的关注或取关记录",
            "followers gained or lost without a follow or unfollow that was seen",
        ),
    };
    pick(language, zh, en)
}

/// What an expectation rests on.
fn prior(prior: Prior, language: Language) -> &'static str {
    let (zh, en) = match prior {
        Prior::Cohort => ("同类对象", "similar targets"),
        Prior::Own => ("该对象自身以往", "this target's own past"),
        Prior::Chance => ("偶然", "chance"),
    };
    pick(language, zh, en)
}

/// The name of a family.
pub(super) fn family(family: Family, language: Language) -> &'static str {
    let (zh, en) = match family {
        Family::Burst => ("突增", "burst"),
        Family::Young => ("新号或低信用账号", "new or low-credit accounts"),
        Family::Concentration => ("设备集中", "few devices"),
        Family::Lockstep => ("步调一致", "lockstep"),
        Family::Mix => ("互动构成", "mix of kinds"),
        Family::Churn => ("关注后撤销", "follows taken back"),
        Family::Regularity => ("间隔规律", "even gaps"),
        Family::Exposure => ("未读即互动", "acting without reading"),
        Family::Followers => ("关注数变动", "follower counts"),
    };
    pick(language, zh, en)
}

/// What was done.
fn kind_name(kind: Kind, language: Language) -> &'static str {
    let (zh, en) = match kind {
        Kind::Read => ("阅读", "reads"),
        Kind::Like => ("点赞", "likes"),
        Kind::Repost => ("转发", "reposts"),
        Kind::Comment => ("评论", "comments"),
        Kind::Follow => ("关注", "follows"),
        Kind::Unfollow => ("取消关注", "unfollows"),
    };
    pick(language, zh, en)
}

/// Why an operator registered a window.
pub(super) fn reason(reason: Reason, language: Language) -> &'static str {
    let (zh, en) = match reason {
        Reason::Lottery => ("抽奖活动", "prize draw"),
        Reason::Push => ("平台推荐", "recommended by the platform"),
        Reason::Import => ("数据导入", "import of counts"),
        Reason::Merge => ("账号合并", "merger of accounts"),
        Reason::Exempt => ("豁免", "exempt"),
    };
    pick(language, zh, en)
}

/// The cohort: kind, size and age.
pub(super) fn cohort(cohort: Cohort, language: Language) -> String {
    let kind = match cohort.kind {
        TargetKind::Account => pick(language, "账号", "accounts"),
        TargetKind::Post => pick(language, "帖子", "posts"),
        TargetKind::Other => pick(language, "其他对象", "other targets"),
    };
    let age = match (cohort.is_new, language) {
        (true, Language::Chinese) => "，首次出现不足 7 天",
        (true, Language::English) => ", first seen less than 7 days ago",
        (false, Language::Chinese | Language::English) => "",
    };
    match language {
        Language::Chinese => format!("{kind}，规模级 {}{age}", cohort.size),
        Language::English => format!("{kind} of size class {}{age}", cohort.size),
    }
}

/// One sentence for a signal, with its numbers.
pub(super) fn sentence(signal: &Signal, language: Language) -> String {
    let Signal { k, n, expected, .. } = *signal;
    let (subject, prior) = (subject(signal.name, language), prior(signal.prior, language));
    let body = match (signal.tail, language) {
        (Tail::BetaBinomial, Language::Chinese) => {
            format!("{n} 中有 {k} {subject}；{prior}通常为 {}", share(expected))
        }
        (Tail::BetaBinomial, Language::English) => {
            format!("{k} of {n} {subject}; {} is usual ({prior})", share(expected))
        }
        (Tail::NegativeBinomial, Language::Chinese) => {
            format!("{k} {subject}；按{prior}预期约 {}", number(expected))
        }
        (Tail::NegativeBinomial, Language::English) => {
            format!("{k} {subject}; {} expected ({prior})", number(expected))
        }
        (Tail::NegativeBinomialLower, Language::Chinese) => {
            format!("仅 {k} {subject}；按{prior}预期约 {}", number(expected))
        }
        (Tail::NegativeBinomialLower, Language::English) => {
            format!("only {k} {subject}; {} expected ({prior})", number(expected))
        }
        (Tail::Regularity, Language::Chinese) => {
            format!("{n} {subject}比独立访客的均匀 {} 倍", number(expected / k.max(1e-3)))
        }
        (Tail::Regularity, Language::English) => {
            let times = number(expected / k.max(1e-3));
            format!("{n} {subject} are {times} times more even than those of independent visitors")
        }
    };
    let body = match (signal.kind.map(|kind| kind_name(kind, language)), language) {
        (None, _) => body,
        (Some(kind), Language::Chinese) => format!("{body}（类型：{kind}）"),
        (Some(kind), Language::English) => format!("{body}: {kind}"),
    };
    match (signal.raised, language) {
        (false, _) => body,
        (true, Language::Chinese) => format!("{body}（因已登记的活动而提高预期）"),
        (true, Language::English) => format!("{body} (expectation raised by a registered window)"),
    }
}

/// A share as people read it.
pub(super) fn share(value: f64) -> String {
    let percent = value * 100.0;
    if percent < 1.0 { format!("{percent:.2} %") } else { format!("{percent:.1} %") }
}

/// A mean as people read it.
pub(super) fn number(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}
