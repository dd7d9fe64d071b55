//! What clusters and templates add to the window: posts of different accounts through the whole correlating stage.

use std::collections::BTreeMap;

use qingliu::engine::{Bundle, Scratch, Shard, Trace, correlate, embedded_files, evaluate};
use qingliu::model::{Item, Verdict};
use qingliu::neardup::{
    Author, Boilerplate, BoilerplateLimits, Fingerprint, Neighbour, Strength, Window, WindowLimits,
};
use serde_json::json;

use crate::data::{Post, Stages};
use crate::random::Random;
use crate::{class_name, class_of, templates};

/// 2026-11-01T00:00:00Z.
const START_MS: i64 = 1_793_491_200_000;
/// Fillings of each template, one after the other.
const FILLINGS: usize = 12;
const ROUNDS: usize = 25;
/// Real texts that are in the window before.
const BACKGROUND: usize = 20_000;

fn bundle(posts: usize) -> anyhow::Result<Bundle> {
    let mut files = embedded_files();
    for file in files.iter_mut().filter(|file| file.path == "policy.toml") {
        file.text = file.text.replace("posts = 1000000", &format!("posts = {posts}"));
    }
    Bundle::load(&files, jiff::civil::date(2026, 11, 21)).map_err(|error| anyhow::anyhow!("{error}"))
}

/// The trace of a text by an account of its own.
fn trace(bundle: &Bundle, scratch: &mut Scratch, id: &str, minutes: i64, text: &str) -> Option<Trace> {
    let line = json!({
        "id": id, "time": START_MS + minutes * 60_000, "text": text,
        "account": {"id": format!("a{id}"), "age_days": 500},
    })
    .to_string();
    let item = Item::from_json(&line).ok()?;
    evaluate(bundle, &item, scratch).ok()?;
    Some(Trace::of(bundle, &item, id, scratch))
}

/// Prints how many real texts are linked, and how many of them by a template only.
pub(crate) fn organic(texts: &[Post]) -> anyhow::Result<()> {
    let bundle = bundle(200_000)?;
    let (mut shard, mut scratch) = (Shard::new(&bundle), Scratch::default());
    let shows = std::env::var_os("QINGLIU_SHOW").is_some();
    let mut counts: BTreeMap<usize, [usize; 3]> = BTreeMap::new();
    for (index, text) in texts.iter().enumerate() {
        let Some(class) = class_of(text.print.chars) else { continue };
        let minutes = index as i64 / 20;
        let Some(trace) = trace(&bundle, &mut scratch, &index.to_string(), minutes, &text.text) else {
            continue;
        };
        let correlated = correlate(&bundle, &mut shard, &trace, Verdict::Pass);
        let near = correlated.outcomes.first().and_then(|outcome| outcome.near.as_ref());
        let count = counts.entry(class).or_default();
        count[0] += 1;
        count[1] += usize::from(near.is_some());
        let template = near.and_then(|near| near.template.as_ref());
        count[2] += usize::from(template.is_some());
        if let (true, Some(template)) = (shows && index % 7 == 0, template) {
            println!("{index} {} | {template} | {}", text.source, text.text);
        }
    }
    println!("\nreal texts in a cluster, per 1000 texts\nchars       texts  linked  by template only");
    for (class, [all, linked, by_template]) in counts {
        let per_mille = |count: usize| count as f64 * 1e3 / all.max(1) as f64;
        println!("{:9} {all:7} {:7.1} {:7.1}", class_name(class), per_mille(linked), per_mille(by_template));
    }
    Ok(())
}

