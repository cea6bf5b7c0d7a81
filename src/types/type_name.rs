//! Types as they are written, and as they are shown to people.

use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{TypeArgument, TypeName};

use crate::suggest::near;

use super::listed::some_of;
use super::{Encoding, Table, TableId, Type};

/// The most digits of a decimal.
pub const MAX_DIGITS: u8 = 38;

const WORDS: [&str; 11] =
    ["bool", "int", "float", "decimal", "string", "enum", "date", "timestamp", "duration", "array", "map"];

/// The type that `name` stands for, whether it is nullable, and how a column of it is stored.
///
/// `entity` finds an entity's table by its name; `names` are the entities, for suggestions.
pub fn type_name(
    name: &TypeName,
    entity: &dyn Fn(&str) -> Option<TableId>,
    names: &[&str],
    d: &mut Diagnostics,
) -> Option<(Type, bool, Encoding)> {
    let reader = Reader { entity, names };
    let (ty, encoding) = reader.read(name, d)?;
    Some((ty, name.nullable, encoding))
}

struct Reader<'a> {
    entity: &'a dyn Fn(&str) -> Option<TableId>,
    names: &'a [&'a str],
}

impl Reader<'_> {
    fn read(&self, name: &TypeName, d: &mut Diagnostics) -> Option<(Type, Encoding)> {
        let arguments = &name.arguments;
        let native = |ty| Some((ty, Encoding::Native));
        let simple = match name.name.as_str() {
            "bool" => Type::Bool,
            "int" => Type::Int,
            "float" => Type::Float,
            "string" => Type::String,
            "date" => Type::Date,
            "timestamp" => return stored_as_milliseconds(Type::Timestamp, name, d),
            "duration" => return stored_as_milliseconds(Type::Duration, name, d),
            "decimal" => return native(decimal(name, d)?),
            "enum" => return native(enumeration(name, d)?),
            "array" => return native(Type::Array(Box::new(self.item(name, arguments.first(), 1, d)?))),
            "map" => return native(self.map(name, d)?),
            other => match (self.entity)(other) {
                Some(id) => Type::Entity(id),
                None => {
                    d.push(self.unknown(name));
                    return None;
                }
            },
        };
        if !arguments.is_empty() {
            d.push(error!(E0303, name.span, "`{}` takes nothing in brackets", name.name.value;
                help: ("write `{}`", name.name.value)));
            return None;
        }
        native(simple)
    }

    fn unknown(&self, name: &TypeName) -> crate::diagnostic::Diagnostic {
        let word = name.name.as_str();
        let familiar = match word.to_lowercase().as_str() {
            "text" | "varchar" | "char" | "str" | "utf8" => Some("string"),
            "integer" | "bigint" | "int64" | "int32" | "uint64" | "long" | "smallint" => Some("int"),
            "double" | "float64" | "float32" | "real" | "number" => Some("float"),
            "numeric" => Some("decimal"),
            "boolean" => Some("bool"),
            "datetime" | "datetime64" | "timestamptz" | "instant" | "time" => Some("timestamp"),
            "interval" => Some("duration"),
            "list" => Some("array"),
            _ => None,
        };
        let guess = familiar.or_else(|| near(word, WORDS.into_iter().chain(self.names.iter().copied())));
        let help = match guess {
            Some(guess) => format!("did you mean `{guess}`?"),
            None if self.names.is_empty() => format!("the types are {}, or an entity", WORDS.join(", ")),
            None => format!("a type is one of {}, or an entity: {}", WORDS.join(", "), {
                some_of(self.names.iter().copied())
            }),
        };
        error!(E0302, name.name.span, "no type or entity named `{word}`"; help: help)
    }

    fn map(&self, name: &TypeName, d: &mut Diagnostics) -> Option<Type> {
        match name.arguments.first() {
            Some(TypeArgument::Type(key)) if key.name.as_str() == "string" && !key.nullable => {}
            Some(TypeArgument::Type(key)) => {
                d.push(error!(E0303, key.span, "the keys of a map are strings"; help: "write `map(string, …)`"));
                return None;
            }
            _ => {
                d.push(error!(E0303, name.span, "`map` takes a key type and a value type";
                    help: "write `map(string, string)`"));
                return None;
            }
        }
        Some(Type::Map(Box::new(self.item(name, name.arguments.get(1), 2, d)?)))
    }

    /// The type inside `array(…)` or `map(string, …)`.
    fn item(
        &self,
        outer: &TypeName,
        argument: Option<&TypeArgument>,
        count: usize,
        d: &mut Diagnostics,
    ) -> Option<Type> {
        let word = outer.name.as_str();
        let example = if word == "map" { "map(string, string)" } else { "array(string)" };
        let Some(TypeArgument::Type(item)) = argument.filter(|_| outer.arguments.len() == count) else {
            d.push(error!(E0303, outer.span, "`{word}` takes {}", if count == 1 { "one type" } else { "two types" };
                help: ("write `{example}`")));
            return None;
        };
        if item.nullable {
            d.push(error!(E0303, item.span, "the values of `{word}` are not marked with `?`";
                help: "leave the `?` out: an element that is not there is null anyway"));
            return None;
        }
        let (ty, encoding) = self.read(item, d)?;
        if matches!(ty, Type::Entity(_)) {
            d.push(error!(E0303, item.span, "`{word}` can't hold entities: a row has at most one of each";
                help: "write the type of the key, or use a source with one row for each pair"));
            return None;
        }
        if encoding != Encoding::Native {
            d.push(error!(E0303, item.span, "`(ms)` is the stored form of a whole column";
                help: ("write `int` or `{}`", item.name.value)));
            return None;
        }
        Some(ty)
    }
}

