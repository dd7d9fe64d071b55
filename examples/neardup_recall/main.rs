//! How many edited copies of real texts the window finds, and how many other texts it takes for copies:
//! `QINGLIU_DATA=… cargo run --release --example neardup_recall`.
//!
//! With `QINGLIU_MINED` set, only what clusters, templates and boilerplate add is measured; with `QINGLIU_SHOW`, examples are printed.
//!
//! The folder is the one of the project's measuring data; without it nothing is measured. All randomness is seeded. A
//! copy counts as found when its source is among the neighbours, at the level *link*. Organic matches are pairs of
//! distinct real texts, each pair counted for both of its texts, per thousand texts.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, reason = "a program that prints tables")]
#![allow(clippy::cast_precision_loss, reason = "figures of three digits")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]

mod data;
mod edits;
mod mined;
mod random;
mod templates;

use std::collections::BTreeMap;
use std::path::Path;

use qingliu::neardup::{Fingerprint, Neighbour, Strength, Window, WindowLimits};

use data::{Post, Stages};
use edits::{Edit, Editor};
use random::Random;

const CLASSES: [(u32, u32); 6] = [(6, 10), (10, 20), (20, 40), (40, 100), (100, 200), (200, u32::MAX)];
/// Sources per class, each edited in every way.
const SOURCES: usize = 500;
/// Texts for which organic matches at *strong* are limited.
const STRONG_CHARS: u32 = 20;
const TEMPLATE_ROUNDS: usize = 100;
const LIMITS: WindowLimits = WindowLimits { posts: 200_000, span_ms: i64::MAX, late_ms: 1_000 };
/// The time of insertions; queries come late, so that they are looked up only.
const NOW_MS: i64 = 1_000_000;
const LATE_MS: i64 = 0;

fn main() -> anyhow::Result<()> {
    let Some(folder) = std::env::var_os("QINGLIU_DATA") else {
        println!("skipped: QINGLIU_DATA names no folder of measuring data");
        return Ok(());
    };
    let mut stages = Stages::new()?;
    let texts = data::texts(Path::new(&folder), &mut stages)?;
    println!("{} distinct texts", texts.len());
    mined::organic(&texts)?;
    mined::mined(&texts, "long", &templates::LONG)?;
    mined::mined(&texts, "short", &templates::SHORT)?;
    mined::boilerplate(&texts, &mut stages);
    if std::env::var_os("QINGLIU_MINED").is_some() {
        return Ok(());
    }
    let mut window = Window::new(LIMITS);
    organic(&texts, &mut window);
    let files = qingliu::engine::embedded_files();
    let editor = Editor::new(|path| {
        files.iter().find(|file| file.path == path).map(|file| file.text.clone()).unwrap_or_default()
    });
    recall(&texts, &mut window, &mut stages, &editor);
    println!();
    slot_fill(&window, &mut stages, "long", &templates::LONG);
    slot_fill(&window, &mut stages, "short", &templates::SHORT);
    contained(&texts, &mut window, &mut stages);
    Ok(())
}

fn class_of(chars: u32) -> Option<usize> {
    CLASSES.iter().position(|(from, to)| (*from..*to).contains(&chars))
}

fn class_name(class: usize) -> String {
    match CLASSES[class] {
        (from, u32::MAX) => format!("{from}+"),
        (from, to) => format!("{from}-{to}"),
    }
}

