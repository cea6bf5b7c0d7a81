//! How the members of an entity are put into segments: the parameters, without the rows.

/// What is measured of each member before a day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// What, in the order of the parts behind the first one.
    pub measures: Vec<Measured>,
    /// How many scores there are, where the values themselves are not the columns.
    pub scores: Option<u32>,
    /// Which days there are.
    pub days: SegmentDays,
}

/// The days as of whose start members are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentDays {
    /// Those of the rows that look a member up.
    Asked,
    /// All from the day of the first row of any measure to that of the last one.
    All,
}

/// How one thing is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Measured {
    /// What is taken of the rows.
    pub by: MeasuredBy,
    /// Only of rows on so many local days before; of all before where there is none.
    pub days: Option<i64>,
}

/// What a measure takes of the rows before a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MeasuredBy {
    /// The time from the last one to the start of the day: null where there is none.
    Since,
    /// Their number, or that of their values.
    Count,
    /// The number of different values.
    Distinct,
    /// The sum of their values.
    Sum,
}