fn stored_as_milliseconds(ty: Type, name: &TypeName, d: &mut Diagnostics) -> Option<(Type, Encoding)> {
    match name.arguments.as_slice() {
        [] => Some((ty, Encoding::Native)),
        [TypeArgument::Type(unit)] if unit.name.as_str() == "ms" && unit.arguments.is_empty() && !unit.nullable => {
            Some((ty, Encoding::Milliseconds))
        }
        _ => {
            d.push(error!(E0303, name.span, "`{}` takes nothing or `ms` in brackets", name.name.value;
                help: ("write `{0}` for the warehouse's own type, `{0}(ms)` for an integer of milliseconds", name.name.value)));
            None
        }
    }
}

fn decimal(name: &TypeName, d: &mut Diagnostics) -> Option<Type> {
    let [TypeArgument::Int(precision), TypeArgument::Int(scale)] = name.arguments.as_slice() else {
        d.push(error!(E0303, name.span, "`decimal` takes the digits in all and the digits behind the point";
            help: "write `decimal(18,2)`"));
        return None;
    };
    if !(1..=i64::from(MAX_DIGITS)).contains(&precision.value) {
        d.push(error!(E0303, precision.span, "a decimal has 1 to {MAX_DIGITS} digits, not {}", precision.value;
            help: "write `decimal(18,2)` or `decimal(38,6)`"));
        return None;
    }
    if !(0..=precision.value).contains(&scale.value) {
        d.push(error!(E0303, scale.span, "{} of {} digits can't stand behind the point", scale.value, precision.value;
            help: ("write a number from 0 to {}", precision.value)));
        return None;
    }
    Some(Type::Decimal { precision: precision.value as u8, scale: scale.value as u8 })
}

fn enumeration(name: &TypeName, d: &mut Diagnostics) -> Option<Type> {
    let mut values: Vec<String> = Vec::with_capacity(name.arguments.len());
    let mut good = true;
    for argument in &name.arguments {
        let TypeArgument::String(value) = argument else {
            d.push(error!(E0303, argument_span(argument), "the values of an enum are strings";
                help: "write `enum(\"web\", \"ios\")`"));
            return None;
        };
        if values.contains(&value.value) {
            d.push(error!(E0304, value.span, "`{}` is twice in this enum", value.value; help: "remove one of them"));
            good = false;
        } else {
            values.push(value.value.clone());
        }
    }
    if values.is_empty() {
        d.push(
            error!(E0303, name.span, "an enum needs its values"; help: "write `enum(\"web\", \"ios\")`, or `string`"),
        );
        return None;
    }
    good.then(|| Type::Enum(Arc::new(values)))
}

fn argument_span(argument: &TypeArgument) -> Span {
    match argument {
        TypeArgument::Type(name) => name.span,
        TypeArgument::Int(number) => number.span,
        TypeArgument::String(text) => text.span,
    }
}

