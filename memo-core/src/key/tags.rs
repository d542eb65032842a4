//! Tags: what results are about, by which those of whatever function are forgotten together.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::sink::{Sink, Stop};
use super::{Args, Scope, DIGEST};
use crate::platform::unwind::catch;

/// The identity of a tag in stores: the BLAKE3 digest of its text.
pub(crate) type Tag = [u8; DIGEST];

/// More tags of one result are a mistake.
const MAX: usize = 4096;

/// What memory knows a tag by. Of two tags that are alike in these, both are forgotten for one.
pub(crate) type TagHash = u64;

pub(crate) fn tag_of(text: &str) -> Tag {
    blake3::hash(text.as_bytes()).into()
}

pub(crate) fn hash_of_tag(tag: &Tag) -> TagHash {
    super::hash_of_digest(tag)
}

/// The tags of a call, each once. There may be none.
#[derive(Clone, Debug)]
pub struct Tags(Arc<Vec<Tag>>);

impl Tags {
    pub(crate) fn all(&self) -> &[Tag] {
        &self.0
    }

    pub(crate) fn hashes(&self) -> impl ExactSizeIterator<Item = TagHash> + '_ {
        self.0.iter().map(hash_of_tag)
    }

    pub(crate) fn has(&self, hash: TagHash) -> bool {
        self.hashes().any(|one| one == hash)
    }
}

/// Why a call has no tags though its function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTags {
    Panicked,
    TooMany,
}

impl NoTags {
    pub(crate) fn why(self) -> String {
        match self {
            Self::Panicked => "its `tags` panicked".into(),
            Self::TooMany => format!("it has more than {MAX} tags"),
        }
    }
}

/// The tags of a call, as its attribute lists them: `TagList::new().and(&a).and(&b)`.
#[derive(Debug, Default)]
pub struct TagList(Vec<Tag>);

impl TagList {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// These as well.
    #[must_use]
    pub fn and<T: Tagging + ?Sized>(mut self, tags: &T) -> Self {
        tags.each(&mut |text| {
            // One more than there may be says that there are too many.
            if self.0.len() <= MAX {
                self.0.push(tag_of(text));
            }
        });
        self
    }

    fn checked(mut self) -> Result<Tags, NoTags> {
        self.0.sort_unstable();
        self.0.dedup();
        if self.0.len() > MAX {
            return Err(NoTags::TooMany);
        }
        Ok(Tags(Arc::new(self.0)))
    }
}

/// What can be tags: a text, or several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tag: it is neither a text nor a collection of texts",
    label = "neither a text nor a collection of texts",
    note = "a tag is a `&str` or a `String`, or an `Option`, `Vec`, array, slice, `HashSet` or `BTreeSet` of them: \
            `tags(format!(\"user:{{id}}\"))`"
)]
pub trait Tagging {
    #[doc(hidden)]
    fn each(&self, tell: &mut dyn FnMut(&str));
}

impl Tagging for str {
    fn each(&self, tell: &mut dyn FnMut(&str)) {
        tell(self);
    }
}

impl Tagging for String {
    fn each(&self, tell: &mut dyn FnMut(&str)) {
        tell(self);
    }
}

impl<T: Tagging + ToOwned + ?Sized> Tagging for Cow<'_, T> {
    fn each(&self, tell: &mut dyn FnMut(&str)) {
        (**self).each(tell);
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {
        $(impl<T: Tagging + ?Sized> Tagging for $pointer {
            fn each(&self, tell: &mut dyn FnMut(&str)) {
                (**self).each(tell);
            }
        })*
    };
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Tagging> Tagging for [T] {
    fn each(&self, tell: &mut dyn FnMut(&str)) {
        self.iter().for_each(|one| one.each(tell));
    }
}

impl<T: Tagging, const N: usize> Tagging for [T; N] {
    fn each(&self, tell: &mut dyn FnMut(&str)) {
        self.iter().for_each(|one| one.each(tell));
    }
}

macro_rules! collections {
    ($($collection:ty $(, $hasher:ident)?;)*) => {
        $(impl<T: Tagging $(, $hasher)?> Tagging for $collection {
            fn each(&self, tell: &mut dyn FnMut(&str)) {
                self.into_iter().for_each(|one| one.each(tell));
            }
        })*
    };
}

collections! {
    Option<T>;
    Vec<T>;
    BTreeSet<T>;
    HashSet<T, S>, S;
}

/// The arguments of a call whose results have tags, which are asked for where a key is made.
#[derive(Clone, Copy, Debug)]
pub struct Tagged<A, F> {
    args: A,
    tags: F,
}

/// Adds tags to the arguments of a call.
#[cfg_attr(not(debug_assertions), inline(always))]
pub const fn tagged<A: Args, F: Fn() -> TagList>(args: A, tags: F) -> Tagged<A, F> {
    Tagged { args, tags }
}

impl<A: Args, F: Fn() -> TagList> Args for Tagged<A, F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        self.args.walk(sink)
    }

    fn scope(&self) -> Option<Scope> {
        self.args.scope()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn are_plain() -> bool {
        A::are_plain()
    }

    fn tags(&self) -> Result<Option<Tags>, NoTags> {
        let list = catch(&self.tags).ok_or(NoTags::Panicked)?;
        list.checked().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags_of(list: TagList) -> Vec<Tag> {
        list.checked().unwrap().all().to_vec()
    }

    fn tags(texts: &[&str]) -> Vec<Tag> {
        let mut tags: Vec<_> = texts.iter().map(|text| tag_of(text)).collect();
        tags.sort_unstable();
        tags
    }

    #[test]
    fn texts_and_collections_of_them_are_tags() {
        let list = TagList::new()
            .and("a")
            .and(&String::from("b"))
            .and(&Cow::Borrowed("c"))
            .and(&Some("d"))
            .and(&None::<String>)
            .and(&vec![String::from("e")])
            .and(&["f", "g"])
            .and(&["h"][..])
            .and(&HashSet::from(["i"]))
            .and(&BTreeSet::from(["j".to_owned()]))
            .and(&Arc::<str>::from("k"))
            .and(&&Box::<str>::from("l"));
        assert_eq!(
            tags_of(list),
            tags(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"])
        );
    }

    #[test]
    fn a_tag_that_is_given_twice_is_one_and_an_empty_text_is_one_too() {
        assert_eq!(tags_of(TagList::new().and("a").and(&["a", ""])), tags(&["a", ""]));
        assert!(tags_of(TagList::new().and(&None::<&str>)).is_empty());
    }

    #[test]
    fn more_tags_than_anybody_means_are_refused() {
        let texts: Vec<_> = (0..=MAX).map(|number| number.to_string()).collect();
        assert_eq!(TagList::new().and(&texts).checked().err(), Some(NoTags::TooMany));
        assert_eq!(tags_of(TagList::new().and(&texts[1..])).len(), MAX);
    }

    #[test]
    fn tags_that_panic_are_none() {
        let args = tagged((), || panic!("no tags today"));
        assert_eq!(args.tags().err(), Some(NoTags::Panicked));
        assert!(().tags().unwrap().is_none());
    }
}
