//! A Sankey diagram: what flows from step to step, each thing a bar, each flow a band as wide as it is great.

use std::collections::BTreeMap;

use super::{CHARACTER, WIDTH, add, escaped, heading, shortened, value_text};
use crate::plan::DataType;
use crate::table::Answer;
use crate::table::flow::Flow;

/// The height of the layer with the most, without the gaps between its bars.
const HEIGHT: f64 = 300.0;
/// The gap between bars, which has room for a label.
const GAP: f64 = 16.0;
/// The width of a bar.
const BAR: f64 = 10.0;
/// The most bars of a layer; the least are one.
const MOST_BARS: usize = 12;
/// How many colours there are.
const COLOURS: usize = 8;

/// A bar: what is at a step.
struct Node {
    name: String,
    value: f64,
    top: f64,
    /// How far bands have filled it from both sides.
    filled: [f64; 2],
}

/// A step with its bars, the greatest first, and the place of the bar of each name.
struct Layer {
    nodes: Vec<Node>,
    places: BTreeMap<String, usize>,
}

impl Layer {
    /// The bars of what comes in and goes out, by name.
    fn of(values: BTreeMap<&str, [f64; 2]>) -> Layer {
        let mut all: Vec<(&str, f64)> = values.into_iter().map(|(name, [into, out])| (name, into.max(out))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        let shown = if all.len() > MOST_BARS { MOST_BARS - 1 } else { all.len() };
        let node = |name: String, value: f64| Node { name, value, top: 0.0, filled: [0.0; 2] };
        let mut nodes: Vec<Node> = all[..shown].iter().map(|(name, value)| node((*name).to_owned(), *value)).collect();
        if shown < all.len() {
            let rest = &all[shown..];
            nodes.push(node(format!("{} more", rest.len()), rest.iter().map(|(_, value)| value).sum()));
        }
        let places = all.iter().enumerate().map(|(at, (name, _))| ((*name).to_owned(), at.min(shown))).collect();
        Layer { nodes, places }
    }

    fn total(&self) -> f64 {
        self.nodes.iter().map(|node| node.value).sum()
    }
}

/// Draws it. Gives where the next panel starts.
pub fn diagram(body: &mut String, answer: &Answer, flow: &Flow, top: f64) -> f64 {
    let column = &answer.columns[flow.metric];
    heading(body, column, top + 16.0);
    let first = flow.links.iter().map(|link| link.step).min().unwrap_or(1);
    let mut values: BTreeMap<i64, BTreeMap<&str, [f64; 2]>> = BTreeMap::new();
    for link in &flow.links {
        values.entry(link.step).or_default().entry(&link.from).or_default()[1] += link.value;
        values.entry(link.step + 1).or_default().entry(&link.to).or_default()[0] += link.value;
    }
    let mut layers: BTreeMap<i64, Layer> = values.into_iter().map(|(step, values)| (step, Layer::of(values))).collect();
    let most = layers.values().map(Layer::total).fold(0.0, f64::max);
    let scale = if most > 0.0 { HEIGHT / most } else { 0.0 };
    let last = layers.keys().next_back().copied().unwrap_or(first);
    let apart = (WIDTH - 48.0 - BAR) / (last - first).max(1) as f64;
    let x = |step: i64| 24.0 + apart * (step - first) as f64;
    let below = top + 52.0;
    let mut bottom = below;
    for layer in layers.values_mut() {
        let mut y = below;
        for node in &mut layer.nodes {
            node.top = y;
            y += (node.value * scale).max(1.0) + GAP;
        }
        bottom = f64::max(bottom, y);
    }
    bands(body, flow, &mut layers, scale, &x);
    let mut colours = Colours::default();
    for (step, layer) in &layers {
        let is_last = *step == last;
        if flow.has_steps {
            label(body, &format!("step {step}"), (x(*step), top + 40.0), is_last, true);
        }
        for node in &layer.nodes {
            let (y, height) = (node.top, (node.value * scale).max(1.0));
            let text = format!("{} {}", shortened(&node.name), value_text(node.value, &DataType::Int));
            add(
                body,
                format_args!(
                    "<rect class=\"bar s{}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{BAR}\" height=\"{height:.1}\"><title>{}</title></rect>",
                    colours.of(&node.name),
                    x(*step),
                    escaped(&text)
                ),
            );
            let room = ((apart - BAR - 12.0) / CHARACTER).max(4.0) as usize;
            let short: String =
                if text.chars().count() > room { text.chars().take(room - 1).chain(['…']).collect() } else { text };
            label(body, &short, (x(*step), y + height / 2.0 + 4.0), is_last, false);
        }
    }
    bottom + 12.0
}

/// The flows, from bar to bar. Each bar is filled from its top, in the order of the other ends.
fn bands(body: &mut String, flow: &Flow, layers: &mut BTreeMap<i64, Layer>, scale: f64, x: &impl Fn(i64) -> f64) {
    let mut all: BTreeMap<(i64, usize, usize), f64> = BTreeMap::new();
    for link in &flow.links {
        let place = |step: i64, name: &str| layers.get(&step).and_then(|layer| layer.places.get(name)).copied();
        let (Some(from), Some(to)) = (place(link.step, &link.from), place(link.step + 1, &link.to)) else { continue };
        *all.entry((link.step, from, to)).or_default() += link.value;
    }
    let mut colours = Colours::default();
    // Colours are given in the order in which bars are drawn.
    for layer in layers.values() {
        for node in &layer.nodes {
            colours.of(&node.name);
        }
    }
    for ((step, from, to), value) in all {
        let width = (value * scale).max(0.5);
        let mut end = |step: i64, place: usize, side: usize| {
            let node = layers.get_mut(&step).map(|layer| &mut layer.nodes[place])?;
            let y = node.top + node.filled[side] + width / 2.0;
            node.filled[side] += value * scale;
            Some((node.name.clone(), y))
        };
        let (Some((from, y0)), Some((to, y1))) = (end(step, from, 1), end(step + 1, to, 0)) else { continue };
        let (x0, x1) = (x(step) + BAR, x(step + 1));
        let middle = f64::midpoint(x0, x1);
        add(
            body,
            format_args!(
                "<path class=\"line s{}\" style=\"stroke-width:{width:.1};stroke-opacity:.35;stroke-linecap:butt\" \
                 d=\"M{x0:.1} {y0:.1}C{middle:.1} {y0:.1} {middle:.1} {y1:.1} {x1:.1} {y1:.1}\"><title>{} → {}: {}</title></path>",
                colours.of(&from),
                escaped(&from),
                escaped(&to),
                value_text(value, &DataType::Int)
            ),
        );
    }
}

/// A text beside a bar: to its right, of the last layer to its left.
fn label(body: &mut String, text: &str, (x, y): (f64, f64), is_last: bool, above: bool) {
    let (x, class) = match (is_last, above) {
        (true, true) => (x + BAR, "faint end"),
        (false, true) => (x, "faint"),
        (true, false) => (x - 6.0, "end"),
        (false, false) => (x + BAR + 6.0, "start"),
    };
    add(body, format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text)));
}

