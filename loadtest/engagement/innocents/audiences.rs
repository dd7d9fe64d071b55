//! Audiences that differ from others: abroad, on a campus, on holiday; and honest programs that read the news.

use crate::engagement::actors::{TOPICS, TOPICS_ABROAD};
use crate::engagement::event::{Action, Event, Place};
use crate::engagement::plan::Plan;
use crate::engagement::season::awake_between;
use crate::engagement::world::{Mood, ORDINARY, Visit};
use crate::people::DAY_MS;
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Devices and networks of a news programme: it is a service, with a few addresses.
const BOT_NETWORKS: usize = 3;

/// A public holiday in China: the whole site is busier for a day.
pub(super) fn holiday(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let days = (plan.world.end_ms - plan.world.start_ms) / DAY_MS;
    // From midnight in China.
    let from_ms = plan.world.start_ms + random.between(days.min(2), (days - 1).max(0)) * DAY_MS - 8 * HOUR_MS;
    plan.group(group).site_wide = Some((from_ms, from_ms + DAY_MS));
}

/// Targets whose audience lives abroad: their nights are our days. No event is added.
pub(super) fn foreign(plan: &mut Plan<'_>, _random: &mut Random, group: u32) {
    let (start_ms, end_ms) = (plan.world.start_ms, plan.world.end_ms);
    let is_abroad = |at: &u32| plan.world.targets[*at as usize].topic >= TOPICS - TOPICS_ABROAD;
    let targets: Vec<u32> = (0..plan.world.targets.len() as u32).filter(is_abroad).collect();
    let group = plan.group(group);
    group.site_wide = (!targets.is_empty()).then_some((start_ms, end_ms));
    group.targets.extend(targets);
}

/// A page of a campus: thousands read it from two addresses, most when classes end.
pub(super) fn campus(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (0.3, 8.0));
    let campus = random.below(plan.world.actors.campuses);
    let students = plan.world.actors.students(campus).to_vec();
    if students.is_empty() {
        return;
    }
    let (start_ms, end_ms) = (plan.world.start_ms, plan.world.end_ms);
    let days = (end_ms - start_ms) / DAY_MS;
    let per_day = random.count((60, 300));
    let mood = Mood { factors: [1.5, 0.5, 2.0, 1.0], ..ORDINARY };
    for _ in 0..per_day * days.max(1) as usize {
        let mut time_ms = awake_between(random, start_ms, end_ms);
        if random.chance(0.4) {
            // Classes end at ten to the hour.
            time_ms = time_ms / HOUR_MS * HOUR_MS + 50 * 60_000 + random.between(0, 300_000);
        }
        let actor = random.pick(&students);
        let mut place = plan.world.actors.place_of(random, actor, time_ms);
        if random.chance(0.8) {
            place.network = plan.world.actors.campus_network(random, campus as u32);
        }
        if plan.world.actors.all[actor as usize].registered_ms <= time_ms {
            plan.visit(random, Visit { actor, target, time_ms, place, group: Some(group) }, &mood);
        }
    }
}

/// Readers of feeds ask a news account for news, every quarter or half of an hour, day and night.
pub(super) fn news_bots(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (2.0, 40.0));
    let count = random.count((2, 10));
    let readers = plan.world.actors.residents(random, count, |actor| actor.activity > 0.0);
    let networks: Vec<u32> = (0..BOT_NETWORKS).map(|_| plan.world.actors.new_network()).collect();
    for actor in readers {
        let period_ms = random.pick(&[15, 30, 60]) * 60_000;
        let (device, network) = (plan.world.actors.new_device(), random.pick(&networks));
        let mut time_ms = plan.world.start_ms + random.between(0, period_ms);
        while time_ms < plan.world.end_ms {
            let (place, action) = (Place { device, network }, Action::Read);
            if plan.world.actors.all[actor as usize].registered_ms <= time_ms {
                plan.put(Event { time_ms, actor, target, place, action, group: Some(group), fake: false });
            }
            time_ms += period_ms + random.between(-4_000, 4_000);
        }
    }
}
