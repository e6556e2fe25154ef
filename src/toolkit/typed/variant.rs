//! A variant of an enum without the enum around it: the store has its type already.
//!
//! Serde writes a variant as its name with its contents. Here the name goes, and what is left is
//! written and read as a struct, a tuple, or whatever the variant holds.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, IgnoredAny, VariantAccess, Visitor};
use serde::de::{Deserializer, MapAccess, SeqAccess};
use serde::ser::{Error, Impossible, Serialize, SerializeStruct, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// What an event holds; its variant has to be called so.
pub struct Contents<'a, E> {
    pub event: &'a E,
    pub variant: &'static str,
}

impl<E: Serialize> Serialize for Contents<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.event.serialize(Strip { inner: serializer, variant: self.variant })
    }
}

/// Passes on what stands in a variant, and nothing else.
struct Strip<S> {
    inner: S,
    variant: &'static str,
}

impl<S: Serializer> Strip<S> {
    /// The serializer of what stands in the variant, if it is the one that was said.
    fn into(self, variant: &str) -> Result<S, S::Error> {
        if variant == self.variant {
            return Ok(self.inner);
        }
        Err(S::Error::custom(format_args!(
            "serde calls the variant `{variant}`, `event_types!` calls it `{}`: leave its name to \
             `event_types!`",
            self.variant
        )))
    }
}

fn no_enum<T, E: Error>() -> Result<T, E> {
    Err(E::custom("only an enum, written as serde derives it, can be events"))
}

macro_rules! no_enum {
    ($($name:ident($($type:ty)?))*) => {
        $(fn $name(self, $(_: $type)?) -> Result<Self::Ok, Self::Error> { no_enum() })*
    };
}

impl<S: Serializer> Serializer for Strip<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Tuple<S::SerializeTuple>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Impossible<S::Ok, S::Error>;
    type SerializeStructVariant = Struct<S::SerializeStruct>;

    no_enum! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32)
        serialize_i64(i64) serialize_u8(u8) serialize_u16(u16) serialize_u32(u32)
        serialize_u64(u64) serialize_f32(f32) serialize_f64(f64) serialize_char(char)
        serialize_str(&str) serialize_bytes(&[u8]) serialize_none() serialize_unit()
        serialize_unit_struct(&'static str)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<S::Ok, S::Error> {
        no_enum()
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        no_enum()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.into(variant)?.serialize_struct(variant, 0)?.end()
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(self.into(variant)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        no_enum()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, S::Error> {
        no_enum()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        no_enum()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        Ok(Tuple(self.into(variant)?.serialize_tuple(length)?))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        no_enum()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        no_enum()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        Ok(Struct(self.into(variant)?.serialize_struct(variant, length)?))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The fields of a tuple variant.
pub struct Tuple<T>(T);

impl<T: serde::ser::SerializeTuple> serde::ser::SerializeTupleVariant for Tuple<T> {
    type Ok = T::Ok;
    type Error = T::Error;

    fn serialize_field<V: ?Sized + Serialize>(&mut self, value: &V) -> Result<(), T::Error> {
        self.0.serialize_element(value)
    }

    fn end(self) -> Result<T::Ok, T::Error> {
        self.0.end()
    }
}

/// The fields of a struct variant.
pub struct Struct<T>(T);

impl<T: SerializeStruct> serde::ser::SerializeStructVariant for Struct<T> {
    type Ok = T::Ok;
    type Error = T::Error;

    fn serialize_field<V: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &V,
    ) -> Result<(), T::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), T::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<T::Ok, T::Error> {
        self.0.end()
    }
}

/// Makes an event of this variant out of what it holds.
pub struct Variant<E> {
    pub name: &'static str,
    pub events: PhantomData<E>,
}

impl<'de, E: serde::Deserialize<'de>> DeserializeSeed<'de> for Variant<E> {
    type Value = E;

    fn deserialize<D: Deserializer<'de>>(self, contents: D) -> Result<E, D::Error> {
        E::deserialize(Wrap { contents, variant: self.name })
    }
}

/// What stands in a variant, with the variant around it again.
struct Wrap<D> {
    contents: D,
    variant: &'static str,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Wrap<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        self.contents.is_human_readable()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for Wrap<D> {
    type Error = D::Error;
    type Variant = Held<D>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Held<D>), D::Error> {
        let variant = seed.deserialize(StrDeserializer::new(self.variant))?;
        Ok((variant, Held(self.contents)))
    }
}

/// What a variant holds.
struct Held<D>(D);

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Held<D> {
    type Error = D::Error;

    fn unit_variant(self) -> Result<(), D::Error> {
        self.0.deserialize_struct("", &[], Anything)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct("", fields, visitor)
    }
}

/// What a variant without contents may hold: it is not looked at.
struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing, or fields that are not looked at")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