/// Prints which share of the fillings of a template is linked with an earlier one, by their place.
pub(crate) fn mined(texts: &[Post], name: &str, list: &[&str]) -> anyhow::Result<()> {
    let bundle = bundle(50_000)?;
    let mut scratch = Scratch::default();
    let step = texts.len().div_ceil(BACKGROUND);
    let background: Vec<Trace> = (texts.iter().step_by(step).enumerate())
        .filter_map(|(n, text)| trace(&bundle, &mut scratch, &format!("b{n}"), 0, &text.text))
        .collect();
    let mut random = Random(17);
    let mut linked = [0_usize; FILLINGS];
    let mut by_form = vec![[0_usize; 2]; list.len()];
    let mut wrong = 0;
    for _ in 0..ROUNDS {
        let mut shard = Shard::new(&bundle);
        for trace in &background {
            correlate(&bundle, &mut shard, trace, Verdict::Pass);
        }
        for (place, linked) in linked.iter_mut().enumerate() {
            for (form, template) in list.iter().enumerate() {
                let id = format!("t{form} {place}");
                let text = templates::filled(template, &mut random);
                let minutes = 60 + (place * list.len() + form) as i64;
                let Some(trace) = trace(&bundle, &mut scratch, &id, minutes, &text) else { continue };
                let correlated = correlate(&bundle, &mut shard, &trace, Verdict::Pass);
                let Some(near) = correlated.outcomes.first().and_then(|outcome| outcome.near.as_ref()) else {
                    continue;
                };
                let is_right =
                    near.of.as_ref().is_some_and(|of| of.split(' ').next() == Some(&format!("t{form}")));
                *linked += usize::from(is_right);
                by_form[form][usize::from(place > 1)] += usize::from(is_right);
                wrong += usize::from(!is_right);
            }
        }
    }
    let percent = |count: usize, of: usize| count as f64 * 100.0 / of as f64;
    let each = ROUNDS * list.len();
    let cells: Vec<String> =
        linked.iter().skip(1).map(|count| format!("{:6.1}", percent(*count, each))).collect();
    println!("{name} templates, fillings 2 to {FILLINGS} linked with an earlier one, %:{}", cells.join(""));
    let later: usize = linked.iter().skip(2).sum();
    println!(
        "{name} templates, {} fillings: {:.2} % of the second, {:.2} % of the third and later; {wrong} linked with something else",
        each * FILLINGS,
        percent(linked[1], each),
        percent(later, each * (FILLINGS - 2)),
    );
    if std::env::var_os("QINGLIU_SHOW").is_some() {
        for ([second, later], template) in by_form.iter().zip(list) {
            println!(
                "{:6.1} {:6.1}  {template}",
                percent(*second, ROUNDS),
                percent(*later, ROUNDS * (FILLINGS - 2))
            );
        }
    }
    Ok(())
}

/// Prints the strong matches of real texts before and after boilerplate was learnt from them, as if each were by an old
/// account of its own, over ten days.
pub(crate) fn boilerplate(texts: &[Post], stages: &mut Stages) {
    let mut learner = Boilerplate::new(BoilerplateLimits::USUAL);
    let mut random = Random(19);
    let mut print = Fingerprint::default();
    let mut streams = Vec::with_capacity(texts.len());
    for text in texts {
        stages.fingerprint(&text.text, &mut print);
        streams.push(stages.reader.normalised().to_owned());
    }
    let mut order: Vec<(usize, usize)> = (0..texts.len()).map(|text| (random.below(10), text)).collect();
    order.sort_unstable();
    for (day, text) in order {
        let author = Author { account: text as u64, age_days: 400, cohort: text as u64 % 60 };
        learner.learn(&streams[text], author, day as i64 * 86_400_000);
    }
    let limits = WindowLimits { posts: 200_000, span_ms: i64::MAX, late_ms: 1_000 };
    let (mut plain, mut masked) = (Window::new(limits), Window::new(limits));
    let mut found = Vec::new();
    let mut by_source: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut touched = 0;
    for (text, stream) in texts.iter().zip(&streams) {
        let row = by_source.entry(text.source.as_str()).or_default();
        let is_long = text.print.chars >= 20;
        row[0] += usize::from(is_long);
        let strong = |found: &[Neighbour]| {
            found.iter().filter(|neighbour| is_long && neighbour.strength >= Strength::Strong).count()
        };
        plain.observe(&text.print, 0, &mut found);
        row[1] += strong(&found);
        let mut own = text.print.clone();
        touched += usize::from(learner.mask(stream, &mut own).is_some());
        masked.observe(&own, 0, &mut found);
        row[2] += strong(&found);
    }
    println!("\nboilerplate: {} passages learnt, {touched} texts have some", learner.additions().len());
    println!("strong matches of texts of 20 and more characters, per 1000, without and with it");
    for (source, [count, before, after]) in by_source.iter().filter(|(_, row)| row[0] > 0) {
        let per_mille = |matches: usize| matches as f64 * 2e3 / *count as f64;
        println!("{source:20} {count:7} {:8.2} {:8.2}", per_mille(*before), per_mille(*after));
    }
    if std::env::var_os("QINGLIU_SHOW").is_some() {
        learner.additions().iter().take(60).for_each(|addition| println!("  {}", addition.passage));
    }
}
