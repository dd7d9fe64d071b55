//! What looks like a campaign and is none. Nobody here may lose anything.

use crate::grammar::fill;
use crate::people::{AccountKind, DAY_MS, Person};
use crate::plan::Plan;
use crate::post::{Post, Reference, Repost, Source};
use crate::random::Random;
use crate::rhythm::{HOUR_MS, awake};

/// How often a moment is drawn again that falls outside.
const TRIES_MAX: usize = 20;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crowd {
    /// Residents from anywhere.
    Anybody,
    /// Verified organisations.
    Organisations,
    /// The branches of one chain, from its head office.
    Branches,
    /// One class or company: one network.
    OneCampus,
    /// One account, several times.
    OnePerson,
}

/// Where the items stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Posts of their own.
    Posts,
    /// Comments under one post.
    OneParent,
    /// Comments under whatever is recent.
    AnyParent,
    /// Reposts of one post with its author named.
    Reposts,
}

/// How a kind of look-alike is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) kind: &'static str,
    /// Section of the texts.
    section: &'static str,
    crowd: Crowd,
    /// Accounts, fewest and most; for one person, items.
    size: (usize, usize),
    /// Items of each account, fewest and most.
    turns: (usize, usize),
    /// From first to last, in hours, shortest and longest.
    hours: (i64, i64),
    place: Place,
    /// All have one wording; otherwise each draws a line of the section.
    is_one_wording: bool,
}

/// A shape from its columns.
const fn shape(
    kind: &'static str,
    section: &'static str,
    crowd: Crowd,
    size: (usize, usize),
    hours: (i64, i64),
    place: Place,
    is_one_wording: bool,
) -> Shape {
    Shape { kind, section, crowd, size, turns: (1, 1), hours, place, is_one_wording }
}

/// The same, but people come back on other days: fan clubs and daily tasks repeat their companions.
const fn again(shape: Shape, turns: (usize, usize)) -> Shape {
    Shape { turns, ..shape }
}

/// All kinds.
pub(crate) const SHAPES: [Shape; 19] = [
    shape("festival", "festival", Crowd::Anybody, (20, 80), (6, 20), Place::Posts, false),
    shape("birthday", "birthday", Crowd::Anybody, (8, 40), (4, 18), Place::OneParent, true),
    again(shape("check_in", "check_in", Crowd::Anybody, (10, 40), (24, 96), Place::Posts, true), (1, 4)),
    shape("first", "first", Crowd::Anybody, (6, 30), (1, 2), Place::OneParent, false),
    shape("laughter", "laughter", Crowd::Anybody, (20, 60), (1, 24), Place::AnyParent, false),
    shape("poem", "poem", Crowd::Anybody, (8, 40), (12, 120), Place::Posts, true),
    shape("quotation", "quotation", Crowd::Anybody, (6, 30), (12, 120), Place::Posts, true),
    shape("meme", "meme", Crowd::Anybody, (10, 60), (3, 48), Place::Posts, true),
    again(shape("fan_vote", "fan_vote", Crowd::Anybody, (10, 60), (30, 96), Place::Posts, true), (1, 3)),
    again(shape("share_button", "share", Crowd::Anybody, (15, 60), (6, 96), Place::Posts, true), (1, 3)),
    shape("official_notice", "notice", Crowd::Organisations, (4, 20), (1, 8), Place::Posts, true),
    shape("weather_warning", "warning", Crowd::Organisations, (4, 20), (1, 3), Place::Posts, true),
    shape("news_title", "news_title", Crowd::Organisations, (5, 25), (1, 4), Place::Posts, true),
    shape("attributed_repost", "repost.lead", Crowd::Anybody, (10, 60), (1, 24), Place::Reposts, false),
    shape("lottery_repost", "lottery.repost", Crowd::Anybody, (15, 80), (2, 48), Place::Reposts, false),
    shape("own_repeat", "", Crowd::OnePerson, (2, 5), (1, 72), Place::Posts, true),
    shape("branches", "branch", Crowd::Branches, (5, 25), (1, 6), Place::Posts, true),
    shape("event_praise", "event_praise", Crowd::OneCampus, (10, 45), (1, 5), Place::Posts, true),
    shape("petition", "petition", Crowd::Anybody, (10, 50), (6, 72), Place::Posts, true),
];

