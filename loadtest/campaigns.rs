//! Coordinated batch publishing: who, from where, when. What is written stands in `wording.rs`.

use crate::everyday;
use crate::people::{AccountKind, DAY_MS};
use crate::plan::Plan;
use crate::post::{Reference, Source};
use crate::random::Random;
use crate::rhythm::{HOUR_MS, awake};
use crate::wording::{Trade, Wording};

const MINUTE_MS: i64 = 60_000;
/// Accounts of a campaign, and the size from which a campaign has to be found.
const ACCOUNTS_MIN: usize = 3;
const ACCOUNTS_MAX: usize = 60;
pub(crate) const SIZE_TO_FIND: usize = 5;
/// Share of campaigns that are smaller than [`SIZE_TO_FIND`].
const SMALL: f64 = 0.12;
/// Share of the advertising campaigns that write comments under other people's posts.
const IN_COMMENTS: f64 = 0.35;
/// Share of its accounts that take part in a wave after the first.
const TAKES_PART: f64 = 0.85;

/// The kinds of campaigns, by name.
pub(crate) const KINDS: [&str; 10] = [
    "spun_copies",
    "filled_templates",
    "slow_drip",
    "shared_infrastructure",
    "rotating_contacts",
    "one_contact",
    "hijacked_accounts",
    "paid_praise",
    "copied_articles",
    "mixed_innocent",
];

/// Where the accounts come from.
#[derive(Clone, Copy, Debug)]
enum Crew {
    /// Registered in one go, days or weeks before.
    Fresh,
    /// Bought one by one: ages like everybody's, no life besides.
    Aged,
    /// Residents of more than a year, taken over; their owners go on posting.
    Hijacked,
    /// Residents who earn something on the side, and bought accounts.
    Crowd,
}

/// Which devices and networks they use.
#[derive(Clone, Copy, Debug)]
enum Places {
    /// Several accounts per device, few networks.
    Farm,
    /// A device each, another household's network with every post.
    Proxies,
    /// Their own.
    Own,
}

/// When they post.
#[derive(Clone, Copy, Debug)]
enum Schedule {
    /// That many waves of minutes to two hours, each on another day if there is time.
    Waves(usize),
    /// One or two posts a day and account.
    Drip,
}

/// How a kind of campaign is made.
#[derive(Clone, Copy, Debug)]
struct Recipe {
    crew: Crew,
    places: Places,
    schedule: Schedule,
    wording: Wording,
    /// Edits of each copy, fewest and most.
    edits: (usize, usize),
    /// Contacts that the campaign has; with none every post has another.
    contacts: usize,
    /// Innocent posts per account, fewest and most.
    cover: (usize, usize),
}

/// The recipe of a kind. Where the literature describes both ways, chance decides.
fn recipe(kind: &str, random: &mut Random) -> Recipe {
    let crew = if random.chance(0.5) { Crew::Fresh } else { Crew::Aged };
    let places = if random.chance(0.5) { Places::Farm } else { Places::Proxies };
    let schedule = Schedule::Waves(random.count((2, 4)));
    let cover = if random.chance(0.3) { (0, 2) } else { (0, 0) };
    let spun = Recipe { crew, places, schedule, wording: Wording::Copies, edits: (1, 4), contacts: 1, cover };
    match kind {
        "filled_templates" => Recipe { wording: Wording::Filled, edits: (0, 1), contacts: 3, ..spun },
        "slow_drip" => Recipe {
            crew: Crew::Aged,
            places: Places::Farm,
            schedule: Schedule::Drip,
            edits: (1, 2),
            contacts: 2,
            ..spun
        },
        "shared_infrastructure" => {
            Recipe { crew: Crew::Fresh, places: Places::Farm, edits: (2, 4), contacts: 4, ..spun }
        }
        "rotating_contacts" => Recipe { edits: (0, 0), contacts: 0, ..spun },
        "one_contact" => Recipe { wording: Wording::WholeTrade, edits: (0, 1), ..spun },
        "hijacked_accounts" => Recipe {
            crew: Crew::Hijacked,
            places: Places::Own,
            schedule: Schedule::Waves(random.count((1, 2))),
            edits: (0, 1),
            cover: (0, 0),
            ..spun
        },
        "paid_praise" => Recipe {
            crew: Crew::Crowd,
            schedule: Schedule::Waves(random.count((1, 3))),
            wording: Wording::Praise,
            edits: (0, 2),
            ..spun
        },
        "copied_articles" => Recipe { wording: Wording::Articles, edits: (0, 1), ..spun },
        "mixed_innocent" => {
            let wording = if random.chance(0.5) { Wording::Copies } else { Wording::Filled };
            Recipe { wording, cover: (3, 8), edits: (1, 3), ..spun }
        }
        _ => spun,
    }
}

