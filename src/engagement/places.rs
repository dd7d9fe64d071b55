//! An event → where it leads in each table.

use super::event::Event;
use super::table::mix;

/// Hashes of an event: where it leads in each table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    pub(super) actor: u64,
    pub(super) target: u64,
    /// The actor at the target, its device there and its network there.
    pub(super) pair: u64,
    pub(super) device: u64,
    pub(super) network: u64,
    /// Slots where the rows stand, if they are there.
    pub(super) actor_slot: u32,
    pub(super) target_slot: u32,
}

impl Places {
    pub(super) fn of(event: &Event, seed: u64) -> Self {
        let (actor, target) = (mix(event.actor, seed), mix(event.target, seed));
        Self {
            actor,
            target,
            pair: pair(actor, target),
            device: place_of(event.device, DEVICE_SALT, target),
            network: place_of(event.network, NETWORK_SALT, target),
            actor_slot: u32::MAX,
            target_slot: u32::MAX,
        }
    }
}

const DEVICE_SALT: u64 = 0x6465_7669_6365;
const NETWORK_SALT: u64 = 0x006e_6574_776f_726b;

/// A hash of a device or network at a target.
fn place_of(value: u32, salt: u64, target_hash: u64) -> u64 {
    pair(mix(u64::from(value), salt), target_hash)
}

/// A hash of two targets, given by their references, in either order.
pub(super) fn co_pair(one: u32, other: u32) -> u64 {
    pair(u64::from(one.min(other)), u64::from(one.max(other)))
}

/// A hash of two.
fn pair(one: u64, other: u64) -> u64 {
    let mixed = (one ^ other.rotate_left(24)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ mixed >> 32
}
