//! Clearing a tag of all functions that have it.

use super::{between, conclude, Held, Registry, Step};
use crate::function::dependents::Turn;
use crate::key::tags::TagHash;

/// Clears a tag of all these functions as one, and `clear_stores` in the middle: no computation with that
/// tag that was under way, or began before the end, is stored; nor is what one computes from what another
/// has, if both have the tag.
pub(crate) fn clear_tag(
    registries: &[&'static Registry],
    tag: TagHash,
    clear_stores: impl FnOnce(),
) {
    // Dropped after the end: it may be the user's code.
    let mut freed = Vec::new();
    between(
        |step| clear_tag_step(registries, tag, step),
        || {
            let functions = registries.iter().flat_map(|registry| registry.all());
            for function in functions.filter(|function| function.is_tagged()) {
                // In slices, as others want to compute meanwhile.
                loop {
                    let (is_done, slice) = function.forget_tagged(tag);
                    freed.push(slice);
                    if is_done {
                        break;
                    }
                }
            }
            clear_stores();
        },
    );
}

/// A step of that, of all functions at once.
fn clear_tag_step(registries: &[&'static Registry], tag: TagHash, step: Step) {
    // In the order of a fork, and held all the while, as by a clear of all functions.
    let (turn, (mut registered, mut held)) = Turn::with(
        || {
            let registered: Vec<_> =
                registries.iter().map(|registry| registry.registered.lock()).collect();
            let functions = registered.iter().flat_map(|it| &it.functions);
            let tagged = functions.filter(|function| function.is_tagged());
            let held: Vec<_> = tagged.map(|function| function.hold()).collect();
            (registered, held)
        },
        |(_, held)| held.iter().any(|held| held.has_dependents()),
    );
    for registered in &mut registered {
        note_clearing(&mut registered.clearing_tags, tag, step);
    }
    held.iter_mut().for_each(|held| held.clear_tag(tag, step));
    let released: Vec<_> = held.into_iter().map(Held::release).collect();
    drop(registered);
    conclude(turn, released, step);
}

/// Notes among the tags that are being cleared that one is, or one time less.
pub(crate) fn note_clearing(tags: &mut Vec<TagHash>, tag: TagHash, step: Step) {
    match step {
        Step::Begin => tags.push(tag),
        Step::End => {
            if let Some(at) = tags.iter().position(|other| *other == tag) {
                tags.swap_remove(at);
            }
        }
        Step::Whole | Step::Forget | Step::Close | Step::Anew => {}
    }
}
