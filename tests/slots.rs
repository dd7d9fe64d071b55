//! Contacts and addresses, brought to one value.

use jiff::civil::date;
use qingliu::engine::{Bundle, Scratch, embedded_files, inspect};
use qingliu::model::Item;

#[test]
fn contacts_are_read_through_any_alphabet_and_separator() {
    let bundle = Bundle::load(&embedded_files(), date(2026, 11, 21)).unwrap();
    let mut scratch = Scratch::default();
    for (text, want) in [
        ("电话13800001234", "phone 13800001234"),
        ("138-0000-1234", "phone 13800001234"),
        ("+86 138 0000 1234", "phone 13800001234"),
        ("①③⑧00001贰叁肆", "phone 13800001234"),
        ("1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣0️⃣1️⃣2️⃣3️⃣4️⃣", "phone 13800001234"),
        ("幺三八零零零零幺二三四", "phone 13800001234"),
        ("１３８.００００.１２３４", "phone 13800001234"),
        ("客服400-800-1234", "phone 4008001234"),
        ("卡号 6222021234567890128", "bank_card 6222021234567890128"),
        ("加微信：Abc_12345", "wechat abc_12345"),
        ("加vx 13800001234", "wechat 13800001234"),
        ("加ⓋⓍ：ａｂｃ１２３４５", "wechat abc12345"),
        ("微 信 a b c 1 2 3 4 5", "wechat abc12345"),
        ("QQ：⑴⑵③④5⑥七", "qq 1234567"),
        ("qq群号是 123456789", "qq 123456789"),
        ("t.me/abcdef", "telegram t.me/abcdef"),
        ("t。me/abcdef", "telegram t.me/abcdef"),
        ("a_b@mail.example.com", "email a_b@mail.example.com"),
        ("看 www.Example.com/path?x=1 吧", "url www.example.com/path?x=1"),
        ("example点com", "url example.com"),
        ("example 。com", "url example.com"),
        ("hxxp://a[.]example[.]com/x", "url a.example.com/x"),
        ("http://192.0.2.7:8080/x", "url 192.0.2.7"),
        ("今天3.14分，比昨天2.50好", ""),
        ("2024-11-21 13:56:00", ""),
        ("第1、2、3、4、5、6、7、8、9、10、11条", ""),
        ("身高175，体重60，年龄28", ""),
        ("main.rs和README.md", ""),
        ("微信 今天聊得很开心", ""),
        ("订单号20261121000123456789", ""),
        ("一九九八年三月二十一日", ""),
    ] {
        let findings = inspect(&bundle, &Item::from_text(text), &mut scratch).unwrap();
        let slots = &findings.matches.slots;
        let found: Vec<String> =
            slots.iter().map(|slot| format!("{} {}", slot.kind.as_str(), slot.canonical)).collect();
        assert_eq!(found.join(" | "), want, "{text}");
    }
}
