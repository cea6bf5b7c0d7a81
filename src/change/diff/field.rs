//! What is different in a definition: one field, as it was and as it is.

/// How much a difference weighs for those who use the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// No number, name or column is different: titles, descriptions, order, layout.
    Cosmetic,
    /// There is more than before, and nothing that was there is another: a new metric, dimension or grain.
    Compatible,
    /// Numbers may be others.
    Caliber,
    /// Something that was there is gone, or can't be read as before: a name, a unit, a type, a dimension, a grain.
    Breaking,
}

impl Class {
    /// All of them, the heaviest first.
    pub const ALL: [Class; 4] = [Class::Breaking, Class::Caliber, Class::Compatible, Class::Cosmetic];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Class::Cosmetic => "cosmetic",
            Class::Compatible => "compatible",
            Class::Caliber => "caliber",
            Class::Breaking => "breaking",
        }
    }
}

/// What part of a definition a field is, in words that do not depend on the kind of the declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Aspect {
    Rows,
    Filter,
    /// A condition that keeps rows or attempts out.
    Exclusion,
    Aggregation,
    Input,
    Formula,
    /// Which of the rows with one key counts.
    Dedup,
    TimeColumn,
    Window,
    TimeZone,
    WeekStart,
    Unit,
    Type,
    Additivity,
    Fill,
    Grain,
    Dimensions,
    Serve,
    Comparison,
    /// Who may see it.
    Sensitivity,
    /// What the name or the text of it is.
    About,
    /// An item of a table of behaviour or of another declaration.
    Definition,
}

impl Aspect {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Aspect::Rows => "rows",
            Aspect::Filter => "filter",
            Aspect::Exclusion => "exclusion",
            Aspect::Aggregation => "aggregation",
            Aspect::Input => "input",
            Aspect::Formula => "formula",
            Aspect::Dedup => "dedup",
            Aspect::TimeColumn => "time column",
            Aspect::Window => "window",
            Aspect::TimeZone => "time zone",
            Aspect::WeekStart => "week start",
            Aspect::Unit => "unit",
            Aspect::Type => "type",
            Aspect::Additivity => "additivity",
            Aspect::Fill => "fill",
            Aspect::Grain => "grain",
            Aspect::Dimensions => "dimensions",
            Aspect::Serve => "serve",
            Aspect::Comparison => "compare",
            Aspect::Sensitivity => "sensitivity",
            Aspect::About => "about",
            Aspect::Definition => "definition",
        }
    }
}

/// A field that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// How much it weighs.
    pub class: Class,
    /// What part it is.
    pub aspect: Aspect,
    /// What it is called where it is written (`within`, `step pay`), or which part of a formula it is of (`denominator`); may be empty.
    pub of: String,
    /// What was there; none where there was nothing.
    pub old: Option<String>,
    /// What is there.
    pub new: Option<String>,
}

impl Field {
    /// One that changes numbers.
    pub fn caliber(aspect: Aspect, of: &str, old: Option<String>, new: Option<String>) -> Field {
        Field { class: Class::Caliber, aspect, of: of.to_owned(), old, new }
    }

    /// What it is called: `filter`, or `filter of the denominator`.
    pub fn name(&self) -> String {
        match (self.aspect, self.of.as_str()) {
            (Aspect::Definition | Aspect::About, of) if !of.is_empty() => of.to_owned(),
            (aspect, "") => aspect.word().to_owned(),
            (aspect, of) => format!("{} ({of})", aspect.word()),
        }
    }
}
