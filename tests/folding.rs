//! What folds to what, and where it came from.

use qingliu::engine::embedded_files;
use qingliu::text::{FoldTable, FoldedText, SymbolRange, Transforms};

fn table() -> FoldTable {
    let files = embedded_files();
    FoldTable::build(|name| files.iter().find(|f| f.path == format!("fold/{name}")).map(|f| f.text.as_str()))
        .expect("the shipped tables")
}

fn fold(table: &FoldTable, text: &str) -> FoldedText {
    let mut folded = FoldedText::default();
    folded.fold(table, text);
    folded
}

#[test]
fn every_kind_of_disguise_folds_away() {
    let table = table();
    for (text, plain, what) in [
        ("ＶＸ１３８", "vx138", Transforms::WIDTH),
        ("VX", "vx", Transforms::CASE),
        ("賭博公衆號", "赌博公众号", Transforms::HANT),
        ("薬", "药", Transforms::HANT),
        ("⼊⼝", "入口", Transforms::RADICAL),
        ("ⓥⓧ🅅🅇", "vxvx", Transforms::STYLED),
        ("𝐯𝐱𝟏𝟐", "vx12", Transforms::STYLED),
        ("ᴠx", "vx", Transforms::STYLED),
        ("①⑴⒈❶㊀⁹₈", "1111一98", Transforms::STYLED),
        ("⑽Ⅷ", "10viii", Transforms::STYLED),
        ("ѵхv", "vxv", Transforms::LOOK_ALIKE),
        ("微\u{200B}信", "微信", Transforms::INVISIBLE),
        ("微\u{AD}信\u{FEFF}号", "微信号", Transforms::INVISIBLE),
        ("微\u{3164}信", "微信", Transforms::INVISIBLE),
        ("微\u{1}\u{1b}\u{9f}信", "微信", Transforms::INVISIBLE),
        ("微\u{202E}信", "微信", Transforms::BIDI),
        ("微\u{FE0F}信", "微信", Transforms::SELECTOR),
        ("微\u{ABED}信\u{20E3}", "微信", Transforms::COMBINING),
        ("1\u{FE0F}\u{20E3}3\u{FE0F}\u{20E3}", "13", Transforms::COMBINING),
        ("微&#20449;", "微信", Transforms::ESCAPE),
        ("%E5%BE%AE%E4%BF%A1", "微信", Transforms::ESCAPE),
        ("\\u5fae\\u4fe1", "微信", Transforms::ESCAPE),
        ("臺(tái)灣(wān)", "台湾", Transforms::GLOSS),
        ("微（wei）信【xìn】", "微信", Transforms::GLOSS),
        ("賭(ㄉㄨˇ)博", "赌博", Transforms::GLOSS),
    ] {
        let folded = fold(&table, text);
        assert_eq!(folded.plain(), plain, "{text:?}");
        let all = SymbolRange { start: 0, end: u32::try_from(folded.symbols().len()).unwrap() };
        assert!(
            folded.transforms_of(all, false).contains(what),
            "{text:?}: {:?}",
            folded.transforms_of(all, false)
        );
        let span = folded.source_span(all);
        assert_eq!(&text[span.start as usize..span.end as usize], text, "{text:?}");
    }
}

#[test]
fn ordinary_text_stays_as_it_is() {
    let table = table();
    for text in [
        "一条下三滥的消息,嘻嘻哈哈",
        "营业时间(9:00-21:00),电话(官方)",
        "苹果(apple)和香蕉(banana)",
        "打折50%20元封顶",
        "это просто текст",
        "αβγ и так далее",
        "余地、芸豆、叶子、皇后、里面",
        "a&b;c & d",
        "c:\\users\\name",
        "微(官方)信",
    ] {
        assert_eq!(fold(&table, text).plain(), text);
    }
}

#[test]
fn look_alikes_fold_inside_latin_words_and_beside_han_only() {
    let table = table();
    for (text, plain) in
        [("wехin", "wexin"), ("加ѵх", "加vx"), ("сосед", "сосед"), ("он сам", "он сам"), ("Ԛq群", "qq群")]
    {
        assert_eq!(fold(&table, text).plain(), plain, "{text}");
    }
}

#[test]
fn the_dense_view_drops_separators_and_maps_back() {
    let table = table();
    let text = "加❤微·信 ＡＢ！";
    let folded = fold(&table, text);
    assert_eq!((folded.plain(), folded.dense()), ("加❤微·信 ab!", "加微信ab"));
    let range = folded.from_dense(0, 3);
    let span = folded.source_span(range);
    assert_eq!(&text[span.start as usize..span.end as usize], "加❤微·信");
    assert_eq!(folded.transforms_of(range, true), Transforms::DROP_NOISE);
}

#[test]
fn fields_stay_apart() {
    let table = table();
    let mut folded = FoldedText::default();
    folded.push_field(&table, "加微");
    folded.push_field(&table, "\u{0301}信号");
    assert_eq!((folded.plain(), folded.dense()), ("加微\n信号", "加微信号"));
    let symbol = |index| SymbolRange { start: index, end: index + 1 };
    assert_eq!(folded.source_span(symbol(1)).field, 0);
    // The stray mark belongs to nothing in its own field, and not to the field before.
    assert_eq!((folded.source_span(symbol(1)).end, folded.source_span(symbol(3)).field), (6, 1));
    assert_eq!(folded.source_span(symbol(3)).start, 2);
}

#[test]
fn every_code_point_folds_to_something_that_stays_as_it_is() {
    let table = table();
    let (mut once, mut twice, mut wrong) = (FoldedText::default(), FoldedText::default(), Vec::new());
    for c in '\0'..=char::MAX {
        once.fold(&table, c.encode_utf8(&mut [0; 4]));
        twice.fold(&table, once.plain());
        if once.plain() != twice.plain() {
            wrong.push(format!("U+{:04X} {} {}", u32::from(c), once.plain(), twice.plain()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_an_override_shows_backward_is_read_as_it_is_shown() {
    let table = table();
    for (text, plain) in [
        ("加\u{202E}信微\u{202C}号", "加微信号"),
        ("\u{202E}21xv加", "加vx12"),
        ("\u{202E}信微\n号众公\u{202C}吗", "微信\n公众号吗"),
        ("\u{202E}信\u{202A}微\u{202C}加\u{202C}我", "加微信我"),
        ("微\u{202E}信", "微信"),
        ("加\u{200F}微\u{2067}信\u{2069}", "加微信"),
    ] {
        let folded = fold(&table, text);
        assert_eq!(folded.plain(), plain, "{text:?}");
        let places = folded.symbols().iter().map(|symbol| (symbol.source_start, symbol.source_end));
        assert!(places.is_sorted(), "{text:?}");
    }
}

#[test]
fn encoded_runs_are_read_and_quoted_whole() {
    let table = table();
    let folded = fold(&table, "加5b6u5L+h，5Yaw5q+S546w6LSn好");
    assert_eq!(folded.plain(), "加微信,冰毒现货好");
    let span = folded.source_span(SymbolRange { start: 2, end: 3 });
    assert_eq!((span.start, span.end), (3, 11));
}