/// A colour for each name, the same at every step.
#[derive(Default)]
struct Colours(Vec<String>);

impl Colours {
    fn of(&mut self, name: &str) -> usize {
        let place = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        place % COLOURS
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::Value;
    use crate::table::flow::tests::ways;
    use crate::table::plot::plot;

    #[test]
    fn a_flow_is_a_sankey_diagram() {
        let found = plot(&ways(), "edges").expect("a picture");
        assert_eq!(found.matches("<path class=\"line").count(), 4, "{found}");
        assert!(found.contains("<title>home → search: 3</title>"), "{found}");
        // home; search and paid; home and paid again.
        assert_eq!(found.matches("<rect class=\"bar").count(), 5, "{found}");
        for text in [">step 1<", ">step 3<", ">home 4<", ">search 3<", ">paid 1<"] {
            assert!(found.contains(text), "{text}: {found}");
        }
        // Three of four, of 300 pixels.
        assert!(found.contains("stroke-width:225.0"), "{found}");
    }

    #[test]
    fn the_least_of_many_are_one() {
        let mut answer = ways();
        let text = |text: String| Value::String(text);
        answer.rows = (0..40)
            .map(|at| {
                vec![Value::Int(1), text("<home>".to_owned()), text(format!("page{at:02}")), Value::Int(100 - at)]
            })
            .collect();
        let found = plot(&answer, "edges").expect("a picture");
        assert_eq!(found.matches("<rect class=\"bar").count(), 13, "{found}");
        assert_eq!(found.matches("<path class=\"line").count(), 12, "{found}");
        assert!(found.contains(">29 more ") && found.contains("&lt;home&gt;") && !found.contains("NaN"), "{found}");
    }
}
