//! Texts that a program fills from a template: numbers, contacts and a few words change.

use crate::random::Random;

/// Texts of 40 to 80 characters in which numbers, contacts and one to three words change.
pub(crate) const LONG: [&str; 12] = [
    "诚招线上兼职人员，时间自由，在家就能做，每天工作两三个小时，日结{n}元，不收任何费用，有意者请添加微信{id}咨询{job}岗位",
    "本店因店面到期清仓处理，全场{goods}一律{n}元，款式齐全，数量有限，欢迎新老顾客前来选购，地址就在{city}步行街",
    "您好，您在我司申请的额度已经审批通过，可用金额为{n}元，请尽快点击链接{url}完成提现操作，逾期将自动作废",
    "跟着{name}老师学了一个月，真的收获很大，从完全不懂到现在每个月都有稳定收益，想了解的朋友可以加群{id}一起交流",
    "宝子们快看过来，这个{goods}我已经回购了三次了，用完之后效果特别明显，现在官方旗舰店做活动只要{n}元，错过真的会后悔",
    "尊敬的用户，您的账户存在异常登录，为保证您的资金安全，请于{when}之前登录{url}进行身份核验，否则将冻结您的账户",
    "出售一批全新未拆封的{goods}，支持当面验货，支持七天无理由退换，价格美丽，有需要的朋友请联系电话{phone}，非诚勿扰",
    "我们是一家正规的{service}公司，办理速度快，手续简单，无需抵押无需担保，最快{n}分钟到账，详情请咨询客服{id}",
    "今天终于收到了心心念念的{goods}，包装很严实，客服的态度也特别好，整体来说非常满意，推荐大家购买，{city}的物流很快",
    "恭喜您成为本次活动的幸运用户，获得由主办方提供的{gift}一份，请携带本人身份证件到{city}分公司领取，联系电话{phone}",
    "专业承接各类{service}业务，十年经验，团队实力雄厚，先办理后付款，不成功不收费，全程保密，欢迎来电咨询{phone}",
    "这次带着爸妈去{city}玩了一圈，住的酒店位置很方便，楼下就是地铁站，早餐种类丰富，前台小姐姐服务热情，下次还会再来",
];
/// Short texts of which half and more is filled.
pub(crate) const SHORT: [&str; 12] = [
    "{city}本地{job}招聘，日结{n}元，{when}上班，有意加微信{id}",
    "姐妹们这款{goods}真的太{good}了，现在下单立减{n}元，戳{url}",
    "{when}{city}门店开业，{goods}全场{n}折起，前{n}名送{gift}，电话{phone}",
    "专业办理{service}，{n}分钟下款，{good}可靠，不看征信，联系{id}",
    "我在{city}做{job}，一个月赚了{n}，跟着老师{act}就行，微信{id}",
    "家人们，{goods}今天只要{n}块，{act}即可领取{gift}，数量有限",
    "{name}老师的{goods}课程{good}，{when}开课，报名送{gift}，加{id}",
    "急转{city}{goods}一套，{good}，价格{n}，看上的私聊{phone}",
    "{when}最后{n}席，{service}限时{act}，错过再等一年，点{url}",
    "刚收到{goods}，{good}，客服{name}态度也好，推荐给{city}的朋友",
    "想{act}的看过来，{service}{good}，{n}人已加入，进群{id}",
    "恭喜{name}获得{gift}，请在{when}前登录{url}{act}，逾期作废",
];
const CITIES: [&str; 10] = ["北京", "上海", "广州", "深圳", "杭州", "成都", "武汉", "西安", "南京", "哈尔滨"];
const JOBS: [&str; 8] = ["打字员", "手工活", "客服", "带货主播", "刷单", "快递分拣", "游戏陪练", "数据标注"];
const GOODS: [&str; 10] =
    ["面膜", "减肥茶", "二手手机", "理财", "运动鞋", "补习", "保健品", "口红", "电动车", "蓝牙耳机"];
const GOOD: [&str; 8] = ["好用", "靠谱", "划算", "有效", "实在", "非常给力", "物超所值", "安全放心"];
const WHENS: [&str; 8] = ["今天", "明天", "本周末", "月底", "周一", "下周三", "国庆期间", "今晚八点"];
const GIFTS: [&str; 8] = ["礼品", "优惠券", "红包", "试用装", "会员", "充电宝", "神秘大奖", "代金券"];
const SERVICES: [&str; 8] =
    ["信用卡", "网贷", "营业执照", "留学申请", "装修贷", "车辆抵押", "职称代办", "学历提升"];
const ACTS: [&str; 8] = ["操作", "扫码", "免费体验", "报名", "兼职赚钱", "领取", "打卡", "转发朋友圈"];
const NAMES: [&str; 8] = ["小李", "王丽", "陈", "小美", "阿强", "张建国", "欧阳", "思思"];

/// One filled copy of a template.
pub(crate) fn filled(template: &str, random: &mut Random) -> String {
    let mut out = String::new();
    for part in template.split('{') {
        let (kind, rest) = part.split_once('}').unwrap_or(("", part));
        out.push_str(&value(kind, random));
        out.push_str(rest);
    }
    out
}

fn value(kind: &str, random: &mut Random) -> String {
    let words: &[&str] = match kind {
        "city" => &CITIES,
        "job" => &JOBS,
        "goods" => &GOODS,
        "good" => &GOOD,
        "when" => &WHENS,
        "gift" => &GIFTS,
        "service" => &SERVICES,
        "act" => &ACTS,
        "name" => &NAMES,
        "n" => return (random.below(9_000) + 10).to_string(),
        "id" => return format!("wx{}{}", random.below(9_000), random.below(90_000)),
        "phone" => return format!("138{:08}", random.below(100_000_000)),
        "url" => return format!("www.shop{}.com/a{}", random.below(900), random.below(9_000)),
        _ => &[""],
    };
    words[random.below(words.len())].to_owned()
}