/// Inserts all texts and prints who is like whom.
fn organic(texts: &[Post], window: &mut Window) {
    let mut found = Vec::new();
    let mut counts = [0_usize; CLASSES.len()];
    let mut matches = [[0_usize; 3]; CLASSES.len()];
    let mut by_source: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut by_similarity: BTreeMap<(usize, u32), usize> = BTreeMap::new();
    let mut by_containment: BTreeMap<(usize, u32), usize> = BTreeMap::new();
    for text in texts {
        let seen = window.observe(&text.print, NOW_MS, &mut found);
        assert!(seen.is_inserted && seen.position as usize <= texts.len());
        let Some(class) = class_of(text.print.chars) else { continue };
        counts[class] += 1;
        let of_source = by_source.entry(text.source.as_str()).or_default();
        of_source.0 += usize::from(text.print.chars >= STRONG_CHARS);
        for neighbour in &found {
            let counts_here = text.print.chars >= STRONG_CHARS && neighbour.strength >= Strength::Strong;
            of_source.1 += usize::from(counts_here);
            matches[class][neighbour.strength as usize] += 1;
            *by_similarity.entry((class, (neighbour.similarity * 20.0) as u32)).or_default() += 1;
            if neighbour.is_contained && neighbour.similarity < 0.6 {
                *by_containment.entry((class, (neighbour.containment * 20.0) as u32)).or_default() += 1;
            }
        }
    }
    println!("\norganic matches per 1000 texts\nchars       texts    link  strong");
    for (class, count) in counts.iter().enumerate() {
        let per_mille =
            |level: Strength| matches[class][level as usize] as f64 * 2e3 / (*count).max(1) as f64;
        println!(
            "{:9} {count:7} {:7.1} {:7.2}",
            class_name(class),
            per_mille(Strength::Link) + per_mille(Strength::Strong),
            per_mille(Strength::Strong),
        );
    }
    println!("\nstrong matches of texts of {STRONG_CHARS} and more characters by source, per 1000 texts");
    for (source, (texts, strong)) in by_source.iter().filter(|(_, (texts, _))| *texts > 0) {
        println!("{source:20} {texts:7} {:8.2}", *strong as f64 * 2e3 / *texts as f64);
    }
    println!("\norganic pairs by Jaccard index in steps of .05, per 1000 texts");
    for (class, count) in counts.iter().enumerate() {
        let row =
            |step| 2e3 * *by_similarity.get(&(class, step)).unwrap_or(&0) as f64 / (*count).max(1) as f64;
        let cells: Vec<String> = (8..=20).map(|step| format!("{:6.2}", row(step))).collect();
        println!("{:9} {}", class_name(class), cells.join(""));
    }
    println!("organic pairs with J < .6 by containment from .7 in steps of .05, per 1000 texts");
    for (class, count) in counts.iter().enumerate().skip(3) {
        let row =
            |step| 2e3 * *by_containment.get(&(class, step)).unwrap_or(&0) as f64 / (*count).max(1) as f64;
        let cells: Vec<String> = (14..=20).map(|step| format!("{:6.2}", row(step))).collect();
        println!("{:9} {}", class_name(class), cells.join(""));
    }
}

/// Looks a text up without inserting it.
fn query(
    window: &mut Window,
    stages: &mut Stages,
    text: &str,
    found: &mut Vec<Neighbour>,
) -> Option<Fingerprint> {
    let mut print = Fingerprint::default();
    if !stages.fingerprint(text, &mut print) {
        found.clear();
        return None;
    }
    window.observe(&print, LATE_MS, found);
    Some(print)
}

/// Copies asked for and found, at link and at strong.
#[derive(Clone, Copy, Default)]
struct Tally {
    asked: usize,
    linked: usize,
    strong: usize,
}

impl Tally {
    fn add(&mut self, found: &[Neighbour], position: u64) {
        let source = found.iter().find(|neighbour| neighbour.position == position);
        self.asked += 1;
        self.linked += usize::from(source.is_some());
        self.strong += usize::from(source.is_some_and(|source| source.strength >= Strength::Strong));
    }

    fn percent(self, hits: usize) -> f64 {
        hits as f64 * 100.0 / self.asked.max(1) as f64
    }
}

/// Prints which share of edited copies finds its source.
fn recall(texts: &[Post], window: &mut Window, stages: &mut Stages, editor: &Editor) {
    let heads: Vec<String> = Edit::ALL.iter().map(|edit| format!("{:>10}", edit.name())).collect();
    println!("\nrecall of edited copies, % at link\nchars     queries     mean  strong{}", heads.join(""));
    let mut found = Vec::new();
    let mut random = Random(7);
    for class in 1..CLASSES.len() {
        let members: Vec<usize> =
            (0..texts.len()).filter(|i| class_of(texts[*i].print.chars) == Some(class)).collect();
        let mut tallies = [Tally::default(); Edit::ALL.len()];
        for _ in 0..SOURCES {
            let index = members[random.below(members.len())];
            let source = &texts[index];
            for (edit, tally) in Edit::ALL.iter().zip(&mut tallies) {
                let (mut position, mut copy) = (index as u64, None);
                if *edit == Edit::Contact {
                    let mut print = Fingerprint::default();
                    let text = edits::with_contact(&source.text, &mut random);
                    if stages.fingerprint(&text, &mut print) {
                        position = window.observe(&print, NOW_MS, &mut found).position;
                        copy = Some(edits::with_contact(&source.text, &mut random));
                    }
                } else {
                    copy = editor.apply(*edit, &source.text, &mut random);
                }
                if let Some(copy) = copy
                    && query(window, stages, &copy, &mut found).is_some()
                {
                    tally.add(&found, position);
                }
            }
        }
        let all = tallies.iter().fold(Tally::default(), |sum, tally| Tally {
            asked: sum.asked + tally.asked,
            linked: sum.linked + tally.linked,
            strong: sum.strong + tally.strong,
        });
        let cells: Vec<String> = tallies.iter().map(|t| format!("{:10.1}", t.percent(t.linked))).collect();
        println!(
            "{:9} {:7} {:8.2} {:7.2}{}",
            class_name(class),
            all.asked,
            all.percent(all.linked),
            all.percent(all.strong),
            cells.join("")
        );
    }
}