/// The look-alike of this name.
pub(crate) fn shape_of(kind: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.kind == kind)
}

/// Plans the `nth` look-alike of a kind.
pub(crate) fn plan(plan: &mut Plan<'_>, shape: &Shape, nth: usize) {
    let mut random = Random::new(plan.seed, shape.kind, nth);
    let hours_ms = random.between(shape.hours.0, shape.hours.1) * HOUR_MS;
    let begin_ms = plan.beginning(&mut random, hours_ms);
    let size = random.count(shape.size);
    let authors = gather(plan, &mut random, shape.crowd, size, begin_ms);
    if authors.is_empty() {
        return;
    }
    let group = plan.open(shape.kind, false);
    let wording = wording(plan, &mut random, shape, authors[0]);
    let original = original(plan, &mut random, shape, begin_ms);
    let end_ms = (begin_ms + hours_ms).min(plan.end_ms - 1);
    let campus = plan.population.campus(&mut random);
    let turns = |author: &usize, random: &mut Random| vec![*author; random.count(shape.turns)];
    let turns: Vec<usize> = authors.iter().flat_map(|author| turns(author, &mut random)).collect();
    for author in turns {
        let time_ms = moment_between(&mut random, begin_ms, end_ms);
        let text = copy(plan, &mut random, shape, &wording);
        let mut post = plan.draft(&mut random, author, time_ms, text, Source::Group(group));
        match (shape.place, &original) {
            (Place::OneParent, Some((parent, _))) => post.parent = Some(*parent),
            (Place::AnyParent, _) => {
                post.parent = Some(Reference::Recent(random.below(usize::MAX) as u64));
            }
            (Place::Reposts, Some((of, planned))) => repost(plan, &mut random, *of, planned, &mut post),
            (Place::Posts | Place::OneParent | Place::Reposts, _) => {}
        }
        if post.parent.is_some() {
            post.surface = "comment";
        }
        if shape.crowd == Crowd::OneCampus {
            post.network = campus;
        }
        plan.put(post);
    }
    let mut members = authors;
    members.sort_unstable();
    members.dedup();
    let group = &mut plan.groups[group];
    group.accounts = members;
    group.infrastructure = format!("{:?}; {:?}; {} hours", shape.crowd, shape.place, hours_ms / HOUR_MS);
    group.templates = vec![wording];
}

/// A moment of a look-alike. Over a day and more people sleep in between.
fn moment_between(random: &mut Random, begin_ms: i64, end_ms: i64) -> i64 {
    let any_ms = random.between(begin_ms, end_ms);
    if end_ms - begin_ms < DAY_MS {
        return any_ms;
    }
    let mut tries = (0..TRIES_MAX).map(|_| awake(random, any_ms));
    tries.find(|time_ms| (begin_ms..=end_ms).contains(time_ms)).unwrap_or(any_ms)
}

