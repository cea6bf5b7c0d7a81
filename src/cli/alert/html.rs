//! Blocks as one page that needs nothing else.

use std::sync::OnceLock;

use minijinja::{AutoEscape, Environment, Value as Given, context};

use super::page::{self, Block, Chart, Page};
use crate::table::plot::{self, Overview, Timeline, timeline};
use crate::template;

const STYLE: &str =
    concat!(include_str!("../../../targets/site/style.css"), include_str!("../../../targets/site/verdicts.css"));
const PAGE: &str = include_str!("../../../targets/alert/page.html");

fn environment() -> &'static Environment<'static> {
    static MADE: OnceLock<Environment<'static>> = OnceLock::new();
    MADE.get_or_init(|| {
        template::environment(&[("page", PAGE)], |environment| {
            environment.set_auto_escape_callback(|_| AutoEscape::Html);
        })
    })
}

/// The page of all blocks.
pub fn html(page: &Page) -> String {
    let blocks: Vec<Given> = page.blocks.iter().map(|of| block(page, of)).collect();
    let style = Given::from_safe_string(STYLE.to_owned());
    template::render(environment(), "page", context! { title => page.title.as_str(), style, blocks })
}

fn block(page: &Page, block: &Block) -> Given {
    let table = block.table.as_ref().map(|(heads, rows)| {
        let class = |is_number: bool| if is_number { "num" } else { "" };
        let heads_given: Vec<Given> =
            heads.iter().map(|(text, is_number)| context! { text => *text, class => class(*is_number) }).collect();
        let row = |row: &Vec<String>| -> Vec<Given> {
            let cells = row.iter().zip(heads);
            cells.map(|(text, (_, is_number))| context! { text, class => class(*is_number) }).collect()
        };
        context! { heads => heads_given, rows => rows.iter().map(row).collect::<Vec<_>>() }
    });
    context! {
        title => block.title.as_deref(),
        above => block.above.clone(),
        overview => block.overview.as_ref().map(|of| overview(page, of)),
        table,
        below => block.below.clone(),
        charts => block.charts.iter().map(|of| chart(page, of)).collect::<Vec<_>>(),
    }
}

fn known(of: &[(i64, i64, String)]) -> Vec<(i64, i64, &str)> {
    of.iter().map(|(from, to, name)| (*from, *to, name.as_str())).collect()
}

fn overview(page: &Page, of: &page::Overview) -> Given {
    let known = known(&of.known);
    let drawn =
        plot::overview(&Overview { title: &of.title, rows: &of.rows, known: &known, span: page.span, zone: page.zone });
    context! { title => of.title.as_str(), picture => Given::from_safe_string(drawn) }
}

fn chart(page: &Page, of: &Chart) -> Given {
    let known = known(&of.known);
    let drawn = timeline(&Timeline {
        title: &of.title,
        points: &of.points,
        limits: &of.limits,
        fires: &of.fires,
        known: &known,
        span: page.span,
        zone: page.zone,
    });
    context! { title => of.title.as_str(), picture => Given::from_safe_string(drawn) }
}