/// Prints which share of filled templates finds another copy of the same template, one copy of each in the window.
fn slot_fill(window: &Window, stages: &mut Stages, name: &str, list: &[&str]) {
    let mut random = Random(11);
    let (mut tally, mut any) = (Tally::default(), Tally::default());
    let (mut found, mut limit) = (Vec::new(), 0);
    for _ in 0..TEMPLATE_ROUNDS {
        let mut window = window.clone();
        for template in list {
            let mut source = Fingerprint::default();
            stages.fingerprint(&templates::filled(template, &mut random), &mut source);
            let position = window.observe(&source, NOW_MS, &mut found).position;
            let copy = query(&mut window, stages, &templates::filled(template, &mut random), &mut found);
            tally.add(&found, position);
            let shared = copy.map(|copy| qingliu::neardup::overlap(&copy.grams, &source.grams));
            limit += usize::from(shared.is_some_and(|shared| shared.similarity >= 0.4));
            // Of a campaign, one of four earlier copies is enough.
            for _ in 0..3 {
                stages.fingerprint(&templates::filled(template, &mut random), &mut source);
                window.observe(&source, NOW_MS, &mut found);
            }
            query(&mut window, stages, &templates::filled(template, &mut random), &mut found);
            any.asked += 1;
            any.linked += usize::from(found.iter().any(|neighbour| neighbour.position >= position));
        }
    }
    println!(
        "{name} templates: {} queries, one copy in the window: {:.2} % at link, {:.2} % strong; J >= .4 holds for {:.2} %; one of four copies: {:.2} %",
        tally.asked,
        tally.percent(tally.linked),
        tally.percent(tally.strong),
        tally.percent(limit),
        any.percent(any.linked),
    );
}

/// Prints which share of posts is found inside an article that quotes them, and the other way about.
fn contained(texts: &[Post], window: &mut Window, stages: &mut Stages) {
    let mut random = Random(13);
    // Backwards, since the texts themselves are in the window and would be found in the article as well; a repost's tail
    // would cut the article off.
    let is_own = |text: &&Post| !text.print.is_repost && !text.text.contains(['@', '#', '[']);
    let long: Vec<String> = texts
        .iter()
        .filter(|text| text.print.chars >= 100)
        .filter(is_own)
        .map(|text| text.text.chars().rev().collect())
        .collect();
    println!("\nposts inside articles of 2000 to 20000 characters, % found as contained");
    println!("chars     article first  post first");
    let mut found = Vec::new();
    for (from, to) in [(40, 60), (60, 100), (100, 200), (200, 400)] {
        let posts: Vec<usize> = (0..texts.len())
            .filter(|i| (from..to).contains(&texts[*i].print.chars) && is_own(&&texts[*i]))
            .collect();
        let (mut article_first, mut post_first) = (Tally::default(), Tally::default());
        for _ in 0..200 {
            let index = posts[random.below(posts.len())];
            let paragraphs = 2_000 + random.below(18_000);
            let mut article = String::new();
            let place = random.below(paragraphs);
            let mut is_in = false;
            let mut chars = 0;
            while chars < paragraphs {
                if chars >= place && !is_in {
                    article.push_str(&texts[index].text);
                    is_in = true;
                }
                let next = &long[random.below(long.len())];
                chars += next.chars().count();
                article.push_str(next);
            }
            query(window, stages, &article, &mut found);
            let is_found = |found: &[Neighbour], position: u64| {
                found.iter().any(|neighbour| neighbour.position == position && neighbour.is_contained)
            };
            post_first.asked += 1;
            post_first.linked += usize::from(is_found(&found, index as u64));
            // The post itself is in the window: a copy that differs in two characters is asked for.
            let mut fresh = Window::new(WindowLimits { posts: 1_000, ..LIMITS });
            let mut print = Fingerprint::default();
            stages.fingerprint(&article, &mut print);
            fresh.observe(&print, NOW_MS, &mut found);
            query(&mut fresh, stages, &texts[index].text, &mut found);
            article_first.asked += 1;
            article_first.linked += usize::from(is_found(&found, 0));
        }
        println!(
            "{from}-{to:<6} {:13.1} {:11.1}",
            article_first.percent(article_first.linked),
            post_first.percent(post_first.linked)
        );
    }
}
