//! What tags an event gets.

use super::Metadata;

/// Says what tags an event gets, from what it says and from its metadata. Any function of the two
/// is one; a codec asks all that it was given.
pub trait TagResolver<E>: Send + Sync {
    /// Adds tags to those that there are. One that is there already does no harm.
    fn resolve(&self, event: &E, metadata: &Metadata, tags: &mut Vec<String>);
}

impl<E, F: Fn(&E, &Metadata) -> Vec<String> + Send + Sync> TagResolver<E> for F {
    fn resolve(&self, event: &E, metadata: &Metadata, tags: &mut Vec<String>) {
        tags.extend(self(event, metadata));
    }
}

/// Makes tags of what metadata has under some keys: `customer` with the text `7` becomes
/// `customer:7`. What is no text or number, and keys that are not there, give no tag.
#[derive(Clone, Debug)]
pub struct MetadataTags {
    keys: Vec<String>,
}

impl MetadataTags {
    /// Of these keys.
    pub fn of<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect() }
    }
}

impl<E> TagResolver<E> for MetadataTags {
    fn resolve(&self, _: &E, metadata: &Metadata, tags: &mut Vec<String>) {
        for key in &self.keys {
            match metadata.value(key) {
                Some(serde_json::Value::String(text)) => tags.push(format!("{key}:{text}")),
                Some(serde_json::Value::Number(number)) => tags.push(format!("{key}:{number}")),
                _ => {}
            }
        }
    }
}