/// Plans the `nth` campaign.
pub(crate) fn plan(plan: &mut Plan<'_>, kind: &'static str, nth: usize) {
    let mut random = Random::new(plan.seed, kind, nth);
    let recipe = recipe(kind, &mut random);
    let size = if random.chance(SMALL) {
        random.count((ACCOUNTS_MIN, SIZE_TO_FIND - 1))
    } else {
        random.log_uniform(SIZE_TO_FIND, ACCOUNTS_MAX)
    };
    let group = plan.open(kind, true);
    let needed_ms = match recipe.schedule {
        Schedule::Waves(waves) => waves as i64 * DAY_MS,
        Schedule::Drip => 6 * DAY_MS,
    };
    let begin_ms = plan.beginning(&mut random, needed_ms);
    let accounts = recruit(plan, &mut random, recipe.crew, size, begin_ms);
    let farm = equip(plan, &mut random, recipe.places, &accounts);
    let waves = waves(plan, &mut random, recipe.schedule, begin_ms);
    let mut trade = Trade::new(plan.texts, &mut random, recipe.wording, recipe.contacts);
    let in_comments = matches!(recipe.wording, Wording::Copies | Wording::Filled | Wording::WholeTrade)
        && random.chance(IN_COMMENTS);
    for (nth, &(from_ms, to_ms)) in waves.iter().enumerate() {
        trade.begin_wave(plan, &mut random, from_ms);
        for &author in &accounts {
            // Everybody at least once.
            if nth > 0 && !random.chance(TAKES_PART) {
                continue;
            }
            let time_ms = match recipe.schedule {
                Schedule::Waves(_) => random.between(from_ms, to_ms),
                Schedule::Drip => awake(&mut random, from_ms),
            };
            let (title, text) = trade.write(plan.texts, &mut random, recipe.edits);
            let mut post = plan.draft(&mut random, author, time_ms, text, Source::Group(group));
            post.title = title;
            post.surface = trade.surface();
            post.parent = trade.parent();
            if in_comments {
                post.parent = Some(Reference::Recent(random.below(usize::MAX) as u64));
                post.surface = "comment";
            }
            if matches!(recipe.places, Places::Proxies) {
                post.network = plan.population.some_home(&mut random);
            }
            plan.put(post);
        }
    }
    cover(plan, &mut random, group, &accounts, recipe.cover);
    let infrastructure = format!(
        "accounts: {:?}; places: {:?}{farm}; schedule: {:?}; in comments: {in_comments}",
        recipe.crew, recipe.places, recipe.schedule
    );
    let group = &mut plan.groups[group];
    (group.accounts, group.templates, group.infrastructure) = (accounts, trade.templates(), infrastructure);
}