/// A type as its author would write it; long enums are cut.
pub fn show_type(ty: &Type, tables: &[Table]) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::Int => "int".to_owned(),
        Type::Float => "float".to_owned(),
        Type::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        Type::String => "string".to_owned(),
        Type::Enum(values) => {
            let mut shown: Vec<String> = values.iter().take(4).map(|value| format!("\"{value}\"")).collect();
            if values.len() > 4 {
                shown.push("…".to_owned());
            }
            format!("enum({})", shown.join(", "))
        }
        Type::Date => "date".to_owned(),
        Type::Timestamp => "timestamp".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Array(item) => format!("array({})", show_type(item, tables)),
        Type::Map(item) => format!("map(string, {})", show_type(item, tables)),
        Type::Entity(id) => tables.get(id.0).map_or_else(|| "entity".to_owned(), |table| table.name.value.clone()),
        Type::Null => "null".to_owned(),
    }
}

/// The name of a type with its article, for a sentence: an `int`, a `string`.
pub fn with_article(shown: &str) -> String {
    match shown {
        "null" => "`null`".to_owned(),
        _ if shown.starts_with(['a', 'e', 'i', 'o']) => format!("an `{shown}`"),
        _ => format!("a `{shown}`"),
    }
}

#[cfg(test)]
mod tests {
    use crate::types::testing::{WORLD, tables, tables_of};
    use crate::types::{Encoding, Type};

    use super::{show_type, with_article};

    #[test]
    fn a_type_in_a_sentence_has_its_article() {
        let shown = ["int", "enum(\"a\")", "string", "user", "order", "用户", "null"].map(with_article);
        assert_eq!(
            shown,
            ["an `int`", "an `enum(\"a\")`", "a `string`", "a `user`", "an `order`", "a `用户`", "`null`"]
        );
    }

    fn column(ty: &str) -> String {
        let text = format!(
            "entity user {{\n  table: \"u\"\n  key: id\n  column id: string\n}}\nsource s {{\n  column c: {ty}\n}}\n"
        );
        let (tables, d) = tables_of(&text);
        if let Some(found) = d.iter().next() {
            return format!("{} {}", found.code, found.help.clone().unwrap_or_default());
        }
        let column = &tables[1].columns[0];
        let encoding = if column.encoding == Encoding::Milliseconds { " ms" } else { "" };
        let nullable = if column.ty.nullable { "?" } else { "" };
        format!("{}{nullable}{encoding}", show_type(&column.ty.ty, &tables))
    }

    #[test]
    fn types_are_read_as_they_are_written() {
        for ty in [
            "bool",
            "int",
            "float",
            "string?",
            "decimal(18,2)",
            "decimal(38,38)",
            "enum(\"a\", \"b\")",
            "date",
            "timestamp?",
            "duration",
            "array(string)",
            "map(string, int)",
            "array(array(int))",
            "user?",
        ] {
            assert_eq!(column(ty), ty);
        }
        assert_eq!(column("timestamp(ms)"), "timestamp ms");
        assert_eq!(column("duration(ms)?"), "duration? ms");
    }

    #[test]
    fn wrong_brackets_are_refused() {
        for ty in [
            "decimal",
            "decimal(39,2)",
            "decimal(0,0)",
            "decimal(4,5)",
            "decimal(18)",
            "int(8)",
            "enum(a)",
            "array(string?)",
            "array(user)",
            "array(timestamp(ms))",
            "map(int, string)",
            "map(string)",
            "timestamp(us)",
            "user(1)",
        ] {
            assert_eq!(&column(ty)[..5], "E0303", "{ty}");
        }
        assert_eq!(&column("enum(\"a\", \"a\")")[..5], "E0304");
    }

    #[test]
    fn unknown_types_get_a_suggestion() {
        assert_eq!(column("varchar"), "E0302 did you mean `string`?");
        assert_eq!(column("strng"), "E0302 did you mean `string`?");
        assert_eq!(column("usr"), "E0302 did you mean `user`?");
        assert!(column("nonsense").starts_with("E0302 a"), "{}", column("nonsense"));
    }

    #[test]
    fn long_enums_are_cut_where_they_are_shown() {
        let tables = tables(WORLD);
        let values = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(show_type(&Type::Enum(values.into()), &tables), "enum(\"a\", \"b\", \"c\", \"d\", …)");
    }
}