/// Who takes part.
fn gather(plan: &mut Plan<'_>, random: &mut Random, crowd: Crowd, size: usize, begin_ms: i64) -> Vec<usize> {
    let is_there = |person: &Person| person.registered_ms < begin_ms;
    match crowd {
        Crowd::Anybody => plan
            .population
            .residents(random, size, |person| is_there(person) && person.kind != AccountKind::Organisation),
        Crowd::Organisations => plan
            .population
            .residents(random, size, |person| is_there(person) && person.kind == AccountKind::Organisation),
        Crowd::OnePerson => {
            let author = plan.population.residents(random, 1, is_there);
            author.into_iter().flat_map(|author| vec![author; size]).collect()
        }
        // Residents too, of any age: an event brings people together who have lives of their own.
        Crowd::OneCampus => plan
            .population
            .residents(random, size, |person| is_there(person) && person.kind == AccountKind::Personal),
        Crowd::Branches => {
            let office = plan.population.new_network();
            let registered_ms = begin_ms - random.between(100 * DAY_MS, 900 * DAY_MS);
            let branch = |plan: &mut Plan<'_>, random: &mut Random| {
                let name = plan.texts.line("org_name", random);
                plan.population.add(plan.texts, random, |person| {
                    (person.kind, person.verified, person.credit_tier) = (AccountKind::Organisation, true, 5);
                    (person.home, person.work, person.carrier) = (office, Some(office), office);
                    (person.name, person.registered_ms) = (name, registered_ms);
                })
            };
            (0..size).map(|_| branch(plan, random)).collect()
        }
    }
}

/// What all copies have in common; the slots are open.
fn wording(plan: &Plan<'_>, random: &mut Random, shape: &Shape, author: usize) -> String {
    if shape.crowd == Crowd::OnePerson {
        let theme = plan.population.people[author].themes[0];
        return crate::everyday::post(plan.texts, random, theme);
    }
    if shape.kind == "festival" {
        return plan.texts.line("feast", random);
    }
    if shape.is_one_wording { plan.texts.line(shape.section, random) } else { String::new() }
}

/// The text of one copy.
fn copy(plan: &Plan<'_>, random: &mut Random, shape: &Shape, wording: &str) -> String {
    let line = if shape.is_one_wording { wording.to_owned() } else { plan.texts.line(shape.section, random) };
    let mut text = fill(&line, |name| match name {
        // Everybody congratulates on the same day.
        "feast" => wording.to_owned(),
        _ => plan.texts.line(name, random),
    });
    match shape.kind {
        "event_praise" => text.push_str(&plan.texts.line("event_praise.tail", random)),
        // People say a word of their own before or after what they quote.
        "poem" | "quotation" | "meme" if random.chance(0.3) => {
            text = format!("{text}{}", plan.texts.line("closing", random));
        }
        "official_notice" | "news_title" if random.chance(0.3) => text = format!("【转】{text}"),
        _ => {}
    }
    text
}

/// The post that everything is under, or that is shared, and its draft.
fn original(
    plan: &mut Plan<'_>,
    random: &mut Random,
    shape: &Shape,
    begin_ms: i64,
) -> Option<(Reference, Post)> {
    let (section, is_organisation) = match (shape.place, shape.kind) {
        (Place::Reposts, "lottery_repost") => ("lottery", true),
        (Place::Reposts, _) => ("attributed.source", false),
        (Place::OneParent, _) => ("", false),
        (Place::Posts | Place::AnyParent, _) => return None,
    };
    let authors = plan.population.residents(random, 1, |person| {
        person.registered_ms < begin_ms - HOUR_MS
            && (person.kind == AccountKind::Organisation) == is_organisation
    });
    let &author = authors.first()?;
    let text = if section.is_empty() {
        let theme = plan.population.people[author].themes[0];
        crate::everyday::post(plan.texts, random, theme)
    } else {
        plan.texts.line(section, random)
    };
    let time_ms = begin_ms - random.between(1, HOUR_MS);
    let post = plan.draft(random, author, time_ms, text, Source::Background("original"));
    Some((plan.put(post.clone()), post))
}

/// Makes a repost of a draft, in one of the two ways in which platforms show it.
fn repost(plan: &Plan<'_>, random: &mut Random, of: Reference, original: &Post, post: &mut Post) {
    let name = &plan.population.people[original.author].name;
    if random.chance(0.7) {
        post.text = format!("{}//@{name}:{}", post.text, original.text);
    }
    post.repost = Some(Repost { of, attribution: format!("@{name}") });
}
