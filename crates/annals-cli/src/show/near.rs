//! Names that somebody may have meant.

/// Names that are looked at.
const MOST: usize = 1_000_000;
/// Names that are shown.
const SHOWN: usize = 3;

/// The names nearest to what was given, the nearest first; none that are far from it.
pub fn nearest<E>(given: &str, names: impl Iterator<Item = Result<String, E>>) -> Vec<String> {
    let mut near: Vec<(usize, String)> = Vec::new();
    let far = (given.chars().count() / 3).max(2);
    let lower = given.to_lowercase();
    for name in names.take(MOST).map_while(Result::ok) {
        let other = name.to_lowercase();
        let begins = !lower.is_empty() && other.starts_with(&lower);
        let distance = if other == lower {
            0
        } else if begins {
            1
        } else if other.chars().count().abs_diff(lower.chars().count()) > far {
            continue;
        } else {
            strsim::osa_distance(&lower, &other)
        };
        if distance > far {
            continue;
        }
        let place = near.partition_point(|(other, _)| *other <= distance);
        if place < SHOWN {
            near.insert(place, (distance, name));
            near.truncate(SHOWN);
        }
    }
    near.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &str) -> Vec<String> {
        let names = ["order-1", "order-2", "Order-11", "invoice-1", "o"];
        nearest(given, names.map(|name| Ok::<_, ()>(name.to_owned())).into_iter())
    }

    #[test]
    fn near_names_come_first_and_far_ones_not_at_all() {
        assert_eq!(of("ordr-2"), ["order-2", "order-1"]);
        assert_eq!(of("ORDER-1").first().map(String::as_str), Some("order-1"));
        assert!(of("something else").is_empty());
    }
}