/// The accounts of a campaign.
fn recruit(plan: &mut Plan<'_>, random: &mut Random, crew: Crew, size: usize, begin_ms: i64) -> Vec<usize> {
    let registered_ms = begin_ms - random.between(DAY_MS, 40 * DAY_MS);
    let residents = match crew {
        Crew::Fresh | Crew::Aged => 0,
        Crew::Hijacked => size,
        Crew::Crowd => size / 2,
    };
    let oldest_ms = begin_ms - 365 * DAY_MS;
    let mut accounts = plan.population.residents(random, residents, |person| {
        person.kind == AccountKind::Personal
            && !person.verified
            && (person.registered_ms < oldest_ms
                || (matches!(crew, Crew::Crowd) && person.registered_ms < begin_ms - 20 * DAY_MS))
    });
    while accounts.len() < size {
        let at = plan.population.add(plan.texts, random, |person| {
            if matches!(crew, Crew::Fresh) {
                person.credit_tier = 1;
            }
        });
        let person = &mut plan.population.people[at];
        person.registered_ms = match crew {
            // Within a day and a half, and before the first post.
            Crew::Fresh => registered_ms - random.between(0, 3 * DAY_MS / 2),
            Crew::Aged | Crew::Hijacked | Crew::Crowd => person.registered_ms.min(begin_ms - DAY_MS),
        };
        accounts.push(at);
    }
    accounts
}

/// Gives the accounts their devices and networks; a word about it.
fn equip(plan: &mut Plan<'_>, random: &mut Random, places: Places, accounts: &[usize]) -> String {
    if !matches!(places, Places::Farm) {
        return String::new();
    }
    let per_device = random.count((2, 8));
    let networks: Vec<u32> = (0..random.count((1, 3))).map(|_| plan.population.new_network()).collect();
    let mut devices = 0;
    for crowd in accounts.chunks(per_device) {
        let (device, network) = (plan.population.new_device(), random.pick(&networks));
        devices += 1;
        for &at in crowd {
            // Residents keep their own life: they are told what to write and write it at home.
            if at < plan.population.residents {
                continue;
            }
            let person = &mut plan.population.people[at];
            (person.devices, person.home, person.work, person.carrier) =
                (vec![device], network, Some(network), network);
        }
    }
    format!(" ({devices} devices, {} networks)", networks.len())
}

/// From when to when each wave lasts.
fn waves(plan: &Plan<'_>, random: &mut Random, schedule: Schedule, begin_ms: i64) -> Vec<(i64, i64)> {
    match schedule {
        Schedule::Waves(count) => {
            let room_ms = (plan.end_ms - begin_ms) / count as i64;
            let wave = |nth: usize, random: &mut Random| {
                let length_ms = random.log_uniform(8, 120) as i64 * MINUTE_MS;
                let gap_ms = random.between(2 * HOUR_MS, 30 * HOUR_MS).min(room_ms);
                let from_ms = begin_ms + nth as i64 * gap_ms;
                (from_ms, from_ms + length_ms)
            };
            (0..count).map(|nth| wave(nth, random)).collect()
        }
        Schedule::Drip => {
            let days = ((plan.end_ms - begin_ms) / DAY_MS).clamp(1, 6);
            (0..days).map(|day| begin_ms + day * DAY_MS).map(|from_ms| (from_ms, from_ms)).collect()
        }
    }
}

/// Innocent posts by the accounts of a campaign, all over the run.
fn cover(plan: &mut Plan<'_>, random: &mut Random, group: usize, accounts: &[usize], range: (usize, usize)) {
    for &author in accounts {
        let registered_ms = plan.population.people[author].registered_ms;
        for _ in 0..random.count(range) {
            let theme = random.pick(&plan.population.people[author].themes);
            let day_ms = random.between(plan.start_ms.max(registered_ms), plan.end_ms - 1);
            let time_ms = awake(random, day_ms).max(registered_ms);
            let answers = random.chance(0.4);
            let text = if answers {
                everyday::comment(plan.texts, random, theme)
            } else {
                everyday::post(plan.texts, random, theme)
            };
            let mut post = plan.draft(random, author, time_ms, text, Source::Cover(group));
            if answers {
                post.parent = Some(Reference::Recent(random.below(usize::MAX) as u64));
                post.surface = "comment";
            }
            plan.put(post);
        }
    }
}
