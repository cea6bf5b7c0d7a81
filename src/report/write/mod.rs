//! How reports are written: for terminals, pages, chats, mail, workbooks and programs.

mod figures;
mod html;
mod json;
mod markdown;
mod page;
mod png;
mod text;
mod words;
mod workbook;

pub use figures::Kind;
pub use html::{Picture, html, mail};
pub use json::json;
pub use markdown::{entries, markdown};
pub use page::{Cell, Chapter, Page, PartOf, Section, Table, Tone};
pub use png::{HEIGHT, WIDTH, png};
pub use text::{Marks, spark, text};
pub use words::Words;
pub use workbook::workbook;
